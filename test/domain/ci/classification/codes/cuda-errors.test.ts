import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { classify } from '../../../../../domain/ci/classification/classify.ts';
import type { Verdict } from '../../../../../domain/ci/classification/verdict.ts';
import { CUDA_ERRORS, GPU_FAULTS } from '../../../../../domain/ci/classification/codes/cuda-errors.ts';
import type { Faults } from '../../../../../domain/ci/classification/codes/fault.ts';

/** Numbers that releases before CUDA 10.1 gave to another error, which is the likelier meaning of a bare number. */
const REUSED_NUMBERS = new Set(['30', '38', '39', '48', '59', '74', '77']);

const faults: Faults = GPU_FAULTS;
const faulty = CUDA_ERRORS.filter(({ fault }) => fault !== 'no-error');

function classOf(verdict: Verdict): string {
  return `${verdict.class}/${verdict.subclass}`;
}

function meant(fault: string): string {
  const found = faults[fault];
  assert.ok(found, fault);
  return `${found.class}/${found.subclass ?? fault}`;
}

describe('the table of CUDA errors', () => {
  test('numbers every error once, names each, and knows what each means', () => {
    const numbers = CUDA_ERRORS.map(({ number }) => Number(number));
    assert.equal(new Set(numbers).size, numbers.length);
    for (const error of CUDA_ERRORS) {
      assert.ok(error.runtime !== '' || error.driver !== '', error.number);
      assert.ok(error.fault === 'no-error' || faults[error.fault] !== undefined, error.fault);
    }
  });

  test('holds what the headers of CUDA 13 enumerate, from both interfaces', () => {
    const runtime = new Set(CUDA_ERRORS.map((error) => error.runtime));
    const driver = new Set(CUDA_ERRORS.map((error) => error.driver));
    for (const name of [
      'Success',
      'InsufficientDriver',
      'NoKernelImageForDevice',
      'ApiFailureBase',
      'Unknown',
    ])
      assert.ok(runtime.has(name), name);
    for (const name of [
      'NO_BINARY_FOR_GPU',
      'SYSTEM_NOT_READY',
      'MPS_MAX_CLIENTS_REACHED',
      'EXTERNAL_DEVICE',
    ])
      assert.ok(driver.has(name), name);
    assert.ok(CUDA_ERRORS.length >= 120, String(CUDA_ERRORS.length));
  });

  test('gives a name of the runtime its meaning', () => {
    for (const { runtime, fault } of faulty) {
      if (runtime === '') continue;
      const verdict = classify({ stage: 'gpu-test' }, `terminate called: cudaError${runtime}`);
      assert.equal(classOf(verdict), meant(fault), `cudaError${runtime} by ${verdict.rule}`);
    }
  });

  test('gives a name of the driver its meaning', () => {
    for (const { driver, fault } of faulty) {
      if (driver === '') continue;
      const verdict = classify({ stage: 'gpu-test' }, `cuLaunchKernel failed: CUDA_ERROR_${driver}`);
      assert.equal(classOf(verdict), meant(fault), `CUDA_ERROR_${driver} by ${verdict.rule}`);
    }
  });

  test('gives a message behind the word CUDA its meaning', () => {
    for (const { message, fault } of faulty) {
      if (message === '') continue;
      const verdict = classify({ stage: 'gpu-test' }, `RuntimeError: CUDA error: ${message}`);
      assert.equal(classOf(verdict), meant(fault), `${message} by ${verdict.rule}`);
    }
  });

  test('gives a number its meaning', () => {
    for (const { number, fault } of faulty) {
      if (REUSED_NUMBERS.has(number)) continue;
      const verdict = classify({ stage: 'gpu-test' }, `CUDA error ${number} at saxpy.cu:12`);
      assert.equal(classOf(verdict), meant(fault), `${number} by ${verdict.rule}`);
    }
  });

  test('says nothing of a success', () => {
    for (const line of [
      'cudaGetLastError returned cudaSuccess',
      'cuInit returned CUDA_SUCCESS',
      'CUDA error 0',
    ])
      assert.notEqual(classify({ outcome: 'failed' }, line).class, 'gpu-code', line);
  });
});

describe('a line that names CUDA errors without reporting one', () => {
  const cases = {
    'a comparison': 'if (err != cudaErrorNotReady) {',
    'a switch': '  case cudaErrorInvalidValue: return 1;',
    'a macro': '#define CUDA_ERROR_OUT_OF_MEMORY 2',
    'the advice of PyTorch':
      'CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.',
  };
  for (const [name, line] of Object.entries(cases)) {
    test(`is no evidence: ${name}`, () => {
      assert.equal(classify({ outcome: 'failed' }, line).class, 'insufficient-evidence');
    });
  }
});
