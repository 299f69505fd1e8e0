/** Lists by page: following `next` shows each thing once, in order, and ends. */

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { requestApi } from '../../support/api.ts';
import { openSampleSite, type SampleSite } from '../../support/sample-site.ts';
import { describe, test } from '../../support/test.ts';

let site: SampleSite;
before(async () => {
  site = await openSampleSite();
});
after(() => site[Symbol.asyncDispose]());

interface Page {
  readonly items: readonly { readonly id: number; readonly name: string; readonly outcome: string | null }[];
  readonly next: string | null;
}

const get = async (path: string): Promise<Page> => (await requestApi<Page>(site.app, `GET ${path}`)).body;

async function follow(path: string, limit: number): Promise<{ ids: number[]; pages: number }> {
  const ids: number[] = [];
  let next: string | null = null;
  for (let pages = 1; ; pages++) {
    const cursor: string = next === null ? '' : `&cursor=${next}`;
    const page: Page = await get(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor}`);
    assert.ok(page.items.length <= limit);
    ids.push(...page.items.map(({ id }) => id));
    if (page.next === null) return { ids, pages };
    assert.equal(page.items.length, limit, 'only a full page has one after it');
    next = page.next;
  }
}

const LISTS: [string, () => string, 'falls' | 'grows'][] = [
  ['evaluations', () => '/evaluations', 'falls'],
  ['open evaluations', () => '/evaluations?open=true', 'falls'],
  ['findings', () => '/findings', 'falls'],
  ['findings of one evaluation', () => `/findings?evaluation=${site.graph.main}`, 'falls'],
  ['jobs', () => `/evaluations/${site.graph.main}/jobs`, 'grows'],
  ['jobs of one outcome', () => `/evaluations/${site.graph.main}/jobs?outcome=failed`, 'grows'],
];

describe('by pages of any size, one sees', () => {
  for (const [title, path, order] of LISTS)
    test(title, async () => {
      const all = (await get(path())).items.map(({ id }) => id);
      assert.ok(all.length > 0, 'there is something to list');
      assert.deepEqual(
        all,
        all.toSorted((a, b) => (order === 'falls' ? b - a : a - b)),
      );
      for (const limit of [1, 2, all.length, all.length + 1]) {
        const { ids, pages } = await follow(path(), limit);
        assert.deepEqual(ids, all, `by ${limit}`);
        assert.ok(pages <= Math.floor(all.length / limit) + 1);
      }
    });
});

test('a cursor beyond the end gives an empty last page', async () => {
  assert.deepEqual(await get('/evaluations?cursor=1'), { items: [], next: null });
  assert.deepEqual(await get(`/evaluations/${site.graph.main}/jobs?cursor=9007199254740991`), {
    items: [],
    next: null,
  });
});

test('jobs are sought by a part of their name as it stands, without wildcards and whatever its case', async () => {
  const jobs = `/evaluations/${site.graph.main}/jobs`;
  const all = (await get(jobs)).items;
  const [first] = all;
  const part = first?.name.slice(1, 5) ?? '';
  const wanted = all.filter(({ name }) => name.toLowerCase().includes(part.toLowerCase()));
  assert.deepEqual((await get(`${jobs}?search=${part.toUpperCase()}`)).items, wanted);
  for (const wildcard of ['%25', '_______', '*']) {
    const text = decodeURIComponent(wildcard);
    const expected = all.filter(({ name }) => name.includes(text));
    assert.deepEqual((await get(`${jobs}?search=${wildcard}`)).items, expected, text);
  }
  const unfinished = (await get(`/evaluations/${site.graph.open}/jobs?outcome=unfinished`)).items;
  assert.ok(unfinished.length > 0 && unfinished.every(({ outcome }) => outcome === null));
});
