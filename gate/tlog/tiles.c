/* SPDX-License-Identifier: Apache-2.0 */
/* tiles.c: reads a directory of tiles: the newest tiles of hashes stay in memory, each with the
 * nodes between its hashes and its top, once one of them was asked for. */
#include "gate/base/file.h"
#include "gate/tlog/tile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS 32

struct slot {
    struct tile tile; /* width 0: nothing here */
    uint64_t used;
    bool inner; /* levels above 0 are there, too */
    /* Node i of level l stands at level[l][i]. */
    struct digest *level[TILE_HEIGHT];
    struct digest hashes[2 * TILE_WIDTH];
};

/* What changes while a tree is only read. */
struct cache {
    struct hasher hasher;
    uint64_t clock;
    struct slot *slots[SLOTS];
};

struct tiles {
    int dir;
    uint64_t size;
    struct cache *cache;
};

static err_code read_all(int fd, uint8_t *to, size_t len, const char *path, struct why *why)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = read(fd, to + done, len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return why_errno(why, errno, "read", path);
        if (n == 0)
            return why_say(why, ERR_LEDGER_INCONSISTENT,
                           "\"%s\" became shorter while it was read: %zu of %zu bytes", path, done,
                           len);
        done += (size_t)n;
    }
    return ERR_OK;
}

/* Opens a tile, or the full one in its place, and tells its length. */
static err_code open_tile(const struct tiles *tiles, struct tile tile, int *ret_fd, char *ret_path,
                          struct why *why)
{
    struct tile full = {tile.level, tile.index, TILE_WIDTH};
    char path[TILE_PATH];

    tile_path(tile, ret_path);
    *ret_fd = openat(tiles->dir, ret_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*ret_fd < 0 && errno == ENOENT && tile.width < TILE_WIDTH) {
        tile_path(full, path);
        *ret_fd = openat(tiles->dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (*ret_fd >= 0)
            memcpy(ret_path, path, sizeof path);
    }
    if (*ret_fd < 0)
        return why_errno(why, errno, "open", ret_path);
    return ERR_OK;
}

static err_code length_of(int fd, const char *path, size_t max, size_t *ret, struct why *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return why_errno(why, errno, "look at", path);
    if (!S_ISREG(st.st_mode))
        return why_say(why, ERR_STORAGE, "\"%s\" is not a regular file", path);
    if ((uintmax_t)st.st_size > max)
        return why_say(why, ERR_LEDGER_INCONSISTENT, "\"%s\" has %jd bytes, the limit is %zu", path,
                       (intmax_t)st.st_size, max);
    *ret = (size_t)st.st_size;
    return ERR_OK;
}

static err_code read_hashes(const struct tiles *tiles, struct tile tile, struct digest *ret,
                            struct why *why)
{
    CLEANUP(fd_close) int fd = -1;
    char path[TILE_PATH];
    size_t len, want;
    bool full;

    TRY(open_tile(tiles, tile, &fd, path, why));
    TRY(length_of(fd, path, TILE_WIDTH * sizeof *ret, &len, why));
    full = strstr(path, ".p/") == NULL;
    want = (full ? TILE_WIDTH : tile.width) * sizeof *ret;
    if (len != want)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "\"%s\" has %zu bytes, a tile of its width has %zu", path, len, want);
    return read_all(fd, ret->bytes, tile.width * sizeof *ret, path, why);
}

static void slot_place(struct slot *slot)
{
    struct digest *at = slot->hashes;

    for (size_t l = 0; l < TILE_HEIGHT; l++) {
        slot->level[l] = at;
        at += TILE_WIDTH >> l;
    }
}

/* The slot of a tile, else the one that was used the longest time ago. */
static err_code slot_for(struct cache *cache, struct tile tile, struct slot **ret)
{
    size_t oldest = 0;

    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = cache->slots[i];

        if (slot == NULL) {
            slot = calloc(1, sizeof *slot);
            if (slot == NULL)
                return ERR_NO_MEMORY;
            slot_place(slot);
            cache->slots[i] = slot;
            oldest = i;
            break;
        }
        if (slot->tile.width != 0 && slot->tile.level == tile.level &&
            slot->tile.index == tile.index) {
            oldest = i;
            break;
        }
        if (slot->used < cache->slots[oldest]->used)
            oldest = i;
    }
    *ret = cache->slots[oldest];
    (*ret)->used = ++cache->clock;
    return ERR_OK;
}

static err_code load(const struct tiles *tiles, unsigned level, uint64_t index, struct slot **ret,
                     struct why *why)
{
    struct tile tile = {level, index, 0};
    struct slot *slot;

    if (level >= TILE_LEVELS)
        return ERR_INTERNAL;
    tile.width = tile_width(level, index, tiles->size);
    if (tile.width == 0)
        return ERR_INTERNAL;
    TRY(slot_for(tiles->cache, tile, &slot));
    if (slot->tile.level != level || slot->tile.index != index || slot->tile.width < tile.width) {
        slot->tile.width = 0;
        slot->inner = false;
        TRY(read_hashes(tiles, tile, slot->hashes, why));
        slot->tile = tile;
    }
    *ret = slot;
    return ERR_OK;
}

/* The nodes above the hashes of a tile, as far as they are complete. */
static err_code fill(struct cache *cache, struct slot *slot)
{
    for (size_t l = 1; l < TILE_HEIGHT; l++)
        for (size_t i = 0; i < slot->tile.width >> l; i++)
            TRY(tree_node_with(&cache->hasher, &slot->level[l - 1][2 * i],
                               &slot->level[l - 1][2 * i + 1], &slot->level[l][i]));
    slot->inner = true;
    return ERR_OK;
}

static err_code hash_from_tile(const void *from, unsigned level, uint64_t index, struct digest *ret,
                               struct why *why)
{
    const struct tiles *tiles = from;
    unsigned within = level % TILE_HEIGHT, wide = TILE_HEIGHT - within;
    struct slot *slot;

    TRY(load(tiles, level / TILE_HEIGHT, index >> wide, &slot, why));
    if (within != 0 && !slot->inner)
        TRY(fill(tiles->cache, slot));
    *ret = slot->level[within][index & (((uint64_t)1 << wide) - 1)];
    return ERR_OK;
}

struct tree_source tiles_tree(const struct tiles *tiles)
{
    return (struct tree_source){hash_from_tile, tiles, tiles->size};
}

err_code tiles_hashes(const struct tiles *tiles, unsigned level, uint64_t index,
                      const struct digest **ret, unsigned *ret_n, struct why *why)
{
    struct slot *slot;

    TRY(load(tiles, level, index, &slot, why));
    *ret = slot->hashes;
    *ret_n = tile_width(level, index, tiles->size);
    return ERR_OK;
}

static err_code reserve(struct tile_bundle *bundle, size_t len)
{
    uint8_t *bytes;

    if (len <= bundle->cap)
        return ERR_OK;
    bytes = realloc(bundle->bytes, len);
    if (bytes == NULL)
        return ERR_NO_MEMORY;
    bundle->bytes = bytes;
    bundle->cap = len;
    return ERR_OK;
}

err_code tiles_bundle(const struct tiles *tiles, uint64_t index, struct tile_bundle *ret,
                      struct why *why)
{
    CLEANUP(fd_close) int fd = -1;
    struct tile tile = {TILE_ENTRIES, index, tile_width(TILE_ENTRIES, index, tiles->size)};
    struct why inner = {0};
    char path[TILE_PATH];
    size_t len, used;
    err_code err;
    bool full;

    ret->n = 0;
    if (tile.width == 0)
        return ERR_INTERNAL;
    TRY(open_tile(tiles, tile, &fd, path, why));
    TRY(length_of(fd, path, TILE_BUNDLE_MAX, &len, why));
    TRY(reserve(ret, len));
    TRY(read_all(fd, ret->bytes, len, path, why));
    full = strstr(path, ".p/") == NULL;
    err =
        tile_bundle_parse((struct slice){ret->bytes, len}, tile.width, ret->entries, &used, &inner);
    if (err != ERR_OK)
        return why_say(why, err, "\"%s\": %s", path, inner.text);
    if (used != len && full == (tile.width == TILE_WIDTH))
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "\"%s\" has %zu bytes, its %u entries take %zu", path, len, tile.width,
                       used);
    ret->len = used;
    ret->first = index * TILE_WIDTH;
    ret->n = tile.width;
    return ERR_OK;
}

err_code tiles_open(const char *dir, uint64_t size, struct tiles **ret, struct why *why)
{
    CLEANUP(tiles_close) struct tiles *tiles = calloc(1, sizeof *tiles);

    if (tiles == NULL)
        return ERR_NO_MEMORY;
    tiles->dir = -1;
    tiles->size = size;
    tiles->cache = calloc(1, sizeof *tiles->cache);
    if (tiles->cache == NULL)
        return ERR_NO_MEMORY;
    if (size > TREE_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a tree of %" PRIu64 " leaves: the limit is %" PRIu64,
                       size, TREE_SIZE_MAX);
    tiles->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tiles->dir < 0)
        return why_errno(why, errno, "open", dir);
    *ret = tiles;
    tiles = NULL;
    return ERR_OK;
}

void tiles_close(struct tiles **tiles)
{
    struct tiles *t = *tiles;

    if (t == NULL)
        return;
    if (t->cache != NULL) {
        for (size_t i = 0; i < SLOTS; i++)
            free(t->cache->slots[i]);
        hasher_free(&t->cache->hasher);
    }
    free(t->cache);
    fd_close(&t->dir);
    free(t);
    *tiles = NULL;
}

/* A slot with fewer hashes than its tile now has is read again when it is asked for. */
void tiles_resize(struct tiles *tiles, uint64_t size)
{
    if (size < tiles->size)
        for (size_t i = 0; i < SLOTS && tiles->cache->slots[i] != NULL; i++)
            tiles->cache->slots[i]->tile.width = 0;
    tiles->size = size;
}
