import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { classify } from '../../../../domain/ci/classification/classify.ts';
import type { Evidence } from '../../../../domain/ci/classification/evidence.ts';

interface Case {
  readonly evidence?: Evidence;
  readonly log: string;
  readonly expected: string;
  /** Number of the line that must be the evidence. */
  readonly line?: number;
}

const build: Evidence = { stage: 'build', outcome: 'failed' };
const check: Evidence = { stage: 'gpu-test', outcome: 'failed' };

const CASES: Readonly<Record<string, Case>> = {
  'the first cause wins over later and louder ones': {
    evidence: build,
    log: `[ 3%] Building CUDA object a.cu.o
a.cu(12): error: identifier "foo" is undefined
1 error detected in the compilation of "a.cu".
make[2]: *** [CMakeFiles/a.dir/build.make:76: a.cu.o] Error 2
b.cc:1:1: fatal error: zlib.h: No such file or directory
make: *** [Makefile:146: all] Error 2`,
    expected: 'build-compile/api-change',
    line: 2,
  },
  'cascades are never evidence': {
    evidence: build,
    log: `make[2]: *** [a.o] Error 1
ninja: build stopped: subcommand failed.
Traceback (most recent call last):
subprocess.CalledProcessError: Command '['cmake', '--build', '.']' returned non-zero exit status 1.`,
    expected: 'insufficient-evidence/cause-not-in-tail',
  },
  "Nix's repetition of the tail changes nothing": {
    evidence: build,
    log: `ld: a.o: undefined reference to \`cublasLtMatmul'
collect2: error: ld returned 1 exit status
error: builder for '/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-x-1.drv' failed with exit code 1;
       last 2 log lines:
       > ld: a.o: undefined reference to \`cublasLtMatmul'
       > collect2: error: ld returned 1 exit status`,
    expected: 'build-link/undefined-reference',
    line: 1,
  },
  'the inner error of a wrapped exception is followed': {
    evidence: check,
    log: `Traceback (most recent call last):
  File "/nix/store/x/lib/python3.13/site-packages/torch/cuda/__init__.py", line 412, in _lazy_init
RuntimeError: cuDNN error: CUDNN_STATUS_NOT_INITIALIZED

The above exception was the direct cause of the following exception:

vllm.exceptions.EngineDeadError: EngineCore encountered an issue. See stack trace above for the root cause.`,
    expected: 'gpu-lib-init/cudnn-not-initialized',
    line: 3,
  },
  'NCCL names what CUDA said': {
    evidence: check,
    log: `ada:3183:3342 [1] init.cc:1 NCCL WARN Cuda failure 'out of memory'
ada:3183:3342 [1] NCCL INFO init.cc:2 -> 1
torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:1333, unhandled cuda error, NCCL version 2.27.3`,
    expected: 'gpu-oom/cuda-oom',
    line: 1,
  },
  'a test that fails for want of a library is about the library': {
    evidence: check,
    log: `FAILED tests/test_x.py::test_a - OSError: libcudnn.so.9: cannot open shared object file: No such file or directory
==== 1 failed, 3 passed in 2.1s ====`,
    expected: 'runtime-load/cudnn-library-missing',
    line: 1,
  },
  'a full disk wins over the compiler error it causes': {
    evidence: build,
    log: `a.cc:3:1: error: expected ';' before '}' token
/build/ccX.s: Fatal error: can't close a.o: No space left on device`,
    expected: 'infra/disk-full',
    line: 2,
  },
  'a passed test named after an error is none': {
    evidence: { stage: 'build', outcome: 'failed' },
    log: `tests/test_oom.py::test_cuda_out_of_memory PASSED [ 50%]
tests/test_sum.py::test_sum FAILED [100%]
FAILED tests/test_sum.py::test_sum - AssertionError: assert 3 == 4`,
    expected: 'build-test/pytest-failure',
  },
  'the source line under an error is none': {
    evidence: build,
    log: `  143 |   TORCH_CHECK(ok, "no kernel image is available for execution on the device");
a.cc:143:3: error: 'TORCH_CHECK' was not declared in this scope`,
    expected: 'build-compile/api-change',
    line: 2,
  },
  'lines that only look like errors are harmless': {
    evidence: { stage: 'build', outcome: 'failed' },
    log: `-- Performing Test HAS_X - Failed
warning: unused variable 'error'
checking for cuda.h... no`,
    expected: 'insufficient-evidence/only-benign-warnings',
  },
  'an error that no rule knows is not guessed at': {
    evidence: build,
    log: 'Error: flux capacitor not aligned',
    expected: 'insufficient-evidence/unrecognised-error',
  },
  'colour within a message does not hide it': {
    evidence: { stage: 'evaluation', outcome: 'failed' },
    log: "\u001b[31;1merror:\u001b[0m attribute '\u001b[35;1mcudaPackages_14\u001b[0m' missing",
    expected: 'eval-error/missing-attribute',
  },
  'a progress bar does not hide what follows it': {
    evidence: check,
    log: 'Loading:  10%\rLoading:  50%\rRuntimeError: CUDA error: misaligned address\r\n',
    expected: 'gpu-code/misaligned-address',
  },
  'an error within a JSON line is read': {
    evidence: { stage: 'evaluation', outcome: 'failed' },
    log: JSON.stringify({
      attr: 'a',
      error: "\u001b[31;1merror:\u001b[0m\n  attribute 'nccl_3' missing\n  at /x.nix:3:1",
    }),
    expected: 'eval-error/missing-attribute',
  },
  "an error within Nix's own JSON is read": {
    evidence: { stage: 'evaluation', outcome: 'failed' },
    log: '@nix {"action":"msg","level":0,"msg":"\\u001b[31;1merror:\\u001b[0m undefined variable \'cudaPackages_14\'"}',
    expected: 'eval-error/undefined-variable',
  },
};

const verdictOf = ({ evidence, log }: Case): ReturnType<typeof classify> => classify(evidence ?? {}, log);

describe('choosing among the lines of a log', () => {
  for (const [name, each] of Object.entries(CASES)) {
    test(name, () => {
      const verdict = verdictOf(each);
      assert.equal(`${verdict.class}/${verdict.subclass}`, each.expected, verdict.rule);
      if (each.line !== undefined) assert.equal(verdict.evidence?.line, each.line);
    });
  }

  test('shows the line with its number and its two neighbours', () => {
    const { evidence } = classify(
      build,
      "one\n\u001b[31mnvcc fatal   : Unsupported gpu architecture 'compute_70'\u001b[0m\nthree\n",
    );
    assert.deepEqual(evidence, {
      source: 'log',
      line: 2,
      text: "nvcc fatal   : Unsupported gpu architecture 'compute_70'",
      before: 'one',
      after: 'three',
    });
  });

  test('reports every independent fault and chooses one', () => {
    const verdict = classify(
      build,
      `a.cc:1:1: fatal error: cudnn.h: No such file or directory
/bin/ld: cannot find -lnccl: No such file or directory
b.cc:1:1: fatal error: cudnn.h: No such file or directory
make: *** [all] Error 2`,
    );
    assert.equal(verdict.subclass, 'missing-header');
    assert.deepEqual(verdict.others, [
      { rule: 'missing-library', class: 'build-link', subclass: 'missing-library', line: 2 },
    ]);
  });

  test('names the phase in which the line stood', () => {
    const log =
      'Running phase: checkPhase\nFAILED tests/a.py::t - assert 1 == 2\nRunning phase: installPhase\nx';
    assert.equal(classify(build, log).phase, 'checkPhase');
    assert.equal(classify(build, 'FAILED tests/a.py::t - assert 1 == 2').phase, null);
  });
});

describe('who speaks', () => {
  const forged = "error: hash mismatch in fixed-output derivation '/nix/store/a-x.drv':";
  const nixMessage = `error: builder for '/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-x.drv' failed with exit code 1;
       last 2 log lines:
       > NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.
       > error: hash mismatch in fixed-output derivation '/nix/store/a-x.drv':`;

  test("a builder cannot say what Nix says, where Nix's word is at hand", () => {
    assert.equal(classify(build, forged).class, 'fetch-failure');
    assert.equal(classify({ ...build, nixMessage }, forged).class, 'insufficient-evidence');
  });

  test("Nix's message is read, but not the log it quotes", () => {
    const said =
      "error: a 'aarch64-linux' with features {gpu-sm_90} is required to build '/nix/store/a-x.drv', but I am a 'x86_64-linux'";
    const verdict = classify({ ...build, nixMessage: said }, 'nothing of note');
    assert.equal(`${verdict.class}/${verdict.subclass}`, 'infra/missing-system-feature');
    assert.equal(verdict.evidence?.source, 'nix');
    assert.equal(classify({ ...build, nixMessage }, 'nothing').class, 'insufficient-evidence');
  });

  test('a builder cannot say what the kernel says, where the host was asked', () => {
    const xid = 'NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.';
    assert.equal(classify(check, xid).class, 'gpu-hardware');
    assert.notEqual(classify({ ...check, host: { xids: [] } }, xid).class, 'gpu-hardware');
  });
});

describe('the stage', () => {
  test('tells a test of a build that wants a GPU from a check without a driver', () => {
    const log =
      'Running phase: checkPhase\nImportError: libcuda.so.1: cannot open shared object file: No such file or directory';
    assert.equal(classify(build, log).subclass, 'test-needs-gpu');
    assert.equal(classify(check, log).subclass, 'libcuda-missing-runpath');
  });

  test('keeps rules of the evaluation out of a build', () => {
    assert.notEqual(classify(build, "error: attribute 'cudnn' missing").class, 'eval-error');
  });

  test('makes an unknown error of an evaluation one of the expression', () => {
    const log = 'error: no known colour is called 3';
    assert.equal(classify({ stage: 'evaluation', outcome: 'failed' }, log).class, 'eval-error');
    assert.equal(classify(build, log).class, 'insufficient-evidence');
  });

  test('keeps measurements out of a build that failed', () => {
    const log = '/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-python3.13-vllm-0.9.1\t  120.3M\t   9.9G';
    assert.equal(classify({ stage: 'measure' }, log).class, 'closure-regression');
    assert.notEqual(classify(build, log).class, 'closure-regression');
  });
});

describe('a success', () => {
  test('is none, whatever its log complains of', () => {
    const log = 'test_raises: RuntimeError: CUDA error: misaligned address\n== 12 passed in 1.0s ==';
    const verdict = classify({ stage: 'gpu-test', outcome: 'built' }, log);
    assert.deepEqual([verdict.class, verdict.retry, verdict.others], ['none', 'no', []]);
  });

  test('is a fault where the check silently did without the GPU', () => {
    const log =
      'UserWarning: CUDA initialization: Found no NVIDIA driver on your system.\n== 3 passed, 97 skipped ==';
    const verdict = classify({ stage: 'gpu-test', outcome: 'built' }, log);
    assert.notEqual(verdict.class, 'none');
  });
});
