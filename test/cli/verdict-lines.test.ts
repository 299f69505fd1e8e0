import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classify } from '../../domain/ci/classification/classify.ts';
import type { Paint } from '../../cli/run/format.ts';
import { verdictLines } from '../../cli/verdicts/format.ts';

const MARKED: Paint = {
  good: (text) => `<good>${text}</>`,
  bad: (text) => `<bad>${text}</>`,
  quiet: (text) => text,
  strong: (text) => text,
};

test('a person reads the fault, its line between its neighbours, and the advice', () => {
  const log = 'a\nb\n/bin/ld: cannot find -lcudart: No such file\nd\nCUDA error: misaligned address\n';
  const lines = verdictLines(classify({ stage: 'build' }, log), MARKED);
  assert.equal(
    lines[0]?.startsWith('<bad>✘ build-link/missing-library</>  confidence 0.95 · scope code'),
    true,
  );
  assert.deepEqual(lines.slice(1, 4), [
    '    2 │ b',
    '  ▸ 3 │ /bin/ld: cannot find -lcudart: No such file',
    '    4 │ d',
  ]);
  assert.match(lines[4] ?? '', /cudart/);
  assert.ok(lines.some((line) => line.startsWith('  also: gpu-code/') && line.endsWith(' in line 5')));
});

test('nothing of a log can steer the terminal', () => {
  const log = 'No space left on device \u0007\u009b31m\u0000 \u001b]0;title\u0007\n';
  const text = verdictLines(classify({}, log), MARKED).join('');
  // oxlint-disable-next-line no-control-regex -- those are what must not be there
  assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f]/);
});

test('what is no fault looks good', () => {
  assert.match(verdictLines(classify({ outcome: 'built' }, 'x'), MARKED)[0] ?? '', /^<good>✔ none\//);
});
