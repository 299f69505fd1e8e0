/** A whole stack of real processes for one test: its own state folder, ports and database. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CACHE_FOLDER, parseCliConfig } from '../../cli/config.ts';
import { findTemporalCli } from '../../cli/setup/temporal.ts';
import { findFreePort } from '../../cli/up/ports.ts';
import { postgresUrl } from '../../cli/up/postgres.ts';
import { type ExtraBuilder, startStack } from '../../cli/up/stack.ts';
import { disposeOnTermination } from './termination.ts';

export interface TestStack extends AsyncDisposable {
  readonly url: string;
  readonly stateDir: string;
  readonly adminToken: string;
  readonly databaseUrl: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What the supervisor said. */
  readonly said: readonly string[];
  /** The pid of a child by its name: `postgres`, `temporal`, `server`, `coordinator`, `builder`. */
  pidOf(name: string): Promise<number>;
}

export interface TestStackOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly extraBuilders?: readonly ExtraBuilder[];
  readonly stateDir?: string;
}

/** Times in seconds where production has minutes. */
const QUICK = {
  NIXWARP_HEARTBEAT_SECONDS: '4',
  NIXWARP_RESUME_SECONDS: '15',
  NIXWARP_POLL_SECONDS: '2',
  NIXWARP_RECONCILE_SECONDS: '2',
  NIXWARP_ANNOUNCE_SECONDS: '1',
  NIXWARP_RETRY_DELAY_PERCENT: '10',
  NIXWARP_UPSTREAMS: ' ',
};

export async function startTestStack(options: TestStackOptions = {}): Promise<TestStack> {
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'nixwarp-stack-')));
  const ports = {
    server: await findFreePort(),
    postgres: await findFreePort(),
    temporal: await findFreePort(),
    ui: await findFreePort(),
  };
  const { DATABASE_URL: _database, TEMPORAL_ADDRESS: _temporal, ...inherited } = process.env;
  const environment = {
    ...inherited,
    ...QUICK,
    NIXWARP_STATE_DIR: stateDir,
    NIXWARP_LISTEN: `127.0.0.1:${ports.server}`,
    NIXWARP_POSTGRES_PORT: String(ports.postgres),
    NIXWARP_TEMPORAL_PORT: String(ports.temporal),
    NIXWARP_TEMPORAL_UI_PORT: String(ports.ui),
    ...options.environment,
  } as Record<string, string>;
  const config = parseCliConfig(environment);
  const temporalCli =
    (await findTemporalCli({ environment: process.env, cacheFolder: CACHE_FOLDER })) ?? 'temporal';
  const said: string[] = [];
  const starting = startStack({
    config,
    temporalCli,
    extraBuilders: options.extraBuilders ?? [],
    say: (message) => said.push(message),
  });
  // In the middle of its start, too: what runs by then is stopped when all of it does.
  const forget = disposeOnTermination({
    [Symbol.asyncDispose]: async () => (await starting)[Symbol.asyncDispose](),
  });
  const stack = await starting;
  return {
    url: stack.url,
    stateDir,
    said,
    environment,
    adminToken: (await readFile(stack.state.keys.adminTokenFile, 'utf8')).trim(),
    databaseUrl: await postgresUrl(stack.state, ports.postgres),
    pidOf: async (name) => {
      const children = JSON.parse(await readFile(join(stateDir, 'run', 'children.json'), 'utf8')) as {
        name: string;
        pid: number;
      }[];
      const child = children.find((one) => one.name === name);
      if (child === undefined)
        throw new Error(`there is no child ${name}: ${children.map((one) => one.name).join(', ')}`);
      return child.pid;
    },
    [Symbol.asyncDispose]: async () => {
      forget();
      await stack[Symbol.asyncDispose]();
      if (options.stateDir === undefined) await rm(stateDir, { recursive: true, force: true });
    },
  };
}
