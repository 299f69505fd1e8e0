/**
 * `npm run clean`: takes away what nixwarp put on this machine: its state, tools, packages, and store paths.
 * Packages of the distribution (nix-bin, gcc, chromium) stay: other programs may use them by now.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
const state = process.env['NIXWARP_STATE_DIR'] ?? join(PROJECT, '.nixwarp');
const cache = join(PROJECT, '.cache');

if (isRunning()) {
  console.error(`nixwarp runs on ${state}: stop it first (Ctrl-C in its terminal)`);
  process.exit(3);
}
// Roots lie in the state folder: without them Nix may collect what was built.
remove(state, 'database, cache, logs and keys');
removeStorePaths();
remove(cache, 'Node 24, Temporal');
remove(join(PROJECT, 'node_modules'), 'npm packages');
console.log(
  'clean: what was built is collected by the next "nix-store --gc"; packages of the distribution stay',
);

function isRunning() {
  const file = join(state, 'run', 'up.json');
  if (!existsSync(file)) return false;
  const { pid, startTime } = JSON.parse(readFileSync(file, 'utf8'));
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] === startTime;
}

/** The wheels that set-up added; one that something else refers to stays. */
function removeStorePaths() {
  const list = join(cache, 'store-paths');
  if (!existsSync(list)) return;
  for (const path of readFileSync(list, 'utf8')
    .split('\n')
    .filter((line) => line !== '')) {
    // What was unpacked from it goes with it, where nothing holds it.
    const referrers =
      spawnSync('nix-store', ['--query', '--referrers-closure', path], { encoding: 'utf8' }).stdout ?? '';
    const paths = [...new Set([...referrers.split('\n').filter((line) => line !== ''), path])];
    const { status, stderr } = spawnSync('nix-store', ['--delete', ...paths], { encoding: 'utf8' });
    console.log(
      status === 0
        ? `removed ${path}`
        : `kept ${path}: ${(stderr ?? 'nix-store cannot be run').trim().split('\n').at(-1)}`,
    );
  }
}

function remove(path, what) {
  if (!existsSync(path)) return;
  rmSync(path, { recursive: true, force: true });
  console.log(`removed ${path} (${what})`);
}
