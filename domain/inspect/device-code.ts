/** Whether outputs hold device code for the GPUs that were asked for. */

import type { ComputeCapability, DeviceCode } from '../ci/architecture.ts';
import type { CapabilityAnswer, ImageCount } from '../cuda/device-code.ts';
import type { Finding } from './finding.ts';

export interface FileDeviceCode {
  readonly modules: number;
  readonly images: readonly ImageCount[];
  readonly answers: readonly CapabilityAnswer[];
}

export interface DeviceCodeOfFile {
  readonly path: string;
  readonly deviceCode: FileDeviceCode;
}

/** Of all files with device code together: as good as the worst of them, since a program needs each of its libraries. */
export interface Coverage {
  readonly capability: ComputeCapability;
  readonly how: DeviceCode;
  /** Files without any code for it. */
  readonly without: readonly string[];
}

export function coverageOf(
  files: readonly DeviceCodeOfFile[],
  capabilities: readonly ComputeCapability[],
): Coverage[] {
  if (files.length === 0) return [];
  return capabilities.map((capability) => {
    const answers = files.map(({ path, deviceCode }) => ({
      path,
      how: deviceCode.answers.find((answer) => answer.capability === capability)?.how ?? 'none',
    }));
    const without = answers.filter(({ how }) => how === 'none').map(({ path }) => path);
    const how = without.length > 0 ? 'none' : answers.some((one) => one.how === 'ptx') ? 'ptx' : 'cubin';
    return { capability, how, without };
  });
}

/** Findings about one file's device code. */
export function judgeDeviceCode({ path, deviceCode }: DeviceCodeOfFile): Finding[] {
  return deviceCode.answers.flatMap(({ capability, how, modules, driverFrom }): Finding[] => {
    if (how === 'none')
      return [
        {
          severity: 'fault',
          class: 'arch-specific',
          subclass: 'no-kernel-image',
          file: path,
          message: `${path} has neither a cubin nor PTX for a GPU of ${capability} (it has ${listImages(deviceCode.images)}): add ${capability} to cudaCapabilities, if the toolkit still knows it.`,
        },
      ];
    const total = modules.cubin + modules.ptx + modules.none;
    const notices: Finding[] = [];
    if (modules.none > 0)
      notices.push({
        severity: 'notice',
        class: 'arch-specific',
        subclass: 'partial-device-code',
        file: path,
        message: `${modules.none} of ${total} modules of ${path} have nothing for a GPU of ${capability}: kernels made for other GPUs alone, or a flag that not every file was compiled with.`,
      });
    if (how === 'ptx')
      notices.push({
        severity: 'notice',
        class: 'arch-specific',
        subclass: 'ptx-only',
        file: path,
        message: `On a GPU of ${capability} the driver must compile ${path} from PTX when it is loaded${driverFrom === null ? '' : `, which takes a driver for CUDA ${driverFrom} or newer`}.`,
      });
    return notices;
  });
}

function listImages(images: readonly ImageCount[]): string {
  const names = images
    .filter(({ kind }) => kind === 'cubin' || kind === 'ptx')
    .map(({ kind, architecture }) =>
      kind === 'cubin' ? architecture : architecture.replace('sm_', 'compute_'),
    );
  return names.length === 0 ? 'none at all' : [...new Set(names)].join(', ');
}
