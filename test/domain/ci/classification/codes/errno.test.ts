import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, test } from 'node:test';

import { classify } from '../../../../../domain/ci/classification/classify.ts';
import { ERRNOS, ERRNO_MEANINGS } from '../../../../../domain/ci/classification/codes/errno.ts';

const isLinux = process.platform === 'linux';

describe('the table of errno', () => {
  test('agrees with the kernel this test runs on', { skip: !isLinux }, () => {
    const byName = new Map(ERRNOS.map(({ name, number }) => [name, Number(number)]));
    const aliases = new Set(['EWOULDBLOCK', 'EDEADLOCK', 'ENOTSUP']);
    for (const [name, number] of Object.entries(constants.errno)) {
      if (!aliases.has(name)) assert.equal(byName.get(name), number, name);
    }
  });

  test('numbers 1 to 133, but for the two that Linux leaves out', () => {
    const numbers = new Set(ERRNOS.map(({ number }) => Number(number)));
    for (let number = 1; number <= 133; number++) {
      if (number !== 41 && number !== 58) assert.ok(numbers.has(number), String(number));
    }
  });

  test('decides from the number that Python prints', () => {
    for (const { number, message } of ERRNOS) {
      const meaning = ERRNO_MEANINGS.get(number);
      if (meaning === undefined) continue;
      const line = `OSError: [Errno ${number}] ${message}`;
      const verdict = classify({ stage: 'build', outcome: 'failed' }, line);
      // A build has no network, so that one is the sandbox's doing there, not the network's.
      const expected = number === '101' ? 'build-sandbox' : meaning.class;
      assert.equal(verdict.class, expected, `${line} by ${verdict.rule}`);
    }
  });
});
