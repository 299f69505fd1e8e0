/** Finished files in a bucket: an ordinary `s3://` binary cache. Objects appear whole, so that there are no temporary names. */

import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { FastifyBaseLogger } from 'fastify';
import { describeError } from '../../../runtime/logger.ts';
import type { Resource } from '../resource.ts';
import type { Content } from '../source.ts';
import type { BlobStore } from './blob-store.ts';
import { isAway } from './s3-errors.ts';
import { openObjects, type S3Objects } from './s3-objects.ts';
import type { S3Settings } from './settings.ts';

export interface S3StoreOptions {
  readonly settings: S3Settings;
  readonly storeDir: string;
  readonly logger: Pick<FastifyBaseLogger, 'warn'>;
}

const CONNECT_MS = 3_000;
/** Without a byte. */
const IDLE_MS = 30_000;
const ATTEMPTS = 3;
const CONNECTIONS = 128;

/**
 * Looks whether the bucket can be used. While the service is away the cache goes on without its NARs.
 * @throws Error where there is no such bucket, or the credentials are refused.
 */
export async function openS3Store(options: S3StoreOptions): Promise<BlobStore> {
  const { settings, logger } = options;
  const client = createClient(settings);
  try {
    await client.send(new HeadBucketCommand({ Bucket: settings.bucket }));
  } catch (error) {
    const where = `bucket ${settings.bucket}${settings.endpoint === undefined ? '' : ` at ${settings.endpoint}`}`;
    if (!isAway(error))
      throw new Error(`the ${where} cannot be used: ${describeError(error)}`, { cause: error });
    logger.warn(`the ${where} does not answer, NARs cannot be had until it does: ${describeError(error)}`);
  }
  return createStore(openObjects(client, settings), options);
}

export function createClient({ endpoint, region, credentials }: S3Settings): S3Client {
  return new S3Client({
    region,
    maxAttempts: ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: IDLE_MS,
      httpAgent: { maxSockets: CONNECTIONS },
      httpsAgent: { maxSockets: CONNECTIONS },
    },
    ...(credentials === undefined ? {} : { credentials }),
    // Servers other than Amazon's know buckets by path, and few know its checksums in trailers.
    ...(endpoint === undefined
      ? {}
      : {
          endpoint,
          forcePathStyle: true,
          requestChecksumCalculation: 'WHEN_REQUIRED',
          responseChecksumValidation: 'WHEN_REQUIRED',
        }),
  });
}

function createStore(objects: S3Objects, { settings, storeDir, logger }: S3StoreOptions): BlobStore {
  async function find({ kind, key }: Resource): Promise<Content | undefined> {
    // Served from the index, whether the bucket answers or not.
    if (isCopy(key)) return undefined;
    const facts = await objects.head(key);
    if (facts === undefined) return undefined;
    if (kind === 'nar' && settings.serve === 'redirect')
      return { ...facts, body: { kind: 'redirect', url: await objects.sign(key) } };
    return { ...facts, body: { kind: 'stream', read: (start, end) => objects.stream(key, start, end) } };
  }

  return {
    files: { storeDir, find },
    servesNarInfos: false,
    prepare: (file, key) => objects.upload(file, key),
    put: async (file, key) => {
      // A NAR was sent ahead, unless somebody removed it since; by its name it is the same file.
      const there = key.startsWith('nar/') ? await objects.head(key) : undefined;
      if (there?.size !== (await stat(file)).size) await objects.upload(file, key);
      await rm(file);
    },
    write: async (key, content) => {
      try {
        await objects.write(key, Buffer.from(content));
      } catch (error) {
        // Narinfos are written after they were published: who publishes has done all. A server that starts writes them again.
        if (!isCopy(key)) throw error;
        logger.warn({ key }, `the bucket lacks a copy: ${describeError(error)}`);
      }
    },
    read: (key) => objects.read(key),
    stream: (key) => objects.stream(key),
    exists: async (key) => (await objects.head(key)) !== undefined,
    remove: (key) => objects.remove(key),
    takeOut: async (key, file) => {
      if ((await objects.head(key)) === undefined) return;
      await pipeline(objects.stream(key), createWriteStream(file));
      await objects.remove(key);
    },
    list: (prefix) => objects.list(prefix),
  };
}

/** What is served from elsewhere: its copy in the bucket is for those who read the bucket as a cache. */
function isCopy(key: string): boolean {
  return key.endsWith('.narinfo') || key === 'nix-cache-info';
}
