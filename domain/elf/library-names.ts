/** Names of libraries that a program asks for while it runs: texts in its read-only data. */

import { isInside } from './byte-source.ts';
import type { ElfFile } from './elf.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Longer than any name that is looked for, so that one across two chunks is met. */
const OVERLAP_BYTES = 512;
const NAME = /\0((?:\/[\w./+-]{1,300}\/)?lib[\w+.-]{1,100}\.so(?:\.\d+){0,4})(?=\0)/g;
const latin1 = new TextDecoder('latin1');

/**
 * Whole texts that name a shared library, as `dlopen` takes them. What a program puts together while it runs
 * (`lib%s.so.%d`) is not found, and a name that is found may never be used.
 */
export function findLibraryNames(elf: ElfFile): string[] {
  const names = new Set<string>();
  for (const { name, offset, size } of elf.sections) {
    if (name !== '.rodata' && !name.startsWith('.rodata.')) continue;
    if (!isInside(elf.source, offset, size)) continue;
    for (let at = 0; at < size; at += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES + OVERLAP_BYTES, size - at);
      // A text may begin with the section.
      const text = (at === 0 ? '\0' : '') + latin1.decode(elf.source.read(offset + at, length));
      for (const [, found = ''] of text.matchAll(NAME)) names.add(found);
    }
  }
  return [...names].toSorted();
}
