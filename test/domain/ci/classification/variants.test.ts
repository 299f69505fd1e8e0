import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { classify } from '../../../../domain/ci/classification/classify.ts';
import type { Evidence } from '../../../../domain/ci/classification/evidence.ts';

/** Whole reports as the tools print them, written from their source formats; expected is `class/subclass`. */
type Reports = Readonly<Record<string, readonly [log: string, expected: string]>>;

const BUILD: Reports = {
  'gcc: a header': [
    `In file included from src/kernels/fused.h:4,
                 from src/ops.cpp:11:
include/utils.h:9:10: fatal error: nvtx3/nvToolsExt.h: No such file or directory
    9 | #include <nvtx3/nvToolsExt.h>
      |          ^~~~~~~~~~~~~~~~~~~~
compilation terminated.`,
    'build-compile/missing-header',
  ],
  'clang: a header': [
    `src/ops.cpp:11:10: fatal error: 'cudnn_frontend.h' file not found
#include <cudnn_frontend.h>
         ^~~~~~~~~~~~~~~~~~
1 error generated.`,
    'build-compile/missing-header',
  ],
  'gcc: it was killed': [
    `c++: fatal error: Killed signal terminated program cc1plus
compilation terminated.
make[2]: *** [CMakeFiles/x.dir/build.make:90: CMakeFiles/x.dir/a.cpp.o] Error 1`,
    'infra/oom-kill',
  ],
  'gcc: it crashed': [
    `during GIMPLE pass: vect
src/simd.cpp: In function 'void f()':
src/simd.cpp:40:6: internal compiler error: in vectorizable_load, at tree-vect-stmts.cc:10014
Please submit a full bug report`,
    'build-compile/compiler-crash',
  ],
  'nvcc: an architecture it does not know': [
    `[12/310] Building CUDA object csrc/CMakeFiles/ops.dir/gemm.cu.o
FAILED: csrc/CMakeFiles/ops.dir/gemm.cu.o
nvcc fatal   : Unsupported gpu architecture 'compute_103a'
ninja: build stopped: subcommand failed.`,
    'build-compile/nvcc-unsupported-arch',
  ],
  'nvcc: a host compiler it does not accept': [
    `/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-cuda_nvcc-12.4/include/crt/host_config.h:143:2: error: #error -- unsupported GNU version! gcc versions later than 13 are not supported!
  143 | #error -- unsupported GNU version! gcc versions later than 13 are not supported!`,
    'build-compile/unsupported-host-compiler',
  ],
  'ptxas: too much shared memory': [
    `ptxas error   : Entry function '_Z6kernelPf' uses too much shared data (0x10000 bytes, 0xc000 max)
ptxas fatal   : Ptx assembly aborted due to errors`,
    'build-compile/ptxas-too-much-shared',
  ],
  'ld: a symbol': [
    `/nix/store/80dh48rmb9mymaw894nh9a4zgp6i6c20-binutils-2.44/bin/ld: CMakeFiles/app.dir/main.cpp.o: in function \`main':
main.cpp:(.text.startup+0x1c): undefined reference to \`cudnnBackendInitialize'
collect2: error: ld returned 1 exit status`,
    'build-link/undefined-reference',
  ],
  'lld: a library': [
    'ld.lld: error: unable to find library -lcufile\nclang: error: linker command failed with exit code 1',
    'build-link/missing-library',
  ],
  'ld: an image beyond 2 GiB': [
    `/bin/ld: failed to convert GOTPCREL relocation against 'x'; relink with --no-relax
libtorch_cuda.so: relocation truncated to fit: R_X86_64_PC32 against symbol \`__nv_module_id' defined in .nvFatBinSegment`,
    'build-link/relocation-overflow',
  ],
  'CMake: a package': [
    `CMake Error at cmake/Dependencies.cmake:44 (find_package):
  By not providing "FindNCCL.cmake" in CMAKE_MODULE_PATH this project has
  asked CMake to find a package configuration file provided by "NCCL", but
  CMake did not find one.

-- Configuring incomplete, errors occurred!`,
    'build-configure/missing-package',
  ],
  'CMake: no CUDA compiler': [
    `CMake Error at CMakeLists.txt:7 (enable_language):
  No CMAKE_CUDA_COMPILER could be found.

  Tell CMake where to find the compiler by setting either the environment
  variable "CUDACXX" or the CMake cache entry CMAKE_CUDA_COMPILER to the full
  path to the compiler, or to the compiler name if it is in the PATH.`,
    'build-configure/cmake-cuda-missing',
  ],
  'meson: a dependency': [
    `Run-time dependency libdrm found: NO (tried pkgconfig and cmake)

../meson.build:112:11: ERROR: Dependency "libdrm" not found, tried pkgconfig and cmake`,
    'build-configure/missing-package',
  ],
  'pkg-config: a package': [
    `checking for LIBFABRIC... no
configure: error: Package requirements (libfabric >= 1.18) were not met:

No package 'libfabric' found`,
    'build-configure/missing-package',
  ],
  'cargo: a type': [
    `error[E0308]: mismatched types
  --> src/device.rs:88:20
   |
88 |     let x: CudaSlice<f32> = alloc()?;
error: could not compile \`candle-core\` (lib) due to 1 previous error`,
    'build-compile/compile-error',
  ],
  'patch: a hunk': [
    `applying patch /nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-cuda-paths.patch
patching file setup.py
Hunk #2 FAILED at 118.
1 out of 3 hunks FAILED -- saving rejects to file setup.py.rej`,
    'build-patch/patch-does-not-apply',
  ],
  'substituteInPlace: nothing to replace': [
    `substituteStream() in derivation python3.13-triton-3.5: ERROR: pattern /sbin/ldconfig doesn't match anything in file 'driver.py'`,
    'build-patch/substitute-pattern-missing',
  ],
  'setuptools: a runtime dependency': [
    `Executing pythonRuntimeDepsCheck
Checking runtime dependencies for vllm-0.11.0-cp313-cp313-linux_x86_64.whl
  - torch==2.8.0 not satisfied by version 2.9.0`,
    'build-test/python-runtime-deps',
  ],
  'pytest: a number is off': [
    `>       torch.testing.assert_close(out, ref)
E       AssertionError: Tensor-likes are not close!
E       Mismatched elements: 3 / 4096 (0.1%)
FAILED tests/test_norm.py::test_rms[float16] - AssertionError: Tensor-likes are not close!
=========== 1 failed, 811 passed in 54.11s ===========`,
    'build-test/unittest-assertion-numeric',
  ],
  'CTest: a test': [
    `The following tests FAILED:
\t 12 - blas_gemm_test (Failed)
Errors while running CTest`,
    'build-test/ctest-failed',
  ],
  'auto-patchelf: a library': [
    `auto-patchelf: 1 dependencies could not be satisfied
error: auto-patchelf could not satisfy dependency libcufile.so.0 wanted by /nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-x/lib/libx.so`,
    'build-output/autopatchelf-missing',
  ],
  'a disk that is full': [
    "nvlink fatal   : Could not write output file\ncp: error writing '/build/o': No space left on device",
    'infra/disk-full',
  ],
};

const NIX: Reports = {
  'Nix 2.8: a hash': [
    `error: hash mismatch in fixed-output derivation '/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-source.drv':
         specified: sha256-3yHAR1kq1yiR7iFDIM9w3r3y8sPZyjrXvrgZ4WkYbMg=
            got:    sha256-k0ePG9H2bGIN2UdWcCSVlqTxbYO0cIfmeMYP3NKnzxw=`,
    'fetch-failure/hash-mismatch',
  ],
  'Nix 2.3: a hash': [
    `hash mismatch in fixed-output derivation '/nix/store/80dh48rmb9mymaw894nh9a4zgp6i6c20-source':
  wanted: sha256:0bdnx2w2kgpp3qxxr9bd3kn4aapd3hhnxnlmw2ri0sa3ygk59v4f
  got:    sha256:1bdnx2w2kgpp3qxxr9bd3kn4aapd3hhnxnlmw2ri0sa3ygk59v4f`,
    'fetch-failure/hash-mismatch',
  ],
  'Nix: a placeholder hash': [
    `error: hash mismatch in fixed-output derivation '/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-source.drv':
         specified: sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
            got:    sha256-k0ePG9H2bGIN2UdWcCSVlqTxbYO0cIfmeMYP3NKnzxw=`,
    'fetch-failure/hash-placeholder',
  ],
  'curl: not there': [
    `trying https://example.org/x.tar.gz
curl: (22) The requested URL returned error: 404
error: cannot download x.tar.gz from any mirror`,
    'fetch-failure/http-404',
  ],
  'an attribute': [
    `error:
       … while evaluating the attribute 'buildInputs'

         at /nix/store/80dh48rmb9mymaw894nh9a4zgp6i6c20-source/pkgs/x.nix:12:3:

       error: attribute 'cudnn_10' missing`,
    'eval-error/missing-attribute',
  ],
  'an unfree licence': [
    `error: Package ‘cuda_nvcc-12.8.93’ in /nix/store/x-source/pkgs/cuda.nix:4 has an unfree license (‘CUDA EULA’), refusing to evaluate.

       a) To temporarily allow unfree packages, you can use an environment variable`,
    'eval-error/unfree-refused',
  ],
  'a feature no builder has': [
    `error: a 'x86_64-linux' with features {big-parallel, cuda} is required to build '/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-x.drv', but I am a 'x86_64-linux' with features {benchmark, kvm}`,
    'infra/missing-system-feature',
  ],
  'a dependency': [
    `error: 1 dependencies of derivation '/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-python3.13-vllm-0.11.0.drv' failed to build`,
    'dependency-failed/dependency-failed',
  ],
  'a dependency, as Nix 2.30 and later say it': [
    `error: Cannot build '/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-python3.13-vllm-0.11.0.drv'.
       Reason: 1 dependency failed.
       Output paths:
         /nix/store/80dh48rmb9mymaw894nh9a4zgp6i6c20-python3.13-vllm-0.11.0`,
    'dependency-failed/dependency-failed-new-wording',
  ],
  'a builder that went away': [
    `error: unexpected end-of-file
error: builder for '/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-x.drv' failed with exit code 1`,
    'infra/builder-lost',
  ],
  silence: [
    `error: building of '/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-x.drv^out' from .drv file timed out after 7200 seconds of silence`,
    'infra/silent-timeout',
  ],
};

const CHECK: Reports = {
  'the loader: a library of CUDA': [
    './saxpy: error while loading shared libraries: libcublasLt.so.13: cannot open shared object file: No such file or directory',
    'runtime-load/cuda-library-missing',
  ],
  'the loader: a symbol version': [
    "python3: /nix/store/x-gcc-13/lib/libstdc++.so.6: version `GLIBCXX_3.4.33' not found (required by /nix/store/y/lib/libx.so)",
    'runtime-load/glibcxx-version',
  ],
  'the loader: a symbol': [
    'ImportError: /nix/store/x/site-packages/_C.so: undefined symbol: _ZN3c104cuda9SetDeviceEa',
    'runtime-load/undefined-symbol',
  ],
  'PyTorch without CUDA': [
    'AssertionError: Torch not compiled with CUDA enabled',
    'runtime-load/cpu-only-build',
  ],
  'NVML and the module differ': [
    'Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 580.95',
    'driver-mismatch/nvml-driver-library-mismatch',
  ],
  'no code for this GPU': [
    `torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device
Search for \`cudaErrorNoKernelImageForDevice' in the CUDA documentation for more information.`,
    'arch-specific/no-kernel-image',
  ],
  'memory of the GPU': [
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.64 GiB of which 11.25 MiB is free.',
    'gpu-oom/cuda-oom',
  ],
  'an assertion in a kernel': [
    `/build/pytorch/aten/src/ATen/native/cuda/Indexing.cu:1553: indexSelectLargeIndex: block: [12,0,0], thread: [0,0,0] Assertion \`srcIndex < srcSelectDimSize\` failed.
RuntimeError: CUDA error: device-side assert triggered`,
    'gpu-code/device-side-assert',
  ],
  'NCCL: shared memory': [
    `ada:77:77 [0] include/shm.h:28 NCCL WARN Call to posix_fallocate failed : No space left on device
ada:77:77 [0] misc/shmutils.cc:72 NCCL WARN Error: failed to extend /dev/shm/nccl-abc to 9637892 bytes`,
    'collective/nccl-shm-too-small',
  ],
  'NCCL: the watchdog': [
    '[rank3]:[E1105 12:00:01.2 ProcessGroupNCCL.cpp:685] [Rank 3] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=18, OpType=ALLGATHER, NumelIn=1, NumelOut=4, Timeout(ms)=600000) ran for 600014 milliseconds before timing out.',
    'collective/nccl-watchdog-timeout',
  ],
  'Open MPI: too few slots': [
    `--------------------------------------------------------------------------
There are not enough slots available in the system to satisfy the 4
slots that were requested by the application:

  ./all_reduce_perf`,
    'collective/mpi-not-enough-slots',
  ],
  'HIP: no code object': [
    'RuntimeError: HIP error: invalid device function\nHIP kernel errors might be asynchronously reported at some other API call',
    'rocm/invalid-device-function-missing-code-object',
  ],
  'the kernel: the GPU is gone': [
    '[ 8123.481516] NVRM: Xid (PCI:0000:81:00): 79, pid=2204, name=python3.13, GPU has fallen off the bus.',
    'gpu-hardware/xid-79',
  ],
};

function judge(reports: Reports, evidence: Evidence): void {
  for (const [name, [log, expected]] of Object.entries(reports)) {
    for (const [kind, given] of [
      ['with', evidence],
      ['without', {}],
    ] as const) {
      test(`${name}, ${kind} the stage`, () => {
        const verdict = classify(given, log);
        assert.equal(`${verdict.class}/${verdict.subclass}`, expected, verdict.rule);
      });
    }
  }
}

describe('reports of a build', () => judge(BUILD, { stage: 'build', outcome: 'failed' }));
describe('reports of Nix', () => judge(NIX, { nixExit: 1 }));
describe('reports of a check on a GPU', () => judge(CHECK, { stage: 'gpu-test', outcome: 'failed' }));
