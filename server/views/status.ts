/** What this server is, and how it is. */

import type { Static } from 'typebox';
import { findOverall } from '../../db/views/fleet.ts';
import type { StatusSchema } from '../../domain/api/resources.ts';
import type { ServerDeps } from '../deps.ts';
import { SERVER_VERSION } from '../version.ts';

export async function findStatus({
  connection,
  publicUrl,
  cacheFacts,
  temporalUiUrl,
}: ServerDeps): Promise<Static<typeof StatusSchema>> {
  const overall = await findOverall(connection.db);
  return {
    name: 'nixwarp',
    version: SERVER_VERSION,
    url: publicUrl,
    cache: cacheFacts,
    temporalUiUrl: temporalUiUrl ?? null,
    ...overall,
    ready: overall.builders > 0,
  };
}
