/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.c: runs a fuzz target without libFuzzer, over files and directories of files: each input
 * as it is, and if it is short cut at every length and with one bit of each byte turned. Turns a
 * corpus into an ordinary test.
 */
#include "test-env/fuzz/driver.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX ((size_t)1 << 20)
#define CHANGED_MAX ((size_t)1024)

/* The input is copied to memory of exactly its size, so that a sanitizer sees a read beyond. */
static void one(const uint8_t *bytes, size_t len)
{
    uint8_t *exact = malloc(len == 0 ? 1 : len);

    if (exact == NULL)
        abort();
    if (len > 0)
        memcpy(exact, bytes, len);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

static void changed(uint8_t *bytes, size_t len)
{
    for (size_t cut = 0; cut < len; cut++)
        one(bytes, cut);
    for (size_t i = 0; i < len; i++) {
        bytes[i] ^= (uint8_t)(1u << i % 8);
        one(bytes, len);
        bytes[i] ^= (uint8_t)(1u << i % 8);
    }
}

static int run_file(const char *path, size_t *count)
{
    static uint8_t bytes[INPUT_MAX];
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    one(bytes, len);
    if (len <= CHANGED_MAX)
        changed(bytes, len);
    ++*count;
    return 0;
}

static int run_path(const char *path, size_t *count)
{
    struct stat st;
    struct dirent **entries = NULL;
    int failed = 0;

    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        return run_file(path, count);
    int n = scandir(path, &entries, NULL, alphasort);
    if (n < 0)
        return errno == ENOENT ? 0 : 1;
    for (int i = 0; i < n; i++) {
        char full[4096];
        snprintf(full, sizeof full, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            failed |= run_file(full, count);
        free(entries[i]);
    }
    free(entries);
    return failed;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    int failed = 0;

    one(NULL, 0);
    for (int i = 1; i < argc; i++)
        failed |= run_path(argv[i], &count);
    printf("%zu inputs\n", count);
    return failed;
}
