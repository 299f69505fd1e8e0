import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { classify } from '../../../../domain/ci/classification/classify.ts';
import type { ArchitectureResult, Evidence } from '../../../../domain/ci/classification/evidence.ts';

const gpu = (more: Evidence = {}): Evidence => ({
  stage: 'gpu-test',
  outcome: 'failed',
  architecture: 'sm_120',
  ...more,
});
const ILLEGAL = 'RuntimeError: CUDA error: an illegal memory access was encountered';
const TOO_OLD = 'CUDA error: CUDA driver version is insufficient for CUDA runtime version';
const NO_LIBCUDA = 'OSError: libcuda.so.1: cannot open shared object file: No such file or directory';
const result = (architecture: string, outcome: 'passed' | 'failed', host = 'ada'): ArchitectureResult => ({
  architecture,
  outcome,
  host,
});

describe('the canary', () => {
  test('moves a fault to the host where it fails too', () => {
    const verdict = classify(gpu({ host: { canary: 'failed' } }), ILLEGAL);
    assert.deepEqual([verdict.class, verdict.scope, verdict.retry], ['gpu-code', 'host', 'other']);
    assert.match(verdict.explanation, /quarantine the host/);
  });

  test('leaves the fault with the package where it passes', () => {
    assert.equal(classify(gpu({ host: { canary: 'passed' } }), ILLEGAL).scope, 'code');
  });

  test('tells a missing driver from a missing runpath', () => {
    const broken = classify(gpu({ host: { canary: 'failed' } }), NO_LIBCUDA);
    const sound = classify(gpu({ host: { canary: 'passed' } }), NO_LIBCUDA);
    assert.deepEqual([broken.subclass, broken.scope], ['libcuda-missing-driver', 'host']);
    assert.deepEqual([sound.subclass, sound.scope], ['libcuda-missing-runpath', 'code']);
    assert.ok(sound.confidence > classify(gpu(), NO_LIBCUDA).confidence);
  });

  test('says nothing of faults that need no GPU', () => {
    const log = "error: attribute 'cudnn' missing";
    assert.deepEqual(
      classify({ outcome: 'failed', host: { canary: 'failed' } }, log),
      classify({ outcome: 'failed' }, log),
    );
  });
});

describe('the versions of driver and toolkit', () => {
  test('confirm a driver that is too old', () => {
    const verdict = classify(gpu({ host: { driverCuda: '12.4' }, toolkitCuda: '13.0' }), TOO_OLD);
    assert.deepEqual([verdict.class, verdict.confidence], ['driver-mismatch', 0.95]);
  });

  test('unmask a libcuda that was not found', () => {
    const verdict = classify(gpu({ host: { driverCuda: '13.0' }, toolkitCuda: '12.9' }), TOO_OLD);
    assert.equal(`${verdict.class}/${verdict.subclass}`, 'runtime-load/libcuda-not-found-reported-as-driver');
    assert.equal(verdict.scope, 'code');
  });

  test('are compared part by part, as numbers', () => {
    const cases = { '12.9': 'driver-mismatch', '12.10': 'runtime-load', '13': 'runtime-load' };
    for (const [driverCuda, expected] of Object.entries(cases)) {
      const evidence = gpu({ host: { driverCuda }, toolkitCuda: '12.10' });
      assert.equal(classify(evidence, TOO_OLD).class, expected, driverCuda);
    }
  });
});

describe('the results of other architectures', () => {
  const cases: Readonly<Record<string, { results: ArchitectureResult[]; scope: string; retry: string }>> = {
    'a second host of this architecture passes: the host': {
      results: [result('sm_120', 'passed', 'grace')],
      scope: 'host',
      retry: 'other',
    },
    'every architecture fails: the package': {
      results: [result('sm_120', 'failed'), result('sm_90', 'failed'), result('sm_89', 'failed')],
      scope: 'code',
      retry: 'no',
    },
    'only this one fails, on two hosts: the architecture': {
      results: [result('sm_120', 'failed', 'grace'), result('sm_90', 'passed')],
      scope: 'architecture',
      retry: 'no',
    },
    'another one passes and nothing more is known: as the line says': {
      results: [result('sm_90', 'passed')],
      scope: 'code',
      retry: 'same',
    },
  };
  for (const [name, { results, scope, retry }] of Object.entries(cases)) {
    test(name, () => {
      const verdict = classify(gpu({ otherArchitectures: results }), ILLEGAL);
      assert.deepEqual([verdict.scope, verdict.retry], [scope, retry]);
    });
  }

  test('say the same of a canary that passes here', () => {
    const evidence = gpu({ host: { canary: 'passed' }, otherArchitectures: [result('sm_90', 'passed')] });
    assert.equal(classify(evidence, ILLEGAL).scope, 'architecture');
  });

  test('make a missing kernel image surer', () => {
    const log = 'CUDA error: no kernel image is available for execution on the device';
    const alone = classify(gpu(), log);
    const beside = classify(gpu({ otherArchitectures: [result('sm_90', 'passed')] }), log);
    assert.ok(beside.confidence > alone.confidence);
    assert.equal(beside.class, 'arch-specific');
  });

  test('do not excuse a host whose driver is wrong', () => {
    const log = 'Failed to initialize NVML: Driver/library version mismatch';
    const verdict = classify(gpu({ otherArchitectures: [result('sm_90', 'failed')] }), log);
    assert.equal(verdict.scope, 'host');
  });
});

describe('earlier attempts of the same derivation', () => {
  test('that succeeded show a flake, which is worth one more attempt', () => {
    const log = 'FAILED tests/test_a.py::test_close - AssertionError: Tensor-likes are not close!';
    const verdict = classify(
      gpu({ earlier: [{ outcome: 'failed' }, { outcome: 'built', host: 'ada' }] }),
      log,
    );
    assert.equal(verdict.suspectedFlake, true);
    assert.notEqual(verdict.retry, 'no');
  });

  test('that failed too show none', () => {
    assert.equal(classify(gpu({ earlier: [{ outcome: 'failed' }] }), ILLEGAL).suspectedFlake, false);
  });

  test('do not make a flake of what the package alone decides', () => {
    const verdict = classify(
      { outcome: 'failed', earlier: [{ outcome: 'built' }] },
      'x.cu(3): error: identifier "foo" is undefined',
    );
    assert.equal(verdict.suspectedFlake, false);
  });
});
