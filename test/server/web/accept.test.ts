import assert from 'node:assert/strict';
import { preferredRepresentation } from '../../../server/web/accept.ts';
import { BROWSER_ACCEPT } from '../../support/sample-site.ts';
import { describe, test } from '../../support/test.ts';

describe('the representation that a client prefers', () => {
  for (const { name, accept, expected } of [
    { name: 'a browser gets the page', accept: BROWSER_ACCEPT, expected: 'html' },
    { name: 'a program that asks for JSON gets the twin', accept: 'application/json', expected: 'json' },
    { name: 'a problem document is JSON too', accept: 'application/problem+json', expected: 'json' },
    { name: 'the higher quality wins', accept: 'text/html;q=0.5, application/json;q=0.9', expected: 'json' },
    { name: 'quality 0 refuses', accept: 'application/json;q=0, text/html;q=0.1', expected: 'html' },
    { name: 'types are compared without regard to case', accept: 'Application/JSON', expected: 'json' },
  ] as const)
    test(name, () => {
      assert.equal(preferredRepresentation(accept, 'html'), expected);
      assert.equal(preferredRepresentation(accept, 'json'), expected);
    });

  for (const accept of [undefined, '', '*/*', 'text/html, application/json', 'image/png'])
    test(`"${accept}" leaves it to the server`, () => {
      assert.equal(preferredRepresentation(accept, 'html'), 'html');
      assert.equal(preferredRepresentation(accept, 'json'), 'json');
    });
});
