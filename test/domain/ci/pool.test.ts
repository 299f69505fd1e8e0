import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  builderPools,
  builderQueue,
  buildPool,
  evaluationQueue,
  gpuPool,
  isGpuCheck,
  isGpuFeature,
} from '../../../domain/ci/pool.ts';
import { parseArchitecture } from '../../../domain/ci/architecture.ts';

const POOLS: readonly (readonly [string, readonly string[], string])[] = [
  ['no feature', [], 'std'],
  ['features that every builder has', ['benchmark', 'ca-derivations', 'recursive-nix', 'uid-range'], 'std'],
  ['a large build', ['big-parallel'], 'big'],
  ['a virtual machine', ['kvm'], 'kvm'],
  ['a NixOS test', ['nixos-test', 'kvm'], 'kvm'],
  ['a large NixOS test', ['nixos-test', 'big-parallel'], 'big+kvm'],
  ['a feature that no class knows', ['gccarch-znver4'], 'gccarch-znver4'],
  [
    'such a feature and a class, in the order of the alphabet',
    ['kvm', 'gccarch-znver4'],
    'gccarch-znver4+kvm',
  ],
];

describe('the pool of a build:', () => {
  for (const [title, features, name] of POOLS)
    test(title, () => {
      assert.equal(buildPool('x86_64-linux', features), `build.x86_64-linux.${name}`);
      assert.equal(buildPool('x86_64-linux', features.toReversed()), `build.x86_64-linux.${name}`);
    });
});

test('a builder serves what its features allow, up to two classes at once', () => {
  assert.deepEqual(
    builderPools(['x86_64-linux'], ['benchmark', 'big-parallel', 'kvm', 'nixos-test', 'arch']),
    [
      'build.x86_64-linux.std',
      'build.x86_64-linux.arch',
      'build.x86_64-linux.big',
      'build.x86_64-linux.kvm',
      'build.x86_64-linux.arch+big',
      'build.x86_64-linux.arch+kvm',
      'build.x86_64-linux.big+kvm',
    ],
  );
});

test('a builder of two systems serves the pools of both', () => {
  assert.deepEqual(builderPools(['x86_64-linux', 'i686-linux'], []), [
    'build.x86_64-linux.std',
    'build.i686-linux.std',
  ]);
});

test('a builder offers a GPU by its GPUs, not by a feature that someone wrote down', () => {
  assert.deepEqual(builderPools(['x86_64-linux'], ['cuda', 'cuda-ada']), ['build.x86_64-linux.std']);
});

test('every pool of up to two classes that a build may ask for is one that a builder of those features serves', () => {
  const features = ['big-parallel', 'kvm', 'nixos-test', 'gccarch-znver4'];
  const served = new Set(builderPools(['x86_64-linux'], features));
  for (const first of features)
    for (const second of features) assert.ok(served.has(buildPool('x86_64-linux', [first, second])));
});

test('a feature asks for a GPU when it is one of those that nix-required-mounts knows, or names a CUDA architecture', () => {
  for (const feature of ['cuda', 'gpu', 'nvidia-gpu', 'opengl', 'rocm', 'cuda-ada', 'cuda-sm_89'])
    assert.equal(isGpuFeature(feature), true, feature);
  for (const feature of ['kvm', 'big-parallel', 'cudatoolkit', 'CUDA', ''])
    assert.equal(isGpuFeature(feature), false, feature);
  assert.equal(isGpuCheck(['big-parallel', 'cuda']), true);
  assert.equal(isGpuCheck(['big-parallel']), false);
});

test('queues are named after what they serve', () => {
  assert.equal(gpuPool(parseArchitecture('sm_90a')), 'gpu.sm_90a');
  assert.equal(evaluationQueue('aarch64-linux'), 'eval.aarch64-linux');
  assert.equal(builderQueue('ada-1'), 'builder.ada-1');
});
