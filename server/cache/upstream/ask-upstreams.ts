/** Asks upstream caches for a narinfo, one after the other in the order of the operator, and believes what is signed. */

import type { FastifyBaseLogger } from 'fastify';
import { ParseError } from '../../../domain/parse-error.ts';
import { describeError } from '../../../runtime/logger.ts';
import { type PulledNarInfo, type PullRules, readPulledNarInfo } from './pulled-narinfo.ts';
import { createLimit } from './limit.ts';

export interface UpstreamAnswer extends PulledNarInfo {
  /** The cache's URL, as it is configured. */
  readonly upstream: string;
  /** The absolute URL of the NAR there. */
  readonly source: string;
  /** The text that it answered. */
  readonly narinfo: string;
}

/** `unknown`: at least one gave no answer, and no other has the path. */
export type Asked = UpstreamAnswer | 'absent' | 'unknown';

export interface AskDeps extends PullRules {
  /** URLs of http or https; the first one is asked first. */
  readonly upstreams: readonly string[];
  readonly logger: Pick<FastifyBaseLogger, 'info' | 'warn'>;
  readonly fetch: typeof fetch;
  readonly now: () => number;
  /** For one answer. */
  readonly timeoutMs?: number;
}

export interface UpstreamQuestions {
  /** @param besides an upstream that is not asked: what it has is of no use. */
  ask(pathHash: string, besides?: string): Promise<Asked>;
}

/** A client waits for it: builds that ask for 1,000 paths must not hang on a cache that is away. */
const TIMEOUT_MS = 5_000;
/** An upstream that gave no answer is left alone for so long. */
const AWAY_MS = 60_000;
/** To all of them together; nix itself opens 25. */
const QUESTIONS_AT_ONCE = 64;
/** The longest of Nixpkgs have some 100 KiB: references of an ISO image. */
const NARINFO_BYTES = 2 * 1024 * 1024;

export function askUpstreams(deps: AskDeps): UpstreamQuestions {
  const { upstreams, logger, now } = deps;
  const awayUntil = new Map<string, number>();
  const limit = createLimit(QUESTIONS_AT_ONCE);

  async function askOne(upstream: string, pathHash: string): Promise<Asked> {
    if ((awayUntil.get(upstream) ?? 0) > now()) return 'unknown';
    try {
      const text = await limit(() => fetchNarInfo(deps, upstream, pathHash));
      if (text === undefined) return 'absent';
      const pulled = readPulledNarInfo(text, pathHash, deps);
      return { ...pulled, upstream, source: sourceOf(upstream, pulled.info.url), narinfo: text };
    } catch (error) {
      if (error instanceof ParseError) {
        logger.warn({ upstream, pathHash }, `what it answers is not served: ${error.message}`);
        return 'absent';
      }
      awayUntil.set(upstream, now() + AWAY_MS);
      const seconds = AWAY_MS / 1000;
      logger.warn({ upstream }, `no answer, not asked again for ${seconds} s: ${describeError(error)}`);
      return 'unknown';
    }
  }

  return {
    ask: async (pathHash, besides) => {
      let isUnknown = false;
      for (const upstream of upstreams) {
        if (upstream === besides) continue;
        const asked = await askOne(upstream, pathHash);
        if (typeof asked === 'object') return asked;
        isUnknown ||= asked === 'unknown';
      }
      return isUnknown ? 'unknown' : 'absent';
    },
  };
}

/** Parameters of a store URL (`?priority=40`) are for Nix. */
function baseOf(upstream: string): string {
  return `${upstream.replace(/[?#].*$/, '').replace(/\/+$/, '')}/`;
}

/**
 * Where the bytes are. Its URL is not signed: it must not make us fetch from elsewhere, such as from our own network.
 * @throws ParseError where it would.
 */
function sourceOf(upstream: string, url: string): string {
  const base = new URL(baseOf(upstream));
  const source = new URL(url, base);
  if (source.origin !== base.origin) throw new ParseError('URL', url, `of ${base.origin}`);
  return source.href;
}

/** `undefined` where it has no such path: 404, or S3's 403. @throws Error for anything else. */
async function fetchNarInfo(
  { fetch, timeoutMs = TIMEOUT_MS }: AskDeps,
  upstream: string,
  pathHash: string,
): Promise<string | undefined> {
  const response = await fetch(`${baseOf(upstream)}${pathHash}.narinfo`, {
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.ok) return readText(response);
  await response.body?.cancel();
  if ([403, 404, 410].includes(response.status)) return undefined;
  throw new Error(`${response.url} answers ${response.status}`);
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > NARINFO_BYTES)
      throw new ParseError(response.url, `${bytes} bytes or more`, `at most ${NARINFO_BYTES} bytes long`);
  }
  return Buffer.concat(chunks).toString();
}
