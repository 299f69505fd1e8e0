/** Takes what Nix's clients upload into the server's own cache: nothing is believed, and nothing shown before it is complete. */

import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { listPendingOfPaths } from '../../../db/pending-paths.ts';
import { findUpstreamPaths, listStorePaths } from '../../../db/store-paths.ts';
import { asObject, asString, isObject, parseJson } from '../../../domain/nix/json.ts';
import { parseNixCacheInfo } from '../../../domain/nix/nix-cache-info.ts';
import { ParseError } from '../../../domain/parse-error.ts';
import { ConflictError } from '../../errors.ts';
import type { IngestDeps } from '../ingest.ts';
import { createKeyedLock } from '../keyed-lock.ts';
import type { Resource, ResourceKind } from '../resource.ts';
import type { CacheSink, Taken } from '../sink.ts';
import { takeNarFile, takeNarInfo } from './indexed-narinfo.ts';
import { mergeBuildTrace, mergeRealisation, type MergeText } from './small-resources.ts';

export function createIndexedSink(deps: IngestDeps): CacheSink {
  const lock = createKeyedLock();
  // Two that upload one thing at once: the second sees what the first has written.
  return { put: (resource, body) => lock(resource.key, () => TAKE[resource.kind](deps, resource, body)) };
}

type Take = (deps: IngestDeps, resource: Resource, body: Readable) => Promise<Taken>;

const TAKE: Readonly<Record<ResourceKind, Take>> = {
  nar: takeNarFile,
  narinfo: takeNarInfo,
  listing: takeListing,
  debuginfo: takeDebugInfo,
  log: takeLog,
  realisation: merging(mergeRealisation),
  'build-trace': merging(mergeBuildTrace),
  'nix-cache-info': takeCacheInfo,
};

/** Nix sends it before the NAR that it is of. Ours is made from that, so this one only has to be one. */
async function takeListing(_deps: IngestDeps, _resource: Resource, body: Readable): Promise<Taken> {
  const content = await text(body);
  const listing = parseJson('listing', content);
  if (!isObject(listing) || listing['version'] !== 1 || !isObject(listing['root']))
    throw new ParseError('listing', content.slice(0, 200), '{"version":1,"root":{…}}');
  return 'kept';
}

/** As with listings: ours points to the file that we store, and to what is in it. */
async function takeDebugInfo(_deps: IngestDeps, _resource: Resource, body: Readable): Promise<Taken> {
  const json = asObject('debuginfo', parseJson('debuginfo', await text(body)));
  asString('debuginfo archive', json['archive']);
  asString('debuginfo member', json['member']);
  return 'kept';
}

async function takeLog({ folder }: IngestDeps, { key }: Resource, body: Readable): Promise<Taken> {
  const before = await folder.exists(key);
  const file = await folder.receive(body);
  await folder.place(file, key);
  return before ? 'replaced' : 'created';
}

async function takeCacheInfo({ storeDir }: IngestDeps, _resource: Resource, body: Readable): Promise<Taken> {
  const info = parseNixCacheInfo(await text(body));
  if (info.storeDir !== storeDir)
    throw new ConflictError(`this is a cache of the store folder ${storeDir}, not of ${info.storeDir}`);
  return 'kept';
}

/** What others have signed for the same output is kept, and added to. */
function merging(merge: MergeText): Take {
  return async (deps, { key }, body) => {
    const { folder, storeDir } = deps;
    const before = (await folder.read(key))?.toString();
    const after = await merge(before, await text(body), { key, storeDir, exists: existsIn(deps) });
    if (before === after) return 'kept';
    await folder.write(key, after, true);
    return before === undefined ? 'created' : 'replaced';
  };
}

/** Whether a narinfo is visible, will be, or is an upstream's. */
function existsIn({ connection: { db } }: IngestDeps): (key: string) => Promise<boolean> {
  return async (key) => {
    const hash = key.slice(0, 32);
    return (
      (await listStorePaths(db, [hash])).length > 0 ||
      (await listPendingOfPaths(db, [hash])).length > 0 ||
      (await findUpstreamPaths(db, [hash])).length > 0
    );
  };
}
