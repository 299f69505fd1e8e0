/* The kernels. Their names are plain C so that the driver API (and the stand-in's CPU twins) find them by name. */

constexpr int BLOCK_THREADS = 256;

extern "C" __global__ void saxpy(int n, float a, const float *x, float *y)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i] + y[i];
}

/* One partial sum a block; blocks have BLOCK_THREADS threads. */
extern "C" __global__ void block_sum(int n, const float *x, float *partial)
{
    __shared__ float values[BLOCK_THREADS];
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    values[threadIdx.x] = i < n ? x[i] : 0.0f;
    __syncthreads();
    for (int width = BLOCK_THREADS / 2; width > 0; width /= 2) {
        if (threadIdx.x < width) values[threadIdx.x] += values[threadIdx.x + width];
        __syncthreads();
    }
    if (threadIdx.x == 0) partial[blockIdx.x] = values[0];
}

/* Tells which of the fat binary's images the driver took: 750 for sm_75, and for PTX of compute_75 on any newer GPU. */
extern "C" __global__ void compiled_for(int *architecture)
{
#ifdef __CUDA_ARCH__
    *architecture = __CUDA_ARCH__;
#endif
}
