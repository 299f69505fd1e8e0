/** A part of a cache: what a policy shows of another source. One function decides for every kind of resource. */

import { buffer } from 'node:stream/consumers';
import { readFile } from 'node:fs/promises';
import type { Resource } from '../resource.ts';
import type { CacheSource, Content } from '../source.ts';

/** What a resource tells of, and with it who may see it. */
export type Subject =
  | { readonly kind: 'path'; readonly pathHash: string }
  /** Bytes: those who may see any path that has them may have them. */
  | { readonly kind: 'nar'; readonly url: string }
  /** All outputs of a derivation. */
  | { readonly kind: 'derivation'; readonly drvHash: string };

export interface ViewPolicy {
  /** What is known in memory is answered without a promise. */
  shows(subject: Subject): boolean | Promise<boolean>;
}

/** Resources that this policy does not show are misses, whatever is asked for. */
export function restrictSource(source: CacheSource, policy: ViewPolicy): CacheSource {
  function find(resource: Resource): ReturnType<CacheSource['find']> {
    const subject = subjectOf(resource);
    if (subject === 'anybody') return source.find(resource);
    if (subject === 'content') return findByContent(resource);
    const shown = policy.shows(subject);
    if (typeof shown === 'boolean') return shown ? source.find(resource) : undefined;
    return shown.then((yes) => (yes ? source.find(resource) : undefined));
  }

  /** What its name does not tell: a realisation names an output, an entry of debuginfo an archive. */
  async function findByContent(resource: Resource): Promise<Content | undefined> {
    const content = await source.find(resource);
    const subject = content === undefined ? undefined : subjectInside(await textOf(content));
    return subject !== undefined && (await policy.shows(subject)) ? content : undefined;
  }

  return { storeDir: source.storeDir, find };
}

function subjectOf({ kind, key, pathHash }: Resource): Subject | 'anybody' | 'content' {
  switch (kind) {
    case 'nix-cache-info':
      return 'anybody';
    case 'narinfo':
    case 'listing':
      return { kind: 'path', pathHash: pathHash ?? '' };
    case 'nar':
      return { kind: 'nar', url: key };
    case 'log':
      return { kind: 'derivation', drvHash: pathHash ?? '' };
    case 'realisation':
    case 'build-trace':
    case 'debuginfo':
      return 'content';
  }
}

/** `undefined` for what says neither: nobody sees it. */
function subjectInside(text: string): Subject | undefined {
  let value: { outPath?: unknown; archive?: unknown } | null;
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    return undefined;
  }
  const output = /^(?:\/.*\/)?([0-9abcdfghijklmnpqrsvwxyz]{32})-[^/]+$/.exec(String(value?.outPath));
  if (output?.[1] !== undefined) return { kind: 'path', pathHash: output[1] };
  const archive = /^(?:\.\.\/)?(nar\/[^/]+)$/.exec(String(value?.archive));
  return archive?.[1] === undefined ? undefined : { kind: 'nar', url: archive[1] };
}

/** An entry that names one path is never so long. */
const ENTRY_BYTES = 64 * 1024;

async function textOf({ size, body }: Content): Promise<string> {
  if (size > ENTRY_BYTES) return '';
  switch (body.kind) {
    case 'bytes':
      return body.bytes.toString();
    case 'file':
      return readFile(body.path, 'utf8');
    case 'stream':
      return (await buffer(body.read(0, size))).toString();
    case 'redirect':
    case 'remote':
      return '';
  }
}
