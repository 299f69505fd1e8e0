/** Pull-through of upstream caches as a whole: what all views share, and the source that each view gets. */

import type { FastifyBaseLogger } from 'fastify';
import { forgetOldUpstreamNars, forgetUpstreamNar, isUpstreamPathPublic } from '../../../db/upstream-nars.ts';
import type { Audience } from '../../../db/visibility.ts';
import type { PublicKey } from '../../../domain/nix/signature.ts';
import { storePathHash } from '../../../domain/nix/store-path.ts';
import type { IngestDeps } from '../ingest.ts';
import type { CacheSource } from '../source.ts';
import { createUpstreamSource } from '../sources/upstream.ts';
import { askUpstreams, type UpstreamQuestions } from './ask-upstreams.ts';
import { createKnownPaths, type KnownPath, type KnownPaths } from './known-paths.ts';
import type { PullPolicy } from './policy.ts';
import { createPulls, type WantedNar } from './pulls.ts';
import { isStorable, storePulled } from './store-pulled.ts';
import { verifyPulled } from './verify-pulled.ts';

export interface PullThroughSettings {
  readonly policy: PullPolicy;
  /** As they are configured; those that are no URL of http or https are Nix's own affair. */
  readonly upstreams: readonly string[];
  readonly trustedKeys: readonly PublicKey[];
  /** Of a NAR as an upstream stores it. */
  readonly maxBytes: number;
}

export interface PullThroughDeps extends PullThroughSettings {
  readonly ingestDeps: IngestDeps;
  readonly logger: Pick<FastifyBaseLogger, 'info' | 'warn'>;
  readonly fetch: typeof fetch;
  /** For a narinfo. */
  readonly answerMs?: number;
  /** Of a NAR without a byte. */
  readonly idleMs?: number;
}

export interface PullThrough extends AsyncDisposable {
  /** What an audience sees of a source and, behind it, of upstreams. */
  behind(inner: CacheSource, audience: Audience): CacheSource;
}

const SWEEP_MS = 3_600_000;

/** `undefined` where nothing is pulled. */
export function openPullThrough(deps: PullThroughDeps): PullThrough | undefined {
  const { policy, ingestDeps, logger, fetch, maxBytes } = deps;
  const upstreams = deps.upstreams.filter((url) => /^https?:\/\//.test(url));
  if (policy === 'off' || upstreams.length === 0) return undefined;
  const { connection, storeDir, folder, now } = ingestDeps;
  const rules = { storeDir, trustedKeys: deps.trustedKeys, maxBytes };
  const questions = askUpstreams({
    ...rules,
    upstreams,
    logger,
    fetch,
    now,
    ...(deps.answerMs === undefined ? {} : { timeoutMs: deps.answerMs }),
  });
  const known = createKnownPaths({ ...rules, connection, questions, upstreams, logger });
  const pulls = createPulls({
    temporaryFile: () => folder.temporaryFile(),
    fetch,
    logger,
    maxBytes,
    ...(deps.idleMs === undefined ? {} : { idleMs: deps.idleMs }),
  });
  const context = { ...deps, known, questions };
  const sweep = setInterval(
    () => void forgetOldUpstreamNars(connection.db).catch(() => {}),
    SWEEP_MS,
  ).unref();

  return {
    behind: (inner, audience) =>
      createUpstreamSource({
        inner,
        connection,
        known,
        shows: (path) => shows(deps, path, audience),
        pull: async (paths) => pulls.open(await wantedNar(context, paths)),
      }),
    [Symbol.asyncDispose]: async () => {
      clearInterval(sweep);
      await pulls[Symbol.asyncDispose]();
    },
  };
}

async function shows(
  { ingestDeps }: PullThroughDeps,
  { pathHash, claim }: KnownPath,
  audience: Audience,
): Promise<boolean> {
  if (audience === 'complete') return true;
  const { db } = ingestDeps.connection;
  return isUpstreamPathPublic(db, pathHash, claim.references.map(storePathHash));
}

interface PullContext extends PullThroughDeps {
  readonly known: KnownPaths;
  readonly questions: UpstreamQuestions;
}

async function wantedNar(
  context: PullContext,
  paths: readonly [KnownPath, ...KnownPath[]],
): Promise<WantedNar> {
  const [path] = paths;
  const isKept = context.policy === 'store' && (await isStorable(context, path));
  return {
    url: path.url,
    size: path.fileSize,
    sources: () => sourcesOf(context, path),
    isKept,
    verify: async (bytes) => {
      if (!isKept) return verifyPulled(path, bytes);
      await storePulled(context, path, bytes);
    },
  };
}

/** Where it was found first; then whichever other upstream has the same file. */
async function* sourcesOf(context: PullContext, path: KnownPath): AsyncGenerator<string> {
  const { known, questions, ingestDeps } = context;
  yield path.source;
  const other = await questions.ask(path.pathHash, path.upstream);
  if (typeof other === 'object' && other.url === path.url) yield other.source;
  // Nobody has it: the narinfo is asked for anew.
  known.forget(path.pathHash);
  await forgetUpstreamNar(ingestDeps.connection.db, path.url);
}
