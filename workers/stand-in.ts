/** Stand-in GPUs: a shim driver, mounted where NixOS has the real one, in a mount namespace that only our Nix sees. */

/** Words before a command that let it, and the builds below it, see `folder` as /run/opengl-driver. None without a folder. */
export function standInPrefix(folder: string | undefined): readonly string[] {
  if (folder === undefined) return [];
  // /run is covered as a whole: nothing of the machine's own is touched, and nothing stays.
  const enter =
    'mount -t tmpfs tmpfs /run && mkdir /run/opengl-driver && mount --bind "$0" /run/opengl-driver && exec "$@"';
  const isRoot = process.getuid?.() === 0;
  const namespace = isRoot ? ['unshare', '--mount'] : ['unshare', '--user', '--map-current-user', '--mount'];
  return [...namespace, '--propagation', 'private', '--', '/bin/sh', '-c', enter, folder];
}
