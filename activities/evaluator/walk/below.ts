/** Walking from the places that a request names. */

import { describePath, describeRoot } from '../request.ts';
import type { Stop } from '../stop.ts';
import type { EvaluationRequest } from '../types.ts';
import type { Walk } from './walk.ts';
import { createWorkItem, type WorkItem } from './work.ts';

/** @param want `visit` walks; `probe` only sees whether root and places can be evaluated. */
export async function walkBelow(
  request: EvaluationRequest,
  walk: Walk,
  stop: Stop,
  want: WorkItem['want'] = 'visit',
): Promise<void> {
  await walk.run(
    request.below.map((path) => createWorkItem(path, { top: true, topLength: path.length, want })),
  );
  // One place among several may be missing, but an evaluation of nothing is a mistake of whoever asked.
  if (walk.countAbsent() < request.below.length || request.below.length === 0) return;
  const paths = request.below.map(describePath).join(', ');
  stop.end(
    request.below.length === 1
      ? `${describeRoot(request)} has no attribute ${paths}`
      : `${describeRoot(request)} has none of the attributes ${paths}`,
  );
}
