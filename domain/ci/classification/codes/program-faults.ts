/** Faults of a GPU program that CUDA, HIP and their libraries report by code. */

import type { Faults } from './fault.ts';
import { fault } from './fault.ts';

export const PROGRAM_FAULTS = {
  'illegal-memory-access': {
    ...fault('gpu-code', 'code', 'same', 0.8),
    explanation:
      'A kernel read or wrote outside its memory: run it under compute-sanitizer; suspect the GPU if others fault too.',
  },
  'launch-failure': {
    ...fault('gpu-code', 'code', 'same', 0.75),
    explanation: 'A kernel crashed: run it under compute-sanitizer, and run the canary to exclude the GPU.',
  },
  'device-side-assert': {
    ...fault('gpu-code', 'code', 'no', 0.85),
    explanation:
      'An assertion in a kernel failed: look for the assertion line above, often an index out of range.',
  },
  'illegal-instruction': {
    ...fault('gpu-code', 'code', 'same', 0.75),
    explanation:
      'A kernel ran an illegal instruction: check how it was compiled, and run the canary to exclude the GPU.',
  },
  'misaligned-address': {
    ...fault('gpu-code', 'code', 'no', 0.85),
    explanation: 'A kernel used a misaligned address: run it under compute-sanitizer.',
  },
  'invalid-address-space': {
    ...fault('gpu-code', 'code', 'no', 0.8),
    explanation: 'A kernel used an address of the wrong kind: run it under compute-sanitizer.',
  },
  'hardware-stack-error': {
    ...fault('gpu-code', 'code', 'same', 0.7),
    explanation: 'A kernel overran its stack: raise the stack limit, or look for deep recursion.',
  },
  'launch-out-of-resources': {
    ...fault('gpu-code', 'code', 'no', 0.75),
    explanation:
      'A kernel needs more registers or shared memory than this GPU has: use fewer threads a block.',
  },
  'launch-timeout': {
    ...fault('gpu-code', 'host', 'other', 0.7),
    explanation:
      'A kernel ran longer than the display watchdog allows: use a GPU without a display, or a shorter kernel.',
  },
  'invalid-launch-configuration': {
    ...fault('gpu-code', 'code', 'no', 0.75),
    explanation:
      "A kernel was launched with a grid or block this GPU does not allow: check the launch's dimensions.",
  },
  'cooperative-launch-too-large': {
    ...fault('gpu-code', 'architecture', 'other', 0.7),
    explanation:
      'A cooperative launch has more blocks than fit this GPU: size it by the occupancy calculator.',
  },
  'stream-capture': {
    ...fault('gpu-code', 'code', 'no', 0.8),
    explanation: 'A call is not allowed while a CUDA graph is captured: move it out of the capture.',
  },
  'graph-update-failed': {
    ...fault('gpu-code', 'code', 'no', 0.75),
    explanation: 'A CUDA graph could not be updated: instantiate it anew when its shape changes.',
  },
  'peer-access-state': {
    ...fault('gpu-code', 'code', 'no', 0.6, 'consequence'),
    explanation: 'Peer access was enabled twice or not at all: check the order of calls.',
  },
  'invalid-argument': {
    ...fault('gpu-code', 'code', 'no', 0.55, 'consequence'),
    explanation:
      'A CUDA call got an invalid argument: find the call above the message, and errors before it.',
  },
  'invalid-resource-handle': {
    ...fault('gpu-code', 'code', 'no', 0.6, 'consequence'),
    explanation:
      'A CUDA call got a handle of another device or context: check which device is current at the call.',
  },
  'invalid-context': {
    ...fault('gpu-code', 'code', 'no', 0.6, 'consequence'),
    explanation:
      'CUDA was called without a valid context: look for a fork, or for a context destroyed before.',
  },
  'api-misuse': {
    ...fault('gpu-code', 'code', 'no', 0.6, 'consequence'),
    explanation: 'The program uses the CUDA interface wrongly: read the call named in the line.',
  },
  'host-memory-registration': {
    ...fault('gpu-code', 'code', 'no', 0.6, 'consequence'),
    explanation:
      'Host memory was registered twice or not at all: check cudaHostRegister, and the memlock limit.',
  },
  'graphics-interop': {
    ...fault('gpu-code', 'code', 'no', 0.6, 'consequence'),
    explanation:
      'Sharing with OpenGL, Vulkan or Direct3D failed: check that both use the same GPU and a live context.',
  },
  'operation-not-supported': {
    ...fault('gpu-code', 'architecture', 'other', 0.5, 'consequence'),
    explanation:
      'The call is not supported on this device or system: read which call it is, and compare architectures.',
  },
  'external-wait': {
    ...fault('gpu-code', 'host', 'same', 0.55, 'consequence'),
    explanation: 'Waiting for something outside CUDA failed: look for the other side of the wait.',
  },
  'unknown-error': {
    ...fault('gpu-code', 'host', 'other', 0.5, 'generic'),
    explanation: 'CUDA names no reason: look at the kernel log for Xid messages, and run the canary.',
  },
  'driver-shutting-down': {
    ...fault('gpu-code', 'code', 'no', 0.45, 'consequence'),
    explanation:
      'CUDA was used while the process ended: look for an earlier error, else for static destructors.',
  },
  'no-error': {
    ...fault('none', 'unknown', 'no', 0.5, 'benign'),
    explanation: 'The code says that there was no error.',
  },
} as const satisfies Faults;
