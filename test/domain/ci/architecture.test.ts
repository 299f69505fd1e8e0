import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  architectureOf,
  capabilityOf,
  compareCapabilities,
  deviceCodeFor,
  parseArchitecture,
  parseComputeCapability,
} from '../../../domain/ci/architecture.ts';
import { assertRefused } from '../../support/refusals.ts';

const cap = parseComputeCapability;

const NAMES: readonly (readonly [string, string])[] = [
  ['5.0', 'sm_50'],
  ['8.9', 'sm_89'],
  ['9.0a', 'sm_90a'],
  ['10.0', 'sm_100'],
  ['10.3f', 'sm_103f'],
  ['12.1', 'sm_121'],
];

for (const [capability, architecture] of NAMES)
  test(`${capability} and ${architecture} are one`, () => {
    assert.equal(architectureOf(cap(capability)), architecture);
    assert.equal(capabilityOf(parseArchitecture(architecture)), capability);
  });

test('what is no capability is refused', () => {
  for (const text of ['', '8', '8.', '.9', '08.9', '8.90', '8.9A', '8.9 ', 'sm_89', '100.0', '9.0af', '0.5'])
    assertRefused(cap, text, /^compute capability: .* is not of the form "8.9"/);
});

test('what is no architecture is refused', () => {
  for (const text of ['', 'sm_8', 'sm_089', 'SM_89', 'sm_8.9', 'compute_89', 'sm_89\n', 'sm_1000', 'any'])
    assertRefused(parseArchitecture, text, /^architecture: .* is not of the form "sm_89"/);
});

test('capabilities are ordered as numbers, not as text', () => {
  const sorted = ['10.0', '9.0a', '12.0', '8.9', '9.0', '8.6'].map(cap).toSorted(compareCapabilities);
  assert.deepEqual(sorted, ['8.6', '8.9', '9.0', '9.0a', '10.0', '12.0']);
});

type Case = readonly [string, readonly string[], boolean, string, 'cubin' | 'ptx' | 'none'];

/** CUDA C++ Programming Guide, "Binary Compatibility", "PTX Compatibility", "Feature Set Compiler Targets". */
const CODE: readonly Case[] = [
  ['code for the very GPU', ['8.9'], false, '8.9', 'cubin'],
  ['code for a lower minor version', ['8.0'], false, '8.9', 'cubin'],
  ['code for a higher minor version', ['8.9'], false, '8.6', 'none'],
  ['code for an older major version', ['7.5'], false, '8.9', 'none'],
  ['PTX of an older version', ['7.5'], true, '8.9', 'ptx'],
  ['PTX of a newer version', ['9.0'], true, '8.9', 'none'],
  ['PTX is of the newest capability only', ['7.5', '9.0'], true, '8.9', 'none'],
  ['a cubin is preferred to PTX', ['7.5', '8.6'], true, '8.9', 'cubin'],
  ['PTX in spite of the order of the list', ['8.6', '7.5'], true, '12.0', 'ptx'],
  ['architecture-specific code on its GPU', ['9.0a'], false, '9.0', 'cubin'],
  ['architecture-specific code on a later minor version', ['10.0a'], false, '10.3', 'none'],
  ['PTX of architecture-specific code does not go forward', ['9.0a'], true, '10.0', 'none'],
  ['an architecture-specific capability is the newest', ['8.0', '9.0a'], true, '10.0', 'none'],
  ['family-specific code on its family', ['10.0f'], false, '10.3', 'cubin'],
  ['family-specific code on an earlier GPU of its family', ['10.3f'], false, '10.0', 'none'],
  ['family-specific code on another family', ['10.0f'], false, '12.0', 'none'],
  ['PTX of family-specific code does not go forward', ['10.0f'], true, '12.0', 'none'],
  ['nothing compiled', [], true, '8.9', 'none'],
];

describe('how code reaches a GPU:', () => {
  for (const [title, capabilities, forward, device, expected] of CODE)
    test(title, () => assert.equal(deviceCodeFor(capabilities.map(cap), forward, cap(device)), expected));
});
