/** Evaluations by version, and parts of their pages: what was built but should be looked at, what did not evaluate. */

import { type SQL, sql } from 'drizzle-orm';
import type { Outcome } from '../../domain/ci/outcome.ts';
import type { Database } from '../database.ts';
import type { JobRef } from './pages-changes.ts';
import type { VerdictDetail } from './pages-steps.ts';

export interface EvaluationVersion extends Record<string, unknown> {
  readonly id: number;
  readonly state: string;
  readonly outcome: string | null;
  /** Another one after every change of the row, and so of the steps that the evaluation waits for. */
  readonly version: string;
}

const versionColumns = sql`e.id, e.state, e.outcome, e.xmin::text as version`;

/** Newest first; all that tells whether counts of them are still true. */
export async function listEvaluationVersions(
  db: Database,
  filter: {
    readonly jobsetId?: number | undefined;
    readonly open?: boolean | undefined;
    /** Only those older than this id: the cursor. */
    readonly before?: number | undefined;
    readonly limit: number;
  },
): Promise<EvaluationVersion[]> {
  const conditions: SQL[] = [sql`true`];
  if (filter.jobsetId !== undefined) conditions.push(sql`e.jobset_id = ${filter.jobsetId}`);
  if (filter.open !== undefined)
    conditions.push(filter.open ? sql`e.state <> 'finished'` : sql`e.state = 'finished'`);
  if (filter.before !== undefined) conditions.push(sql`e.id < ${filter.before}`);
  return db.execute<EvaluationVersion>(sql`
    select ${versionColumns} from evaluations e where ${sql.join(conditions, sql` and `)}
    order by e.id desc limit ${filter.limit}`);
}

export async function findEvaluationVersion(
  db: Database,
  id: number,
): Promise<EvaluationVersion | undefined> {
  const [row] = await db.execute<EvaluationVersion>(sql`
    select ${versionColumns} from evaluations e where e.id = ${id}`);
  return row;
}

export interface SuspectJob extends Record<string, unknown> {
  readonly id: number;
  readonly name: string;
  readonly system: string;
  readonly variant: string | null;
  readonly outcome: Outcome;
  readonly verdict: VerdictDetail;
  readonly total: number;
}

/** Jobs that succeeded with a finding, such as a build tool in the runtime closure. */
export async function listSuspects(db: Database, evaluationId: number, limit: number): Promise<SuspectJob[]> {
  return db.execute<SuspectJob>(sql`
    select j.id, j.name, j.system, j.variant, j.outcome, f.verdict, count(*) over ()::int as total
    from findings f join jobs j on j.id = f.job_id
    where f.evaluation_id = ${evaluationId} and j.outcome in ('built', 'substituted')
    order by f.class, f.subclass, j.name, j.variant limit ${limit}`);
}

export interface ErrorRow extends Record<string, unknown> {
  readonly id: number;
  readonly name: string;
  readonly system: string | null;
  readonly variant: string | null;
  readonly kind: string;
  /** Its beginning. */
  readonly message: string;
  readonly characters: number;
}

/** What did not evaluate, in the order of the list; `after` is the id of the last one seen. */
export async function listErrorPage(
  db: Database,
  evaluationId: number,
  { after, limit, characters }: { after: number | undefined; limit: number; characters: number },
): Promise<ErrorRow[]> {
  const beyond =
    after === undefined
      ? sql`true`
      : sql`(x.name, x.id) > (select c.name, c.id from evaluation_errors c where c.id = ${after})`;
  return db.execute<ErrorRow>(sql`
    select x.id, x.name, x.system, x.variant, x.kind, left(x.message, ${characters}::int) as message,
      length(x.message) as characters
    from evaluation_errors x where x.evaluation_id = ${evaluationId} and ${beyond} order by x.name, x.id limit ${limit}`);
}

/** The first jobs by name that ended so. */
export async function listByOutcome(
  db: Database,
  evaluationId: number,
  outcome: Outcome,
  limit: number,
): Promise<JobRef[]> {
  return db.execute<JobRef>(sql`
    select id, name, system, variant, outcome, null as change from jobs
    where evaluation_id = ${evaluationId} and outcome = ${outcome} order by name, system, variant limit ${limit}`);
}
