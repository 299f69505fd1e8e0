/* Loads libcuda.so.1 and turns its errors into messages. */
#include "driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct driver load_driver(void)
{
    struct driver driver;
    void *library = dlopen("libcuda.so.1", RTLD_NOW);
    if (library == NULL) {
        fprintf(stderr, "gpu-check: %s\n", dlerror());
        exit(1);
    }
    /* Copied as bytes because ISO C has no conversion from an object's pointer to a function's. */
#define DRIVER_LOAD(name)                                        \
    {                                                            \
        void *symbol = dlsym(library, #name);                    \
        if (symbol == NULL) {                                    \
            fprintf(stderr, "gpu-check: %s\n", dlerror());       \
            exit(1);                                             \
        }                                                        \
        memcpy(&driver.name, &symbol, sizeof symbol);            \
    }
    DRIVER_FUNCTIONS(DRIVER_LOAD)
#undef DRIVER_LOAD
    return driver;
}

void require(const struct driver *driver, CUresult result, const char *call)
{
    if (result == CUDA_SUCCESS) return;
    const char *words = NULL;
    driver->cuGetErrorString(result, &words);
    fprintf(stderr, "gpu-check: %s: %s (%d)\n", call, words != NULL ? words : "unknown error", (int)result);
    exit(1);
}
