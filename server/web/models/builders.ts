/** The twin of the page of builders. */

import { Type, type Static } from 'typebox';
import { listBuilderViews } from '../../../db/views/fleet.ts';
import { listRunningAttempts } from '../../../db/views/pages-fleet.ts';
import { BuilderSchema } from '../../../domain/api/resources.ts';
import type { ModelContext } from './context.ts';
import { RunningSchema } from './schemas.ts';

const RUNNING_SHOWN = 500;

const BuilderWithWorkSchema = Type.Object({
  ...BuilderSchema.properties,
  work: Type.Array(RunningSchema, { description: 'what runs on it now, longest first' }),
});
export type BuilderWithWork = Static<typeof BuilderWithWorkSchema>;

export const BuildersPageSchema = Type.Object({ builders: Type.Array(BuilderWithWorkSchema) });
export type BuildersPage = Static<typeof BuildersPageSchema>;

/** Builders that take work first. */
export async function loadBuildersPage({ db }: ModelContext): Promise<BuildersPage> {
  const [builders, running] = await Promise.all([
    listBuilderViews(db),
    listRunningAttempts(db, RUNNING_SHOWN),
  ]);
  const rank = { active: 0, drained: 1, gone: 2 };
  return {
    builders: builders
      .toSorted((a, b) => rank[a.state] - rank[b.state] || a.name.localeCompare(b.name))
      .map((builder) => ({
        ...builder,
        work: running.filter((attempt) => attempt.builder === builder.name),
      })),
  };
}
