/** Evaluations, replayed against histories. */

import type { EvaluationInput } from '../../domain/ci/workflow-messages.ts';
import { beginHistory, type History, testReplays } from '../support/history.ts';
import { bundleWorkflows, installQuietRuntime } from '../support/workflow-server.ts';

installQuietRuntime();

const INPUT: EvaluationInput = {
  evaluationId: 3,
  phase: 'evaluate',
  queue: 'eval.x86_64-linux',
  timing: { heartbeatSeconds: 30, resumeSeconds: 120, retryDelayFactor: 1, pollSeconds: 30 },
};
const REPORT = { complete: true, jobs: 2, errors: 0, message: null };
const NEW = { alreadyEvaluated: false, cancelled: false };

const begin = (begun: object = NEW): History =>
  beginHistory('evaluationWorkflow', INPUT).schedule('beginEvaluation').complete(begun);
const evaluated = (history: History, drained: boolean): History =>
  history.complete(REPORT, 'evaluate').schedule('finishPlanning').complete({ drained });
const finished = (history: History): History =>
  history
    .schedule('classifyEvaluation')
    .complete({ findings: 0 })
    .schedule('publishEvaluation')
    .complete({ pinned: 2 })
    .schedule('finishEvaluation')
    .complete()
    .end();
const woundUp = (history: History): History => history.schedule('finishEvaluation').complete().end();
const continued = (history: History): History =>
  history.endBy('WORKFLOW_EXECUTION_CONTINUED_AS_NEW', {
    newExecutionRunId: 'r2',
    workflowType: { name: 'evaluationWorkflow' },
    taskQueue: { name: 'ctl' },
  });

/** Waiting for steps: looks by itself every so often. */
const looksOnce = (history: History): History => history.sleep(30).schedule('isDrained').complete(false);

const RIGHT: readonly (readonly [string, () => History])[] = [
  ['that needs no step is finished at once', () => finished(evaluated(begin().schedule('evaluate'), true))],
  [
    'plans each batch while the evaluator goes on',
    () => {
      const planning = begin().schedule('evaluate').signal('batchStored').schedule('planBatch');
      const again = planning
        .complete({ planned: 1 }, 'planBatch')
        .signal('batchStored')
        .schedule('planBatch');
      return finished(evaluated(again.complete({ planned: 1 }, 'planBatch'), true));
    },
  ],
  [
    'plans batches that came during a planning together in the next one',
    () => {
      const planning = begin().schedule('evaluate').signal('batchStored').schedule('planBatch');
      const more = planning.signal('batchStored').signal('batchStored').complete({ planned: 1 }, 'planBatch');
      return finished(evaluated(more.schedule('planBatch').complete({ planned: 2 }, 'planBatch'), true));
    },
  ],
  [
    'whose evaluator ends during a planning leaves the rest to the last planning',
    () => {
      const planning = begin().schedule('evaluate').signal('batchStored').schedule('planBatch');
      const ended = planning.complete(REPORT, 'evaluate').complete({ planned: 1 }, 'planBatch');
      return finished(ended.schedule('finishPlanning').complete({ drained: true }));
    },
  ],
  [
    'waits until its steps have ended',
    () =>
      finished(
        evaluated(begin().schedule('evaluate'), false).startTimer(30).signal('stepsDrained').cancelTimer(),
      ),
  ],
  [
    'hears of its last step while it still plans',
    () => finished(evaluated(begin().schedule('evaluate').signal('stepsDrained'), false)),
  ],
  [
    'that missed the signal finds out by itself',
    () =>
      finished(
        looksOnce(evaluated(begin().schedule('evaluate'), false))
          .sleep(30)
          .schedule('isDrained')
          .complete(true),
      ),
  ],
  [
    'that was evaluated before Temporal was lost goes on waiting',
    () =>
      finished(
        begin({ alreadyEvaluated: true, cancelled: false }).sleep(30).schedule('isDrained').complete(true),
      ),
  ],
  [
    'whose evaluator fails for good keeps what came, and says so',
    () => {
      const failed = begin().schedule('evaluate').fail('ParseError', { nonRetryable: true });
      return finished(failed.schedule('finishPlanning').complete({ drained: true }));
    },
  ],
  [
    'stops its evaluator when it is cancelled, and neither classifies nor publishes',
    () => woundUp(begin().schedule('evaluate').signal('cancelled').cancelActivity('evaluate')),
  ],
  [
    'that is cancelled during a planning stops its evaluator after it',
    () => {
      const planning = begin().schedule('evaluate').signal('batchStored').schedule('planBatch');
      return woundUp(
        planning.signal('cancelled').complete({ planned: 1 }, 'planBatch').cancelActivity('evaluate'),
      );
    },
  ],
  [
    'that is cancelled while it waits winds up',
    () =>
      woundUp(
        evaluated(begin().schedule('evaluate'), false).startTimer(30).signal('cancelled').cancelTimer(),
      ),
  ],
  [
    'that was cancelled before it began only winds up',
    () => woundUp(begin({ alreadyEvaluated: false, cancelled: true })),
  ],
  [
    'that waits for long starts a new history',
    () => {
      let history = evaluated(begin().schedule('evaluate'), false);
      while (history.events.length <= 1_000) history = looksOnce(history);
      return continued(history);
    },
  ],
];

const WRONG: readonly (readonly [string, () => History])[] = [
  ['publishes before its steps have ended', () => finished(evaluated(begin().schedule('evaluate'), false))],
  [
    'is classified although it was cancelled',
    () => finished(begin({ alreadyEvaluated: false, cancelled: true })),
  ],
  [
    'is evaluated again',
    () => begin({ alreadyEvaluated: true, cancelled: false }).schedule('evaluate').complete(REPORT),
  ],
  ['is forgotten', () => evaluated(begin().schedule('evaluate'), true).end()],
  [
    'is published without a look for findings',
    () => evaluated(begin().schedule('evaluate'), true).schedule('publishEvaluation').complete({ pinned: 0 }),
  ],
  [
    'starts a new history too soon',
    () => continued(looksOnce(evaluated(begin().schedule('evaluate'), false))),
  ],
];

testReplays(bundleWorkflows, RIGHT, WRONG);
