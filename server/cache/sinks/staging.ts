/** Where uploads to staging views go: each into a folder of its own, verified, and signed by the key of staging views alone. */

import { parseNixCacheInfo } from '../../../domain/nix/nix-cache-info.ts';
import {
  fingerprint,
  formatSignature,
  type SecretKey,
  signFingerprint,
} from '../../../domain/nix/signature.ts';
import type { NarInfo } from '../../../domain/nix/narinfo.ts';
import type { CacheSink } from '../sink.ts';
import type { CacheSource } from '../source.ts';
import { openWritableFolder } from './folder.ts';
import { createVerifiedSink } from './verified-folder.ts';

export interface StagingSinksOptions {
  readonly folderOf: (name: string) => string;
  readonly storeDir: string;
  /** Of the server. */
  readonly nixCacheInfo: string;
  readonly key: SecretKey;
  /** What every staging view shows besides: paths there may be referred to, and are not given another content. */
  readonly beneath: CacheSource;
}

/** The sink of a staging view by its name, which was checked; the folder is made by the first upload. */
export function createStagingSinks(options: StagingSinksOptions): (name: string) => CacheSink {
  const { folderOf, storeDir, nixCacheInfo, key, beneath } = options;
  // One for each: its lock is what keeps two uploads of one thing apart. Names are as many as there are tokens.
  const sinks = new Map<string, CacheSink>();
  const { priority } = parseNixCacheInfo(nixCacheInfo);

  async function open(name: string): Promise<CacheSink> {
    const files = await openWritableFolder({ path: folderOf(name), storeDir, priority });
    return createVerifiedSink({ files, storeDir, beneath, sign: (info) => signOnly(info, key) });
  }

  return (name) => {
    const known = sinks.get(name);
    if (known !== undefined) return known;
    let opened: Promise<CacheSink> | undefined;
    const sink: CacheSink = {
      put: async (resource, body) => {
        opened ??= open(name);
        opened.catch(() => (opened = undefined));
        return (await opened).put(resource, body);
      },
    };
    sinks.set(name, sink);
    return sink;
  };
}

/** Signatures that come along could be anybody's. */
function signOnly(info: NarInfo, key: SecretKey): NarInfo {
  return { ...info, signatures: [formatSignature(signFingerprint(fingerprint(info), key))] };
}
