/** Requests that ask for nothing that is there, or in no way that is understood: each gets a problem document that says what. */

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { type ApiRequest, refusalOf, requestApi } from '../../support/api.ts';
import { openSampleSite, type SampleSite } from '../../support/sample-site.ts';
import { describe, test } from '../../support/test.ts';

let site: SampleSite;
before(async () => {
  site = await openSampleSite();
});
after(() => site[Symbol.asyncDispose]());

const admin = { token: 'admin' } as const;
const builder = { token: 'builder' } as const;

const UNKNOWN: [string, string, ApiRequest?][] = [
  ['GET /evaluations/777', 'there is no evaluation 777'],
  ['GET /evaluations/777/progress', 'there is no evaluation 777'],
  ['GET /evaluations/777/errors', 'there is no evaluation 777'],
  ['GET /evaluations/777/jobs', 'there is no evaluation 777'],
  ['GET /evaluations/777/document', 'there is no evaluation 777'],
  ['GET /evaluations/9007199254740991', 'there is no evaluation 9007199254740991'],
  ['GET /jobs/777777', 'there is no job 777777'],
  ['GET /steps/777777', 'there is no step 777777'],
  ['GET /jobsets/777', 'there is no jobset 777'],
  ['GET /triggers/777', 'there is no trigger 777'],
  ['GET /attempts/777777/log', 'attempt 777777 has no log'],
  ['GET /attempts/777777/log/events', 'attempt 777777 has no log'],
  ['POST /evaluations/777/cancel', 'there is no evaluation 777', admin],
  ['POST /evaluations/777/retry', 'there is no evaluation 777', admin],
  ['POST /jobs/777777/retry', 'there is no job 777777', admin],
  ['POST /jobsets/777/trigger', 'there is no jobset 777', admin],
  ['POST /builders/nobody/drain', 'there is no builder nobody', admin],
  ['GET /evaluations/777/assignment', 'there is no evaluation 777', builder],
  ['GET /jobsets/777/assignment', 'there is no jobset 777', builder],
  ['POST /attempts/777777/evidence', 'there is no attempt 777777', { ...builder, payload: {} }],
  [
    'PUT /attempts/777777/log?offset=0',
    'there is no attempt 777777',
    { ...builder, payload: Buffer.from('x') },
  ],
  ['GET /nothing', 'GET /api/v1/nothing does not exist'],
  ['DELETE /jobsets/1', 'DELETE /api/v1/jobsets/1 does not exist', admin],
];

describe('what is not there is a 404 that names it:', () => {
  for (const [line, detail, request] of UNKNOWN)
    test(line, async () => {
      const problem = await refusalOf(site.app, line, request);
      assert.deepEqual([problem.status, problem.title, problem.detail], [404, 'Not Found', detail]);
      assert.equal(problem.instance, `/api/v1${line.split(' ')[1]}`);
    });
});

const MALFORMED: [string, RegExp, ApiRequest?][] = [
  ...['evaluations', 'jobs', 'steps', 'jobsets', 'triggers'].flatMap((noun): [string, RegExp][] => [
    [`GET /${noun}/x`, /^params\/id must be integer$/],
    [`GET /${noun}/0`, /^params\/id must be >= 1$/],
    [`GET /${noun}/-1`, /^params\/id must be >= 1$/],
    [`GET /${noun}/1.5`, /^params\/id must be integer$/],
    [`GET /${noun}/99999999999999999999`, /out of range for type bigint/],
  ]),
  ['GET /evaluations/%ff', /is not a valid url component/],
  ['GET /evaluations/1/jobs?search=%00', /0x00/],
  ['GET /findings?class=%00', /0x00/],
  ['GET /evaluations/1/progress?cursor=%00', /0x00/],
  ['POST /builders/%00/drain', /0x00/, admin],
  [`POST /builders/${'x'.repeat(64)}/drain`, /params\/name must NOT have more than 63 characters/, admin],
  ['GET /evaluations?limit=0', /querystring\/limit must be >= 1/],
  ['GET /evaluations?limit=501', /querystring\/limit must be <= 500/],
  ['GET /evaluations?open=maybe', /querystring\/open must be boolean/],
  ['GET /evaluations?cursor=x&limit=y', /cursor must be integer.*limit must be integer/],
  ['GET /attempts/1/log/events?from=-1', /querystring\/from must be >= 0/],
  ['POST /jobsets/1/trigger?force=perhaps', /querystring\/force must be boolean/, admin],
  ['POST /jobsets/1/trigger?kind=webhook', /querystring\/kind must/, admin],
  [
    'PUT /attempts/1/log',
    /querystring must have required property 'offset'/,
    { ...builder, payload: Buffer.from('x') },
  ],
  [
    'PUT /attempts/1/log?offset=-1',
    /querystring\/offset must be >= 0/,
    { ...builder, payload: Buffer.from('x') },
  ],
  ['PUT /jobsets', /required property 'config'.*required property 'baseFolder'/, { ...admin, payload: {} }],
  ['POST /runs', /baseFolder must be string.*null/, { ...admin, payload: { config: {}, baseFolder: 7 } }],
  [
    'POST /attempts',
    /stepId must be integer.*gpu/,
    { ...builder, payload: { stepId: '1', generation: 1, number: 1, builder: 'x', unit: 'u', gpu: 'none' } },
  ],
  [
    'POST /attempts',
    /"99999999999" is out of range for type integer/,
    {
      ...builder,
      payload: { stepId: 1, generation: 99_999_999_999, number: 1, builder: 'x', unit: 'u', gpu: null },
    },
  ],
  [
    'POST /attempts/1/evidence',
    /exitCode must be integer.*'value'.*'unit'.*name must be string/,
    { ...builder, payload: { exitCode: '1', metrics: [{ name: 1 }] } },
  ],
  [
    'POST /attempts/1/evidence',
    /not valid JSON/,
    { ...builder, headers: { 'content-type': 'application/json' }, payload: Buffer.from('{"nixExit": ') },
  ],
];

describe('what is not understood is a 400 that says what was expected:', () => {
  for (const [line, detail, request] of MALFORMED)
    test(`${line} ${detail.source}`, async () => {
      const problem = await refusalOf(site.app, line, request);
      assert.deepEqual([problem.status, problem.title], [400, 'Bad Request'], problem.detail);
      assert.match(problem.detail, detail);
    });
});

describe('a body of another kind is refused:', () => {
  test('bytes where JSON is expected, which would pass for an object without fields', async () => {
    const { status } = await refusalOf(site.app, 'POST /attempts/1/evidence', {
      ...builder,
      payload: Buffer.from('{}'),
    });
    assert.equal(status, 415);
  });

  test('JSON where bytes are expected', async () => {
    const line = 'PUT /attempts/1/log?offset=0';
    assert.equal((await refusalOf(site.app, line, { ...builder, payload: {} })).status, 415);
  });

  test('a piece of a log that is larger than 16 MiB', async () => {
    const payload = Buffer.alloc(16 * 1024 * 1024 + 1);
    const { status, title } = await refusalOf(site.app, 'PUT /attempts/1/log?offset=0', {
      ...builder,
      payload,
    });
    assert.deepEqual([status, title], [413, 'Content Too Large']);
  });
});

test('a finished evaluation cannot be cancelled: that is a conflict, and nothing changes', async () => {
  const line = `POST /evaluations/${site.graph.main}/cancel`;
  const problem = await refusalOf(site.app, line, admin);
  assert.deepEqual(
    [problem.status, problem.title, problem.detail],
    [409, 'Conflict', `evaluation ${site.graph.main} has finished already`],
  );
  const { body } = await requestApi<{ outcome: string }>(site.app, `GET /evaluations/${site.graph.main}`);
  assert.equal(body.outcome, 'finished');
});
