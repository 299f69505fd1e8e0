/** What `nixwarp inspect` prints as JSON, and what the pipeline keeps of it. */

import type { BuildTool, ClosureDifference, ClosureSummary } from './closure.ts';
import type { Coverage, DeviceCodeOfFile, FileDeviceCode } from './device-code.ts';
import type { Finding } from './finding.ts';

export type FileKind =
  | 'program'
  | 'library'
  | 'object'
  | 'static-library'
  | 'fat-binary'
  | 'cubin'
  | 'ptx'
  | 'wheel';

export interface InspectedFile {
  /** A member of a wheel as `WHEEL!/MEMBER`. */
  readonly path: string;
  readonly kind: FileKind;
  /** For a Python extension module: its package and dotted name. */
  readonly python: { readonly package: string; readonly module: string } | null;
  readonly needed: readonly { readonly name: string; readonly path: string | null }[];
  readonly deviceCode: FileDeviceCode | null;
}

export interface BuildToolInClosure {
  readonly path: string;
  readonly kind: BuildTool;
  readonly narSize: number;
  /** From the inspected path to it, and in which file of each the next one's path stands. */
  readonly chain: readonly { readonly path: string; readonly file: string | null }[];
}

export interface InspectedClosure extends ClosureSummary {
  readonly buildTools: readonly BuildToolInClosure[];
  readonly difference: ClosureDifference | null;
}

export interface InspectionReport {
  readonly version: 1;
  readonly path: string;
  readonly files: readonly InspectedFile[];
  /** Libraries elsewhere that these files load, and that have device code. */
  readonly libraries: readonly DeviceCodeOfFile[];
  /** For each requested capability, of all files and libraries with device code together; empty where none has any. */
  readonly coverage: readonly Coverage[];
  /** Of a store path only. */
  readonly closure: InspectedClosure | null;
  readonly findings: readonly Finding[];
}
