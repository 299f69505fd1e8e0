import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { sql } from 'drizzle-orm';
import { recordStepEnding } from '../../../db/step-endings.ts';
import type { EvaluationPage } from '../../../server/web/models/evaluation.ts';
import type { JobPage } from '../../../server/web/models/job.ts';
import type { JobsPage } from '../../../server/web/models/jobs.ts';
import type { LogPage } from '../../../server/web/models/log.ts';
import type { StepPage } from '../../../server/web/models/step.ts';
import { BROWSER_ACCEPT, openSampleSite, type SampleSite } from '../../support/sample-site.ts';
import { describe, test } from '../../support/test.ts';

let site: SampleSite;
before(async () => {
  site = await openSampleSite();
});
after(() => site[Symbol.asyncDispose]());

const mainPage = () => site.twin<EvaluationPage>(`/evaluations/${site.graph.main}`);

/** The id of a job of the finished evaluation. */
async function jobId(name: string, variant = 'default', evaluation = site.graph.main): Promise<number> {
  const [row] = await site.database.connection.db.execute<{ id: number }>(sql`
    select id from jobs where evaluation_id = ${evaluation} and name = ${name} and variant is not distinct from ${variant}`);
  assert.ok(row, `${name} (${variant}) is a job`);
  return row.id;
}

/** Where the log of a job's last attempt is. */
async function logOf(name: string): Promise<string> {
  const { steps } = await site.twin<JobPage>(`/jobs/${await jobId(name)}`);
  return `/attempts/${steps[0]?.attempts.at(-1)?.id}/log`;
}

const get = (url: string, headers: Record<string, string> = {}) => site.app.inject({ url, headers });

/** Headings of a page, in order. */
function headings(page: string): string[] {
  return Array.from(page.matchAll(/<h2[^>]*>([\s\S]*?)<\/h2>/g), ([, text = '']) =>
    text
      .replace(/<span class="total">[\s\S]*?<\/span>/g, '')
      .replace(/<[^>]*>/g, '')
      .trim(),
  );
}

describe('the page of a finished evaluation', () => {
  test('failures come first, what went well last', async () => {
    const page = await site.page(`/evaluations/${site.graph.main}`);
    assert.deepEqual(headings(page), [
      'Newly failing',
      'Failing, with no earlier result',
      'Still failing',
      'Built, but',
      'Not run',
      'Evaluation errors',
      'GPU checks by architecture',
      'Vanished',
      'Fixed',
      'New',
      'Succeeded',
    ]);
  });

  test('a dependent is folded under its root, whatever lies between', async () => {
    const { newlyFailing } = await mainPage();
    const root = newlyFailing.roots.find(({ jobs }) => jobs[0]?.name === 'faults.compileError');
    assert.deepEqual(
      root?.blocked.map(({ name }) => name),
      ['channel', 'faults.dependents.compileError', 'magma-lite', 'torch-lite', 'torch-lite-tools'],
    );
    const own = [newlyFailing]
      .flatMap(({ roots }) => roots)
      .flatMap(({ jobs }) => jobs.map(({ name }) => name));
    assert.deepEqual(own, ['faults.compileError', 'saxpy.gpuCheck']);
  });

  test('a root that is no job of its own is named by its derivation', async () => {
    const { stillFailing } = await mainPage();
    const root = stillFailing.roots.find(({ name }) => name.startsWith('hash-mismatch-src'));
    assert.deepEqual(root?.jobs, []);
    assert.deepEqual(
      root?.blocked.map(({ name }) => name),
      ['faults.hashMismatch'],
    );
    assert.equal(root?.steps[0]?.verdict?.class, 'fetch-failure');
  });

  test('a GPU check that passed on an architecture before and fails there now is newly failing, though another GPU is away', async () => {
    const id = await jobId('saxpy.gpuCheck', 'cuda12', site.graph.before);
    const earlier = await site.twin<JobPage>(`/jobs/${id}`);
    assert.equal(earlier.job.outcome, 'not-run');
    assert.equal(
      (await site.twin<JobPage>(`/jobs/${await jobId('saxpy.gpuCheck', 'cuda12')}`)).change,
      'newlyFailing',
    );
  });

  test('jobs are counted by what changed', async () => {
    const { diff } = await mainPage();
    assert.deepEqual(diff, {
      against: site.graph.before,
      newlyFailing: 7,
      stillFailing: 9,
      fixed: 2,
      new: 2,
      vanished: 1,
      unfinished: 5,
      stillSucceeding: 19,
    });
  });

  test('what was not run says what it needs', async () => {
    const { notRun } = await mainPage();
    assert.match(notRun.find(({ pool }) => pool === 'gpu.sm_90')?.reason ?? '', /^needs cuda on sm_90/);
    assert.equal(
      notRun.reduce((sum, { total }) => sum + total, 0),
      5,
    );
  });

  test('every result of a stand-in is marked in its own cell', async () => {
    const { gpuChecks } = await mainPage();
    assert.deepEqual(gpuChecks.architectures, ['sm_61', 'sm_89', 'sm_90']);
    const cells = gpuChecks.rows.flatMap((row) => row.cells.filter((cell) => cell.driver !== null));
    assert.ok(cells.every((cell) => cell.standIn === (cell.architecture === 'sm_61')));
    const page = await site.page(`/evaluations/${site.graph.main}`);
    const table = page.slice(page.indexOf('<table class="matrix"'), page.indexOf('</table>'));
    const marked = Array.from(table.matchAll(/<td[\s\S]*?<\/td>/g), ([cell]) => cell).filter((cell) =>
      cell.includes('driver 580.95.05-stand-in'),
    );
    assert.equal(marked.length, 2);
    for (const cell of marked) assert.match(cell, /class="tag stand-in">stand-in</);
  });

  test('an architecture on which a check is not scheduled shows the reason', async () => {
    assert.match(
      await site.page(`/evaluations/${site.graph.main}`),
      /— compiled for 8\.9 without PTX: neither cubin nor PTX for sm_61/,
    );
  });

  test('an error that Nix gives with a trace is summed up by its last line', async () => {
    const page = await site.page(`/evaluations/${site.graph.main}`);
    assert.match(
      page,
      /<span class="gist">Jetson devices cannot be targeted with non-Jetson devices: 8.7 8.9<\/span>/,
    );
  });
});

describe('other evaluations', () => {
  test('one that builds tells its progress and looks again; a finished one does not', async () => {
    assert.match(
      await site.page(`/evaluations/${site.graph.open}`),
      /<meta http-equiv="refresh" content="5"/,
    );
    assert.match(
      await site.page(`/evaluations/${site.graph.open}`),
      /3 of 10 steps ended, 2 running, 5 to come/,
    );
    assert.doesNotMatch(await site.page(`/evaluations/${site.graph.main}`), /http-equiv="refresh"/);
  });

  test('without an earlier finished one failures are just failing', async () => {
    const page = await site.page(`/evaluations/${site.graph.open}`);
    assert.deepEqual(headings(page).slice(0, 2), ['Progress', 'Failing']);
  });

  test("a cancelled one has no failures: its jobs are nobody's fault", async () => {
    const twin = await site.twin<EvaluationPage>(`/evaluations/${site.graph.cancelled}`);
    assert.equal(twin.failing.total + twin.newlyFailing.total + twin.stillFailing.total, 0);
    assert.equal(twin.evaluation.jobs['cancelled'], 8);
  });

  test('one that did not evaluate shows why at once', async () => {
    assert.match(
      await site.page(`/evaluations/${site.graph.broken}`),
      /<details open>[\s\S]*infinite recursion encountered/,
    );
  });

  test('lists go on by cursor until all were seen', async () => {
    const first = await site.twin<{ items: { id: number }[]; next: string | null }>('/evaluations');
    assert.deepEqual(
      first.items.map(({ id }) => id),
      [5, 4, 3, 2, 1],
    );
    assert.equal(first.next, null);
    const rest = await site.twin<{ items: { id: number }[] }>('/evaluations?cursor=3');
    assert.deepEqual(
      rest.items.map(({ id }) => id),
      [2, 1],
    );
  });
});

describe('lists of jobs', () => {
  for (const { query, expected } of [
    { query: 'outcome=timed-out', expected: ['faults.timeout'] },
    {
      query: 'outcome=succeeded&search=NEEDS',
      expected: ['faults.dependents.needsDriver', 'faults.needsDriver'],
    },
    { query: 'change=fixed', expected: ['faults.dependents.needsDriver', 'faults.needsDriver'] },
    { query: 'change=vanished', expected: ['cudnn-legacy'] },
    { query: 'kind=aggregate', expected: ['channel', 'tested'] },
    { query: 'outcome=&change=new&kind=', expected: ['cutensor', 'faults.timeout'] },
  ])
    test(query, async () => {
      const { jobs } = await site.twin<JobsPage>(`/evaluations/${site.graph.main}/jobs?${query}`);
      assert.deepEqual(
        jobs.items.map(({ name }) => name),
        expected,
      );
    });

  test('jobs by root are the root and all that it blocks', async () => {
    const { newlyFailing } = await mainPage();
    const root = newlyFailing.roots.find(({ blockedTotal }) => blockedTotal === 5);
    const { jobs } = await site.twin<JobsPage>(`/evaluations/${site.graph.main}/jobs?root=${root?.drvHash}`);
    assert.equal(jobs.items.length, 6);
  });

  test('a page goes on after its last job, by name', async () => {
    const all = await site.twin<JobsPage>(`/evaluations/${site.graph.main}/jobs`);
    const tenth = all.jobs.items[9];
    const rest = await site.twin<JobsPage>(`/evaluations/${site.graph.main}/jobs?cursor=${tenth?.id}`);
    assert.deepEqual(rest.jobs.items, all.jobs.items.slice(10));
  });
});

describe('the page of a job', () => {
  test('tells class, rule, confidence, the line with its neighbours, and leads to that line of the log', async () => {
    const page = await site.page(`/jobs/${await jobId('faults.compileError')}`);
    assert.match(page, /build-compile\/api-change/);
    assert.match(page, /95 % sure, by rule <code>compile\/cuda-member-removed<\/code>/);
    assert.match(page, /href="\/attempts\/\d+\/log#L4321"[^>]*>4321<\/a/);
    assert.match(page, />4320<\/a[\s\S]*>4322<\/a/);
  });

  test('shows every attempt, and that the first was lost with its builder', async () => {
    const { steps } = await site.twin<JobPage>(`/jobs/${await jobId('faults.compileError')}`);
    assert.deepEqual(
      steps[0]?.attempts.map(({ number, builder, outcome, message }) => [number, builder, outcome, message]),
      [
        [1, 'hopper', 'aborted', 'the builder was lost'],
        [2, 'atlas', 'failed', 'builder for faults-compileError failed with exit code 2'],
      ],
    );
  });

  test('one that inherited a failure leads to its root, job or not', async () => {
    const blocked = await site.twin<JobPage>(`/jobs/${await jobId('torch-lite')}`);
    assert.deepEqual(
      blocked.roots.map(({ jobId: id }) => id),
      [await jobId('faults.compileError')],
    );
    const fetched = await site.twin<JobPage>(`/jobs/${await jobId('faults.hashMismatch')}`);
    assert.equal(fetched.roots[0]?.jobId, null);
    const step = await site.twin<StepPage>(`/steps/${fetched.roots[0]?.stepId}`);
    assert.deepEqual(
      step.blocked.jobs.map(({ name }) => name),
      ['faults.hashMismatch'],
    );
  });

  test('a leak is told though the job was built', async () => {
    const page = await site.page(`/jobs/${await jobId('faults.leakedToolkit')}`);
    assert.deepEqual(headings(page)[0], 'Built, but');
    assert.match(page, /closure-regression\/leaked-toolchain/);
  });

  test('commands name the cache, its key, and for a GPU check the feature', async () => {
    const { commands } = await site.twin<JobPage>(`/jobs/${await jobId('saxpy.gpuCheck', 'cuda12')}`);
    const text = commands.flatMap(({ lines }) => lines).join('\n');
    assert.match(text, /^nix-store --realise \/nix\/store\/[0-9a-z]{32}-saxpy-gpuCheck-2\.0\.drv \\$/m);
    assert.match(text, /--option extra-system-features cuda/);
    assert.match(text, /--option extra-trusted-public-keys nixwarp-test-1:/);
    assert.match(text, /^nixwarp retry saxpy\.gpuCheck@cuda12 --evaluation \d+$/m);
  });

  test('an aggregate lists its constituents, bad ones first', async () => {
    const { constituents } = await site.twin<JobPage>(`/jobs/${await jobId('channel')}`);
    assert.equal(constituents?.at(-1)?.outcome, 'built');
    assert.ok(
      constituents?.some(({ name, outcome }) => name === 'torch-lite' && outcome === 'dependency-failed'),
    );
  });

  test('its history reaches back to earlier evaluations', async () => {
    const { history } = await site.twin<JobPage>(`/jobs/${await jobId('cutensor')}`);
    assert.deepEqual(
      history.map(({ number, outcome, jobId: id }) => [number, outcome, id === null]),
      [
        [2, 'built', false],
        [1, null, true],
      ],
    );
  });
});

describe('the page of a log', () => {
  test('a long log shows head, the line that decided, and tail, with the way to the rest', async () => {
    const path = await logOf('faults.compileError');
    const { windows, lineCount } = await site.twin<LogPage>(path);
    assert.deepEqual(
      windows.map(({ from, lines }) => [from, lines.length]),
      [
        [1, 2_000],
        [4_221, 201],
        [lineCount - 1_999, 2_000],
      ],
    );
    const page = await site.page(path);
    assert.match(page, /<div id="L4321" class="row decides">[\s\S]*?has no member &#34;clockRate&#34;/);
    assert.match(
      page,
      /2,220 lines not shown:[\s\S]*?href="\/attempts\/\d+\/log\?from=2001&amp;lines=2000#L2001"/,
    );
  });

  test('a range shows just that', async () => {
    const { windows } = await site.twin<LogPage>(`${await logOf('faults.compileError')}?from=4321&lines=2`);
    assert.deepEqual(
      windows.map(({ from, lines }) => [from, lines.length]),
      [[4_321, 2]],
    );
  });

  test('one that grows looks again, one that is closed does not', async () => {
    const { running } = await site.twin<EvaluationPage>(`/evaluations/${site.graph.open}`);
    assert.match(await site.page(`/attempts/${running[0]?.attemptId}/log`), /http-equiv="refresh"/);
    assert.doesNotMatch(await site.page(await logOf('faults.compileError')), /http-equiv="refresh"/);
  });
});

describe('answers', () => {
  test('every page says what may be loaded: nothing but its stylesheet and icon', async () => {
    const { headers } = await get('/', { accept: BROWSER_ACCEPT });
    assert.match(
      String(headers['content-security-policy']),
      /^default-src 'none'; style-src 'self'; img-src 'self';/,
    );
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['vary'], 'accept');
  });

  test('a page that did not change is not sent again', async () => {
    const url = `/evaluations/${site.graph.before}`;
    const first = await get(url);
    const again = await get(url, { 'if-none-match': String(first.headers['etag']) });
    assert.equal(again.statusCode, 304);
    assert.equal(again.body, '');
    const twin = await get(url, {
      accept: 'application/json',
      'if-none-match': String(first.headers['etag']),
    });
    assert.equal(twin.statusCode, 200, 'the twin is another representation');
  });

  test('a late result shows at once, on a page that was counted before', async () => {
    const url = `/evaluations/${site.graph.before}`;
    const { headers } = await get(url);
    const id = await jobId('vecmath.tests.kernels.gpuCheck', 'default', site.graph.before);
    const { steps } = await site.twin<JobPage>(`/jobs/${id}`);
    const late = steps.find(({ architecture }) => architecture === 'sm_90');
    assert.equal(late?.state, 'ready');
    await site.database.connection.transaction((tx) =>
      recordStepEnding(tx, {
        stepId: late.id,
        generation: late.generation,
        attempt: 1,
        report: { kind: 'ended', outcome: 'built', builder: 'hopper' },
      }),
    );
    const fresh = await get(url, { 'if-none-match': String(headers['etag']) });
    assert.equal(fresh.statusCode, 200);
    assert.equal((await site.twin<EvaluationPage>(url)).evaluation.jobs['not-run'], 5);
  });

  test('the twin is linked, and asked for by address where no header can be sent', async () => {
    const page = await site.page('/evaluations?cursor=3');
    assert.match(
      page,
      /<link rel="alternate" type="application\/json" href="\/evaluations\?cursor&#61;3&#38;format&#61;json"/,
    );
    assert.match(
      String((await get('/evaluations?cursor=3&format=json')).headers['content-type']),
      /^application\/json/,
    );
  });

  test('HEAD says the same without a body', async () => {
    const { statusCode, body, headers } = await site.app.inject({ method: 'HEAD', url: '/builders' });
    assert.equal(statusCode, 200);
    assert.equal(body, '');
    assert.match(String(headers['content-type']), /^text\/html/);
  });

  for (const url of [
    '/jobs/999999',
    '/evaluations/999999',
    '/attempts/999999/log',
    '/nowhere',
    '/steps/999999',
    '/jobsets/999999',
  ])
    test(`${url} is a page for browsers and a problem for programs`, async () => {
      const page = await get(url, { accept: BROWSER_ACCEPT });
      assert.equal(page.statusCode, 404);
      assert.match(page.body, /<h1>Not found<\/h1>/);
      const problem = await get(url, { accept: 'application/json' });
      assert.equal(problem.statusCode, 404);
      assert.match(String(problem.headers['content-type']), /^application\/problem\+json/);
    });

  test('what Nix asks for in vain stays what Nix expects', async () => {
    const miss = await get('/realisations/sha256:00!out.doi');
    assert.equal(miss.statusCode, 404);
    assert.match(String(miss.headers['content-type']), /^text\/plain/);
    assert.equal(
      (await get('/00000000000000000000000000000000.narinfo', { accept: BROWSER_ACCEPT })).body,
      '404\n',
    );
  });

  test('the address of what is not there is shown as text', async () => {
    const { body } = await get('/%3Cscript%3Ealert(1)%3C/script%3E', { accept: BROWSER_ACCEPT });
    assert.doesNotMatch(body, /<script/i);
  });
});
