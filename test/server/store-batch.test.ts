/** Batches of an evaluation: the graph is read from texts that prove their paths, and what is refused leaves nothing. */

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { sql } from 'drizzle-orm';
import type { Batch } from '../../domain/api/evaluator.ts';
import {
  computeDerivationPath,
  type Derivation,
  formatDerivation,
  parseDerivation,
} from '../../domain/nix/derivation.ts';
import { type ApiAnswer, type Problem, requestApi } from '../support/api.ts';
import { hashFor } from '../support/graph.ts';
import { openSampleSite, type SampleSite } from '../support/sample-site.ts';
import { describe, test } from '../support/test.ts';

let site: SampleSite;
before(async () => {
  site = await openSampleSite();
});
after(() => site[Symbol.asyncDispose]());

interface Made {
  readonly path: string;
  readonly text: string;
}

/** A derivation that needs others; its path is the hash of its text. */
function derivation(
  name: string,
  inputs: readonly Made[] = [],
  env: Readonly<Record<string, string>> = {},
): Made {
  const out = `/nix/store/${hashFor(name)}-${name}`;
  const list = inputs
    .map(({ path }) => `("${path}",["out"])`)
    .toSorted()
    .join(',');
  const variables = Object.entries({ name, out, ...env })
    .map(([key, value]) => `("${key}","${value}")`)
    .toSorted();
  const text = `Derive([("out","${out}","","")],[${list}],[],"x86_64-linux","/bin/sh",[],[${variables.join(',')}])`;
  const parsed: Derivation = parseDerivation(text, name);
  return { path: computeDerivationPath(parsed), text: formatDerivation(parsed) };
}

function jobOf({ path }: Made, name = 'job'): Batch['jobs'][number] {
  return { attrPath: [name], system: 'x86_64-linux', variant: null, nixName: name, drvPath: path, meta: {} };
}

function send<T = { jobs: number; errors: number }>(batch: Partial<Batch>): Promise<ApiAnswer<T>> {
  return requestApi<T>(site.app, `POST /evaluations/${site.graph.open}/batches`, {
    token: 'builder',
    payload: { jobs: [], errors: [], derivations: [], ...batch },
  });
}

async function count(): Promise<Record<string, unknown>> {
  const [row] = await site.database.connection.db.execute(sql`
    select (select count(*) from jobs) as jobs, (select count(*) from derivations) as derivations,
      (select count(*) from store_paths) as paths, (select count(*) from evaluation_errors) as errors`);
  return { ...row };
}

test('a batch stores its derivations, their edges and its jobs; sent again it changes nothing', async () => {
  const leaf = derivation('leaf');
  const top = derivation('top', [leaf], { requiredSystemFeatures: 'kvm big-parallel' });
  // In any order.
  const batch = { jobs: [jobOf(top, 'first')], derivations: [top, leaf] };
  assert.deepEqual((await send(batch)).body, { jobs: 1, errors: 0 });
  const after_ = await count();
  const [row] = await site.database.connection.db.execute(sql`
    select d.features, i.input_drv_hash as input from derivations d join derivation_inputs i on i.drv_hash = d.drv_hash
    where d.drv_path = ${top.path}`);
  assert.deepEqual({ ...row }, { features: ['kvm', 'big-parallel'], input: leaf.path.slice(11, 43) });
  for (const { path } of [leaf, top])
    assert.match((await site.app.inject(`/${path.slice(11, 43)}.narinfo`)).body, /^CA: text:sha256:/m);
  assert.equal((await send(batch)).status, 200);
  assert.deepEqual(await count(), after_);
});

describe('a batch is refused, and nothing of it stored, with', () => {
  const good = derivation('good');
  const REFUSED: [string, () => Partial<Batch>, number, RegExp][] = [
    [
      'a text that is not that of its path',
      () => ({ derivations: [good, { path: derivation('lie').path, text: good.text }] }),
      422,
      /is not .*the path of the text that came with it|name/,
    ],
    [
      'a text that was changed',
      () => ({ derivations: [{ ...good, text: good.text.replace('/bin/sh', '/bin/no') }] }),
      422,
      /the path of the text that came with it/,
    ],
    [
      'a text that breaks off',
      () => ({ derivations: [{ ...good, text: good.text.slice(0, -20) }] }),
      422,
      /derivation/,
    ],
    ['a text that is none', () => ({ derivations: [{ ...good, text: 'Derive(' }] }), 422, /derivation/],
    [
      'a path that is no derivation',
      () => ({ derivations: [{ ...good, path: good.path.replace('.drv', '') }] }),
      422,
      /drv/,
    ],
    ['a path elsewhere', () => ({ derivations: [{ ...good, path: '/etc/passwd' }] }), 422, /store path/],
    [
      'a job of no derivation',
      () => ({ derivations: [good], jobs: [{ ...jobOf(good), drvPath: 'x' }] }),
      422,
      /store path/,
    ],
    [
      'an error of an unknown kind',
      () => ({
        errors: [{ attrPath: ['x'], system: null, variant: null, kind: 'odd' as 'error', message: '' }],
      }),
      400,
      /kind/,
    ],
    [
      'a derivation whose input nobody sent: it could never be built',
      () => ({ derivations: [derivation('orphan', [derivation('absent')])] }),
      409,
      /refers to .*-absent\.drv, which the cache does not have/,
    ],
  ];
  for (const [title, batch, status, detail] of REFUSED)
    test(title, async () => {
      const was = await count();
      const answer = await send<Problem>(batch());
      assert.equal(answer.status, status, answer.body.detail);
      assert.match(answer.body.detail, detail);
      assert.deepEqual(await count(), was);
    });
});

test('errors are kept by attribute, zero bytes and all; a newer one of the same replaces the older', async () => {
  const error = (message: string) => ({
    attrPath: ['a.b', 'c'],
    system: null,
    variant: null,
    kind: 'error' as const,
    message,
  });
  await send({ errors: [error('old')] });
  await send({ errors: [error('new \0')] });
  const { body } = await requestApi<{ name: string; message: string }[]>(
    site.app,
    `GET /evaluations/${site.graph.open}/errors`,
  );
  const found = body.filter(({ name }) => name === '"a.b".c');
  assert.deepEqual(
    found.map(({ message }) => message),
    ['new \ufffd'],
  );
});
