/** Upstream caches for tests: a folder that is signed and served for real, and a server that misbehaves as it is told. */

import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { formatNarInfo, type NarInfo } from '../../domain/nix/narinfo.ts';
import { fingerprint, formatSignature, type SecretKey, signFingerprint } from '../../domain/nix/signature.ts';
import { narInfoOf, type SamplePath } from './sample-paths.ts';

/** One path as an upstream has it. */
export interface UpstreamPath {
  readonly sample: SamplePath;
  /** The NAR as it is stored. */
  readonly file: Buffer;
  readonly info: NarInfo;
}

export function upstreamPath(
  sample: SamplePath,
  key: SecretKey,
  {
    file = sample.nar,
    compression = 'none',
    extension = '',
  }: {
    readonly file?: Buffer;
    readonly compression?: NarInfo['compression'];
    readonly extension?: string;
  } = {},
): UpstreamPath {
  const info = narInfoOf(sample, file, compression, extension);
  const signatures = [formatSignature(signFingerprint(fingerprint(info), key))];
  return { sample, file, info: { ...info, signatures } };
}

/** A folder as `nix copy --to file://` makes it. */
export async function writeUpstream(folder: string, paths: readonly UpstreamPath[]): Promise<void> {
  await mkdir(join(folder, 'nar'), { recursive: true });
  await writeFile(join(folder, 'nix-cache-info'), 'StoreDir: /nix/store\n');
  for (const { sample, file, info } of paths) {
    await writeFile(join(folder, info.url), file);
    await writeFile(join(folder, `${sample.pathHash}.narinfo`), formatNarInfo(info));
  }
}

export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface OddUpstream extends AsyncDisposable {
  readonly url: string;
  /** Paths that were asked for, with the method in front. */
  readonly requests: string[];
  /** How it answers a path; anything else is a 404. */
  readonly answers: Map<string, Behaviour>;
  /** Answers with this narinfo and, at its URL, with these bytes. */
  serve(path: UpstreamPath): void;
  close(): Promise<void>;
}

export async function startOddUpstream(): Promise<OddUpstream> {
  const requests: string[] = [];
  const answers = new Map<string, Behaviour>();
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const answer = answers.get(request.url ?? '');
    if (answer === undefined) response.writeHead(404).end();
    else void answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answers,
    serve: ({ sample, file, info }) => {
      answers.set(
        `/${sample.pathHash}.narinfo`,
        (_request, response) => void response.end(formatNarInfo(info)),
      );
      answers.set(`/${info.url}`, (_request, response) => void response.end(file));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
