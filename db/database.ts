/** The connection to Postgres, and its migrations. */

import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';

/** What every statement takes: the database or a transaction on it. */
export type Database = Pick<
  PostgresJsDatabase,
  'execute' | 'select' | 'insert' | 'update' | 'delete' | 'selectDistinct'
>;

export interface Connection extends AsyncDisposable {
  readonly db: PostgresJsDatabase;
  /** Runs `work` in one transaction, again after a deadlock or serialisation failure (SQLSTATE 40P01, 40001). */
  transaction<T>(work: (tx: Database) => Promise<T>): Promise<T>;
  /** Calls `onMessage` for each NOTIFY on `channel`, and once after each (re)connection, since messages may have been lost. */
  listen(channel: string, onMessage: (payload: string) => void): Promise<void>;
}

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/name`. */
  readonly url: string;
  readonly applicationName: string;
  readonly maxConnections?: number;
}

/** Connections a process holds: workers run some ten activities at a time, and a pool beyond that only queues in Postgres. */
const DEFAULT_CONNECTIONS = 10;
const CONNECT_TIMEOUT_SECONDS = 10;
const RETRIED_STATES = new Set(['40P01', '40001']);
const TRANSACTION_TRIES = 5;

/** Opens lazily: the first statement connects, and a lost connection is made again by the next. */
export function connectDatabase({
  url,
  applicationName,
  maxConnections = DEFAULT_CONNECTIONS,
}: DatabaseOptions): Connection {
  const client = postgres(url, {
    max: maxConnections,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    connection: { application_name: applicationName },
    // Notices ("relation already exists, skipping") are no news.
    onnotice: () => {},
    // int8 fits a number: no table will hold 2⁵³ rows.
    types: { bigint: { to: 20, from: [20], serialize: String, parse: Number } },
  });
  const db = drizzle(client);
  return {
    db,
    transaction: (work) => retryTransaction(() => db.transaction(work)),
    listen: async (channel, onMessage) => {
      await client.listen(channel, onMessage, () => onMessage(''));
    },
    [Symbol.asyncDispose]: () => client.end({ timeout: 5 }),
  };
}

async function retryTransaction<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run();
    } catch (error) {
      if (tries >= TRANSACTION_TRIES || !RETRIED_STATES.has(sqlState(error) ?? '')) throw error;
    }
  }
}

/** The SQLSTATE of an error of Postgres, also inside drizzle's wrapper. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof postgres.PostgresError) return error.code;
  return sqlState(error.cause);
}
