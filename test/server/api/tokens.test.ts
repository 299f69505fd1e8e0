/** Who may ask for what: every command needs the administrator's token, everything of builders theirs. */

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { type Problem, refusalOf, requestApi, type Token } from '../../support/api.ts';
import { openSampleSite, type SampleSite } from '../../support/sample-site.ts';
import { describe, test } from '../../support/test.ts';

let site: SampleSite;
before(async () => {
  site = await openSampleSite();
});
after(() => site[Symbol.asyncDispose]());

const RUN = { config: { name: 'tokens', source: { file: '/x.nix' } }, baseFolder: null };

/** With a body where the route has one: what is refused is the token, not the request. */
const ADMIN: [string, object?][] = [
  ['PUT /jobsets', RUN],
  ['POST /runs', RUN],
  ['POST /jobsets/1/trigger'],
  ['POST /evaluations/1/cancel'],
  ['POST /evaluations/1/retry'],
  ['POST /jobs/1/retry'],
  ['POST /builders/atlas/drain'],
  ['POST /builders/atlas/activate'],
  ['POST /tokens', { view: 'public', can: ['read'] }],
  ['POST /tokens/1/revoke'],
  [`POST /paths/${'0'.repeat(32)}/remove`, { reason: 'x' }],
  ['PUT /pins/atlas', { path: `/nix/store/${'0'.repeat(32)}-x` }],
  ['DELETE /pins/atlas'],
  ['POST /cache/gc'],
  ['POST /cache/verify'],
  ['POST /cache/sign', {}],
  ['POST /cache/recompress', {}],
];

const BUILDER: [string, object?][] = [
  ['POST /builders/announce', {}],
  ['POST /builders/leave', {}],
  ['POST /attempts', {}],
  ['PUT /attempts/1/log?offset=0', Buffer.from('')],
  ['POST /attempts/1/evidence', {}],
  ['POST /publish', {}],
  ['PUT /publish/00000000-0000-4000-8000-000000000000/00000000000000000000000000000000', Buffer.from('')],
  ['POST /publish/00000000-0000-4000-8000-000000000000/commit', {}],
  ['GET /evaluations/1/assignment'],
  ['GET /jobsets/1/assignment'],
  ['POST /derivations/unknown', {}],
  ['POST /evaluations/1/batches', {}],
];

function refused(line: string, payload: object | undefined, token: Token): Promise<Problem> {
  return refusalOf(site.app, line, { token, ...(payload === undefined ? {} : { payload }) });
}

describe('the administrator is asked for by', () => {
  for (const [line, payload] of ADMIN)
    test(line, async () => {
      const path = `/api/v1${line.split(' ')[1]}`;
      const asked = line.replace(' ', ' /api/v1');
      const none = await refused(line, payload, undefined);
      assert.deepEqual([none.status, none.title, none.instance], [401, 'Unauthorized', path]);
      assert.equal(
        none.detail,
        `${asked} needs a token of admin: send "Authorization: Bearer <token>" (the administrator's is in a test)`,
      );
      const unknown = await refused(line, payload, 'unknown');
      assert.equal(unknown.status, 401);
      assert.match(unknown.detail, /needs a token of admin, and nobody here has the one sent: send/);
      const builders = await refused(line, payload, 'builder');
      assert.deepEqual([builders.status, builders.title], [403, 'Forbidden']);
      assert.equal(builders.detail, `${asked} needs a token of admin, and the one sent is of builder`);
    });
});

describe('a builder is asked for by', () => {
  for (const [line, payload] of BUILDER)
    test(line, async () => {
      for (const token of [undefined, 'unknown'] as const) {
        const { status, detail } = await refused(line, payload, token);
        assert.equal(status, 401);
        assert.match(detail, /needs a token of builder/);
      }
      // The administrator may do what builders do; an empty message is refused for what it lacks.
      const { status } = await requestApi(site.app, line, {
        token: 'admin',
        ...(payload === undefined ? {} : { payload }),
      });
      assert.ok(![401, 403, 500].includes(status), `${status}`);
    });
});

test('every route but those that read is in these lists', () => {
  const { paths } = site.app.swagger() as { paths: Record<string, Record<string, unknown>> };
  const commands = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => !['get', 'head'].includes(method))
      .map((method) => `${method.toUpperCase()} ${path.replace('/api/v1', '').replaceAll(/\{\w+\}/g, '*')}`),
  );
  const known = [...ADMIN, ...BUILDER].map(([line]) =>
    line
      .replace(/\?.*/, '')
      .replaceAll(/\/(\d+|atlas|[0-9-]{36})(?=\/|$)/g, '/*')
      .replace(/0{32}$/, '*'),
  );
  assert.deepEqual(
    commands.filter((line) => !known.includes(line)),
    [],
  );
});

test('a token is also taken as the password of Basic, which is all that Nix sends, and by any case of the scheme', async () => {
  const basic = (text: string): string => Buffer.from(text).toString('base64');
  const statuses = [];
  for (const authorization of [
    `Basic ${basic('anybody:builder')}`,
    `bearer builder`,
    `Basic ${basic(':')}`,
    `Basic ${basic('builder:')}`,
    'Bearer ',
    'Bearer',
    'Token builder',
    'builder',
  ])
    statuses.push(
      (await requestApi(site.app, 'GET /jobsets/1/assignment', { headers: { authorization } })).status,
    );
  assert.deepEqual(statuses, [200, 200, 401, 401, 401, 401, 401, 401]);
});

test('who is refused is told how to ask', async () => {
  const { headers } = await requestApi(site.app, 'POST /runs', { payload: RUN });
  assert.equal(headers['www-authenticate'], 'Bearer realm="nixwarp"');
});
