/** What is known of one attempt before its log is read; everything is optional, and what is present outranks the log. */

import type { Stage } from './taxonomy.ts';

export const EVIDENCE_OUTCOMES = [
  'built',
  'substituted',
  'failed',
  'hash-mismatch',
  'dependency-failed',
  'aborted',
  'cancelled',
  'failed-with-output',
  'timed-out',
  'silent-timed-out',
  'unsupported',
  'log-limit',
  'output-limit',
  'not-deterministic',
] as const;
/** How an attempt ended, in the words of DESIGN §6. */
export type EvidenceOutcome = (typeof EVIDENCE_OUTCOMES)[number];

/** Limits that were in force; absent means unlimited or unknown. */
export interface Limits {
  readonly timeoutSeconds?: number;
  readonly silentSeconds?: number;
  readonly logBytes?: number;
  readonly outputBytes?: number;
}

/** A kernel message of NVIDIA's driver within the attempt's time window. */
export interface XidEvent {
  readonly code: number;
  /** PCI address as the kernel prints it, for example `0000:44:00`. */
  readonly pci?: string;
  readonly text?: string;
}

/** What the host said for the attempt's time window; a present but empty list means "looked, found nothing". */
export interface HostFacts {
  readonly name?: string;
  readonly xids?: readonly XidEvent[];
  /** Kernel driver versions as NVML reports them, before and after the attempt. */
  readonly driverBefore?: string;
  readonly driverAfter?: string;
  /** Newest CUDA version the driver serves (`nvidia-smi`'s header), for example `12.4`. */
  readonly driverCuda?: string;
  /** Free bytes of the fullest file system the build used, when the attempt ended. */
  readonly freeBytes?: number;
  /** Kernel out-of-memory kills in the build's cgroup. */
  readonly oomKills?: number;
  /** New uncorrectable ECC errors counted by NVML. */
  readonly eccErrors?: number;
  /** The pinned, known good check, run beside this attempt on the same GPU. */
  readonly canary?: 'passed' | 'failed' | 'not-run';
}

/** An earlier attempt of the very same derivation (so a different outcome means a flake, or a host). */
export interface EarlierAttempt {
  readonly outcome: EvidenceOutcome;
  readonly host?: string;
  readonly fingerprint?: string;
}

/** The same check on another architecture, or on another host of the same one. */
export interface ArchitectureResult {
  /** `sm_89`. */
  readonly architecture: string;
  readonly outcome: 'passed' | 'failed';
  readonly host?: string;
}

export interface Evidence {
  readonly stage?: Stage;
  /** Nix system, for example `aarch64-linux`. */
  readonly system?: string;
  /** `sm_89` of the GPU that ran a check. */
  readonly architecture?: string;
  readonly outcome?: EvidenceOutcome;
  /** Exit status of the Nix command; 96 + bits (reference/hydra.md §5). */
  readonly nixExit?: number;
  /** Nix's own error message, which the builder cannot forge; its quoted log tail is not read. */
  readonly nixMessage?: string;
  /** Exit status or signal number of the builder itself. */
  readonly exitCode?: number;
  readonly signal?: number;
  /** Whether the derivation is a fixed-output one (a fetch). */
  readonly fixedOutput?: boolean;
  readonly limits?: Limits;
  readonly host?: HostFacts;
  /** CUDA version of the toolkit the package was built with, for example `13.0`. */
  readonly toolkitCuda?: string;
  /** Store paths of the runtime closure that the jobset counts as build tools (nvcc, gcc-wrapper, `-dev`, …). */
  readonly closureToolchains?: readonly string[];
  readonly earlier?: readonly EarlierAttempt[];
  readonly otherArchitectures?: readonly ArchitectureResult[];
}
