/* The interface of libvecmath: vectors in host memory, computed on the GPU through the CUDA runtime library. */
#ifndef VECMATH_H
#define VECMATH_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* y = a * x + y for n elements; 0, or the runtime library's error number. */
int vecmath_saxpy(int n, float a, const float *x, float *y);

/* The sum of n elements; 0, or the runtime library's error number. */
int vecmath_sum(int n, const float *x, double *sum);

/* The runtime library's words for an error number. */
const char *vecmath_error(int error);

/* The kernels as a fat binary, for programs that load them through the driver API themselves. */
const void *vecmath_image(size_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
