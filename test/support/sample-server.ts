/** The server over a test's database, listening, with what its clients do by hand. */

import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import {
  generateSecretKey,
  parsePublicKey,
  type PublicKey,
  publicKeyOf,
} from '../../domain/nix/signature.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { createSampleApp, type SampleApp } from './sample-app.ts';

/** A key of others whose signatures the server keeps. */
export const trustedKey = generateSecretKey('trusted-1');
/** The server's own. */
export let ownKey: PublicKey;

export interface SampleServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly cacheFolder: string;
  readonly database: TestDatabase;
  readonly sample: SampleApp;
  /** With the builder's token, where none is given. */
  put(
    key: string,
    body: string | Buffer | ReadableStream<Uint8Array>,
    headers?: Readonly<Record<string, string>>,
    token?: string,
  ): Promise<{ status: number; detail: string }>;
  /** The status of the first answer to `Expect: 100-continue`. */
  expectContinue(key: string, token: string | undefined): Promise<number>;
  /** Whether each ingest of a path was accepted, in order. */
  provenance(pathHash: string): Promise<boolean[]>;
}

export interface SampleServerOptions {
  /** Kept by the caller: another server may go on with it. */
  readonly folder?: string;
  readonly database?: TestDatabase;
}

export async function startSampleServer(options: SampleServerOptions = {}): Promise<SampleServer> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'nixwarp-server-')));
  const database = options.database ?? (await createTestDatabase());
  const sample = await createSampleApp(database.connection, folder, {
    trustedKeys: [publicKeyOf(trustedKey)],
  });
  ownKey = parsePublicKey(sample.deps.cacheFacts.publicKey);
  await sample.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = sample.app.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    folder,
    cacheFolder: join(folder, 'cache'),
    database,
    sample,
    put: async (key, body, headers = {}, ...tokens) => {
      const token = tokens.length === 0 ? 'builder' : tokens[0];
      const response = await fetch(`${url}/${key}`, {
        method: 'PUT',
        headers: { ...(token === undefined ? {} : basic(token)), ...headers },
        body: body as NonNullable<RequestInit['body']>,
        duplex: 'half',
      });
      const text = await response.text();
      return { status: response.status, detail: /"detail":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text };
    },
    expectContinue: (key, token) => firstAnswer(port, key, token),
    provenance: async (pathHash) => {
      const rows = await database.connection.db.execute<{ accepted: boolean }>(
        sql`select accepted from path_provenance where path_hash = ${pathHash} order by id`,
      );
      return rows.map((row) => row.accepted);
    },
    [Symbol.asyncDispose]: async () => {
      sample.app.server.closeAllConnections();
      await sample.app.close();
      if (options.database === undefined) await database[Symbol.asyncDispose]();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** As Nix sends it. */
export function basic(token: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`user:${token}`).toString('base64')}` };
}

function firstAnswer(port: number, key: string, token: string | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({
      port,
      method: 'PUT',
      path: `/${key}`,
      headers: {
        expect: '100-continue',
        'content-length': 1_000_000,
        ...(token === undefined ? {} : basic(token)),
      },
    });
    const end = (status: number): void => {
      sent.destroy();
      resolve(status);
    };
    sent.on('continue', () => end(100));
    sent.on('response', (response) => end(response.statusCode ?? 0));
    sent.on('error', reject);
    sent.flushHeaders();
  });
}
