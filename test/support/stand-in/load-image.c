/*
 * load-image LIBCUDA FILE: loads device code from a file as a program on the GPU would, and says what each call answered.
 * Prints one line a call: its name, a space, the error number (or, for `compiled_for` and `saxpy`, what was computed).
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef int any(); /* Arguments are passed as they are, as the driver's C interface has them. */

static void *library;

static any *function(const char *name)
{
    any *found = (any *)dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "load-image: %s\n", dlerror());
        exit(2);
    }
    return found;
}

static char *read_file(const char *path)
{
    enum { LIMIT = 1 << 20 };
    char *content = calloc(1, LIMIT + 1);
    FILE *file = fopen(path, "rb");
    if (file == NULL || content == NULL) exit(2);
    if (fread(content, 1, LIMIT, file) == 0) exit(2);
    fclose(file);
    return content;
}

/* 0, or the number with which the kernel was refused, either when looked up or when launched. */
static int launch(void *module, const char *kernel, int threads, void **parameters)
{
    void *found;
    const int missing = function("cuModuleGetFunction")(&found, module, kernel);
    if (missing != 0) return missing;
    return function("cuLaunchKernel")(found, 1, 1, 1, threads, 1, 1, 0, NULL, parameters, NULL);
}

int main(int argc, char **argv)
{
    int device, architecture = 0, n = 3;
    float a = 2, x[] = {1, 2, 3}, y[] = {10, 20, 30};
    void *context, *module;
    uint64_t memory, dx, dy;
    if (argc != 3 || (library = dlopen(argv[1], RTLD_NOW)) == NULL) return 2;
    const int ready = function("cuInit")(0);
    printf("cuInit %d\n", ready);
    if (ready != 0) return 0;
    function("cuDeviceGet")(&device, 0);
    printf("without-context %d\n", function("cuMemAlloc_v2")(&memory, sizeof architecture));
    function("cuDevicePrimaryCtxRetain")(&context, device);
    function("cuCtxSetCurrent")(context);
    const int loaded = function("cuModuleLoadData")(&module, read_file(argv[2]));
    printf("cuModuleLoadData %d\n", loaded);
    if (loaded != 0) return 0;

    function("cuMemAlloc_v2")(&memory, sizeof architecture);
    const int asked = launch(module, "compiled_for", 1, (void *[]){&memory});
    if (asked == 0) function("cuMemcpyDtoH_v2")(&architecture, memory, sizeof architecture);
    printf("compiled_for %d\n", asked == 0 ? architecture : asked);

    function("cuMemAlloc_v2")(&dx, sizeof x);
    function("cuMemAlloc_v2")(&dy, sizeof y);
    function("cuMemcpyHtoD_v2")(dx, x, sizeof x);
    function("cuMemcpyHtoD_v2")(dy, y, sizeof y);
    const int computed = launch(module, "saxpy", n, (void *[]){&n, &a, &dx, &dy});
    if (computed == 0) function("cuMemcpyDtoH_v2")(y, dy, sizeof y);
    printf("saxpy %g,%g,%g\n", y[0], y[1], y[2]);
    printf("without_twin %d\n", launch(module, "without_twin", 1, (void *[]){&memory}));
    printf("not_in_the_image %d\n", launch(module, "not_in_the_image", 1, (void *[]){&memory}));
    return 0;
}
