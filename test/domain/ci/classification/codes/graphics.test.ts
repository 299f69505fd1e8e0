import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { classify } from '../../../../../domain/ci/classification/classify.ts';
import {
  HIP_ERROR_NAMES,
  HSA_STATUS,
  NVML_ERRORS,
  VULKAN_ERRORS,
} from '../../../../../domain/ci/classification/codes/graphics.ts';
import type { CodeTable } from '../../../../../domain/ci/classification/rule.ts';

const REPORTS: readonly (readonly [string, CodeTable, (code: string) => string])[] = [
  ['hipError_t', HIP_ERROR_NAMES, (code) => `hipLaunchKernel returned hipError${code}`],
  ['hsa_status_t', HSA_STATUS, (code) => `Call returned HSA_STATUS_ERROR_${code}: text`],
  ['VkResult', VULKAN_ERRORS, (code) => `vkCreateDevice returned VK_ERROR_${code}`],
  [
    'nvmlReturn_t',
    NVML_ERRORS,
    (code) =>
      /^\d/.test(code)
        ? `nvml init failure: ${code}`
        : code === code.toUpperCase()
          ? `nvmlInit failed: NVML_ERROR_${code}`
          : `pynvml.NVMLError_${code}: NVML told so`,
  ],
];

describe('errors of HIP, HSA, Vulkan and NVML', () => {
  for (const [name, table, line] of REPORTS) {
    test(`have a class for each code of ${name}`, () => {
      for (const [code, meaning] of table) {
        const verdict = classify({ stage: 'gpu-test', outcome: 'failed' }, line(code));
        assert.equal(verdict.class, meaning.class, `${line(code)} by ${verdict.rule}`);
      }
    });
  }

  const inHip = ['IllegalAddress', 'NoDevice', 'InvalidValue', 'NotFound', 'ECCNotCorrectable', 'Unknown'];
  for (const code of inHip) {
    test(`are AMD's where HIP prints them: hipError${code}`, () => {
      assert.equal(HIP_ERROR_NAMES.get(code)?.class, 'rocm');
    });
  }
});
