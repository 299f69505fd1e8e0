/** Libraries that were found but do not fit each other (class `runtime-load`). */

import { defineRules } from './define.ts';

export const SYMBOL_RULES = defineRules(
  'runtime-load',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.93 },
  [
    {
      subclass: 'nccl-undefined-symbol',
      patterns: [/undefined symbol: (?<symbol>p?nccl[A-Z]\w{1,80})/],
      excludes: [/ld\.lld: error/],
      confidence: 0.94,
      explanation: 'An older libnccl was loaded, which lacks {symbol}: make one NCCL visible in the runpath.',
      examples: [
        'ImportError: /lib/libtorch_cuda.so: undefined symbol: ncclCommWindowRegister',
        'symbol lookup error: ./all_reduce_perf: undefined symbol: ncclGetLastError',
      ],
    },
    {
      subclass: 'symbol-version-mismatch',
      patterns: [
        /undefined symbol: (?<symbol>\S{1,200}), version (?<_version>\S{1,80})/,
        /version [`'](?<version>lib[^'`]{1,80})' not found/,
        /symbol \S{1,120},? version \S{1,60} not defined in file/,
      ],
      confidence: 0.94,
      explanation:
        'Two releases of a library meet in one process: make the newer one the only one in the runpath.',
      examples: [
        'ImportError: /lib/libcusparse.so.12: undefined symbol: __nvJitLinkCreate_12_8, version libnvJitLink.so.12',
        "/lib/libcudnn_ops.so.9: version `libcudnn_graph.so.9' not found (required by /lib/libcudnn_ops.so.9)",
      ],
    },
    {
      subclass: 'glibcxx-version',
      patterns: [/version [`'](?<version>(?:GLIBCXX|CXXABI|GLIBC|GCC)_[\w.]{1,20})' not found/],
      confidence: 0.93,
      explanation:
        '{version} is missing: an older libstdc++ or glibc was loaded first, so look who brings it.',
      examples: [
        "ImportError: /lib/libstdc++.so.6: version `GLIBCXX_3.4.33' not found (required by /lib/libtorch.so)",
        "./ollama: /lib/libm.so.6: version `GLIBC_2.41' not found (required by /run/opengl-driver/lib/libcuda.so.1)",
      ],
    },
    {
      subclass: 'jax-cuda-version',
      patterns: [/Found (?<library>CUDA|cu\w{2,12}) version \d{3,8}, but JAX was built against version/],
      confidence: 0.94,
      excludes: [/Found cuDNN/],
      explanation:
        'An older {library} was loaded than JAX was built with: make the newer one visible in the runpath.',
      examples: [
        'CUDA backend failed to initialize: Found CUDA version 12010, but JAX was built against version 12020, which is newer.',
        'Found cuSPARSE version 12300, but JAX was built against version 12500, which is newer.',
      ],
    },
    {
      subclass: 'undefined-symbol',
      patterns: [/undefined symbol: (?<symbol>\w{1,300})/, /symbol lookup error: /],
      excludes: [/ld(?:64)?\.lld: error|mold: |rust-lld|undefined symbol: p?nccl[A-Z]|\/stubs\/|, version /],
      confidence: 0.92,
      explanation:
        'A library lacks {symbol|a symbol} that was expected of it: look for two copies, or an old copy loaded first.',
      examples: [
        'ImportError: /lib/libtorch_python.so: undefined symbol: _ZN3c104cuda9SetDeviceEi',
        '/bin/app: symbol lookup error: /lib/libx.so: undefined symbol: nvrtcGetProgramLogSize',
      ],
    },
    {
      subclass: 'cudnn-version-mismatch',
      patterns: [
        /Loaded runtime CuDNN library: \S{1,20} but source was compiled with/,
        'cuDNN version incompatibility: PyTorch was compiled against',
        /cuDNN (?:header|library) version .{0,60}(?:mismatch|does not match)/,
        /Found cuDNN version \d{3,8}, but JAX was built against version/,
      ],
      confidence: 0.97,
      explanation:
        'Another cuDNN was loaded than the program was built with: make one cuDNN visible in the runpath.',
      examples: [
        'Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.8.0.  CuDNN library needs to have matching major version',
        'RuntimeError: cuDNN version incompatibility: PyTorch was compiled against (9, 10, 2) but found runtime version (9, 8, 0).',
      ],
    },
  ],
);
