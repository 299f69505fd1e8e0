/** Hashes of derivations that lie in the local store, as realisations name them. */

import { readFile } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import {
  type DerivationHash,
  hashDerivation,
  hashDerivationForRealisations,
} from '../../domain/nix/derivation-hash.ts';
import { parseDerivationFile } from '../../domain/nix/derivation.ts';
import type { StorePath } from '../../domain/nix/store-path.ts';
import { ifMissing } from './sources/folder.ts';

export interface DerivationHashes {
  /** `undefined` where the derivation, or one that it needs, is not in the store. */
  find(path: StorePath): Promise<DerivationHash | undefined>;
}

const REMEMBERED = 100_000;

export function createDerivationHashes(storeDir: string): DerivationHashes {
  /** As dependents see them. */
  const inner = new LRUCache<StorePath, DerivationHash>({ max: REMEMBERED });

  const read = async (path: StorePath) => {
    const bytes = await readFile(path).catch(ifMissing(undefined));
    return bytes === undefined ? undefined : parseDerivationFile(path, bytes, storeDir);
  };

  /** Inputs first, without recursion: chains of derivations are thousands deep. @returns whether all are there. */
  async function hashInputs(roots: readonly StorePath[]): Promise<boolean> {
    const open = [...roots];
    for (let path = open.at(-1); path !== undefined; path = open.at(-1)) {
      const derivation = inner.has(path) ? undefined : await read(path);
      if (derivation === undefined) {
        if (!inner.has(path)) return false;
        open.pop();
        continue;
      }
      const missing = [...derivation.inputDerivations.keys()].filter((input) => !inner.has(input));
      if (missing.length > 0) open.push(...missing);
      else {
        inner.set(
          path,
          hashDerivation(derivation, (input) => inner.get(input)),
        );
        open.pop();
      }
    }
    return true;
  }

  return {
    find: async (path) => {
      const derivation = await read(path);
      if (derivation === undefined || !(await hashInputs([...derivation.inputDerivations.keys()])))
        return undefined;
      return hashDerivationForRealisations(derivation, (input) => inner.get(input));
    },
  };
}
