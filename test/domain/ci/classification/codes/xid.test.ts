import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { classify } from '../../../../../domain/ci/classification/classify.ts';
import { XIDS, XID_MEANINGS } from '../../../../../domain/ci/classification/codes/xid.ts';

describe('the table of Xids', () => {
  test('holds each number of the catalogue once, with a meaning', () => {
    assert.equal(new Set(XIDS.map(({ number }) => number)).size, XIDS.length);
    for (const { number, description } of XIDS) {
      assert.ok(XID_MEANINGS.has(number), number);
      assert.match(description, /\S/, number);
    }
    for (let number = 1; number <= 172; number++) assert.ok(XID_MEANINGS.has(String(number)), String(number));
  });

  test('decides from the kernel log', () => {
    for (const { number } of XIDS) {
      const line = `NVRM: Xid (PCI:0000:3b:00): ${number}, pid=77, name=python3, x`;
      const verdict = classify({ stage: 'gpu-test', outcome: 'failed' }, line);
      const meaning = XID_MEANINGS.get(number);
      if (meaning?.class === 'none') assert.notEqual(verdict.class, 'gpu-hardware', line);
      else assert.equal(verdict.class, meaning?.class, `${line} by ${verdict.rule}`);
    }
  });

  test('decides from the facts of the host', () => {
    for (const { number } of XIDS) {
      const host = { xids: [{ code: Number(number), pci: '0000:3b:00' }] };
      const verdict = classify({ stage: 'gpu-test', outcome: 'failed', host }, 'a line of the log');
      const meaning = XID_MEANINGS.get(number);
      if (meaning?.class === 'none') assert.equal(verdict.class, 'insufficient-evidence', number);
      else assert.equal(verdict.class, meaning?.class, number);
    }
  });

  const known = {
    '13': 'gpu-code',
    '31': 'gpu-code',
    '43': 'gpu-code',
    '48': 'gpu-hardware',
    '63': 'gpu-hardware',
    '64': 'gpu-hardware',
    '74': 'gpu-hardware',
    '79': 'gpu-hardware',
    '94': 'gpu-hardware',
    '95': 'gpu-hardware',
    '119': 'gpu-hardware',
  } as const;
  for (const [number, expected] of Object.entries(known)) {
    test(`files Xid ${number} under ${expected}`, () => {
      assert.equal(XID_MEANINGS.get(number)?.class, expected);
    });
  }
});
