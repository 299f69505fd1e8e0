/** What a NAR holds: its listing as Nix writes it (`<hash>.ls`), and the debug files that can be found by build id. */

import type { NarFile, NarVisitor } from '../../domain/nix/nar-read.ts';

/** A file of debug symbols in a NAR. */
export interface DebugFile {
  /** 40 hexadecimal digits. */
  readonly buildId: string;
  /** Its path in the NAR: `lib/debug/.build-id/xx/….debug`. */
  readonly member: string;
}

export interface ListingBuilder {
  readonly visitor: NarVisitor;
  /** `{"version":1,"root":…}`; `null` where names are no UTF-8, which JSON cannot say, or where there are too many. */
  listing(): string | null;
  debugFiles(): readonly DebugFile[];
}

/** Some hundred bytes of text each; whoever wants more reads the NAR. */
const MAX_ENTRIES = 1_000_000;
const DEBUG_FILE = /^lib\/debug\/\.build-id\/([0-9a-f]{2})\/([0-9a-f]{38})\.debug$/;

/** Gathers the text piece by piece: a tree of objects would take ten times its memory. */
export function createListingBuilder(): ListingBuilder {
  let pieces: string[] | null = ['{"version":1,"root":'];
  let entries = 0;
  const folders: { readonly name: string; count: number }[] = [];
  const debugFiles: DebugFile[] = [];

  const begin = (name: Buffer | null): string => {
    const text = name === null ? '' : name.toString();
    const exact = name === null || Buffer.from(text).equals(name);
    if (++entries > MAX_ENTRIES || !exact) pieces = null;
    const folder = folders.at(-1);
    if (folder !== undefined) pieces?.push(`${folder.count++ > 0 ? ',' : ''}${JSON.stringify(text)}:`);
    return text;
  };
  const visitor: NarVisitor = {
    directoryStart: (name) => {
      folders.push({ name: begin(name), count: 0 });
      pieces?.push('{"type":"directory","entries":{');
    },
    directoryEnd: () => {
      folders.pop();
      pieces?.push('}}');
    },
    file: (name, { executable, size, offset }: NarFile) => {
      const text = begin(name);
      pieces?.push(
        `{"type":"regular","size":${size},${executable ? '"executable":true,' : ''}"narOffset":${offset}}`,
      );
      // The depth is compared first: most files of most packages need no path.
      if (folders.length !== 5 || !text.endsWith('.debug')) return;
      const member = [...folders.slice(1).map((folder) => folder.name), text].join('/');
      const [, first, rest] = DEBUG_FILE.exec(member) ?? [];
      if (first !== undefined && rest !== undefined) debugFiles.push({ buildId: first + rest, member });
    },
    symlink: (name, target) => {
      begin(name);
      const text = target.toString();
      if (!Buffer.from(text).equals(target)) pieces = null;
      pieces?.push(`{"type":"symlink","target":${JSON.stringify(text)}}`);
    },
  };
  return {
    visitor,
    listing: () => (pieces === null ? null : `${pieces.join('')}}`),
    debugFiles: () => debugFiles,
  };
}
