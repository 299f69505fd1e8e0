/**
 * Keeps the index of paths in memory as it is in Postgres: read at the start, then told of changes.
 * Whatever is lost on the way (a restart of Postgres, a cut connection) is read again from a mark.
 */

import type { FastifyBaseLogger } from 'fastify';
import type { Connection } from '../../db/database.ts';
import {
  CHANGES_KEPT_MS,
  ENTRY_LENGTH,
  forgetOldPathChanges,
  listPathChanges,
  PATHS_CHANNEL,
  readPathIndex,
  type Watermark,
} from '../../db/path-changes.ts';
import { createPathIndexBuilder, type PathIndex, type ViewBits } from './path-index.ts';

export interface PathFollower extends AsyncDisposable {
  /** How many paths there are. */
  readonly size: number;
  /** `undefined` where there is no such path. */
  views(hash: string): ViewBits | undefined;
  /** False when nothing was heard of Postgres for so long that what is known may be wrong. */
  readonly isCurrent: boolean;
  /** Resolves when all that was committed before the call is known here. Rejects when Postgres does not answer. */
  catchUp(): Promise<void>;
  /** Calls `listener` with the hash part of each path that changed, after it did; with `undefined` when any may have. */
  onChange(listener: (hash: string | undefined) => void): void;
}

export interface PathFollowerOptions {
  readonly connection: Connection;
  readonly logger: Pick<FastifyBaseLogger, 'info' | 'warn'>;
  /** How often changes are asked for without having been told of any: a connection may be dead without our noticing. */
  readonly pollMs?: number;
  readonly now?: () => number;
}

const POLL_MS = 15_000;
/** A path that was withdrawn may be shown for so long by a process that cannot reach Postgres. */
const STALE_MS = 300_000;
const FORGET_MS = 3_600_000;

/** Reads the index and follows it. @throws what Postgres throws while it is read for the first time. */
export async function openPathFollower(options: PathFollowerOptions): Promise<PathFollower> {
  const { connection, logger, pollMs = POLL_MS, now = Date.now } = options;
  const listeners: ((hash: string | undefined) => void)[] = [];
  let { index, mark } = await load(connection);
  /** Transactions that were told already, and are told again as long as an older one runs. */
  let known: ReadonlySet<string> = new Set();
  let heardAt = now();
  let isClosed = false;

  async function readChanges(): Promise<void> {
    if (isClosed) return;
    // Changes older than that may be forgotten: then only the whole is right.
    if (now() - heardAt > CHANGES_KEPT_MS) {
      ({ index, mark } = await load(connection));
      for (const listener of listeners) listener(undefined);
    } else {
      const changes = await listPathChanges(connection.db, mark);
      const told = new Set<string>();
      for (const { pathHash, views, transaction } of changes.paths) {
        told.add(transaction);
        if (known.has(transaction)) continue;
        index.set(pathHash, views);
        for (const listener of listeners) listener(pathHash);
      }
      known = told;
      mark = changes.mark;
    }
    heardAt = now();
  }

  const catchUp = coalesce(readChanges);
  const look = (): void =>
    void catchUp().catch((error: unknown) => {
      if (!isClosed)
        logger.warn({ err: error }, 'changes of the cache cannot be read; they are asked for again');
    });
  await connection.listen(PATHS_CHANNEL, look);
  const poll = setInterval(look, pollMs).unref();
  const forget = setInterval(
    () => void forgetOldPathChanges(connection.db).catch(() => {}),
    FORGET_MS,
  ).unref();

  return {
    get size() {
      return index.size;
    },
    get isCurrent() {
      return now() - heardAt < STALE_MS;
    },
    views: (hash) => index.views(hash),
    catchUp,
    onChange: (listener) => void listeners.push(listener),
    [Symbol.asyncDispose]: async () => {
      isClosed = true;
      clearInterval(poll);
      clearInterval(forget);
      await catchUp().catch(() => {});
    },
  };
}

async function load(connection: Connection): Promise<{ index: PathIndex; mark: Watermark }> {
  let builder: ReturnType<typeof createPathIndexBuilder> | undefined;
  const mark = await readPathIndex(connection, (entries, expected) => {
    builder ??= createPathIndexBuilder(expected);
    const bytes = Buffer.from(entries, 'latin1');
    for (let offset = 0; offset < bytes.length; offset += ENTRY_LENGTH)
      builder.add(bytes, offset, (bytes[offset + ENTRY_LENGTH - 1] ?? 0) - 0x30);
  });
  return { index: (builder ?? createPathIndexBuilder()).build(), mark };
}

/** One run at a time; who calls while one runs gets the next, since the running one may have looked before. */
function coalesce(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  function start(): Promise<void> {
    running = run().finally(() => (running = undefined));
    return running;
  }
  return () => {
    if (running === undefined) return start();
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };
}
