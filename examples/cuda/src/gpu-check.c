/* gpu-check FATBIN CHECK...: runs the named checks with the kernels of a fat binary file. */
#include "checks.h"

#include <stdio.h>
#include <stdlib.h>

static void *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(2);
    }
    const long bytes = ftell(file);
    char *content = malloc(bytes + 1);
    rewind(file);
    if (content == NULL || fread(content, 1, bytes, file) != (size_t)bytes) {
        perror(path);
        exit(2);
    }
    fclose(file);
    /* The driver takes PTX as text, which ends with a zero. */
    content[bytes] = '\0';
    return content;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 3) {
        fprintf(stderr, "usage: gpu-check FATBIN CHECK...\n");
        return 2;
    }
    return run_checks(read_file(argv[1]), argc - 2, argv + 2);
}
