/** CUDA libraries that did not start or refused to work, in the words of the programs above them. */

import { defineRules } from './define.ts';

export const GPU_LIB_INIT_RULES = defineRules(
  'gpu-lib-init',
  { rank: 'consequence', scope: 'host', retry: 'other', confidence: 0.75 },
  [
    {
      subclass: 'dnn-library-not-found',
      rank: 'specific',
      patterns: [
        'DNN library is not found',
        'DNN library initialization failed',
        'Unable to load cuDNN. Is it installed?',
      ],
      excludes: [/CUDNN_STATUS_/],
      explanation:
        'cuDNN could not be used: look above for a missing library or a full GPU, often JAX hides it as a warning.',
      examples: [
        'jaxlib.xla_extension.XlaRuntimeError: FAILED_PRECONDITION: DNN library initialization failed.',
        'UNIMPLEMENTED: DNN library is not found.',
      ],
    },
    {
      subclass: 'cudnn-not-initialized',
      patterns: [
        /cuDNN (?:failed to initialize|initialization failed)/,
        'Could not create cudnn handle',
        'Failed to get convolution algorithm',
        /[Cc]ould not (?:initialize|create) cuDNN/,
      ],
      excludes: [/CUDNN_STATUS_/],
      explanation:
        'cuDNN could not start: look for a full GPU or a missing sub-library before blaming cuDNN.',
      examples: [
        'Failed to get convolution algorithm. This is probably because cuDNN failed to initialize',
        'E cuda_dnn.cc:329] Could not create cudnn handle',
      ],
    },
    {
      subclass: 'cudnn-not-supported',
      patterns: [
        /(?:GET|FIND) was unable to find an engine to execute this computation/,
        /No (?:execution plans|valid execution plans|engine) (?:support|built|found)/,
        'Failed to determine best cudnn convolution algorithm',
        'No algorithm worked!',
        /cuDNN (?:Frontend )?[Ee]rror: (?<_message>(?!CUDNN_STATUS).{4,120})/,
      ],
      scope: 'code',
      retry: 'no',
      confidence: 0.72,
      explanation:
        'cuDNN has no engine for the request: check GPU memory, data type and layout, and the versions in use.',
      examples: [
        'RuntimeError: GET was unable to find an engine to execute this computation',
        'RuntimeError: cuDNN Frontend error: [cudnn_frontend] Error: No execution plans support the graph.',
      ],
    },
    {
      subclass: 'cublas-launch-failed',
      patterns: [
        /Blas x?[A-Z]{0,1}(?:GEMM|GEMV)\w{0,12} launch failed/,
        'without BLAS support',
        /[Ff]ailed to create cublas handle/,
        /cublas\w{2,30}\([^)]{0,60}\) failed/,
      ],
      excludes: [/CUBLAS_STATUS_/],
      explanation: 'cuBLAS did not work: most often the GPU was full, so look for other processes first.',
      examples: [
        'InternalError: Blas GEMM launch failed : a.shape=(100, 784), b.shape=(784, 256)',
        'Attempting to perform BLAS operation using StreamExecutor without BLAS support',
      ],
    },
    {
      subclass: 'math-library-failed',
      patterns: [
        /gpu(?:solver|blas|sparse|rand|fft)\w{2,40}\([^)]{0,80}\) failed/,
        /cu(?:Solver|SPARSE|FFT|RAND) (?:internal error|has not been initialized|not initialized)/i,
        /MAGMA (?:error|.{0,20}failed)/,
      ],
      confidence: 0.7,
      explanation: 'A CUDA mathematics library failed: look for an earlier CUDA error or a full GPU.',
      examples: [
        'INTERNAL: jaxlib/gpu/solver_kernels.cc:45: operation gpusolverDnCreate(&handle) failed: cuSolver internal error',
        'RuntimeError: MAGMA getrf failed',
      ],
    },
    {
      subclass: 'cuda-initialization-error',
      rank: 'specific',
      patterns: [
        'Cannot re-initialize CUDA in forked subprocess',
        /CUDA cuInit: (?<_message>.{3,60})/,
        /[Ff]ailed to create (?:a )?CUDA context/,
        /cuInit return value: \d/,
      ],
      scope: 'code',
      confidence: 0.78,
      explanation:
        'CUDA could not initialise: look for a fork after first use of CUDA, then try another host.',
      examples: [
        "RuntimeError: Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you must use the 'spawn' start method",
        'CUDA cuInit: Unknown error',
      ],
    },
    {
      id: 'bitsandbytes-setup',
      subclass: 'cuda-setup-failed',
      class: 'runtime-load',
      patterns: ['CUDA Setup failed despite', 'CUDA SETUP: Problem'],
      scope: 'code',
      retry: 'no',
      explanation: 'bitsandbytes did not find its CUDA library: check the CUDA version it was built for.',
      examples: [
        'CUDA Setup failed despite GPU being available.',
        'RuntimeError: CUDA SETUP: Problem: The main issue seems to be that the main CUDA library was not detected.',
      ],
    },
  ],
);
