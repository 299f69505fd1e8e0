import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { classify } from '../../../../domain/ci/classification/classify.ts';
import type { Verdict } from '../../../../domain/ci/classification/verdict.ts';
import type { LabelledLog } from '../../../support/corpus.ts';
import { readCorpus } from '../../../support/corpus.ts';

interface Judged extends LabelledLog {
  readonly verdict: Verdict;
  readonly isClass: boolean;
  readonly isSubclass: boolean;
}

function judge(row: LabelledLog): Judged {
  const verdict = classify({}, row.log);
  const isClass = verdict.class === row.class;
  return { ...row, verdict, isClass, isSubclass: isClass && verdict.subclass === row.subclass };
}

/** Which half a row is in depends on its id alone (FNV-1a), so that no one can choose. */
function half(id: string): 'tuned' | 'held-out' {
  let hash = 0x811c9dc5;
  for (const character of id) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return hash % 2 === 0 ? 'tuned' : 'held-out';
}

const share = (rows: readonly Judged[], of: (row: Judged) => boolean): number =>
  rows.length === 0 ? 1 : rows.filter(of).length / rows.length;

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

function printShares(t: TestContext, name: string, rows: readonly Judged[]): void {
  const classes = percent(share(rows, (row) => row.isClass));
  const subclasses = percent(share(rows, (row) => row.isSubclass));
  t.diagnostic(
    `${name.padEnd(9)} n=${String(rows.length).padStart(3)}  class ${classes}  subclass ${subclasses}`,
  );
}

/** Predicted against measured: in each band of confidence, the share of right classes. */
function printCalibration(t: TestContext, rows: readonly Judged[]): void {
  t.diagnostic('confidence     n  predicted  measured');
  for (const [low, high] of [
    [0, 0.6],
    [0.6, 0.75],
    [0.75, 0.85],
    [0.85, 0.92],
    [0.92, 0.96],
    [0.96, 1.01],
  ] as const) {
    const band = rows.filter(({ verdict }) => verdict.confidence >= low && verdict.confidence < high);
    if (band.length === 0) continue;
    const predicted = band.reduce((sum, { verdict }) => sum + verdict.confidence, 0) / band.length;
    const range = `${low.toFixed(2)}–${Math.min(high, 1).toFixed(2)}`;
    t.diagnostic(
      `${range}  ${String(band.length).padStart(4)}   ${percent(predicted).padStart(7)}   ${percent(share(band, (row) => row.isClass)).padStart(7)}`,
    );
  }
}

test('real excerpts get the class and subclass that people gave them', (t) => {
  const corpus = readCorpus();
  if (corpus === null) return t.skip('no corpus beside this clone');
  const rows = corpus.map(judge);
  for (const row of rows.filter(({ isSubclass }) => !isSubclass)) {
    t.diagnostic(
      `${row.id} ${row.class}/${row.subclass} ← ${row.verdict.class}/${row.verdict.subclass} by ${row.verdict.rule}`,
    );
  }
  const heldOut = rows.filter(({ id }) => half(id) === 'held-out');
  printShares(t, 'whole', rows);
  printShares(
    t,
    'tuned',
    rows.filter(({ id }) => half(id) === 'tuned'),
  );
  printShares(t, 'held-out', heldOut);
  t.diagnostic('held-out half:');
  printCalibration(t, heldOut);
  for (const part of [rows, heldOut]) {
    assert.ok(share(part, (row) => row.isClass) >= 0.95);
    assert.ok(share(part, (row) => row.isSubclass) >= 0.85);
  }
});

test('a real excerpt keeps its verdict inside the noise that carriers put around it', (t) => {
  const corpus = readCorpus();
  if (corpus === null) return t.skip('no corpus beside this clone');
  const noises: Record<string, (line: string, index: number) => string> = {
    "Nix's tail": (line) => `       > ${line}`,
    'nix build -L': (line) => `python3.13-torch> ${line}`,
    nom: (line) => `┃        > ${line}`,
    colour: (line) => `\u001b[31;1m${line}\u001b[0m`,
    'DOS line ends': (line) => `${line}\r`,
    'a progress bar': (line) => `12%\r57%\r${line}`,
    timestamps: (line, index) => `2026-08-16T00:44:${String(index % 60).padStart(2, '0')}.8370000Z ${line}`,
    'a journal': (line) => `Aug 16 00:44:13 ada nix-daemon[3422]: ${line}`,
    'interleaved lines': (line, index) => `[${index}/900] Building CUDA object csrc/k${index}.cu.o\n${line}`,
  };
  for (const [name, noise] of Object.entries(noises)) {
    const changed = corpus
      .map(({ id, log }) => ({ id, log, verdict: classify({}, log) }))
      .filter(
        ({ log, verdict }) => classify({}, log.split('\n').map(noise).join('\n')).class !== verdict.class,
      )
      .map(({ id }) => id);
    t.diagnostic(`${name}: ${changed.length} of ${corpus.length} change class ${changed.join(' ')}`);
    assert.ok(changed.length <= corpus.length * 0.02, `${name} changes ${changed.join(', ')}`);
  }
});
