/** Faults of AMD's stack: HIP, HSA, rocBLAS, the amdgpu driver. Collectives of RCCL are with NCCL's. */

import { HIP_ERROR_NAMES, HSA_STATUS } from '../codes/graphics.ts';
import { defineRules } from './define.ts';

export const ROCM_RULES = defineRules(
  'rocm',
  { rank: 'specific', scope: 'host', retry: 'other', confidence: 0.88 },
  [
    {
      subclass: 'invalid-device-function-missing-code-object',
      patterns: [
        /(?:HIP|hip) (?:error|Error|failure)[^:]{0,60}: ?(?:invalid device function|no (?:binary|kernel image))/,
        'Missing CO for these ISAs',
        /no binary for gpu/i,
        'No compatible code objects found for',
        /hipErrorNoBinaryForGpu/,
        /Unable to find code object for all current devices/,
        /hip_code_object\.cpp.{0,80}(?:Cannot find|Coudn't find|Couldn't find|Unable to find)/,
        /(?:Unable|[Cc]annot|[Ff]ailed) to find (?:code object|Symbol with name)/,
      ],
      scope: 'architecture',
      confidence: 0.92,
      explanation:
        'The package holds no code object for this GPU: add its gfx target, or set HSA_OVERRIDE_GFX_VERSION.',
      examples: [
        'RuntimeError: HIP error: invalid device function',
        'hipErrorNoBinaryForGpu: Unable to find code object for all current devices!',
        'No compatible code objects found for: gfx1103',
      ],
    },
    {
      subclass: 'rocblas-library-missing',
      patterns: [
        /rocBLAS error: Cannot read .{0,200}for GPU arch : (?<architecture>gfx\w{3,6})/,
        /TensileLibrary\S{0,60}\.dat: No such file/,
      ],
      scope: 'architecture',
      confidence: 0.93,
      explanation:
        'rocBLAS has no kernels for {architecture|this GPU}: build it for that target, or exclude the GPU.',
      examples: [
        'rocBLAS error: Cannot read /nix/store/a-rocblas/lib/rocblas/library/TensileLibrary.dat: No such file or directory for GPU arch : gfx1031',
        'rocblas/library/TensileLibrary_lazy_gfx1036.dat: No such file or directory',
      ],
    },
    {
      subclass: 'hip-init-invalid-device',
      patterns: [
        /hipInit: (?<_message>[\w ]{3,40})/,
        'no ROCm-capable device is detected',
        /HIP (?:error|failure)[^:]{0,40}: ?(?:no ROCm-capable|invalid device ordinal)/,
        'No HIP GPUs are available',
        /HIP hipInit: /,
        /[Nn]o (?:HIP|ROCm|AMD) (?:GPUs?|devices?) (?:are |were )?(?:available|found|detected)/,
        'no ROCm-capable device',
        /Could not initialize Tensile host: (?<_message>.{1,60})/,
      ],
      confidence: 0.88,
      explanation: 'HIP found no usable GPU: check /dev/kfd, /dev/dri, the render group and the gfx target.',
      examples: [
        'RuntimeError: No HIP GPUs are available',
        'hipErrorNoDevice: no ROCm-capable device is detected',
      ],
    },
    {
      subclass: 'rocm-device-nodes-missing',
      patterns: [
        /(?:Unable to open|[Ff]ailed to open|cannot open|could not open) '?\/dev\/kfd/,
        /ROCk module is NOT loaded/,
        /\/dev\/kfd'?: (?:No such file|Permission denied)/,
      ],
      confidence: 0.9,
      explanation:
        'The amdgpu device nodes are missing or closed: load the module, mount /dev/kfd and /dev/dri, and join render.',
      examples: [
        'Unable to open /dev/kfd read-write: No such file or directory',
        'ROCk module is NOT loaded, possibly no GPU devices',
      ],
    },
    {
      subclass: 'memory-access-fault',
      patterns: ['Memory access fault by GPU node', /amdgpu.{0,60}\[gfxhub0?\] .{0,40}page fault/],
      scope: 'code',
      retry: 'same',
      confidence: 0.9,
      explanation:
        'A kernel touched memory that is not its own: check that the GPU is supported, then debug the kernel.',
      examples: [
        'Memory access fault by GPU node-2 (Agent handle: 0x5582) on address 0x7f12. Reason: Page not present or supervisor privilege.',
        'amdgpu 0000:03:00.0: amdgpu: [gfxhub0] retry page fault (src_id:0 ring:0 vmid:8)',
      ],
    },
    {
      subclass: 'amdgpu-hang',
      speaker: 'kernel',
      rank: 'decisive',
      patterns: [/amdgpu.{0,80}ring \S{1,30} timeout/, /amdgpu: GPU reset (?:begin|failed)/],
      confidence: 0.9,
      explanation: 'The GPU hung and was reset: run elsewhere, and watch this host.',
      examples: [
        '[drm:amdgpu_job_timedout [amdgpu]] *ERROR* ring comp_1.0.1 timeout, signaled seq=12',
        'amdgpu 0000:03:00.0: amdgpu: GPU reset begin!',
      ],
    },
    {
      subclass: 'hsa-error',
      patterns: [/HSA_STATUS_ERROR_(?<code>[A-Z_]{4,40})/],
      codes: HSA_STATUS,
      explanation: 'The HSA runtime reports an error by name: look it up in the table of codes.',
      examples: [
        'hsa_init failed: HSA_STATUS_ERROR_OUT_OF_RESOURCES',
        'Call returned HSA_STATUS_ERROR_INVALID_ISA',
      ],
    },
    {
      id: 'hsa-error-text',
      subclass: 'hsa-failed',
      rank: 'consequence',
      patterns: [
        /HSA_EXCEPTION|HSA exception: (?<message>.{3,80})/,
        /HW Exception by GPU node/,
        /hsa api call failure/,
        /Queue at 0x\w{4,16} inactivated due to async error/,
        /amdgpu: (?:Failed to|failed to) .{0,60}(?:VMID|queue|map|process)/,
      ],
      confidence: 0.78,
      explanation:
        'The GPU or its driver raised an exception: read the kernel log, and run the check on another host.',
      examples: [
        'HW Exception by GPU node-1 (Agent handle: 0x1cd) reason :GPU Hang',
        ':0:rocdevice.cpp :2726: Queue at 0x7f51a4000000 inactivated due to async error 0x1016',
      ],
    },
    {
      subclass: 'hip-error',
      patterns: [/hipError(?<code>[A-Z]\w{4,40})/],
      codes: HIP_ERROR_NAMES,
      explanation: 'HIP reports an error by name: look it up in the table of codes.',
      examples: [
        'hipMemcpy failed with hipErrorIllegalAddress',
        'error: hipErrorSharedObjectInitFailed at x.cpp:1',
      ],
    },
    {
      subclass: 'hip-module-load-failed',
      patterns: [/hipModuleLoad(?:Data(?:Ex)?)? failed/, /hipModuleGetFunction.{0,40}failed/],
      scope: 'architecture',
      rank: 'consequence',
      confidence: 0.85,
      explanation:
        'A code object could not be loaded: check that its gfx target is installed and fits this GPU.',
      examples: [
        'hipModuleLoad failed: /opt/rocm/lib/hipblaslt/library/Kernels.so-000-gfx1151.hsaco',
        'hipModuleLoadData failed with an unknown code',
      ],
    },
    {
      id: 'hip-error-text',
      subclass: 'hip-error',
      rank: 'consequence',
      patterns: [
        /(?:HIP|hip) error: (?<message>.{3,100})/,
        /MIOpen(?:\(HIP\))?: Error (?<message>.{3,100})/,
        /miopenStatus(?<message>\w{4,30})/,
      ],
      excludes: [/out of memory|invalid device function/],
      confidence: 0.75,
      explanation: 'HIP reports an error: read it, and look for the first one.',
      examples: [
        'RuntimeError: HIP error: unspecified launch failure',
        'RuntimeError: miopenStatusUnknownError',
      ],
    },
  ],
);
