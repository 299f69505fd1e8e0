import assert from 'node:assert/strict';
import { test } from 'node:test';

import { classify } from '../../../../domain/ci/classification/classify.ts';
import { EVIDENCE_OUTCOMES } from '../../../../domain/ci/classification/evidence.ts';
import { FACT_RULES } from '../../../../domain/ci/classification/fact-rules.ts';
import { RULES } from '../../../../domain/ci/classification/rules/index.ts';

const ruleOf = (id: string): string => id.split(':')[0] ?? id;

test('every rule of facts decides its example', () => {
  for (const { id, example, log } of FACT_RULES) assert.equal(ruleOf(classify(example, log ?? '').rule), id);
});

test('whatever a verdict names as its rule can be looked up', () => {
  const known = new Set([...FACT_RULES, ...RULES].map(({ id }) => id));
  assert.equal(known.size, FACT_RULES.length + RULES.length);
  for (const outcome of EVIDENCE_OUTCOMES)
    for (const log of ['', 'x\n', 'make: *** Error 2\n'])
      for (const signal of [undefined, 9, 12])
        for (const fixedOutput of [true, false]) {
          const { rule } = classify(
            { outcome, fixedOutput, ...(signal === undefined ? {} : { signal }) },
            log,
          );
          assert.ok(known.has(ruleOf(rule)), rule);
        }
});
