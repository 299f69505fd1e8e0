/* The CUDA driver API, loaded when the program runs: what builds it needs no driver. */
#ifndef DRIVER_H
#define DRIVER_H

#include <cuda.h>

#define DRIVER_FUNCTIONS(F)         \
    F(cuInit)                       \
    F(cuDriverGetVersion)           \
    F(cuGetErrorString)             \
    F(cuDeviceGetCount)             \
    F(cuDeviceGet)                  \
    F(cuDeviceGetName)              \
    F(cuDeviceGetAttribute)         \
    F(cuDevicePrimaryCtxRetain)     \
    F(cuDevicePrimaryCtxRelease_v2) \
    F(cuCtxSetCurrent)              \
    F(cuCtxSynchronize)             \
    F(cuModuleLoadData)             \
    F(cuModuleUnload)               \
    F(cuModuleGetFunction)          \
    F(cuMemAlloc_v2)                \
    F(cuMemFree_v2)                 \
    F(cuMemcpyHtoD_v2)              \
    F(cuMemcpyDtoH_v2)              \
    F(cuLaunchKernel)

#define DRIVER_FIELD(name) __typeof__(&name) name;
struct driver {
    DRIVER_FUNCTIONS(DRIVER_FIELD)
};
#undef DRIVER_FIELD

/* The functions of libcuda.so.1, found by RUNPATH or the system's list; ends the program where there is none. */
struct driver load_driver(void);

/* Ends the program with the call and the driver's own words unless `result` is success. */
void require(const struct driver *driver, CUresult result, const char *call);

#endif
