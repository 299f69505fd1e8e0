import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { classify } from '../../../../domain/ci/classification/classify.ts';
import type { Evidence } from '../../../../domain/ci/classification/evidence.ts';
import { normaliseText } from '../../../../domain/ci/classification/fingerprint.ts';

const HASH_A = '2agqm11avdxkyqd378c87qzg3cdn9a3b';
const HASH_B = '80dh48rmb9mymaw894nh9a4zgp6i6c20';

const print = (log: string, evidence: Evidence = { outcome: 'failed' }): string =>
  classify(evidence, log).fingerprint;

/** What may differ between two sightings of one fault, with two logs that differ in that alone. */
const SAME: Readonly<Record<string, readonly [string, string]>> = {
  'store hash': [
    `/nix/store/${HASH_A}-binutils-2.44/bin/ld: cannot find -lcudart: No such file or directory`,
    `/nix/store/${HASH_B}-binutils-2.44/bin/ld: cannot find -lcudart: No such file or directory`,
  ],
  'version of the package': [
    `error: builder for '/nix/store/${HASH_A}-vllm-0.9.1.drv' failed\n/build/vllm-0.9.1/a.cu(12): error: identifier "foo" is undefined`,
    `error: builder for '/nix/store/${HASH_B}-vllm-0.10.2.drv' failed\n/build/vllm-0.10.2/a.cu(12): error: identifier "foo" is undefined`,
  ],
  'line number': [
    'src/attention.cu(77): error: identifier "warp_size" is undefined',
    'src/attention.cu(912): error: identifier "warp_size" is undefined',
  ],
  column: [
    'src/a.cc:10:3: fatal error: nvtx3/nvToolsExt.h: No such file or directory',
    'src/a.cc:10:41: fatal error: nvtx3/nvToolsExt.h: No such file or directory',
  ],
  'path of the file': [
    '/build/source/src/a.cc:10:3: fatal error: cuda_runtime.h: No such file or directory',
    '/tmp/nix-build-b/work/c.cc:4:1: fatal error: cuda_runtime.h: No such file or directory',
  ],
  address: [
    'Memory access fault by GPU node-2 (Agent handle: 0x5582aa) on address 0x7f1200. Reason: Page not present.',
    'Memory access fault by GPU node-2 (Agent handle: 0x66ffbb) on address 0x7ec400. Reason: Page not present.',
  ],
  size: [
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 23.5 GiB',
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 4.25 GiB. GPU 1 has a total capacity of 79.1 GiB',
  ],
  'rank, process and host of a collective': [
    'ada:3183:3342 [1] misc/socket.cc:484 NCCL WARN socketProgress: Connection closed by remote peer ada<45678>',
    'grace:99:120 [7] misc/socket.cc:541 NCCL WARN socketProgress: Connection closed by remote peer grace<33001>',
  ],
  'number of threads and jobs': [
    'build flags: -j16 SHELL=/bin/bash\nx.c:3:2: error: unknown type name ‘cudaStream_t’',
    'build flags: -j96 SHELL=/bin/bash\nx.c:3:2: error: unknown type name ‘cudaStream_t’',
  ],
  'time and colour': [
    '2026-08-16T00:44:13Z RuntimeError: CUDA error: misaligned address',
    '\u001b[31mRuntimeError: CUDA error: misaligned address\u001b[0m',
  ],
  'carrier of the log': [
    "       > ptxas fatal   : Unresolved extern function 'nvshmem_init'",
    "python3.13-x> ptxas fatal   : Unresolved extern function 'nvshmem_init'",
  ],
  'Python version': [
    `ImportError: /nix/store/${HASH_A}-python3.12-x/lib/python3.12/site-packages/x.so: undefined symbol: _ZN3c105ErrorE`,
    `ImportError: /nix/store/${HASH_B}-python3.13-x/lib/python3.13/site-packages/x.so: undefined symbol: _ZN3c105ErrorE`,
  ],
  'spelling of the same CUDA error': [
    'RuntimeError: CUDA error: an illegal memory access was encountered',
    'cuStreamSynchronize failed: CUDA_ERROR_ILLEGAL_ADDRESS',
  ],
};

/** Pairs of different faults, some of them alike. */
const DIFFERENT: Readonly<Record<string, readonly [string, string]>> = {
  'two missing libraries': [
    '/bin/ld: cannot find -lcudart: No such file or directory',
    '/bin/ld: cannot find -lnvrtc: No such file or directory',
  ],
  'two missing headers': [
    'a.cc:1:1: fatal error: cuda_runtime.h: No such file or directory',
    'a.cc:1:1: fatal error: cudnn.h: No such file or directory',
  ],
  'two headers of one name': [
    'a.cc:1:1: fatal error: cutlass/version.h: No such file or directory',
    'a.cc:1:1: fatal error: fmt/version.h: No such file or directory',
  ],
  'two undefined symbols': [
    "a.o: undefined reference to `cublasLtMatmul'",
    "a.o: undefined reference to `cublasLtCreate'",
  ],
  'two missing attributes': ["error: attribute 'cudnn' missing", "error: attribute 'nccl' missing"],
  'two architectures': [
    "nvcc fatal   : Unsupported gpu architecture 'compute_70'",
    "nvcc fatal   : Unsupported gpu architecture 'compute_121'",
  ],
  'two errors of one compiler': [
    'x.cu(3): error: identifier "foo" is undefined',
    'x.cu(3): error: expression must have a constant value',
  ],
  'two Xids': [
    'NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.',
    'NVRM: Xid (PCI:0000:3b:00): 48, An uncorrectable double bit error',
  ],
  'two CUDA errors': ['CUDA error: misaligned address', 'CUDA error: an illegal instruction was encountered'],
  'a name that looks like a version and is none': [
    'a.cc:1:1: fatal error: sm90_gemm.h: No such file or directory',
    'a.cc:1:1: fatal error: sm80_gemm.h: No such file or directory',
  ],
};

describe('the fingerprint', () => {
  for (const [name, [one, other]] of Object.entries(SAME)) {
    test(`is the same whatever the ${name}`, () => {
      assert.equal(print(one), print(other));
    });
  }

  for (const [name, [one, other]] of Object.entries(DIFFERENT)) {
    test(`tells ${name} apart`, () => {
      assert.notEqual(print(one), print(other));
    });
  }

  test('does not name the host of the attempt', () => {
    const [onAda, onGrace] = ['ada', 'grace'].map((name) =>
      print(`x.cu(3): error: asset of ${name} is undefined`, { outcome: 'failed', host: { name } }),
    );
    assert.equal(onAda, onGrace);
  });

  test('is 16 hexadecimal digits, the same in every process', () => {
    assert.match(print('anything'), /^[0-9a-f]{16}$/);
    assert.equal(print("error: attribute 'cudnn' missing"), '10312242246b688c');
  });

  test('differs from class to class', () => {
    const lines = [
      'CUDA error: misaligned address',
      "error: attribute 'a' missing",
      'No space left on device',
      'x',
    ];
    assert.equal(new Set(lines.map((line) => print(line))).size, lines.length);
  });
});

describe('text without what varies', () => {
  const cases: Readonly<Record<string, string>> = {
    [`/nix/store/${HASH_A}-torch-2.9.0/lib/libtorch.so.2.9`]: 'libtorch.so',
    'at 0x7f00dead of sm_90': 'at 0x of sm_90',
    'x.cu(12): error': 'x.cu: error',
    'cudaErrorX at a/b/c.cpp:12:3': 'cudaerrorx at a/b/c.cpp',
    'opening ../../b/c.cpp, /b/c.cpp and ~/b/c.cpp': 'opening c.cpp, c.cpp and c.cpp',
    'worker 10.0.0.3:29500 closed': 'worker #address closed',
    'python3.13 needs numpy-2.1.0': 'python needs numpy',
    'gfx1151 and compute_121a stay': 'gfx1151 and compute_121a stay',
  };
  for (const [text, expected] of Object.entries(cases)) {
    test(text, () => assert.equal(normaliseText(text), expected));
  }
});
