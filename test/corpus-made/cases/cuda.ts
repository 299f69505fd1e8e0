/** What nvcc, ptxas and nvlink refuse, and what the CUDA runtime and NCCL say where there is no driver. */

import { madeCases } from '../case.ts';

const EMPTY = { 'a.cu': '__global__ void k() {}\nint main() { return 0; }\n' };
const ptx = (body: string, version = '8.0', target = 'sm_80'): Readonly<Record<string, string>> => ({
  'a.ptx': `.version ${version}\n.target ${target}\n.address_size 64\n${body}\n`,
});
const ENTRY = '.visible .entry k() { ret; }';
const CHECK = `#include <cstdio>
#include <cuda_runtime.h>
#define CHECK(call) do { cudaError_t e = (call); if (e != cudaSuccess) { \\
  fprintf(stderr, "CUDA error at %s:%d: %s (%d)\\n", __FILE__, __LINE__, cudaGetErrorString(e), (int)e); return 1; } } while (0)
`;
const SAXPY = `${CHECK}__global__ void saxpy(float *x) { x[0] = 2; }
int main() { float *x; CHECK(cudaMalloc(&x, 4)); saxpy<<<1, 1>>>(x); CHECK(cudaDeviceSynchronize()); }
`;
const NCCL = `${CHECK}#include <nccl.h>
int main() { ncclUniqueId id; ncclResult_t r = ncclGetUniqueId(&id); ncclComm_t c;
  if (r == ncclSuccess) r = ncclCommInitRank(&c, 1, id, 0);
  if (r != ncclSuccess) { fprintf(stderr, "NCCL failure %s:%d '%s'\\n", __FILE__, __LINE__, ncclGetErrorString(r)); return 1; } }
`;

export const CUDA_CASES = [
  ...madeCases(
    'build',
    ['nvcc', 'g++'],
    [
      ['nvcc-architecture', 'build-compile/nvcc-unsupported-arch', 'nvcc -arch=sm_61 -c a.cu', EMPTY],
      [
        'nvcc-gencode',
        'build-compile/nvcc-unsupported-arch',
        'nvcc -gencode arch=compute_70,code=sm_70 -c a.cu',
        EMPTY,
      ],
      [
        'nvcc-gencode-mixed',
        'build-compile/nvcc-unsupported-arch',
        'nvcc -gencode arch=compute_90,code=sm_80 -c a.cu',
        EMPTY,
      ],
      ['nvcc-std-unknown', 'build-compile/nvcc-fatal', 'nvcc -std=c++99 -c a.cu', EMPTY],
      ['nvcc-option-unknown', 'build-compile/nvcc-fatal', 'nvcc --no-such-option -c a.cu', EMPTY],
      ['nvcc-no-input', 'build-compile/nvcc-fatal', 'nvcc -O3'],
      ['nvcc-source-missing', 'build-compile/nvcc-fatal', 'nvcc -c kernels/missing.cu'],
      ['nvcc-host-compiler-absent', 'build-compile/nvcc-fatal', 'nvcc -ccbin /none/g++ -c a.cu', EMPTY],
      [
        'nvcc-host-compiler-new',
        'build-compile/unsupported-host-compiler',
        'nvcc -Xcompiler -U__GNUC__ -Xcompiler -D__GNUC__=99 -c a.cu',
        EMPTY,
      ],
      [
        'nvcc-header',
        'build-compile/missing-header',
        'nvcc -c a.cu',
        { 'a.cu': '#include <cutlass/gemm/gemm.h>\n' },
      ],
      [
        'nvcc-identifier',
        'build-compile/api-change',
        'nvcc -c a.cu',
        { 'a.cu': '__global__ void k() { int w = warp_count; }\n' },
      ],
      [
        'nvcc-member',
        'build-compile/api-change',
        'nvcc -c a.cu',
        { 'a.cu': 'int f() { cudaDeviceProp p; return p.clockRate; }\n' },
      ],
      [
        'nvcc-overload',
        'build-compile/api-change',
        'nvcc -c a.cu',
        { 'a.cu': '__device__ void g(int, int);\n__global__ void k() { g(1); }\n' },
      ],
      [
        'nvcc-namespace',
        'build-compile/api-change',
        'nvcc -c a.cu',
        { 'a.cu': 'namespace cub2 {}\nint f() { return cub2::Max; }\n' },
      ],
      [
        'nvcc-syntax',
        'build-compile/compile-error',
        'nvcc -c a.cu',
        { 'a.cu': '__global__ void k() { int x = 1 }\n' },
      ],
      [
        'nvcc-host-from-device',
        'build-compile/compile-error',
        'nvcc -c a.cu',
        { 'a.cu': '#include <cstdlib>\nint g();\n__global__ void k(int *x) { *x = g(); }\n' },
      ],
      [
        'nvcc-kernel-returns',
        'build-compile/compile-error',
        'nvcc -c a.cu',
        { 'a.cu': '__global__ int k() { return 1; }\n' },
      ],
      [
        'nvcc-host-error',
        'build-compile/werror',
        'nvcc -Xcompiler -Werror -Xcompiler -Wall -c a.cu',
        { 'a.cu': 'static int unused() { return 1; }\n' },
      ],
      ['nvcc-link-library', 'build-link/missing-library', 'nvcc a.cu -o a -lcublasmade', EMPTY],
      [
        'nvcc-link-symbol',
        'build-link/undefined-reference',
        'nvcc a.cu -o a',
        { 'a.cu': 'extern "C" int cudnnCreate(void *);\nint main() { return cudnnCreate(0); }\n' },
      ],
      [
        'ptxas-extern',
        'build-compile/ptxas-unresolved-extern',
        'nvcc -c a.cu',
        { 'a.cu': 'extern "C" __device__ int f(int);\n__global__ void k(int *x) { *x = f(1); }\n' },
      ],
      [
        'ptxas-shared',
        'build-compile/ptxas-too-much-shared',
        'nvcc -c a.cu',
        {
          'a.cu':
            '__global__ void k(int *x) { __shared__ int s[20000]; s[threadIdx.x] = *x; __syncthreads(); *x = s[0]; }\n',
        },
      ],
      [
        'ptxas-feature',
        'build-compile/ptxas-arch-feature',
        'nvcc -arch=sm_75 -c a.cu',
        {
          'a.cu':
            '__global__ void k(void *p) { asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" :: "r"(0), "l"(p)); }\n',
        },
      ],
      [
        'ptxas-target-a',
        'build-compile/ptxas-arch-feature',
        'nvcc -arch=sm_90 -c a.cu',
        { 'a.cu': '__global__ void k() { asm volatile("wgmma.fence.sync.aligned;"); }\n' },
      ],
      [
        'ptxas-asm',
        'build-compile/ptxas-error',
        'nvcc -c a.cu',
        { 'a.cu': '__global__ void k(int *x) { asm volatile("bogus.u32 %0, 1;" : "=r"(*x)); }\n' },
      ],
      ['ptxas-gpu-name', 'build-compile/nvcc-unsupported-arch', 'ptxas -arch sm_61 a.ptx', ptx(ENTRY)],
      ['ptxas-version', 'build-compile/ptxas-error', 'ptxas -arch sm_80 a.ptx', ptx(ENTRY, '99.0')],
      [
        'ptxas-target',
        'build-compile/nvcc-unsupported-arch',
        'ptxas -arch sm_80 a.ptx',
        ptx(ENTRY, '8.0', 'sm_90'),
      ],
      [
        'ptxas-syntax',
        'build-compile/ptxas-error',
        'ptxas -arch sm_80 a.ptx',
        ptx('.visible .entry k() { ret }'),
      ],
      [
        'ptxas-undefined',
        'build-compile/ptxas-error',
        'ptxas -arch sm_80 a.ptx',
        ptx('.visible .entry k() { mov.u32 %r1, 1; ret; }'),
      ],
      [
        'nvlink-undefined',
        'build-link/undefined-reference',
        'nvcc -rdc=true a.cu -o a',
        {
          'a.cu': 'extern __device__ int f(int);\n__global__ void k(int *x) { *x = f(1); }\nint main() {}\n',
        },
      ],
      [
        'nvlink-multiple',
        'build-link/multiple-definition',
        'nvcc -rdc=true a.cu b.cu -o a',
        {
          'a.cu': '__device__ int f(int x) { return x; }\nint main() {}\n',
          'b.cu': '__device__ int f(int x) { return x + 1; }\n',
        },
      ],
      [
        'nvcc-disk-full',
        'infra/disk-full',
        'mkdir small; mount -t tmpfs -o size=64k none small; TMPDIR=$PWD/small nvcc -c a.cu; umount small',
        EMPTY,
        ['mount'],
      ],
      [
        'nvcc-make',
        'build-compile/nvcc-unsupported-arch',
        'make -j2',
        { ...EMPTY, Makefile: 'all: a.o\na.o: a.cu\n\tnvcc -gencode arch=compute_50,code=sm_50 -c $<\n' },
        ['make'],
      ],
    ],
  ),
  ...madeCases(
    'gpu-test',
    ['nvcc', 'g++'],
    [
      ['runtime-no-driver', 'driver-mismatch/driver-insufficient', 'nvcc a.cu -o a; ./a', { 'a.cu': SAXPY }],
      [
        'runtime-name',
        'driver-mismatch/driver-insufficient',
        'nvcc a.cu -o a; ./a',
        {
          'a.cu':
            '#include <cstdio>\n#include <cuda_runtime.h>\nint main() { int n; cudaError_t e = cudaGetDeviceCount(&n); printf("cudaGetDeviceCount returned %d\\n-> %s\\nResult = FAIL\\n", e, cudaGetErrorName(e)); return e; }\n',
        },
      ],
      [
        'runtime-throw',
        'driver-mismatch/driver-insufficient',
        'nvcc a.cu -o a; ./a',
        {
          'a.cu':
            '#include <stdexcept>\n#include <string>\n#include <cuda_runtime.h>\nint main() { cudaError_t e = cudaSetDevice(0); if (e) throw std::runtime_error(std::string("cudaSetDevice failed: ") + cudaGetErrorString(e)); }\n',
        },
      ],
      [
        'runtime-library-absent',
        'runtime-load/cuda-library-missing',
        'nvcc -cudart shared a.cu -o a; LD_LIBRARY_PATH= ./a',
        EMPTY,
      ],
      [
        'driver-link',
        'runtime-load/libcuda-missing-runpath',
        'echo "int cuInit(int x) { return 0; }" > s.c; gcc -shared -fPIC s.c -o libcuda.so.1 -Wl,-soname,libcuda.so.1; nvcc a.cu -o a -Xlinker ./libcuda.so.1 && rm libcuda.so.1; ./a',
        { 'a.cu': 'extern "C" int cuInit(int);\nint main() { return cuInit(0); }\n' },
      ],
    ],
  ),
  ...madeCases(
    'gpu-test',
    ['nvcc', 'g++', 'nccl'],
    [
      [
        'nccl-no-driver',
        'driver-mismatch/driver-insufficient',
        'nvcc -I$NCCL/include a.cu -o a -L$NCCL/lib -l:libnccl.so.2; LD_LIBRARY_PATH=$NCCL/lib NCCL_DEBUG=WARN ./a',
        { 'a.cu': NCCL },
      ],
      [
        'nccl-no-driver-info',
        'driver-mismatch/driver-insufficient',
        'nvcc -I$NCCL/include a.cu -o a -L$NCCL/lib -l:libnccl.so.2; LD_LIBRARY_PATH=$NCCL/lib NCCL_DEBUG=INFO ./a',
        { 'a.cu': NCCL },
      ],
      [
        'nccl-interface',
        'collective/nccl-no-interface',
        'nvcc -I$NCCL/include a.cu -o a -L$NCCL/lib -l:libnccl.so.2; LD_LIBRARY_PATH=$NCCL/lib NCCL_DEBUG=WARN NCCL_SOCKET_IFNAME==eth9 ./a',
        {
          'a.cu': NCCL.replace(
            'ncclResult_t r = ncclGetUniqueId(&id)',
            'ncclResult_t r = ncclGetUniqueId(&id); if (r == ncclSuccess) return 0',
          ),
        },
      ],
      [
        'nccl-library-absent',
        'runtime-load/cuda-library-missing',
        'nvcc -I$NCCL/include a.cu -o a -L$NCCL/lib -l:libnccl.so.2; ./a',
        { 'a.cu': NCCL },
      ],
    ],
  ),
];
