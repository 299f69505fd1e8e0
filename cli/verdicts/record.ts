/** One record of `classify --jsonl`: a log, and what is known beside it. */

import { Type } from 'typebox';
import type { Evidence } from '../../domain/ci/classification/evidence.ts';
import { EvidenceSchema, StageSchema } from '../../domain/api/evidence.ts';
import { parseWith } from '../../domain/schema.ts';
import { parseJson } from './json.ts';

/** Fields beyond these (a label, a source) are left alone. */
const RecordSchema = Type.Object({
  log: Type.String(),
  stage: Type.Optional(StageSchema),
  evidence: Type.Optional(EvidenceSchema),
  id: Type.Optional(Type.Unknown()),
});

export interface LogRecord {
  readonly log: string;
  readonly evidence: Evidence;
  /** Handed back as it came. */
  readonly id: unknown;
}

/**
 * Reads one line. `shared` is the evidence given for all records; what a record says itself goes before it.
 * @throws ParseError with every problem, SyntaxError where the line is no JSON.
 */
export function parseRecord(line: string, shared: Evidence): LogRecord {
  const value = withoutNulls(parseJson(line, 'the line'));
  const { log, stage, evidence, id } = parseWith(RecordSchema, value, 'record');
  return { log, id, evidence: { ...shared, ...evidence, ...(stage === undefined ? {} : { stage }) } };
}

/** Exports of databases write null for what is not there. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name, one]) => one !== null || name === 'id'));
}
