/** Objects of a bucket by their key in the cache. What the service does not give is an `UnavailableError`. */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { parseResource } from '../resource.ts';
import { CONTENT_TYPES } from '../send.ts';
import type { BlobStore } from './blob-store.ts';
import { isMissing, missingFile, translated } from './s3-errors.ts';
import type { S3Settings } from './settings.ts';

/** A client follows a redirect at once; where it is cut it asks us again. */
const SIGNED_SECONDS = 3600;
const PART_BYTES = 16 * 1024 * 1024;
const PARTS_AT_ONCE = 4;

export interface S3Objects {
  /** `undefined` where there is none. */
  head(key: string): Promise<{ readonly size: number; readonly tag?: string } | undefined>;
  /** A local file, in parts where it is large. */
  upload(file: string, key: string): Promise<void>;
  write(key: string, content: Buffer): Promise<void>;
  /** `undefined` where there is none. */
  read(key: string): Promise<Buffer | undefined>;
  /** Bytes `start` to `end` (exclusive; absent: all). Fails with the code ENOENT where there is none. */
  stream(key: string, start?: number, end?: number): Readable;
  sign(key: string): Promise<string>;
  remove(key: string): Promise<void>;
  list: BlobStore['list'];
}

export function openObjects(client: S3Client, settings: Pick<S3Settings, 'bucket' | 'prefix'>): S3Objects {
  const at = (key: string) => ({ Bucket: settings.bucket, Key: `${settings.prefix}${key}` });
  const put = (key: string) => ({ ...at(key), ...headersOf(key) });
  return {
    head: async (key) => {
      const answer = await ifThere(() => client.send(new HeadObjectCommand(at(key))));
      if (answer === undefined) return undefined;
      const tag = answer.ETag?.replaceAll('"', '');
      return { size: answer.ContentLength ?? 0, ...(tag === undefined ? {} : { tag }) };
    },
    upload: async (file, key) => {
      const { size } = await stat(file);
      const Body = createReadStream(file);
      const params = { ...put(key), Body };
      await orUnavailable(() =>
        size <= PART_BYTES
          ? client.send(new PutObjectCommand({ ...params, ContentLength: size }))
          : new Upload({ client, params, partSize: PART_BYTES, queueSize: PARTS_AT_ONCE }).done(),
      );
    },
    write: async (key, content) => {
      const params = { ...put(key), Body: content, ContentLength: content.length };
      await orUnavailable(() => client.send(new PutObjectCommand(params)));
    },
    read: (key) =>
      ifThere(async () => {
        const { Body } = await client.send(new GetObjectCommand(at(key)));
        return Buffer.from((await Body?.transformToByteArray()) ?? []);
      }),
    stream: (key, start = 0, end) => {
      const through = new PassThrough();
      const isWhole = start === 0 && end === undefined;
      const Range = `bytes=${start}-${end === undefined ? '' : end - 1}`;
      client
        .send(new GetObjectCommand({ ...at(key), ...(isWhole ? {} : { Range }) }))
        .then(({ Body }) => pipeline(Body as Readable, through))
        .catch((error: unknown) => through.destroy(isMissing(error) ? missingFile(key) : translated(error)));
      return through;
    },
    sign: (key) => getSignedUrl(client, new GetObjectCommand(at(key)), { expiresIn: SIGNED_SECONDS }),
    remove: async (key) => {
      await orUnavailable(() => client.send(new DeleteObjectCommand(at(key))));
    },
    list: (prefix) => listObjects(client, settings, prefix),
  };
}

async function* listObjects(
  client: S3Client,
  { bucket, prefix: root }: Pick<S3Settings, 'bucket' | 'prefix'>,
  prefix: string,
): ReturnType<BlobStore['list']> {
  for (let token: string | undefined; ;) {
    const command = new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: `${root}${prefix}`,
      ContinuationToken: token,
    });
    const page = await orUnavailable(() => client.send(command));
    for (const { Key, Size } of page.Contents ?? [])
      if (Key !== undefined) yield { key: Key.slice(root.length), size: Size ?? 0 };
    token = page.NextContinuationToken;
    if (token === undefined) return;
  }
}

async function orUnavailable<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw translated(error);
  }
}

async function ifThere<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw translated(error);
  }
}

/** As the server itself would say it: who is redirected sees no other header. */
function headersOf(key: string): { readonly ContentType?: string } {
  const kind = parseResource(key)?.kind;
  return kind === undefined ? {} : { ContentType: CONTENT_TYPES[kind] };
}
