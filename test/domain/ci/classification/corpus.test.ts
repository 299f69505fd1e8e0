import assert from 'node:assert/strict';
import { test } from 'node:test';

import { classify } from '../../../../domain/ci/classification/classify.ts';
import { readCorpus } from '../../../support/corpus.ts';
import { falseAlarms, halfOf, judgeRow, shareOf } from '../../../support/labelled-logs.ts';

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

test('real excerpts get the class and the family of subclasses that people gave them', (t) => {
  const corpus = readCorpus();
  if (corpus === null) return t.skip('no corpus beside this clone');
  const judged = corpus.map((row) => judgeRow(row));
  for (const { row, verdict } of judged.filter(({ isSubclass }) => !isSubclass)) {
    t.diagnostic(
      `${row.id} ${row.class}/${row.subclass} ← ${verdict.class}/${verdict.subclass} by ${verdict.rule}`,
    );
  }
  const reported = judged.filter(({ row }) => halfOf(row) === 'reported');
  for (const [name, part] of [
    ['whole', judged],
    ['reported half', reported],
  ] as const) {
    const [classes, families] = [
      shareOf(part, ({ isClass }) => isClass),
      shareOf(part, ({ isFamily }) => isFamily),
    ];
    t.diagnostic(`${name} n=${part.length}  class ${percent(classes)}  family ${percent(families)}`);
    assert.ok(classes >= 0.95);
    assert.ok(families >= 0.85);
  }
  assert.deepEqual(
    falseAlarms(judged).map(({ row }) => row.id),
    [],
  );
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
