/** Saving jobsets and asking for evaluations: what is stored, what is refused with every problem, what happens once. */

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Jobset, Trigger } from '../../../domain/api/resources.ts';
import { type ApiAnswer, refusalOf, requestApi } from '../../support/api.ts';
import { openSampleSite, type SampleSite } from '../../support/sample-site.ts';
import { describe, test } from '../../support/test.ts';

let site: SampleSite;
before(async () => {
  site = await openSampleSite();
});
after(() => site[Symbol.asyncDispose]());

const GOOD = { name: 'saved', source: { file: 'default.nix' } };

function save<T = Jobset>(config: object, headers: Record<string, string> = {}): Promise<ApiAnswer<T>> {
  return requestApi<T>(site.app, 'PUT /jobsets', {
    token: 'admin',
    headers,
    payload: { config, baseFolder: '/src' },
  });
}

async function problemsOf(config: object): Promise<string[]> {
  const payload = { config, baseFolder: null };
  const problem = await refusalOf(site.app, 'PUT /jobsets', { token: 'admin', payload });
  assert.deepEqual([problem.status, problem.title], [422, 'Unprocessable Content']);
  const [first = '', ...lines] = problem.detail.split('\n  - ');
  assert.ok(first.startsWith('jobset configuration: '), first);
  return lines;
}

test('a jobset is saved with every default filled in, and saved again under the same name', async () => {
  const first = await save(GOOD);
  assert.equal(first.status, 200);
  assert.deepEqual(
    [first.body.project, first.body.name, first.body.baseFolder, first.body.lastEvaluationId],
    ['default', 'saved', '/src', null],
  );
  assert.equal(first.body.config.limits.timeoutSeconds, 36_000);
  const second = await save({ ...GOOD, description: 'changed', enabled: false });
  assert.equal(second.body.id, first.body.id);
  const { body } = await requestApi<Jobset>(site.app, `GET /jobsets/${first.body.id}`);
  assert.deepEqual([body.config.description, body.enabled], ['changed', false]);
});

test('every problem of a configuration is told at once: where, which value, what was expected', async () => {
  const lines = await problemsOf({
    name: 'Bad Name',
    source: { file: '' },
    systems: [],
    priority: 9,
    limits: { logBytes: 3, nonsense: 1 },
    debounceSeconds: -1,
    wat: 1,
  });
  // What neither kind of source takes is told for both.
  const [ofSource, others] = [true, false].map((is) =>
    lines.filter((line) => line.startsWith('/source') === is),
  );
  assert.deepEqual(others?.map((line) => line.replace(/: \{.*(?= has)/, ': …')).toSorted(), [
    '/debounceSeconds: -1 must be >= 0',
    '/limits/logBytes: 3 must be >= 1024',
    '/limits: … has fields that are not known: nonsense',
    '/name: "Bad Name" must match pattern "^[a-z0-9][a-z0-9._-]{0,62}$"',
    '/priority: 9 must be <= 5',
    '/systems: [] must not have fewer than 1 items',
    'the whole: … has fields that are not known: wat',
  ]);
  assert.ok(ofSource?.includes('/source/file: "" must not have fewer than 1 characters'), lines.join('\n'));
});

const REFUSED: [string, object, RegExp][] = [
  ['an unknown field', { ...GOOD, nope: 1 }, /has fields that are not known: nope/],
  ['no source', { name: 'x' }, /lacks source/],
  ['a file and a flake', { name: 'x', source: { file: 'a', flake: 'b' } }, /not known/],
  ['no name', { source: { file: 'a' } }, /lacks name/],
  ['a version to come', { ...GOOD, version: 2 }, /version: 2 is not 1/],
  ['a cron expression of one word', { ...GOOD, schedule: { cron: 'daily' } }, /schedule/],
  ['a system that is none', { ...GOOD, systems: ['linux'] }, /systems\/0: "linux" must match pattern/],
];

describe('a configuration is refused with', () => {
  for (const [title, config, line] of REFUSED)
    test(title, async () => {
      const lines = await problemsOf(config);
      assert.ok(
        lines.some((one) => line.test(one)),
        lines.join('\n'),
      );
    });

  for (const [title, variants, detail] of [
    ['a variant twice', [{ name: 'v' }, { name: 'v' }], /variants: "v" is not used by one variant only/],
    ['a compute capability that is none', [{ name: 'v', cudaCapabilities: ['sm_89'] }], /"sm_89" is not/],
  ] as const)
    test(title, async () => {
      const payload = { config: { ...GOOD, variants }, baseFolder: null };
      const problem = await refusalOf(site.app, 'PUT /jobsets', { token: 'admin', payload });
      assert.equal(problem.status, 422);
      assert.match(problem.detail, detail);
    });
});

test('what is refused is not saved, by `run` neither', async () => {
  const names = async () =>
    (await requestApi<Jobset[]>(site.app, 'GET /jobsets')).body.map(({ name }) => name);
  const was = await names();
  for (const line of ['PUT /jobsets', 'POST /runs']) {
    const payload = { config: { ...GOOD, name: 'refused', priority: 0 }, baseFolder: null };
    assert.equal((await refusalOf(site.app, line, { token: 'admin', payload })).status, 422);
  }
  assert.deepEqual(await names(), was);
});

test('a trigger is accepted, and can be looked at', async () => {
  const { body: jobset } = await save(GOOD);
  const line = `POST /jobsets/${jobset.id}/trigger?force=true&kind=cli`;
  const { status, headers, body } = await requestApi<Trigger>(site.app, line, { token: 'admin' });
  assert.deepEqual([status, headers['location']], [202, `/api/v1/triggers/${body.id}`]);
  const { id, ...rest } = (await requestApi<Trigger>(site.app, `GET /triggers/${body.id}`)).body;
  assert.equal(id, body.id);
  assert.deepEqual(rest, {
    jobsetId: jobset.id,
    kind: 'cli',
    forced: true,
    state: 'pending',
    message: null,
    evaluationId: null,
  });
});

test('a command with a key is done once, however often it is sent, and at once too', async () => {
  const { body: jobset } = await save(GOOD);
  const send = (key: string) =>
    requestApi<Trigger>(site.app, `POST /jobsets/${jobset.id}/trigger`, {
      token: 'admin',
      headers: { 'idempotency-key': key },
    });
  const answers = await Promise.all([send('one'), send('one'), send('one')]);
  answers.push(await send('one'));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
  assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1);
  assert.notEqual((await send('two')).body.id, answers[0]?.body.id);
});
