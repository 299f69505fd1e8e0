/** `npm test`: sets up, starts one Postgres and one Temporal for all tests, and runs them with node's own runner. */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { glob } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CACHE_FOLDER, PROJECT_FOLDER } from '../cli/config.ts';
import { BASE_PARTS } from '../cli/setup/main.ts';
import { SetupFailure, setUp } from '../cli/setup/part.ts';
import { findTemporalCli } from '../cli/setup/temporal.ts';
import { findFreePort } from '../cli/up/ports.ts';
import { startServices } from '../cli/up/services.ts';
import { openState } from '../cli/up/state.ts';
import { createSupervisor } from '../cli/up/supervisor.ts';
import { testParts } from './support/setup.ts';

/** Two cores: test files that start whole stacks get in each other's way beyond that. */
const CONCURRENCY = '2';
const say = (message: string): void => console.log(message);

const context = { environment: process.env, cacheFolder: CACHE_FOLDER, say };
try {
  await setUp(BASE_PARTS, context);
} catch (error) {
  if (!(error instanceof SetupFailure)) throw error;
  console.error(error.message);
  process.exit(3);
}
// What only some tests need: those that lack it say so and are skipped.
for (const part of testParts)
  await setUp([part], context).catch((error: unknown) =>
    say(`— ${part.name} is not to be had, tests that need it are skipped: ${String(error)}`),
  );

const folder = await mkdtemp(join(tmpdir(), 'nixwarp-test-'));
const state = await openState(folder);
const temporalCli = (await findTemporalCli(context)) ?? 'temporal';
const supervisor = createSupervisor(state.folders.run, say);
const services = await startServices({
  // A server of the caller's own would be filled with the tests' databases and namespaces.
  config: {
    databaseUrl: undefined,
    temporalAddress: undefined,
    temporalNamespace: undefined,
    postgresPort: await findFreePort(),
    temporalPort: await findFreePort(),
    temporalUiPort: await findFreePort(),
  },
  temporalCli,
  state,
  supervisor,
  say,
});
let status = 1;
try {
  const wanted = process.argv.slice(2);
  const patterns = wanted.length > 0 ? wanted : ['test/**/*.test.ts'];
  const files = (await Array.fromAsync(glob(patterns, { cwd: PROJECT_FOLDER }))).toSorted();
  if (files.length === 0) throw new Error(`no test file matches ${patterns.join(' ')}`);
  status = await runTests(files);
} finally {
  await supervisor[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}
process.exit(status);

function runTests(files: readonly string[]): Promise<number> {
  const child = spawn(
    process.execPath,
    ['--test', '--test-reporter=spec', `--test-concurrency=${CONCURRENCY}`, ...files],
    {
      cwd: PROJECT_FOLDER,
      stdio: 'inherit',
      env: {
        ...process.env,
        NIXWARP_TEST_DATABASE_URL: services.databaseUrl,
        NIXWARP_TEST_TEMPORAL_ADDRESS: services.temporalAddress,
        NIXWARP_TEST_TEMPORAL_CLI: temporalCli,
      },
    },
  );
  // The runner stops its tests, then we stop what they shared.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}
