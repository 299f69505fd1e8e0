import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, test } from 'node:test';

import { classify } from '../../../../../domain/ci/classification/classify.ts';
import { SIGNALS, SIGNAL_MEANINGS } from '../../../../../domain/ci/classification/codes/signals.ts';

const isLinux = process.platform === 'linux';

describe('the table of signals', () => {
  test('agrees with the kernel this test runs on', { skip: !isLinux }, () => {
    const byName = new Map(SIGNALS.map(([number, name]) => [name, number]));
    const aliases = new Set(['SIGIOT', 'SIGPOLL', 'SIGUNUSED']);
    for (const [name, number] of Object.entries(constants.signals)) {
      if (!aliases.has(name)) assert.equal(byName.get(name), number, name);
    }
  });

  test('has a meaning for every signal below the real-time ones', () => {
    for (let number = 1; number <= 31; number++)
      assert.ok(SIGNAL_MEANINGS.has(String(number)), String(number));
  });

  test('explains a builder that a signal ended, told as a signal or as an exit status', () => {
    for (const [number, name] of SIGNALS) {
      const meaning = SIGNAL_MEANINGS.get(String(number));
      const told = classify({ outcome: 'failed', signal: number }, 'compiling');
      const asExit = classify({ outcome: 'failed', exitCode: 128 + number }, 'compiling');
      assert.equal(told.class, meaning?.class, name);
      assert.equal(asExit.class, told.class, name);
      assert.equal(asExit.fingerprint, told.fingerprint, name);
    }
  });

  test('gives way to a line that names the cause', () => {
    const verdict = classify(
      { stage: 'build', outcome: 'failed', signal: 6 },
      'x.cu(12): error: identifier "foo" is undefined\nAborted',
    );
    assert.equal(verdict.class, 'build-compile');
  });
});
