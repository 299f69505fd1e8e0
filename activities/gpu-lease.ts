/** One GPU for one check: leased within this process, and locked against others for as long as the unit lives. */

import type { AttemptGpu } from '../domain/api/builder.ts';
import type { Architecture } from '../domain/ci/architecture.ts';

export interface LeasedGpu {
  readonly facts: AttemptGpu;
  /** Words before the unit's command: `flock` holds the lock until the last process of the build has gone, worker or not. */
  readonly lockCommand: readonly string[];
}

export type GpuLease = <T>(
  architecture: Architecture | null,
  unit: string,
  signal: AbortSignal,
  work: (gpu: LeasedGpu) => Promise<T>,
) => Promise<T>;

export interface GpuLeaseOptions {
  readonly gpus: () => readonly AttemptGpu[];
  readonly lockFile: (uuid: string) => string;
}

/** The slots of a Worker are its GPUs, so one is always free; waiting is for another process on the same machine. */
export function createGpuLease({ gpus, lockFile }: GpuLeaseOptions): GpuLease {
  const leased = new Set<string>();
  return async (architecture, unit, signal, work) => {
    signal.throwIfAborted();
    const gpu = gpus().find((one) => one.architecture === architecture && !leased.has(one.uuid));
    if (gpu === undefined) throw new Error(`${unit}: no ${architecture} GPU is free on this machine`);
    leased.add(gpu.uuid);
    try {
      return await work({ facts: gpu, lockCommand: ['flock', lockFile(gpu.uuid)] });
    } finally {
      leased.delete(gpu.uuid);
    }
  };
}
