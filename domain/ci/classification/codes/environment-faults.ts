/** Faults of the GPU's surroundings that CUDA, HIP and their libraries report by code: driver, loader, device, memory. */

import type { Faults } from './fault.ts';
import { fault } from './fault.ts';

export const ENVIRONMENT_FAULTS = {
  'cuda-oom': {
    ...fault('gpu-oom', 'host', 'same', 0.9),
    explanation:
      'GPU memory ran out: look for other processes on the GPU, retry when it is idle, or shrink the test.',
  },
  'no-gpu-visible': {
    ...fault('infra', 'host', 'other', 0.85),
    explanation:
      'No GPU is visible: check that the driver is loaded and that the sandbox mounts /dev/nvidia*.',
  },
  'invalid-device-ordinal': {
    ...fault('infra', 'host', 'other', 0.7),
    explanation:
      'The program asked for a GPU that is not visible: give it more GPUs, or correct CUDA_VISIBLE_DEVICES.',
  },
  'gpu-os-call-failed': {
    ...fault('infra', 'host', 'other', 0.6),
    explanation:
      'The driver could not use the operating system: check /dev/nvidia-uvm and the limits of the sandbox.',
  },
  'gpu-not-permitted': {
    ...fault('infra', 'host', 'fix', 0.6),
    explanation:
      'The driver refused the operation: check the rights on /dev/nvidia* and the profiling restriction.',
  },
  'mps-unavailable': {
    ...fault('infra', 'host', 'fix', 0.9),
    explanation: 'The MPS server refused or lost this client: restart it, or unset CUDA_MPS_PIPE_DIRECTORY.',
  },
  'cuda-initialization-error': {
    ...fault('gpu-lib-init', 'code', 'other', 0.6),
    explanation: 'CUDA could not initialise: look for a fork after first use of CUDA, then try another host.',
  },
  'cuda-startup-failure': {
    ...fault('gpu-lib-init', 'host', 'other', 0.7),
    explanation: 'The CUDA runtime failed to start: run the canary on this host.',
  },
  'libcuda-stub': {
    ...fault('runtime-load', 'code', 'no', 0.97),
    explanation:
      'The stub libcuda was loaded: remove lib/stubs from the runpath, the driver path must come first.',
  },
  'ptxjitcompiler-missing': {
    ...fault('runtime-load', 'code', 'no', 0.93),
    explanation:
      'libnvidia-ptxjitcompiler was not found: it belongs to the driver, so check the driver path in the runpath.',
  },
  'shared-object-init-failed': {
    ...fault('runtime-load', 'code', 'no', 0.75),
    explanation:
      'CUDA could not load a library of the driver: check that libcuda.so.1 resolves to the host driver.',
  },
  'gpu-file-not-found': {
    ...fault('runtime-load', 'code', 'no', 0.6),
    explanation:
      'CUDA looked for a file that is not there: check the path of the module or of the data the program loads.',
  },
  'driver-insufficient': {
    ...fault('driver-mismatch', 'driver', 'other', 0.8),
    explanation:
      'The driver is older than the CUDA runtime, or libcuda was not found: compare the versions, then the runpath.',
  },
  'driver-too-old': {
    ...fault('driver-mismatch', 'driver', 'other', 0.9),
    explanation: 'The program uses a call the installed driver lacks: run it on a host with a newer driver.',
  },
  'driver-newer-than-library-supports': {
    ...fault('driver-mismatch', 'driver', 'fix', 0.9),
    explanation: 'The driver is newer than the library understands: update the library.',
  },
  'driver-combination-unsupported': {
    ...fault('driver-mismatch', 'host', 'fix', 0.97),
    explanation:
      'Kernel driver and user-space driver do not fit: reboot the host into one generation of the system.',
  },
  'fabric-manager-not-running': {
    ...fault('driver-mismatch', 'host', 'fix', 0.95),
    explanation:
      'The NVSwitch fabric is not ready: start the Fabric Manager of the same version as the driver.',
  },
  'forward-compat-unsupported': {
    ...fault('driver-mismatch', 'driver', 'fix', 0.95),
    explanation:
      'cuda_compat was loaded on a GPU it does not support: keep it off GeForce, or update the driver.',
  },
  'unsupported-ptx-version': {
    ...fault('driver-mismatch', 'driver', 'other', 0.95),
    explanation:
      "The PTX is newer than the driver's JIT: use a newer driver, or build real code (cubin) for this GPU.",
  },
  'vgpu-not-licensed': {
    ...fault('driver-mismatch', 'host', 'fix', 0.9),
    explanation: 'The virtual GPU has no licence: repair the licence client of this host.',
  },
  'no-kernel-image': {
    ...fault('arch-specific', 'architecture', 'other', 0.96),
    explanation:
      'The package holds no code for this GPU: add its capability to cudaCapabilities, or do not schedule it here.',
  },
  'invalid-device-function': {
    ...fault('arch-specific', 'architecture', 'other', 0.85),
    explanation:
      'The kernel does not exist for this GPU: check the capabilities it was built for, and mixed RDC objects.',
  },
  'named-symbol-not-found': {
    ...fault('arch-specific', 'architecture', 'other', 0.85),
    explanation:
      'The module lacks a kernel or symbol: check that it was compiled for this GPU and that names match.',
  },
  'invalid-device-symbol': {
    ...fault('arch-specific', 'architecture', 'other', 0.7),
    explanation:
      'A device symbol is missing in the loaded image: check the capabilities the object was built for.',
  },
  'device-kernel-image-invalid': {
    ...fault('arch-specific', 'architecture', 'other', 0.8),
    explanation:
      'The driver rejects the kernel image: check that its architecture and format fit this GPU and driver.',
  },
  'ptx-jit-failed': {
    ...fault('arch-specific', 'architecture', 'other', 0.8),
    explanation:
      'The driver could not compile the PTX for this GPU: look at the JIT log and at the PTX version.',
  },
  'ptx-jit-disabled': {
    ...fault('arch-specific', 'architecture', 'no', 0.85),
    explanation:
      'Only PTX is present and its compilation is disabled: build a cubin for this GPU, or allow the JIT.',
  },
  'not-supported-on-architecture': {
    ...fault('arch-specific', 'architecture', 'other', 0.75),
    explanation:
      'This GPU does not support what the program uses: exclude the architecture, or guard the code path.',
  },
  'library-arch-mismatch': {
    ...fault('arch-specific', 'architecture', 'other', 0.9),
    explanation:
      'The library has no code for this GPU: use a version that supports it, or exclude the architecture.',
  },
  'ecc-uncorrectable': {
    ...fault('gpu-hardware', 'host', 'other', 0.98, 'decisive'),
    explanation:
      'The GPU met an uncorrectable memory error: take it out of service and repeat the check on another one.',
  },
  'nvlink-uncorrectable': {
    ...fault('gpu-hardware', 'host', 'other', 0.97, 'decisive'),
    explanation: 'NVLink met an uncorrectable error: take the host out of service and check the link.',
  },
  'gpu-contained-error': {
    ...fault('gpu-hardware', 'host', 'other', 0.85),
    explanation: 'The GPU contained a memory or NVLink error: look at the Xid messages, and reset the GPU.',
  },
  'device-busy': {
    ...fault('gpu-hardware', 'host', 'other', 0.6),
    explanation:
      'The GPU is held by someone or hangs: look for leftover processes and the compute mode, then reset it.',
  },
  'gpu-is-lost': {
    ...fault('gpu-hardware', 'host', 'other', 0.95, 'decisive'),
    explanation:
      'The driver lost the GPU: take the host out of service and look for Xid 79 in the kernel log.',
  },
  'peer-access-unsupported': {
    ...fault('collective', 'host', 'other', 0.8),
    explanation:
      'These GPUs cannot reach each other: disable peer access (NCCL_P2P_DISABLE=1), or use another host.',
  },
  'peer-resources-exhausted': {
    ...fault('collective', 'host', 'other', 0.75),
    explanation: 'Resources for peers ran out: use fewer GPUs a process, or reset the GPUs.',
  },
} as const satisfies Faults;
