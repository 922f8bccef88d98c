/* SPDX-License-Identifier: Apache-2.0 */
/* disk_image_testing.c: a directory as a power cut would leave it. */
#include "gate/tlog/disk_state_testing.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- after a power cut ----------------------------------------------------------------------- */

struct name {
    char path[NAME];
    size_t file;
    bool dir, there;
};

struct content {
    uint8_t *bytes;
    size_t len, cap;
};

/* The disk as it is put together again. */
struct image {
    struct name *names;
    size_t n;
    struct content *files;
};

static struct name *find(struct image *image, const char *path)
{
    for (size_t i = 0; i < image->n; i++)
        if (strcmp(image->names[i].path, path) == 0)
            return &image->names[i];
    return NULL;
}

static struct name *name(struct image *image, const char *path)
{
    struct name *found = find(image, path);

    if (found == NULL) {
        found = &image->names[image->n++];
        (void)snprintf(found->path, sizeof found->path, "%s", path);
    }
    found->there = true;
    return found;
}

static void set_length(struct content *content, size_t len)
{
    if (len > content->cap) {
        content->bytes = realloc(content->bytes, len);
        assert_non_null(content->bytes);
        content->cap = len;
    }
    if (len > content->len)
        memset(content->bytes + content->len, 0, len - content->len);
    content->len = len;
}

static void apply(struct image *image, const struct change *change, size_t len, bool zeroes)
{
    struct content *content = &image->files[change->file];
    struct name *found;

    switch (change->kind) {
    case MAKE:
        found = name(image, change->name);
        found->file = change->file;
        found->dir = false;
        break;
    case RENAME:
        found = find(image, change->name);
        if (found != NULL && found->file == change->file)
            found->there = false;
        found = name(image, change->to);
        found->file = change->file;
        found->dir = false;
        break;
    case REMOVE:
        found = find(image, change->name);
        if (found != NULL)
            found->there = false;
        break;
    case MAKE_DIR:
        name(image, change->name)->dir = true;
        break;
    case WRITE:
        if (change->at + len > content->len)
            set_length(content, change->at + len);
        if (len > 0 && !zeroes) /* else what was new is zero, and what was there is as it was */
            memcpy(content->bytes + change->at, change->bytes, len);
        break;
    case CUT:
        set_length(content, change->at);
        break;
    case NOTHING_MORE:
        break;
    }
}

static uint64_t mixed(uint64_t seed, size_t i)
{
    uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15u ^ (i + 1) * 0xbf58476d1ce4e5b9u;

    x ^= x >> 31;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 29;
}

/* How much of a pending change, number i of n, is there. */
static bool kept(const struct change *change, enum disk_loss loss, uint64_t which, size_t i,
                 bool *ret_zeroes, size_t *ret_len)
{
    *ret_zeroes = false;
    *ret_len = change->len;
    switch (loss) {
    case LOSE_ALL:
        return false;
    case LOSE_DATA:
        return !disk_is_data(change);
    case LOSE_ZEROES:
        *ret_zeroes = true;
        return true;
    case LOSE_NAMES:
        return disk_is_data(change);
    case LOSE_NONE:
        return true;
    case LOSE_HALF:
        if (disk_is_data(change) && i == which)
            *ret_len /= 2;
        return true;
    case LOSE_ONE:
        return i != which;
    case LOSE_OTHERS:
        return i == which;
    case LOSE_SOME:
        *ret_zeroes = mixed(which, i) % 8 == 2;
        return mixed(which, i) % 2 == 0;
    }
    return false;
}

static void write_image(struct image *image, const char *dir)
{
    char path[2 * NAME];

    /* Names are recorded after those of the directories above them. */
    for (size_t i = 0; i < image->n; i++) {
        const struct name *n = &image->names[i];
        int fd;

        if (!n->there)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", dir, n->path);
        if (n->dir) {
            (void)mkdir(path, 0700);
            continue;
        }
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
            continue; /* its directory is not there */
        assert_int_equal(write(fd, image->files[n->file].bytes, image->files[n->file].len),
                         image->files[n->file].len);
        (void)close(fd);
    }
}

void disk_restore(size_t moment, enum disk_loss loss, uint64_t which, const char *dir)
{
    struct image image = {.names = calloc(disk.n * 2 + 1, sizeof *image.names),
                          .files = calloc(disk.n_files + 1, sizeof *image.files)};
    size_t pending = 0;

    assert_non_null(image.names);
    assert_non_null(image.files);
    for (size_t i = 0; i < moment; i++) {
        const struct change *change = &disk.changes[i];
        size_t len = change->len;
        bool zeroes = false;

        if (change->durable > moment && !kept(change, loss, which, pending++, &zeroes, &len))
            continue;
        apply(&image, change, len, zeroes);
    }
    write_image(&image, dir);
    for (size_t i = 0; i < disk.n_files; i++)
        free(image.files[i].bytes);
    free(image.files);
    free(image.names);
}
