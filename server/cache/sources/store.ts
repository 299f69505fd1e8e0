/** The local store as a cache, read-only and without a copy: Nix's database says what there is, NARs are made as they are sent. */

import { Readable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import { decodeNix32 } from '../../../domain/nix/base32.ts';
import { formatHashDigest } from '../../../domain/nix/hash.ts';
import { formatNarInfo } from '../../../domain/nix/narinfo.ts';
import { writeNarFrom } from '../../../domain/nix/nar-write.ts';
import { formatNixCacheInfo } from '../../../domain/nix/nix-cache-info.ts';
import type { PathInfo } from '../../../domain/nix/path-info.ts';
import {
  fingerprint,
  formatSignature,
  type SecretKey,
  signFingerprint,
} from '../../../domain/nix/signature.ts';
import { type StorePath, storePathHash } from '../../../domain/nix/store-path.ts';
import type { NixDatabase } from '../nix-database.ts';
import type { Resource } from '../resource.ts';
import { bytesContent, type CacheSource, type Content } from '../source.ts';
import { listStoreTree, openStoreTree } from '../store-tree.ts';
import { createStoreRealisations } from '../store-realisations.ts';
import { findStoreLog } from '../store-logs.ts';
import { ifMissing } from './folder.ts';

export interface StoreSourceOptions {
  readonly database: NixDatabase;
  readonly storeDir: string;
  /** Where Nix keeps logs of builds: the folder that holds `drvs`. */
  readonly logDir: string;
  /** Each signs everything, beside the signatures that paths have already. */
  readonly secretKeys: readonly SecretKey[];
  readonly priority: number;
}

/** Paths whose NARs were announced: a NAR is asked for by its hash, for which the database has no index. */
const REMEMBERED_NARS = 100_000;
/** Signing takes 23 µs a key. */
const REMEMBERED_SIGNATURES = 20_000;

export function createStoreSource(options: StoreSourceOptions): CacheSource {
  const { database, storeDir, secretKeys } = options;
  const nars = createNarFinder(database);
  const signaturesFor = createSigner(secretKeys);
  const realisations = createStoreRealisations({ database, storeDir, signaturesFor });

  function narInfo(pathHash: string): Content | undefined {
    const info = database.findPath(pathHash);
    if (info === undefined) return undefined;
    const narHash = formatHashDigest(info.narHash, 'nix32');
    nars.announce(narHash, info.path);
    const signatures = [...info.signatures, ...signaturesFor(fingerprint(info))];
    const { narSize } = info;
    const url = `nar/${narHash}.nar`;
    return bytesContent(
      formatNarInfo({
        ...info,
        signatures,
        url,
        compression: 'none',
        fileHash: info.narHash,
        fileSize: narSize,
      }),
    );
  }

  async function find({ kind, key, pathHash }: Resource): Promise<Content | undefined> {
    switch (kind) {
      case 'nix-cache-info':
        return bytesContent(formatNixCacheInfo({ ...options, wantMassQuery: true, extensions: new Map() }));
      case 'narinfo':
        return narInfo(pathHash ?? '');
      case 'nar': {
        const [, narHash] = /^nar\/([0-9a-z]{52})\.nar$/.exec(key) ?? [];
        return narHash === undefined ? undefined : nars.find(narHash);
      }
      case 'listing':
        return findListing(database, pathHash ?? '');
      case 'log':
        return findStoreLog(options.logDir, key.slice('log/'.length));
      case 'realisation':
        return realisations.find(key.slice('realisations/'.length, -'.doi'.length));
      case 'build-trace': {
        const [, drv = '', output = ''] = /^build-trace-v2\/([^/]*)\/(.*)\.doi$/.exec(key) ?? [];
        return realisations.findBuildTrace(drv, output);
      }
      case 'debuginfo':
        return undefined;
    }
  }
  return { storeDir, find };
}

/** NARs by their hashes, for which the database has no index. */
function createNarFinder(database: NixDatabase) {
  const announced = new LRUCache<string, StorePath>({ max: REMEMBERED_NARS });

  async function open(candidates: readonly StorePath[], bytes: Buffer): Promise<PathInfo | undefined> {
    for (const candidate of candidates) {
      const info = database.findPath(storePathHash(candidate));
      if (info === undefined || !info.narHash.bytes.equals(bytes)) continue;
      if ((await openStoreTree(info.path).catch(ifMissing(undefined))) !== undefined) return info;
    }
    return undefined;
  }

  return {
    announce: (narHash: string, path: StorePath) => announced.set(narHash, path),
    /** Of the path that was announced with it, or of any other with the same content. */
    find: async (narHash: string): Promise<Content | undefined> => {
      const bytes = decodeNix32(narHash);
      const known = announced.get(narHash);
      const info =
        (await open(known === undefined ? [] : [known], bytes)) ??
        (await open(database.listPathsByNarHash({ algorithm: 'sha256', bytes }), bytes));
      if (info === undefined) return undefined;
      announced.set(narHash, info.path);
      return narContent(info, narHash);
    },
  };
}

async function findListing(database: NixDatabase, pathHash: string): Promise<Content | undefined> {
  const info = database.findPath(pathHash);
  if (info === undefined) return undefined;
  const text = (await listStoreTree(info.path).catch(ifMissing(undefined)))?.listing() ?? null;
  return text === null ? undefined : bytesContent(text);
}

/** Signatures of all keys over a text, made once. */
function createSigner(secretKeys: readonly SecretKey[]): (text: string) => readonly string[] {
  const signed = new LRUCache<string, readonly string[]>({ max: REMEMBERED_SIGNATURES });
  return (text) => {
    if (secretKeys.length === 0) return [];
    const known = signed.get(text);
    if (known !== undefined) return known;
    const made = secretKeys.map((key) => formatSignature(signFingerprint(text, key)));
    signed.set(text, made);
    return made;
  };
}

function narContent(info: PathInfo, narHash: string): Content {
  const { path, narSize } = info;
  return {
    size: narSize,
    tag: narHash,
    body: {
      kind: 'stream',
      read: (start, end) => Readable.from(exactly(path, start, end), { objectMode: false }),
    },
  };
}

/** @throws Error where the tree is not as large as the database says: what was sent is cut off, never filled up. */
async function* exactly(path: StorePath, start: number, end: number): AsyncGenerator<Uint8Array> {
  let position = start;
  for await (const chunk of writeNarFrom(await openStoreTree(path), start)) {
    const wanted = chunk.subarray(0, end - position);
    position += wanted.length;
    if (wanted.length > 0) yield wanted;
    if (position === end) return;
  }
  if (position < end) throw new Error(`${path}: its NAR has ${position} bytes, not ${end} or more`);
}
