/* A program that knows libvecmath only by name: loads it by dlopen and runs its kernels through the driver API. */
#include "checks.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef const void *image_function(size_t *bytes);

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    image_function *image_of;
    size_t bytes = 0;
    void *library = dlopen("libvecmath.so", RTLD_NOW);
    void *symbol = library != NULL ? dlsym(library, "vecmath_image") : NULL;
    if (symbol == NULL) {
        fprintf(stderr, "plugin-host: %s\n", dlerror());
        return 1;
    }
    memcpy(&image_of, &symbol, sizeof symbol);
    const void *image = image_of(&bytes);
    printf("plugin-host: libvecmath.so is loaded, its kernels are %zu bytes\n", bytes);
    /* What a machine without GPU can check. */
    if (argc == 2 && strcmp(argv[1], "--load-only") == 0) return bytes > 0 ? 0 : 1;
    return run_checks(image, argc - 1, argv + 1);
}
