/**
 * How often verdicts are right: `npm run bench -- verdicts [FILE.jsonl]`. Without a file: the corpus beside the clone, split
 * by source thread, and the corpus made by this repository's scripts. Prints figures, asserts nothing.
 */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readCorpus } from '../support/corpus.ts';
import {
  calibration,
  falseAlarms,
  halfOf,
  judgeRow,
  shareOf,
  type Judged,
  type Labelled,
} from '../support/labelled-logs.ts';
import { benchClassify } from './classify.ts';

const MADE = fileURLToPath(new URL('../corpus-made/failures.jsonl', import.meta.url));

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`.padStart(8);

export function benchVerdicts(file?: string): void {
  if (file !== undefined) {
    report(
      file,
      readRows(file).map((row) => judgeRow(row)),
    );
    return;
  }
  const corpus = readCorpus();
  if (corpus === null) console.log('no corpus beside this clone: only the made one is judged');
  else {
    const judged = corpus.map((row) => judgeRow(row));
    for (const half of ['tuned', 'reported'] as const)
      report(
        `corpus, ${half} half (whole source threads)`,
        judged.filter(({ row }) => halfOf(row) === half),
      );
  }
  if (existsSync(MADE))
    report(
      'made corpus',
      readRows(MADE).map((row) => judgeRow(row)),
    );
  console.log('\nthroughput (goal: 64 MiB in 2 s, 200 MiB)');
  benchClassify();
}

function readRows(file: string): Labelled[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Labelled);
}

function report(title: string, judged: readonly Judged[]): void {
  const threads = new Set(judged.map(({ row }) => row.source)).size;
  console.log(`\n${title}: ${judged.length} logs of ${threads} sources`);
  console.log(
    `  class ${percent(shareOf(judged, ({ isClass }) => isClass))}   family ${percent(shareOf(judged, ({ isFamily }) => isFamily))}` +
      `   subclass ${percent(shareOf(judged, ({ isSubclass }) => isSubclass))}   harmless called a fault ${falseAlarms(judged).length}`,
  );
  console.log('  class                     n     class    family');
  for (const name of [...new Set(judged.map(({ row }) => row.class))].toSorted()) {
    const rows = judged.filter(({ row }) => row.class === name);
    const shares = [({ isClass }: Judged) => isClass, ({ isFamily }: Judged) => isFamily].map((of) =>
      percent(shareOf(rows, of)),
    );
    console.log(`  ${name.padEnd(22)} ${String(rows.length).padStart(4)}  ${shares.join('  ')}`);
  }
  console.log('  confidence         n  predicted   measured');
  for (const { low, high, count, predicted, measured } of calibration(judged))
    console.log(
      `  ${low.toFixed(2)}–${high.toFixed(2)}  ${String(count).padStart(8)}   ${percent(predicted)}   ${percent(measured)}`,
    );
  for (const { row, verdict } of judged.filter(({ isClass }) => !isClass))
    console.log(
      `  ✘ ${row.id}: ${row.class}/${row.subclass}, but ${verdict.class}/${verdict.subclass} by ${verdict.rule}`,
    );
}
