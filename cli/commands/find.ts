/** Finding what a person names: an evaluation by its number or the newest, a job by (a part of) its name. */

import type { Evaluation } from '../../domain/api/resources.ts';
import type { RunJob } from '../../domain/api/runs.ts';
import type { ApiClient } from '../client.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { jobName } from '../run/format.ts';

/** The evaluation of this id; without one the newest (open) one. @throws CommandFailure (usage). */
export async function findEvaluation(
  client: ApiClient,
  id: string | undefined,
  open = false,
): Promise<Evaluation> {
  if (id !== undefined) {
    if (!/^[1-9][0-9]*$/.test(id))
      throw new CommandFailure(EXIT.usage, `"${id}" is no evaluation: a number is expected`);
    return client.evaluation(Number(id));
  }
  const [newest] = await client.evaluations({ limit: 1, ...(open ? { open } : {}) });
  if (newest === undefined)
    throw new CommandFailure(EXIT.usage, open ? 'no evaluation is open' : 'there is no evaluation yet');
  return newest;
}

/**
 * The job of this name, or the only one that has it as a part; with `prefer` one of several that it holds for.
 * @throws CommandFailure (usage) naming the candidates.
 */
export async function findJob(
  client: ApiClient,
  evaluationId: number,
  name: string,
  prefer: (job: RunJob) => boolean = () => false,
): Promise<RunJob> {
  const jobs = await client.jobs(evaluationId, name.split('@')[0] ?? name);
  // `name@variant` tells variants apart.
  const [wanted = '', variant] = name.split('@', 2);
  const candidates = jobs.filter((job) => variant === undefined || job.variant === variant);
  const exact = candidates.filter((job) => job.name === wanted);
  const chosen = exact.length > 0 ? exact : candidates;
  if (chosen.length === 1 && chosen[0] !== undefined) return chosen[0];
  const preferred = chosen.filter(prefer);
  const [first] = preferred.length > 0 ? preferred : exact;
  if (
    first !== undefined &&
    (preferred.length > 0 || exact.length > 0) &&
    new Set(chosen.map((job) => job.name)).size === 1
  )
    return first;
  if (chosen.length === 0)
    throw new CommandFailure(EXIT.usage, `evaluation ${evaluationId} has no job with "${name}" in its name`);
  const names = chosen.slice(0, 10).map((job) => `  ${jobName(job)}`);
  throw new CommandFailure(
    EXIT.usage,
    `"${name}" is in the names of ${chosen.length} jobs of evaluation ${evaluationId}:\n${names.join('\n')}`,
  );
}
