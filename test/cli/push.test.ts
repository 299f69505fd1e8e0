/** `nixwarp push`, with the store of this machine and a server that listens. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import { parseNarInfo } from '../../domain/nix/narinfo.ts';
import { until } from '../support/runs.ts';
import { type SampleServer, startSampleServer } from '../support/sample-server.ts';

let server: SampleServer;
let folder: string;
before(async () => {
  server = await startSampleServer();
  folder = await mkdtemp(join(tmpdir(), 'nixwarp-push-'));
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** A path of the local store that was never there before, and one that it refers to. */
function newPaths(): { outer: string; inner: string } {
  const name = randomUUID();
  const expression = `let inner = builtins.toFile "inner" "${name}"; in builtins.toFile "outer" "see \${inner}"`;
  const outer = execFileSync('nix-instantiate', ['--eval', '--json', '--read-write-mode', '-E', expression], {
    encoding: 'utf8',
  });
  const path = JSON.parse(outer) as string;
  const [inner = ''] = execFileSync('nix-store', ['-q', '--references', path], { encoding: 'utf8' })
    .trim()
    .split('\n');
  return { outer: path, inner };
}

function start(
  args: readonly string[],
  environment: Record<string, string> = {},
  token = 'builder',
): ChildProcess {
  return spawn(process.execPath, [join(PROJECT_FOLDER, 'cli', 'main.ts'), 'push', ...args], {
    env: {
      ...process.env,
      NIXWARP_STATE_DIR: join(folder, 'state'),
      NIXWARP_URL: server.url,
      NIXWARP_TOKEN: token,
      ...environment,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

async function push(
  args: readonly string[],
  options: { environment?: Record<string, string>; input?: string; token?: string } = {},
) {
  const child = start(args, options.environment, options.token);
  const out: string[] = [];
  const err: string[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk.toString()));
  child.stdin?.end(options.input ?? '');
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out: out.join(''), err: err.join('') };
}

const hashOf = (path: string): string => path.slice('/nix/store/'.length, '/nix/store/'.length + 32);
const isVisible = async (path: string): Promise<boolean> =>
  (await fetch(`${server.url}/${hashOf(path)}.narinfo`)).status === 200;

test('sends a path with all that it refers to, and nothing twice', async () => {
  const { outer, inner } = newPaths();
  const first = await push([outer, '--json']);
  assert.equal(first.code, 0, first.err);
  const { paths, differing } = JSON.parse(first.out) as { paths: number; differing: string[] };
  assert.deepEqual([paths, differing], [2, []]);
  const info = parseNarInfo(await (await fetch(`${server.url}/${hashOf(outer)}.narinfo`)).text());
  assert.deepEqual(info.references, [inner]);
  assert.equal(await isVisible(inner), true);
  const second = await push([outer, '--json']);
  assert.equal((JSON.parse(second.out) as { uploaded: number }).uploaded, 0);
});

test('sends what is large on its own, and tells of it', async () => {
  const file = join(folder, 'large');
  await writeFile(file, Buffer.alloc(9_000_000, randomUUID()));
  const path = execFileSync('nix-store', ['--add', file], { encoding: 'utf8' }).trim();
  const pushed = await push([path]);
  assert.equal(pushed.code, 0, pushed.err);
  assert.match(pushed.err, /1 of 1 paths are missing \(8\.6 MiB\)/);
  assert.match(pushed.err, new RegExp(`${path} \\(8\\.6 MiB\\)`));
  assert.equal(await isVisible(path), true);
});

test('reads paths from standard input, or as a hook of Nix from OUT_PATHS', async () => {
  const [one, two] = [newPaths(), newPaths()];
  assert.equal((await push(['--stdin'], { input: `${one.outer}\n` })).code, 0);
  assert.equal((await push([], { environment: { OUT_PATHS: `${two.outer} ${two.inner}` } })).code, 0);
  for (const path of [one.outer, two.outer]) assert.equal(await isVisible(path), true);
});

test('says what is wrong with a path that is not there, no path, and a token that nobody has', async () => {
  const absent = await push([`/nix/store/${'0'.repeat(32)}-absent`]);
  assert.equal(absent.code, 2);
  assert.match(absent.err, /there is no such path/);
  const none = await push([]);
  assert.equal(none.code, 2);
  assert.match(none.err, /needs store paths, --stdin or --watch-store/);
  const refused = await push([newPaths().outer], { token: 'unknown' });
  assert.notEqual(refused.code, 0);
  assert.match(refused.err, /token/);
});

test('watches the store until it is stopped', async () => {
  const child = start(['--watch-store']);
  let told = '';
  child.stderr?.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await until('it watches', async () => /watching \/nix\/store/.test(told));
  const { outer } = newPaths();
  await until('the path is there', () => isVisible(outer));
  child.kill('SIGINT');
  assert.equal(await ended, 0, told);
});
