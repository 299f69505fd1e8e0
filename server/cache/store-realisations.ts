/** Realisations out of the local store's database, in both generations. */

import {
  buildTraceFingerprint,
  formatBuildTrace,
  formatRealisation,
  realisationFingerprint,
} from '../../domain/nix/realisation.ts';
import { parseStorePathBaseName } from '../../domain/nix/store-path.ts';
import { createDerivationHashes } from './derivation-hashes.ts';
import type { NixDatabase } from './nix-database.ts';
import { bytesContent, type Content } from './source.ts';

export interface StoreRealisations {
  /** @param id `sha256:<hex>!<output>`. */
  find(id: string): Content | undefined;
  findBuildTrace(drvBaseName: string, output: string): Promise<Content | undefined>;
}

export interface StoreRealisationsDeps {
  readonly database: NixDatabase;
  readonly storeDir: string;
  readonly signaturesFor: (text: string) => readonly string[];
}

export function createStoreRealisations({
  database,
  storeDir,
  signaturesFor,
}: StoreRealisationsDeps): StoreRealisations {
  const derivationHashes = createDerivationHashes(storeDir);
  return {
    find: (id) => {
      const [, hash = '', output = ''] = /^sha256:([0-9a-f]{64})!(.*)$/.exec(id) ?? [];
      const found = database.findRealisation(hash, output);
      if (found === undefined) return undefined;
      const signatures = [...found.signatures, ...signaturesFor(realisationFingerprint(id, found))];
      return bytesContent(formatRealisation(id, { ...found, signatures }));
    },
    // The database's signatures are over the older generation's text: only ours can be given.
    findBuildTrace: async (drvBaseName, output) => {
      const drvPath = parseStorePathBaseName(drvBaseName, storeDir);
      const hash = (await derivationHashes.find(drvPath))?.outputs.get(output);
      const found = hash === undefined ? undefined : database.findRealisation(hash, output);
      if (found === undefined) return undefined;
      const { outPath } = found;
      const signatures = signaturesFor(buildTraceFingerprint({ drvPath, output }, outPath));
      return bytesContent(formatBuildTrace({ outPath, signatures }));
    },
  };
}
