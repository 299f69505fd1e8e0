/** Warnings of compilers and libraries, and summaries of tests that passed: none of them is a fault. */

import { defineRules } from './define.ts';

export const BENIGN_TOOL_RULES = defineRules(
  'none',
  { rank: 'benign', scope: 'unknown', retry: 'no', confidence: 0.8 },
  [
    {
      subclass: 'benign-compiler-warning',
      patterns: [
        /^\S{1,300}:\d{1,7}:(?:\d{1,6}:)? warning: /,
        /^\S{1,300}\(\d{1,7}\): warning(?: #\d{1,5}(?:-D)?)?: /,
        /^(?:nvcc|ptxas|nvlink|fatbinary) (?:warning|info) {1,4}: /,
        /\bld(?:\.\w{2,5})?: warning: /,
        /warning: the use of [`'].{1,60}' is dangerous/,
        /^warning: unused (?:variable|import|result)/,
      ],
      explanation: 'A compiler or linker warns and goes on.',
      examples: [
        '/build/source/a.cpp:14:3: warning: unused parameter ‘error’ [-Wunused-parameter]',
        'gemm.cu(40): warning #177-D: variable "failed" was declared but never referenced',
        "ptxas info    : Compiling entry function '_Z9error_fn' for 'sm_90'",
      ],
      counterExamples: ['/build/source/a.cpp:14:3: error: unused parameter [-Werror=unused-parameter]'],
    },
    {
      subclass: 'benign-ignored-error',
      patterns: [/make(?:\[\d{1,3}\])?: \[.{1,200}\] Error \d{1,3} \(ignored\)/],
      explanation: 'make was told to ignore this error, and went on.',
      examples: [
        'make: [Makefile:7: clean] Error 1 (ignored)',
        'gmake[2]: [rules.mk:31: distclean] Error 2 (ignored)',
      ],
    },
    {
      id: 'benign-summary-passed',
      subclass: 'benign-tests-passed',
      patterns: [/^Ran \d{1,6} tests? in [\d.]{1,9}s$/, /^PASS$/, /^Fail: {1,30}0$/, /^# FAIL: {1,8}0$/],
      unless: [
        /^FAILED \(/,
        /^--- FAIL/,
        /^FAIL\b/,
        /^(?:Timeout|Unexpected Pass): {1,30}[1-9]/,
        /^# (?:ERROR|XPASS): {1,8}[1-9]/,
      ],
      explanation: 'The tests that ran have passed.',
      examples: [
        '....\nRan 4 tests in 0.012s\n\nOK',
        '=== RUN   TestErrorPath\n--- PASS: TestErrorPath (0.00s)\nPASS',
      ],
      counterExamples: ['Ran 4 tests in 0.012s\n\nFAILED (failures=1)'],
    },
    {
      subclass: 'benign-xla-info',
      patterns: [
        'this does not guarantee that XLA will be used',
        'TfrtCpuClient created',
        'PjRtCApiClient created',
        'oneDNN custom operations are on',
        'This TensorFlow binary is optimized',
        /Your CPU supports instructions that this TensorFlow binary/,
        /Unable to initialize backend '(?:tpu|tpu_driver|rocm|plugin|metal|interpreter)'/,
      ],
      explanation: 'XLA or TensorFlow tells how it is set up.',
      examples: [
        "INFO:jax._src.xla_bridge:Unable to initialize backend 'tpu': INTERNAL: Failed to open libtpu.so: libtpu.so: cannot open shared object file",
        'I tensorflow/core/platform/cpu_feature_guard.cc:193] This TensorFlow binary is optimized with oneDNN',
      ],
    },
  ],
);
