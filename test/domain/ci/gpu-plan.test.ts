import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseArchitecture, parseComputeCapability } from '../../../domain/ci/architecture.ts';
import { type GpuCheckFacts, planGpuCheck } from '../../../domain/ci/gpu-plan.ts';

interface Given {
  readonly features?: readonly string[];
  readonly capabilities?: readonly string[];
  readonly forward?: boolean;
  readonly online?: readonly string[];
}

function factsOf({ features = ['cuda'], capabilities, forward = false, online = [] }: Given): GpuCheckFacts {
  return {
    requiredSystemFeatures: features,
    cudaCapabilities: capabilities?.map(parseComputeCapability),
    cudaForwardCompat: forward,
    online: online.map(parseArchitecture),
  };
}

type Case = readonly [string, Given, readonly string[], Readonly<Record<string, string | RegExp>>];

const CASES: readonly Case[] = [
  [
    'a check of unknown code runs on every GPU that is there',
    { online: ['sm_89', 'sm_61'] },
    ['sm_61', 'sm_89'],
    {},
  ],
  ['two GPUs of one architecture are one step', { online: ['sm_89', 'sm_89'] }, ['sm_89'], {}],
  [
    'a check runs where its code does, and says why not elsewhere',
    { capabilities: ['8.0', '8.9'], online: ['sm_61', 'sm_86', 'sm_89'] },
    ['sm_86', 'sm_89'],
    { sm_61: 'compiled for 8.0, 8.9 without PTX: neither cubin nor PTX for sm_61' },
  ],
  [
    'PTX lets it run on newer GPUs',
    { capabilities: ['8.0'], forward: true, online: ['sm_120'] },
    ['sm_120'],
    {},
  ],
  [
    'a feature may name an architecture',
    { features: ['cuda', 'cuda-sm_89'], online: ['sm_61', 'sm_89'] },
    ['sm_89'],
    { sm_61: 'the check asks for sm_89' },
  ],
  [
    'a feature may name a generation',
    { features: ['cuda-ada'], online: ['sm_61', 'sm_89'] },
    ['sm_89'],
    { sm_61: 'the check asks for sm_89' },
  ],
  [
    'two features name either',
    { features: ['cuda-ada', 'cuda-pascal'], online: ['sm_61', 'sm_89', 'sm_90'] },
    ['sm_61', 'sm_89'],
    { sm_90: /asks for sm_89 or sm_60 or sm_61 or sm_62/ },
  ],
  [
    'without a GPU it waits for those that it was compiled for',
    { capabilities: ['9.0', '8.9'] },
    ['sm_89', 'sm_90'],
    {},
  ],
  [
    'without a fitting GPU it waits, and says why not on those that are there',
    { capabilities: ['9.0'], online: ['sm_61'] },
    ['sm_90'],
    { sm_61: /neither cubin nor PTX/ },
  ],
  ['without a GPU it waits for the one that it names', { features: ['cuda-hopper'] }, ['sm_90'], {}],
  [
    'of those compiled for it waits for the named one',
    { features: ['cuda-sm_90'], capabilities: ['8.9', '9.0'] },
    ['sm_90'],
    {},
  ],
  ['without a GPU and without a name it waits for any', {}, [], {}],
  [
    'a feature that names no architecture is said, and stops no planning',
    { features: ['cuda-sm_foo'], online: ['sm_89'] },
    [],
    { sm_89: 'the check asks for cuda-sm_foo, which is no architecture known' },
  ],
  [
    'a name that nobody knows beside one that is known',
    { features: ['cuda-ada', 'cuda-rubin'], online: ['sm_89'] },
    ['sm_89'],
    {},
  ],
];

describe('a GPU check is planned:', () => {
  for (const [title, given, architectures, refused] of CASES)
    test(title, () => {
      const plan = planGpuCheck(factsOf(given));
      assert.deepEqual(plan.architectures, architectures);
      assert.deepEqual(
        new Set(plan.notScheduled.map((one) => one.architecture as string)),
        new Set(Object.keys(refused)),
      );
      for (const { architecture, reason } of plan.notScheduled) {
        const expected = refused[architecture] ?? '';
        if (typeof expected === 'string') assert.equal(reason, expected);
        else assert.match(reason, expected);
      }
    });
});
