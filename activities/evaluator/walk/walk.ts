/** The walk: attributes in a queue, worker processes that look at them, findings that lead to more attributes. */

import { describePath, describeRoot, quoteNames, readExpression } from '../request.ts';
import type { EvaluationRequest } from '../types.ts';
import { type BatchEnd, runBatch } from './batch.ts';
import type { Finding, RootProblem } from './findings.ts';
import { createProgress, followDeath, followFinding, type Sink } from './follow.ts';
import { createSink, createWalkState, type Running, wake, type WalkState, type WalkTools } from './state.ts';
import type { WorkItem } from './work.ts';

/** Killed as often before any process had the root, it is no accident. */
const MAX_ROOT_DEATHS = 2;

export interface Walk {
  /** Walks from these items until nothing is left or the evaluation stops; no process is left then. */
  run(items: readonly WorkItem[]): Promise<void>;
  /** To be called when the outbox has room again. */
  wake(): void;
  /** Attributes that are being looked at. */
  current(): readonly string[];
  /** How many of the places to begin do not exist. */
  countAbsent(): number;
}

interface Context {
  readonly tools: WalkTools;
  readonly state: WalkState;
  readonly sink: Sink;
  readonly expression: string;
}

export function createWalk(tools: WalkTools): Walk {
  const state = createWalkState();
  const context = { tools, state, sink: createSink(state, tools), expression: readExpression('walk.nix') };
  return {
    run: (items) => run(context, items),
    wake: () => wake(state),
    current: () =>
      [...state.processes].flatMap(({ items, index }) => {
        const item = items[index];
        return item === undefined ? [] : [describePath(item.attrPath)];
      }),
    countAbsent: () => state.absent,
  };
}

async function run(context: Context, items: readonly WorkItem[]): Promise<void> {
  const { request, outbox, stop } = context.tools;
  const { queue, processes } = context.state;
  context.sink.discover(items);
  for (;;) {
    while (!stop.signal.aborted && processes.size < request.workers && queue.length > 0 && !outbox.isFull())
      void work(context, queue.take(request.workers));
    if (processes.size === 0 && (stop.signal.aborted || queue.length === 0)) return;
    await context.state.change.promise;
  }
}

/** One process from its start to what follows from its end. Never rejects: a failure stops the evaluation. */
async function work(context: Context, items: readonly WorkItem[]): Promise<void> {
  const { state, expression } = context;
  const { nix, environment, request, reporter, stop } = context.tools;
  const running: Running = { items, index: 0, progress: createProgress(), rootSeen: false };
  const startedAt = performance.now();
  state.processes.add(running);
  try {
    const end = await runBatch(
      items,
      { nix, expression, environment, memoryMiB: request.memoryMiB, signal: stop.signal },
      (finding) => follow(context, running, finding),
    );
    for (const warning of end.warnings) reporter.warn(warning);
    if (stop.signal.aborted) return;
    const ms = performance.now() - startedAt;
    state.queue.learn({ items: items.length, ms, killed: end.death?.kind === 'killed' });
    settle(context, running, end);
  } catch (error) {
    stop.fail(error);
  } finally {
    state.processes.delete(running);
    wake(state);
  }
}

function follow({ tools, state, sink }: Context, running: Running, finding: Finding): void {
  const { request, stop } = tools;
  if (stop.signal.aborted) return;
  if (finding.at === 'problem') return stop.end(describeProblem(request, finding.problem));
  if (finding.at === 'root') {
    running.rootSeen = true;
    state.rootSeen = true;
    return;
  }
  const item = running.items[running.index];
  if (item === undefined || finding.item !== running.index)
    throw new Error(`walk.nix tells of item ${finding.item} when it is at ${running.index}`);
  followFinding(item, running.progress, finding, sink);
  if (running.progress.stage !== 'done') return;
  running.index++;
  running.progress = createProgress();
}

function settle({ tools, state, sink }: Context, running: Running, { death }: BatchEnd): void {
  const { items, index, progress, rootSeen } = running;
  const item = items[index];
  if (item === undefined) return;
  if (death === null) throw new Error(`walk.nix ended before ${describePath(item.attrPath)}`);
  // Killed before the root was there, where others had it: the process is to be tried again like any other.
  if (rootSeen || (state.rootSeen && death.kind === 'killed')) {
    followDeath(item, progress, death, sink);
    state.queue.add(items.slice(index + 1));
  } else if (death.kind === 'killed' && ++state.rootDeaths < MAX_ROOT_DEATHS) state.queue.add(items);
  else tools.stop.end(`${describeRoot(tools.request)} cannot be evaluated: ${death.message}`);
}

function describeProblem(request: EvaluationRequest, { kind, names }: RootProblem): string {
  const root = describeRoot(request);
  const quoted = quoteNames(names);
  const many = names.length > 1;
  const given = `${many ? 'are' : 'is'} given${request.variant === null ? '' : ` (variant "${request.variant.name}")`}`;
  switch (kind) {
    case 'missing':
      return `the function in ${root} needs ${many ? 'arguments' : 'an argument'} ${quoted}, which nobody gives: add ${many ? 'them' : 'it'} to args or argStrings`;
    case 'no-function':
      return `${root} is no function and takes no arguments, but ${quoted} ${given}`;
    case 'unaccepted':
      return `the function in ${root} does not take ${quoted}, which ${given}`;
  }
}
