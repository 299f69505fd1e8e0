/*
 * Reads fat binaries, cubins and PTX. NVIDIA documents none of the containers; the layout is as nvcc 13.5 writes it,
 * checked with `cuobjdump --list-elf --list-ptx`.
 */
#include "images.h"

#include <stdio.h>
#include <string.h>

enum { CONTAINER_MAGIC = 0xBA55ED50u, ELF_MACHINE_CUDA = 190, ELF_CLASS_64 = 2 };
enum { FLAG_LZ4 = 0x2000, FLAG_ZSTD = 0x8000, FLAG_EXACT = 0x100000, FLAG_FAMILY = 0x200000 };

struct container {
    uint32_t magic;
    uint16_t version, header_bytes;
    uint64_t entries_bytes;
};

struct entry {
    uint16_t kind, version;
    uint32_t header_bytes;
    uint64_t payload_bytes;
    uint32_t compressed_bytes, options_offset;
    uint16_t minor, major; /* of the PTX language or the cubin's format */
    uint32_t sm, name_offset, name_bytes;
    uint64_t flags, zero, uncompressed_bytes;
};

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_offset, section_offset;
    uint32_t flags;
    uint16_t header_bytes, program_bytes, programs, section_bytes, sections, names;
};

struct elf_section {
    uint32_t name, type;
    uint64_t flags, address, offset, size;
    uint32_t link, info;
    uint64_t alignment, entry_bytes;
};

static int runs_on(const struct image *image, int sm)
{
    if (image->reach == REACH_EXACT) return image->sm == sm;
    const int same_major = image->sm / 10 == sm / 10;
    if (image->kind == IMAGE_CUBIN || image->reach == REACH_FAMILY) return same_major && image->sm <= sm;
    return image->sm <= sm;
}

/* A cubin is taken before PTX, then the newest. */
static int is_better(const struct image *image, const struct image *than)
{
    return image->kind != than->kind ? image->kind == IMAGE_CUBIN : image->sm > than->sm;
}

static enum image_reach reach_of(uint64_t flags)
{
    if (flags & FLAG_EXACT) return REACH_EXACT;
    return flags & FLAG_FAMILY ? REACH_FAMILY : REACH_ANY;
}

static enum image_choice choose_entry(const uint8_t *data, int sm, struct image *chosen)
{
    struct container container;
    int found = 0;
    memcpy(&container, data, sizeof container);
    if (container.header_bytes < sizeof container) return IMAGE_INVALID;
    const uint8_t *at = data + container.header_bytes;
    uint64_t left = container.entries_bytes;
    while (left > 0) {
        struct entry entry;
        if (left < sizeof entry) return IMAGE_INVALID;
        memcpy(&entry, at, sizeof entry);
        if (entry.header_bytes < sizeof entry || entry.header_bytes > left) return IMAGE_INVALID;
        if (entry.payload_bytes > left - entry.header_bytes) return IMAGE_INVALID;
        const struct image image = {
            .kind = entry.kind,
            .reach = reach_of(entry.flags),
            .sm = entry.sm,
            .compressed = (entry.flags & (FLAG_LZ4 | FLAG_ZSTD)) != 0,
            .bytes = at + entry.header_bytes,
            .size = entry.payload_bytes,
        };
        /* Other kinds (link-time intermediate code, for instance) are nothing a driver loads. */
        const int loadable = image.kind == IMAGE_CUBIN || image.kind == IMAGE_PTX;
        if (loadable && runs_on(&image, sm) && (!found || is_better(&image, chosen))) {
            *chosen = image;
            found = 1;
        }
        at += entry.header_bytes + entry.payload_bytes;
        left -= entry.header_bytes + entry.payload_bytes;
    }
    return found ? IMAGE_CHOSEN : IMAGE_NONE_FITS;
}

/* A bare cubin carries no size; it ends with its section or program headers, whichever lie last. */
static enum image_choice choose_cubin(const uint8_t *data, int sm, struct image *chosen)
{
    struct elf_header header;
    memcpy(&header, data, sizeof header);
    if (header.ident[4] != ELF_CLASS_64 || header.machine != ELF_MACHINE_CUDA) return IMAGE_INVALID;
    const uint64_t sections_end = header.section_offset + (uint64_t)header.sections * header.section_bytes;
    const uint64_t programs_end = header.program_offset + (uint64_t)header.programs * header.program_bytes;
    /* Since ABI version 8 (CUDA 13) the architecture is the second byte of e_flags, before that the first. */
    *chosen = (struct image){
        .kind = IMAGE_CUBIN,
        .reach = REACH_ANY,
        .sm = header.ident[8] >= 8 ? header.flags >> 8 & 0xff : header.flags & 0xff,
        .bytes = data,
        .size = sections_end > programs_end ? sections_end : programs_end,
    };
    return runs_on(chosen, sm) ? IMAGE_CHOSEN : IMAGE_NONE_FITS;
}

static enum image_choice choose_ptx(const char *text, int sm, struct image *chosen)
{
    char suffix = 0;
    const char *target = strstr(text, ".target sm_");
    *chosen = (struct image){.kind = IMAGE_PTX, .bytes = (const uint8_t *)text, .size = strlen(text)};
    if (target == NULL || sscanf(target, ".target sm_%d%c", &chosen->sm, &suffix) < 1) return IMAGE_INVALID;
    chosen->reach = suffix == 'a' ? REACH_EXACT : suffix == 'f' ? REACH_FAMILY : REACH_ANY;
    return runs_on(chosen, sm) ? IMAGE_CHOSEN : IMAGE_NONE_FITS;
}

enum image_choice choose_image(const void *data, int sm, struct image *chosen)
{
    uint32_t magic;
    /* PTX is text and may be as short as its terminating zero, so it is told apart byte by byte. */
    const char *text = data;
    text += strspn(text, " \t\r\n");
    if (*text == '.' || strncmp(text, "//", 2) == 0) return choose_ptx(text, sm, chosen);
    if (strncmp(data, "\x7f" "ELF", 4) == 0) return choose_cubin(data, sm, chosen);
    if (strlen(data) < sizeof magic - 1) return IMAGE_INVALID;
    memcpy(&magic, data, sizeof magic);
    return magic == CONTAINER_MAGIC ? choose_entry(data, sm, chosen) : IMAGE_INVALID;
}

/* A kernel's code is the section .text.NAME. */
static int cubin_has_kernel(const struct image *image, const char *kernel)
{
    struct elf_header header;
    struct elf_section names, section;
    char wanted[256];
    snprintf(wanted, sizeof wanted, ".text.%s", kernel);
    if (image->size < sizeof header) return 0;
    memcpy(&header, image->bytes, sizeof header);
    const uint64_t end = header.section_offset + (uint64_t)header.sections * sizeof section;
    if (header.section_bytes != sizeof section || end > image->size || header.names >= header.sections) return 0;
    const uint8_t *table = image->bytes + header.section_offset;
    memcpy(&names, table + header.names * sizeof section, sizeof section);
    if (names.offset > image->size || names.size > image->size - names.offset) return 0;
    for (int i = 0; i < header.sections; i++) {
        memcpy(&section, table + i * sizeof section, sizeof section);
        if (section.name >= names.size) continue;
        const char *name = (const char *)image->bytes + names.offset + section.name;
        if (strncmp(name, wanted, names.size - section.name) == 0) return 1;
    }
    return 0;
}

static int ptx_has_kernel(const struct image *image, const char *kernel)
{
    char wanted[256];
    const size_t length = (size_t)snprintf(wanted, sizeof wanted, ".entry %s(", kernel);
    for (size_t i = 0; i + length <= image->size; i++)
        if (memcmp(image->bytes + i, wanted, length) == 0) return 1;
    return 0;
}

int image_has_kernel(const struct image *image, const char *kernel)
{
    if (image->compressed) return -1;
    return image->kind == IMAGE_CUBIN ? cubin_has_kernel(image, kernel) : ptx_has_kernel(image, kernel);
}
