/** Dispatchers and projects, which live for ever, replayed against histories. */

import type { ProjectInput, WorkflowType } from '../../domain/ci/workflow-messages.ts';
import { beginHistory, type History, testReplays } from '../support/history.ts';
import { bundleWorkflows, installQuietRuntime } from '../support/workflow-server.ts';

installQuietRuntime();

const TIMING = { heartbeatSeconds: 30, resumeSeconds: 120, retryDelayFactor: 1, pollSeconds: 30 };

const dispatcher = (): History =>
  beginHistory('dispatchWorkflow', { pool: 'build.x86_64-linux.std', timing: TIMING });
const project = (pending: ProjectInput['pending'] = {}): History =>
  beginHistory('projectWorkflow', { slug: 'nixpkgs', queue: 'eval.x86_64-linux', pending, timing: TIMING });
const dispatched = (history: History): History => history.schedule('dispatchReady').complete({ claimed: 1 });
const trigger = (history: History, jobsetId: number, triggerId: number, debounceSeconds = 60): History =>
  history.signal('trigger', { jobsetId, triggerId, debounceSeconds });
const settled = (history: History): History =>
  history
    .schedule('resolveSource')
    .complete({ kind: 'resolved', revision: 'abc', lockedSource: null, dirty: false })
    .schedule('settleTriggers')
    .complete({ evaluationId: 1 });
const continued = (history: History, type: WorkflowType): History =>
  history.endBy('WORKFLOW_EXECUTION_CONTINUED_AS_NEW', {
    newExecutionRunId: 'r2',
    workflowType: { name: type },
    taskQueue: { name: 'ctl' },
  });

const RIGHT: readonly (readonly [string, () => History])[] = [
  [
    'a dispatcher looks for ready steps when it starts, and when it is woken',
    () =>
      dispatched(dispatched(dispatcher().passTimer()).startTimer(30).signal('wake').cancelTimer()).startTimer(
        30,
      ),
  ],
  [
    'a dispatcher that nobody wakes looks by itself',
    () => dispatched(dispatched(dispatcher().passTimer()).sleep(30)).startTimer(30),
  ],
  [
    'a wake during a look leads to another look',
    () =>
      dispatched(
        dispatcher()
          .passTimer()
          .schedule('dispatchReady')
          .signal('wake')
          .complete({ claimed: 1 })
          .passTimer(),
      ).startTimer(30),
  ],
  [
    'a dispatcher starts a new history in time',
    () => {
      let history = dispatched(dispatcher().passTimer());
      while (history.events.length <= 1_000) history = dispatched(history.sleep(30));
      return continued(history, 'dispatchWorkflow');
    },
  ],
  ['a project without triggers does nothing', () => project()],
  ['a trigger is settled when its time has come', () => settled(trigger(project(), 1, 1).sleep(60))],
  [
    'several triggers of a jobset are one evaluation, some time after the last',
    () => {
      const first = trigger(project(), 1, 1).startTimer(60).wait(30);
      const second = trigger(first, 1, 2).cancelTimer().startTimer(60).wait(30);
      return settled(trigger(second, 1, 3).cancelTimer().sleep(60));
    },
  ],
  [
    'a trigger that is told twice counts once',
    () => settled(trigger(trigger(project(), 1, 1).startTimer(60).wait(30), 1, 1).fireTimer()),
  ],
  [
    'triggers of two jobsets are settled each at its time',
    () => {
      const both = trigger(trigger(project(), 1, 1, 60).startTimer(60), 2, 2, 90)
        .cancelTimer()
        .startTimer(60);
      return settled(settled(both.fireTimer()).startTimer(30).fireTimer());
    },
  ],
  ['a trigger without debounce is settled at once', () => settled(trigger(project(), 1, 1, 0))],
  [
    'a trigger that comes while its jobset is being settled waits for the next time',
    () => {
      const settling = trigger(project(), 1, 1, 0).schedule('resolveSource');
      const resolved = trigger(settling, 1, 2, 10).complete(
        { kind: 'failed', message: 'away' },
        'resolveSource',
      );
      return settled(resolved.schedule('settleTriggers').complete({ evaluationId: null }).sleep(10));
    },
  ],
  [
    'a source that cannot be resolved is settled, too',
    () =>
      trigger(project(), 1, 1, 0)
        .schedule('resolveSource')
        .timeOut('START_TO_CLOSE')
        .schedule('settleTriggers')
        .complete({ evaluationId: null }),
  ],
  [
    'triggers of an earlier history are settled',
    () => settled(project({ '1': { triggerIds: [4], dueAt: 0 } })),
  ],
  [
    'a project starts a new history in time',
    () => {
      let history = project();
      for (let id = 1; history.events.length <= 1_000; id++) history = settled(trigger(history, 1, id, 0));
      return continued(history, 'projectWorkflow');
    },
  ],
  [
    'a schedule records its trigger',
    () =>
      beginHistory('triggerWorkflow', { jobsetId: 1 }).schedule('recordScheduledTrigger').complete().end(),
  ],
];

const WRONG: readonly (readonly [string, () => History])[] = [
  [
    'two evaluations of one burst',
    () => {
      const first = settled(trigger(project(), 1, 1).sleep(30));
      return settled(trigger(first, 1, 2).sleep(60));
    },
  ],
  ['an evaluation before its time', () => settled(trigger(project(), 1, 1))],
  ['a dispatcher that waits before its first look', () => dispatched(dispatcher().sleep(30))],
  ['a dispatcher that ends', () => dispatched(dispatcher().passTimer()).end()],
];

testReplays(bundleWorkflows, RIGHT, WRONG);
