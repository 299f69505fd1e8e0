/** Task queues and the pools behind them: which queue serves a derivation, decided by one pure function. */

import type { Architecture } from './architecture.ts';

/** Queues that every coordinator polls. */
export const CONTROL_QUEUE = 'ctl';
export const IO_QUEUE = 'io';

/** A pool is a task queue with its slots: `build.x86_64-linux.std`, `gpu.sm_89`. */
export type Pool = string & { readonly __brand: 'Pool' };

/** Where a GPU check waits when no architecture to run it on is known: nobody polls it. */
export const ANY_GPU_POOL = 'gpu.any' as Pool;

/** Features that each class of builder offers beside those that are never a reason to choose a machine. */
const CLASS_OF_FEATURE: Readonly<Record<string, string>> = {
  kvm: 'kvm',
  'nixos-test': 'kvm',
  'big-parallel': 'big',
};

/** Features that every builder has: Nix's own defaults that name no hardware. */
const COMMON_FEATURES: ReadonlySet<string> = new Set([
  'benchmark',
  'ca-derivations',
  'recursive-nix',
  'uid-range',
]);

export function evaluationQueue(system: string): string {
  return `eval.${system}`;
}

export function builderQueue(builderName: string): string {
  return `builder.${builderName}`;
}

/**
 * The pool that builds a derivation of `system` with `requiredSystemFeatures`.
 * A feature that no class knows gets a pool of its own, so that a builder which names it is found and all others are not.
 */
export function buildPool(system: string, requiredSystemFeatures: readonly string[]): Pool {
  const asked = requiredSystemFeatures.filter((feature) => !COMMON_FEATURES.has(feature));
  const classes = [...new Set(asked.map((feature) => CLASS_OF_FEATURE[feature] ?? feature))].toSorted();
  // `builtin` derivations (builtin:fetchurl) run inside Nix on any machine; the caller passes a system that it has.
  return `build.${system}.${classes.length === 0 ? 'std' : classes.join('+')}` as Pool;
}

export function gpuPool(architecture: Architecture): Pool {
  return `gpu.${architecture}` as Pool;
}

/** The pools that a builder of `systems` and `features` serves: every combination of classes that it offers, up to two at once. */
export function builderPools(systems: readonly string[], features: readonly string[]): Pool[] {
  const offered = features.filter((feature) => !COMMON_FEATURES.has(feature) && !isGpuFeature(feature));
  const classes = [...new Set(offered.map((feature) => CLASS_OF_FEATURE[feature] ?? feature))].toSorted();
  const combinations = ['std', ...classes, ...pairs(classes)];
  return systems.flatMap((system) => combinations.map((name) => `build.${system}.${name}` as Pool));
}

function pairs(names: readonly string[]): string[] {
  return names.flatMap((first, index) => names.slice(index + 1).map((second) => `${first}+${second}`));
}

const GPU_FEATURES: ReadonlySet<string> = new Set(['cuda', 'gpu', 'nvidia-gpu', 'opengl', 'rocm']);

/** Whether a system feature asks for a GPU: those of Nixpkgs' `nix-required-mounts`, and `cuda-<architecture or name>`. */
export function isGpuFeature(feature: string): boolean {
  return GPU_FEATURES.has(feature) || feature.startsWith('cuda-');
}

/** A check is what asks for a GPU, by its derivation and never by its name. */
export function isGpuCheck(requiredSystemFeatures: readonly string[]): boolean {
  return requiredSystemFeatures.some(isGpuFeature);
}
