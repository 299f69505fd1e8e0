/** Broken or lost GPUs, as the kernel driver and NVML report them. */

import { XID_MEANINGS } from '../codes/xid.ts';
import { defineRules } from './define.ts';

export const GPU_HARDWARE_RULES = defineRules(
  'gpu-hardware',
  {
    rank: 'decisive',
    scope: 'host',
    retry: 'other',
    confidence: 0.95,
    link: 'https://docs.nvidia.com/deploy/xid-errors/',
  },
  [
    {
      subclass: 'xid',
      rank: 'specific',
      speaker: 'kernel',
      // An Xid 45 that names its cause is that cause.
      patterns: [
        /NVRM: Xid \([^)]{1,80}\): 45,.{0,160}caused by previous Xid (?<code>\d{1,3})\b/,
        /NVRM: Xid \([^)]{1,80}\): (?<code>\d{1,3})\b/,
      ],
      excludes: [/\bNonfatal\b/],
      codes: XID_MEANINGS,
      explanation: 'The kernel driver reports an Xid.',
      examples: [
        'NVRM: Xid (PCI:0000:3b:00): 48, pid=1234, An uncorrectable double bit error (DBE) has been detected on GPU',
        'kernel: NVRM: Xid (PCI:0000:01:00): 119, Timeout after 6s of waiting for RPC response from GPU0 GSP!',
      ],
      counterExamples: ['NVRM: Xid (PCI:0000:01:00): 145, RLW_REMAP Nonfatal XC0 i0 Link 0 (0x00000004)'],
    },
    {
      id: 'xid-told',
      subclass: 'xid',
      rank: 'specific',
      patterns: [/\bX[Ii][Dd] (?<code>\d{1,3}) ?\(/, /\b[Xx]id(?: error)?(?:: ?| |=)(?<code>\d{1,3})\b/],
      excludes: [/NVRM/],
      codes: XID_MEANINGS,
      explanation: 'A monitor reports an Xid.',
      examples: [
        'XID 94(Contained memory error) detected on PCI:0000:3b:00',
        'gpud: Xid 95 detected on GPU 2',
      ],
    },
    {
      class: 'gpu-code',
      subclass: 'xid-13-illegal-instruction',
      rank: 'specific',
      speaker: 'kernel',
      patterns: [
        /NVRM: Xid \([^)]{1,80}\): 13,.{0,160}Warp Exception on \([^)]{1,60}\): Illegal Instruction/,
      ],
      scope: 'code',
      retry: 'same',
      confidence: 0.8,
      explanation:
        'A kernel ran an illegal instruction: check how it was compiled, and run the canary to exclude the GPU.',
      examples: [
        'NVRM: Xid (PCI:0000:65:00): 13, pid=88, name=python3, Graphics SM Warp Exception on (GPC 1, TPC 0, SM 1): Illegal Instruction Encoding',
        "NVRM: Xid (PCI:0000:65:00): 13, pid='<unknown>', name=<unknown>, Graphics SM Warp Exception on (GPC 0, TPC 2, SM 0): Illegal Instruction Parameter",
      ],
    },
    {
      subclass: 'driver-state-after-suspend',
      rank: 'specific',
      speaker: 'kernel',
      // Exceptions of the graphics state, not of a kernel's warp: what the driver restored is not what the GPU had.
      patterns: [/NVRM: Xid \([^)]{1,80}\): 13,.{0,80}Graphics Exception: (?:Shader|ESR|Class|Extra)/],
      when: ['Graphics Exception: Shader Program Header'],
      unless: [/Warp Exception|MMU Fault/],
      confidence: 0.7,
      explanation:
        "The GPU's graphics state is broken, as after a suspend: reload the driver or reboot the host.",
      examples: [
        'NVRM: Xid (PCI:0000:01:00): 13, Graphics Exception: ESR 0x404490=0x80000001\nNVRM: Xid (PCI:0000:01:00): 13, Graphics Exception: Shader Program Header 1 Error',
        'NVRM: Xid (PCI:0000:01:00): 13, Graphics Exception: Shader Program Header 4 Error',
      ],
    },
    {
      subclass: 'fallen-off-bus-no-xid',
      speaker: 'kernel',
      patterns: [
        'fallen off the bus and is not responding',
        /NVRM: GPU (?:at )?\S{4,20}:? (?:GPU )?has fallen off the bus/,
      ],
      excludes: [/Xid/],
      confidence: 0.97,
      explanation:
        'The GPU fell off the PCI bus: power-cycle the host, and check seating, power and cooling.',
      examples: [
        'kernel: NVRM: The NVIDIA GPU 0000:81:00.0 has fallen off the bus and is not responding to commands.',
        'NVRM: GPU 0000:29:00.0: GPU has fallen off the bus.',
      ],
    },
    {
      subclass: 'gpu-is-lost',
      patterns: [
        'GPU is lost',
        'ERROR_GPU_IS_LOST',
        /Unable to determine the device handle for (?:GPU|gpu)\S{0,10} ?\S{0,40}: (?:Unknown Error|GPU is lost|Not Found)/,
        /GPU (?:at \S{4,20} )?requires reset/i,
        'NV_ERR_GPU_IS_LOST',
        'NV_ERR_RESET_REQUIRED',
        'NV_ERR_GPU_IN_FULLCHIP_RESET',
        'Unable to determine the device handle',
      ],
      explanation:
        'The driver lost the GPU: take the host out of service and look for Xid 79 in the kernel log.',
      examples: [
        'Unable to determine the device handle for GPU0000:65:00.0: Unknown Error',
        'nvmlDeviceGetTemperature: GPU is lost',
      ],
    },
    {
      subclass: 'adapter-initialisation-failed',
      speaker: 'kernel',
      patterns: [
        'RmInitAdapter failed!',
        'rm_init_adapter failed',
        'NVRM: The NVIDIA probe routine failed for',
        'Cannot initialize GSP firmware',
        'the GPU is likely in a bad state',
        /NVRM: .{0,60}_kgsp\w{4,40}: (?:unexpected|failed|timed? ?out)/,
        /NVRM: GPU \S{4,20}: (?:RmInitAdapter|Failed to)/,
        /nvidia: probe of \S{4,20} failed with error/,
        /nvidia-modeset: ERROR: GPU:\d{1,2}: .{0,60}(?:fail|lost|timed? ?out)/i,
      ],
      confidence: 0.92,
      explanation:
        'The driver could not start the GPU: reboot the host, and check driver generation and hardware.',
      examples: [
        'NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x26:0x56:1482)',
        'NVRM: rm_init_adapter failed, device minor number 0',
      ],
    },
    {
      subclass: 'ecc-uncorrectable',
      patterns: [
        'uncorrectable ECC error encountered',
        /[Uu]ncorrectable (?:double bit|ECC|DRAM|SRAM) error/,
        /double[- ]bit ECC error/i,
        /Row [Rr]emapp(?:er|ing).{0,40}(?:fail|pending)/,
        /[Rr]emapped rows? (?:pending|fail)/,
        /Dynamic Page Retirement: /,
      ],
      excludes: [/Xid/],
      confidence: 0.98,
      explanation:
        'The GPU met an uncorrectable memory error: take it out of service and repeat the check on another one.',
      examples: [
        'cuCtxSynchronize: uncorrectable ECC error encountered',
        'GPU 3: Row remapping failure occurred',
      ],
    },
    {
      subclass: 'device-busy-after-fault',
      patterns: [
        /CUDA-capable device(?:s|\(s\))? (?:is\/)?are busy or unavailable/,
        'CUDA_ERROR_DEVICE_UNAVAILABLE',
      ],
      when: ['unspecified launch failure', 'illegal memory access', /NVRM: Xid/],
      confidence: 0.75,
      explanation: 'The GPU stayed unusable after a fault: reset it, then run the canary.',
      examples: [
        'error=719 : unspecified launch failure\nCUDA error: CUDA-capable device(s) is/are busy or unavailable',
        'an illegal memory access was encountered\nall CUDA-capable devices are busy or unavailable',
      ],
    },
    {
      subclass: 'nvswitch-fatal',
      speaker: 'kernel',
      patterns: [/SXid \([^)]{1,60}\): \d{4,6}, Fatal/, /nvidia-nvswitch\d{0,3}: SXid .{0,60}Fatal/],
      confidence: 0.95,
      explanation: 'The NVSwitch reports a fatal error: take the host out of service.',
      examples: [
        'nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 20034, Fatal, Link 30 LTSSM Fault Up',
        'SXid (PCI:0000:c4:00.0): 12028, Fatal, Link 05',
      ],
    },
    {
      subclass: 'pcie-error',
      rank: 'specific',
      speaker: 'kernel',
      patterns: [
        /AER: (?:Uncorrected|Uncorrectable) \((?:Fatal|Non-Fatal)\) error/,
        /PCIe Bus Error: severity=Uncorrect/,
      ],
      confidence: 0.85,
      explanation: 'The PCI Express link of the host is faulty: check seating and the slot.',
      examples: [
        'pcieport 0000:00:01.0: AER: Uncorrected (Fatal) error received: 0000:01:00.0',
        'nvidia 0000:01:00.0: PCIe Bus Error: severity=Uncorrected (Non-Fatal), type=Transaction Layer',
      ],
    },
  ],
);
