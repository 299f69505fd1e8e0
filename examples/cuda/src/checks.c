/* Runs kernels of libvecmath on the first GPU through the driver API and compares with the CPU. */
#include "checks.h"
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS = 1 << 20, BLOCK_THREADS = 256, BLOCKS = ELEMENTS / BLOCK_THREADS };

#define REQUIRE(call) require(driver, driver->call, #call)

/* Small whole numbers: every result is exact, whether or not the GPU fuses multiplication and addition. */
static float input_x(int i) { return i % 1024; }
static float input_y(int i) { return i % 7; }

static CUdeviceptr upload(const struct driver *driver, float (*value)(int))
{
    CUdeviceptr memory;
    float *host = malloc(ELEMENTS * sizeof *host);
    if (host == NULL) abort();
    for (int i = 0; i < ELEMENTS; i++) host[i] = value(i);
    REQUIRE(cuMemAlloc_v2(&memory, ELEMENTS * sizeof *host));
    REQUIRE(cuMemcpyHtoD_v2(memory, host, ELEMENTS * sizeof *host));
    free(host);
    return memory;
}

static void launch(const struct driver *driver, CUmodule module, const char *kernel, int blocks, int threads,
                   void **parameters)
{
    CUfunction function;
    REQUIRE(cuModuleGetFunction(&function, module, kernel));
    REQUIRE(cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, 0, NULL, parameters, NULL));
    REQUIRE(cuCtxSynchronize());
}

static int check_saxpy(const struct driver *driver, CUmodule module)
{
    int n = ELEMENTS, wrong = 0;
    float a = 2.0f, *y = malloc(ELEMENTS * sizeof *y);
    CUdeviceptr dx = upload(driver, input_x), dy = upload(driver, input_y);
    void *parameters[] = {&n, &a, &dx, &dy};
    if (y == NULL) abort();
    launch(driver, module, "saxpy", BLOCKS, BLOCK_THREADS, parameters);
    REQUIRE(cuMemcpyDtoH_v2(y, dy, ELEMENTS * sizeof *y));
    for (int i = 0; i < ELEMENTS; i++) {
        const float expected = a * input_x(i) + input_y(i);
        if (y[i] != expected && wrong++ == 0)
            printf("gpu-check: saxpy: element %d is %g, expected %g\n", i, y[i], expected);
    }
    REQUIRE(cuMemFree_v2(dx));
    REQUIRE(cuMemFree_v2(dy));
    free(y);
    return wrong;
}

static int check_sum(const struct driver *driver, CUmodule module)
{
    int n = ELEMENTS;
    double total = 0, expected = 0;
    static float partial[BLOCKS];
    CUdeviceptr dx = upload(driver, input_x), dpartial;
    REQUIRE(cuMemAlloc_v2(&dpartial, sizeof partial));
    void *parameters[] = {&n, &dx, &dpartial};
    launch(driver, module, "block_sum", BLOCKS, BLOCK_THREADS, parameters);
    REQUIRE(cuMemcpyDtoH_v2(partial, dpartial, sizeof partial));
    for (int i = 0; i < BLOCKS; i++) total += partial[i];
    for (int i = 0; i < ELEMENTS; i++) expected += input_x(i);
    if (total != expected) printf("gpu-check: sum: %.0f, expected %.0f\n", total, expected);
    REQUIRE(cuMemFree_v2(dx));
    REQUIRE(cuMemFree_v2(dpartial));
    return total != expected;
}

static const struct {
    const char *name;
    int (*check)(const struct driver *, CUmodule);
} CHECKS[] = {{"saxpy", check_saxpy}, {"sum", check_sum}};

/* 1 when the check agrees with the CPU, 0 when it does not or there is no such check. */
static int run_check(const struct driver *driver, CUmodule module, const char *name)
{
    for (size_t i = 0; i < sizeof CHECKS / sizeof *CHECKS; i++) {
        if (strcmp(CHECKS[i].name, name) != 0) continue;
        const int wrong = CHECKS[i].check(driver, module);
        printf("gpu-check: %s: %s\n", name, wrong ? "FAILED" : "agrees with the CPU");
        return wrong == 0;
    }
    printf("gpu-check: there is no check named %s\n", name);
    return 0;
}

static CUdevice first_device(const struct driver *driver, char *name, int name_bytes)
{
    int count = 0, version, major, minor;
    CUdevice device;
    REQUIRE(cuInit(0));
    REQUIRE(cuDeviceGetCount(&count));
    if (count == 0) require(driver, CUDA_ERROR_NO_DEVICE, "cuDeviceGetCount");
    REQUIRE(cuDeviceGet(&device, 0));
    REQUIRE(cuDeviceGetName(name, name_bytes, device));
    REQUIRE(cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device));
    REQUIRE(cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device));
    REQUIRE(cuDriverGetVersion(&version));
    printf("gpu-check: %s, compute capability %d.%d, driver for CUDA %d.%d\n", name, major, minor, version / 1000,
           version % 1000 / 10);
    return device;
}

static void print_architecture(const struct driver *driver, CUmodule module)
{
    int architecture = 0;
    CUdeviceptr memory;
    REQUIRE(cuMemAlloc_v2(&memory, sizeof architecture));
    void *parameters[] = {&memory};
    launch(driver, module, "compiled_for", 1, 1, parameters);
    REQUIRE(cuMemcpyDtoH_v2(&architecture, memory, sizeof architecture));
    REQUIRE(cuMemFree_v2(memory));
    printf("gpu-check: the driver chose code compiled for compute capability %d.%d\n", architecture / 100,
           architecture / 10 % 10);
}

int run_checks(const void *image, int count, char **names)
{
    int agreed = 0;
    char gpu[256];
    CUcontext context;
    CUmodule module;
    const struct driver loaded = load_driver(), *driver = &loaded;
    const CUdevice device = first_device(driver, gpu, sizeof gpu);
    REQUIRE(cuDevicePrimaryCtxRetain(&context, device));
    REQUIRE(cuCtxSetCurrent(context));
    REQUIRE(cuModuleLoadData(&module, image));
    print_architecture(driver, module);
    for (int i = 0; i < count; i++) agreed += run_check(driver, module, names[i]);
    REQUIRE(cuModuleUnload(module));
    REQUIRE(cuDevicePrimaryCtxRelease_v2(device));
    printf("gpu-check: %d of %d checks passed on %s\n", agreed, count, gpu);
    /* No check at all proves nothing, so it does not pass either. */
    return count > 0 && agreed == count ? 0 : 1;
}
