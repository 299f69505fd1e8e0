/** Evaluations of small Nix files by the evaluator under test, with each Nix that this machine has. */

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'node:test';
import {
  createEvaluator,
  type EvaluatedItem,
  type EvaluationEnd,
  type EvaluationRequest,
} from '../../activities/evaluator/index.ts';

const CURRENT = fileURLToPath(new URL('../../../shared/tools/nix-current', import.meta.url));

/** Seen by both Nix; one name for all runs of one person, because the other root keeps an empty folder for it. */
const SHARED = join(tmpdir(), `nixwarp-evaluator-${userInfo().uid}`);
mkdirSync(SHARED, { recursive: true });

/** The folder of this test process; it goes with it. */
export const ROOT = mkdtempSync(join(SHARED, 'test-'));
process.once('exit', () => {
  // Copies out of the store are read-only, also for who made them.
  spawnSync('chmod', ['-R', 'u+w', ROOT]);
  rmSync(ROOT, { recursive: true, force: true });
});

export interface TestedNix {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Why it is not tested with. */
  readonly skip: string | false;
}

export function listTestedNix(): TestedNix[] {
  const path = process.env['PATH'] ?? '';
  const environment = { PATH: path, HOME: ROOT };
  const wrappers = join(ROOT, 'bin');
  writeTree(wrappers, { 'nix-instantiate': `#!/bin/sh\nexec '${CURRENT}' nix-instantiate "$@"\n` });
  chmodSync(join(wrappers, 'nix-instantiate'), 0o755);
  const current = { ...environment, PATH: `${wrappers}:${path}`, NIX_CURRENT_BIND: SHARED };
  const none = lacks(environment) && 'nix-instantiate is not on PATH';
  return [
    { name: 'the Nix on PATH', environment, skip: none },
    // Its tests take hashes and paths from the Nix on PATH.
    {
      name: 'the current Nix',
      environment: current,
      skip: none || (lacks(current) && `${CURRENT} does not run`),
    },
  ];
}

function lacks(environment: Readonly<Record<string, string>>): boolean {
  return spawnSync('nix-instantiate', ['--version'], { env: environment }).status !== 0;
}

/** Registers the same tests for each Nix. @param lacking another reason why they cannot run. */
export function describeWithEachNix(
  title: string,
  body: (nix: TestedNix) => void,
  lacking: string | false = false,
): void {
  for (const nix of listTestedNix())
    describe(`${title}, with ${nix.name}`, { skip: nix.skip || lacking }, () => body(nix));
}

let folders = 0;

/** Writes files into a fresh folder and returns its path. */
export function writeFolder(files: Readonly<Record<string, string>>): string {
  const folder = join(ROOT, `case-${++folders}`);
  writeTree(folder, files);
  return folder;
}

function writeTree(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** Names in scope of every test expression. */
const PRELUDE = `
  drv = name: derivation { inherit name; system = "x86_64-linux"; builder = "/bin/sh"; };
  gpu = name: derivation { inherit name; system = "x86_64-linux"; builder = "/bin/sh"; requiredSystemFeatures = [ "cuda" ]; };
  refused = name: drv name // {
    drvPath = throw "Package ‘\${name}’ in x.nix:1 has an unfree license (‘CUDA EULA’), refusing to evaluate.";
  };
`;

export interface Evaluated {
  readonly end: EvaluationEnd;
  readonly items: readonly EvaluatedItem[];
  /** Derivation names by attribute path, joined by ` / `. */
  readonly jobs: Readonly<Record<string, string>>;
  readonly errors: Readonly<Record<string, { readonly message: string; readonly refused: boolean }>>;
  readonly warnings: readonly string[];
}

export interface EvaluateOptions extends Partial<EvaluationRequest> {
  readonly environment: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly onItems?: (items: readonly EvaluatedItem[]) => Promise<void>;
  readonly nixEvalJobs?: string;
}

/** Evaluates an expression as a file of its own; `drv`, `gpu` and `refused` make derivations. */
export function evaluateExpression(
  text: string,
  options: EvaluateOptions,
  filesBeside: Readonly<Record<string, string>> = {},
): Promise<Evaluated> {
  const path = writeFolder({
    'default.nix': `let ${PRELUDE} in
${text}
`,
    ...filesBeside,
  });
  return evaluateRoot({ kind: 'file', path, args: {}, argStrings: {} }, options);
}

export async function evaluateRoot(
  root: EvaluationRequest['root'],
  { environment, signal, onItems, nixEvalJobs, ...changes }: EvaluateOptions,
): Promise<Evaluated> {
  const items: EvaluatedItem[] = [];
  const warnings: string[] = [];
  const evaluator = createEvaluator({
    environment,
    nixEvalJobs,
    onWarning: (message) => warnings.push(message),
  });
  const end = await evaluator.evaluate(
    {
      root,
      below: [[]],
      stripPrefix: [],
      recurse: 'all',
      system: 'x86_64-linux',
      variant: null,
      workers: 2,
      memoryMiB: 1_024,
      seconds: 60,
      maxAttributes: 10_000,
      allowImportFromDerivation: false,
      ...changes,
    },
    async (batch) => {
      items.push(...batch);
      await onItems?.(batch);
    },
    signal ?? new AbortController().signal,
  );
  const jobs: Record<string, string> = {};
  const errors: Record<string, { message: string; refused: boolean }> = {};
  for (const item of items) {
    const name = item.attrPath.join(' / ');
    if (name in jobs || name in errors) throw new Error(`"${name}" is reported twice`);
    if (item.kind === 'job') jobs[name] = item.nixName;
    else errors[name] = { message: item.message, refused: item.refused };
  }
  return { end, items, jobs, errors, warnings };
}

export function findJob(evaluated: Evaluated, name: string): EvaluatedItem & { kind: 'job' } {
  for (const item of evaluated.items)
    if (item.kind === 'job' && item.attrPath.join(' / ') === name) return item;
  throw new Error(`there is no job "${name}"; errors: ${JSON.stringify(evaluated.errors)}`);
}
