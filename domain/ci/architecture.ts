/** CUDA architectures (`sm_89`) and compute capabilities (`8.9`), and which device code runs on which GPU. */

import { ParseError } from '../parse-error.ts';

/** `sm_89`; the spelling in queues, tables, JSON and pages. */
export type Architecture = string & { readonly __brand: 'Architecture' };

/** `8.9`, `9.0a`, `12.0f`: as `nvidia-smi` and Nixpkgs' `cudaCapabilities` write it. */
export type ComputeCapability = string & { readonly __brand: 'ComputeCapability' };

/** How device code reaches a GPU: compiled for it, compiled by the driver when loaded, or not at all. */
export type DeviceCode = 'cubin' | 'ptx' | 'none';

const CAPABILITY = /^([1-9][0-9]?)\.([0-9])([af]?)$/;
const ARCHITECTURE = /^sm_([1-9][0-9]?)([0-9])([af]?)$/;

export function parseComputeCapability(text: string): ComputeCapability {
  if (!CAPABILITY.test(text))
    throw new ParseError('compute capability', text, 'of the form "8.9", "9.0a" or "12.0f"');
  return text as ComputeCapability;
}

export function isArchitecture(text: string): text is Architecture {
  return ARCHITECTURE.test(text);
}

export function parseArchitecture(text: string): Architecture {
  if (!isArchitecture(text)) throw new ParseError('architecture', text, 'of the form "sm_89"');
  return text;
}

/** `8.9` → `sm_89`. */
export function architectureOf(capability: ComputeCapability): Architecture {
  const { major, minor, suffix } = parts(capability);
  return `sm_${major}${minor}${suffix}` as Architecture;
}

/** `sm_89` → `8.9`. */
export function capabilityOf(architecture: Architecture): ComputeCapability {
  const [, major, minor, suffix] = ARCHITECTURE.exec(architecture) ?? [];
  return `${major}.${minor}${suffix}` as ComputeCapability;
}

/**
 * Whether a cubin compiled for `code` runs on a GPU of `device`: on the same major version with an equal or higher minor
 * one. Code for `9.0a` runs on 9.0 alone, code for `12.0f` on its major version.
 * Source: as of `deviceCodeFor`.
 */
export function cubinRunsOn(code: ComputeCapability, device: ComputeCapability): boolean {
  return cubinRuns(parts(code), parts(device));
}

/** Whether the driver compiles PTX of `code` for `device`: PTX runs on every equal or higher capability, that of `9.0a` and `12.0f` where their cubins do. */
export function ptxRunsOn(code: ComputeCapability, device: ComputeCapability): boolean {
  const [ptx, gpu] = [parts(code), parts(device)];
  return ptx.suffix === '' ? number(gpu) >= number(ptx) : cubinRuns(ptx, gpu);
}

/**
 * How code built for `capabilities` runs on a GPU of `device`; PTX is kept for the newest capability when
 * `forwardCompat` is on, as Nixpkgs' `cudaForwardCompat`.
 * Source: CUDA C++ Programming Guide, "Binary Compatibility", "PTX Compatibility" and "Feature Set Compiler Targets".
 */
export function deviceCodeFor(
  capabilities: readonly ComputeCapability[],
  forwardCompat: boolean,
  device: ComputeCapability,
): DeviceCode {
  if (capabilities.some((code) => cubinRunsOn(code, device))) return 'cubin';
  const newest = capabilities.toSorted(compareCapabilities).at(-1);
  return forwardCompat && newest !== undefined && ptxRunsOn(newest, device) ? 'ptx' : 'none';
}

export function compareCapabilities(a: ComputeCapability, b: ComputeCapability): number {
  return number(parts(a)) - number(parts(b)) || a.localeCompare(b);
}

interface Parts {
  readonly major: number;
  readonly minor: number;
  readonly suffix: string;
}

function parts(capability: ComputeCapability): Parts {
  const [, major, minor, suffix] = CAPABILITY.exec(capability) ?? [];
  return { major: Number(major), minor: Number(minor), suffix: suffix ?? '' };
}

function number({ major, minor }: Parts): number {
  return major * 10 + minor;
}

function cubinRuns(code: Parts, gpu: Parts): boolean {
  if (code.major !== gpu.major) return false;
  return code.suffix === 'a' ? code.minor === gpu.minor : gpu.minor >= code.minor;
}
