/** Lines that look like errors and are none (reference/cuda.md §5.10), and signs that all is well. */

import { defineRules } from './define.ts';

export const BENIGN_RULES = defineRules(
  'none',
  { rank: 'benign', scope: 'unknown', retry: 'no', confidence: 0.85 },
  [
    {
      subclass: 'benign-factory-registration',
      patterns: [
        /Unable to register cu\w{2,6} factory: Attempting to register factory/,
        'computation placer already registered',
      ],
      explanation: 'TensorFlow registers the same library twice, which does no harm.',
      examples: [
        'E cuda_dnn.cc:9261] Unable to register cuDNN factory: Attempting to register factory for plugin cuDNN when one has already been registered',
        'E cuda_blas.cc:1515] Unable to register cuBLAS factory: Attempting to register factory',
      ],
    },
    {
      subclass: 'benign-dlopen-then-ok',
      patterns: [
        /[Ss]uccessfully opened (?:dynamic|CUDA) library/,
        /successful NUMA node read from SysFS had negative value/,
      ],
      explanation: 'The library was opened, and the NUMA message is harmless.',
      examples: [
        'I tensorflow/dso_loader.cc:53] Successfully opened dynamic library libcudnn.so.8',
        'successful NUMA node read from SysFS had negative value (-1), but there must be at least one NUMA node',
      ],
    },
    {
      subclass: 'benign-tensorrt-missing',
      patterns: ['TF-TRT Warning: Could not find TensorRT', /Could not load dynamic library 'libnvinfer/],
      explanation: 'TensorRT is optional for TensorFlow.',
      examples: [
        'W py_utils.cc:37] TF-TRT Warning: Could not find TensorRT',
        "Could not load dynamic library 'libnvinfer_plugin.so.7'",
      ],
    },
    {
      subclass: 'benign-no-driver-on-cpu',
      stages: ['build', 'fetch', 'evaluation', 'measure'],
      patterns: [
        /UserWarning: CUDA initialization: Found no NVIDIA driver/,
        'No CUDA runtime is found, using CUDA_HOME=',
      ],
      explanation: 'A machine without GPU has no driver, and the program says so without failing.',
      examples: [
        'torch/cuda/__init__.py:128: UserWarning: CUDA initialization: Found no NVIDIA driver on your system.',
        "No CUDA runtime is found, using CUDA_HOME='/nix/store/x'",
      ],
    },
    {
      subclass: 'benign-unsupported-gnu-warning',
      patterns: [/warning: #warning .{0,10}unsupported GNU version/, /#warning -- unsupported GNU version/],
      explanation: 'The toolkit warns of a newer gcc and goes on.',
      examples: [
        'host_config.h:82:2: warning: #warning -- unsupported GNU version! gcc 6 and up are not supported! [-Wcpp]',
        '#warning -- unsupported GNU version! gcc 4.9 and up are not supported!',
      ],
    },
    {
      subclass: 'benign-ptxas-version-warning',
      patterns: [
        /You are using ptxas \S{3,12}, which is older than/,
        /driver's CUDA version is [\d.]{3,6} which is older than the (?:PTX|ptxas) (?:compiler )?version/,
        /driver's CUDA version is [\d.]{3,6} which is older than the ptxas CUDA version/,
      ],
      explanation: 'XLA warns of an old ptxas and goes on.',
      examples: [
        '*** WARNING *** You are using ptxas 10.1.243, which is older than 11.1.',
        "The NVIDIA driver's CUDA version is 12.2 which is older than the PTX compiler version 12.6.20.",
      ],
    },
    {
      subclass: 'benign-xid-nonfatal',
      speaker: 'kernel',
      patterns: [/NVRM: Xid \([^)]{1,80}\): \d{1,3}, \S{1,40} +Nonfatal/],
      explanation: 'The NVLink event was corrected.',
      examples: [
        'NVRM: Xid (PCI:0000:04:00): 145, RLW_REMAP Nonfatal XC0 i0 Link 3',
        'NVRM: Xid (PCI:0018:01:00): 150, MSE_PMU Nonfatal XC1 i0 Link -1',
      ],
    },
    {
      subclass: 'benign-cmake-dev-warning',
      patterns: [
        'This warning is for project developers.  Use -Wno-dev to suppress it.',
        /^CMake (?:Deprecation )?Warning/,
      ],
      explanation: 'CMake warns the developers of the project, not its users.',
      examples: [
        '-- x\nThis warning is for project developers.  Use -Wno-dev to suppress it.',
        'CMake Deprecation Warning at CMakeLists.txt:1 (cmake_minimum_required):',
      ],
    },
    {
      subclass: 'benign-nccl-tests-pass',
      patterns: [/# Out of bounds values : 0 OK/],
      explanation: 'nccl-tests checked every value and found them right.',
      examples: [
        '#\n# Out of bounds values : 0 OK\n#',
        '# Avg bus bandwidth    : 40\n# Out of bounds values : 0 OK',
      ],
    },
    {
      subclass: 'benign-nccl-tuning',
      patterns: [
        /NCCL INFO (?<_message>.{4,80})/,
        /NCCL WARN (?:NET\/Plugin|Missing "|[Ff]ailed to find)/,
        'NET/Plugin: No plugin found',
        'NET/IB : No device found',
        /Missing "(?:iommu=pt|amd_iommu=on|HSA_FORCE)/,
        /NET\/Plugin ?: Plugin load .{0,60}returned/,
      ],
      explanation: 'NCCL tells how it is set up.',
      examples: [
        'ada:12:40 [0] NCCL INFO NET/Plugin: No plugin found (libnccl-net.so)',
        'ada:12:40 [0] NCCL INFO Channel 00/02 : 0 1',
      ],
    },
    {
      subclass: 'benign-ucx-hwloc-sandbox',
      patterns: [
        /UCX {1,2}ERROR scandir\(\/sys\/class\/net\) failed/,
        '[hwloc/linux] failed to find sysfs cpu topology directory',
        /hwloc.{0,40}received invalid information/,
      ],
      explanation: 'The sandbox has no /sys, and the libraries go on without it.',
      examples: [
        'tcp_iface.c:950  UCX  ERROR scandir(/sys/class/net) failed: No such file or directory',
        '12: [hwloc/linux] failed to find sysfs cpu topology directory, aborting linux discovery. ',
      ],
    },
    {
      subclass: 'benign-ollama-pascal-found',
      patterns: [
        /NVRM: loading NVIDIA UNIX .{0,40}Kernel Module/,
        /ggml_cuda_init: found [1-9]\d? (?:CUDA|ROCm) devices/,
        /inference compute" id=GPU-\S{4,40} library=(?:cuda|CUDA)/,
      ],
      explanation: 'The GPU was found and will be used.',
      examples: [
        'ggml_cuda_init: found 1 CUDA devices:',
        'level=INFO msg="inference compute" id=GPU-0c1d library=CUDA compute=8.9',
      ],
    },
    {
      subclass: 'benign-tests-passed',
      patterns: [
        /^=+ .{0,60}\d{1,6} passed.{0,80} in \d/,
        /^Result = PASS$/,
        /100% tests passed, 0 tests failed/,
        /^\[ {2}PASSED {2}\]/,
        /test result: ok\. \d/,
        /^\d{1,6} passed,? \d{1,6} skipped/,
      ],
      explanation: 'The tests that ran have passed.',
      examples: [
        '======= 54 passed, 3209 skipped in 12.01s =======',
        'deviceQuery, CUDA Driver = CUDART, NumDevs = 1\nResult = PASS',
      ],
    },
    {
      subclass: 'benign-build-reference-check',
      patterns: [
        /checking for references to \/build\//,
        /incompatible redefinition for option '(?:compiler-bindir|std)'/,
        /warn: auto-patchelf ignoring missing/,
      ],
      explanation: 'A check of the fixup phase, or a warning that is ignored on purpose.',
      examples: [
        'checking for references to /build/ in /nix/store/a-b...',
        "nvcc warning : incompatible redefinition for option 'compiler-bindir', the last value of this option was used",
      ],
    },
    {
      id: 'benign-eval-noise',
      subclass: 'benign-eval-noise',
      stages: ['evaluation'],
      patterns: [
        /restarting (?:hydra|nix)-eval-jobs .{0,80}heap size/,
        /^trace: .{0,160}(?:is obsolete|is deprecated|has been renamed)/,
        /SQLite database '[^']{1,120}' is busy/,
        'skipping job with illegal name',
        /^evaluation warning: /,
        /^warning: (?:Git tree|in configuration file|ignoring|unknown setting)/,
        'GC Warning: Repeated allocation of very large block',
      ],
      explanation: 'The evaluation prints a note that does no harm.',
      examples: [
        "warning: SQLite database '/root/.cache/nix/eval-cache-v5/a.sqlite' is busy",
        "evaluation warning: 'x' has been renamed to 'y'",
      ],
    },
  ],
);
