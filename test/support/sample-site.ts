/** The sample graph behind the server's application, on a port of its own. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { createSampleApp, type SampleApp } from './sample-app.ts';
import { createSampleGraph, type SampleGraph } from './sample-graph.ts';

export interface SampleSite extends SampleApp, AsyncDisposable {
  readonly database: TestDatabase;
  readonly graph: SampleGraph;
  /** The page as a browser gets it. @throws Error where it is not 200. */
  page(path: string): Promise<string>;
  /** Its JSON twin. */
  twin<T = Record<string, unknown>>(path: string): Promise<T>;
  /** Starts to listen on loopback, and returns the address. */
  listen(): Promise<string>;
}

export const BROWSER_ACCEPT = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';

export async function openSampleSite(): Promise<SampleSite> {
  const database = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'nixwarp-site-'));
  const sample = await createSampleApp(database.connection, folder);
  const graph = await createSampleGraph(database.connection, sample.logs);
  const get = async (path: string, accept: string): Promise<string> => {
    const response = await sample.app.inject({ url: path, headers: { accept } });
    if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode} ${response.body}`);
    return response.body;
  };
  return {
    ...sample,
    database,
    graph,
    page: (path) => get(path, BROWSER_ACCEPT),
    twin: async (path) => JSON.parse(await get(path, 'application/json')),
    listen: () => sample.app.listen({ host: '127.0.0.1', port: 0 }),
    [Symbol.asyncDispose]: async () => {
      await sample.app.close();
      await database[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
