/** Hydra's aggregates: which jobs an aggregate means, and what is wrong with it when it means none. */

/** A job as an aggregate sees it; aggregates are jobs too. */
export interface NamedJob {
  readonly id: number;
  readonly name: string;
  readonly system: string;
  readonly variant: string | null;
  readonly drvPath: string;
}

export interface Aggregate {
  readonly id: number;
  readonly name: string;
  readonly system: string;
  readonly variant: string | null;
  /** Names of jobs, globs, or store paths of derivations. */
  readonly constituents: readonly string[];
}

export interface ResolvedAggregates {
  /** Inner aggregates before those that name them. */
  readonly good: readonly { readonly aggregate: Aggregate; readonly constituents: readonly NamedJob[] }[];
  readonly broken: readonly { readonly aggregate: Aggregate; readonly message: string }[];
}

export interface AggregateContext {
  readonly jobs: readonly NamedJob[];
  /** Names that did not evaluate, so that "does not exist" and "is broken" can be told apart. */
  readonly failedNames: ReadonlySet<string>;
  /** Matches a shell glob (`_hydraGlobConstituents`). */
  readonly matches: (name: string, glob: string) => boolean;
}

/**
 * Resolves constituents as Hydra does (reference: hydra.md §3.3): a name is a job's, else a shell glob that never selects the
 * aggregate itself; what does not exist, did not evaluate or runs in a circle breaks the aggregate, and with it those above.
 * A constituent given as a derivation that is no job of the evaluation is left out: its edge is in the derivation already.
 */
export function resolveAggregates(
  aggregates: readonly Aggregate[],
  context: AggregateContext,
): ResolvedAggregates {
  const results = new Map<number, { constituents: NamedJob[]; errors: string[] }>();
  for (const aggregate of aggregates) results.set(aggregate.id, resolveOne(aggregate, context));
  const good: { aggregate: Aggregate; constituents: readonly NamedJob[] }[] = [];
  const broken = new Map<number, string>();
  for (const aggregate of aggregates) {
    const errors = results.get(aggregate.id)?.errors ?? [];
    if (errors.length > 0) broken.set(aggregate.id, errors.join('; '));
  }
  const byId = new Map(aggregates.map((aggregate) => [aggregate.id, aggregate]));
  const settled = new Set<number>();
  let open = aggregates.filter((aggregate) => !broken.has(aggregate.id));
  for (let progress = true; progress;) {
    progress = false;
    const waiting: Aggregate[] = [];
    for (const aggregate of open) {
      const constituents = results.get(aggregate.id)?.constituents ?? [];
      const inner = constituents.filter((job) => byId.has(job.id));
      const bad = inner.find((job) => broken.has(job.id));
      if (bad !== undefined)
        broken.set(aggregate.id, `constituent ${bad.name} is broken: ${broken.get(bad.id)}`);
      else if (inner.every((job) => settled.has(job.id))) good.push({ aggregate, constituents });
      else {
        waiting.push(aggregate);
        continue;
      }
      if (bad === undefined) settled.add(aggregate.id);
      progress = true;
    }
    open = waiting;
  }
  const circle = open.map((aggregate) => aggregate.name).join(', ');
  for (const aggregate of open)
    broken.set(aggregate.id, `aggregates depend on each other in a circle: ${circle}`);
  return {
    good,
    broken: [...broken].flatMap(([id, message]) => {
      const aggregate = byId.get(id);
      return aggregate === undefined ? [] : [{ aggregate, message }];
    }),
  };
}

function resolveOne(
  aggregate: Aggregate,
  context: AggregateContext,
): { constituents: NamedJob[]; errors: string[] } {
  // Jobs of the same system and variant: an aggregate of one variant does not gate on another.
  const candidates = context.jobs.filter(
    (job) => job.id !== aggregate.id && job.variant === aggregate.variant,
  );
  const constituents = new Map<number, NamedJob>();
  const errors: string[] = [];
  for (const wanted of aggregate.constituents) {
    const chosen = choose(wanted, aggregate, candidates, context);
    if (typeof chosen === 'string') errors.push(chosen);
    else for (const job of chosen) constituents.set(job.id, job);
  }
  return { constituents: [...constituents.values()], errors };
}

function choose(
  wanted: string,
  aggregate: Aggregate,
  candidates: readonly NamedJob[],
  { failedNames, matches }: AggregateContext,
): readonly NamedJob[] | string {
  if (wanted.startsWith('/')) {
    // Several jobs may share a derivation: Hydra takes the shortest, then alphabetically first, name.
    const sharing = candidates.filter((job) => job.drvPath === wanted);
    return sharing
      .toSorted((a, b) => a.name.length - b.name.length || (a.name < b.name ? -1 : 1))
      .slice(0, 1);
  }
  if (wanted === aggregate.name) return `constituent "${wanted}" is the aggregate itself`;
  const named = candidates.filter((job) => job.name === wanted);
  if (named.length > 0) return sameSystemFirst(named, aggregate.system);
  if (failedNames.has(wanted)) return `constituent "${wanted}" did not evaluate`;
  const globbed = candidates.filter((job) => matches(job.name, wanted));
  if (globbed.length > 0) return globbed;
  return isGlob(wanted) ? `no job matches constituent "${wanted}"` : `constituent "${wanted}" does not exist`;
}

function sameSystemFirst(jobs: readonly NamedJob[], system: string): readonly NamedJob[] {
  const same = jobs.filter((job) => job.system === system);
  return same.length > 0 ? same : jobs;
}

function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}
