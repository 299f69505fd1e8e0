/* Device code as the driver is given it: which image of a fat binary a GPU takes, and which kernels that image has. */
#ifndef IMAGES_H
#define IMAGES_H

#include <stddef.h>
#include <stdint.h>

enum image_kind { IMAGE_PTX = 1, IMAGE_CUBIN = 2 };

/* `sm_120f` reaches its family (the same major version), `sm_90a` only the very architecture. */
enum image_reach { REACH_ANY, REACH_FAMILY, REACH_EXACT };

struct image {
    enum image_kind kind;
    enum image_reach reach;
    int sm; /* 89 */
    int compressed;
    const uint8_t *bytes;
    size_t size;
};

enum image_choice { IMAGE_CHOSEN, IMAGE_NONE_FITS, IMAGE_INVALID };

/*
 * The image a driver would take for a GPU of architecture `sm` from what cuModuleLoadData was given:
 * a fat binary, a bare cubin or PTX text.
 * A cubin runs on the same major version with an equal or higher minor one and is preferred, the newest first;
 * PTX runs on every equal or higher capability.
 * Source: CUDA C++ Programming Guide, "Binary Compatibility", "PTX Compatibility".
 */
enum image_choice choose_image(const void *data, int sm, struct image *chosen);

/* 1 when the image has this kernel, 0 when not, -1 when its code is compressed and cannot be searched here. */
int image_has_kernel(const struct image *image, const char *kernel);

#endif
