/** The twin of a log's page: the parts of the log that are shown, and what the log belongs to. */

import { Type, type Static } from 'typebox';
import { findAttemptPlace } from '../../../db/views/pages-steps.ts';
import { AttemptGpuSchema } from '../../../domain/api/builder.ts';
import { nullable } from '../../../domain/api/resources.ts';
import { NotFoundError } from '../../errors.ts';
import { type LineRange, readWindows } from '../log/windows.ts';
import type { ModelContext } from './context.ts';
import { Id, NullableText, VerdictDetailSchema } from './schemas.ts';

/** Lines of the head and of the tail, and of a range that does not say how many. */
const SHOWN = 2_000;
const MAX_SHOWN = 10_000;
/** Lines around the one that decided. */
const AROUND = 100;

export const LogQuery = Type.Object({
  from: Type.Optional(Type.Integer({ minimum: 1, description: 'first line' })),
  lines: Type.Integer({ minimum: 1, maximum: MAX_SHOWN, default: SHOWN }),
});

export const LogPageSchema = Type.Object({
  attempt: Type.Object({
    id: Id,
    stepId: Id,
    number: Type.Integer(),
    builder: Type.String(),
    outcome: NullableText,
    message: NullableText,
    startedAt: Type.String(),
    endedAt: NullableText,
    gpu: nullable(AttemptGpuSchema),
    name: Type.String(),
    drvPath: Type.String(),
    architecture: NullableText,
    evaluationId: nullable(Id),
    jobId: nullable(Id),
    verdict: nullable(VerdictDetailSchema),
  }),
  bytes: Type.Integer(),
  /** It grows no more. */
  closed: Type.Boolean(),
  lineCount: Type.Integer(),
  /** What was asked for; `null` for head, tail and the line that decided. */
  range: nullable(Type.Object({ from: Type.Integer(), lines: Type.Integer() })),
  windows: Type.Array(Type.Object({ from: Type.Integer(), lines: Type.Array(Type.String()) })),
});
export type LogPage = Static<typeof LogPageSchema>;

/** @throws NotFoundError */
export async function loadLogPage(
  { db, deps }: ModelContext,
  id: number,
  { from, lines }: Static<typeof LogQuery>,
): Promise<LogPage> {
  const attempt = await findAttemptPlace(db, id);
  if (attempt === undefined) throw new NotFoundError(`there is no attempt ${id}`);
  const log = (await deps.logs.find(id)) ?? { bytes: 0, closed: attempt.endedAt !== null };
  const decides = attempt.verdict?.evidence?.line ?? null;
  const ranges: LineRange[] = [
    { from: from ?? 1, to: (from ?? 1) + lines - 1 },
    ...(from === undefined && decides !== null ? [{ from: decides - AROUND, to: decides + AROUND }] : []),
  ];
  const { windows, lineCount } = await readWindows(
    deps.logs.read(id, 0, log.bytes),
    ranges,
    from === undefined ? lines : 0,
  );
  return {
    attempt,
    bytes: log.bytes,
    closed: log.closed,
    lineCount,
    range: from === undefined ? null : { from, lines },
    windows,
  };
}
