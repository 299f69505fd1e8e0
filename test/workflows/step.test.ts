/** Steps, replayed against histories: each line is one way that a step can go. */

import type { AttemptReport, StepInput } from '../../domain/ci/workflow-messages.ts';
import { beginHistory, type History, testReplays } from '../support/history.ts';
import { bundleWorkflows, installQuietRuntime } from '../support/workflow-server.ts';

installQuietRuntime();

const STEP: StepInput = {
  stepId: 7,
  kind: 'build',
  drvHash: 'w0sp0q9nkbymrpnn6d3bnggs5dfk62w6',
  name: 'torch',
  architecture: null,
  scope: 0,
  generation: 1,
  pool: 'build.x86_64-linux.std',
  priority: 3,
  fairnessKey: 'jobset-1',
  resume: null,
  timing: { heartbeatSeconds: 30, resumeSeconds: 120, retryDelayFactor: 1, pollSeconds: 30 },
};

const begin = (step: Partial<StepInput> = {}): History =>
  beginHistory(step.kind === 'gpu-test' ? 'gpuTestWorkflow' : 'stepWorkflow', { ...STEP, ...step });
const ended = (outcome: string): AttemptReport =>
  ({ kind: 'ended', outcome, builder: 'b07' }) as AttemptReport;
const verdict = (failureClass: string, retry: string): object => ({ class: failureClass, retry });
const CODE = verdict('code', 'no');
const INFRA = verdict('infra', 'other');
const WHERE = { builder: 'b07' };

/** An attempt that infrastructure ended, and the pause after it. */
const aborted = (history: History, pause: number): History =>
  history
    .schedule('realiseStep')
    .complete(ended('aborted'))
    .schedule('classifyAttempt')
    .complete(INFRA)
    .sleep(pause);
const recorded = (history: History): History => history.local('recordStepEnd').end();

const RIGHT: readonly (readonly [string, () => History])[] = [
  ['a built step is recorded', () => recorded(begin().schedule('realiseStep').complete(ended('built')))],
  ['a substituted one, too', () => recorded(begin().schedule('realiseStep').complete(ended('substituted')))],
  [
    'a failed package is classified and recorded',
    () =>
      recorded(
        begin().schedule('realiseStep').complete(ended('failed')).schedule('classifyAttempt').complete(CODE),
      ),
  ],
  [
    'a timeout is classified and recorded, whatever the verdict advises',
    () =>
      recorded(
        begin()
          .schedule('realiseStep')
          .complete(ended('timed-out'))
          .schedule('classifyAttempt')
          .complete(INFRA),
      ),
  ],
  [
    'a failure that the machine caused is tried once more',
    () =>
      recorded(
        begin()
          .schedule('realiseStep')
          .complete(ended('failed'))
          .schedule('classifyAttempt')
          .complete(INFRA)
          .sleep(10)
          .schedule('realiseStep')
          .complete(ended('failed'))
          .schedule('classifyAttempt')
          .complete(INFRA),
      ),
  ],
  [
    'an attempt that infrastructure ended is tried five times in all',
    () => {
      const four = [10, 30, 90, 270].reduce(aborted, begin());
      return recorded(
        four.schedule('realiseStep').complete(ended('aborted')).schedule('classifyAttempt').complete(INFRA),
      );
    },
  ],
  [
    'a builder that was lost is asked to go on with what it runs',
    () =>
      recorded(
        begin()
          .schedule('realiseStep')
          .timeOut('HEARTBEAT', WHERE)
          .schedule('resumeStep')
          .complete(ended('built')),
      ),
  ],
  [
    'a builder that stays away is replaced by any of its pool',
    () =>
      recorded(
        begin()
          .schedule('realiseStep')
          .timeOut('HEARTBEAT', WHERE)
          .schedule('resumeStep')
          .timeOut('SCHEDULE_TO_START')
          .sleep(10)
          .schedule('realiseStep')
          .complete(ended('built')),
      ),
  ],
  [
    'a builder that was lost before its first beat cannot be gone back to',
    () =>
      recorded(
        begin()
          .schedule('realiseStep')
          .timeOut('HEARTBEAT')
          .sleep(10)
          .schedule('realiseStep')
          .complete(ended('built')),
      ),
  ],
  [
    'a worker that detached is asked to go on with what it runs, however often that happens',
    () =>
      recorded(
        begin()
          .schedule('realiseStep')
          .fail('WorkerShutdownDetached', { details: [WHERE] })
          .schedule('resumeStep')
          .fail('WorkerShutdownDetached', { details: [WHERE] })
          .schedule('resumeStep')
          .complete(ended('built')),
      ),
  ],
  [
    'a step that has cost three builders is poisoned',
    () =>
      recorded(
        begin()
          .schedule('realiseStep')
          .timeOut('HEARTBEAT')
          .sleep(10)
          .schedule('realiseStep')
          .timeOut('START_TO_CLOSE')
          .sleep(30)
          .schedule('realiseStep')
          .fail('Error'),
      ),
  ],
  [
    'a bug is recorded at once: trying again would not help',
    () => recorded(begin().schedule('realiseStep').fail('ServerRefusal', { nonRetryable: true })),
  ],
  [
    'a step without its inputs goes back to wait for them',
    () =>
      begin()
        .schedule('realiseStep')
        .complete({ kind: 'inputs-missing', builder: 'b07', paths: ['/nix/store/x'] })
        .schedule('returnStep')
        .complete()
        .end(),
  ],
  [
    'of a step that nobody wants any more nothing is recorded',
    () => begin().schedule('realiseStep').complete({ kind: 'obsolete' }).end(),
  ],
  [
    'a cancellation stops the build, and is recorded',
    () => recorded(begin().schedule('realiseStep').requestCancel().cancelActivity()),
  ],
  [
    'a build that ends in spite of its cancellation is recorded as it ended',
    () => {
      const history = begin().schedule('realiseStep').requestCancel();
      return recorded(
        history.endBy('ACTIVITY_TASK_CANCEL_REQUESTED', { scheduledEventId: '5' }).complete(ended('built')),
      );
    },
  ],
  [
    'a cancellation between two attempts is recorded, too',
    () =>
      recorded(
        begin()
          .schedule('realiseStep')
          .complete(ended('aborted'))
          .schedule('classifyAttempt')
          .complete(INFRA)
          .startTimer(10)
          .requestCancel()
          .cancelTimer(),
      ),
  ],
  [
    'an ending that the database does not take at once is left to the patient queue',
    () =>
      begin()
        .schedule('realiseStep')
        .complete(ended('built'))
        .local('recordStepEnd', 'no database')
        .schedule('recordStepEnd')
        .complete()
        .end(),
  ],
  [
    'a step that ran when Temporal was lost goes back to its builder',
    () =>
      recorded(
        begin({ resume: { attempt: 2, builder: 'b07' } })
          .schedule('resumeStep')
          .complete(ended('built')),
      ),
  ],
  [
    'its attempts before the loss count',
    () =>
      recorded(
        begin({ resume: { attempt: 4, builder: 'b07' } })
          .schedule('resumeStep')
          .timeOut('SCHEDULE_TO_START')
          .sleep(270)
          .schedule('realiseStep')
          .complete(ended('aborted'))
          .schedule('classifyAttempt')
          .complete(INFRA),
      ),
  ],
];

const GPU = {
  kind: 'gpu-test',
  architecture: 'sm_89' as StepInput['architecture'],
  pool: 'gpu.sm_89',
} as const;

const RIGHT_CHECKS: readonly (readonly [string, () => History])[] = [
  ['a GPU check runs as such', () => recorded(begin(GPU).schedule('runGpuTest').complete(ended('built')))],
  [
    'a GPU check is resumed as such',
    () =>
      recorded(
        begin(GPU)
          .schedule('runGpuTest')
          .timeOut('HEARTBEAT', WHERE)
          .schedule('resumeGpuTest')
          .complete(ended('built')),
      ),
  ],
  [
    'a check that a sick GPU failed is tried once more',
    () =>
      recorded(
        begin(GPU)
          .schedule('runGpuTest')
          .complete(ended('failed'))
          .schedule('classifyAttempt')
          .complete(verdict('gpu-hardware', 'other'))
          .sleep(10)
          .schedule('runGpuTest')
          .complete(ended('built')),
      ),
  ],
];

const WRONG: readonly (readonly [string, () => History])[] = [
  [
    'an attempt that has ended is resumed',
    () => aborted(begin(), 10).schedule('resumeStep').complete(ended('built')).end(),
  ],
  [
    'a built step is classified',
    () =>
      begin()
        .schedule('realiseStep')
        .complete(ended('built'))
        .schedule('classifyAttempt')
        .complete(CODE)
        .end(),
  ],
  ['a built step is not recorded', () => begin().schedule('realiseStep').complete(ended('built')).end()],
  [
    'a failed package is recorded without a verdict',
    () => recorded(begin().schedule('realiseStep').complete(ended('failed'))),
  ],
  [
    'a compile error is tried again',
    () =>
      begin()
        .schedule('realiseStep')
        .complete(ended('failed'))
        .schedule('classifyAttempt')
        .complete(CODE)
        .sleep(10),
  ],
  [
    'a lost builder is replaced before it could come back',
    () => begin().schedule('realiseStep').timeOut('HEARTBEAT', WHERE).sleep(10).schedule('realiseStep'),
  ],
  [
    'a bug is tried again',
    () => begin().schedule('realiseStep').fail('ServerRefusal', { nonRetryable: true }).sleep(10),
  ],
  ['a sixth attempt', () => [10, 30, 90, 270, 600].reduce(aborted, begin()).schedule('realiseStep')],
  [
    'the end of a step that nobody wants is recorded',
    () => recorded(begin().schedule('realiseStep').complete({ kind: 'obsolete' })),
  ],
  ['a build is run as a GPU check', () => recorded(begin().schedule('runGpuTest').complete(ended('built')))],
  [
    'a GPU check is run as a build',
    () => recorded(begin(GPU).schedule('realiseStep').complete(ended('built'))),
  ],
  [
    'a cancelled build is forgotten',
    () => begin().schedule('realiseStep').requestCancel().cancelActivity().end(),
  ],
];

testReplays(bundleWorkflows, [...RIGHT, ...RIGHT_CHECKS], WRONG);
