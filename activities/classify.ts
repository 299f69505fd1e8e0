/** Classifying failed attempts: the evidence of the rows, the log of the server, the rules of the domain. */

import type { AttemptRow } from '../db/attempts.ts';
import type { Database } from '../db/database.ts';
import { recordFinding } from '../db/findings.ts';
import { createClassifier } from '../domain/ci/classification/classify.ts';
import type { Evidence, HostFacts } from '../domain/ci/classification/evidence.ts';
import type { Verdict } from '../domain/ci/classification/verdict.ts';
import type { Outcome } from '../domain/ci/outcome.ts';
import type { AttemptReport } from '../domain/ci/workflow-messages.ts';
import type { AttemptVerdict } from '../workflows/activity-types.ts';
import type { AttemptLogs } from './adapters/server-logs.ts';

export interface ClassifyDeps {
  readonly connection: { readonly db: Database };
  readonly logs: AttemptLogs;
}

/** What builders store beside the log (`attempts.evidence`). */
export interface StoredEvidence {
  readonly nixExit?: number;
  readonly nixMessage?: string;
  readonly exitCode?: number;
  readonly signal?: number;
  readonly host?: HostFacts;
}

/** Reads an attempt's log and stores the verdict. */
export async function classifyOneAttempt(
  { connection, logs }: ClassifyDeps,
  attempt: AttemptRow,
  report: AttemptReport & { kind: 'ended' },
): Promise<AttemptVerdict> {
  const classifier = createClassifier(evidenceOf(attempt, report));
  for await (const chunk of logs.read(attempt.id)) classifier.write(chunk);
  const verdict = classifier.end();
  await storeVerdict(connection.db, attempt, verdict);
  return { class: verdict.class, retry: verdict.retry };
}

async function storeVerdict(db: Database, attempt: AttemptRow, verdict: Verdict): Promise<void> {
  await recordFinding(db, {
    evaluationId: null,
    jobId: null,
    stepId: attempt.stepId,
    attemptId: attempt.id,
    verdict,
  });
}

function evidenceOf(attempt: AttemptRow, report: AttemptReport & { kind: 'ended' }): Evidence {
  const stored = attempt.evidence as StoredEvidence;
  const { limits, architecture } = attempt;
  const outcome = classified(report.outcome);
  return {
    ...stored,
    stage: attempt.kind === 'gpu-test' ? 'gpu-test' : attempt.fixedOutput ? 'fetch' : 'build',
    system: attempt.system,
    ...(architecture === null ? {} : { architecture }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(report.nixExit === undefined ? {} : { nixExit: report.nixExit }),
    ...(report.exitCode === undefined ? {} : { exitCode: report.exitCode }),
    fixedOutput: attempt.fixedOutput,
    limits: {
      timeoutSeconds: limits.timeoutSeconds,
      silentSeconds: limits.silentTimeoutSeconds,
      logBytes: limits.logBytes,
      outputBytes: limits.outputBytes,
    },
  };
}

/** *Not run* is no ending that a log could explain. */
function classified(outcome: Outcome): Evidence['outcome'] {
  return outcome === 'not-run' ? undefined : outcome;
}
