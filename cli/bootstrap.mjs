/**
 * The first step of every command: runs on any Node from 20 on, without dependencies.
 * Makes sure that the npm packages and a Node 24 are there, says what it takes, and hands over to a TypeScript entry.
 */

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
const CACHE = join(PROJECT, '.cache');
/** Runs TypeScript without a build step, and zstd is in its zlib. */
const WANTED_MAJOR = 24;

/** Runs `entry` (relative to the project) with `args` on Node 24, and ends with its status. */
export async function bootstrap(entry, args) {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 20) fail(`Node ${process.versions.node} is too old: Node 20 or newer is needed.`);
  installPackages();
  const path = join(PROJECT, entry);
  const node = findNode24();
  if (node === process.execPath) {
    process.argv = [process.argv[0], path, ...args];
    await import(pathToFileURL(path).href);
    return;
  }
  runWith(node, path, args);
}

/** npm's packages, by the lock file; again when the lock file changed. */
function installPackages() {
  const lock = join(PROJECT, 'package-lock.json');
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex');
  const mark = join(PROJECT, 'node_modules', '.nixwarp-lock');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return;
  say(
    'npm packages: installing into node_modules (about 100 MB to download, 460 MB on disk; licences: MIT, Apache-2.0, PostgreSQL and the like) …',
  );
  // `npm ci` would be stricter, but refuses where a registry lacks optional packages of other platforms.
  // No package's own scripts are run: nothing here needs them.
  npm(['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], PROJECT);
  writeFileSync(mark, wanted);
}

/** This Node where it is new enough, `node` on PATH where that is, else one from npm in the project's cache folder. */
function findNode24() {
  if (Number(process.versions.node.split('.')[0]) >= WANTED_MAJOR) return process.execPath;
  const folder = join(CACHE, 'node24');
  const installed = join(folder, 'node_modules', '.bin', 'node');
  if (versionOf(installed) >= WANTED_MAJOR) return installed;
  for (const onPath of (process.env['PATH'] ?? '').split(':').map((part) => join(part, 'node')))
    if (existsSync(onPath) && versionOf(onPath) >= WANTED_MAJOR) return onPath;
  const source = join(PROJECT, 'cli', 'setup', 'node24', `${process.platform}-${process.arch}`);
  if (!existsSync(source))
    fail(
      `Node ${WANTED_MAJOR} is needed (this is ${process.versions.node}), and npm has none for ${process.platform}-${process.arch}.\nInstall it from https://nodejs.org/ and put it first on PATH.`,
    );
  say(
    `Node ${WANTED_MAJOR}: installing from npm into .cache/node24, since this is Node ${process.versions.node} (45 MB to download, 190 MB on disk; licence: MIT) …`,
  );
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(source, folder, { recursive: true });
  npm(['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], folder);
  if (versionOf(installed) < WANTED_MAJOR)
    fail(
      `The Node from npm in ${folder} does not run on this machine. Install Node ${WANTED_MAJOR} from https://nodejs.org/ and put it first on PATH.`,
    );
  return installed;
}

function versionOf(node) {
  const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return status === 0 ? Number(/^v(\d+)/.exec(stdout)?.[1] ?? 0) : 0;
}

function npm(args, cwd) {
  // npm's own settings for the script that is running must not reach another folder's install.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(config_(prefix|local_prefix)|package|lifecycle)/.test(name),
    ),
  );
  const { status, error } = spawnSync('npm', args, { cwd, env, stdio: ['ignore', 2, 2] });
  if (error !== undefined) fail(`npm cannot be run: ${error.message}`);
  if (status !== 0) fail(`npm ${args[0]} failed in ${cwd}; its messages are above.`);
}

/** Passes signals on and ends as the child ends. A terminal's Ctrl-C reaches the child twice, which it knows. */
function runWith(node, path, args) {
  const child = spawn(node, [path, ...args], { stdio: 'inherit' });
  const forward = (signal) => child.kill(signal);
  process.on('SIGTERM', forward);
  process.on('SIGHUP', forward);
  process.on('SIGINT', forward);
  // npm and the shell between us may be killed without a word; then nobody would stop what we started.
  const parent = process.ppid;
  if (process.env['npm_lifecycle_event'] !== undefined)
    setInterval(() => {
      if (process.ppid !== parent) child.kill('SIGTERM');
    }, 1000).unref();
  child.on('error', (error) => fail(`${node} cannot be run: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
}

function say(message) {
  process.stderr.write(`${message}\n`);
}

function fail(message) {
  process.stderr.write(`nixwarp: ${message}\n`);
  process.exit(3);
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [entry, ...args] = process.argv.slice(2);
  if (entry === undefined) fail('bootstrap.mjs needs an entry to run');
  else await bootstrap(entry, args);
}
