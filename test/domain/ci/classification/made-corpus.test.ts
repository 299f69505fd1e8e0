/** The second corpus (test/corpus-made): the logs as they were recorded, so that none of the tools is needed. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Stage } from '../../../../domain/ci/classification/taxonomy.ts';
import { CASES } from '../../../corpus-made/cases/index.ts';
import { falseAlarms, judgeRow, shareOf, type Labelled } from '../../../support/labelled-logs.ts';

type MadeLog = Labelled & { readonly stage: Stage };

const ROWS = readFileSync(new URL('../../../corpus-made/failures.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as MadeLog);

test('every case has a log, under the label that its script gives it', () => {
  assert.deepEqual(
    ROWS.map((row) => [row.id, `${row.class}/${row.subclass}`, row.stage]),
    CASES.map(({ id, label, stage }) => [id, label, stage]),
  );
  assert.ok(ROWS.filter(({ class: name }) => name !== 'none').length >= 100);
});

for (const [name, evidenceOf] of [
  ['by the log alone', () => ({})],
  [
    'with the stage and the outcome',
    ({ stage, class: label }: MadeLog) => ({
      stage,
      ...(label === 'none' ? {} : { outcome: 'failed' as const }),
    }),
  ],
] as const) {
  test(`real tools' failures get the class that people gave them, ${name}`, (t) => {
    const judged = ROWS.map((row) => judgeRow(row, evidenceOf(row)));
    for (const { row, verdict } of judged.filter(({ isClass }) => !isClass))
      t.diagnostic(
        `${row.id} ${row.class}/${row.subclass} ← ${verdict.class}/${verdict.subclass} by ${verdict.rule}`,
      );
    assert.deepEqual(
      falseAlarms(judged).map(({ row }) => row.id),
      [],
    );
    assert.ok(shareOf(judged, ({ isClass }) => isClass) >= 0.95);
    assert.ok(shareOf(judged, ({ isFamily }) => isFamily) >= 0.93);
  });
}
