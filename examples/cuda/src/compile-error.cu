/* Written for CUDA 12: CUDA 13 took `clockRate` out of cudaDeviceProp. */
#include <cuda_runtime.h>
#include <stdio.h>

int main()
{
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) return 1;
    printf("%s: %d kHz\n", properties.name, properties.clockRate);
    return 0;
}
