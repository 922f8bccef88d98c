/* SPDX-License-Identifier: Apache-2.0 */
/* scrapi_file.c: the ledger's files by their paths. What is no path of a log's is none here: no
 * other file of the directory can be named. */
#include "gate/base/file.h"
#include "gate/daemon/scrapi.h"
#include "gate/ledger/payload.h"
#include "gate/ledger/seal.h"
#include "gate/tlog/note.h"
#include "gate/tlog/tile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAYLOAD "payload/"
#define GROUPS_MAX 6 /* of three digits */

/* Three digits, and nothing else. */
static bool take_group(const char **at, uint64_t *ret)
{
    for (int i = 0; i < 3; i++)
        if ((*at)[i] < '0' || (*at)[i] > '9')
            return false;
    *ret = *ret * 1000 + (uint64_t)((*at)[0] - '0') * 100 + (uint64_t)((*at)[1] - '0') * 10 +
           (uint64_t)((*at)[2] - '0');
    *at += 3;
    return true;
}

static bool take_level(const char **at, unsigned *ret)
{
    static const char ENTRIES[] = "entries";
    unsigned level = 0;

    if (strncmp(*at, ENTRIES, sizeof ENTRIES - 1) == 0) {
        *ret = TILE_ENTRIES;
        *at += sizeof ENTRIES - 1;
        return true;
    }
    for (; **at >= '0' && **at <= '9'; (*at)++)
        if ((level = level * 10 + (unsigned)(**at - '0')) >= TILE_LEVELS)
            return false;
    *ret = level;
    return true;
}

static bool take_index(const char **at, uint64_t *ret)
{
    *ret = 0;
    for (int i = 0; i < GROUPS_MAX; i++) {
        bool more = **at == 'x';
        *at += more;
        if (!take_group(at, ret))
            return false;
        if (!more)
            return true;
        if (*(*at)++ != '/')
            return false;
    }
    return false;
}

static bool take_width(const char **at, unsigned *ret)
{
    *ret = TILE_WIDTH;
    if (strncmp(*at, ".p/", 3) != 0)
        return true;
    *ret = 0;
    for (*at += 3; **at >= '0' && **at <= '9'; (*at)++)
        if ((*ret = *ret * 10 + (unsigned)(**at - '0')) >= TILE_WIDTH)
            return false;
    return *ret > 0;
}

/* A path that reads as a tile's is one only if the tile's is written so. */
static bool is_tile(const char *path, struct tile *ret)
{
    const char *at = path;
    char text[TILE_PATH];

    if (strncmp(at, "tile/", 5) != 0)
        return false;
    at += 5;
    if (!take_level(&at, &ret->level) || *at++ != '/' || !take_index(&at, &ret->index) ||
        !take_width(&at, &ret->width) || *at != '\0')
        return false;
    tile_path(*ret, text);
    return strcmp(text, path) == 0;
}

static bool is_payload(const char *path)
{
    return strlen(path) == PAYLOAD_NAME - 1 && strncmp(path, PAYLOAD, sizeof PAYLOAD - 1) == 0 &&
           strspn(path + sizeof PAYLOAD - 1, "0123456789abcdef") == 2 * (size_t)SHA256_LEN;
}

/* The most that a file of this path holds; 0: there is none. */
static size_t size_of(const char *path, struct scrapi_form *ret)
{
    struct tile tile;

    if (strcmp(path, "checkpoint") == 0 || strcmp(path, "cosigned") == 0) {
        *ret = (struct scrapi_form){"text/plain; charset=utf-8", false};
        return NOTE_SIZE_MAX;
    }
    if (strcmp(path, "seal") == 0) {
        *ret = (struct scrapi_form){"application/cbor", false};
        return SEALED_SIZE_MAX;
    }
    if (is_payload(path)) {
        *ret = (struct scrapi_form){"application/cbor", true};
        return RECORD_PREIMAGE_MAX;
    }
    *ret = (struct scrapi_form){"application/octet-stream", true};
    if (!is_tile(path, &tile))
        return 0;
    return tile.level == TILE_ENTRIES ? TILE_BUNDLE_MAX : TILE_WIDTH * sizeof(struct digest);
}

/* Component by component: none of them is a link to elsewhere. */
static err_code open_below(int *dir, const char *path, int *ret, struct why *why)
{
    char name[PAYLOAD_NAME];

    for (const char *at = path;;) {
        size_t len = strcspn(at, "/");
        bool last = at[len] == '\0';
        int fd;

        if (len >= sizeof name)
            return ERR_NOT_FOUND;
        memcpy(name, at, len);
        name[len] = '\0';
        fd = openat(*dir, name,
                    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (last ? O_NONBLOCK : O_DIRECTORY));
        if (fd < 0)
            return why_errno(why, errno, "open", path);
        if (last) {
            *ret = fd;
            return ERR_OK;
        }
        fd_close(dir);
        *dir = fd;
        at += len + 1;
    }
}

static err_code read_whole(int fd, size_t most, const char *path, struct buf *ret, struct why *why)
{
    struct stat st;
    uint8_t *to;
    size_t len;

    if (fstat(fd, &st) != 0)
        return why_errno(why, errno, "look at", path);
    if (!S_ISREG(st.st_mode))
        return why_say(why, ERR_STORAGE, "\"%s\" is not a regular file", path);
    if ((uintmax_t)st.st_size > most)
        return why_say(why, ERR_TOO_LARGE, "\"%s\" has %jd bytes, the limit is %zu", path,
                       (intmax_t)st.st_size, most);
    len = (size_t)st.st_size;
    TRY(buf_add_space(ret, len, &to));
    for (size_t done = 0; done < len;) {
        ssize_t n = read(fd, to + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return why_errno(why, errno, "read", path);
        if (n == 0)
            return why_say(why, ERR_STORAGE, "\"%s\" became shorter while it was read", path);
        done += (size_t)n;
    }
    return ERR_OK;
}

err_code scrapi_file(const char *state_dir, const char *path, struct buf *ret,
                     struct scrapi_form *ret_form, struct why *why)
{
    CLEANUP(buf_free) struct buf ledger = {0}, out = {0};
    CLEANUP(fd_close) int dir = -1;
    CLEANUP(fd_close) int fd = -1;
    size_t most;

    if (*path++ != '/' || (most = size_of(path, ret_form)) == 0)
        return why_say(why, ERR_NOT_FOUND, "this is no path of a file of the ledger");
    TRY(path_join(state_dir, "ledger", &ledger));
    dir = open((const char *)ledger.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return why_errno(why, errno, "open", "ledger");
    TRY(open_below(&dir, path, &fd, why));
    TRY(read_whole(fd, most, path, &out, why));
    *ret = buf_take(&out);
    return ERR_OK;
}
