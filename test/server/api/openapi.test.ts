/** The description of the API: complete, true to its own form, and what clients need to call it. */

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { openSampleSite, type SampleSite } from '../../support/sample-site.ts';
import { test } from '../../support/test.ts';

interface Operation {
  readonly summary?: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
  }[];
  readonly responses?: Readonly<Record<string, object>>;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly components: { readonly securitySchemes: Readonly<Record<string, object>> };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let site: SampleSite;
let document: Document;
let operations: [string, Operation][];
before(async () => {
  site = await openSampleSite();
  const response = await site.app.inject('/api/openapi.json');
  assert.match(String(response.headers['content-type']), /^application\/json/);
  document = response.json();
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method} ${path}`,
      operation,
    ]),
  );
});
after(() => site[Symbol.asyncDispose]());

test('it is an OpenAPI 3.0 document with a token', () => {
  assert.match(document.openapi, /^3\.0\./);
  assert.deepEqual(document.info.title, 'nixwarp');
  assert.deepEqual(document.components.securitySchemes, { token: { type: 'http', scheme: 'bearer' } });
});

test('every route of the API is in it, and nothing else', () => {
  const printed = site.app.printRoutes({ commonPrefix: false, includeHooks: false });
  // `    /api/v1/jobs/:id (GET)`, under the path before it.
  const stack: string[] = [];
  const routes = printed.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods] = /^([│├└─ ]*)(\S+)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    if (part === '') return [];
    stack.length = Math.max(0, indent.length / 4 - 1);
    stack.push(part);
    const path = stack.join('');
    return (methods?.split(', ') ?? []).map((method) => `${method.toLowerCase()} ${path}`);
  });
  const wanted = routes
    .filter((route) => route.includes(' /api/v1/') && !route.startsWith('options '))
    .map((route) => route.replaceAll(/:(\w+)/g, '{$1}'));
  assert.ok(wanted.length > 30, printed);
  // HEAD says what GET says, or is between a builder and us.
  const shown = (routes_: readonly string[]) =>
    routes_.filter((route) => !route.startsWith('head ')).toSorted();
  assert.deepEqual(shown(operations.map(([name]) => name)), shown(wanted));
});

test('every parameter of a path is described', () => {
  for (const [name, { parameters = [] }] of operations) {
    const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter = '']) => parameter);
    const described = parameters
      .filter((one) => one.in === 'path' && one.required === true)
      .map((one) => one.name);
    assert.deepEqual(described.toSorted(), inPath.toSorted(), name);
  }
});

test('every operation says in a line what it is for, and what needs a token says so', () => {
  for (const [name, { summary = '', security, responses = {} }] of operations) {
    assert.ok(summary.length > 0 && summary.length < 140, `${name}: ${summary}`);
    const reads = /^(get|head) /.test(name) && !name.endsWith('/assignment');
    assert.deepEqual(security, reads ? undefined : [{ token: [] }], name);
    assert.ok(Object.keys(responses).length > 0, name);
  }
});

test('references within it lead somewhere', () => {
  const all = JSON.stringify(document);
  for (const [, pointer = ''] of all.matchAll(/"\$ref":"#([^"]*)"/g)) {
    let current: unknown = document;
    for (const part of pointer.split('/').slice(1)) current = (current as Record<string, unknown>)[part];
    assert.notEqual(current, undefined, pointer);
  }
});

test('the form of a jobset configuration has an address of its own', async () => {
  const schema = (await site.app.inject('/api/jobset.schema.json')).json<{ properties: object }>();
  for (const field of ['name', 'project', 'source', 'systems', 'variants', 'limits', 'schedule'])
    assert.ok(field in schema.properties, field);
});
