/* Written for a newer libvecmath, which has vecmath_gemm. */
#include "vecmath.h"

int vecmath_gemm(int n, const float *a, const float *b, float *c);

int main(void)
{
    float a = 2, b = 3, c = 0;
    return vecmath_gemm(1, &a, &b, &c);
}
