/** What outputs say of themselves in nix-support: read from a real store, and rubbish there is no failure of ours. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before } from 'node:test';
import { createStoreQueries } from '../../activities/adapters/store-queries.ts';
import { inspectOutputs, type OutputFacts } from '../../activities/send-outputs.ts';
import type { StepAssignment } from '../../domain/api/builder.ts';
import { writeSet } from '../support/sets.ts';
import { describe, test } from '../support/test.ts';

const environment = Object.fromEntries(
  ['PATH', 'HOME', 'NIX_REMOTE', 'NIX_CONFIG'].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name] ?? '']],
  ),
);
const store = createStoreQueries({ prefix: [], environment });
after(() => store[Symbol.asyncDispose]());

/** What is built, all at once: a script writes `$out`. */
const SCRIPTS = {
  plain: 'echo plain > $out',
  failed: 'mkdir -p $out/nix-support; : > $out/nix-support/failed',
  failedLink: 'mkdir -p $out/nix-support; ln -s /nowhere $out/nix-support/failed',
  notFailed: 'mkdir -p $out/nix-support; : > $out/nix-support/failed-not',
  rubbish: `
    mkdir -p $out/nix-support; cd $out/nix-support
    { echo "file iso $out/a.iso"; echo "doc manual $out/doc index.html"; echo "file x /etc/passwd"; echo rubbish
      echo "file x $out/../../etc/passwd"; } > hydra-build-products
    { echo "speed 42.5 GB/s"; echo "size 7"; echo "nan NaN"; echo "x 0x10"; printf '\\377\\376 1\\n'; echo; } > hydra-metrics`,
  elsewhere:
    'mkdir -p $out/nix-support/hydra-metrics; ln -s /etc/passwd $out/nix-support/hydra-build-products',
  file: 'mkdir $out; echo > $out/nix-support',
};
type Name = keyof typeof SCRIPTS;

let outputs: Map<string, string>;
before(async () => {
  const names = Object.keys(SCRIPTS) as Name[];
  const attributes = names.map((name) => `${name} = sh "${name}" ''${SCRIPTS[name]}'';`).join('\n');
  const file = await writeSet({ attributes: `{ ${attributes} }` });
  const args = ['--no-out-link', ...names.flatMap((name) => ['-A', name]), file];
  const paths = execFileSync('nix-build', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .trim()
    .split('\n');
  outputs = new Map(names.map((name, index) => [name, paths[index] ?? '']));
});

async function inspect(name: Name): Promise<OutputFacts & { out: string }> {
  const out = outputs.get(name) ?? '';
  const assignment = { outputs: [{ name: 'out', path: out }] } as unknown as StepAssignment;
  return { ...(await inspectOutputs({ store }, assignment)), out };
}

describe('an output', () => {
  test('without nix-support has its size and nothing to say', async () => {
    const facts = await inspect('plain');
    assert.deepEqual([facts.failed, facts.evidence], [false, { products: [], metrics: [] }]);
    assert.equal(facts.outputBytes, facts.closure.find(({ path }) => path === facts.out)?.narSize);
  });

  test('says that it failed, by a file of any content or a link to nowhere', async () => {
    assert.equal((await inspect('failed')).failed, true);
    assert.equal((await inspect('failedLink')).failed, true);
    assert.equal((await inspect('notFailed')).failed, false);
  });

  test('offers products and figures; lines that are rubbish are left out', async () => {
    const { evidence, out } = await inspect('rubbish');
    assert.deepEqual(evidence.products, [
      { type: 'file', subtype: 'iso', path: `${out}/a.iso`, name: 'a.iso', defaultPath: null },
      { type: 'doc', subtype: 'manual', path: `${out}/doc`, name: 'doc', defaultPath: 'index.html' },
    ]);
    assert.deepEqual(evidence.metrics, [
      { name: 'speed', value: 42.5, unit: 'GB/s' },
      { name: 'size', value: 7, unit: null },
    ]);
  });

  test('that has folders, links or nothing in place of these files says nothing by them', async () => {
    const { evidence } = await inspect('elsewhere');
    assert.deepEqual(evidence, { products: [], metrics: [] });
    assert.deepEqual((await inspect('file')).evidence, {
      products: [],
      metrics: [],
    });
  });
});
