/** An upstream's narinfo, verified, and the one that we serve in its stead: the same but for the URL of the NAR. */

import { encodeNix32 } from '../../../domain/nix/base32.ts';
import { formatHash, hashOf } from '../../../domain/nix/hash.ts';
import { type Compression, formatNarInfo, type NarInfo, parseNarInfo } from '../../../domain/nix/narinfo.ts';
import {
  fingerprint,
  parseSignature,
  type PublicKey,
  verifyFingerprint,
} from '../../../domain/nix/signature.ts';
import { storePathHash } from '../../../domain/nix/store-path.ts';
import { ParseError } from '../../../domain/parse-error.ts';
import { type CheckedClaim, claimOfNarInfo } from '../claims.ts';
import { UPLOAD_COMPRESSIONS, type UploadCompression } from '../decompress.ts';

export interface PulledNarInfo {
  readonly info: NarInfo;
  readonly claim: CheckedClaim;
  /** The URL of the NAR that we name, `nar/…`. */
  readonly url: string;
  /** Of the upstream's file, by its unsigned word: another one is refused as it comes. */
  readonly fileSize: number | null;
}

export interface PullRules {
  readonly storeDir: string;
  readonly trustedKeys: readonly PublicKey[];
  /** Of a NAR as it is stored there: longer ones are misses. */
  readonly maxBytes: number;
}

/**
 * @param text what an upstream answered to the question for a hash part.
 * @throws ParseError where it is no narinfo of that path in our store folder, or is signed by no trusted key.
 */
export function readPulledNarInfo(
  text: string,
  pathHash: string,
  { storeDir, trustedKeys, maxBytes }: PullRules,
): PulledNarInfo {
  const info = parseNarInfo(text, storeDir);
  if (storePathHash(info.path) !== pathHash)
    throw new ParseError('narinfo', info.path, `of a path whose hash part is ${pathHash}`);
  const claim = claimOfNarInfo(info, storeDir);
  const signed = fingerprint(info);
  if (!claim.signatures.some((one) => verifyFingerprint(signed, parseSignature(one), trustedKeys)))
    throw new ParseError(
      `signatures of ${info.path}`,
      claim.signatures.map((one) => parseSignature(one).keyName).join(', '),
      `one by a trusted key: ${trustedKeys.map((key) => key.name).join(', ')}`,
    );
  const fileSize = fileSizeOf(info);
  if ((fileSize ?? info.narSize) > maxBytes)
    throw new ParseError(
      `NAR of ${info.path}`,
      `${fileSize ?? info.narSize} bytes`,
      `at most ${maxBytes} bytes long`,
    );
  return { info, claim, url: ownUrl(info), fileSize };
}

/** What we answer. It has the upstream's signatures: we have not seen the bytes. */
export function formatPulledNarInfo({ info, url }: Pick<PulledNarInfo, 'info' | 'url'>): string {
  return formatNarInfo({ ...info, url });
}

const EXTENSIONS: Readonly<Partial<Record<Compression, string>>> = {
  none: '',
  zstd: '.zst',
  xz: '.xz',
  bzip2: '.bz2',
  gzip: '.gz',
  br: '.br',
  lz4: '.lz4',
  lzip: '.lzip',
};

/** By the hash of its file, as Nix names NARs. Where that is not told, by a hash of what is told: nothing else has that name. */
function ownUrl(info: NarInfo): string {
  const extension = EXTENSIONS[info.compression];
  if (extension === undefined || (fileHashOf(info) === null && compressionOf(info) === undefined))
    throw new ParseError(`Compression of ${info.path}`, info.compression, 'one that can be verified');
  const hash =
    fileHashOf(info) ?? `sha256:${encodeNix32(hashOf('sha256', `${info.url}\n${info.path}`).bytes)}`;
  return `nar/${hash.slice('sha256:'.length)}.nar${extension}`;
}

/** `sha256:<nix32>`; `null` where the upstream does not say it. */
export function fileHashOf(info: NarInfo): string | null {
  if (info.compression === 'none') return formatHash(info.narHash);
  return info.fileHash === null ? null : formatHash(info.fileHash);
}

function fileSizeOf(info: NarInfo): number | null {
  return info.compression === 'none' ? info.narSize : info.fileSize;
}

/** `undefined` for one that we cannot read. */
export function compressionOf({ compression }: NarInfo): UploadCompression | undefined {
  return UPLOAD_COMPRESSIONS.find((name) => name === compression);
}
