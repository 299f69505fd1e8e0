/** Messages to Temporal: written in the transaction that makes them necessary, delivered after it by the coordinator. */

import { sql } from 'drizzle-orm';
import {
  dispatchWorkflowId,
  evaluationWorkflowId,
  projectWorkflowId,
  SIGNALS,
  type StepInput,
  stepWorkflowId,
  type TriggerMessage,
  type WorkflowType,
} from '../domain/ci/workflow-messages.ts';
import type { Database } from './database.ts';
import { ids, json } from './sql.ts';

export const OUTBOX_CHANNEL = 'nixwarp_outbox';

export interface OutboxMessage {
  readonly id: number;
  readonly kind: 'start' | 'signal' | 'signal-with-start' | 'cancel';
  readonly workflowType: WorkflowType;
  readonly workflowId: string;
  /** `input`: the workflow's input less its timing; `signal` and `argument`: the message; `summary`: for Temporal's UI. */
  readonly payload: {
    readonly input?: Record<string, unknown>;
    readonly signal?: string;
    readonly argument?: unknown;
    readonly summary?: string;
    readonly attributes?: Record<string, string | number>;
  };
}

type NewMessage = Omit<OutboxMessage, 'id'> & { readonly dedupeKey?: string };

/** Adds messages; an undelivered one with the same key stands for both. The relay hears of it when the transaction commits. */
export async function addToOutbox(tx: Database, messages: readonly NewMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const rows = messages.map((message) => ({
    kind: message.kind,
    workflow_type: message.workflowType,
    workflow_id: message.workflowId,
    payload: message.payload,
    dedupe_key: message.dedupeKey ?? null,
  }));
  await tx.execute(sql`
    insert into outbox (kind, workflow_type, workflow_id, payload, dedupe_key)
    select kind, workflow_type, workflow_id, payload, dedupe_key
    from jsonb_to_recordset(${json(rows)})
      as m (kind text, workflow_type text, workflow_id text, payload jsonb, dedupe_key text)
    on conflict (dedupe_key) where delivered_at is null do nothing`);
  await tx.execute(sql`select pg_notify(${OUTBOX_CHANNEL}, '')`);
}

/**
 * Undelivered messages, oldest first, locked against another relay for the length of the transaction.
 * A row stays undelivered when its transaction fails, so that a message is delivered at least once.
 */
export async function takeFromOutbox(tx: Database, limit: number): Promise<OutboxMessage[]> {
  return tx.execute<OutboxMessage & Record<string, unknown>>(sql`
    select id, kind, workflow_type as "workflowType", workflow_id as "workflowId", payload
    from outbox where delivered_at is null order by id limit ${limit} for update skip locked`);
}

export async function markDelivered(tx: Database, messageIds: readonly number[]): Promise<void> {
  if (messageIds.length === 0) return;
  await tx.execute(sql`update outbox set delivered_at = now() where id in ${ids(messageIds)}`);
}

/** Delivered messages are kept for a while: they answer "was this ever sent?". */
export async function forgetDelivered(db: Database, olderThanSeconds: number): Promise<void> {
  await db.execute(sql`
    delete from outbox where delivered_at < now() - make_interval(secs => ${olderThanSeconds})`);
}

export function wakeMessage(pool: string): NewMessage {
  return {
    kind: 'signal-with-start',
    workflowType: 'dispatchWorkflow',
    workflowId: dispatchWorkflowId(pool),
    payload: { input: { pool }, signal: SIGNALS.wake, summary: `hands ready steps of ${pool} to builders` },
    dedupeKey: `wake/${pool}`,
  };
}

export function startStepMessage(step: Omit<StepInput, 'timing'> & { readonly project: string }): NewMessage {
  const { project, ...input } = step;
  return {
    kind: 'start',
    workflowType: step.kind === 'build' ? 'stepWorkflow' : 'gpuTestWorkflow',
    workflowId: stepWorkflowId(step),
    payload: {
      input: { ...input },
      summary: step.architecture === null ? step.name : `${step.name} on ${step.architecture}`,
      attributes: {
        NixProject: project,
        NixStepKind: step.kind,
        NixPool: step.pool,
        ...(step.architecture === null ? {} : { NixGpuArch: step.architecture }),
      },
    },
  };
}

export function cancelStepMessage(step: Parameters<typeof stepWorkflowId>[0]): NewMessage {
  return {
    kind: 'cancel',
    workflowType: step.architecture === null ? 'stepWorkflow' : 'gpuTestWorkflow',
    workflowId: stepWorkflowId(step),
    payload: {},
    dedupeKey: `cancel/${stepWorkflowId(step)}`,
  };
}

export interface EvaluationKey {
  readonly evaluationId: number;
  readonly project: string;
  readonly jobset: string;
  readonly number: number;
}

export function startEvaluationMessage(key: EvaluationKey, phase: 'evaluate' | 'build'): NewMessage {
  return {
    kind: 'start',
    workflowType: 'evaluationWorkflow',
    workflowId: evaluationWorkflowId(key.project, key.jobset, key.number),
    payload: {
      input: { evaluationId: key.evaluationId, phase },
      summary: `${key.project}/${key.jobset} #${key.number}`,
      attributes: { NixProject: key.project, NixEvaluation: `${key.project}/${key.jobset}/${key.number}` },
    },
    dedupeKey: `start-evaluation/${key.evaluationId}`,
  };
}

export function signalEvaluationMessage(
  key: EvaluationKey,
  signal: 'batchStored' | 'stepsDrained' | 'cancelled',
): NewMessage {
  return {
    kind: 'signal',
    workflowType: 'evaluationWorkflow',
    workflowId: evaluationWorkflowId(key.project, key.jobset, key.number),
    payload: { signal },
    dedupeKey: `${signal}/${key.evaluationId}`,
  };
}

export function triggerMessage(slug: string, message: TriggerMessage): NewMessage {
  return {
    kind: 'signal-with-start',
    workflowType: 'projectWorkflow',
    workflowId: projectWorkflowId(slug),
    payload: {
      input: { slug, pending: {} },
      signal: SIGNALS.trigger,
      argument: message,
      summary: `triggers of project ${slug}`,
      attributes: { NixProject: slug },
    },
    dedupeKey: `trigger/${message.triggerId}`,
  };
}
