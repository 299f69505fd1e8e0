/** A Postgres of one test's own, which it may stop and start. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, supervise } from '../../cli/up/child.ts';
import { findFreePort } from '../../cli/up/ports.ts';
import { initialisePostgres, postgresChild, postgresUrl } from '../../cli/up/postgres.ts';
import { openState } from '../../cli/up/state.ts';
import { disposeOnTermination } from './termination.ts';

export interface OwnPostgres extends AsyncDisposable {
  readonly url: string;
  /** Of its processes together; the first of them is `pid`. */
  readonly pid: number;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** `settings` are `name=value` of postgresql.conf. */
export async function startOwnPostgres(settings: readonly string[] = []): Promise<OwnPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'nixwarp-postgres-'));
  const state = await openState(folder);
  await initialisePostgres(state);
  const port = await findFreePort();
  let child: Child | undefined;
  let pid = 0;
  const own: OwnPostgres = {
    url: await postgresUrl(state, port),
    get pid() {
      return pid;
    },
    start: async () => {
      const spec = postgresChild(state, port);
      child = supervise(
        { ...spec, argv: [...spec.argv, ...settings.flatMap((setting) => ['-c', setting])] },
        {
          onStart: (_name, its) => (pid = its),
          onReady: () => {},
          onDeath: () => {},
          onHopeless: () => {},
        },
      );
      await child.ready;
    },
    stop: async () => {
      await child?.stop();
      child = undefined;
    },
    [Symbol.asyncDispose]: async () => {
      forget();
      await own.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  const forget = disposeOnTermination(own);
  await own.start();
  return own;
}
