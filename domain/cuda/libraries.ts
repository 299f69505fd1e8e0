/** What the names of NVIDIA's libraries say: which come with the driver, and to which CUDA version others belong. */

/** Where NixOS shows the driver's libraries, and on other systems `nixGL` or a link does. */
export const DRIVER_FOLDER = '/run/opengl-driver/lib';

const DRIVER_LIBRARY =
  /^lib(?:cuda|cudadebugger|nvidia-[\w-]+|nvcuvid|nvoptix|vdpau_nvidia|(?:GLX|EGL|GLESv2|GLESv1_CM)_nvidia)\.so(?:\.\d+)*$/;

/** Whether a library is part of the driver, so that no package may bring it: it must fit the kernel module. */
export function isDriverLibrary(name: string): boolean {
  return DRIVER_LIBRARY.test(name);
}

const CUDA_LIBRARY =
  /^(lib(?:cudart|cublas|cublasLt|cufft|cufftw|curand|cusolver|cusolverMg|cusparse|cusparseLt|cutensor|cupti|nvrtc|nvrtc-builtins|nvJitLink|nvjpeg|npp\w+|nvblas|nvfatbin|nvvm|cudnn\w*|nccl|nvshmem_host|cufile|nvToolsExt|nvinfer\w*))\.so(?:\.(\d+)(?:[.\d]*))?$/;

/** The name without its version: `libcublas` of `libcublas.so.12`; `undefined` for what is no CUDA library. */
export function cudaLibraryOf(name: string): string | undefined {
  return CUDA_LIBRARY.exec(name)?.[1];
}

/** Libraries whose version is CUDA's. cuFFT counts one less; the versions of the others say nothing of CUDA's. */
const COUNTS_LIKE_CUDA =
  /^lib(?:cudart|cublas|cublasLt|nvrtc|nvrtc-builtins|nvJitLink|nvjpeg|npp\w+|nvblas|cupti|nvfatbin)$/;

/** The CUDA major version that a library is of, by its name: 12 for `libcudart.so.12`; `undefined` where it does not tell. */
export function cudaMajorOf(name: string): number | undefined {
  const [, library = '', version] = CUDA_LIBRARY.exec(name) ?? [];
  if (version === undefined) return undefined;
  if (COUNTS_LIKE_CUDA.test(library)) return Number(version);
  return library === 'libcufft' || library === 'libcufftw' ? Number(version) + 1 : undefined;
}

/** What defines a symbol that only a driver has: `cuInit`, `nvmlInit_v2`. */
export function isDriverSymbol(symbol: string): boolean {
  return /^(?:cu[A-Z]|nvml[A-Z]|cuvid|NvEncode)/.test(symbol);
}

/** What only a library of CUDA defines: `ncclCommRegister`, `cublasLtMatmul`, `nvrtcCompileProgram`. */
export function isCudaSymbol(symbol: string): boolean {
  return /^(?:cuda|cublas(?:Lt)?|cudnn|cufft|curand|cusolver|cusparse|cutensor|nccl|nvrtc|nvJitLink|nvjpeg|nvshmemx?)_?[A-Z]/.test(
    symbol,
  );
}
