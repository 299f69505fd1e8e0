/** No GPU to be seen: neither the package's nor the test's fault (class `infra`). */

import { defineRules } from './define.ts';

export const GPU_VISIBILITY_RULES = defineRules(
  'infra',
  { rank: 'specific', scope: 'host', retry: 'other', confidence: 0.88 },
  [
    {
      subclass: 'no-gpu-visible',
      patterns: [
        'Found no NVIDIA driver on your system',
        'No CUDA GPUs are available',
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver",
        /^No devices were found$/,
        /no CUDA devices? (?:were |was )?(?:found|detected|available)/i,
        /[Nn]o visible GPU devices/,
        'There is no device supporting CUDA',
        /no (?:NVIDIA|nvidia|CUDA-capable|CUDA-compatible) (?:GPU|device)s? (?:found|detected|is detected|available|were found|was found)/,
        'Failed to initialize NVML: Unknown Error',
        /Failed to initialize NVML: (?:Driver Not Loaded|Insufficient Permissions)/,
        'no GPUs found',
        'CUDA driver initialization failed, you might not have a CUDA gpu',
        'kernel driver does not appear to be running on this host',
        /\b0 active drivers \(\[\]\)/,
        'NVRM: No NVIDIA GPU found',
        /nvml error: (?:driver not loaded|insufficient permissions|unknown error)/,
        /no nvidia devices detected/,
        /nvidia-smi: (?:command )?not found/,
      ],
      excludes: [/UserWarning: CUDA initialization: Found no/],
      explanation:
        'No GPU is visible: check that the driver is loaded and that the sandbox mounts /dev/nvidia*.',
      examples: [
        'RuntimeError: No CUDA GPUs are available',
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.",
        "RuntimeError: Unable to initialize backend 'cuda': FAILED_PRECONDITION: No visible GPU devices.",
      ],
      counterExamples: [
        '/lib/torch/cuda/__init__.py:52: UserWarning: CUDA initialization: Found no NVIDIA driver on your system.',
      ],
    },
    {
      id: 'no-driver-in-gpu-check',
      subclass: 'no-gpu-visible',
      silent: true,
      stages: ['gpu-test'],
      stageRequired: true,
      patterns: [
        'UserWarning: CUDA initialization: Found no NVIDIA driver',
        'No CUDA runtime is found, using CUDA_HOME=',
      ],
      confidence: 0.85,
      explanation:
        'A GPU check ran without a GPU: check that the driver is loaded and that the sandbox mounts /dev/nvidia*.',
      examples: [
        '/lib/torch/cuda/__init__.py:129: UserWarning: CUDA initialization: Found no NVIDIA driver on your system.',
        "No CUDA runtime is found, using CUDA_HOME='/nix/store/x-cuda'",
      ],
    },
    {
      subclass: 'gpu-device-nodes-missing',
      patterns: [
        /mknod .{0,40}\/dev\/nvidia\S{0,20} .{0,200}failed/,
        /Specified host paths do not exist: .{0,100}\/dev\/nvidia/,
        /(?:open|access|stat|opening)[^:]{0,40}'?\/dev\/nvidia\w{0,10}'?: No such file/,
        /\/dev\/nvidia(?:ctl|-uvm|\d{1,2})'?:? (?:does not exist|not found|No such file)/,
        /open \/dev\/nvidia\S{0,20}: no such file/,
      ],
      confidence: 0.9,
      explanation:
        'The device nodes of the GPU are missing: load the kernel module, then run nvidia-modprobe.',
      examples: [
        'Specified host paths do not exist: [/dev/nvidiactl, /dev/nvidia0]',
        "Failed to open '/dev/nvidia-uvm': No such file or directory",
      ],
    },
    {
      subclass: 'kernel-module-not-loaded',
      patterns: [
        /modprobe: (?:FATAL|ERROR): .{0,40}(?:nvidia|amdgpu)/,
        /could not insert '(?:nvidia|amdgpu)\w{0,10}': (?<message>.{3,60})/,
        /NVIDIA-SMI has failed because .{0,60}module/,
      ],
      retry: 'fix',
      confidence: 0.88,
      explanation:
        'The kernel module of the GPU cannot be loaded: boot the host into its new generation, and look at dmesg.',
      examples: [
        'modprobe: FATAL: Module nvidia not found in directory /run/booted-system/kernel-modules/lib/modules/6.12.4',
        "modprobe: ERROR: could not insert 'nvidia': No such device",
      ],
    },
    {
      subclass: 'display-missing',
      patterns: ['cannot open display', 'could not connect to display', 'Cannot open display'],
      scope: 'code',
      retry: 'no',
      confidence: 0.7,
      explanation: 'The program wants a display: run it headless (EGL, xvfb-run), or skip the test.',
      examples: ['Error: cannot open display: :0', 'qt.qpa.xcb: could not connect to display'],
    },
  ],
);
