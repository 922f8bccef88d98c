/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/audit_files.h"

#include "gate/base/file.h"
#include "gate/tlog/tile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

err_code audit_dir_open(const char *path, struct audit_dir *ret, struct why *why)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return why_errno(why, errno, "open", path);
    *ret = (struct audit_dir){fd + 1, path};
    return ERR_OK;
}

void audit_dir_close(struct audit_dir *dir)
{
    if (dir->fd > 0)
        (void)close(dir->fd - 1);
    *dir = (struct audit_dir){0};
}

void audit_room_free(struct audit_room *room)
{
    free(room->ptr);
    *room = (struct audit_room){0};
}

void audit_path(int level, uint64_t tile, unsigned width, char ret[static AUDIT_PATH])
{
    tile_path((struct tile){.level = level == AUDIT_ENTRIES ? TILE_ENTRIES : (unsigned)level,
                            .index = tile,
                            .width = width == 0 ? TILE_WIDTH : width},
              ret);
}

static err_code room_for(struct audit_room *room, size_t len)
{
    uint8_t *bigger;

    if (len <= room->cap)
        return ERR_OK;
    bigger = realloc(room->ptr, len);
    if (bigger == NULL)
        return ERR_NO_MEMORY;
    room->ptr = bigger;
    room->cap = len;
    return ERR_OK;
}

static err_code read_fd(int fd, const char *name, size_t max, struct audit_room *room,
                        struct why *why)
{
    struct stat st;
    size_t want;

    room->len = 0;
    if (fstat(fd, &st) != 0)
        return why_errno(why, errno, "read", name);
    if (!S_ISREG(st.st_mode))
        return why_say(why, ERR_STORAGE, "\"%s\" is not a regular file", name);
    want = st.st_size > (off_t)max ? max + 1 : (size_t)st.st_size;
    TRY(room_for(room, want + 1)); /* never none, so that the pointer is one */
    while (room->len < want) {
        ssize_t n = read(fd, room->ptr + room->len, want - room->len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return why_errno(why, errno, "read", name);
        if (n == 0)
            break; /* became shorter meanwhile */
        room->len += (size_t)n;
    }
    return ERR_OK;
}

err_code audit_read(const struct audit_dir *dir, const char *name, size_t max,
                    struct audit_room *room, bool *ret_found, struct why *why)
{
    CLEANUP(fd_close) int fd = openat(dir->fd - 1, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    room->len = 0;
    *ret_found = fd >= 0;
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? ERR_OK : why_errno(why, errno, "open", name);
    return read_fd(fd, name, max, room, why);
}

/* A directory below, or NULL when there is none. */
static err_code list(const struct audit_dir *dir, const char *name, DIR **ret, struct why *why)
{
    int fd = openat(dir->fd - 1, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *ret = NULL;
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? ERR_OK : why_errno(why, errno, "open", name);
    *ret = fdopendir(fd);
    if (*ret == NULL) {
        (void)close(fd);
        return ERR_NO_MEMORY;
    }
    return ERR_OK;
}

/* A decimal number of at most three digits, without leading zeros unless padded to three. */
static bool small(const char *text, bool padded, unsigned *ret)
{
    size_t len = strspn(text, "0123456789");

    *ret = 0;
    if (text[len] != '\0' || len == 0 || len > 3 || (padded ? len != 3 : text[0] == '0'))
        return false;
    for (size_t i = 0; i < len; i++)
        *ret = *ret * 10 + (unsigned)(text[i] - '0');
    return true;
}

err_code audit_partials(const struct audit_dir *dir, int level, uint64_t tile,
                        struct audit_widths *ret, struct why *why)
{
    CLEANUP(dir_close) DIR *names = NULL;
    char path[AUDIT_PATH];
    struct dirent *entry;
    unsigned width;

    *ret = (struct audit_widths){0};
    audit_path(level, tile, 0, path);
    memcpy(path + strlen(path), ".p", 3);
    TRY(list(dir, path, &names, why));
    while (names != NULL && (entry = readdir(names)) != NULL) {
        if (!small(entry->d_name, false, &width) || width > 255)
            continue;
        ret->bits[width / 64] |= (uint64_t)1 << (width % 64);
        ret->widest = width > ret->widest ? width : ret->widest;
    }
    return ERR_OK;
}

bool audit_has_width(const struct audit_widths *widths, unsigned width)
{
    return (widths->bits[width / 64 % 4] >> (width % 64) & 1) != 0;
}

/* The greatest name of a level of the directories: x000 to x999, or a bundle's 000 to 999. */
struct greatest {
    bool has_dir, has_file;
    unsigned dir, file;
};

static err_code find_greatest(const struct audit_dir *dir, const char *path, struct greatest *ret,
                              struct why *why)
{
    CLEANUP(dir_close) DIR *names = NULL;
    struct dirent *entry;
    unsigned number;

    *ret = (struct greatest){0};
    TRY(list(dir, path, &names, why));
    while (names != NULL && (entry = readdir(names)) != NULL) {
        char name[16];
        size_t len = strlen(entry->d_name);

        if (len >= sizeof name)
            continue;
        memcpy(name, entry->d_name, len + 1);
        if (name[0] == 'x' && small(name + 1, true, &number)) {
            ret->dir = !ret->has_dir || number > ret->dir ? number : ret->dir;
            ret->has_dir = true;
            continue;
        }
        if (len == 5 && strcmp(name + 3, ".p") == 0)
            name[3] = '\0';
        if (!small(name, true, &number))
            continue;
        ret->file = !ret->has_file || number > ret->file ? number : ret->file;
        ret->has_file = true;
    }
    return ERR_OK;
}

static bool is_there(const struct audit_dir *dir, const char *name)
{
    return faccessat(dir->fd - 1, name, F_OK, 0) == 0;
}

err_code audit_extent(const struct audit_dir *dir, uint64_t *ret, struct why *why)
{
    char path[AUDIT_PATH] = "tile/entries";
    size_t len = strlen(path);
    struct audit_widths widths;
    struct greatest here;
    uint64_t tile = 0;

    *ret = 0;
    for (int depth = 0; depth < 6; depth++) { /* 10^18 tiles */
        TRY(find_greatest(dir, path, &here, why));
        if (!here.has_dir)
            break;
        len += (size_t)snprintf(path + len, sizeof path - len, "/x%03u", here.dir % 1000);
        tile = tile * 1000 + here.dir;
    }
    if (!here.has_file) {
        *ret = tile * 1000 * 256; /* a directory without files: what comes before it at least */
        return ERR_OK;
    }
    tile = tile * 1000 + here.file;
    audit_path(AUDIT_ENTRIES, tile, 0, path);
    TRY(audit_partials(dir, AUDIT_ENTRIES, tile, &widths, why));
    *ret = tile * 256 + (is_there(dir, path) ? 256 : widths.widest);
    return ERR_OK;
}
