/** Takes uploads into a `file://` cache, each only when it is true: what a narinfo says is computed again from the NAR that is there. */

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { isObject, parseJson } from '../../../domain/nix/json.ts';
import { formatNarInfo, type NarInfo, parseNarInfo } from '../../../domain/nix/narinfo.ts';
import { parseNixCacheInfo } from '../../../domain/nix/nix-cache-info.ts';
import { storePathHash } from '../../../domain/nix/store-path.ts';
import { ParseError } from '../../../domain/parse-error.ts';
import { ConflictError } from '../../errors.ts';
import type { FolderFiles } from '../folder-files.ts';
import { hashFile } from '../hash-file.ts';
import { createKeyedLock } from '../keyed-lock.ts';
import { parseResource, type Resource, type ResourceKind } from '../resource.ts';
import type { CacheSink, Taken } from '../sink.ts';
import type { CacheSource } from '../source.ts';
import { ifMissing } from '../sources/folder.ts';
import { readText } from '../stored-nar.ts';
import { checkDebugInfo, mergeBuildTrace, mergeRealisation, type MergeText } from './small-resources.ts';
import { mergeNarInfo, verifyNarInfo } from './verify-narinfo.ts';

export interface VerifiedSinkOptions {
  readonly files: FolderFiles;
  readonly storeDir: string;
  /** A cache that is shown together with the folder: references may lie there, and what it has is not taken again. */
  readonly beneath?: CacheSource;
  /** Gives a verified narinfo the signatures that it is published with; absent: it keeps those that it came with. */
  readonly sign?: (info: NarInfo) => NarInfo;
}

export function createVerifiedSink(options: VerifiedSinkOptions): CacheSink {
  const lock = createKeyedLock();
  // Two that upload one thing at once: the second sees what the first has written.
  return { put: (resource, body) => lock(resource.key, () => TAKE[resource.kind](options, resource, body)) };
}

type Take = (options: VerifiedSinkOptions, resource: Resource, body: Readable) => Promise<Taken>;

const TAKE: Readonly<Record<ResourceKind, Take>> = {
  nar: takeNar,
  narinfo: takeNarInfo,
  listing: takeListing,
  'nix-cache-info': takeCacheInfo,
  log: async ({ files }, { key }, body) =>
    (await files.place(await files.receive(body), key)) ? 'created' : 'replaced',
  realisation: merging(mergeRealisation),
  'build-trace': merging(mergeBuildTrace),
  debuginfo: merging(checkDebugInfo),
};

function read({ files }: VerifiedSinkOptions, key: string): Promise<Buffer | undefined> {
  return readFile(join(files.path, key)).catch(ifMissing(undefined));
}

async function write({ files }: VerifiedSinkOptions, key: string, content: string): Promise<void> {
  await files.place(await files.receive(Readable.from([Buffer.from(content)])), key);
}

function existsIn(options: VerifiedSinkOptions): (key: string) => Promise<boolean> {
  return async (key) =>
    (await stat(join(options.files.path, key)).catch(ifMissing(undefined))) !== undefined ||
    (await readBeneath(options, key)) !== undefined;
}

/** The narinfo that lies beneath the folder. A NAR must be in the folder itself. */
async function readBeneath({ beneath }: VerifiedSinkOptions, key: string): Promise<string | undefined> {
  const resource = parseResource(key);
  if (beneath === undefined || resource?.kind !== 'narinfo') return undefined;
  const found = await beneath.find(resource);
  return found === undefined ? undefined : readText(found);
}

/** Stored by what it is; whether it is a NAR at all is seen when its narinfo comes. */
async function takeNar({ files }: VerifiedSinkOptions, { key }: Resource, body: Readable): Promise<Taken> {
  const file = await files.receive(body);
  try {
    const { hash, bytes } = await hashFile(file);
    if (hash !== `sha256:${key.slice('nar/'.length).slice(0, 52)}`)
      throw new ParseError(key, `${hash} of ${bytes} bytes`, 'bytes whose sha256 is the name');
    return (await files.place(file, key)) ? 'created' : 'kept';
  } finally {
    await files.discard(file);
  }
}

async function takeNarInfo(
  options: VerifiedSinkOptions,
  { key, pathHash }: Resource,
  body: Readable,
): Promise<Taken> {
  const { storeDir, files } = options;
  const { sign = (unchanged: NarInfo) => unchanged } = options;
  const info = parseNarInfo(await text(body), storeDir);
  if (storePathHash(info.path) !== pathHash)
    throw new ParseError(key, info.path, `a path whose hash part is ${pathHash}`);
  const before = await read(options, key);
  if (before !== undefined) {
    const merged = mergeNarInfo(parseNarInfo(before.toString(), storeDir), sign(info));
    if (merged === undefined) return 'kept';
    await write(options, key, formatNarInfo(merged));
    return 'replaced';
  }
  const beneath = await readBeneath(options, key);
  if (beneath !== undefined) {
    mergeNarInfo(parseNarInfo(beneath, storeDir), info);
    return 'kept';
  }
  const facts = { folder: files.path, storeDir, exists: existsIn(options) };
  const { narInfo, listing } = await verifyNarInfo(info, facts);
  if (listing !== null) await write(options, `${pathHash}.ls`, listing);
  await write(options, key, formatNarInfo(sign(narInfo)));
  return 'created';
}

/** The listing is made from the NAR when the narinfo comes: one that says something else is refused, one that comes before is not needed. */
async function takeListing(options: VerifiedSinkOptions, { key }: Resource, body: Readable): Promise<Taken> {
  const listing = parseJson('listing', await text(body));
  if (!isObject(listing) || listing['version'] !== 1 || !isObject(listing['root']))
    throw new ParseError('listing', JSON.stringify(listing).slice(0, 200), '{"version":1,"root":{…}}');
  const ours = await read(options, key);
  if (ours !== undefined && !isDeepStrictEqual(JSON.parse(ours.toString()), listing))
    throw new ConflictError(`${key}: the NAR holds something else than this listing says`);
  return 'kept';
}

async function takeCacheInfo(
  options: VerifiedSinkOptions,
  { key }: Resource,
  body: Readable,
): Promise<Taken> {
  const content = await text(body);
  const { storeDir } = parseNixCacheInfo(content);
  if (storeDir !== options.storeDir)
    throw new ConflictError(`this is a cache of the store folder ${options.storeDir}, not of ${storeDir}`);
  if ((await read(options, key)) !== undefined) return 'kept';
  await write(options, key, content);
  return 'created';
}

/** What others have written for the same thing is kept, and added to. */
function merging(merge: MergeText): Take {
  return async (options, { key }, body) => {
    const before = (await read(options, key))?.toString();
    const after = await merge(before, await text(body), {
      key,
      storeDir: options.storeDir,
      exists: existsIn(options),
    });
    if (before === after) return 'kept';
    await write(options, key, after);
    return before === undefined ? 'created' : 'replaced';
  };
}
