/** Which paths the public view shows: by licences of the whole closure, and only when they are known. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'drizzle-orm';
import { recordUpstreamAnswers } from '../../../db/availability.ts';
import type { Connection } from '../../../db/database.ts';
import { applyPolicySettings, type PolicySettings, recordLicences } from '../../../db/licences.ts';
import {
  findPathFact,
  findReferenceChain,
  findVisibility,
  isDerivationVisible,
  isNarVisible,
} from '../../../db/visibility.ts';
import { createTestDatabase } from '../../support/database.ts';
import { hashFor, openWith, storeGraph } from '../../support/graph.ts';
import { enterPaths, narUrl, outHash, outPath, publicNames } from '../../support/paths.ts';

const MIT = { license: [{ spdxId: 'MIT', free: true, redistributable: true }] };
const REDISTRIBUTABLE = { license: [{ shortName: 'CUDA EULA', free: false, redistributable: true }] };
const UNFREE = { license: [{ shortName: 'CUDA EULA', free: false, redistributable: false }] };

const RULES: PolicySettings = { licences: [], packages: [], upstreams: [], redistributable: true };

async function say(connection: Connection, metas: Readonly<Record<string, object>>): Promise<void> {
  const jobs = Object.entries(metas).map(([name, meta]) => ({
    name,
    drvHash: hashFor(name),
    meta: meta as Record<string, unknown>,
  }));
  await connection.transaction((tx) => recordLicences(tx, 1, jobs));
}

const CHAIN = { driver: {}, library: { inputs: ['driver'] }, tool: { inputs: ['library'] }, other: {} };

test('a path is public when its whole closure is free, and held back from the moment that a member is not', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, CHAIN);
  await say(connection, { driver: MIT, library: MIT, tool: MIT });
  await enterPaths(connection, { driver: [], library: ['driver'], tool: ['library', 'tool'], other: [] });
  assert.deepEqual(await publicNames(connection), ['driver', 'library', 'tool']);

  await say(connection, { driver: UNFREE });
  assert.deepEqual(await publicNames(connection), []);
  const held = await findVisibility(connection.db, outHash('tool'));
  assert.deepEqual(held, { class: 'unfree', restrictedBy: outHash('driver'), isPublic: false });
  assert.deepEqual(
    await findReferenceChain(connection.db, outHash('tool'), outHash('driver')),
    ['tool', 'library', 'driver'].map(outPath),
  );

  // Nobody makes it public again by saying something else.
  await say(connection, { driver: MIT });
  assert.deepEqual(await publicNames(connection), []);
});

test('what no evaluation states a licence for is held back, until one does, after the build', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, CHAIN);
  await say(connection, { library: MIT, tool: {} });
  await enterPaths(connection, { driver: [], library: ['driver'], tool: ['library'] });
  assert.deepEqual(await publicNames(connection), []);
  assert.equal((await findVisibility(connection.db, outHash('library')))?.class, 'unknown');
  await say(connection, { driver: MIT });
  assert.deepEqual(await publicNames(connection), ['driver', 'library']);
  await say(connection, { tool: REDISTRIBUTABLE });
  assert.deepEqual(await publicNames(connection), ['driver', 'library', 'tool']);
});

test('evaluations store licences with their jobs', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, CHAIN);
  await enterPaths(connection, { other: [] });
  const evaluationId = await openWith(connection, { jobs: [{ name: 'other' }] });
  assert.equal((await findPathFact(connection.db, outHash('other'))).class, 'unknown');
  await connection.db.execute(sql`update jobs set meta = ${JSON.stringify(MIT)}::jsonb`);
  // A migrated database: its evaluations are read when the server starts.
  assert.equal(await applyPolicySettings(connection, RULES), true);
  const fact = await findPathFact(connection.db, outHash('other'));
  assert.deepEqual(
    [fact.class, fact.source, fact.licences, fact.jobName, fact.evaluationId],
    ['free', 'licence', MIT.license, 'other', evaluationId],
  );
  assert.deepEqual(await publicNames(connection), ['other']);
});

test("the operator's rules: licences and packages that count as free, and whether what is redistributable is public", async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, { 'cudnn-9.1.0': {}, 'cuda-nvcc-12.8': {}, 'mystery-2-unstable': {} });
  const evaluationId = await openWith(connection, {
    jobs: ['cudnn-9.1.0', 'cuda-nvcc-12.8'].map((name) => ({ name })),
  });
  await connection.db
    .execute(sql`update jobs set meta = case name when 'cudnn-9.1.0' then ${JSON.stringify(UNFREE)}::jsonb
    else ${JSON.stringify(REDISTRIBUTABLE)}::jsonb end where evaluation_id = ${evaluationId}`);
  await enterPaths(connection, { 'cudnn-9.1.0': [], 'cuda-nvcc-12.8': [], 'mystery-2-unstable': [] });
  const shown = async (rules: Partial<PolicySettings>): Promise<string[]> => {
    await applyPolicySettings(connection, { ...RULES, ...rules });
    return publicNames(connection);
  };
  assert.deepEqual(await shown({}), ['cuda-nvcc-12.8']);
  assert.deepEqual(await shown({ redistributable: false }), []);
  assert.deepEqual(await shown({ redistributable: false, licences: ['cuda-eula'] }), [
    'cuda-nvcc-12.8',
    'cudnn-9.1.0',
  ]);
  assert.deepEqual(await shown({ packages: ['mystery', 'cudnn'] }), [
    'cuda-nvcc-12.8',
    'cudnn-9.1.0',
    'mystery-2-unstable',
  ]);
  assert.deepEqual(await shown({ packages: ['cudnn-9.1.0', 'cud'] }), ['cuda-nvcc-12.8', 'cudnn-9.1.0']);
  assert.equal(await applyPolicySettings(connection, { ...RULES, packages: ['cud', 'cudnn-9.1.0'] }), false);
  assert.deepEqual(await shown({}), ['cuda-nvcc-12.8']);
});

test('what an upstream serves counts as free only when it is one that serves nothing else', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, CHAIN);
  await say(connection, { tool: MIT });
  const answer = (upstream: string | null) =>
    recordUpstreamAnswers(connection.db, new Map([[outHash('library'), upstream]]));
  await answer('https://cache.nixos.org');
  await enterPaths(connection, { tool: ['library'] });
  const seen = async () => findVisibility(connection.db, outHash('tool'));
  assert.deepEqual(await seen(), { class: 'unknown', restrictedBy: outHash('library'), isPublic: false });
  await applyPolicySettings(connection, { ...RULES, upstreams: ['https://cache.nixos.org'] });
  // The rules are read from what evaluations stored, and this test's said so without one.
  await say(connection, { tool: MIT });
  assert.equal((await seen())?.class, 'free');
  await answer('https://elsewhere.example');
  assert.equal((await seen())?.class, 'unknown');
  await answer('https://cache.nixos.org');
  assert.equal((await seen())?.class, 'free');
  // It is gone there: the closure is incomplete, for everybody.
  await answer(null);
  assert.deepEqual(await seen(), { class: 'missing', restrictedBy: outHash('library'), isPublic: false });
});

test('a source has the licence of the packages that take it, when all of them are known', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, { 'src.tar.gz': {}, package: { inputs: ['src.tar.gz'] } });
  await connection.db.execute(sql`update derivations set fixed_output = true where name = 'src.tar.gz'`);
  await say(connection, { package: MIT });
  await enterPaths(connection, { 'src.tar.gz': [] });
  assert.deepEqual(await publicNames(connection), ['src.tar.gz']);
  await storeGraph(connection, { secret: { inputs: ['src.tar.gz'] } });
  assert.deepEqual(await publicNames(connection), []);
  await say(connection, { secret: MIT });
  assert.deepEqual(await publicNames(connection), ['src.tar.gz']);
  await say(connection, { secret: UNFREE });
  assert.deepEqual(await publicNames(connection), []);
});

test('a path whose reference is gone is held back, and a withdrawn one stays so', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, CHAIN);
  await say(connection, { driver: MIT, library: MIT });
  await enterPaths(connection, { driver: [], library: ['driver'] });
  await connection.db.execute(sql`delete from store_paths where path_hash = ${outHash('driver')}`);
  assert.equal((await findVisibility(connection.db, outHash('library')))?.class, 'missing');
  await enterPaths(connection, { driver: [] });
  assert.deepEqual(await publicNames(connection), ['driver', 'library']);
  await connection.db.execute(sql`insert into withdrawn_paths (path_hash, path, reason, withdrawn_by)
    values (${outHash('driver')}, ${outPath('driver')}, 'a letter came', 'admin')`);
  assert.deepEqual(await publicNames(connection), []);
  assert.equal((await findPathFact(connection.db, outHash('driver'))).reason, 'a letter came');
  await connection.db.execute(sql`delete from withdrawn_paths`);
  assert.deepEqual(await publicNames(connection), ['driver', 'library']);
});

test('a derivation is judged by its outputs, and where it has none by its licence; bytes by any path that has them', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  await storeGraph(connection, { two: { outputs: ['out', 'dev'] }, failed: {}, unfree: {}, unknown: {} });
  await say(connection, { two: MIT, failed: MIT, unfree: UNFREE });
  await enterPaths(connection, { two: [], unfree: [] });
  const visible = (name: string) => isDerivationVisible(connection.db, hashFor(name), 'public');
  assert.deepEqual(await Promise.all(['two', 'failed', 'unfree', 'unknown', 'none'].map(visible)), [
    true,
    true,
    false,
    false,
    false,
  ]);
  assert.equal(await isNarVisible(connection.db, narUrl('two'), 'public'), true);
  assert.equal(await isNarVisible(connection.db, narUrl('unfree'), 'public'), false);
  assert.equal(await isNarVisible(connection.db, narUrl('unfree'), 'complete'), true);
  assert.equal(await isNarVisible(connection.db, narUrl('failed'), 'complete'), false);
  // The same bytes, also of a free path.
  await connection.db.execute(
    sql`update store_paths set url = ${narUrl('two')} where path_hash = ${outHash('unfree')}`,
  );
  assert.equal(await isNarVisible(connection.db, narUrl('two'), 'public'), true);
});

test('publishing and a change of facts at once never leave a held-back closure public', async () => {
  await using database = await createTestDatabase();
  const { connection } = database;
  const names = Array.from({ length: 12 }, (_, index) => `n${index}`);
  await storeGraph(connection, Object.fromEntries(names.map((name) => [name, {}])));
  await say(connection, Object.fromEntries(names.map((name) => [name, MIT])));
  await enterPaths(connection, { n0: [] });
  await Promise.all([
    ...names.slice(1).map((name) => enterPaths(connection, { [name]: ['n0'] })),
    say(connection, { n0: UNFREE }),
  ]);
  assert.deepEqual(await publicNames(connection), []);
});
