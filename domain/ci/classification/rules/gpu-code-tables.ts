/** Rules that look codes up in tables: CUDA runtime and driver, cuDNN, cuBLAS and the smaller libraries. */

import {
  CUDA_DISTINCT_MESSAGES,
  CUDA_ERROR_NAMES,
  CUDA_ERROR_NUMBERS,
  CUDA_MESSAGES,
} from '../codes/cuda-errors.ts';
import {
  CUBLAS_MESSAGES,
  CUBLAS_STATUS,
  CUDNN_STATUS,
  MATH_LIBRARY_STATUS,
} from '../codes/library-status.ts';
import type { CodeTable } from '../rule.ts';
import { defineRules } from './define.ts';

/** The keys of a table as an alternation, longest first, so that no message hides behind its own beginning. */
function anyOf(table: CodeTable): string {
  return [...table.keys()]
    .toSorted((a, b) => b.length - a.length)
    .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('|');
}

/** Text that names CUDA's errors without reporting one: sources, macros, documentation. */
const NOT_A_REPORT = [/^\s*(?:case|#define|if \(|return|\/\/|\*) /, /CUDA kernel errors might be/];

export const GPU_CODE_TABLE_RULES = defineRules(
  'gpu-code',
  {
    rank: 'specific',
    scope: 'code',
    retry: 'no',
    confidence: 0.8,
    link: 'https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html',
  },
  [
    {
      subclass: 'cuda-error-name',
      patterns: [
        /(?<![=!]= ?)\bcudaError(?<code>[A-Z]\w{2,50})/,
        /(?<![=!]= ?)\bCUDA_ERROR_(?<code>[A-Z_]{4,50})/,
      ],
      excludes: NOT_A_REPORT,
      codes: CUDA_ERROR_NAMES,
      explanation: 'CUDA reports an error by name.',
      examples: [
        'terminate called: cudaErrorIllegalInstruction',
        'cuLaunchKernel failed with CUDA_ERROR_MISALIGNED_ADDRESS',
      ],
    },
    {
      subclass: 'cuda-error-message',
      patterns: [new RegExp(`(?<code>${anyOf(CUDA_DISTINCT_MESSAGES)})`)],
      excludes: [...NOT_A_REPORT, /HIP|hip[A-Z]/],
      unless: [/hipModule[A-Z]|hipError[A-Z]|amdgcn-amd/],
      codes: CUDA_DISTINCT_MESSAGES,
      explanation: 'CUDA reports an error by its message.',
      examples: [
        'RuntimeError: too many resources requested for launch',
        'check failed: operation not permitted when stream is capturing',
      ],
    },
    {
      subclass: 'cuda-error-common-message',
      patterns: [
        new RegExp(
          `(?:CUDA|Cuda|cuda)\\w{0,40} ?(?:runtime |driver )?(?:[Ee]rror|[Ff]ailure|ERROR|err)\\b.{0,160}[:'"(] ?(?<code>${anyOf(CUDA_MESSAGES)})`,
        ),
        new RegExp(`(?:Triton Error \\[CUDA\\]|failed to initialize CUDA): (?<code>${anyOf(CUDA_MESSAGES)})`),
      ],
      excludes: [...NOT_A_REPORT, /NCCL WARN Cuda failure/],
      codes: CUDA_MESSAGES,
      explanation: 'CUDA reports an error by its message.',
      examples: [
        'RuntimeError: CUDA error: misaligned address',
        'Triton Error [CUDA]: misaligned address',
        'CUDA error at x.cu:12: operation not supported',
      ],
    },
    {
      subclass: 'cuda-error-number',
      rank: 'specific',
      patterns: [
        /\bcuda error(?: code)?:? ?#?\(?(?<code>\d{1,5})\b/i,
        /\bcuda failure(?: code)?:? ?#?\(?(?<code>\d{1,5})\b/i,
        /\bcu(?:da)?[A-Z]\w{2,40}(?:\([^)]{0,60}\))? (?:returned|failed with)(?: error)?(?: code)? ?:?(?<code>\d{1,5})\b/,
        /cuda runtime error \((?<code>\d{1,5})\)/,
        /cudaSetDevice err: (?<code>\d{1,5})\b/,
        /(?:cuda driver library|cudart|nvcuda) init failure: (?<code>\d{1,5})\b/,
        /\(code (?<code>\d{1,5}), ERROR_[A-Z_]{3,40}\)/,
      ],
      // Number 35 alone is what a program prints that found no libcuda; that has a rule of its own.
      excludes: [...NOT_A_REPORT, /cudaSetDevice err: 35\b/],
      codes: CUDA_ERROR_NUMBERS,
      explanation: 'CUDA reports an error by number.',
      examples: ['CUDA error 715 at kernel.cu:40', 'cuInit(0) returned 100', 'Cuda failure 719'],
    },
    {
      subclass: 'cudnn-status',
      patterns: [
        /CUDNN_STATUS_(?<code>[A-Z_]{4,50})/,
        /CUDNN_STATUS_(?<code>NOT_INITIALIZED|INTERNAL_ERROR)/,
      ],
      codes: CUDNN_STATUS,
      link: 'https://docs.nvidia.com/deeplearning/cudnn/backend/latest/api/cudnn-graph-library.html',
      explanation: 'cuDNN reports a status.',
      examples: [
        'RuntimeError: cuDNN error: CUDNN_STATUS_EXECUTION_FAILED',
        'cudnnCreate failed: CUDNN_STATUS_BAD_PARAM',
      ],
    },
    {
      subclass: 'cublas-status',
      patterns: [
        /CUBLAS_STATUS_(?<code>[A-Z_]{4,30})/,
        /cublas (?:failed|failure|error)[^\d]{0,12}(?<code>\d{1,2})\b/i,
      ],
      codes: CUBLAS_STATUS,
      explanation: 'cuBLAS reports a status.',
      examples: [
        'RuntimeError: CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(handle)`',
        'cublas failed (14)',
      ],
    },
    {
      subclass: 'cublas-message',
      patterns: [new RegExp(`cu(?:blas|sparse|rand) runtime error ?: (?<code>${anyOf(CUBLAS_MESSAGES)})`)],
      codes: CUBLAS_MESSAGES,
      explanation: 'cuBLAS reports an error by its message.',
      examples: [
        'RuntimeError: cublas runtime error : library not initialized at THCGeneral.cpp:216',
        'cublas runtime error : an internal operation failed at THCBlas.cu:258',
      ],
    },
    {
      subclass: 'math-library-status',
      rank: 'consequence',
      patterns: [
        /(?:CUFFT|CUSPARSE_STATUS|CUSOLVER_STATUS|CURAND_STATUS|NVJITLINK_ERROR|CUTENSOR_STATUS)_(?<code>[A-Z_]{4,40})/,
      ],
      codes: MATH_LIBRARY_STATUS,
      explanation: 'A CUDA library reports a status.',
      examples: [
        'RuntimeError: cuFFT error: CUFFT_INTERNAL_ERROR',
        'cusolver error: CUSOLVER_STATUS_INTERNAL_ERROR, when calling `cusolverDnCreate(handle)`',
      ],
    },
  ],
);
