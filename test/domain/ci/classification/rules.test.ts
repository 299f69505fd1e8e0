import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { classify } from '../../../../domain/ci/classification/classify.ts';
import type { Evidence } from '../../../../domain/ci/classification/evidence.ts';
import { compilePattern } from '../../../../domain/ci/classification/pattern/pattern.ts';
import { parseShape } from '../../../../domain/ci/classification/pattern/shape.ts';
import type { Pattern, Rule } from '../../../../domain/ci/classification/rule.ts';
import { RULES } from '../../../../domain/ci/classification/rules/index.ts';
import { FAILURE_CLASSES } from '../../../../domain/ci/classification/taxonomy.ts';
import { readCorpus } from '../../../support/corpus.ts';
import { backtrackingBound } from '../../../support/pattern-cost.ts';

/** Paths tried from one place of a line at most; measured worst is below a millisecond for a window of 4 KiB. */
const MOST_PATHS = 10_000;

/** What a rule's examples need around them: the stage it insists on, and success if it is about silent faults there. */
function evidenceFor(rule: Rule): Evidence {
  const stage = rule.stages?.[0];
  if (rule.stageRequired !== true || stage === undefined) return {};
  return rule.silent === true ? { stage, outcome: 'built' } : { stage };
}

const ruleOf = (id: string): string => id.split(':')[0] ?? id;

describe('every classification rule', () => {
  for (const rule of RULES) {
    test(`${rule.id} decides its own examples and none of its counter-examples`, () => {
      assert.ok(rule.examples.length >= 2, 'a rule has two examples at least');
      for (const example of rule.examples) {
        const verdict = classify(evidenceFor(rule), example);
        assert.equal(
          ruleOf(verdict.rule),
          rule.id,
          `${example}\n→ ${verdict.class}/${verdict.subclass} by ${verdict.rule}`,
        );
        if (rule.codes === undefined && rule.rank !== 'cascade')
          assert.equal(verdict.subclass, rule.subclass);
      }
      for (const example of rule.counterExamples ?? []) {
        assert.notEqual(ruleOf(classify({}, example).rule), rule.id, example);
      }
    });
  }

  test('has an id of its own, a known class, a probability and one sentence of advice', () => {
    assert.equal(new Set(RULES.map(({ id }) => id)).size, RULES.length);
    for (const rule of RULES) {
      assert.ok(FAILURE_CLASSES.includes(rule.class), rule.id);
      assert.ok(rule.confidence > 0 && rule.confidence < 1, rule.id);
      assert.match(rule.explanation, /^\S.{20,}[.]$/, rule.id);
    }
  });

  test('takes from its line whatever its explanation names, or says words in its place', () => {
    for (const rule of RULES) {
      for (const [, name] of rule.explanation.matchAll(/\{(\w+)\}/g)) {
        const missing = rule.patterns.filter((pattern) => !namesPart(pattern, name ?? ''));
        assert.deepEqual(missing, [], `${rule.id}: {${name}} is not in every pattern`);
      }
    }
  });

  test('has examples that are not taken from the corpus', (t) => {
    const corpus = readCorpus();
    if (corpus === null) return t.skip('no corpus beside this clone');
    const logs = corpus.map(({ log }) => log).join('\n');
    for (const rule of RULES) {
      const own = rule.examples.filter((example) => !logs.includes(example));
      assert.ok(own.length >= 2, `${rule.id} has ${own.length} examples of its own`);
    }
  });
});

function namesPart(pattern: Pattern, name: string): boolean {
  const source = typeof pattern === 'string' ? pattern : pattern.source;
  return [`{${name}}`, `{_${name}}`, `(?<${name}>`, `(?<_${name}>`].some((part) => source.includes(part));
}

describe('every pattern', () => {
  const regexes = RULES.flatMap((rule) =>
    [...rule.patterns, ...(rule.excludes ?? []), ...(rule.when ?? []), ...(rule.unless ?? [])]
      .filter((pattern) => typeof pattern !== 'string')
      .map((regex) => ({ rule, regex })),
  );

  test('can be prefiltered by a text of four characters', () => {
    for (const rule of RULES) {
      for (const pattern of [...rule.patterns, ...(rule.when ?? []), ...(rule.unless ?? [])]) {
        assert.ok(compilePattern(pattern).literals.length > 0, `${rule.id}: ${String(pattern)}`);
      }
    }
  });

  test('tries a bounded number of ways from each place, so that its time is linear', (t) => {
    const bounds = regexes.map(({ rule, regex }) => ({
      id: rule.id,
      regex,
      bound: backtrackingBound(parseShape(regex)),
    }));
    for (const { id, regex, bound } of bounds)
      assert.ok(bound <= MOST_PATHS, `${id}: ${String(regex)} has ${bound}`);
    const worst = bounds.reduce((most, each) => (each.bound > most.bound ? each : most));
    t.diagnostic(`${regexes.length} expressions, worst bound ${worst.bound} in ${worst.id}`);
  });

  test('is refused by the proof where it could run away', () => {
    for (const regex of [/(?:a+)+b/, /(?:a|aa)+b/, /\s*\s*\s*x/, /x.*y/, /(?:.{0,400}a){4}/]) {
      assert.ok(backtrackingBound(parseShape(regex)) > MOST_PATHS, String(regex));
    }
    for (const regex of [/\d+ x/, /a.{0,80}b/, /(?:cat|dog)s?$/]) {
      assert.ok(backtrackingBound(parseShape(regex)) <= MOST_PATHS, String(regex));
    }
  });

  test('survives lines made to hurt it', (t) => {
    let worst = { id: '', milliseconds: 0 };
    for (const { rule, regex } of regexes) {
      for (const line of hurtfulLines(regex)) {
        const started = performance.now();
        regex.test(line);
        const milliseconds = performance.now() - started;
        if (milliseconds > worst.milliseconds) worst = { id: rule.id, milliseconds };
      }
    }
    t.diagnostic(
      `slowest expression on a hurtful line of 4 KiB: ${worst.id}, ${worst.milliseconds.toFixed(2)} ms`,
    );
  });
});

/** Lines of a window's length made of the expression's own pieces, repeated so that matching starts again and again. */
function hurtfulLines(regex: RegExp): string[] {
  const length = 4_096;
  const fill = (text: string): string => text.repeat(Math.ceil(length / text.length)).slice(0, length);
  const pieces = regex.source
    .replace(/\(\?(?::|<\w+>|<?[=!])/g, ' ')
    .split(/[()|[\]{}^$.*+?\\]+/)
    .filter((piece) => piece.length > 1);
  const all = pieces.join(' ');
  return [
    fill('a'),
    fill(' '),
    fill('0'),
    fill("'"),
    fill(all === '' ? 'x' : all),
    ...pieces.slice(0, 6).map((piece) => fill(`${piece} `)),
  ];
}
