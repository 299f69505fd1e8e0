/** Storing what an evaluator finds: in batches, each with the derivations and sources behind its jobs. */

import { readFile } from 'node:fs/promises';
import type { Batch } from '../domain/api/evaluator.ts';
import { parseDerivationFile } from '../domain/nix/derivation.ts';
import { parseStorePath } from '../domain/nix/store-path.ts';
import type { ServerClient } from './adapters/server-client.ts';
import type { StoreQueries } from './adapters/store-queries.ts';
import type { EvaluatedItem } from './evaluator/index.ts';
import { sendClosure } from './send-outputs.ts';

export interface BatchDeps {
  readonly server: ServerClient;
  readonly store: StoreQueries;
  /** Paths seen to be valid here: what was just instantiated need not be asked for. */
  readonly knownValid: Set<string>;
}

export interface BatchStore {
  readonly counts: { jobs: number; errors: number };
  tellSource(source: NonNullable<Batch['source']>): Promise<void>;
  /** Takes items; they are sent when there are many, or after a second. @throws what an earlier sending threw. */
  add(items: readonly EvaluatedItem[], variant: string | null, system: string): Promise<void>;
  /** Sends what is left. */
  flush(): Promise<void>;
}

/** Enough to share a statement's cost, few enough that the first steps start while the rest is evaluated. */
const BATCH_ITEMS = 500;
/** The first jobs of a slow evaluation are built meanwhile. */
const BATCH_MS = 1_000;
const MESSAGE_CHARACTERS = 65_536;

export function createBatchStore(deps: BatchDeps, evaluationId: number, signal: AbortSignal): BatchStore {
  const counts = { jobs: 0, errors: 0 };
  const send = createSender(deps, evaluationId, signal);
  let batch: Items = { jobs: [], errors: [] };
  let timer: NodeJS.Timeout | undefined;
  // One batch at a time, in order; a failure is thrown to whoever asks next.
  let sending: Promise<void> = Promise.resolve();

  async function sendAfter(previous: Promise<void>, items: Items): Promise<void> {
    await previous;
    await send(items);
    counts.jobs += items.jobs.length;
    counts.errors += items.errors.length;
  }

  function take(): void {
    clearTimeout(timer);
    timer = undefined;
    if (batch.jobs.length + batch.errors.length === 0) return;
    const taken = batch;
    batch = { jobs: [], errors: [] };
    sending = sendAfter(sending, taken);
    // It is awaited by the next call; until then it is no unhandled rejection.
    sending.catch(() => {});
  }

  return {
    counts,
    tellSource: (source) =>
      deps.server.storeBatch(evaluationId, { jobs: [], errors: [], derivations: [], source }, signal),
    add: async (items, variant, system) => {
      for (const item of items)
        if (item.kind === 'job') batch.jobs.push(batchJob(item, variant));
        else batch.errors.push(batchError(item, variant, system));
      timer ??= setTimeout(take, BATCH_MS);
      if (batch.jobs.length + batch.errors.length < BATCH_ITEMS) return;
      // The evaluator waits: it must not get further ahead than what can be stored.
      take();
      await sending;
    },
    flush: async () => {
      take();
      await sending;
    },
  };
}

type Items = Pick<Batch, 'jobs' | 'errors'>;

function batchJob(item: EvaluatedItem & { kind: 'job' }, variant: string | null): Batch['jobs'][number] {
  const { system, drvPath, nixName, meta, constituents } = item;
  const job = { attrPath: attrPathOf(item), system, variant, nixName, drvPath, meta };
  return constituents === undefined ? job : { ...job, constituents: [...constituents] };
}

function batchError(
  item: EvaluatedItem & { kind: 'error' },
  variant: string | null,
  system: string,
): Batch['errors'][number] {
  const kind = item.refused ? 'refused' : 'error';
  const message = item.message.slice(0, MESSAGE_CHARACTERS);
  return { attrPath: attrPathOf(item), system, variant, kind, message };
}

/** A file that is a derivation itself has no attributes. */
function attrPathOf({ attrPath }: EvaluatedItem): string[] {
  return attrPath.length === 0 ? ['default'] : [...attrPath];
}

/** Sends batches, each with what is behind its jobs and was not sent before. */
function createSender(
  deps: BatchDeps,
  evaluationId: number,
  signal: AbortSignal,
): (items: Items) => Promise<void> {
  const seen = new Set<string>();
  const sentSources = new Set<string>();
  const knownToServer = new Set<string>();
  return async (items) => {
    const drvPaths = items.jobs.map((job) => job.drvPath);
    const derivations = await readNewDerivations(deps, drvPaths, seen, signal);
    const sources = [...new Set(derivations.flatMap((one) => one.sources))].filter(
      (path) => !sentSources.has(path),
    );
    // Sources first: a step may start as soon as its derivation is stored.
    if (sources.length > 0) {
      const closure = await deps.store.closureInfo(sources);
      await sendClosure({ ...deps, knownToServer }, null, closure, signal);
    }
    for (const path of sources) sentSources.add(path);
    const files = derivations.map(({ path, text }) => ({ path, text }));
    await deps.server.storeBatch(evaluationId, { ...items, derivations: files }, signal);
  };
}

interface DerivationFile {
  readonly path: string;
  readonly text: string;
  readonly sources: readonly string[];
}

/** Derivations behind `drvPaths` that the server does not know, level by level: below a known one all is known. */
async function readNewDerivations(
  { server, knownValid }: BatchDeps,
  drvPaths: readonly string[],
  seen: Set<string>,
  signal: AbortSignal,
): Promise<DerivationFile[]> {
  const found: DerivationFile[] = [];
  let level = [...new Set(drvPaths)].filter((path) => !seen.has(path));
  while (level.length > 0) {
    for (const path of level) {
      seen.add(path);
      knownValid.add(path);
    }
    const unknown = await server.listUnknownDerivations(level, signal);
    const next = new Set<string>();
    for (const path of unknown) {
      const bytes = await readFile(path);
      const derivation = parseDerivationFile(parseStorePath(path), bytes);
      found.push({ path, text: bytes.toString('utf8'), sources: derivation.inputSources });
      for (const input of derivation.inputDerivations.keys()) if (!seen.has(input)) next.add(input);
    }
    level = [...next];
  }
  return found;
}
