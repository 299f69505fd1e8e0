/** Errors of HIP, HSA, NVML, Vulkan and OpenGL by name. HIP's names follow CUDA's, but its faults are filed under `rocm`. */

import type { CodeMeaning, CodeTable } from '../rule.ts';
import { CUDA_ERRORS, GPU_FAULTS } from './cuda-errors.ts';
import type { Faults } from './fault.ts';
import { codeTable, fault, meaningOf } from './fault.ts';

const ROCM_FAULTS = {
  'invalid-device-function-missing-code-object': {
    ...fault('rocm', 'architecture', 'other', 0.9),
    explanation:
      'The package holds no code object for this GPU: add its gfx target, or set HSA_OVERRIDE_GFX_VERSION.',
  },
  'hip-init-invalid-device': {
    ...fault('rocm', 'host', 'other', 0.85),
    explanation: 'HIP found no usable GPU: check /dev/kfd, /dev/dri, the render group and the gfx target.',
  },
  'bad-host-hsa-out-of-resources': {
    ...fault('rocm', 'host', 'other', 0.87),
    explanation: 'The HSA runtime got no resources: this host is unwell, run the check on another one.',
  },
  'memory-access-fault': {
    ...fault('rocm', 'code', 'same', 0.87),
    explanation:
      'A kernel touched memory that is not its own: check that the GPU is supported, then debug the kernel.',
  },
  'hsa-failed': {
    ...fault('rocm', 'host', 'other', 0.75),
    explanation: 'The HSA runtime failed: check the amdgpu driver of this host, and try another one.',
  },
} as const satisfies Faults;

/** HIP's name of a fault where the fault differs from CUDA's (`hip_runtime_api.h`). */
const HIP_NAMES: readonly (readonly [string, keyof typeof ROCM_FAULTS])[] = [
  ['NoBinaryForGpu', 'invalid-device-function-missing-code-object'],
  ['InvalidDeviceFunction', 'invalid-device-function-missing-code-object'],
  ['InvalidImage', 'invalid-device-function-missing-code-object'],
  ['InvalidKernelFile', 'invalid-device-function-missing-code-object'],
  ['SharedObjectInitFailed', 'invalid-device-function-missing-code-object'],
  ['SharedObjectSymbolNotFound', 'invalid-device-function-missing-code-object'],
  ['NotFound', 'invalid-device-function-missing-code-object'],
  ['FileNotFound', 'invalid-device-function-missing-code-object'],
  ['NoDevice', 'hip-init-invalid-device'],
  ['InvalidDevice', 'hip-init-invalid-device'],
  ['InitializationError', 'hip-init-invalid-device'],
  ['NotInitialized', 'hip-init-invalid-device'],
  ['InsufficientDriver', 'hip-init-invalid-device'],
  ['IllegalAddress', 'memory-access-fault'],
  ['LaunchFailure', 'memory-access-fault'],
  ['RuntimeMemory', 'hsa-failed'],
  ['RuntimeOther', 'hsa-failed'],
];

/** HIP's names that neither CUDA's runtime nor its driver knows in this spelling, with the number all three share. */
const HIP_NUMBERS: readonly (readonly [string, string])[] = [
  ['Deinitialized', '4'],
  ['InvalidContext', '201'],
  ['ContextAlreadyCurrent', '202'],
  ['MapFailed', '205'],
  ['UnmapFailed', '206'],
  ['NotMapped', '211'],
  ['ECCNotCorrectable', '214'],
  ['ContextAlreadyInUse', '216'],
  ['InvalidHandle', '400'],
  ['LaunchTimeOut', '702'],
  ['ContextIsDestroyed', '709'],
  ['PriorLaunchFailure', '53'],
];

/** Meanings by what stands behind `hipError`; a name that HIP shares with CUDA keeps its fault, filed under `rocm`. */
export const HIP_ERROR_NAMES: CodeTable = new Map<string, CodeMeaning>([
  ...CUDA_ERRORS.filter(({ runtime, fault: id }) => runtime !== '' && id !== 'no-error').map(
    ({ runtime, fault: id }) => [runtime, asRocm(meaningOf(GPU_FAULTS, id))] as const,
  ),
  ...HIP_NUMBERS.map(([name, number]) => [name, asRocm(faultOfNumber(number))] as const),
  ['OutOfMemory', meaningOf(GPU_FAULTS, 'cuda-oom')],
  ['MemoryAllocation', meaningOf(GPU_FAULTS, 'cuda-oom')],
  ...HIP_NAMES.map(([name, id]) => [name, meaningOf(ROCM_FAULTS, id)] as const),
]);

function faultOfNumber(number: string): CodeMeaning {
  const error = CUDA_ERRORS.find((each) => each.number === number);
  if (error === undefined) throw new Error(`no CUDA error has the number ${number}`);
  return meaningOf(GPU_FAULTS, error.fault);
}

function asRocm(meaning: CodeMeaning): CodeMeaning {
  return meaning.class === 'gpu-oom'
    ? meaning
    : { ...meaning, class: 'rocm', subclass: `hip-${meaning.subclass}` };
}

/** Meanings by what stands behind `HSA_STATUS_ERROR_` (`hsa.h`); the bare `HSA_STATUS_ERROR` has none. */
export const HSA_STATUS: CodeTable = codeTable(ROCM_FAULTS, [
  ['OUT_OF_RESOURCES', 'bad-host-hsa-out-of-resources'],
  ['NOT_INITIALIZED', 'hsa-failed'],
  ['MEMORY_FAULT', 'memory-access-fault'],
  ['MEMORY_APERTURE_VIOLATION', 'memory-access-fault'],
  ['ILLEGAL_INSTRUCTION', 'memory-access-fault'],
  ['EXCEPTION', 'memory-access-fault'],
  ['INVALID_ISA', 'invalid-device-function-missing-code-object'],
  ['INVALID_ISA_NAME', 'invalid-device-function-missing-code-object'],
  ['INCOMPATIBLE_ARGUMENTS', 'invalid-device-function-missing-code-object'],
  ['INVALID_CODE_OBJECT', 'invalid-device-function-missing-code-object'],
  ['INVALID_AGENT', 'hip-init-invalid-device'],
  ['FATAL', 'hsa-failed'],
]);

const GRAPHICS_FAULTS = {
  ...GPU_FAULTS,
  'vulkan-no-driver': {
    ...fault('runtime-load', 'host', 'other', 0.85),
    explanation:
      'Vulkan found no driver: check VK_DRIVER_FILES, /run/opengl-driver and the mounts of the sandbox.',
  },
  'vulkan-unsupported': {
    ...fault('arch-specific', 'architecture', 'other', 0.7),
    explanation:
      'The Vulkan driver of this GPU lacks what the program asks for: exclude it, or make the use optional.',
  },
  'vulkan-device-lost': {
    ...fault('gpu-code', 'code', 'same', 0.7),
    explanation:
      'The GPU was lost while Vulkan used it: look for Xid messages, then run with the validation layers.',
  },
  'vulkan-initialization-failed': {
    ...fault('gpu-lib-init', 'host', 'other', 0.7, 'consequence'),
    explanation: 'Vulkan could not initialise: check the driver files and the device nodes in the sandbox.',
  },
} as const satisfies Faults;

/** Meanings by what stands behind `VK_ERROR_` (`vulkan_core.h`). */
export const VULKAN_ERRORS: CodeTable = codeTable(GRAPHICS_FAULTS, [
  ['OUT_OF_DEVICE_MEMORY', 'cuda-oom'],
  ['OUT_OF_HOST_MEMORY', 'vulkan-initialization-failed'],
  ['INITIALIZATION_FAILED', 'vulkan-initialization-failed'],
  ['DEVICE_LOST', 'vulkan-device-lost'],
  ['MEMORY_MAP_FAILED', 'vulkan-initialization-failed'],
  ['LAYER_NOT_PRESENT', 'vulkan-no-driver'],
  ['EXTENSION_NOT_PRESENT', 'vulkan-unsupported'],
  ['FEATURE_NOT_PRESENT', 'vulkan-unsupported'],
  ['INCOMPATIBLE_DRIVER', 'vulkan-no-driver'],
  ['TOO_MANY_OBJECTS', 'vulkan-initialization-failed'],
  ['FORMAT_NOT_SUPPORTED', 'vulkan-unsupported'],
  ['FRAGMENTED_POOL', 'cuda-oom'],
  ['SURFACE_LOST_KHR', 'vulkan-device-lost'],
]);

const NVML_FAULTS = {
  ...GPU_FAULTS,
  'nvml-driver-library-mismatch': {
    ...fault('driver-mismatch', 'host', 'fix', 0.98),
    explanation:
      'Kernel module and user-space driver differ: reboot the host, and try another one meanwhile.',
  },
  'nvml-not-found': {
    ...fault('runtime-load', 'code', 'no', 0.85),
    explanation:
      'libnvidia-ml.so.1 was not found: check the driver path in the runpath; a Jetson has no NVML.',
  },
  'nvml-driver-not-loaded': {
    ...fault('infra', 'host', 'other', 0.9),
    explanation: "NVIDIA's kernel module is not loaded: load it, or boot the host into its new generation.",
  },
} as const satisfies Faults;

/** Meanings by what stands behind `NVML_ERROR_`, in `NVMLError_…` of its Python binding, and by number (`nvml.h`). */
export const NVML_ERRORS: CodeTable = codeTable(NVML_FAULTS, [
  ['LIB_RM_VERSION_MISMATCH', 'nvml-driver-library-mismatch'],
  ['LibRmVersionMismatch', 'nvml-driver-library-mismatch'],
  ['LIBRARY_NOT_FOUND', 'nvml-not-found'],
  ['LibraryNotFound', 'nvml-not-found'],
  ['DRIVER_NOT_LOADED', 'nvml-driver-not-loaded'],
  ['DriverNotLoaded', 'nvml-driver-not-loaded'],
  ['GPU_IS_LOST', 'gpu-is-lost'],
  ['GpuIsLost', 'gpu-is-lost'],
  ['NO_PERMISSION', 'gpu-not-permitted'],
  ['NoPermission', 'gpu-not-permitted'],
  ['OPERATING_SYSTEM', 'gpu-os-call-failed'],
  ['OperatingSystem', 'gpu-os-call-failed'],
  ['NOT_FOUND', 'no-gpu-visible'],
  ['NotFound', 'no-gpu-visible'],
  ['RESET_REQUIRED', 'gpu-contained-error'],
  ['ResetRequired', 'gpu-contained-error'],
  ['ECC_UNCORRECTABLE', 'ecc-uncorrectable'],
  ['IRQ_ISSUE', 'device-busy'],
  ['4', 'gpu-not-permitted'],
  ['6', 'no-gpu-visible'],
  ['9', 'nvml-driver-not-loaded'],
  ['11', 'device-busy'],
  ['12', 'nvml-not-found'],
  ['15', 'gpu-is-lost'],
  ['16', 'gpu-contained-error'],
  ['17', 'gpu-os-call-failed'],
  ['18', 'nvml-driver-library-mismatch'],
]);
