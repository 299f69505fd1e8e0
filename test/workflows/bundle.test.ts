/** What Temporal's sandbox gets: all workflows, and nothing that it could not run. */

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { builtinModules } from 'node:module';
import { bundleWorkflows } from '../support/workflow-server.ts';

let code: string;

before(async () => {
  ({ code } = await bundleWorkflows());
});

test('no module of Node is in the bundle', () => {
  // The sandbox has its own of these (reference: temporal.md §11).
  const allowed = new Set(['assert', 'url', 'util']);
  const modules = builtinModules.filter((name) => !name.startsWith('_') && !allowed.has(name));
  const found = modules.filter((name) =>
    [`require("${name}")`, `require('${name}')`, `"node:${name}"`, `'node:${name}'`].some((text) =>
      code.includes(text),
    ),
  );
  assert.deepEqual(found, []);
});

test('all that is bundled of ours is workflows and domain', () => {
  const ours = [
    ...code.matchAll(/"(\.\/(?:activities|db|server|workers|cli|runtime|domain|workflows)\/[^"]+\.ts)"/g),
  ].map(([, path = '']) => path.split('/')[1]);
  assert.deepEqual(new Set(ours), new Set(['domain', 'workflows']));
});

test('each type of workflow is in the bundle', () => {
  for (const type of [
    'projectWorkflow',
    'evaluationWorkflow',
    'dispatchWorkflow',
    'stepWorkflow',
    'gpuTestWorkflow',
    'triggerWorkflow',
  ])
    assert.match(code, new RegExp(`async function ${type}\\(`));
});
