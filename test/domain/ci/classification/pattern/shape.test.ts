import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { compilePattern } from '../../../../../domain/ci/classification/pattern/pattern.ts';
import { requiredTexts } from '../../../../../domain/ci/classification/pattern/required-texts.ts';
import { parseShape } from '../../../../../domain/ci/classification/pattern/shape.ts';
import { RULES } from '../../../../../domain/ci/classification/rules/index.ts';

const sorted = (groups: string[][]): string[][] => groups.map((group) => group.toSorted());
const texts = (regex: RegExp): string[][] => requiredTexts(parseShape(regex), 4);

describe('the texts that an expression guarantees', () => {
  const cases: readonly (readonly [RegExp, string[][]])[] = [
    [/error: (?<x>\S+)/, [['error: ']]],
    [/(?:cannot|could not) open/, [['cannot open', 'could not open']]],
    [/[Ee]rror/, [['error']]],
    [/undefined (?:hidden )?symbol/, [['undefined symbol', 'undefined hidden symbol']]],
    [/nccl.{0,40}failed/, [['failed'], ['nccl']]],
    [/(?:abcd)?efgh/, [['efgh', 'abcdefgh']]],
    [/\bptxas {1,4}fatal/, [['ptxas fatal', 'ptxas  fatal', 'ptxas   fatal', 'ptxas    fatal']]],
    [/(?=lookahead)x{4}/, [['xxxx']]],
    [/(?:[a-z]+|word)/, []],
    [/\d+/, []],
    [/.*/, []],
  ];
  for (const [regex, expected] of cases) {
    test(String(regex), () => {
      assert.deepEqual(sorted(texts(regex)), sorted(expected));
    });
  }

  test('stand in every line of the examples that a rule matches', () => {
    const lines = RULES.flatMap(({ examples }) => examples.flatMap((example) => example.split('\n')));
    let matches = 0;
    for (const rule of RULES) {
      for (const pattern of [...rule.patterns, ...(rule.when ?? [])]) {
        const { match, literals, alsoLiterals } = compilePattern(pattern);
        for (const line of lines) {
          if (match(line) === null) continue;
          matches++;
          const lower = line.toLowerCase();
          for (const group of [literals, ...alsoLiterals])
            assert.ok(
              group.some((text) => lower.includes(text.toLowerCase())),
              `${String(pattern)}: ${line}`,
            );
        }
      }
    }
    assert.ok(matches > RULES.length);
  });
});

describe('a pattern', () => {
  test('is refused where the prefilter could not look for it, or where it keeps state', () => {
    for (const regex of [/\d+/, /a|bcdef/, /(?:x+)?/, /error/g, /error/y])
      assert.throws(() => compilePattern(regex), SyntaxError, String(regex));
    assert.throws(() => compilePattern('…abc…'), SyntaxError);
  });

  test('is refused where its structure is not understood', () => {
    for (const regex of [/(abcd)\1/, /\p{L}abcd/u, /abcd\x41/])
      assert.throws(() => parseShape(regex), SyntaxError);
  });

  test('knows whether it looks at the beginning of a line', () => {
    assert.equal(compilePattern('^error').atStart, true);
    assert.equal(compilePattern(/^error/).atStart, true);
    assert.equal(compilePattern(/(?:^|x)error/).atStart, true);
    assert.equal(compilePattern(/[^x]error/).atStart, false);
    assert.equal(compilePattern('error').atStart, false);
  });
});
