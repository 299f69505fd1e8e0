/** Tests of the build, by the runner that reports them. */

import { defineRules } from './define.ts';

export const BUILD_TEST_RULES = defineRules(
  'build-test',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.9, stages: ['build', 'gpu-test'] },
  [
    {
      id: 'python-runtime-deps-bare',
      subclass: 'python-runtime-deps',
      patterns: ['{requirement} not satisfied by version'],
      confidence: 0.93,
      explanation:
        'The wheel asks for {requirement} otherwise than Nixpkgs has it: relax the requirement with pythonRelaxDeps.',
      examples: ['  - numpy<2 not satisfied by version 2.2.6', 'protobuf>=6 not satisfied by version 5.29.4'],
    },
    {
      subclass: 'python-runtime-deps',
      patterns: [/^- (?<requirement>[\w.-]{1,80})[^ ]{0,80} not (?:satisfied by version|installed)/],
      when: ['Checking runtime dependencies for', 'pythonRuntimeDepsCheck'],
      confidence: 0.97,
      explanation:
        'The wheel asks for {requirement} otherwise than Nixpkgs has it: add it, or use pythonRelaxDeps.',
      examples: [
        'Checking runtime dependencies for vllm-0.9-cp313.whl\n  - xformers==0.0.30 not satisfied by version 0.0.31',
        'Executing pythonRuntimeDepsCheck\n  - nvidia-ml-py not installed',
      ],
    },
    {
      subclass: 'test-needs-gpu',
      stages: ['build'],
      patterns: [
        /libcuda\.so(?:\.1)?: cannot open shared object file/,
        'no CUDA-capable device is detected',
        'Found no NVIDIA driver on your system',
        'No CUDA GPUs are available',
        'libcuda.so cannot found',
        // Without any driver the runtime's own message is about a driver that is too old.
        'CUDA driver version is insufficient for CUDA runtime version',
      ],
      excludes: [/UserWarning/],
      when: [
        /Running phase: (?:check|installCheck|pythonImportsCheck)Phase/,
        'pytestCheckPhase',
        'unittestCheckPhase',
        'running tests',
      ],
      confidence: 0.92,
      explanation: 'A test of the build wants a GPU: move it to passthru.gpuCheck.',
      examples: [
        'Running phase: checkPhase\nImportError: libcuda.so.1: cannot open shared object file: No such file or directory',
        'Executing pytestCheckPhase\nRuntimeError: No CUDA GPUs are available',
        'Running phase: installCheckPhase\nsaxpy: CUDA driver version is insufficient for CUDA runtime version (35)',
      ],
    },
    {
      subclass: 'ctest-timeout',
      patterns: [
        /Test {1,4}#\d{1,6}: (?<test>\S{1,120}) ?\.{0,200} ?\*\*\*Timeout/,
        /^\d{1,6} - (?<test>\S{1,120}) \(Timeout\)/,
        /\*\*\*Timeout/,
      ],
      retry: 'same',
      scope: 'host',
      confidence: 0.93,
      explanation:
        'The test {test|named in the log} ran longer than CTest allows: try once more on an idle host, then raise its timeout.',
      examples: ['12/40 Test #12: gemm_large .......***Timeout 300.02 sec', '3 - dgesvd (Timeout)'],
    },
    {
      subclass: 'unittest-assertion-numeric',
      retry: 'same',
      patterns: [
        /AssertionError: (?<_values>.{1,160}) not (?:less|greater) than(?: or equal to)? /,
        'Tensor-likes are not close!',
        'Scalars are not close!',
        /Not equal to tolerance rtol=/,
        'Arrays are not almost equal to',
        /Max (?:absolute|relative) difference/,
        /The difference between .{1,160} exceeds/,
        /Mismatched elements: \d/,
      ],
      confidence: 0.85,
      explanation:
        'A numerical result is off: divide the distance by the tolerance; tenfold is noise, far more is a fault.',
      examples: [
        'AssertionError: Tensor-likes are not close!\nMismatched elements: 3 / 1024 (0.3%)',
        'AssertionError: 0.0031 not less than or equal to 0.001',
      ],
    },
    {
      subclass: 'imports-check',
      rank: 'consequence',
      patterns: [
        /^(?:ModuleNotFoundError|ImportError): (?<message>.{1,160})/,
        /ImportError: cannot import name '(?<message>[^']{1,80})'/,
      ],
      when: ['Check whether the following modules can be imported', 'pythonImportsCheckPhase'],
      stages: ['build'],
      confidence: 0.88,
      explanation: 'A module cannot be imported: add the missing dependency.',
      examples: [
        "Executing pythonImportsCheckPhase\nCheck whether the following modules can be imported: vllm\nModuleNotFoundError: No module named 'xgrammar'",
        "Check whether the following modules can be imported: triton\nImportError: cannot import name 'jit' from 'triton'",
      ],
    },
    {
      subclass: 'no-tests-collected',
      rank: 'generic',
      stages: ['build'],
      patterns: [/^=+ no tests ran in /, /^=+ \d{1,6} deselected in /],
      confidence: 0.85,
      explanation: 'pytest found no test and fails for it: correct the paths, or drop pytestCheckHook.',
      examples: ['============ no tests ran in 0.31s ============', '======= 12 deselected in 0.80s ======='],
    },
    {
      subclass: 'version-check',
      patterns: [/Did not find version (?<_version>\S{1,40}) in the output of/],
      stages: ['build'],
      explanation:
        'The program does not print its version ({version}): correct versionCheckProgram, or the version it is built with.',
      examples: [
        'Did not find version 0.11.2 in the output of the command /nix/store/a-b/bin/x --help',
        'Did not find version 12.9 in the output of the command nvcc --version',
      ],
    },
    {
      subclass: 'ctest-failed',
      rank: 'generic',
      patterns: [
        /Test {1,4}#\d{1,6}: (?<test>\S{1,120}) ?\.{0,200} ?\*\*\*(?:Failed|Exception)/,
        /^\d{1,6} - (?<test>\S{1,120}) \((?:Failed|SEGFAULT|Subprocess aborted|SIGABRT|BAD_COMMAND|Not Run)\)/,
        /\d{1,3}% tests passed, [1-9]\d{0,5} tests failed/,
      ],
      retry: 'same',
      confidence: 0.85,
      explanation: 'The test {test|named in the log} failed: read its output, then try once more.',
      examples: [
        '17/96 Test #17: ucx_test ........***Failed    2.11 sec',
        '96% tests passed, 3 tests failed out of 84',
      ],
    },
    {
      subclass: 'pytest-failure',
      rank: 'generic',
      patterns: [
        /^(?:FAILED|ERROR) (?<test>\S{1,200}::\S{1,200})/,
        /^(?:FAILED|ERROR) (?<test>\S{1,200}\.py)\b/,
        /^=+ (?:FAILURES|ERRORS) =+$/,
        /^=+ (?:\d{1,6} [a-z]{4,10}, ){0,3}\d{1,6} (?:failed|errors?)\b.{0,120} in \d/,
        /ERROR: file or directory not found: (?<test>\S{1,120})/,
        /error: unrecognized arguments: (?<test>-{1,2}\S{1,60})/,
        'INTERNALERROR>',
        /^E {3,7}\w{2,40}(?:Error|Exception)\b/,
      ],
      retry: 'same',
      confidence: 0.85,
      explanation:
        'The test {test|named in the log} failed: read its traceback, then try once more or disable it with a reason.',
      examples: [
        'FAILED tests/test_ops.py::test_add[cuda] - AssertionError: assert 1 == 2',
        '=========== 2 failed, 318 passed, 12 skipped in 44.12s ===========',
      ],
    },
    {
      subclass: 'unittest-failure',
      rank: 'generic',
      patterns: [
        /^(?:FAIL|ERROR): (?<test>\w{1,120}) \(/,
        /^FAILED \((?:failures|errors)=\d/,
        /^--- FAIL: (?<test>\S{1,120})/,
        /^test (?<test>\S{1,160}) \.\.\. FAILED/,
        'test result: FAILED',
        /^\[ {1,2}FAILED {1,2}\] (?<test>\S{1,160})/,
        /^# FAIL: {1,4}[1-9]/,
        /^not ok \d{1,6} - (?<test>.{1,120})/,
        'Summary of Failures:',
      ],
      retry: 'same',
      confidence: 0.82,
      explanation: 'The test {test|named in the log} failed: read its output, then try once more.',
      examples: [
        'FAIL: test_reduce (test_nn.TestNN.test_reduce)',
        '[  FAILED  ] Cublas.Gemm (12 ms)',
        'test result: FAILED. 10 passed; 1 failed; 0 ignored',
      ],
    },
    {
      subclass: 'assertion',
      rank: 'generic',
      patterns: [
        /(?:^|\s)AssertionError\b:?(?<message>.{0,160})/,
        /Assertion [`'](?<message>[^'`]{1,160})' failed/,
        /panicked at .{0,200}assertion/,
      ],
      retry: 'same',
      confidence: 0.7,
      explanation: 'An assertion failed: read it and the lines above it.',
      examples: [
        'AssertionError: expected shape (2, 3)',
        "tester: main.cpp:40: int main(): Assertion `n > 0' failed.",
      ],
    },
    {
      subclass: 'process-crashed',
      rank: 'generic',
      patterns: [
        /Segmentation fault(?: \(core dumped\))?/,
        'Fatal Python error: ',
        /\(SIGSEGV\)/,
        'Aborted (core dumped)',
        /failed due to signal (?:6|11) \((?:Aborted|Segmentation fault)/,
      ],
      excludes: [
        /ptxas|cicc|cc1plus|cudafe|noticed that process|\*\*\* \[|^signal 11|^\[[\w.-]{1,80}:\d{1,9}\] Signal: /,
      ],
      retry: 'same',
      confidence: 0.55,
      explanation: 'A program crashed: find the last command of the log and run it in a debugger.',
      examples: [
        'Fatal Python error: Segmentation fault',
        'bash: line 3: 771 Segmentation fault (core dumped) ./saxpy',
      ],
    },
    {
      id: 'not-tested',
      class: 'insufficient-evidence',
      subclass: 'not-tested',
      rank: 'consequence',
      silent: true,
      scope: 'unknown',
      stages: ['gpu-test'],
      stageRequired: true,
      patterns: [
        /^=+ (?:\d{1,6} deselected, )?\d{1,6} skipped(?:, \d{1,6} [a-z]{4,12}){0,3} in \d/,
        /^=+ no tests ran in /,
        /collected 0 items/,
      ],
      confidence: 0.9,
      explanation: 'No test ran on the GPU, so the check proves nothing: find out why they were skipped.',
      examples: [
        '============ 41 skipped in 1.20s ============',
        '============ no tests ran in 0.02s ============',
      ],
    },
  ],
);
