/** A Postgres database for one test: fresh, migrated, gone at the end. */

import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { type Connection, connectDatabase } from '../../db/database.ts';
import { migrate } from '../../db/migrate.ts';

export interface TestDatabase extends AsyncDisposable {
  readonly connection: Connection;
  readonly url: string;
}

/** The server that `npm test` started. @throws Error saying how to run a single file. */
export function testDatabaseServer(): string {
  const url = process.env['NIXWARP_TEST_DATABASE_URL'];
  if (url === undefined)
    throw new Error('this test needs the Postgres that "npm test" starts: run "npm test -- FILE"');
  return url;
}

/** `migrated: false` leaves it empty. */
export async function createTestDatabase({ migrated = true } = {}): Promise<TestDatabase> {
  const server = testDatabaseServer();
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = postgres(server, { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${name}`);
  const url = server.replace(/\/[^/]*$/, `/${name}`);
  const connection = connectDatabase({ url, applicationName: 'nixwarp-test', maxConnections: 5 });
  if (migrated) await migrate(connection);
  return {
    connection,
    url,
    [Symbol.asyncDispose]: async () => {
      await connection[Symbol.asyncDispose]();
      await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}
