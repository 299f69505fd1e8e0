/** Thousands of jobs: pages stay small, and lists still lead to every one. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { finishPlanning } from '../../../activities/plan.ts';
import type { Connection } from '../../../db/database.ts';
import { insertDerivations } from '../../../db/derivations.ts';
import { finishEvaluation, openEvaluation, recordEvaluationErrors } from '../../../db/evaluations.ts';
import { insertJobs } from '../../../db/jobs.ts';
import { saveJobset } from '../../../db/jobsets.ts';
import { endSteps } from '../../../db/step-endings.ts';
import { parseJobsetConfig } from '../../../domain/ci/jobset-config.ts';
import type { EvaluationPage } from '../../../server/web/models/evaluation.ts';
import type { JobsPage } from '../../../server/web/models/jobs.ts';
import { createTestDatabase } from '../../support/database.ts';
import { createSampleApp } from '../../support/sample-app.ts';
import { hashFor } from '../../support/sample/packages.ts';
import { test } from '../../support/test.ts';

const JOBS = 5_000;
const ERRORS = 400;
const ERROR_CHARACTERS = 30_000;
const PAGE_BYTES = 200_000;

test('an evaluation of thousands of failing jobs and errors makes small pages, from which every job can be reached', async () => {
  await using database = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'nixwarp-scale-'));
  const { app } = await createSampleApp(database.connection, folder);
  try {
    const evaluation = await fill(database.connection);
    const get = async (url: string, accept: string) => {
      const response = await app.inject({ url, headers: { accept } });
      assert.equal(response.statusCode, 200, `${url}: ${response.body.slice(0, 300)}`);
      return response.body;
    };
    for (const path of ['', '/jobs', '/jobs?outcome=built', '/errors'])
      assert.ok(
        (await get(`/evaluations/${evaluation}${path}`, 'text/html')).length <
          PAGE_BYTES * (path === '/errors' ? 2 : 1),
        path,
      );
    const page = JSON.parse(await get(`/evaluations/${evaluation}`, 'application/json')) as EvaluationPage;
    assert.equal(page.failing.total, JOBS / 10 + 1);
    const [first] = page.failing.roots;
    assert.equal(first?.name, 'pkg-1');
    assert.equal(first?.blockedTotal, JOBS / 10);
    const names = new Set<string>();
    for (let cursor = ''; ;) {
      const { jobs } = JSON.parse(
        await get(`/evaluations/${evaluation}/jobs?root=${first?.drvHash}${cursor}`, 'application/json'),
      ) as JobsPage;
      for (const { name } of jobs.items) names.add(name);
      if (jobs.next === null) break;
      cursor = `&cursor=${jobs.next}`;
    }
    assert.equal(names.size, JOBS / 10 + 1);
  } finally {
    await app.close();
    await rm(folder, { recursive: true, force: true });
  }
});

const drvHash = (number: number): string => hashFor(`large/${number}`);
const fails = (name: string): boolean => Number(name.slice('pkg-'.length)) % 10 === 3 || name === 'pkg-1';

/** Every tenth job fails, every tenth (others) needs the first, which fails too. */
async function fill(connection: Connection): Promise<number> {
  const config = parseJobsetConfig({ name: 'large', source: { file: 'default.nix' } });
  const key = await connection.transaction(async (tx) => {
    const jobsetId = await saveJobset(tx, config, null);
    return openEvaluation(tx, {
      jobsetId,
      config,
      baseFolder: null,
      fresh: true,
      revision: null,
      lockedSource: null,
      dirty: false,
    });
  });
  const numbers = Array.from({ length: JOBS }, (_, index) => index);
  await connection.transaction(async (tx) => {
    await insertDerivations(
      tx,
      numbers.map((number) => ({
        drvHash: drvHash(number),
        drvPath: `/nix/store/${drvHash(number)}-pkg-${number}.drv`,
        name: `pkg-${number}`,
        system: 'x86_64-linux',
        fixedOutput: false,
        features: [],
        inputs: number % 10 === 2 ? [{ drvHash: drvHash(1), outputNames: ['out'] }] : [],
        outputs: [
          {
            name: 'out',
            path: `/nix/store/${hashFor(`out/${number}`)}-pkg-${number}`,
            pathHash: hashFor(`out/${number}`),
          },
        ],
      })),
    );
    await insertJobs(
      tx,
      key.evaluationId,
      numbers.map((number) => ({
        name: `python3Packages.a-package-with-a-longer-name-${number}`,
        attrPath: ['x'],
        system: 'x86_64-linux',
        variant: null,
        drvHash: drvHash(number),
        nixName: `pkg-${number}`,
        kind: 'build' as const,
        meta: {},
        timeoutSeconds: null,
        silentTimeoutSeconds: null,
        constituents: [],
      })),
    );
    const errors = Array.from({ length: ERRORS }, (_, number) => ({
      name: `broken-${number}`,
      system: 'x86_64-linux',
      variant: null,
      kind: 'error' as const,
      message: `error: ${'because '.repeat(ERROR_CHARACTERS / 8)}`,
    }));
    await recordEvaluationErrors(tx, key.evaluationId, errors);
  });
  const upstreams = { urls: [], ask: () => Promise.resolve(new Map<string, string | null>()) };
  await finishPlanning({ connection, upstreams, defaultSystem: 'x86_64-linux' }, key.evaluationId);
  await connection.transaction(async (tx) => {
    const steps = await tx.execute<{ id: number; name: string }>(sql`
      select s.id, d.name from steps s join derivations d on d.drv_hash = s.drv_hash where s.state = 'ready' order by s.id`);
    await endSteps(
      tx,
      steps.map(({ id, name }) => ({ stepId: id, outcome: fails(name) ? 'failed' : 'built', reason: null })),
    );
  });
  await finishEvaluation(connection.db, key.evaluationId, 'finished', null);
  return key.evaluationId;
}
