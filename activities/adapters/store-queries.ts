/**
 * Questions to the local store, over one long-lived `nix-store --serve` instead of a process for each: starting Nix takes
 * 15 ms, a question takes less than one. Source: src/libstore/serve-protocol.hh and src/nix-store/nix-store.cc (opServe),
 * unchanged for these commands from Nix 2.0 to 2.34.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { parseContentAddress } from '../../domain/nix/content-address.ts';
import { parseHash } from '../../domain/nix/hash.ts';
import type { PathInfo } from '../../domain/nix/path-info.ts';
import { parseStorePath } from '../../domain/nix/store-path.ts';
import { createWireReader, type WireReader, wireBytes } from './nix-wire.ts';

export interface StoreQueries extends AsyncDisposable {
  /** Those of the paths that are valid. */
  listValid(paths: readonly string[]): Promise<string[]>;
  /** What the store knows of paths and everything that they refer to. */
  closureInfo(paths: readonly string[]): Promise<PathInfo[]>;
}

export interface StoreQueriesOptions {
  readonly prefix: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const MAGIC_1 = 0x390c9deb;
const MAGIC_2 = 0x5452eecb;
/** 2.5: hashes in path infos, and nothing newer that we would have to read. */
const VERSION = (2 << 8) | 5;
const QUERY_VALID_PATHS = 1;
const QUERY_PATH_INFOS = 2;
const QUERY_CLOSURE = 7;

interface Session {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly reader: WireReader;
}

export function createStoreQueries(options: StoreQueriesOptions): StoreQueries {
  let session: Promise<Session> | undefined;
  // One question at a time: answers come in order on one stream.
  let last: Promise<unknown> = Promise.resolve();

  function ask<T>(question: Buffer, read: (reader: WireReader) => Promise<T>): Promise<T> {
    const answer = last.then(async () => {
      session ??= open(options);
      try {
        const { child, reader } = await session;
        child.stdin.write(question);
        return await read(reader);
      } catch (error) {
        // A broken conversation cannot be taken up again: the next question starts a new one.
        void session?.then(({ child }) => child.kill()).catch(() => {});
        session = undefined;
        throw error;
      }
    });
    last = answer.catch(() => {});
    return answer;
  }

  const listClosure = (paths: readonly string[]): Promise<string[]> =>
    ask(wireBytes(QUERY_CLOSURE, 0, paths), (reader) => reader.strings());

  return {
    listValid: (paths) =>
      paths.length === 0
        ? Promise.resolve([])
        : // Locked: what is valid now stays until this process ends.
          ask(wireBytes(QUERY_VALID_PATHS, 1, 0, paths), (reader) => reader.strings()),
    closureInfo: async (paths) => {
      const closure = await listClosure(paths);
      return ask(wireBytes(QUERY_PATH_INFOS, closure), readPathInfos);
    },
    [Symbol.asyncDispose]: async () => {
      (await session?.catch(() => undefined))?.child.kill();
    },
  };
}

async function open({ prefix, environment }: StoreQueriesOptions): Promise<Session> {
  const [command = '', ...args] = [
    ...prefix,
    ...[
      'nix-store',
      '--serve',
      '--write',
      '--option',
      'narinfo-cache-negative-ttl',
      '0',
      '--option',
      'substituters',
      '',
    ],
  ];
  const child = spawn(command, args, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
  let problem = '';
  child.stderr.on('data', (chunk: Buffer) => (problem = `${problem}${chunk.toString()}`.slice(-2_000)));
  // The stream's end tells the reader; a write to a process that is gone must not end ours.
  child.on('error', (error) => (problem = error.message));
  child.stdin.on('error', () => {});
  const reader = createWireReader(
    child.stdout,
    () => `nix-store --serve ended: ${problem.trim() || 'no message'}`,
  );
  child.stdin.write(wireBytes(MAGIC_1, VERSION));
  const magic = await reader.integer();
  if (magic !== MAGIC_2) throw new Error(`nix-store --serve answered ${magic}, not its magic number`);
  await reader.integer();
  return { child, reader };
}

async function readPathInfos(reader: WireReader): Promise<PathInfo[]> {
  const infos: PathInfo[] = [];
  for (;;) {
    const path = await reader.string();
    if (path === '') return infos;
    const deriver = await reader.string();
    const references = await reader.strings();
    await reader.integer(); // download size: the NAR's, here
    const narSize = await reader.integer();
    const narHash = parseHash(await reader.string());
    const ca = await reader.string();
    const signatures = await reader.strings();
    infos.push({
      path: parseStorePath(path),
      deriver: deriver === '' ? null : parseStorePath(deriver),
      references: references.map((reference) => parseStorePath(reference)),
      narSize,
      narHash,
      ca: ca === '' ? null : parseContentAddress(ca),
      signatures,
      ultimate: false,
    });
  }
}
