/* SPDX-License-Identifier: Apache-2.0 */
/* store_tiles.c: writes the files that anybody may read: tiles, checkpoint and seal, each complete
 * under another name first. None of them is made durable here: until the journal is folded they can
 * be made again from it. */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/tlog/checkpoint_text.h"
#include "gate/tlog/store_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every level of tiles, the bundles last. */
#define LEVELS (TILE_LEVELS + 1)

static unsigned level_at(unsigned i)
{
    return i < TILE_LEVELS ? i : TILE_ENTRIES;
}

/* ---- files ----------------------------------------------------------------------------------- */

static err_code write_temp(const struct tlog *tlog, struct slice content, struct why *why)
{
    CLEANUP(fd_close)
    int fd = openat(tlog->dir, STORE_TEMP, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                    STORE_FILE_MODE);
    int error;

    if (fd < 0)
        return why_errno(why, errno, "create \"" STORE_TEMP "\" in", store_path(tlog));
    error = file_put_at(fd, content, 0);
    if (error != 0)
        return why_errno(why, error, "write \"" STORE_TEMP "\" in", store_path(tlog));
    return ERR_OK;
}

/* The directories above a path. */
static err_code make_parents(const struct tlog *tlog, const char *path, struct why *why)
{
    char dir[TILE_PATH];

    (void)snprintf(dir, sizeof dir, "%s", path);
    for (char *slash = strchr(dir, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdirat(tlog->dir, dir, STORE_DIR_MODE) != 0 && errno != EEXIST)
            return why_errno(why, errno, "create directory", dir);
        *slash = '/';
    }
    return ERR_OK;
}

static err_code put_file(const struct tlog *tlog, const char *path, struct slice content,
                         struct why *why)
{
    err_code err = write_temp(tlog, content, why);

    if (err == ERR_OK && renameat(tlog->dir, STORE_TEMP, tlog->dir, path) != 0) {
        if (errno == ENOENT)
            err = make_parents(tlog, path, why);
        if (err == ERR_OK && renameat(tlog->dir, STORE_TEMP, tlog->dir, path) != 0)
            err = why_errno(why, errno, "create", path);
    }
    if (err != ERR_OK)
        (void)unlinkat(tlog->dir, STORE_TEMP, 0);
    return err;
}

/* ---- contents -------------------------------------------------------------------------------- */

/* What was folded comes from the bundle that was made then, the rest from memory. */
static err_code make_bundle(struct tlog *tlog, struct tile tile, struct slice *ret, struct why *why)
{
    uint64_t first = tile.index * TILE_WIDTH, base = tlog->base.checkpoint.size;
    struct tile_bundle *old = &tlog->bundle;
    size_t from = first < base ? 0 : (size_t)(first - base);
    size_t to = (size_t)(first + tile.width - base);
    struct slice since;

    from = tlog->offsets[from];
    to = to < tlog->n_offsets ? tlog->offsets[to] : tlog->entries_len;
    since = (struct slice){tlog->entries.bytes + from, to - from};
    if (first >= base) {
        *ret = since;
        return ERR_OK;
    }
    if (old->n == 0 || old->first != first)
        TRY(tiles_bundle(tlog->tiles, tile.index, old, why));
    TRY(room_for(&tlog->made, old->len + since.len));
    memcpy(tlog->made.bytes, old->bytes, old->len);
    memcpy(tlog->made.bytes + old->len, since.ptr, since.len);
    *ret = (struct slice){tlog->made.bytes, old->len + since.len};
    return ERR_OK;
}

/* A tile that reaches beyond base. Borrows: until the next one is made. */
static err_code make_tile(struct tlog *tlog, struct tile tile, struct slice *ret, struct why *why)
{
    unsigned level = tile.level * TILE_HEIGHT;
    uint64_t first;

    if (tile.level == TILE_ENTRIES)
        return make_bundle(tlog, tile, ret, why);
    first = tlog->tree.level[level].first;
    if (tile.index * TILE_WIDTH < first)
        return ERR_INTERNAL;
    *ret = (struct slice){tlog->tree.level[level].hashes[tile.index * TILE_WIDTH - first].bytes,
                          tile.width * sizeof(struct digest)};
    return ERR_OK;
}

/* ---- partial tiles --------------------------------------------------------------------------- */

/* The directory of a tile's partial forms; NULL when there is none. */
static DIR *open_partials(const struct tlog *tlog, unsigned level, uint64_t index,
                          char ret_path[static TILE_PATH])
{
    int fd;

    tile_path((struct tile){level, index, 1}, ret_path);
    *strrchr(ret_path, '/') = '\0';
    fd = openat(tlog->dir, ret_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? NULL : fdopendir(fd);
}

/* A partial tile that stays behind is in nobody's way: failures are not told. */
static void remove_partials(const struct tlog *tlog, unsigned level, uint64_t index, uint64_t keep)
{
    char path[TILE_PATH];
    CLEANUP(dir_close) DIR *list = open_partials(tlog, level, index, path);

    for (const struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        uint64_t width = 0;
        if (entry->d_name[0] != '.' &&
            (number_parse(entry->d_name, TILE_WIDTH, &width) != ERR_OK || width != keep))
            (void)unlinkat(dirfd(list), entry->d_name, 0);
    }
    if (list != NULL && keep == 0)
        (void)unlinkat(tlog->dir, path, AT_REMOVEDIR);
}

/* The width of a tile that is durable since the last fold, which is all that a power cut may leave
 * of it: kept until the full tile is durable. 0: it was not there then, or full. */
static uint64_t durable_width(const struct tlog *tlog, unsigned level, uint64_t index)
{
    uint64_t n = tile_count(level, tlog->base.checkpoint.size);

    return n / TILE_WIDTH == index ? n % TILE_WIDTH : 0;
}

void store_drop_partials(const struct tlog *tlog, uint64_t base)
{
    for (unsigned i = 0; i < LEVELS; i++) {
        unsigned level = level_at(i);
        uint64_t from = tile_count(level, base);
        uint64_t to = tile_count(level, tlog->head.checkpoint.size);

        if (from % TILE_WIDTH != 0 && from / TILE_WIDTH < to / TILE_WIDTH)
            remove_partials(tlog, level, from / TILE_WIDTH, 0);
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

static err_code write_level(struct tlog *tlog, unsigned level, struct why *why)
{
    uint64_t from = tile_count(level, tlog->written);
    uint64_t size = tlog->head.checkpoint.size, to = tile_count(level, size);
    struct tile tile = {level, from / TILE_WIDTH, 0};
    char path[TILE_PATH];
    struct slice content;

    for (; from < to && tile.index * TILE_WIDTH < to; tile.index++) {
        tile.width = tile_width(level, tile.index, size);
        TRY(make_tile(tlog, tile, &content, why));
        tile_path(tile, path);
        TRY(put_file(tlog, path, content, why));
    }
    return ERR_OK;
}

err_code store_write_tiles(struct tlog *tlog, struct why *why)
{
    uint64_t size = tlog->head.checkpoint.size;

    for (unsigned i = 0; i < LEVELS && tlog->written < size; i++)
        TRY(write_level(tlog, level_at(i), why));
    for (unsigned i = 0; i < LEVELS; i++) {
        unsigned level = level_at(i);
        uint64_t index = tile_count(level, tlog->written) / TILE_WIDTH;

        if (index < tile_count(level, size) / TILE_WIDTH)
            remove_partials(tlog, level, index, durable_width(tlog, level, index));
    }
    tlog->written = size;
    return ERR_OK;
}

/* What the front of a tile is that was published when it had that width. */
static err_code front_of(struct tile tile, struct slice content, struct slice *ret, struct why *why)
{
    struct slice entries[TILE_WIDTH];
    size_t len = tile.width * sizeof(struct digest);

    if (tile.level == TILE_ENTRIES)
        TRY(tile_bundle_parse(content, tile.width, entries, &len, why));
    *ret = slice_part(content, 0, len);
    return ERR_OK;
}

/* The one that is durable is never written again: in its place there would be one that is not. */
static err_code mend_partial(struct tlog *tlog, struct tile tile, struct slice content,
                             struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, found = {0};
    char name[TILE_PATH];
    struct slice want = {0};

    if (tile.width == durable_width(tlog, tile.level, tile.index))
        return ERR_OK;
    TRY(front_of(tile, content, &want, why));
    tile_path(tile, name);
    TRY(path_join(store_path(tlog), name, &path));
    if (file_read((const char *)path.ptr, want.len, &found, NULL) == ERR_OK &&
        slice_eq(buf_slice(&found), want))
        return ERR_OK;
    return put_file(tlog, name, want, why);
}

/* The size in the second line of the checkpoint; 0 when that cannot be read, as after a crash. */
static uint64_t published_size(const struct tlog *tlog)
{
    CLEANUP(buf_free) struct buf path = {0}, text = {0};
    struct slice rest, line;
    uint64_t size;

    if (path_join(store_path(tlog), "checkpoint", &path) != ERR_OK ||
        file_read((const char *)path.ptr, NOTE_SIZE_MAX, &text, NULL) != ERR_OK)
        return 0;
    rest = buf_slice(&text);
    if (note_line(&rest, &line) != ERR_OK || note_line(&rest, &line) != ERR_OK ||
        note_number(line, &size) != ERR_OK || size > tlog->head.checkpoint.size)
        return 0;
    return size;
}

/* The partial forms of a tile that is not full: those that were published, up to what it holds. */
static err_code mend_partials(struct tlog *tlog, struct tile tile, struct slice content,
                              struct why *why)
{
    char path[TILE_PATH];
    CLEANUP(dir_close) DIR *list = open_partials(tlog, tile.level, tile.index, path);

    for (const struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        struct tile part = tile;
        uint64_t width = 0;

        if (entry->d_name[0] == '.')
            continue;
        if (number_parse(entry->d_name, tile.width, &width) != ERR_OK || width == 0) {
            (void)unlinkat(dirfd(list), entry->d_name, 0);
            continue;
        }
        part.width = (unsigned)width;
        TRY(mend_partial(tlog, part, content, why));
    }
    return ERR_OK;
}

/* A level's last tile, as it is now and as it was when the checkpoint was written. */
static err_code mend_last(struct tlog *tlog, struct tile tile, uint64_t published, struct why *why)
{
    struct tile then = tile;
    struct slice content;

    TRY(make_tile(tlog, tile, &content, why));
    then.width = tile_width(tile.level, tile.index, published);
    if (then.width != 0)
        TRY(mend_partial(tlog, then, content, why));
    return mend_partials(tlog, tile, content, why);
}

err_code store_mend_tiles(struct tlog *tlog, struct why *why)
{
    uint64_t size = tlog->head.checkpoint.size, published = published_size(tlog);

    TRY(store_write_tiles(tlog, why));
    for (unsigned i = 0; i < LEVELS; i++) {
        unsigned level = level_at(i);
        uint64_t from = tile_count(level, tlog->base.checkpoint.size), to = tile_count(level, size);
        struct tile tile = {level, from / TILE_WIDTH, 0};

        for (; tile.index < to / TILE_WIDTH; tile.index++)
            remove_partials(tlog, level, tile.index, durable_width(tlog, level, tile.index));
        tile.width = tile_width(level, tile.index, size);
        if (tile.width != 0 && from < to)
            TRY(mend_last(tlog, tile, published, why));
    }
    return ERR_OK;
}

err_code tlog_publish(struct tlog *tlog, struct slice checkpoint, struct slice seal,
                      struct why *why)
{
    if (tlog->mode == TLOG_READ)
        return why_say(why, ERR_INTERNAL, "\"%s\" was opened for reading", store_path(tlog));
    TRY(store_write_tiles(tlog, why));
    TRY(put_file(tlog, "checkpoint", checkpoint, why));
    return seal.len == 0 ? ERR_OK : put_file(tlog, "seal", seal, why);
}
