/** Failures under the derivation that failed first: a dependent is never a red item of its own. */

import type { JobResult } from './evaluations.ts';

export interface RootFailure {
  /** Store path of the derivation that failed first. */
  readonly drvPath: string;
  /** Jobs that are this very derivation. */
  readonly jobs: readonly JobResult[];
  /** Jobs that failed for it only. */
  readonly victims: readonly JobResult[];
  /** Jobs that fail with it, itself among them: what a repair would free. */
  readonly blastRadius: number;
  /**
   * Whether it failed in the earlier evaluation as well (the derivation, one of its jobs, or a root of the same name); null
   * without one.
   */
  readonly isOld: boolean | null;
}

/** Folds failed jobs under their roots, the widest first. A victim without a known root stands alone. */
export function foldByRoot(after: readonly JobResult[], before?: readonly JobResult[]): RootFailure[] {
  const roots = rootsOf(after);
  const old = before === undefined ? null : oldRoots(before);
  return [...roots]
    .map(([drvPath, { jobs, victims }]) => ({
      drvPath,
      jobs,
      victims,
      blastRadius: jobs.length + victims.length,
      isOld:
        old === null ? null : old.has(nameOf(drvPath)) || jobs.some(({ name }) => old.has(`job ${name}`)),
    }))
    .toSorted((a, b) => b.blastRadius - a.blastRadius || (a.drvPath < b.drvPath ? -1 : 1));
}

/** Names of roots, and of jobs that failed by themselves: a new revision gives the same failure another hash. */
function oldRoots(before: readonly JobResult[]): ReadonlySet<string> {
  const roots = rootsOf(before);
  const jobs = [...roots.values()].flatMap((group) => group.jobs.map(({ name }) => `job ${name}`));
  return new Set([...[...roots.keys()].map(nameOf), ...jobs]);
}

/** `torch-2.9.drv` of `/nix/store/<hash>-torch-2.9.drv`. */
const nameOf = (drvPath: string): string => drvPath.replace(/^.*\/[0-9a-z]{32}-/, '');

interface Group {
  readonly jobs: JobResult[];
  readonly victims: JobResult[];
}

function rootsOf(jobs: readonly JobResult[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const job of jobs) {
    if (job.ending !== 'failed' && job.ending !== 'dependency-failed') continue;
    const root =
      (job.ending === 'failed' ? job.drvPath : (job.rootDrvPath ?? job.drvPath)) ?? `job ${job.name}`;
    const group = groups.get(root) ?? { jobs: [], victims: [] };
    (root === job.drvPath || job.ending === 'failed' ? group.jobs : group.victims).push(job);
    groups.set(root, group);
  }
  return groups;
}
