/** What builders do: realise a step in a unit of its own, and send its log and outputs to the server. */

import { join } from 'node:path';
import { ApplicationFailure, cancellationDetails, Context } from '@temporalio/activity';
import type { AttemptEvidence, StepAssignment } from '../domain/api/builder.ts';
import type { AttemptOutcome } from '../domain/ci/nix-ending.ts';
import type { Outcome } from '../domain/ci/outcome.ts';
import type { AttemptReport } from '../domain/ci/workflow-messages.ts';
import type { AttemptInput, BuilderActivities } from '../workflows/activity-types.ts';
import { ServerRefusal } from './adapters/server-client.ts';
import {
  killUnit,
  readKillReason,
  readResult,
  readUnit,
  startUnit,
  type Unit,
  unitAt,
  writeResult,
} from './adapters/unit.ts';
import { type FetchDeps, fetchInputs } from './fetch-inputs.ts';
import type { GpuLease, LeasedGpu } from './gpu-lease.ts';
import type { Slots } from './slots.ts';
import { type SendDeps, inspectOutputs, sendClosure } from './send-outputs.ts';
import { type LogSender, type UnitEnd, watchUnit } from './watch-unit.ts';

export interface RealiseDeps extends SendDeps, FetchDeps {
  readonly builder: string;
  readonly unitsFolder: string;
  readonly coresPerBuild: number;
  /** Beats are sent this often; a cancellation is learnt by beating. */
  readonly beatMs: number;
  /** For builds: so many at a time, whatever pools they come from. */
  readonly slots: Slots;
  /** For GPU checks: one GPU at a time for each. */
  readonly leaseGpu: GpuLease;
  readonly hostFacts: () => Promise<Record<string, unknown>>;
}

export function createBuilderActivities(deps: RealiseDeps): BuilderActivities {
  const realise = (input: AttemptInput) =>
    withHeartbeat(deps, input, (signal) =>
      deps.slots.use(signal, () => attempt(deps, input, undefined, signal)),
    );
  const check = (input: AttemptInput) =>
    withHeartbeat(deps, input, (signal) =>
      deps.leaseGpu(input.step.architecture, unitName(input), signal, (gpu) =>
        attempt(deps, input, gpu, signal),
      ),
    );
  return { realiseStep: realise, resumeStep: realise, runGpuTest: check, resumeGpuTest: check };
}

function unitName({ step, attempt: number }: AttemptInput): string {
  const scope = step.scope === 0 ? '' : `-e${step.scope}`;
  return `${step.drvHash}${step.architecture === null ? '' : `-${step.architecture}`}${scope}-g${step.generation}-a${number}`;
}

/**
 * Beats from a timer, since an activity learns by beating that it is to stop. What that means for the unit:
 * a cancellation kills it; anything else (this worker stops, or the server gave this try up) leaves it to the next try.
 */
async function withHeartbeat(
  deps: RealiseDeps,
  input: AttemptInput,
  work: (signal: AbortSignal) => Promise<AttemptReport>,
): Promise<AttemptReport> {
  const context = Context.current();
  const where = { builder: deps.builder };
  // The first beat waits, too: most steps are over by then, and each beat is a write of Temporal's.
  const beat = setInterval(() => context.heartbeat(where), deps.beatMs);
  try {
    return await work(context.cancellationSignal);
  } catch (error) {
    if (!context.cancellationSignal.aborted) throw asFailure(error);
    const why = cancellationDetails();
    const unit = unitAt(deps.unitsFolder, unitName(input));
    if (why?.cancelRequested === true) await killUnit(unit, 'cancelled');
    if (why?.workerShutdown === true)
      throw ApplicationFailure.create({
        type: 'WorkerShutdownDetached',
        message: `detached from ${unit.name}`,
        details: [where],
      });
    throw error;
  } finally {
    clearInterval(beat);
  }
}

/** A refusal of the server is a bug of one of us: trying again would be refused again. */
function asFailure(error: unknown): unknown {
  if (!(error instanceof ServerRefusal)) return error;
  return ApplicationFailure.create({ type: error.name, message: error.message, nonRetryable: true });
}

async function attempt(
  deps: RealiseDeps,
  input: AttemptInput,
  gpu: LeasedGpu | undefined,
  signal: AbortSignal,
): Promise<AttemptReport> {
  const { step } = input;
  const unit = (await findOrphan(deps, input)) ?? unitAt(deps.unitsFolder, unitName(input));
  const assignment = await deps.server.startAttempt(
    {
      stepId: step.stepId,
      generation: step.generation,
      number: input.attempt,
      builder: deps.builder,
      unit: unit.name,
      gpu: gpu?.facts ?? null,
    },
    signal,
  );
  if (assignment === undefined) {
    await killUnit(unit, 'nobody wants it any more');
    return { kind: 'obsolete' };
  }
  const before = (await readResult(unit)) as AttemptReport | undefined;
  if (before !== undefined) return before;
  if ((await readUnit(unit)).kind === 'absent') {
    const missing = await fetchInputs(deps, assignment, signal);
    if (missing.length > 0) return { kind: 'inputs-missing', builder: deps.builder, paths: missing };
  }
  const report = await run(deps, { unit, assignment, gpu, signal });
  await writeResult(unit, report);
  return report;
}

/**
 * The unit of an earlier attempt that nobody watches: its worker was lost before its first beat, so that the workflow could not
 * know where it runs. It is this attempt's now.
 */
async function findOrphan(deps: RealiseDeps, input: AttemptInput): Promise<Unit | undefined> {
  for (let number = input.attempt - 1; number >= 1; number--) {
    const unit = unitAt(deps.unitsFolder, unitName({ ...input, attempt: number }));
    const { kind } = await readUnit(unit);
    if (kind !== 'running' && kind !== 'exited') continue;
    if ((await readResult(unit)) === undefined && (await readKillReason(unit)) === undefined) return unit;
  }
  return undefined;
}

interface Run {
  readonly unit: Unit;
  readonly assignment: StepAssignment;
  readonly gpu: LeasedGpu | undefined;
  readonly signal: AbortSignal;
}

async function run(deps: RealiseDeps, { unit, assignment, gpu, signal }: Run): Promise<AttemptReport> {
  const isCheck = assignment.kind === 'gpu-test';
  let end = await runUnit(deps, { unit, assignment, gpu, signal }, isCheck);
  // The outputs are not there: nothing to compare with. Or they came from another host of this store while we waited.
  if (isCheck && end.outcome.notValid === true)
    end = await runUnit(deps, { unit: again(unit, 'plain'), assignment, gpu, signal }, false, end.log);
  if (isCheck && end.outcome.outcome === 'substituted')
    end = await runUnit(deps, { unit: again(unit, 'check'), assignment, gpu, signal }, true, end.log);
  // The log is complete, and worth reading, before the outputs are sent.
  const [report] = await Promise.all([conclude(deps, assignment, end, signal), end.log.close()]);
  return report;
}

function again(unit: Unit, why: string): Unit {
  return unitAt(join(unit.folder, '..'), `${unit.name}-${why}`);
}

async function runUnit(
  deps: RealiseDeps,
  { unit, assignment, gpu, signal }: Run,
  check: boolean,
  log?: LogSender,
): Promise<UnitEnd> {
  const { limits, drvPath, features } = assignment;
  if ((await readUnit(unit)).kind === 'absent') {
    const command = deps.nix.realiseCommand(drvPath, {
      timeoutSeconds: limits.timeoutSeconds,
      silentTimeoutSeconds: limits.silentTimeoutSeconds,
      cores: deps.coresPerBuild,
      features,
      check,
      root: join(deps.rootsFolder, unit.name),
    });
    await startUnit(unit, {
      argv: [...(gpu?.lockCommand ?? []), ...command],
      environment: deps.nix.environment,
    });
  }
  return watchUnit({
    unit,
    attemptId: assignment.attemptId,
    server: deps.server,
    drvPath,
    logLimitBytes: limits.logBytes,
    limits,
    checked: check,
    ...(log === undefined ? {} : { log }),
    signal,
  });
}

async function conclude(
  deps: RealiseDeps,
  assignment: StepAssignment,
  end: UnitEnd,
  signal: AbortSignal,
): Promise<AttemptReport> {
  if (end.kind === 'vanished')
    return ended(
      deps,
      { outcome: 'aborted', message: 'the build was killed with its host, or from outside' },
      end,
    );
  if (end.outcome.inputMissing === true) {
    for (const path of [assignment.drvPath, ...assignment.inputPaths]) deps.knownValid.delete(path);
    const missing = await fetchInputs(deps, assignment, signal);
    if (missing.length > 0) return { kind: 'inputs-missing', builder: deps.builder, paths: missing };
  }
  const { outcome } = end.outcome;
  if (outcome !== 'built' && outcome !== 'substituted') {
    await deps.server.sendEvidence(assignment.attemptId, await evidenceOf(deps, end), signal);
    return ended(deps, end.outcome, end);
  }
  return concludeBuilt(deps, assignment, end, signal);
}

/** A build that succeeded for Nix: its outputs may still be too large, or say that they failed. */
async function concludeBuilt(
  deps: RealiseDeps,
  assignment: StepAssignment,
  end: UnitEnd,
  signal: AbortSignal,
): Promise<AttemptReport> {
  const facts = await inspectOutputs(deps, assignment);
  const { outputBytes: limit } = assignment.limits;
  if (facts.outputBytes > limit) {
    const message = `the outputs have ${facts.outputBytes} bytes, the limit is ${limit}`;
    await deps.server.sendEvidence(assignment.attemptId, { nixMessage: message, ...facts.evidence }, signal);
    return ended(deps, { outcome: 'output-limit', message }, end);
  }
  const differing = await sendClosure(deps, assignment.attemptId, facts.closure, signal);
  for (const { path } of assignment.outputs) deps.knownValid.add(path);
  const notes = [
    ...(end.outcome.differs === true
      ? [{ rule: 'check/differs', message: 'run again, the check gave other bytes than before' }]
      : []),
    ...differing.map((path) => ({
      rule: 'ingest/not-reproducible',
      message: `${path} is in the cache with other bytes, which stay`,
    })),
  ];
  if (notes.length > 0 || hasEntries(facts.evidence))
    await deps.server.sendEvidence(assignment.attemptId, { ...facts.evidence, notes }, signal);
  if (facts.failed)
    return ended(deps, { outcome: 'failed-with-output', message: 'an output has nix-support/failed' }, end);
  return ended(deps, end.outcome, end);
}

function hasEntries({ products = [], metrics = [] }: AttemptEvidence): boolean {
  return products.length > 0 || metrics.length > 0;
}

async function evidenceOf(deps: RealiseDeps, end: UnitEnd): Promise<AttemptEvidence> {
  const { exitCode, signal } = end.outcome;
  return {
    ...(end.nixExit === null ? {} : { nixExit: end.nixExit }),
    ...(end.messages.length === 0 ? {} : { nixMessage: end.messages.join('\n') }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    host: await deps.hostFacts(),
  };
}

const MESSAGE_CHARACTERS = 1_000;

function ended(
  deps: RealiseDeps,
  { outcome, message, exitCode }: AttemptOutcome & { outcome: Outcome },
  end: UnitEnd,
): AttemptReport {
  return {
    kind: 'ended',
    outcome,
    builder: deps.builder,
    ...(message === undefined ? {} : { message: message.slice(0, MESSAGE_CHARACTERS) }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(end.nixExit === null ? {} : { nixExit: end.nixExit }),
  };
}
