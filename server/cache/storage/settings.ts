/** Settings of where files are kept: a folder, unless a bucket is named. */

import { optionalSetting, type Setting, textSetting, urlSetting } from '../../../domain/environment.ts';
import { ParseError } from '../../../domain/parse-error.ts';

export interface S3Settings {
  readonly bucket: string;
  /** `undefined`: Amazon's of the region. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** In front of every key; empty, or with a slash at its end. */
  readonly prefix: string;
  /** Whether clients are sent to the bucket for NARs, by URLs that hold for an hour, or get them through us. */
  readonly serve: 'redirect' | 'stream';
  /** `undefined`: the SDK looks where Amazon's tools do. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

export const s3Settings = {
  s3Bucket: patternSetting(
    'NIXWARP_S3_BUCKET',
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    'a name of a bucket: 3 to 63 of a-z, 0-9, "." and "-"',
  ),
  s3Endpoint: urlSetting('NIXWARP_S3_ENDPOINT', undefined, ['http:', 'https:']),
  s3Region: textSetting('NIXWARP_S3_REGION', 'us-east-1'),
  s3Prefix: patternSetting(
    'NIXWARP_S3_PREFIX',
    /^([A-Za-z0-9._-]+\/)+$/,
    'folders with a slash behind each, as "cache/"',
  ),
  s3Serve: serveSetting('NIXWARP_S3_SERVE'),
  s3AccessKeyId: optionalSetting('NIXWARP_S3_ACCESS_KEY_ID', true),
  s3SecretAccessKey: optionalSetting('NIXWARP_S3_SECRET_ACCESS_KEY', true),
};

type Values = {
  readonly [K in keyof typeof s3Settings]: (typeof s3Settings)[K] extends Setting<infer T> ? T : never;
};

function patternSetting(name: string, pattern: RegExp, expected: string): Setting<string | undefined> {
  const parse = (text: string): string => {
    if (!pattern.test(text)) throw new ParseError(name, text, expected);
    return text;
  };
  return { name, parse, fallback: undefined };
}

function serveSetting(name: string): Setting<'redirect' | 'stream'> {
  const parse = (text: string): 'redirect' | 'stream' => {
    if (text !== 'redirect' && text !== 'stream') throw new ParseError(name, text, '"redirect" or "stream"');
    return text;
  };
  return { name, parse, fallback: 'redirect' };
}

/** What is wrong with them together. */
export function s3Problem(values: Partial<Values>): string | undefined {
  const { s3Bucket, s3Endpoint, s3Prefix, s3AccessKeyId, s3SecretAccessKey } = values;
  if ((s3AccessKeyId === undefined) !== (s3SecretAccessKey === undefined))
    return 'NIXWARP_S3_ACCESS_KEY_ID and NIXWARP_S3_SECRET_ACCESS_KEY belong together: set both, or neither';
  const others = s3Endpoint ?? s3Prefix ?? s3AccessKeyId;
  return 's3Bucket' in values && s3Bucket === undefined && others !== undefined
    ? 'NIXWARP_S3_BUCKET is not set, but other settings of S3 are'
    : undefined;
}

/** `undefined` where files are kept in the state folder. */
export function s3Of(values: Values): S3Settings | undefined {
  const { s3Bucket, s3Endpoint, s3Region, s3Prefix, s3Serve, s3AccessKeyId, s3SecretAccessKey } = values;
  if (s3Bucket === undefined) return undefined;
  const credentials =
    s3AccessKeyId === undefined || s3SecretAccessKey === undefined
      ? undefined
      : { accessKeyId: s3AccessKeyId, secretAccessKey: s3SecretAccessKey };
  return {
    bucket: s3Bucket,
    endpoint: s3Endpoint,
    region: s3Region,
    prefix: s3Prefix ?? '',
    serve: s3Serve,
    credentials,
  };
}
