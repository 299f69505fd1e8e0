/** Driver and user space that do not fit each other. The numbered CUDA errors are in `gpu-code-tables.ts`. */

import { defineRules } from './define.ts';

export const DRIVER_MISMATCH_RULES = defineRules(
  'driver-mismatch',
  { rank: 'specific', scope: 'driver', retry: 'other', confidence: 0.95 },
  [
    {
      subclass: 'nvml-driver-library-mismatch',
      patterns: [
        'Driver/library version mismatch',
        'API mismatch: the client',
        'Mismatch in versions between nvidia-smi and NVML',
        /kernel version \S{1,20} does not match DSO version \S{1,20}/,
      ],
      scope: 'host',
      retry: 'fix',
      confidence: 0.98,
      explanation:
        'Kernel module and user-space driver differ: reboot the host, and try another one meanwhile.',
      examples: [
        'Failed to initialize NVML: Driver/library version mismatch',
        'NVRM: API mismatch: the client has the version 580.82.07, but this kernel module has the version 570.153.02.',
        'kernel version 535.104.5 does not match DSO version 545.23.8 -- cannot find working devices in this configuration',
      ],
    },
    {
      subclass: 'driver-insufficient',
      patterns: [
        'The NVIDIA driver on your system is too old',
        /(?:NVIDIA|nvidia|CUDA) driver is (?:too old|outdated|out of date)/,
        /unsatisfied condition: cuda ?>= ?(?<_version>[\d.]{1,8})/,
        /[Dd]river version .{0,40}is (?:insufficient|too old|older than required)/,
        /requires (?:an? )?(?:NVIDIA )?driver (?:version )?(?:>=|newer than|at least)/,
      ],
      excludes: [/ptxas|CUDA driver version is insufficient/],
      confidence: 0.93,
      explanation:
        'The driver is too old for this CUDA: run on a host with a newer one, or build with an older toolkit.',
      examples: [
        'RuntimeError: The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver',
        'nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update your driver',
      ],
    },
    {
      subclass: 'unsupported-ptx-version',
      patterns: [
        /Unsupported PTX version/,
        /Unsupported \.version (?<_ptx>[\d.]{1,6}); current version is/,
        'compiled with an unsupported toolchain',
      ],
      confidence: 0.95,
      explanation:
        'The PTX is newer than what compiles it: use a newer driver, or build real code (cubin) for this GPU.',
      examples: [
        "ptxas /tmp/tmpb.ptx, line 5; fatal   : Unsupported .version 8.7; current version is '8.4'",
        'cuModuleLoadData: the provided PTX was compiled with an unsupported toolchain.',
      ],
    },
    {
      subclass: 'driver-newer-than-library-supports',
      patterns: [
        /only supports NVIDIA drivers for CUDA/,
        /only CUDA \d{1,2} driver is supported/,
        /(?:driver|CUDA) version .{0,40}(?:is newer than|not yet supported)/,
      ],
      excludes: [/older than/],
      retry: 'fix',
      confidence: 0.93,
      explanation: 'The library refuses a driver this new: update the library.',
      examples: [
        'Error: This version of CUDA.jl only supports NVIDIA drivers for CUDA 12.x or 13.x (yours is for CUDA 14.0.0)',
        'ERROR: only CUDA 12 driver is supported, found 13',
      ],
    },
    {
      subclass: 'kernel-module-mismatch',
      patterns: [
        /nvidia\w{0,10}: (?:disagrees about version of symbol|version magic)/,
        /nvidia-\w{3,10}: Version mismatch: /,
        /nvidia\w{0,10}: Unknown symbol \w/,
      ],
      scope: 'host',
      retry: 'fix',
      explanation: "NVIDIA's kernel module was built for another kernel: boot the host into one generation.",
      examples: [
        "nvidia: version magic '6.6.1 SMP' should be '6.12.4 SMP'",
        'nvidia_uvm: disagrees about version of symbol nvUvmInterfaceRegisterGpu',
      ],
    },
    {
      subclass: 'forward-compat-unsupported',
      patterns: ['forward compatibility was attempted on non supported HW'],
      retry: 'fix',
      explanation:
        'cuda_compat was loaded on a GPU it does not support: keep it off GeForce, or update the driver.',
      examples: [
        'cudaGetDeviceCount returned 804: forward compatibility was attempted on non supported HW',
        'ggml_cuda_init: failed to initialize CUDA: forward compatibility was attempted on non supported HW',
      ],
    },
  ],
);
