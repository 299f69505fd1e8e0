import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import * as fc from 'fast-check';

import { classify, createClassifier } from '../../../../domain/ci/classification/classify.ts';
import type { Evidence } from '../../../../domain/ci/classification/evidence.ts';
import { RULES } from '../../../../domain/ci/classification/rules/index.ts';
import { FAILURE_CLASSES } from '../../../../domain/ci/classification/taxonomy.ts';
import type { Verdict } from '../../../../domain/ci/classification/verdict.ts';

const LOG = `Running phase: buildPhase
[ 12%] Building CUDA object a.cu.o\r[ 13%] Building CUDA object b.cu.o
\u001b[31mnvcc fatal   : Unsupported gpu architecture ‘compute_70’\u001b[0m
make[2]: *** [a.cu.o] Error 1
error: builder for '/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-x.drv' failed with exit code 2`;

const FATAL = "ptxas fatal   : Unresolved extern function 'nvshmem_init'";

function classifyChunks(evidence: Evidence, chunks: readonly (string | Uint8Array)[]): Verdict {
  const classifier = createClassifier(evidence);
  for (const chunk of chunks) classifier.write(chunk);
  return classifier.end();
}

describe('a verdict', () => {
  const verdict = classify({ stage: 'build', outcome: 'failed' }, LOG);

  test('is the same wherever the log is cut, as text or as bytes', () => {
    const bytes = new TextEncoder().encode(LOG);
    for (let cut = 1; cut < LOG.length; cut += 7) {
      const evidence: Evidence = { stage: 'build', outcome: 'failed' };
      assert.deepEqual(classifyChunks(evidence, [LOG.slice(0, cut), LOG.slice(cut)]), verdict);
      assert.deepEqual(classifyChunks(evidence, [bytes.subarray(0, cut), bytes.subarray(cut)]), verdict);
    }
  });

  test('is plain JSON', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(verdict)), verdict);
  });

  test('explains in a sentence and names what the line named', () => {
    assert.match(verdict.explanation, /compute_70/);
    assert.doesNotMatch(verdict.explanation, /[{}…]/);
  });

  test('does not depend on what was classified before', () => {
    const log = "error: attribute 'cudnn' missing";
    const alone = classify({}, log);
    classify({ stage: 'gpu-test', outcome: 'failed' }, LOG);
    assert.deepEqual(classify({}, log), alone);
  });

  test('is drawn by two classifiers at once as by one alone', () => {
    const one = createClassifier({ stage: 'build', outcome: 'failed' });
    const other = createClassifier({});
    for (const line of LOG.split('\n')) {
      one.write(`${line}\n`);
      other.write(`warning: ${line.length}\n`);
    }
    assert.equal(one.end().subclass, verdict.subclass);
    assert.equal(other.end().class, 'insufficient-evidence');
  });
});

describe('hostile logs', () => {
  const MEBIBYTE = 1024 * 1024;
  const random = (() => {
    let state = 42;
    return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
  })();

  test('of binary rubbish are survived, and a line after it is found', () => {
    const rubbish = Uint8Array.from({ length: MEBIBYTE }, () => random() >>> 24);
    const verdict = classifyChunks({ stage: 'build', outcome: 'failed' }, [
      rubbish,
      new TextEncoder().encode(`\n${FATAL}\n`),
    ]);
    assert.equal(verdict.class, 'build-compile');
  });

  const longLines: Readonly<Record<string, string>> = {
    blanks: ' '.repeat(MEBIBYTE),
    'one character': 'a'.repeat(MEBIBYTE),
    zeros: '0'.repeat(MEBIBYTE),
    'a word of errors': 'error: '.repeat(MEBIBYTE / 7),
    quotes: "'".repeat(MEBIBYTE),
    'carriage returns': 'error\r'.repeat(MEBIBYTE / 6),
    escapes: '\u001b[31m'.repeat(MEBIBYTE / 5),
    'broken escapes': '\u001b['.repeat(MEBIBYTE / 2),
    'an unclosed link': `\u001b]8;;${'x'.repeat(MEBIBYTE)}`,
    paths: '/nix/store/'.repeat(MEBIBYTE / 11),
    JSON: `{"error":"${String.raw`\n`.repeat(MEBIBYTE / 2)}"}`,
  };
  for (const [name, line] of Object.entries(longLines)) {
    test(`of a line of a mebibyte are survived: ${name}`, () => {
      const verdict = classify({ stage: 'build', outcome: 'failed' }, `${line}\n${FATAL}\n`);
      assert.equal(verdict.class, 'build-compile');
      assert.ok((verdict.evidence?.before?.length ?? 0) <= 500);
    });
  }

  test('do not hide a message in the middle of a line of a mebibyte', () => {
    const log = `${'x '.repeat(300_000)}${FATAL} ${'y '.repeat(300_000)}`;
    const verdict = classify({ stage: 'build', outcome: 'failed' }, log);
    assert.equal(verdict.class, 'build-compile');
    assert.ok((verdict.evidence?.text.length ?? 0) <= 500);
  });

  test('made of the pieces of all rules do not break the classifier', () => {
    const words = [...new Set(RULES.flatMap(({ examples }) => examples.join(' ').split(/[\s:]+/)))];
    const piece = fc.oneof(
      fc.constantFrom(...words),
      fc.string({ maxLength: 8 }),
      fc.constantFrom(': ', "'", '\n', '\r', '\u001b[0m', '> ', '(', '{"', '\\n'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 80 }), fc.boolean(), (pieces, isFailure) => {
        const verdict = classify(isFailure ? { outcome: 'failed' } : {}, pieces.join(' '));
        assert.ok(FAILURE_CLASSES.includes(verdict.class));
        assert.ok(verdict.confidence >= 0 && verdict.confidence <= 1);
        assert.match(verdict.fingerprint, /^[0-9a-f]{16}$/);
        assert.deepEqual(JSON.parse(JSON.stringify(verdict)), verdict);
      }),
      { numRuns: 500 },
    );
  });

  test('of random text are no known fault', () => {
    const text = fc.string({ unit: 'binary', maxLength: 400 });
    fc.assert(
      fc.property(text, (log) => {
        const verdict = classify({ outcome: 'failed' }, log);
        assert.ok(['insufficient-evidence', 'infra'].includes(verdict.class), verdict.rule);
      }),
      { numRuns: 300 },
    );
  });
});

describe('any evidence', () => {
  test('makes a verdict', () => {
    const evidence = fc.record(
      {
        stage: fc.constantFrom('evaluation', 'fetch', 'build', 'gpu-test', 'measure'),
        outcome: fc.constantFrom(
          'built',
          'failed',
          'hash-mismatch',
          'timed-out',
          'aborted',
          'cancelled',
          'log-limit',
        ),
        nixExit: fc.nat(255),
        exitCode: fc.nat(255),
        signal: fc.nat(70),
        fixedOutput: fc.boolean(),
        nixMessage: fc.constantFrom('', 'error: unexpected end-of-file', '       > error: x'),
        host: fc.record(
          {
            name: fc.constantFrom('', 'ada'),
            xids: fc.array(fc.record({ code: fc.nat(300) }), { maxLength: 2 }),
            freeBytes: fc.constantFrom(0, 1e12),
            oomKills: fc.nat(1),
            canary: fc.constantFrom('passed', 'failed', 'not-run'),
            driverCuda: fc.constantFrom('', '12.4', 'x'),
          },
          { requiredKeys: [] },
        ),
        toolkitCuda: fc.constantFrom('', '12.4', '13.0'),
        closureToolchains: fc.array(fc.constant('/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-gcc'), {
          maxLength: 1,
        }),
      },
      { requiredKeys: [] },
    );
    const log = fc.constantFrom('', 'x', FATAL, 'CUDA error: unknown error', 'No space left on device');
    fc.assert(
      fc.property(evidence, log, (given, text) => {
        const verdict = classify(given, text);
        assert.ok(FAILURE_CLASSES.includes(verdict.class));
        assert.match(verdict.explanation, /\S/);
      }),
      { numRuns: 500 },
    );
  });
});
