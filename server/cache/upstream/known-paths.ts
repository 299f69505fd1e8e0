/** What is known of paths that only upstreams have: in memory, then in Postgres, then by asking. */

import type { FastifyBaseLogger } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { Connection } from '../../../db/database.ts';
import { findUpstreamNarOf, recordUpstreamNar, type UpstreamNar } from '../../../db/upstream-nars.ts';
import { ParseError } from '../../../domain/parse-error.ts';
import { bytesContent, type Content } from '../source.ts';
import type { UpstreamQuestions } from './ask-upstreams.ts';
import {
  formatPulledNarInfo,
  type PulledNarInfo,
  type PullRules,
  readPulledNarInfo,
} from './pulled-narinfo.ts';

export interface KnownPath extends PulledNarInfo {
  readonly pathHash: string;
  readonly upstream: string;
  readonly source: string;
  /** The narinfo as we serve it. */
  readonly content: Content;
}

export interface KnownPathsDeps extends PullRules {
  readonly connection: Connection;
  readonly questions: UpstreamQuestions;
  readonly upstreams: readonly string[];
  readonly logger: Pick<FastifyBaseLogger, 'info' | 'warn'>;
}

export interface KnownPaths {
  /** `undefined` where no upstream has it, or none answers. What is known to be absent is answered without a promise. */
  find(pathHash: string): KnownPath | undefined | Promise<KnownPath | undefined>;
  /** A row, read again by the rules of today: keys may have gone. */
  read(row: UpstreamNar): KnownPath | undefined;
  /** Asked anew from now on. */
  forget(pathHash: string): void;
}

/** As Nix remembers that a cache lacks a path. */
const ABSENT_MS = 3_600_000;
/** 100 bytes each. */
const ABSENT_PATHS = 200_000;
/** Other processes may find that an upstream has it no more. */
const PRESENT_MS = 600_000;
/** Some 4 KiB each. */
const PRESENT_PATHS = 10_000;

export function createKnownPaths(deps: KnownPathsDeps): KnownPaths {
  const { connection, questions, upstreams } = deps;
  const absent = new LRUCache<string, true>({ max: ABSENT_PATHS, ttl: ABSENT_MS });
  const present = new LRUCache<string, KnownPath>({ max: PRESENT_PATHS, ttl: PRESENT_MS });
  const asked = new Map<string, Promise<KnownPath | undefined>>();

  async function ask(pathHash: string): Promise<KnownPath | undefined> {
    const row = await findUpstreamNarOf(connection.db, pathHash, upstreams);
    const remembered = row === undefined ? undefined : read(deps, row);
    if (remembered !== undefined) return remembered;
    const answer = await questions.ask(pathHash);
    if (answer === 'absent') absent.set(pathHash, true);
    if (typeof answer === 'string') return undefined;
    const { url, upstream, source, narinfo } = answer;
    await recordUpstreamNar(connection.db, { url, pathHash, upstream, source, narinfo });
    return { ...answer, pathHash, content: contentOf(answer) };
  }

  async function askOnce(pathHash: string): Promise<KnownPath | undefined> {
    try {
      const known = await ask(pathHash);
      if (known !== undefined) present.set(pathHash, known);
      return known;
    } finally {
      asked.delete(pathHash);
    }
  }

  return {
    find: (pathHash) => {
      if (absent.has(pathHash)) return undefined;
      const known = present.get(pathHash);
      if (known !== undefined) return known;
      let question = asked.get(pathHash);
      if (question === undefined) asked.set(pathHash, (question = askOnce(pathHash)));
      return question;
    },
    read: (row) => read(deps, row),
    forget: (pathHash) => {
      present.delete(pathHash);
      absent.delete(pathHash);
    },
  };
}

function read(
  deps: KnownPathsDeps,
  { narinfo, pathHash, upstream, source }: UpstreamNar,
): KnownPath | undefined {
  try {
    const pulled = readPulledNarInfo(narinfo, pathHash, deps);
    return { ...pulled, pathHash, upstream, source, content: contentOf(pulled) };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    deps.logger.warn({ upstream, pathHash }, `what it answered is not served any more: ${error.message}`);
    return undefined;
  }
}

function contentOf(pulled: PulledNarInfo): Content {
  return bytesContent(formatPulledNarInfo(pulled));
}
