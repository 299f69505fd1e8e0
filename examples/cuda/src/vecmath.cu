/* libvecmath: the kernels with launchers on top of the CUDA runtime library. */
#include "kernels.cu"
#include "vecmath.h"

#include "vecmath-fatbin.h" /* made of kernels.cu by nvcc -fatbin and bin2c */

#include <cuda_runtime.h>
#include <vector>

#define TRY(call) \
    if (const cudaError_t error = (call); error != cudaSuccess) return error

/* Device memory that goes with its scope. */
struct DeviceFloats {
    float *data = nullptr;
    cudaError_t allocate(size_t count) { return cudaMalloc(&data, count * sizeof(float)); }
    ~DeviceFloats() { cudaFree(data); }
};

static int blocks_for(int n) { return (n + BLOCK_THREADS - 1) / BLOCK_THREADS; }

int vecmath_saxpy(int n, float a, const float *x, float *y)
{
    const size_t bytes = n * sizeof(float);
    DeviceFloats dx, dy;
    TRY(dx.allocate(n));
    TRY(dy.allocate(n));
    TRY(cudaMemcpy(dx.data, x, bytes, cudaMemcpyHostToDevice));
    TRY(cudaMemcpy(dy.data, y, bytes, cudaMemcpyHostToDevice));
    saxpy<<<blocks_for(n), BLOCK_THREADS>>>(n, a, dx.data, dy.data);
    TRY(cudaGetLastError());
    return cudaMemcpy(y, dy.data, bytes, cudaMemcpyDeviceToHost);
}

int vecmath_sum(int n, const float *x, double *sum)
{
    const int blocks = blocks_for(n);
    std::vector<float> partial(blocks);
    DeviceFloats dx, dpartial;
    TRY(dx.allocate(n));
    TRY(dpartial.allocate(blocks));
    TRY(cudaMemcpy(dx.data, x, n * sizeof(float), cudaMemcpyHostToDevice));
    block_sum<<<blocks, BLOCK_THREADS>>>(n, dx.data, dpartial.data);
    TRY(cudaGetLastError());
    TRY(cudaMemcpy(partial.data(), dpartial.data, blocks * sizeof(float), cudaMemcpyDeviceToHost));
    *sum = 0;
    for (float value : partial) *sum += value;
    return cudaSuccess;
}

const char *vecmath_error(int error) { return cudaGetErrorString(static_cast<cudaError_t>(error)); }

const void *vecmath_image(size_t *bytes)
{
    *bytes = sizeof vecmath_fatbin;
    return vecmath_fatbin;
}
