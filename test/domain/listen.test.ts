import assert from 'node:assert/strict';
import { formatListenAddress, listenSetting, localUrl, openNetworkProblem } from '../../domain/listen.ts';
import { describe, test } from '../support/test.ts';

const { parse } = listenSetting('NIXWARP_LISTEN');

const ADDRESSES: [string, { host: string; port: number }, string][] = [
  ['127.0.0.1:8484', { host: '127.0.0.1', port: 8484 }, 'http://127.0.0.1:8484'],
  ['[::1]:80', { host: '::1', port: 80 }, 'http://[::1]:80'],
  ['localhost:65535', { host: 'localhost', port: 65_535 }, 'http://localhost:65535'],
  ['0.0.0.0:1', { host: '0.0.0.0', port: 1 }, 'http://127.0.0.1:1'],
  ['[::]:80', { host: '::', port: 80 }, 'http://[::1]:80'],
  ['ci.example.org:443', { host: 'ci.example.org', port: 443 }, 'http://ci.example.org:443'],
];

describe('an address to listen on', () => {
  for (const [text, address, url] of ADDRESSES)
    test(`${text} is read, written again, and reached from this machine at ${url}`, () => {
      assert.deepEqual(parse(text), address);
      assert.equal(formatListenAddress(address), text);
      assert.equal(localUrl(address), url);
    });

  for (const text of [
    '',
    '8484',
    ':8484',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:x',
    '127.0.0.1:0',
    '::1:80',
    'a b:80',
    '[::1]',
    'http://127.0.0.1:80',
  ])
    test(`${JSON.stringify(text)} is refused with what is expected`, () =>
      assert.throws(() => parse(text), {
        name: 'ParseError',
        message: `NIXWARP_LISTEN: ${JSON.stringify(text)} is not an address and port like "127.0.0.1:8484"`,
      }));
});

describe('listening beyond this machine', () => {
  const everything = { trustedNetwork: false, publicView: 'everything' } as const;
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost', 'Localhost'])
    test(`${host} is this machine`, () =>
      assert.equal(openNetworkProblem({ ...everything, listen: { host, port: 80 } }), undefined));

  for (const host of [
    '0.0.0.0',
    '::',
    '192.168.1.5',
    'ci.example.org',
    '127.example.org',
    '127.0.0.1.example.org',
    'localhost.example.org',
    '10.127.0.1',
  ])
    test(`${host} needs an explicit wish where everything is shown`, () => {
      const listen = { host, port: 80 };
      const problem = openNetworkProblem({ ...everything, listen }) ?? '';
      assert.ok(
        problem.startsWith(`NIXWARP_LISTEN: ${formatListenAddress(listen)} is reached from other machines`),
        problem,
      );
      assert.match(problem, /NIXWARP_TRUSTED_NETWORK=1/);
      assert.equal(openNetworkProblem({ ...everything, listen, trustedNetwork: true }), undefined);
      assert.equal(openNetworkProblem({ ...everything, listen, publicView: 'policy' }), undefined);
    });
});
