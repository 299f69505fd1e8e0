/** The pages as Chromium shows them, without script: at two widths, in light and dark. */

import assert from 'node:assert/strict';
import { test as conditional } from 'node:test';
import type { Page } from 'playwright-core';
import { sql } from 'drizzle-orm';
import { findChromium, measure, openBrowser } from '../../support/browser.ts';
import { BROWSER_ACCEPT, openSampleSite, type SampleSite } from '../../support/sample-site.ts';

const WIDTHS = [390, 1280];
const SCHEMES = ['light', 'dark'] as const;

const chromium = await findChromium();

conditional(
  'every page can be read on a phone and on a desk, in light and dark, without script',
  { skip: chromium === undefined && 'there is no Chromium here', timeout: 300_000 },
  async (t) => {
    if (chromium === undefined) return;
    await using site = await openSampleSite();
    const origin = await site.listen();
    await using browser = await openBrowser(chromium);
    const page = await browser.context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(`${page.url()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
    for (const path of await pagesOf(site)) {
      await t.test(path, async () => {
        for (const width of WIDTHS)
          for (const colorScheme of SCHEMES) await look(page, `${origin}${path}`, { width, colorScheme });
      });
    }
    assert.deepEqual(complaints, []);
  },
);

/** One of each page, and those with the most awkward content. */
async function pagesOf({ graph, database }: SampleSite): Promise<string[]> {
  const jobs = await database.connection.db.execute<{
    id: number;
    attemptId: number | null;
    stepId: number | null;
  }>(sql`
    select distinct on (j.id) j.id, a.id as "attemptId", js.step_id as "stepId" from jobs j left join job_steps js on js.job_id = j.id
    left join attempts a on a.step_id = js.step_id
    where j.evaluation_id = ${graph.main} and (j.name like 'hostile%' or j.name in ('channel', 'torch-lite', 'faults.leakedToolkit', 'faults.compileError')
      or (j.name = 'saxpy.gpuCheck' and j.variant in ('cuda12', 'default'))) order by j.id, a.id desc`);
  const [root] = await database.connection.db.execute<{ id: number }>(sql`
    select s.id from steps s join derivations d on d.drv_hash = s.drv_hash where d.name like 'hash-mismatch-src%' order by s.id desc limit 1`);
  return [
    '/',
    '/evaluations',
    '/builders',
    '/jobsets/1',
    ...Object.values(graph).map((id: number) => `/evaluations/${id}`),
    `/evaluations/${graph.main}/jobs`,
    `/evaluations/${graph.main}/jobs?change=vanished`,
    `/evaluations/${graph.main}/errors`,
    ...jobs.map(({ id }) => `/jobs/${id}`),
    ...jobs.flatMap(({ attemptId }) => (attemptId === null ? [] : [`/attempts/${attemptId}/log`])),
    `/steps/${root?.id}`,
  ];
}

interface Looks {
  readonly width: number;
  readonly colorScheme: 'light' | 'dark';
}

async function look(page: Page, url: string, { width, colorScheme }: Looks): Promise<void> {
  const how = `at ${width} px, ${colorScheme}`;
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme });
  const response = await page.goto(url);
  assert.equal(response?.status(), 200, how);
  assert.deepEqual(await measure(page, 'overflow'), [], `${how}: nothing is wider than the screen`);
  assert.deepEqual(
    await measure(page, 'contrastFaults'),
    [],
    `${how}: text stands out from what is behind it`,
  );
  if (width !== WIDTHS[0] || colorScheme !== 'light') return;
  const levels = await measure<number>(page, 'headingLevels');
  assert.equal(levels[0], 1, 'the first heading is the title');
  assert.equal(levels.filter((level) => level === 1).length, 1, 'there is one title');
  for (const [index, level] of levels.entries())
    assert.ok(
      index === 0 || level <= (levels[index - 1] ?? 0) + 1,
      `heading ${index} skips no level: ${levels.join(' ')}`,
    );
  assert.deepEqual(await measure(page, 'labelFaults'), []);
  assert.equal(
    await page.locator('script, img, iframe, object, [onerror], [style]').count(),
    0,
    'nothing came in with the text',
  );
  assert.doesNotMatch(await page.title(), /owned$/);
}

conditional('every link inside leads to something', { timeout: 120_000 }, async () => {
  await using site = await openSampleSite();
  const seen = new Map<string, string>([['/', 'the start']]);
  for (const [path, from] of seen) {
    const response = await site.app.inject({ url: path, headers: { accept: BROWSER_ACCEPT } });
    assert.equal(response.statusCode, 200, `${path}, linked from ${from}`);
    if (!String(response.headers['content-type']).startsWith('text/html')) continue;
    for (const [, raw = ''] of response.body.matchAll(/href="([^"]*)"/g)) {
      const href = raw.replaceAll('&#61;', '=').replaceAll(/&amp;|&#38;/g, '&');
      const [target = '', fragment] = href.split('#', 2);
      const there = target === '' ? path : target;
      if (!there.startsWith('/')) assert.match(there, /^http:\/\/127\.0\.0\.1:/, `${path} links to ${there}`);
      else if (!seen.has(there)) seen.set(there, path);
      if (there === path && fragment !== undefined && fragment !== '')
        assert.ok(response.body.includes(`id="${fragment}"`), `${path} has a place #${fragment}`);
    }
  }
  assert.ok(seen.size > 150, `only ${seen.size} addresses were found`);
});

conditional(
  'a line of a log far below is shown when its address is opened',
  { skip: chromium === undefined && 'there is no Chromium here', timeout: 60_000 },
  async () => {
    if (chromium === undefined) return;
    await using site = await openSampleSite();
    const origin = await site.listen();
    const [attempt] = await site.database.connection.db.execute<{ id: number }>(sql`
      select a.id from attempts a join findings f on f.attempt_id = a.id where f.verdict #>> '{evidence,line}' = '4321'`);
    await using browser = await openBrowser(chromium);
    const page = await browser.context.newPage();
    await page.setViewportSize({ width: 390, height: 800 });
    await page.goto(`${origin}/attempts/${attempt?.id}/log#L4321`);
    const box = await page.locator('#L4321').boundingBox();
    // Scrolling stops at whole pixels, lines do not.
    assert.ok(box !== null && box.y > -1 && box.y < 800, `the line stands at ${box?.y}`);
  },
);
