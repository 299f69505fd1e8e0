/** Postgres and Temporal: those given, else our own. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CliConfig } from '../config.ts';
import { choosePort, PortTaken } from './ports.ts';
import { initialisePostgres, postgresChild, postgresUrl } from './postgres.ts';
import { readNotes } from './notes.ts';
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

const POSTGRES_PORT = 5484;
const TEMPORAL_PORT = 7233;
const TEMPORAL_UI_PORT = 8233;
const PORT_TRIES = 5;

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
  if (await initialisePostgres(state)) say(`made a database in ${state.folders.postgres}`);
  return withPort(config.postgresPort === undefined, async (offset) => {
    const usual = offset === 0 ? (ports.postgres ?? POSTGRES_PORT) : POSTGRES_PORT + offset;
    const port = await choosePort('Postgres', config.postgresPort, usual, 'NIXWARP_POSTGRES_PORT');
    await supervisor.start({ ...postgresChild(state, port), once: true });
    ports.postgres = port;
    return postgresUrl(state, port);
  });
}

/**
 * Two instances that start at once may choose the same port: the one that comes too late takes another.
 * `offset` leaves the neighbourhood of those that were tried.
 */
async function withPort<T>(mayChoose: boolean, start: (offset: number) => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await start(tries * (20 + Math.floor(Math.random() * 80)));
    } catch (error) {
      if (!mayChoose || error instanceof PortTaken || tries >= PORT_TRIES) throw error;
    }
  }
}

async function startTemporal(
  { config, state, supervisor, temporalCli }: ServicesOptions,
  ports: Ports,
): Promise<Pick<Services, 'temporalAddress' | 'temporalUiUrl'>> {
  if (config.temporalAddress !== undefined)
    return { temporalAddress: config.temporalAddress, temporalUiUrl: undefined };
  const mayChoose = config.temporalPort === undefined && config.temporalUiPort === undefined;
  return withPort(mayChoose, async (offset) => {
    const [usual, usualUi] =
      offset === 0
        ? [ports.temporal ?? TEMPORAL_PORT, ports.temporalUi ?? TEMPORAL_UI_PORT]
        : [TEMPORAL_PORT + offset, TEMPORAL_UI_PORT + offset];
    const port = await choosePort('Temporal', config.temporalPort, usual, 'NIXWARP_TEMPORAL_PORT');
    const uiPort = await choosePort(
      "Temporal's UI",
      config.temporalUiPort,
      usualUi,
      'NIXWARP_TEMPORAL_UI_PORT',
    );
    await supervisor.start({
      ...temporalChild(state, temporalCli, namespaceOf(config, state), { port, uiPort }),
      once: true,
    });
    ports.temporal = port;
    ports.temporalUi = uiPort;
    return {
      temporalAddress: `127.0.0.1:${port}`,
      temporalUiUrl: `http://127.0.0.1:${uiPort}/namespaces/${namespaceOf(config, state)}/workflows`,
    };
  });
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
  return readNotes<Ports>(portsFile(state), {});
}
