/** A second machine with a store and a Nix of its own: it gets derivations and inputs from the cache alone. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import { clientOf, outcomesOf, startRun, until, untilFinished } from '../support/runs.ts';
import { writeSet } from '../support/sets.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const NIX_CURRENT = join(PROJECT_FOLDER, '..', 'shared', 'tools', 'nix-current');
const skip =
  existsSync(NIX_CURRENT) && existsSync('/var/cache/nix-current/usr/bin/nix')
    ? false
    : 'needs ../shared/tools/nix-current, installed';

let stack: TestStack;
let second: ChildProcess;

before(async () => {
  if (skip !== false) return;
  stack = await startTestStack();
  const variables = {
    NIXWARP_URL: stack.url,
    NIXWARP_BUILDER_TOKEN: (await readFile(join(stack.stateDir, 'keys', 'builder-token'), 'utf8')).trim(),
    NIXWARP_STATE_DIR: `/tmp/second-${process.pid}`,
    NIXWARP_BUILDER_NAME: 'second',
    NIXWARP_FEATURES: 'second',
    NIXWARP_MIN_FREE_BYTES: '0',
    NIXWARP_ANNOUNCE_SECONDS: '1',
    TEMPORAL_ADDRESS: `127.0.0.1:${stack.environment['NIXWARP_TEMPORAL_PORT']}`,
    TEMPORAL_NAMESPACE: `nixwarp-${(await readFile(join(stack.stateDir, 'instance-id'), 'utf8')).trim()}`,
  };
  const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  second = spawn(
    NIX_CURRENT,
    ['env', ...words, process.execPath, join(PROJECT_FOLDER, 'workers', 'builder.ts')],
    {
      env: { ...process.env, NIX_CURRENT_BIND: PROJECT_FOLDER.replace(/\/$/, '') },
      stdio: 'ignore',
    },
  );
  await until('the second builder is there', async () =>
    (await clientOf(stack).builders()).some(
      (builder) => builder.name === 'second' && builder.state === 'active',
    ),
  );
});

after(async () => {
  if (skip !== false) return;
  second.kill('SIGTERM');
  await stack[Symbol.asyncDispose]();
});

test(
  'a derivation, its inputs and its sources travel to the machine that can build it, and its output back',
  { skip },
  async () => {
    const file = await writeSet({
      attributes: `rec {
      source = builtins.toFile "script.sh" "read line < $input; echo \\"$line, and there\\" > $out";
      here = sh "here" "echo made here > $out";
      there = shWith { requiredSystemFeatures = [ "second" ]; input = here; } "there" ". \${source}";
      again = sh "again" "read line < \${there}; echo $line, and back > $out";
    }`,
    });
    const document = await untilFinished(stack, await startRun(stack, file));
    assert.deepEqual(outcomesOf(document), { again: 'built', here: 'built', there: 'built' });
    const builders = new Map<string, string>();
    for (const job of document.jobs) {
      const { steps } = await clientOf(stack).job(job.id);
      builders.set(job.name, steps[0]?.attempts[0]?.builder ?? '');
    }
    assert.equal(builders.get('there'), 'second');
    assert.notEqual(builders.get('here'), 'second');
    const output = document.jobs.find((job) => job.name === 'again')?.outputs['out'] ?? '';
    assert.equal(await readFile(output, 'utf8'), 'made here, and there, and back\n');
    assert.equal(
      (await clientOf(stack).builders()).find((builder) => builder.name === 'second')?.nixVersion.slice(0, 4),
      '2.34',
    );
  },
);
