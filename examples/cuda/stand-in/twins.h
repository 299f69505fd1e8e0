/* The CPU twins of this example's kernels: what the stand-in runs instead of device code. */
#ifndef TWINS_H
#define TWINS_H

struct launch {
    unsigned blocks, threads; /* of the first dimension, the only one these kernels use */
    int sm;                   /* what the chosen image was compiled for: 89 */
    void **parameters;        /* as cuLaunchKernel is given them */
};

typedef void twin(const struct launch *launch);

/* NULL for a kernel that has no twin. */
twin *find_twin(const char *kernel);

#endif
