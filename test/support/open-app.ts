/** The server's application over a fresh database, for tests that fill it themselves. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PublicView } from '../../domain/listen.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { createSampleApp, type SampleApp } from './sample-app.ts';

export interface OpenApp extends SampleApp, AsyncDisposable {
  readonly database: TestDatabase;
  readonly folder: string;
}

export async function openApp(publicView: PublicView = 'policy'): Promise<OpenApp> {
  const folder = await mkdtemp(join(tmpdir(), 'nixwarp-app-'));
  const database = await createTestDatabase();
  const sample = await createSampleApp(database.connection, folder, { publicView });
  return {
    ...sample,
    database,
    folder,
    [Symbol.asyncDispose]: async () => {
      await sample.app.close();
      await database[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
