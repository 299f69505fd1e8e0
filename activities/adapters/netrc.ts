/** The file from which Nix takes the token for our cache: options and URLs could be read by every user of the machine. */

import { readFile, rename, writeFile } from 'node:fs/promises';

export interface NetrcOptions {
  readonly file: string;
  /** Caches that want the token. */
  readonly urls: readonly string[];
  readonly token: string;
  /** The machine's own file, which ours takes the place of; its entries stay. */
  readonly inherited: string;
}

/** Writes the file for its owner only, as a whole. @throws Error where the token cannot stand in such a file. */
export async function writeNetrc({ file, urls, token, inherited }: NetrcOptions): Promise<void> {
  if (/[\s"\\]/.test(token))
    throw new Error(
      'the builder token cannot stand in a netrc file: it has white space, a quote or a backslash in it',
    );
  const hosts = new Set(urls.map((url) => new URL(url).hostname.replace(/^\[|\]$/g, '')));
  const others = await readFile(inherited, 'utf8').catch(() => '');
  // curl takes the first entry of a machine.
  const lines = [...hosts].map((host) => `machine ${host} login nixwarp password ${token}\n`);
  await writeFile(`${file}.new`, `${lines.join('')}${others}`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
