import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { classify } from '../../../../domain/ci/classification/classify.ts';
import type { Evidence } from '../../../../domain/ci/classification/evidence.ts';
import { outcomeOf } from '../../../../domain/ci/classification/facts.ts';

interface Case {
  readonly evidence: Evidence;
  readonly log?: string;
  readonly expected: string;
  readonly source?: 'log' | 'nix' | 'fact';
}

const COMPILE = 'x.cu(3): error: expression must have a constant value';
const GIB = 1024 ** 3;

const CASES: Readonly<Record<string, Case>> = {
  'a success is no fault': {
    evidence: { outcome: 'built' },
    log: COMPILE,
    expected: 'none/built',
  },
  'a substituted output is no fault': { evidence: { outcome: 'substituted' }, expected: 'none/built' },
  'Nix says that the hash differs': {
    evidence: { outcome: 'hash-mismatch', fixedOutput: true },
    log: 'curl: (22) The requested URL returned error: 404',
    expected: 'fetch-failure/hash-mismatch',
    source: 'fact',
  },
  'Nix says that a dependency failed': {
    evidence: { outcome: 'dependency-failed' },
    log: COMPILE,
    expected: 'dependency-failed/dependency-failed',
  },
  'a cancelled attempt says nothing': {
    evidence: { outcome: 'cancelled' },
    log: COMPILE,
    expected: 'none/cancelled',
  },
  'no builder has the feature': {
    evidence: { outcome: 'unsupported' },
    expected: 'infra/missing-system-feature',
  },
  'the log was too long': {
    evidence: { outcome: 'log-limit' },
    log: COMPILE,
    expected: 'build-output/log-limit',
  },
  'the output was too large': {
    evidence: { outcome: 'output-limit' },
    expected: 'build-output/output-limit',
  },
  'two builds differ': {
    evidence: { outcome: 'not-deterministic' },
    expected: 'build-output/not-deterministic',
  },
  'the build took too long': {
    evidence: { outcome: 'timed-out', limits: { timeoutSeconds: 36_000 } },
    log: '[ 99%] Building CUDA object a.o',
    expected: 'infra/build-timeout',
  },
  'the build said nothing for too long': {
    evidence: { outcome: 'silent-timed-out', limits: { silentSeconds: 3_600 } },
    log: 'warning: x',
    expected: 'infra/silent-timeout',
  },
  'a collective that hung is why the time ran out': {
    evidence: { stage: 'gpu-test', outcome: 'timed-out' },
    log: '[rank0]:[E ProcessGroupNCCL.cpp:616] [Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=4, OpType=ALLREDUCE) ran for 600000 milliseconds before timing out.',
    expected: 'collective/nccl-watchdog-timeout',
    source: 'log',
  },
  'broken hardware is why the time ran out': {
    evidence: { stage: 'gpu-test', outcome: 'silent-timed-out', host: { xids: [{ code: 79 }] } },
    expected: 'gpu-hardware/xid-79',
  },
  'an Xid outranks every line': {
    evidence: { stage: 'gpu-test', outcome: 'failed', host: { xids: [{ code: 48, pci: '0000:3b:00' }] } },
    log: 'RuntimeError: CUDA error: an illegal memory access was encountered',
    expected: 'gpu-hardware/xid-48-double-bit-ecc',
  },
  'an Xid that a program can cause does not outrank the line that names it': {
    evidence: { stage: 'gpu-test', outcome: 'failed', host: { xids: [{ code: 45 }] } },
    log: 'RuntimeError: CUDA error: misaligned address',
    expected: 'gpu-code/misaligned-address',
  },
  'new ECC errors outrank every line': {
    evidence: { stage: 'gpu-test', outcome: 'failed', host: { eccErrors: 2 } },
    log: 'AssertionError: Tensor-likes are not close!',
    expected: 'gpu-hardware/ecc-uncorrectable',
  },
  'an out-of-memory kill outranks the compiler that died': {
    evidence: { outcome: 'failed', host: { oomKills: 1 } },
    log: 'c++: internal compiler error: Segmentation fault signal terminated program cc1plus',
    expected: 'infra/oom-kill',
  },
  'a full disk outranks what could not be written': {
    evidence: { outcome: 'failed', host: { freeBytes: 4096 } },
    log: 'a.cc:1:1: fatal error: x.h: No such file or directory',
    expected: 'infra/disk-full',
  },
  'enough space is no fact': {
    evidence: {
      stage: 'build',
      outcome: 'failed',
      host: { freeBytes: 900 * GIB, oomKills: 0, eccErrors: 0, xids: [] },
    },
    log: COMPILE,
    expected: 'build-compile/compile-error',
    source: 'log',
  },
  'the driver was exchanged meanwhile': {
    evidence: {
      stage: 'gpu-test',
      outcome: 'failed',
      host: { driverBefore: '580.65', driverAfter: '580.95' },
    },
    log: 'RuntimeError: CUDA error: unknown error',
    expected: 'driver-mismatch/driver-changed-during-check',
  },
  'a build tool in the closure is red though everything passed': {
    evidence: {
      outcome: 'built',
      closureToolchains: ['/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-cuda_nvcc-12.8'],
    },
    log: '===== 54 passed in 3.0s =====',
    expected: 'closure-regression/leaked-toolchain',
    source: 'fact',
  },
  'a closure without build tools is none': {
    evidence: { outcome: 'built', closureToolchains: [] },
    expected: 'none/built',
  },
  'a signal explains what the log does not': {
    evidence: { outcome: 'failed', signal: 9 },
    log: 'compiling',
    expected: 'infra/oom-kill',
    source: 'fact',
  },
  'a download failed for no known reason': {
    evidence: { outcome: 'failed', fixedOutput: true },
    log: 'trying https://example.org/x.tar.gz',
    expected: 'fetch-failure/fetch-failed',
  },
  'a failure without a log': { evidence: { outcome: 'failed' }, expected: 'infra/log-unreadable' },
  'nothing at all': { evidence: {}, expected: 'insufficient-evidence/empty-log' },
};

describe('structured evidence', () => {
  for (const [name, { evidence, log, expected, source }] of Object.entries(CASES)) {
    test(name, () => {
      const verdict = classify(evidence, log ?? '');
      assert.equal(`${verdict.class}/${verdict.subclass}`, expected, verdict.rule);
      if (source !== undefined) assert.equal(verdict.evidence?.source, source);
    });
  }

  test('takes the line of the log that says the same, for it can be read', () => {
    const log =
      "error: hash mismatch in fixed-output derivation '/nix/store/a-source.drv':\n  specified: sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n     got:    sha256-3yHAR1k=";
    const verdict = classify({ stage: 'fetch', outcome: 'hash-mismatch' }, log);
    assert.equal(verdict.subclass, 'hash-placeholder');
    assert.match(verdict.evidence?.text ?? '', /hash mismatch/);
  });

  test('names the limit that was in force', () => {
    const verdict = classify({ outcome: 'timed-out', limits: { timeoutSeconds: 600 } }, 'x');
    assert.match(verdict.evidence?.text ?? '', /600 s/);
  });
});

describe('the exit status of the Nix command', () => {
  const cases = {
    0: 'built',
    100: 'failed',
    101: 'timed-out',
    102: 'hash-mismatch',
    104: 'not-deterministic',
    1: undefined,
  } as const;
  for (const [nixExit, outcome] of Object.entries(cases)) {
    test(`${nixExit} tells ${outcome ?? 'nothing'}`, () => {
      assert.equal(outcomeOf({ nixExit: Number(nixExit) }), outcome);
    });
  }

  test('is outranked by the outcome itself', () => {
    assert.equal(outcomeOf({ nixExit: 100, outcome: 'log-limit' }), 'log-limit');
  });
});
