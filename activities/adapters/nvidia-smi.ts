/** The GPUs of this machine, as NVIDIA's own tool tells: probed, never configured. */

import { execFile } from 'node:child_process';
import type { GpuAnnouncement } from '../../domain/api/builder.ts';
import { architectureOf, parseComputeCapability } from '../../domain/ci/architecture.ts';
import { ParseError } from '../../domain/parse-error.ts';

const FIELDS = ['index', 'name', 'uuid', 'compute_cap', 'driver_version', 'memory.total'] as const;
/** A driver that hangs must not hang the builder; a healthy one answers in well under a second. */
const ANSWER_TIMEOUT_MS = 15_000;
const MIB = 1024 * 1024;

export type GpuProbe =
  | { readonly kind: 'found'; readonly gpus: readonly GpuAnnouncement[] }
  /** No NVIDIA driver is installed here: no GPU, and nothing wrong. */
  | { readonly kind: 'absent' }
  /** There is a driver, and it is sick; the message says how. */
  | { readonly kind: 'failed'; readonly message: string };

/** Asks `nvidia-smi`, by its path or from PATH. */
export async function probeGpus(command: string): Promise<GpuProbe> {
  const args = [`--query-gpu=${FIELDS.join(',')}`, '--format=csv,noheader,nounits'];
  return new Promise((resolve) => {
    execFile(command, args, { timeout: ANSWER_TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) return resolve(parseOrFail(stdout));
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return resolve({ kind: 'absent' });
      resolve({ kind: 'failed', message: `${command}: ${(stdout + stderr).trim() || error.message}` });
    });
  });
}

function parseOrFail(stdout: string): GpuProbe {
  try {
    return { kind: 'found', gpus: parseGpus(stdout) };
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Parses the answer: a GPU a line, `0, NVIDIA GeForce GTX 1080, GPU-…, 6.1, 550.54.14, 8192`; memory in MiB.
 * A stand-in says so by its UUID, which no driver makes: what it does can never be taken for a GPU's work.
 * @throws ParseError on a line of another form, as a GPU that has fallen off the bus gives (`[Unknown Error]`).
 */
export function parseGpus(stdout: string): GpuAnnouncement[] {
  const lines = stdout.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const [index, model, uuid, capability, driver, memory] = line.split(',').map((field) => field.trim());
    const numbers = /^\d+$/.test(index ?? '') && /^\d+$/.test(memory ?? '');
    if (
      !numbers ||
      model === undefined ||
      uuid === undefined ||
      capability === undefined ||
      driver === undefined
    )
      throw new ParseError('nvidia-smi', line, `a line of ${FIELDS.join(', ')}`);
    const computeCapability = parseComputeCapability(capability);
    return {
      uuid,
      position: Number(index),
      model,
      computeCapability,
      architecture: architectureOf(computeCapability),
      driver,
      memoryBytes: Number(memory) * MIB,
      standIn: uuid.startsWith('GPU-STAND-IN'),
    };
  });
}
