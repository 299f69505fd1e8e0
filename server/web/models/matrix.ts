/** GPU checks × architectures. */

import { Type, type Static } from 'typebox';
import type { GpuCheckRow } from '../../../db/views/pages-gpu-checks.ts';
import { nullable } from '../../../domain/api/resources.ts';
import { Id, NullableText } from './schemas.ts';

const CellSchema = Type.Object({
  architecture: NullableText,
  stepId: Id,
  state: Type.String(),
  outcome: NullableText,
  model: NullableText,
  driver: NullableText,
  standIn: Type.Boolean({ description: 'the result came from a stand-in, not from a GPU' }),
  attemptId: nullable(Id),
});
export type MatrixCell = Static<typeof CellSchema>;

const RowSchema = Type.Object({
  jobId: Id,
  name: Type.String(),
  system: Type.String(),
  variant: NullableText,
  cells: Type.Array(CellSchema),
  notScheduled: Type.Array(Type.Object({ architecture: Type.String(), reason: Type.String() })),
});
export type MatrixRow = Static<typeof RowSchema>;

export const MatrixSchema = Type.Object({
  /** The columns, oldest architecture first; `any` for checks that wait for any GPU. */
  architectures: Type.Array(Type.String()),
  rows: Type.Array(RowSchema),
  total: Type.Integer({ description: 'of checks, those beyond the rows included' }),
});
export type Matrix = Static<typeof MatrixSchema>;

export const ANY_GPU = 'any';

export function matrixOf(checks: readonly GpuCheckRow[]): Matrix {
  const architectures = new Set(
    checks.flatMap(({ cells, notScheduled }) => [
      ...cells.map((cell) => cell.architecture ?? ANY_GPU),
      ...notScheduled.map((refused) => refused.architecture),
    ]),
  );
  return {
    architectures: [...architectures].toSorted((a, b) => rank(a) - rank(b) || a.localeCompare(b)),
    rows: checks.map(({ total: _total, cells, notScheduled, ...row }) => ({
      ...row,
      cells: [...cells],
      notScheduled: [...notScheduled],
    })),
    total: checks[0]?.total ?? 0,
  };
}

/** `sm_89` → 89: the number grows from generation to generation. */
function rank(architecture: string): number {
  return Number(/^sm_(\d+)/.exec(architecture)?.[1] ?? Number.MAX_SAFE_INTEGER);
}
