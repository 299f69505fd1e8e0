import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { attributeFailure } from '../../../../domain/ci/comparison/attribute.ts';
import type { Comparison } from '../../../../domain/ci/comparison/comparison.ts';
import type { CheckResult, CodeInventory } from '../../../../domain/ci/comparison/results.ts';

/**
 * Results in short: `SIDE HOST ARCHITECTURE DRIVER OUTCOME CANARY`, where side is `head`, `base`, `head-nocuda` or
 * `base-nocuda`, `-` is not known, outcome is `ok`, `bad`, `skipped` or `lost`, and canary `c+`, `c-` or `c?`.
 */
function parse(lines: readonly string[]): CheckResult[] {
  return lines.map((line) => {
    const [side = '', host = '', architecture = '', driver = '', outcome = '', canary = ''] =
      line.split(/\s+/);
    return {
      side: side.startsWith('base') ? 'base' : 'head',
      variant: side.endsWith('nocuda') ? 'nocuda' : 'cuda',
      host,
      architecture: architecture === '-' ? null : architecture,
      driver: driver === '-' ? null : driver,
      outcome: OUTCOMES[outcome] ?? assert.fail(line),
      canary: canary === 'c+' ? 'passed' : canary === 'c-' ? 'failed' : null,
    };
  });
}
const OUTCOMES: Readonly<Record<string, CheckResult['outcome']>> = {
  ok: 'passed',
  bad: 'failed',
  skipped: 'not-tested',
  lost: 'infrastructure',
};

interface Case {
  readonly results: readonly string[];
  readonly code?: CodeInventory;
  /** `kind by comparison`, or `undecided: candidates`. */
  readonly expected: string;
  readonly missing?: readonly string[];
  readonly says?: RegExp;
}

/** The seven rows of reference/cuda.md §4.3. */
const REFERENCE: Readonly<Record<string, Case>> = {
  'fails on every GPU host, canary passes': {
    results: [
      'head ada sm_89 570 bad c+',
      'head pascal sm_61 570 bad c+',
      'base ada sm_89 570 ok c+',
      'base pascal sm_61 570 ok c+',
    ],
    expected: 'code by architectures',
    says: /every host \(ada \(sm_89\), pascal \(sm_61\)\), where the known good check passes/,
  },
  'fails on all hosts of one architecture, canary passes there': {
    results: ['head p1 sm_61 570 bad c+', 'head p2 sm_61 570 bad c+', 'head ada sm_89 570 ok c+'],
    expected: 'architecture by architectures',
    says: /all 2 hosts with sm_61 fail alike/,
  },
  'fails on one host, passes on another of the same architecture': {
    results: ['head a1 sm_89 570 bad c+', 'head a2 sm_89 570 ok c+'],
    expected: 'host by hosts',
    says: /fails on a1 and passes on a2/,
  },
  'only host of an architecture, canary fails': {
    results: ['head pascal sm_61 570 bad c-', 'head ada sm_89 570 ok c+'],
    expected: 'host by canary',
    says: /quarantine/,
  },
  'only host, canary passes, cubins of that architecture missing': {
    results: ['head pascal sm_61 570 bad c+', 'head ada sm_89 570 ok c+'],
    code: { sm_61: false, sm_89: true },
    expected: 'architecture by code-inventory',
    says: /neither cubin nor PTX/,
  },
  'only host, canary passes, cubins present': {
    results: ['head pascal sm_61 570 bad c+', 'head ada sm_89 570 ok c+'],
    code: { sm_61: true, sm_89: true },
    expected: 'undecided: code, architecture',
    missing: ['second-host'],
  },
  'passes on immediate retry on the same host': {
    results: ['head ada sm_89 570 bad c+', 'head ada sm_89 570 ok c+'],
    expected: 'flaky by repetition',
    says: /1 of 2 on ada/,
  },
};

const OTHERS: Readonly<Record<string, Case>> = {
  'passes everywhere': {
    results: ['head ada sm_89 570 ok c+', 'head pascal sm_61 570 ok c?'],
    expected: 'none by outcome',
  },
  'has not run': { results: ['base ada sm_89 570 ok c+'], expected: 'undecided: ', missing: ['head'] },
  'ran, but skipped every test': {
    results: ['head ada sm_89 570 skipped c+'],
    expected: 'undecided: ',
    missing: ['head'],
    says: /skipped its tests/,
  },
  'a skipped run is no pass on another host': {
    results: ['head a1 sm_89 570 bad c+', 'head a2 sm_89 570 skipped c+'],
    code: { sm_89: true },
    expected: 'undecided: code, architecture',
    missing: ['second-host', 'other-architecture', 'base'],
  },
  'every attempt was broken off': {
    results: ['head ada sm_89 570 lost c?', 'head pascal sm_61 570 lost c?'],
    expected: 'infrastructure by outcome',
  },
  'a broken off attempt beside a failure does not count': {
    results: [
      'head a1 sm_89 570 lost c?',
      'head a2 sm_89 570 bad c+',
      'head p1 sm_61 570 bad c+',
      'base a2 sm_89 570 ok c+',
      'base p1 sm_61 570 ok c+',
    ],
    expected: 'code by architectures',
  },
  'canary fails on all hosts': {
    results: ['head a1 sm_89 570 bad c-', 'head p1 sm_61 570 bad c-'],
    expected: 'infrastructure by canary',
    says: /all 2 hosts/,
  },
  'canary fails on every host of one driver only': {
    results: ['head a1 sm_89 580 bad c-', 'head a2 sm_89 580 bad c-', 'head p1 sm_61 570 ok c+'],
    expected: 'driver by drivers',
    says: /driver 580/,
  },
  'canary fails on one host, and the other host of its architecture passes': {
    results: ['head a1 sm_89 570 bad c-', 'head a2 sm_89 570 ok c+'],
    expected: 'host by canary',
  },
  'canary fails on one host, but the check fails on healthy ones too': {
    results: [
      'head a1 sm_89 570 bad c-',
      'head a2 sm_89 570 bad c+',
      'head p1 sm_61 570 bad c+',
      'base a2 sm_89 570 ok c+',
      'base p1 sm_61 570 ok c+',
    ],
    expected: 'code by architectures',
  },
  'a pass beside a failing canary still is a pass': {
    results: ['head a1 sm_89 570 ok c-', 'head a2 sm_89 570 bad c+'],
    expected: 'host by hosts',
  },
  'flaky on one host, passing on the other': {
    results: ['head a1 sm_89 570 bad c+', 'head a1 sm_89 570 ok c+', 'head p1 sm_61 570 ok c+'],
    expected: 'flaky by repetition',
  },
  'flaky on one host, failing always on another architecture': {
    results: [
      'head a1 sm_89 570 bad c+',
      'head a1 sm_89 570 ok c+',
      'head p1 sm_61 570 bad c+',
      'head p1 sm_61 570 bad c+',
    ],
    code: { sm_61: false },
    expected: 'architecture by code-inventory',
  },
  'fails three times of three on one host of two': {
    results: [
      'head a1 sm_89 570 bad c+',
      'head a1 sm_89 570 bad c+',
      'head a1 sm_89 570 bad c+',
      'head a2 sm_89 570 ok c+',
    ],
    expected: 'host by hosts',
  },
  'two hosts fail and have another driver than those that pass': {
    results: ['head a1 sm_89 580 bad c+', 'head a2 sm_89 580 bad c+', 'head a3 sm_89 570 ok c+'],
    expected: 'driver by drivers',
    says: /exactly the hosts with driver 580/,
  },
  'one host fails and has another driver': {
    results: ['head a1 sm_89 580 bad c+', 'head a2 sm_89 570 ok c+'],
    expected: 'undecided: host, driver',
    missing: ['other-driver'],
  },
  'one host fails with the driver that passes elsewhere': {
    results: ['head a1 sm_89 580 bad c+', 'head a2 sm_89 570 ok c+', 'head a3 sm_89 580 ok c+'],
    expected: 'host by hosts',
  },
  'one host fails, drivers are not known': {
    results: ['head a1 sm_89 - bad c+', 'head a2 sm_89 - ok c+'],
    expected: 'host by hosts',
  },
  'an architecture fails, and its driver is another one': {
    results: ['head p1 sm_61 570 bad c+', 'head a1 sm_89 580 ok c+'],
    code: { sm_61: true },
    expected: 'undecided: architecture, driver',
    missing: ['other-driver'],
  },
  'two architectures fail that share a driver, and the one that passes has another': {
    results: ['head p1 sm_61 580 bad c+', 'head v1 sm_70 580 bad c+', 'head a1 sm_89 570 ok c+'],
    expected: 'driver by drivers',
    says: /only driver 580 in common/,
  },
  'all hosts of one architecture fail, no canary was run': {
    results: ['head p1 sm_61 570 bad c?', 'head p2 sm_61 570 bad c?', 'head a1 sm_89 570 ok c?'],
    expected: 'architecture by architectures',
    missing: ['canary'],
  },
  'only host of an architecture, no canary': {
    results: ['head p1 sm_61 570 bad c?', 'head a1 sm_89 570 ok c?'],
    expected: 'undecided: host, architecture, code',
    missing: ['canary', 'code-inventory', 'second-host'],
  },
  'only host of an architecture, no canary, but the base passes on it': {
    results: ['head p1 sm_61 570 bad c?', 'head a1 sm_89 570 ok c?', 'base p1 sm_61 570 ok c?'],
    expected: 'undecided: code, architecture',
    missing: ['canary', 'code-inventory', 'second-host'],
  },
  'no code for the GPU, no canary': {
    results: ['head p1 sm_61 570 bad c?', 'head a1 sm_89 570 ok c?'],
    code: { sm_61: false },
    expected: 'architecture by code-inventory',
    missing: ['canary'],
  },
  'one GPU host in all': {
    results: ['head ada sm_89 570 bad c+', 'base ada sm_89 570 ok c+'],
    code: { sm_89: true },
    expected: 'undecided: code, architecture',
    missing: ['second-host', 'other-architecture'],
  },
  'two hosts of the only architecture': {
    results: [
      'head a1 sm_89 570 bad c+',
      'head a2 sm_89 570 bad c+',
      'base a1 sm_89 570 ok c+',
      'base a2 sm_89 570 ok c+',
    ],
    expected: 'undecided: code, architecture',
    missing: ['other-architecture'],
  },
  'every architecture fails, no canary and no base': {
    results: ['head a1 sm_89 570 bad c?', 'head p1 sm_61 570 bad c?'],
    expected: 'code by architectures',
    missing: ['canary', 'base'],
  },
  'the base fails in the same places': {
    results: [
      'head a1 sm_89 570 bad c+',
      'head p1 sm_61 570 bad c+',
      'base a1 sm_89 570 bad c+',
      'base p1 sm_61 570 bad c+',
    ],
    expected: 'pre-existing by base',
  },
  'the base fails on one of two architectures that fail': {
    results: [
      'head a1 sm_89 570 bad c+',
      'head p1 sm_61 570 bad c+',
      'base a1 sm_89 570 ok c+',
      'base p1 sm_61 570 bad c+',
    ],
    expected: 'code by architectures',
  },
  'the base fails on the only architecture that fails': {
    results: [
      'head a1 sm_89 570 ok c+',
      'head p1 sm_61 570 bad c+',
      'base a1 sm_89 570 ok c+',
      'base p1 sm_61 570 bad c+',
    ],
    expected: 'pre-existing by base',
  },
  'the base failed beside a failing canary, which does not count': {
    results: [
      'head a1 sm_89 570 bad c+',
      'head p1 sm_61 570 bad c+',
      'base a1 sm_89 570 bad c-',
      'base p1 sm_61 570 bad c-',
    ],
    expected: 'code by architectures',
  },
  'the base passed with the old driver and fails with the new one': {
    results: ['head a1 sm_89 580 bad c+', 'base a1 sm_89 570 ok c+', 'base a1 sm_89 580 bad c+'],
    expected: 'driver by drivers',
  },
  'revision and driver changed at once': {
    results: [
      'head a1 sm_89 580 bad c+',
      'head p1 sm_61 580 bad c+',
      'base a1 sm_89 570 ok c+',
      'base p1 sm_61 570 ok c+',
    ],
    expected: 'undecided: code, driver',
    missing: ['base'],
  },
  'fails without CUDA as well': {
    results: ['head a1 sm_89 570 bad c+', 'head-nocuda b1 - - bad c?', 'base-nocuda b1 - - ok c?'],
    expected: 'code by variant',
    says: /CUDA is not/,
  },
  'fails without CUDA, and so does the base': {
    results: ['head a1 sm_89 570 bad c+', 'head-nocuda b1 - - bad c?', 'base-nocuda b1 - - bad c?'],
    expected: 'pre-existing by base',
  },
  'fails without CUDA, the base was not built so': {
    results: ['head a1 sm_89 570 bad c+', 'head-nocuda b1 - - bad c?'],
    expected: 'code by variant',
    missing: ['base'],
  },
  'a build that fails with CUDA only': {
    results: ['head b1 - - bad c?', 'head-nocuda b1 - - ok c?', 'base b1 - - ok c?'],
    expected: 'code by outcome',
  },
};

const told = ({ kind, candidates, decidedBy }: Comparison): string =>
  kind === 'undecided' ? `undecided: ${candidates.join(', ')}` : `${kind} by ${decidedBy}`;

function judge(cases: Readonly<Record<string, Case>>): void {
  for (const [name, { results, code = {}, expected, missing = [], says = /./ }] of Object.entries(cases)) {
    test(name, () => {
      const comparison = attributeFailure({ results: parse(results), code });
      assert.equal(told(comparison), expected, comparison.sentence);
      assert.deepEqual(
        comparison.missing.map(({ what }) => what),
        missing,
        comparison.sentence,
      );
      assert.match(comparison.sentence, says);
      assert.match(comparison.sentence, /^[A-Z].{20,}\.$/);
      assert.equal(comparison.confidence > 0, comparison.kind !== 'undecided');
      const reversed = attributeFailure({ results: parse(results.toReversed()), code });
      assert.equal(told(reversed), expected, 'the order of results does not matter');
    });
  }
}

describe('the verdict table of the reference', () => judge(REFERENCE));
describe('further patterns', () => judge(OTHERS));

test('says whether CUDA takes part in the failure', () => {
  const cudaOnly = (...lines: string[]) => attributeFailure({ results: parse(lines) }).cudaOnly;
  assert.equal(cudaOnly('head b1 - - bad c?', 'head-nocuda b1 - - ok c?'), true);
  assert.equal(cudaOnly('head b1 - - bad c?', 'head-nocuda b1 - - bad c?'), false);
  assert.equal(cudaOnly('head b1 - - bad c?'), null);
});

test('another host that passes never makes the package more at fault', () => {
  // A property of the table: with a passing host of the same architecture added, `code` is never the verdict.
  for (const { results, code = {} } of [...Object.values(REFERENCE), ...Object.values(OTHERS)]) {
    const parsed = parse(results);
    const failing = parsed.find(
      ({ side, variant, outcome }) => side === 'head' && variant === 'cuda' && outcome === 'failed',
    );
    if (
      failing === undefined ||
      parsed.some(({ variant, outcome }) => variant === 'nocuda' && outcome === 'failed')
    )
      continue;
    const everywhere = parsed
      .filter(({ side, variant }) => side === 'head' && variant === 'cuda')
      .map((result) => ({
        ...result,
        host: 'healthy',
        outcome: 'passed' as const,
        canary: 'passed' as const,
      }));
    const { kind } = attributeFailure({ results: [...parsed, ...everywhere], code });
    assert.ok(['host', 'flaky', 'driver', 'undecided'].includes(kind), `${kind}: ${results.join('; ')}`);
  }
});
