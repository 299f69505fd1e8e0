/** A real S3-compatible server for tests: versitygw where it is installed, else moto's, which set-up installs. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { CACHE_FOLDER } from '../../cli/config.ts';
import { createClient } from '../../server/cache/storage/s3.ts';
import type { S3Settings } from '../../server/cache/storage/settings.ts';
import { motoServer } from './moto.ts';
import { until } from './runs.ts';
import { disposeOnTermination } from './termination.ts';

/** `NIXWARP_TEST_VERSITYGW=/path/to/versitygw` (`go install github.com/versity/versitygw/cmd/versitygw@latest`). */
const VERSITYGW = process.env['NIXWARP_TEST_VERSITYGW'];
const MOTO = motoServer(CACHE_FOLDER);

/** Why there is none; `false` where there is one. */
export const noS3Server: string | false =
  VERSITYGW !== undefined || existsSync(MOTO)
    ? false
    : `there is neither NIXWARP_TEST_VERSITYGW nor ${MOTO}, which "npm test" installs`;

export interface S3Server extends AsyncDisposable {
  readonly settings: S3Settings;
  /** As when the network or the service is gone; its data stays where it keeps any. */
  stop(): Promise<void>;
  /** On the same address. Moto's has forgotten all. */
  start(): Promise<void>;
}

const BUCKET = 'nixwarp-test';

export async function startS3Server(serve: S3Settings['serve'] = 'stream', prefix = ''): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'nixwarp-s3-'));
  const port = await freePort();
  const settings: S3Settings = {
    bucket: BUCKET,
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    prefix,
    serve,
    credentials: { accessKeyId: 'test-user', secretAccessKey: 'test-secret' },
  };
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = await startProcess(folder, port, settings);
    const client = createClient(settings);
    await until('the S3 server has a bucket', async () => {
      await client.send(new CreateBucketCommand({ Bucket: BUCKET })).catch((error: Error) => {
        if (!error.name.startsWith('BucketAlready')) throw error;
      });
      return true;
    });
    client.destroy();
  };
  const stop = async (): Promise<void> => {
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    child = undefined;
  };
  await start();
  const forget = disposeOnTermination({ [Symbol.asyncDispose]: stop });
  return {
    settings,
    start,
    stop,
    [Symbol.asyncDispose]: async () => {
      forget();
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startProcess(
  folder: string,
  port: number,
  { credentials }: S3Settings,
): Promise<ChildProcess> {
  const options = { stdio: 'ignore', env: { PATH: process.env['PATH'] } } as const;
  if (VERSITYGW === undefined) return spawn(MOTO, ['-H', '127.0.0.1', '-p', String(port)], options);
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const { accessKeyId = '', secretAccessKey = '' } = credentials ?? {};
  const args = [
    '--port',
    `127.0.0.1:${port}`,
    '--access',
    accessKeyId,
    '--secret',
    secretAccessKey,
    'posix',
    data,
  ];
  return spawn(VERSITYGW, args, options);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
