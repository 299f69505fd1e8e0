/* Adds up in single precision: at 2^24 the sum plus one is the sum again, so the loop does not end. */
#include <stdio.h>

int main(void)
{
    const float wanted = 20000000.0f;
    volatile float sum = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned long step = 1; sum < wanted; step++) {
        sum += 1.0f;
        if (step % (1UL << 28) == 0) printf("never-ends: step %lu, sum %.0f of %.0f\n", step, sum, wanted);
    }
    return 0;
}
