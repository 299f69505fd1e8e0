/** The fleet of the sample graph: active, drained and gone builders, real GPUs and a stand-in. */

import type { BuilderAnnouncement, GpuAnnouncement } from '../../../db/builders.ts';
import type { AttemptGpu } from '../../../domain/api/builder.ts';

const GiB = 1024 ** 3;

function builder(name: string, given: Partial<BuilderAnnouncement>): BuilderAnnouncement {
  return {
    name,
    incarnation: `incarnation-${name}`,
    state: 'active',
    reason: null,
    systems: ['x86_64-linux'],
    features: [],
    pools: [],
    slots: 2,
    nixVersion: '2.31.2',
    workerVersion: '0.1.0',
    storeDir: '/nix/store',
    freeBytes: 412 * GiB,
    gpus: [],
    ...given,
  };
}

function gpu(position: number, given: Omit<GpuAnnouncement, 'position' | 'uuid'>): GpuAnnouncement {
  return { position, uuid: `GPU-${given.architecture}-${position}`, ...given };
}

const ada = {
  model: 'NVIDIA GeForce RTX 4090',
  computeCapability: '8.9',
  architecture: 'sm_89',
  driver: '580.95.05',
  memoryBytes: 24_564 * 1024 ** 2,
  standIn: false,
};

export const BUILDERS: readonly BuilderAnnouncement[] = [
  builder('atlas', {
    features: ['big-parallel', 'kvm', 'benchmark'],
    pools: ['build.x86_64-linux.std', 'build.x86_64-linux.big'],
    slots: 8,
  }),
  builder('ada', { features: ['cuda'], slots: 2, gpus: [gpu(0, ada), gpu(1, ada)], freeBytes: 88 * GiB }),
  builder('pascal', {
    features: ['cuda'],
    gpus: [
      gpu(0, {
        model: 'NVIDIA GeForce GTX 1080 (stand-in)',
        computeCapability: '6.1',
        architecture: 'sm_61',
        driver: '580.95.05-stand-in',
        memoryBytes: 8 * GiB,
        standIn: true,
      }),
    ],
  }),
  builder('hopper', {
    features: ['cuda', 'big-parallel'],
    gpus: [
      gpu(0, {
        model: 'NVIDIA H100 80GB HBM3',
        computeCapability: '9.0',
        architecture: 'sm_90',
        driver: '570.124.06',
        memoryBytes: 81_559 * 1024 ** 2,
        standIn: false,
      }),
    ],
  }),
  builder('grace', { systems: ['aarch64-linux'], pools: ['build.aarch64-linux.std'], slots: 4 }),
];

/** The GPU that an attempt on this builder leases. */
export function gpuOf(name: string, architecture: string | null): AttemptGpu | null {
  const found = BUILDERS.find((one) => one.name === name)?.gpus.find(
    (one) => one.architecture === architecture,
  );
  if (found === undefined) return null;
  const { uuid, model, driver, standIn } = found;
  return { uuid, model, architecture: found.architecture, driver, standIn };
}
