/** Postgres and Temporal: those given, else our own. */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CliConfig } from '../config.ts';
import { choosePort } from './ports.ts';
import { initialisePostgres, postgresChild, postgresUrl } from './postgres.ts';
import type { InstanceState } from './state.ts';
import type { Supervisor } from './supervisor.ts';
import { temporalChild } from './temporal.ts';

export interface Services {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  /** `undefined` where Temporal is not ours. */
  readonly temporalUiUrl: string | undefined;
}

export interface ServicesOptions {
  readonly config: Pick<
    CliConfig,
    | 'databaseUrl'
    | 'temporalAddress'
    | 'temporalNamespace'
    | 'postgresPort'
    | 'temporalPort'
    | 'temporalUiPort'
  >;
  /** The `temporal` command. */
  readonly temporalCli: string;
  readonly state: InstanceState;
  readonly supervisor: Supervisor;
  readonly say: (message: string) => void;
}

/** Starts what is not given, and returns when both answer. */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const ports = await readPorts(options.state);
  const [databaseUrl, temporal] = await Promise.all([
    startPostgres(options, ports),
    startTemporal(options, ports),
  ]);
  await writeFile(portsFile(options.state), `${JSON.stringify(ports)}\n`);
  return { databaseUrl, ...temporal };
}

async function startPostgres(
  { config, state, supervisor, say }: ServicesOptions,
  ports: Ports,
): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl;
  const port = await choosePort(
    'Postgres',
    config.postgresPort,
    ports.postgres ?? 5484,
    'NIXWARP_POSTGRES_PORT',
  );
  if (await initialisePostgres(state)) say(`made a database in ${state.folders.postgres}`);
  ports.postgres = port;
  await supervisor.start(postgresChild(state, port));
  return postgresUrl(state, port);
}

async function startTemporal(
  { config, state, supervisor, temporalCli }: ServicesOptions,
  ports: Ports,
): Promise<Pick<Services, 'temporalAddress' | 'temporalUiUrl'>> {
  if (config.temporalAddress !== undefined)
    return { temporalAddress: config.temporalAddress, temporalUiUrl: undefined };
  const port = await choosePort(
    'Temporal',
    config.temporalPort,
    ports.temporal ?? 7233,
    'NIXWARP_TEMPORAL_PORT',
  );
  const uiPort = await choosePort(
    "Temporal's UI",
    config.temporalUiPort,
    ports.temporalUi ?? 8233,
    'NIXWARP_TEMPORAL_UI_PORT',
  );
  ports.temporal = port;
  ports.temporalUi = uiPort;
  await supervisor.start(temporalChild(state, temporalCli, namespaceOf(config, state), { port, uiPort }));
  return { temporalAddress: `127.0.0.1:${port}`, temporalUiUrl: `http://127.0.0.1:${uiPort}` };
}

/** One Temporal may serve several instances. */
export function namespaceOf(config: Pick<CliConfig, 'temporalNamespace'>, state: InstanceState): string {
  return config.temporalNamespace ?? `nixwarp-${state.instanceId}`;
}

interface Ports {
  postgres?: number;
  temporal?: number;
  temporalUi?: number;
}

const portsFile = (state: InstanceState): string => join(state.folders.run, 'ports.json');

/** Ports of the last run: used again where they are free, so that bookmarks stay right. */
async function readPorts(state: InstanceState): Promise<Ports> {
  return JSON.parse(await readFile(portsFile(state), 'utf8').catch(() => '{}')) as Ports;
}
