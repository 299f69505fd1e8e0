/** Status codes of cuDNN, cuBLAS, NCCL and the smaller CUDA libraries, complete, each with the fault it means. */

import type { CodeTable } from '../rule.ts';
import { GPU_FAULTS } from './cuda-errors.ts';
import type { Faults } from './fault.ts';
import { codeTable, fault } from './fault.ts';

const LIBRARY_FAULTS = {
  ...GPU_FAULTS,
  'cudnn-not-initialized': {
    ...fault('gpu-lib-init', 'host', 'other', 0.7, 'consequence'),
    explanation: 'cuDNN could not start: look for a full GPU or a missing sub-library before blaming cuDNN.',
  },
  'cudnn-internal-error': {
    ...fault('gpu-lib-init', 'host', 'other', 0.65, 'consequence'),
    explanation:
      'cuDNN failed inside: look for a full GPU, a driver that is too old, or a mixed installation.',
  },
  'cudnn-version-mismatch': {
    ...fault('runtime-load', 'code', 'no', 0.95),
    explanation: 'Parts of different cuDNN releases were loaded: make one cuDNN visible in the runpath.',
  },
  'cudnn-library-missing': {
    ...fault('runtime-load', 'code', 'no', 0.92),
    explanation: 'A sub-library of cuDNN was not found: add its directory to the runpath.',
  },
  'cudnn-bad-param': {
    ...fault('gpu-code', 'code', 'no', 0.65, 'consequence'),
    explanation: 'cuDNN refused an argument: check the shapes and types the program passes.',
  },
  'cudnn-not-supported': {
    ...fault('gpu-lib-init', 'code', 'no', 0.6, 'consequence'),
    explanation:
      'cuDNN has no engine for the request: check data type, layout and GPU against its support matrix.',
  },
  'cudnn-execution-failed': {
    ...fault('gpu-lib-init', 'code', 'same', 0.65, 'consequence'),
    explanation: 'A cuDNN kernel failed: look for an earlier CUDA error, and run the canary.',
  },
  'cublas-not-initialized': {
    ...fault('gpu-lib-init', 'host', 'other', 0.7, 'consequence'),
    explanation: 'cuBLAS could not start: most often the GPU was full, so look for other processes first.',
  },
  'cublas-alloc-failed': {
    ...fault('gpu-lib-init', 'host', 'other', 0.7, 'consequence'),
    explanation: 'cuBLAS could not allocate its workspace: look for other processes on the GPU.',
  },
  'cublas-invalid-value': {
    ...fault('gpu-code', 'code', 'no', 0.6, 'consequence'),
    explanation: 'cuBLAS refused an argument: check shapes and strides, and that only one cuBLAS is loaded.',
  },
  'cublas-execution-failed': {
    ...fault('gpu-lib-init', 'code', 'same', 0.65, 'consequence'),
    explanation: 'A cuBLAS kernel failed: look for an earlier CUDA error, and run the canary.',
  },
  'cublas-internal-error': {
    ...fault('gpu-lib-init', 'host', 'other', 0.65, 'consequence'),
    explanation: 'cuBLAS failed inside: look for a full GPU or a driver that is too old.',
  },
  'cublas-not-supported': {
    ...fault('gpu-lib-init', 'architecture', 'other', 0.6, 'consequence'),
    explanation: 'cuBLAS does not support the request on this GPU: check data type and alignment.',
  },
  'math-library-failed': {
    ...fault('gpu-lib-init', 'host', 'other', 0.6, 'consequence'),
    explanation: 'A CUDA mathematics library failed: look for an earlier CUDA error or a full GPU.',
  },
  'library-license-error': {
    ...fault('gpu-lib-init', 'host', 'fix', 0.8),
    explanation: 'The library found no licence: check the licence of this host.',
  },
  'nccl-unhandled-cuda-error': {
    ...fault('collective', 'host', 'same', 0.65, 'consequence'),
    explanation:
      'NCCL met a CUDA error: run with NCCL_DEBUG=WARN, the line "NCCL WARN Cuda failure" names it.',
  },
  'nccl-system-error': {
    ...fault('collective', 'host', 'same', 0.85, 'consequence'),
    explanation:
      'NCCL could not use the system: check network interfaces, /dev/shm and limits of the sandbox.',
  },
  'nccl-internal-error': {
    ...fault('collective', 'host', 'same', 0.75, 'consequence'),
    explanation: 'NCCL failed inside: run with NCCL_DEBUG=WARN and read the first warning of any rank.',
  },
  'nccl-invalid-argument-two-copies': {
    ...fault('collective', 'code', 'no', 0.75, 'consequence'),
    explanation: 'NCCL refused an argument: check that only one libnccl is loaded in the process.',
  },
  'nccl-invalid-usage': {
    ...fault('collective', 'code', 'no', 0.8, 'consequence'),
    explanation: 'NCCL was used wrongly: run with NCCL_DEBUG=WARN; often two ranks share one GPU.',
  },
  'nccl-remote-error': {
    ...fault('collective', 'host', 'same', 0.8, 'consequence'),
    explanation: 'Another rank died or its connection broke: read the log of the other ranks first.',
  },
} as const satisfies Faults;

const rows = (text: string): (readonly [string, string])[] =>
  text
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [id = '', names = ''] = line.split(': ');
      return names.split(' ').map((name) => [name, id.trim()] as const);
    });

/** `cudnnStatus_t` of cuDNN 7 to 9, without `CUDNN_STATUS_`. */
export const CUDNN_STATUS: CodeTable = codeTable(
  LIBRARY_FAULTS,
  rows(`
cudnn-not-initialized: NOT_INITIALIZED
cudnn-internal-error: INTERNAL_ERROR INTERNAL_ERROR_COMPILATION_FAILED INTERNAL_ERROR_UNEXPECTED_VALUE
cudnn-internal-error: INTERNAL_ERROR_HOST_ALLOCATION_FAILED INTERNAL_ERROR_BAD_LAUNCH_PARAM INTERNAL_ERROR_TEXTURE_CREATION_FAILED
cudnn-internal-error: RUNTIME_IN_PROGRESS RUNTIME_FP_OVERFLOW DEPRECATED
cuda-oom: ALLOC_FAILED INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED
cudnn-version-mismatch: VERSION_MISMATCH SUBLIBRARY_VERSION_MISMATCH SERIALIZATION_VERSION_MISMATCH
cudnn-version-mismatch: NOT_SUPPORTED_INCOMPATIBLE_CUDART
cudnn-library-missing: SUBLIBRARY_LOADING_FAILED RUNTIME_PREREQUISITE_MISSING
cudnn-library-missing: NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE
cudnn-bad-param: BAD_PARAM INVALID_VALUE BAD_PARAM_NULL_POINTER BAD_PARAM_MISALIGNED_POINTER BAD_PARAM_NOT_FINALIZED
cudnn-bad-param: BAD_PARAM_OUT_OF_BOUND BAD_PARAM_SIZE_INSUFFICIENT BAD_PARAM_STREAM_MISMATCH BAD_PARAM_SHAPE_MISMATCH
cudnn-bad-param: BAD_PARAM_DUPLICATED_ENTRIES BAD_PARAM_ATTRIBUTE_TYPE BAD_PARAM_CUDA_GRAPH_MISMATCH BAD_PARAM_DESCRIPTOR_TYPE
library-arch-mismatch: ARCH_MISMATCH NOT_SUPPORTED_ARCH_MISMATCH
driver-too-old: NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER
cudnn-not-supported: NOT_SUPPORTED NOT_SUPPORTED_GRAPH_PATTERN NOT_SUPPORTED_SHAPE NOT_SUPPORTED_DATA_TYPE NOT_SUPPORTED_LAYOUT
cudnn-not-supported: NOT_SUPPORTED_SHARED_MEMORY_INSUFFICIENT NOT_SUPPORTED_PADDING NOT_SUPPORTED_BAD_LAUNCH_PARAM
cudnn-not-supported: NOT_SUPPORTED_CUDA_GRAPH_NATIVE_API
cudnn-execution-failed: EXECUTION_FAILED EXECUTION_FAILED_CUDA_DRIVER EXECUTION_FAILED_CUBLAS EXECUTION_FAILED_CUDART
cudnn-execution-failed: EXECUTION_FAILED_CURAND MAPPING_ERROR
library-license-error: LICENSE_ERROR`),
);

/** `cublasStatus_t`, without `CUBLAS_STATUS_`, and by number. */
export const CUBLAS_STATUS: CodeTable = codeTable(
  LIBRARY_FAULTS,
  rows(`
cublas-not-initialized: NOT_INITIALIZED 1
cublas-alloc-failed: ALLOC_FAILED 3
cublas-invalid-value: INVALID_VALUE 7
library-arch-mismatch: ARCH_MISMATCH 8
cublas-execution-failed: MAPPING_ERROR EXECUTION_FAILED 11 13
cublas-internal-error: INTERNAL_ERROR 14
cublas-not-supported: NOT_SUPPORTED 15
library-license-error: LICENSE_ERROR 16`),
);

/** Texts that PyTorch's THC prints for `cublasStatus_t`. */
export const CUBLAS_MESSAGES: CodeTable = codeTable(LIBRARY_FAULTS, [
  ['library not initialized', 'cublas-not-initialized'],
  ['resource allocation failed', 'cublas-alloc-failed'],
  ['an invalid numeric value was used as an argument', 'cublas-invalid-value'],
  ['an absent device architectural feature is required', 'library-arch-mismatch'],
  ['an access to GPU memory space failed', 'cublas-execution-failed'],
  ['the GPU program failed to execute', 'cublas-execution-failed'],
  ['an internal operation failed', 'cublas-internal-error'],
  ['unknown error', 'cublas-internal-error'],
]);

/** Status of cuFFT, cuSPARSE, cuSOLVER, cuRAND, nvJitLink and NVRTC, without the library's prefix. */
export const MATH_LIBRARY_STATUS: CodeTable = codeTable(
  LIBRARY_FAULTS,
  rows(`
math-library-failed: NOT_INITIALIZED INTERNAL_ERROR EXECUTION_FAILED SETUP_FAILED INITIALIZATION_FAILED LAUNCH_FAILURE
math-library-failed: PREEXISTING_FAILURE EXEC_FAILED MAPPING_ERROR INVALID_PLAN INVALID_DEVICE NO_WORKSPACE UNALIGNED_DATA
math-library-failed: NOT_IMPLEMENTED TYPE_ERROR VERSION_MISMATCH DOUBLE_PRECISION_REQUIRED LENGTH_NOT_MULTIPLE OUT_OF_RANGE
math-library-failed: INCOMPLETE_PARAMETER_LIST PARSE_ERROR IRS_INTERNAL_ERROR INVALID_WORKSPACE MISSING_DEPENDENCY
math-library-failed: NVRTC_FAILURE NVJITLINK_FAILURE NVSHMEM_FAILURE LICENSE_ERROR
cuda-oom: ALLOC_FAILED ALLOCATION_FAILED INSUFFICIENT_RESOURCES
library-arch-mismatch: ARCH_MISMATCH
api-misuse: INVALID_VALUE INVALID_TYPE INVALID_SIZE ZERO_PIVOT MATRIX_TYPE_NOT_SUPPORTED NOT_SUPPORTED`),
);

/** `ncclResult_t`, without `nccl`, and the texts of `ncclGetErrorString` that stand alone. */
export const NCCL_RESULTS: CodeTable = codeTable(
  LIBRARY_FAULTS,
  rows(`
nccl-unhandled-cuda-error: UnhandledCudaError 1
nccl-system-error: SystemError 2
nccl-internal-error: InternalError 3
nccl-invalid-argument-two-copies: InvalidArgument 4
nccl-invalid-usage: InvalidUsage 5
nccl-remote-error: RemoteError Timeout 6 8`),
);

/** Texts of `ncclGetErrorString`; RCCL prints the same. */
export const NCCL_MESSAGES: CodeTable = codeTable(LIBRARY_FAULTS, [
  ['unhandled cuda error', 'nccl-unhandled-cuda-error'],
  ['unhandled CUDA error', 'nccl-unhandled-cuda-error'],
  ['unhandled system error', 'nccl-system-error'],
  ['internal error - please report this issue to the NCCL developers', 'nccl-internal-error'],
  ['remote process exited or there was a network error', 'nccl-remote-error'],
  ['invalid usage (run with NCCL_DEBUG', 'nccl-invalid-usage'],
  ['invalid argument (run with NCCL_DEBUG', 'nccl-invalid-argument-two-copies'],
]);
