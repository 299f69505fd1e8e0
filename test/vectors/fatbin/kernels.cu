/* Two kernels that the stand-in has CPU twins of, and one that it has not. */
extern "C" __global__ void saxpy(int n, float a, const float *x, float *y)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i] + y[i];
}

extern "C" __global__ void compiled_for(int *architecture)
{
#ifdef __CUDA_ARCH__
    *architecture = __CUDA_ARCH__;
#endif
}

extern "C" __global__ void without_twin(int *value) { *value = 42; }
