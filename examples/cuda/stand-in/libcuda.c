/*
 * A stand-in for the driver's libcuda.so.1 on machines without GPU, for this example's checks alone.
 *
 * Real: which image of a module the GPU played would take, and every refusal of one.
 * Not real: the computing, which CPU twins do; what has no twin is refused, never made up.
 * Signatures, constants and error numbers are those of NVIDIA's cuda.h (CUDA Driver API reference).
 * The runtime library (libcudart) does not work on it: it asks for tables of the driver that are not documented.
 */
#include "images.h"
#include "twins.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file, for Nix clears the environment; beside the library as the builder's mount shows it to builds. */
#ifndef STAND_IN_GPU_FILE
#define STAND_IN_GPU_FILE "/run/opengl-driver/stand-in-gpu"
#endif

#define EXPORT __attribute__((visibility("default")))

typedef enum {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    NO_BINARY_FOR_GPU = 209,
    NOT_FOUND = 500,
    NOT_SUPPORTED = 801,
} result;

static const struct {
    result code;
    const char *name, *words;
} ERRORS[] = {
    {SUCCESS, "CUDA_SUCCESS", "no error"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
};

struct function {
    char kernel[256];
    struct image image;
    struct function *next;
};

struct module {
    struct image image;
    struct function *functions;
};

struct context {
    int current;
};

static struct {
    int ready, major, minor, cuda_version;
    char name[128];
    size_t memory_bytes;
} gpu;

static struct context primary;

static int sm(void) { return gpu.major * 10 + gpu.minor; }

static void read_line(const char *line)
{
    int major, minor;
    unsigned long mebibytes;
    if (sscanf(line, "name=%127[^\n]", gpu.name) == 1) return;
    if (sscanf(line, "compute_cap=%d.%d", &major, &minor) == 2) {
        gpu.major = major;
        gpu.minor = minor;
    } else if (sscanf(line, "cuda=%d.%d", &major, &minor) == 2) {
        gpu.cuda_version = major * 1000 + minor * 10;
    } else if (sscanf(line, "memory_mib=%lu", &mebibytes) == 1) {
        gpu.memory_bytes = mebibytes << 20;
    }
}

EXPORT result cuInit(unsigned flags)
{
    char line[256];
    if (flags != 0) return INVALID_VALUE;
    if (gpu.ready) return SUCCESS;
    FILE *file = fopen(STAND_IN_GPU_FILE, "r");
    if (file == NULL) return NO_DEVICE;
    while (fgets(line, sizeof line, file) != NULL) read_line(line);
    fclose(file);
    if (gpu.major == 0 || gpu.name[0] == '\0') return NO_DEVICE;
    gpu.ready = 1;
    fprintf(stderr, "libcuda.so.1 is a stand-in: no GPU, kernels run on the CPU as %s\n", gpu.name);
    return SUCCESS;
}

EXPORT result cuDriverGetVersion(int *version)
{
    if (version == NULL) return INVALID_VALUE;
    *version = gpu.cuda_version;
    return SUCCESS;
}

static result find_error(int code, const char **text, int words)
{
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if ((int)ERRORS[i].code == code) {
            *text = words ? ERRORS[i].words : ERRORS[i].name;
            return SUCCESS;
        }
    *text = NULL;
    return INVALID_VALUE;
}

EXPORT result cuGetErrorString(int code, const char **text) { return find_error(code, text, 1); }
EXPORT result cuGetErrorName(int code, const char **text) { return find_error(code, text, 0); }

/* Every call but cuInit, the version and the error texts needs cuInit first. */
#define NEEDS_INIT \
    if (!gpu.ready) return NOT_INITIALIZED
#define NEEDS_DEVICE(device) \
    NEEDS_INIT;              \
    if ((device) != 0) return INVALID_DEVICE
#define NEEDS_CONTEXT \
    NEEDS_INIT;       \
    if (!primary.current) return INVALID_CONTEXT

EXPORT result cuDeviceGetCount(int *count)
{
    NEEDS_INIT;
    *count = 1;
    return SUCCESS;
}

EXPORT result cuDeviceGet(int *device, int ordinal)
{
    NEEDS_DEVICE(ordinal);
    *device = 0;
    return SUCCESS;
}

EXPORT result cuDeviceGetName(char *name, int bytes, int device)
{
    NEEDS_DEVICE(device);
    snprintf(name, bytes, "%s", gpu.name);
    return SUCCESS;
}

EXPORT result cuDeviceTotalMem_v2(size_t *bytes, int device)
{
    NEEDS_DEVICE(device);
    *bytes = gpu.memory_bytes;
    return SUCCESS;
}

EXPORT result cuDeviceGetAttribute(int *value, int attribute, int device)
{
    enum { COMPUTE_CAPABILITY_MAJOR = 75, COMPUTE_CAPABILITY_MINOR = 76 };
    NEEDS_DEVICE(device);
    if (attribute == COMPUTE_CAPABILITY_MAJOR) *value = gpu.major;
    else if (attribute == COMPUTE_CAPABILITY_MINOR) *value = gpu.minor;
    else return NOT_SUPPORTED;
    return SUCCESS;
}

EXPORT result cuDevicePrimaryCtxRetain(struct context **context, int device)
{
    NEEDS_DEVICE(device);
    *context = &primary;
    return SUCCESS;
}

EXPORT result cuDevicePrimaryCtxRelease_v2(int device)
{
    NEEDS_DEVICE(device);
    primary.current = 0;
    return SUCCESS;
}

EXPORT result cuCtxSetCurrent(struct context *context)
{
    NEEDS_INIT;
    if (context != NULL && context != &primary) return INVALID_CONTEXT;
    primary.current = context != NULL;
    return SUCCESS;
}

EXPORT result cuCtxSynchronize(void)
{
    NEEDS_CONTEXT;
    return SUCCESS;
}

EXPORT result cuModuleLoadData(struct module **module, const void *data)
{
    struct image image;
    NEEDS_CONTEXT;
    if (module == NULL || data == NULL) return INVALID_VALUE;
    const enum image_choice choice = choose_image(data, sm(), &image);
    if (choice != IMAGE_CHOSEN) return choice == IMAGE_INVALID ? INVALID_IMAGE : NO_BINARY_FOR_GPU;
    *module = calloc(1, sizeof **module);
    if (*module == NULL) return OUT_OF_MEMORY;
    (*module)->image = image;
    return SUCCESS;
}

EXPORT result cuModuleUnload(struct module *module)
{
    NEEDS_CONTEXT;
    for (struct function *at = module->functions, *next; at != NULL; at = next) {
        next = at->next;
        free(at);
    }
    free(module);
    return SUCCESS;
}

EXPORT result cuModuleGetFunction(struct function **function, struct module *module, const char *kernel)
{
    NEEDS_CONTEXT;
    const int found = image_has_kernel(&module->image, kernel);
    if (found <= 0) return found < 0 ? NOT_SUPPORTED : NOT_FOUND;
    *function = calloc(1, sizeof **function);
    if (*function == NULL) return OUT_OF_MEMORY;
    **function = (struct function){.image = module->image, .next = module->functions};
    snprintf((*function)->kernel, sizeof(*function)->kernel, "%s", kernel);
    module->functions = *function;
    return SUCCESS;
}

EXPORT result cuMemAlloc_v2(uint64_t *memory, size_t bytes)
{
    NEEDS_CONTEXT;
    void *allocated = bytes > 0 && bytes <= gpu.memory_bytes ? malloc(bytes) : NULL;
    *memory = (uintptr_t)allocated;
    return allocated != NULL ? SUCCESS : bytes == 0 ? INVALID_VALUE : OUT_OF_MEMORY;
}

EXPORT result cuMemFree_v2(uint64_t memory)
{
    NEEDS_CONTEXT;
    free((void *)(uintptr_t)memory);
    return SUCCESS;
}

EXPORT result cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes)
{
    NEEDS_CONTEXT;
    memcpy((void *)(uintptr_t)to, from, bytes);
    return SUCCESS;
}

EXPORT result cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes)
{
    NEEDS_CONTEXT;
    memcpy(to, (const void *)(uintptr_t)from, bytes);
    return SUCCESS;
}

EXPORT result cuLaunchKernel(struct function *function, unsigned blocks_x, unsigned blocks_y, unsigned blocks_z,
                             unsigned threads_x, unsigned threads_y, unsigned threads_z, unsigned shared_bytes,
                             void *stream, void **parameters, void **extra)
{
    enum { MAX_THREADS = 1024 };
    NEEDS_CONTEXT;
    (void)shared_bytes;
    if (blocks_x == 0 || threads_x == 0 || threads_x > MAX_THREADS || parameters == NULL) return INVALID_VALUE;
    twin *run = find_twin(function->kernel);
    /* The twins know one dimension and the default stream; anything else is not computed wrongly but refused. */
    const int one_dimension = blocks_y == 1 && blocks_z == 1 && threads_y == 1 && threads_z == 1;
    if (run == NULL || !one_dimension || stream != NULL || extra != NULL) {
        fprintf(stderr, "libcuda.so.1 is a stand-in and has no twin of kernel %s\n", function->kernel);
        return NOT_SUPPORTED;
    }
    run(&(struct launch){blocks_x, threads_x, function->image.sm, parameters});
    return SUCCESS;
}
