/** What a walk remembers, and where its findings go. */

import { readMeta } from '../meta.ts';
import type { Outbox } from '../outbox.ts';
import type { Reporter } from '../reporter.ts';
import { describePath, describeRoot, type NixRequest } from '../request.ts';
import type { Stop } from '../stop.ts';
import type { EvaluationRequest } from '../types.ts';
import type { Progress, Sink } from './follow.ts';
import { createWorkQueue, MAX_ITEM_BYTES, type WorkItem, type WorkQueue } from './work.ts';

export interface WalkTools {
  readonly request: EvaluationRequest;
  readonly nix: NixRequest;
  readonly environment: Readonly<Record<string, string>>;
  readonly reporter: Reporter;
  readonly outbox: Outbox;
  readonly stop: Stop;
}

/** A process and how far it is. */
export interface Running {
  readonly items: readonly WorkItem[];
  index: number;
  progress: Progress;
  rootSeen: boolean;
}

export interface WalkState {
  readonly queue: WorkQueue;
  /** Attribute paths met so far. */
  readonly seen: Set<string>;
  readonly processes: Set<Running>;
  /** Places to begin that do not exist. */
  absent: number;
  /** Whether any process has had the root; processes killed before that. */
  rootSeen: boolean;
  rootDeaths: number;
  change: PromiseWithResolvers<void>;
}

export function createWalkState(): WalkState {
  return {
    queue: createWorkQueue(),
    seen: new Set(),
    processes: new Set(),
    absent: 0,
    rootSeen: false,
    rootDeaths: 0,
    change: Promise.withResolvers(),
  };
}

/** Lets a walk that waits look again at what there is to do. */
export function wake(state: WalkState): void {
  state.change.resolve();
  state.change = Promise.withResolvers();
}

export function createSink(state: WalkState, { request, reporter, stop }: WalkTools): Sink {
  const onlyPlace = request.below.length === 1;
  return {
    job: (attrPath, { drvPath, name, system, constituents }, meta) => {
      const base = { attrPath, drvPath, nixName: name, system, meta: readMeta(meta) };
      reporter.job(constituents === null ? base : { ...base, constituents });
    },
    error: (attrPath, message) => reporter.error(attrPath, message),
    warn: (message) => reporter.warn(message),
    again: (item) => {
      state.queue.add([item]);
      wake(state);
    },
    discover: (items) => {
      state.queue.add(items.filter((item) => isNew(state, item, reporter)));
      if (state.seen.size > request.maxAttributes)
        stop.end(describeTooMany(request, items.at(-1)?.attrPath ?? []));
      wake(state);
    },
    absent: () => state.absent++,
    unusable: ({ path }, type) => {
      const where = `${describePath(path)} of ${describeRoot(request)}`;
      if (onlyPlace) stop.end(`${where} is a ${type}, not a derivation or a set of them`);
    },
    topFailed: ({ path, attrPath }, message) => {
      if (onlyPlace) stop.end(`${describePath(path)} cannot be evaluated: ${message}`);
      else reporter.error(attrPath, message);
    },
  };
}

function isNew({ seen }: WalkState, { attrPath, want }: WorkItem, reporter: Reporter): boolean {
  // Looking whether it is there is not yet looking at it.
  if (want === 'probe') return true;
  const key = JSON.stringify(attrPath);
  if (seen.has(key)) return false;
  seen.add(key);
  if (Buffer.byteLength(key) <= MAX_ITEM_BYTES) return true;
  reporter.error(attrPath, `error: an attribute path of more than ${MAX_ITEM_BYTES} bytes`);
  return false;
}

export function describeTooMany({ maxAttributes }: EvaluationRequest, attrPath: readonly string[]): string {
  return `more than ${maxAttributes} attributes, which is limits.attributes of the jobset; it was at ${describePath(attrPath)}`;
}
