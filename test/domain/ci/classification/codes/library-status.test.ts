import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { classify } from '../../../../../domain/ci/classification/classify.ts';
import {
  CUBLAS_MESSAGES,
  CUBLAS_STATUS,
  CUDNN_STATUS,
  MATH_LIBRARY_STATUS,
  NCCL_MESSAGES,
  NCCL_RESULTS,
} from '../../../../../domain/ci/classification/codes/library-status.ts';
import type { CodeTable } from '../../../../../domain/ci/classification/rule.ts';

const isName = (code: string): boolean => /^\D/.test(code);
const names = (table: CodeTable): string[] => [...table.keys()].filter(isName).toSorted();

/** For each code of a table, the line in which its library prints it. */
const REPORTS: readonly (readonly [string, CodeTable, (code: string) => string])[] = [
  ['cudnnStatus_t', CUDNN_STATUS, (code) => `RuntimeError: cuDNN error: CUDNN_STATUS_${code}`],
  [
    'cublasStatus_t',
    CUBLAS_STATUS,
    (code) => (isName(code) ? `CUDA error: CUBLAS_STATUS_${code} when calling` : `cublas failed (${code})`),
  ],
  [
    "PyTorch's texts for cuBLAS",
    CUBLAS_MESSAGES,
    (code) => `cublas runtime error : ${code} at THCBlas.cu:258`,
  ],
  ['cusolverStatus_t and its like', MATH_LIBRARY_STATUS, (code) => `cusolver error: CUSOLVER_STATUS_${code}`],
  [
    'ncclResult_t',
    NCCL_RESULTS,
    (code) => (isName(code) ? `nccl${code}: Last error:` : `NCCL Error ${code}: no text`),
  ],
  [
    'texts of ncclGetErrorString',
    NCCL_MESSAGES,
    (code) => `RuntimeError: NCCL error in: x.cpp:1287, ${code}`,
  ],
];

describe('the status of a CUDA library', () => {
  for (const [name, table, line] of REPORTS) {
    test(`has a class for each code of ${name}`, () => {
      assert.ok(table.size >= 6, String(table.size));
      for (const [code, meaning] of table) {
        const verdict = classify({ stage: 'gpu-test', outcome: 'failed' }, line(code));
        assert.equal(verdict.class, meaning.class, `${line(code)} by ${verdict.rule}`);
      }
    });
  }

  test('is complete for cuBLAS and NCCL, whose enumerations are small', () => {
    assert.deepEqual(names(CUBLAS_STATUS), [
      'ALLOC_FAILED',
      'ARCH_MISMATCH',
      'EXECUTION_FAILED',
      'INTERNAL_ERROR',
      'INVALID_VALUE',
      'LICENSE_ERROR',
      'MAPPING_ERROR',
      'NOT_INITIALIZED',
      'NOT_SUPPORTED',
    ]);
    assert.deepEqual(names(NCCL_RESULTS), [
      'InternalError',
      'InvalidArgument',
      'InvalidUsage',
      'RemoteError',
      'SystemError',
      'Timeout',
      'UnhandledCudaError',
    ]);
  });

  test('is a wrapper where the inner error is told too', () => {
    const log = [
      "ada:1:9 [0] enqueue.cc:1402 NCCL WARN Cuda failure 700 'an illegal memory access was encountered'",
      'torch.distributed.DistBackendError: NCCL error in: x.cpp:1333, unhandled cuda error, NCCL version 2.21.5',
      'ncclUnhandledCudaError: Call to CUDA function failed.',
    ].join('\n');
    const verdict = classify({ stage: 'gpu-test', outcome: 'failed' }, log);
    assert.equal(verdict.subclass, 'illegal-memory-access');
    assert.equal(verdict.evidence?.line, 1);
  });
});
