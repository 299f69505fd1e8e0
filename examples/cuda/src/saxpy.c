/* A program that links libvecmath: computes on the GPU through the CUDA runtime library and compares with the CPU. */
#include "vecmath.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const int n = argc > 1 ? atoi(argv[1]) : 1 << 20;
    if (n <= 0) {
        fprintf(stderr, "usage: saxpy [elements]\n");
        return 2;
    }
    float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
    if (x == NULL || y == NULL) return 2;
    /* Small whole numbers: the result is exact, whether or not the GPU fuses multiplication and addition. */
    for (int i = 0; i < n; i++) {
        x[i] = i % 1024;
        y[i] = i % 7;
    }
    const int error = vecmath_saxpy(n, 2.0f, x, y);
    if (error != 0) {
        fprintf(stderr, "saxpy: %s (%d)\n", vecmath_error(error), error);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        const float expected = 2.0f * (i % 1024) + i % 7;
        if (y[i] != expected) {
            fprintf(stderr, "saxpy: element %d is %g, expected %g\n", i, y[i], expected);
            return 1;
        }
    }
    printf("saxpy: %d elements agree with the CPU\n", n);
    free(x);
    free(y);
    return 0;
}
