/* The checks that run on a GPU: each launches a kernel and compares with the CPU. */
#ifndef CHECKS_H
#define CHECKS_H

/* Runs the named checks with the kernels of `image` (a fat binary) on the first GPU; 0 when every one agrees. */
int run_checks(const void *image, int count, char **names);

#endif
