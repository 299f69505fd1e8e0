/**
 * Produces the second corpus with the tools of this machine: `node test/corpus-made/make.ts [ID …]` as root on Linux.
 * Tools that neither the system nor PyPI has are named and their cases keep the log recorded before. A log is what a tool
 * printed; only the folder it ran in is renamed, to Nix's `/build`.
 */

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MadeCase } from './case.ts';
import { CASES } from './cases/index.ts';
import { findTools, FOLDERS, VENV, type Tools } from './tools.ts';

export const MADE_CORPUS = fileURLToPath(new URL('failures.jsonl', import.meta.url));

const LIMIT_MS = 120_000;
/** The end holds what failed; more would only make the repository large. */
const KEPT_CHARACTERS = 6_000;

interface MadeLog {
  readonly id: string;
  readonly class: string;
  readonly subclass: string;
  readonly stage: string;
  readonly source: string;
  readonly log: string;
}

const wanted = process.argv.slice(2);
const tools = await findTools((message) => console.error(message));
const recorded = new Map((await readRecorded()).map((row) => [row.id, row]));
const rows: MadeLog[] = [];
for (const one of CASES) {
  const before = recorded.get(one.id);
  const absent = one.needs.filter((tool) => tools.found[tool] === undefined);
  if (absent.length > 0) console.error(`— ${one.id}: skipped, ${absent.join(', ')} not to be had here`);
  const isRun = absent.length === 0 && (wanted.length === 0 || wanted.includes(one.id));
  const row = isRun ? await produce(one, tools) : before;
  if (row === undefined) continue;
  if (row.log.trim() === '') console.error(`! ${one.id} printed nothing`);
  rows.push({ ...row, ...labelOf(one) });
}
await rm(FOLDERS, { recursive: true, force: true });
await writeFile(MADE_CORPUS, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
console.error(`${rows.length} of ${CASES.length} cases in ${MADE_CORPUS}`);

async function readRecorded(): Promise<MadeLog[]> {
  const text = await readFile(MADE_CORPUS, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as MadeLog);
}

function labelOf({ label, stage }: MadeCase): Pick<MadeLog, 'class' | 'subclass' | 'stage'> {
  const [failureClass = '', subclass = ''] = label.split('/');
  return { class: failureClass, subclass, stage };
}

async function produce(one: MadeCase, { environment, found }: Tools): Promise<MadeLog> {
  await mkdir(FOLDERS, { recursive: true });
  const folder = await mkdtemp(join(FOLDERS, 'case-'));
  try {
    for (const [name, text] of Object.entries(one.files ?? {})) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    const output = await run(one.script, folder, environment);
    const log = output.replaceAll(folder, '/build').replaceAll(VENV, '/opt/venv');
    return {
      id: one.id,
      ...labelOf(one),
      source: one.needs.map((tool) => found[tool] ?? tool).join(', '),
      log:
        log.length > KEPT_CHARACTERS ? log.slice(log.indexOf('\n', log.length - KEPT_CHARACTERS) + 1) : log,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a script prints, both streams in their order; its status does not matter. */
function run(script: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', `exec 2>&1; ${script}`], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'), LIMIT_MS);
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString('utf8'));
    });
  });
}
