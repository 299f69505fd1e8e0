/**
 * Two evaluations side by side: what broke, what was repaired, what came and went. Exact, because derivations are content: the
 * same derivation with another ending is flaky, never repaired or broken.
 */

/** `dependency-failed` has a root; `refused` (unfree, broken, platform) and `eval-error` have no derivation that counts. */
export type JobEnding = 'passed' | 'failed' | 'dependency-failed' | 'not-run' | 'refused' | 'eval-error';

export interface JobResult {
  /** Attribute, system, variant and architecture: what makes it the same job in two evaluations. */
  readonly name: string;
  readonly ending: JobEnding;
  /** Store path of the derivation; null where evaluation gave none. */
  readonly drvPath: string | null;
  /** For `dependency-failed`: the derivation that failed first. */
  readonly rootDrvPath?: string;
  /** Why it was refused, did not evaluate or did not run. */
  readonly reason?: string;
}

export const BUCKETS = [
  'newly-failing',
  'vanished',
  'flaky',
  'still-failing',
  'new',
  'fixed',
  'not-run',
  'unchanged',
] as const;
export type Bucket = (typeof BUCKETS)[number];

export interface JobChange {
  readonly name: string;
  readonly bucket: Bucket;
  readonly before: JobResult | null;
  readonly after: JobResult | null;
  /** One sentence for a person. */
  readonly sentence: string;
}

/** Every job of either evaluation in one bucket, in the order of `BUCKETS`, then by name. Names must be unique in each. */
export function compareEvaluations(before: readonly JobResult[], after: readonly JobResult[]): JobChange[] {
  const old = byName(before, 'earlier');
  const now = byName(after, 'later');
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((name) => changeOf(name, old.get(name) ?? null, now.get(name) ?? null))
    .toSorted((a, b) => BUCKETS.indexOf(a.bucket) - BUCKETS.indexOf(b.bucket) || compareText(a.name, b.name));
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function byName(jobs: readonly JobResult[], which: string): Map<string, JobResult> {
  const map = new Map<string, JobResult>();
  for (const job of jobs) {
    if (map.has(job.name)) throw new Error(`the ${which} evaluation has two jobs called ${job.name}`);
    map.set(job.name, job);
  }
  return map;
}

const fails = (job: JobResult): boolean => job.ending === 'failed' || job.ending === 'dependency-failed';
/** Evaluation gave a derivation that can be built. */
const isJob = (job: JobResult): boolean => job.ending !== 'refused' && job.ending !== 'eval-error';

function changeOf(name: string, before: JobResult | null, after: JobResult | null): JobChange {
  const change = (bucket: Bucket, sentence: string): JobChange => ({ name, bucket, before, after, sentence });
  if (after === null || !isJob(after)) return withoutJob(before, after, change);
  if (before === null || !isJob(before)) {
    const state = fails(after) ? 'and fails' : after.ending === 'passed' ? 'and passes' : 'and has not run';
    return change('new', `It was no job before ${state}.`);
  }
  if (after.ending === 'not-run') return change('not-run', because('It did not run', after));
  if (before.ending === 'not-run') {
    if (!fails(after)) return change('unchanged', 'It passes; before, it did not run.');
    return change('newly-failing', 'It fails; before, it did not run, so since when is not known.');
  }
  if (fails(before) === fails(after)) {
    return fails(after)
      ? change('still-failing', 'It failed before, too.')
      : change('unchanged', 'It passes, as before.');
  }
  // A failed dependency is another derivation's ending: only what was tried itself can be flaky.
  const isSame = before.drvPath !== null && before.drvPath === after.drvPath;
  if (isSame && before.ending !== 'dependency-failed' && after.ending !== 'dependency-failed') {
    return change(
      'flaky',
      `The same derivation ${fails(after) ? 'passed before and fails now' : 'failed before and passes now'}.`,
    );
  }
  if (isSame) {
    return change('flaky', 'The same derivation ends otherwise, for an input of it does: look at the root.');
  }
  return fails(after) ? change('newly-failing', 'It passed before.') : change('fixed', 'It failed before.');
}

/** Not evaluated, or refused: an alarm only for what was a job. */
function withoutJob(
  before: JobResult | null,
  after: JobResult | null,
  change: (bucket: Bucket, sentence: string) => JobChange,
): JobChange {
  if (before === null || !isJob(before)) {
    const isOld = before !== null;
    if (after === null) return change('unchanged', 'It was no job before and is not listed now.');
    return change(
      isOld ? 'unchanged' : 'new',
      because(isOld ? 'It is no job, as before' : 'It is new, and no job', after),
    );
  }
  if (after === null) return change('vanished', 'It was a job before and is not listed any more.');
  const how =
    after.ending === 'refused'
      ? 'It was a job before and is refused now'
      : 'It was a job before and does not evaluate now';
  return change('vanished', because(how, after));
}

const because = (what: string, { reason }: JobResult): string =>
  reason === undefined ? `${what}.` : `${what}: ${reason}.`;
