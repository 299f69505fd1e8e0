/** The machine that a builder runs on: its GPUs, its free space, and whether it is well. */

import { statfs } from 'node:fs/promises';
import { type GpuProbe, probeGpus } from '../activities/adapters/nvidia-smi.ts';
import type { GpuAnnouncement } from '../domain/api/builder.ts';
import type { BuilderConfig } from './config.ts';

export interface Machine {
  /** Asks the driver and the file systems. */
  look(): Promise<MachineFacts>;
  /** The GPUs that the last look found; none before it, and none while the driver is sick. */
  gpus(): readonly GpuAnnouncement[];
  /** The less of the store's and our own file system. */
  freeBytes(): Promise<number>;
}

export interface MachineFacts {
  readonly freeBytes: number;
  /** Why this machine should take no work; `undefined` when it is well. */
  readonly problem: string | undefined;
}

export type MachineConfig = Pick<BuilderConfig, 'stateDir' | 'minFreeBytes' | 'nvidiaSmi'>;

export function createMachine({ stateDir, minFreeBytes, nvidiaSmi }: MachineConfig): Machine {
  let probe: GpuProbe = { kind: 'absent' };
  const freeBytes = () => leastFreeBytes([stateDir, '/nix/store']);
  return {
    look: async () => {
      probe = await probeGpus(nvidiaSmi ?? 'nvidia-smi');
      const free = await freeBytes();
      return { freeBytes: free, problem: problemOf(probe, free, minFreeBytes) };
    },
    gpus: () => (probe.kind === 'found' ? probe.gpus : []),
    freeBytes,
  };
}

function problemOf(probe: GpuProbe, freeBytes: number, minFreeBytes: number): string | undefined {
  if (freeBytes < minFreeBytes)
    return `only ${freeBytes} bytes are free, the limit is ${minFreeBytes} (NIXWARP_MIN_FREE_BYTES)`;
  if (probe.kind === 'failed') return `the GPU driver does not answer: ${probe.message}`;
  return undefined;
}

/** A folder that is not there says nothing. */
async function leastFreeBytes(folders: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    folders.map((folder) =>
      statfs(folder).then(
        ({ bavail, bsize }) => bavail * bsize,
        () => Number.MAX_SAFE_INTEGER,
      ),
    ),
  );
  return Math.min(...sizes);
}
