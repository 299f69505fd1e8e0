/** Faults of GPU programs, and GPU memory that ran out. The numbered CUDA errors are in `gpu-code-tables.ts`. */

import { defineRules } from './define.ts';

export const GPU_CODE_RULES = defineRules(
  'gpu-code',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.88 },
  [
    {
      subclass: 'illegal-memory-access',
      patterns: [
        /Invalid __(?:global|shared|local)__ (?:read|write|atomic) of size \d/,
        /CUDA_EXCEPTION_\d{1,2}, (?:Lane|Warp|Device) (?:Illegal Address|Out-of-range)/,
        'an illegal memory access was encountered',
        /CUDA_EXCEPTION_\d{1,2}, .{0,20}(?:Illegal|Misaligned)/,
      ],
      retry: 'same',
      confidence: 0.85,
      explanation:
        'A kernel read or wrote outside its memory: run it under compute-sanitizer; suspect the GPU if others fault too.',
      examples: [
        '========= Invalid __global__ write of size 4 bytes',
        'CUDA error: an illegal memory access was encountered',
      ],
    },
    {
      subclass: 'device-side-assert',
      patterns: [
        /block: \[\d{1,9},\d{1,9},\d{1,9}\], thread: \[\d{1,5},\d{1,5},\d{1,5}\] Assertion [`'](?<assertion>[^'`]{1,160})/,
        'device-side assert triggered',
        'device-side assert',
      ],
      confidence: 0.88,
      explanation: 'The assertion {assertion|above} failed in a kernel: often an index is out of range.',
      examples: [
        '../aten/src/ATen/native/cuda/Loss.cu:250: nll_loss_forward: block: [0,0,0], thread: [4,0,0] Assertion `t >= 0 && t < n_classes` failed.',
        'RuntimeError: CUDA error: device-side assert triggered',
      ],
    },
    {
      subclass: 'launch-out-of-resources',
      patterns: [
        /OutOfResources: out of resource: (?<resource>[\w ]{3,30})/,
        /out of resource: shared memory, Required: \d/,
      ],
      scope: 'architecture',
      retry: 'other',
      confidence: 0.8,
      explanation:
        'A kernel needs more {resource|of a resource} than this GPU has: use smaller blocks or fewer stages.',
      examples: [
        'triton.runtime.errors.OutOfResources: out of resource: shared memory, Required: 147456, Hardware limit: 101376.',
        'OutOfResources: out of resource: threads, Required: 2048, Hardware limit: 1024.',
      ],
    },
    {
      subclass: 'nvrtc-compilation-failed',
      rank: 'consequence',
      patterns: [
        /NVRTC_ERROR_(?:COMPILATION|INTERNAL_ERROR|INVALID_INPUT)/,
        /NVRTC (?:compilation )?[Ee]rror/,
        /cupy\S{0,30}\.CompileException: .{0,300}error/,
      ],
      confidence: 0.65,
      explanation: 'A kernel did not compile at run time: read the log of NVRTC below this line.',
      examples: [
        'NVRTCError: NVRTC_ERROR_COMPILATION (6)',
        'nvrtcCompileProgram failed: NVRTC_ERROR_INTERNAL_ERROR',
        'cupy.cuda.compiler.CompileException: /tmp/tmpx1/ab.cubin.cu(4): error: expected a ";"',
        'cupy.cuda.compiler.CompileException: /tmp/t/c.cu(9): error: identifier "in0_type" is undefined',
      ],
    },
    {
      subclass: 'sanitizer-race',
      patterns: ['Race reported between', 'Barrier error detected', 'Uninitialized __global__ memory read'],
      explanation: 'compute-sanitizer found a fault in a kernel: read its report.',
      examples: [
        '========= Error: Race reported between Write access at 0x90 in k.cu:12',
        '========= Barrier error detected. Divergent thread(s) in block.',
      ],
    },
  ],
);

export const GPU_OOM_RULES = defineRules(
  'gpu-oom',
  { rank: 'specific', scope: 'host', retry: 'same', confidence: 0.93 },
  [
    {
      subclass: 'cuda-oom',
      patterns: [
        /(?:CUDA|HIP|cuda|hip) out of memory/,
        /\bOutOfMemoryError: (?:CUDA|HIP|Out of memory allocating)/,
        /CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation|hipErrorOutOfMemory|VK_ERROR_OUT_OF_DEVICE_MEMORY/,
        /RESOURCE_EXHAUSTED: (?:Out of memory|Failed to allocate|OOM)/,
        /OOM when allocating tensor with shape/,
        /cudaMalloc\w{0,20} failed: out of memory/,
        /(?:unable|failed) to allocate (?:CUDA|ROCm|Vulkan)\d{0,2} buffer/,
        /out_of_memory: (?:CUDA|RMM)/,
        /[Ff]ailed to allocate memory for requested buffer of size/,
        /ErrorOutOfDeviceMemory/,
        /CUDA (?:error|Error|failure)[^:]{0,80}: out of memory/,
        /[Nn]ot enough (?:GPU|device|video) memory|insufficient (?:VRAM|GPU memory)/,
        /No available memory for the cache blocks/,
        /Free memory on device .{0,80}less than desired GPU memory utilization/,
        /Process \d{1,9} has [\d.]{1,8} (?:MiB|GiB) memory in use/,
        /vk::(?:Device|Queue)::\w{4,30}: ErrorOutOfDeviceMemory/,
        /(?:CUDA|GPU|device) (?:ran )?out of memory/i,
      ],
      explanation:
        'GPU memory ran out: look for other processes on the GPU, retry when it is idle, or shrink the test.',
      examples: [
        'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 7.92 GiB',
        'RESOURCE_EXHAUSTED: Out of memory while trying to allocate 17179869184 bytes.',
        'ggml_backend_cuda_buffer_type_alloc_buffer: allocating 4403.49 MiB on device 0: cudaMalloc failed: out of memory',
      ],
    },
  ],
);
