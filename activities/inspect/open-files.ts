/** Files as byte sources; few are open at a time, however many there are. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import type { ByteSource } from '../../domain/elf/byte-source.ts';

export interface OpenFiles extends Disposable {
  open(path: string): ByteSource;
}

/** A process may hold 1,024 files open by default. */
const MOST_OPEN = 128;
/** Headers and tables are read field by field: one read of the file serves them all. */
const START_BYTES = 8192;

export function createOpenFiles(): OpenFiles {
  const descriptors = new LRUCache<string, number>({
    max: MOST_OPEN,
    dispose: (descriptor) => closeSync(descriptor),
  });
  const descriptorOf = (path: string): number => {
    const known = descriptors.get(path);
    if (known !== undefined) return known;
    const descriptor = openSync(path, 'r');
    descriptors.set(path, descriptor);
    return descriptor;
  };
  return {
    open: (path) => {
      const { size } = fstatSync(descriptorOf(path));
      const read = (offset: number, length: number): Uint8Array => {
        const bytes = Buffer.allocUnsafe(length);
        for (let done = 0; done < length;) {
          const count = readSync(descriptorOf(path), bytes, done, length - done, offset + done);
          if (count === 0) throw new Error(`${path} became shorter while it was read`);
          done += count;
        }
        return bytes;
      };
      let start: Uint8Array | undefined;
      return {
        size,
        read: (offset, length) => {
          if (offset + length > START_BYTES) return read(offset, length);
          start ??= read(0, Math.min(START_BYTES, size));
          return start.subarray(offset, offset + length);
        },
      };
    },
    [Symbol.dispose]: () => descriptors.clear(),
  };
}
