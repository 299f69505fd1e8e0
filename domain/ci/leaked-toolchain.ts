/** The one rule that reads no log: a toolchain in a runtime closure (reference: cuda.md §6.2). */

/**
 * Store paths of a runtime closure that are toolchains by the jobset's list.
 * `closure` is without the job's own outputs: a compiler may contain itself.
 */
export function findToolchains(
  closure: readonly string[],
  toolchains: readonly string[],
  matches: (name: string, glob: string) => boolean,
): string[] {
  if (toolchains.length === 0) return [];
  return closure.filter((path) => {
    // `/nix/store/<32 characters>-<name>`
    const name = path.slice(path.lastIndexOf('/') + 1 + 33);
    return toolchains.some((glob) => matches(name, glob));
  });
}
