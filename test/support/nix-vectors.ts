/** Reads the golden vectors of `test/vectors/nix`, which `make.sh` there made with two versions of Nix. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseDerivationFile } from '../../domain/nix/derivation.ts';
import type { Derivation } from '../../domain/nix/derivation.ts';
import { parseStorePathBaseName } from '../../domain/nix/store-path.ts';
import type { StorePath } from '../../domain/nix/store-path.ts';

export const NIX_VERSIONS = ['2.8', '2.34'] as const;
export type NixVersion = (typeof NIX_VERSIONS)[number];

const FOLDER = join(import.meta.dirname, '..', 'vectors', 'nix');

export function readVectorBytes(...path: string[]): Buffer {
  return readFileSync(join(FOLDER, ...path));
}

export function readVector(...path: string[]): string {
  return readVectorBytes(...path).toString();
}

export function listVectors(...path: string[]): string[] {
  return readdirSync(join(FOLDER, ...path)).toSorted();
}

export interface DerivationVector {
  readonly path: StorePath;
  readonly text: string;
  readonly derivation: Derivation;
}

/** Every `.drv` file of a version but the dynamic one, which is refused; those only a current Nix writes come last. */
export function derivationVectors(version: NixVersion): DerivationVector[] {
  const folders = version === '2.8' ? ['drv'] : ['drv', 'drv-current'];
  return folders.flatMap((folder) =>
    listVectors(version, folder)
      .filter((file) => !file.endsWith('-dynamic.drv'))
      .map((file) => {
        const path = parseStorePathBaseName(file);
        const bytes = readVectorBytes(version, folder, file);
        return { path, text: bytes.toString(), derivation: parseDerivationFile(path, bytes) };
      }),
  );
}
