/** The way to Temporal: connections, the namespace with its search attributes, and which cluster this is. */

import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { DefaultLogger, type LogMetadata, NativeConnection, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { SEARCH_ATTRIBUTES } from '../domain/ci/workflow-messages.ts';

/** `INDEXED_VALUE_TYPE_KEYWORD` of temporal.api.enums.v1: the proto package exports no names to ESM. */
const KEYWORD = 2;

/** Finished workflows are for looking at; what they did is in Postgres. */
const RETENTION_SECONDS = 7 * 24 * 3600;
const ALREADY_EXISTS = 6;
const NOT_FOUND = 5;

export interface TemporalAddress {
  readonly address: string;
  readonly namespace: string;
}

/** Logs of the SDK go to ours. Once a process, before any connection. */
export function installTemporalRuntime(logger: Logger): void {
  const bridge = new DefaultLogger('INFO', ({ level, message, meta }) => {
    const fields = plain(meta);
    if (level === 'ERROR') logger.error(fields, message);
    else if (level === 'WARN') logger.warn(fields, message);
    else logger.debug(fields, message);
  });
  Runtime.install({
    logger: bridge,
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
    // Signals are the process's own business: it stops its workers itself.
    shutdownSignals: [],
  });
}

/** Without the bigint that the SDK puts into its metadata and JSON cannot carry. */
function plain(meta: LogMetadata | undefined): object {
  return Object.fromEntries(Object.entries(meta ?? {}).filter(([, value]) => typeof value !== 'bigint'));
}

/** A client that connects when first used; `NativeConnection` serves the workers of the same process. */
export function createTemporalClient({ address, namespace }: TemporalAddress): Client {
  return new Client({ connection: Connection.lazy({ address }), namespace });
}

export function connectWorkers({ address }: TemporalAddress): Promise<NativeConnection> {
  return NativeConnection.connect({ address });
}

/** Makes sure that the namespace exists with our search attributes. Needed again whenever Temporal's database was lost. */
export async function ensureNamespace(client: Client, namespace: string): Promise<void> {
  const { connection } = client;
  await connection.workflowService
    .registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: RETENTION_SECONDS as never },
    })
    .catch((error: unknown) => {
      if (!hasCode(error, ALREADY_EXISTS)) throw error;
    });
  await (connection as Connection).operatorService
    .addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, KEYWORD])),
    })
    .catch((error: unknown) => {
      if (!hasCode(error, ALREADY_EXISTS)) throw error;
    });
}

/** The identity of the namespace: another one means that Temporal's database is another (or empty). `undefined` when it has none yet. */
export async function findClusterIdentity(client: Client, namespace: string): Promise<string | undefined> {
  try {
    const { namespaceInfo } = await client.connection.workflowService.describeNamespace({ namespace });
    return namespaceInfo?.id ?? undefined;
  } catch (error) {
    if (hasCode(error, NOT_FOUND)) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, expected: number): boolean {
  if (!isGrpcServiceError(error)) return false;
  // gRPC's enum of codes is in a package that is not ours to import.
  const code: number = error.code;
  return code === expected;
}
