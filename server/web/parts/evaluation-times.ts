/** When an evaluation waited, evaluated, built and finished, each told apart. */

import type { Evaluation } from '../../../domain/api/resources.ts';
import { html, type Html } from '../html.ts';
import { facts } from './blocks.ts';
import { duration, secondsBetween, time } from './times.ts';

type Times = Pick<Evaluation, 'createdAt' | 'startedAt' | 'evaluatedAt' | 'drainedAt' | 'finishedAt'>;

export function evaluationTimes({ createdAt, startedAt, evaluatedAt, drainedAt, finishedAt }: Times): Html {
  return facts([
    ['Asked for', time(createdAt, true)],
    ['Queued', took(createdAt, startedAt)],
    ['Evaluating', startedAt === null ? null : took(startedAt, evaluatedAt)],
    // Steps begin while evaluation still runs: what is told is how much longer they took.
    ['Building after that', evaluatedAt === null ? null : took(evaluatedAt, drainedAt)],
    ['Finished', finishedAt === null ? null : html`${time(finishedAt, true)}`],
    ['In all', took(createdAt, finishedAt)],
  ]);
}

/** `null` while it lasts: a length that is not known yet is not shown as one. */
function took(from: string, to: string | null): string | null {
  const seconds = secondsBetween(from, to);
  return seconds === null ? null : duration(seconds);
}
