/** What follows from the findings of a process, and from its death, for the attribute that it was at. */

import { isGpuCheck } from '../../../domain/ci/pool.ts';
import type { JsonObject } from '../../../domain/nix/json.ts';
import { describePath, MAX_DEPTH } from '../request.ts';
import type { ItemFinding } from './findings.ts';
import { createWorkItem, type WorkItem } from './work.ts';

export type JobFinding = ItemFinding & { readonly at: 'job' };

/** Where the walk reports to. */
export interface Sink {
  job(attrPath: readonly string[], job: JobFinding, meta: JsonObject): void;
  error(attrPath: readonly string[], message: string): void;
  warn(message: string): void;
  /** Items that lead to other attributes than before, each path once. */
  discover(items: readonly WorkItem[]): void;
  /** The same attribute once more, in another way. */
  again(item: WorkItem): void;
  /** A place where the walk was to begin does not exist, or holds nothing to walk. */
  absent(item: WorkItem): void;
  unusable(item: WorkItem, type: string): void;
  /** Such a place cannot be evaluated. */
  topFailed(item: WorkItem, message: string): void;
}

/** How far a process has come with an item; `settled`: the item itself is reported, its checks are not yet known. */
export interface Progress {
  stage: 'start' | 'comparing' | 'derivation' | 'job' | 'settled' | 'tests' | 'done';
  job: JobFinding | null;
  /** Of an item wanted as a check; undefined: not told yet, null: unreadable. */
  features: readonly string[] | null | undefined;
  tests: number;
}

export function createProgress(): Progress {
  return { stage: 'start', job: null, features: undefined, tests: 0 };
}

export type Death =
  /** An error of the code: evaluating again would end the same way. */
  | { readonly kind: 'error'; readonly message: string; readonly endless: boolean }
  /** Out of memory, or a signal: what was evaluated before in the process may be to blame. */
  | { readonly kind: 'killed'; readonly message: string };

export function followFinding(item: WorkItem, progress: Progress, finding: ItemFinding, sink: Sink): void {
  switch (finding.at) {
    case 'absent':
      if (item.top) sink.absent(item);
      return;
    case 'other':
      if (item.top) sink.unusable(item, finding.type);
      return;
    case 'present':
      return;
    case 'comparing':
    case 'derivation':
    case 'tests':
    case 'done':
      progress.stage = finding.at;
      return;
    case 'again':
      progress.stage = 'settled';
      return;
    case 'set':
      progress.stage = 'settled';
      discoverChildren(item, finding.names, sink);
      return;
    case 'features':
      progress.features = finding.features;
      return;
    case 'job':
      progress.stage = 'job';
      progress.job = finding;
      return;
    case 'meta':
      progress.stage = 'settled';
      reportJob(item, progress, finding.meta, sink);
      return;
    case 'caught':
      progress.stage = 'settled';
      // Whoever only looks for checks has the error of the attribute itself already.
      if (item.want !== 'checks' && isWanted(item, progress))
        sink.again({ ...item, want: item.want === 'visit' ? 'self' : item.want, alone: true, plain: true });
      return;
    case 'checks':
      progress.stage = 'settled';
      if (finding.gpuCheck !== null) sink.discover([checkItem(item, finding.gpuCheck, ['gpuCheck'])]);
      return;
    case 'test':
      progress.tests++;
      followTest(item, finding, sink);
  }
}

function discoverChildren(item: WorkItem, names: readonly string[], sink: Sink): void {
  if (item.path.length - item.topLength >= MAX_DEPTH) {
    const from = describePath(item.path.slice(0, item.topLength));
    sink.error(
      item.attrPath,
      `error: not entered: more than ${MAX_DEPTH} attribute sets below ${from}, so probably without an end`,
    );
    return;
  }
  sink.discover(names.map((name) => createWorkItem([...item.path, name], { topLength: item.topLength })));
}

function followTest(item: WorkItem, finding: ItemFinding & { at: 'test' }, sink: Sink): void {
  const { name, via, gpuCheck, features } = finding;
  const found: WorkItem[] = [];
  if (gpuCheck !== null) found.push(checkItem(item, gpuCheck, ['tests', name, 'gpuCheck']));
  if (features === null)
    sink.warn(
      `${describePath([...item.attrPath, 'tests', name])} cannot be read, so it is not known whether it needs a GPU`,
    );
  else if (isGpuCheck(features)) found.push(checkItem(item, via, ['tests', name]));
  sink.discover(found);
}

function checkItem(item: WorkItem, via: readonly string[], names: readonly string[]): WorkItem {
  return createWorkItem([...item.path, ...via], {
    attrPath: [...item.attrPath, ...names],
    topLength: item.topLength,
    want: 'check',
  });
}

/** A check that needs no GPU is none of ours; one whose features cannot be read is believed by its name. */
function isWanted(item: WorkItem, { features }: Progress): boolean {
  return item.want !== 'check' || features == null || isGpuCheck(features);
}

function reportJob(item: WorkItem, progress: Progress, meta: JsonObject, sink: Sink): void {
  if (progress.job !== null && isWanted(item, progress)) sink.job(item.attrPath, progress.job, meta);
}

/** What is to be done about `item` when the process that was at it is dead. */
export function followDeath(item: WorkItem, progress: Progress, death: Death, sink: Sink): void {
  const place = describePath(item.attrPath);
  const retryAlone = death.kind === 'killed' && !item.alone;
  switch (progress.stage) {
    case 'comparing':
      // Only sets without an end are so alike that comparing them exhausts the stack or the memory.
      if (death.kind === 'killed' || death.endless)
        sink.warn(`${place} is not entered: it looks like the sets above it, without an end`);
      else sink.again({ ...item, compare: false });
      return;
    case 'job':
      if (retryAlone) return sink.again({ ...item, alone: true });
      sink.warn(`meta of ${place} cannot be read: ${death.message}`);
      reportJob(item, progress, {}, sink);
      if (item.want === 'visit') sink.again({ ...item, want: 'checks' });
      return;
    case 'settled':
    case 'tests':
      return followDeathAmongChecks(item, progress, death, sink);
    case 'start':
    case 'derivation':
      if (retryAlone) return sink.again({ ...item, alone: true });
      if (item.want === 'checks') return followDeathBeforeChecks(item, progress, death, sink);
      if (item.top && progress.stage === 'start') return sink.topFailed(item, death.message);
      if (isWanted(item, progress)) sink.error(item.attrPath, death.message);
      if (item.want === 'visit' && progress.stage === 'derivation')
        sink.again({ ...item, want: 'checks', alone: false });
      return;
    case 'done':
  }
}

function followDeathBeforeChecks(item: WorkItem, { stage }: Progress, death: Death, sink: Sink): void {
  // An attribute that dies by itself has been reported by whoever asked for its checks.
  if (stage === 'derivation')
    sink.warn(`checks of ${describePath(item.attrPath)} cannot be read: ${death.message}`);
}

function followDeathAmongChecks(item: WorkItem, progress: Progress, death: Death, sink: Sink): void {
  if (item.want !== 'visit' && item.want !== 'checks') return;
  const rest: WorkItem = { ...item, want: 'checks', fromTest: item.fromTest + progress.tests };
  if (death.kind === 'killed' && !item.alone) return sink.again({ ...rest, alone: true });
  sink.warn(
    `whether ${describePath(item.attrPath)} has tests that need a GPU is not fully known: ${death.message}`,
  );
  // The test that it died of is passed over; where not even their names could be had, all are.
  if (progress.stage === 'tests') sink.again({ ...rest, fromTest: rest.fromTest + 1, alone: false });
}
