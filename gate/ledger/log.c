/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/log.h"
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/ledger/log_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW ((size_t)1 << 20)
#define FRAME_MAX ((size_t)FRAME_HEAD + RECORD_SIZE_MAX)

const char *ledger_path(const struct ledger *ledger)
{
    return (const char *)ledger->path.ptr;
}

/* The part of the file that is in memory while it is read from the front. */
struct window {
    uint8_t *bytes;
    uint64_t at;
    size_t len;
};

static void window_free(struct window *window)
{
    free(window->bytes);
    window->bytes = NULL;
}

static err_code read_at(const struct ledger *ledger, uint64_t at, uint8_t *to, size_t len,
                        struct why *why)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pread(ledger->fd, to + done, len - done, (off_t)(at + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return why_errno(why, errno, "read", ledger_path(ledger));
        if (n == 0)
            return why_say(why, ERR_STORAGE,
                           "\"%s\" became shorter while it was read: it ends at %llu",
                           ledger_path(ledger), (unsigned long long)(at + done));
        done += (size_t)n;
    }
    return ERR_OK;
}

/* len bytes at an offset, len being at most FRAME_MAX. Borrows: until the next call. */
static err_code window_get(const struct ledger *ledger, struct window *window, uint64_t at,
                           uint64_t size, struct slice *ret, struct why *why)
{
    size_t len = size - at < FRAME_MAX ? (size_t)(size - at) : FRAME_MAX;

    if (at < window->at || at + len > window->at + window->len) {
        window->at = at;
        window->len = size - at < WINDOW ? (size_t)(size - at) : WINDOW;
        TRY(read_at(ledger, at, window->bytes, window->len, why));
    }
    *ret = slice_part((struct slice){window->bytes, window->len}, (size_t)(at - window->at), len);
    return ERR_OK;
}

enum frame {
    FRAME_DAMAGED = 0,
    FRAME_TORN, /* the end of the file came in the middle of a write */
    FRAME_WHOLE,
};

/* What stands at the front of bytes, which reach to the end of the file or hold a whole frame. */
static enum frame frame_at(struct slice bytes, struct slice *ret_record)
{
    struct reader r = reader_of(bytes);
    size_t len, have;

    if (bytes.len < FRAME_HEAD) {
        /* The upper half of a length is zero, RECORD_SIZE_MAX being what it is. */
        for (size_t i = 0; i < bytes.len && i < 2; i++)
            if (bytes.ptr[i] != 0)
                return FRAME_DAMAGED;
        return FRAME_TORN;
    }
    len = reader_u32(&r);
    have = r.rest.len;
    if (len == 0 || len > RECORD_SIZE_MAX)
        return FRAME_DAMAGED;
    if (len > have)
        return record_could_begin(r.rest, len) ? FRAME_TORN : FRAME_DAMAGED;
    *ret_record = reader_bytes(&r, len);
    return FRAME_WHOLE;
}

static err_code damaged(const struct ledger *ledger, const char *what, struct why *why)
{
    return why_say(why, ERR_LEDGER_INCONSISTENT, "entry %llu of \"%s\", at offset %llu: %s",
                   (unsigned long long)tree_size(&ledger->tree), ledger_path(ledger),
                   (unsigned long long)ledger->end, what);
}

static err_code take_from_file(struct ledger *ledger, struct slice record, struct why *why)
{
    struct why inner = {0};
    err_code err = ledger_take(ledger, record, &inner);

    succession_settle(&ledger->succession); /* what is in the file is not taken back */
    if (err == ERR_OK)
        return ERR_OK;
    if (err == ERR_NO_MEMORY || err == ERR_INTERNAL)
        return err;
    return damaged(ledger, inner.text[0] != '\0' ? inner.text : err_text(err), why);
}

static err_code scan(struct ledger *ledger, uint64_t size, struct why *why)
{
    CLEANUP(window_free)
    struct window window = {.bytes = malloc(size < WINDOW ? size + 1 : WINDOW)};
    struct slice bytes, record = {0};

    if (window.bytes == NULL)
        return ERR_NO_MEMORY;
    while (ledger->end < size) {
        TRY(window_get(ledger, &window, ledger->end, size, &bytes, why));
        switch (frame_at(bytes, &record)) {
        case FRAME_WHOLE:
            TRY(take_from_file(ledger, record, why));
            break;
        case FRAME_TORN:
            ledger->torn = size - ledger->end;
            size = ledger->end;
            break;
        case FRAME_DAMAGED:
            return damaged(ledger, "its length is not that of a record", why);
        }
    }
    ledger->durable_end = ledger->end;
    ledger->installed = ledger->succession.head.installed;
    ledger->size = tree_size(&ledger->tree);
    return ERR_OK;
}

/* fsyncs the directory that holds the file. */
static err_code sync_dir_of(const char *path, struct why *why)
{
    CLEANUP(buf_free) struct buf dir = {0};
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return file_sync_dir(".", why);
    TRY(buf_add(&dir, path, slash == path ? 1 : (size_t)(slash - path)));
    TRY(buf_terminate(&dir));
    return file_sync_dir((const char *)dir.ptr, why);
}

static err_code open_file(struct ledger *ledger, uint64_t *ret_size, struct why *why)
{
    static const int FLAGS[] = {
        [LEDGER_READ] = O_RDONLY,
        [LEDGER_APPEND] = O_RDWR | O_APPEND,
        [LEDGER_CREATE] = O_RDWR | O_APPEND | O_CREAT,
    };
    const char *path = ledger_path(ledger);
    struct stat st;

    ledger->fd = open(path, FLAGS[ledger->mode] | O_CLOEXEC | O_NONBLOCK, 0640);
    if (ledger->fd < 0 || fstat(ledger->fd, &st) != 0)
        return why_errno(why, errno, "open", path);
    if (!S_ISREG(st.st_mode))
        return why_say(why, ERR_STORAGE, "\"%s\" is not a regular file", path);
    /* An empty file may be one that was made just now, here or by somebody who was killed then. */
    if (ledger->mode == LEDGER_CREATE && st.st_size == 0) {
        if (fsync(ledger->fd) != 0)
            return why_errno(why, errno, "make durable", path);
        TRY(sync_dir_of(path, why));
    }
    *ret_size = (uint64_t)st.st_size;
    return ERR_OK;
}

err_code ledger_open(const char *path, enum ledger_mode mode, struct ledger **ret, struct why *why)
{
    CLEANUP(ledger_close) struct ledger *ledger = calloc(1, sizeof *ledger);
    uint64_t size = 0;

    if (ledger == NULL)
        return ERR_NO_MEMORY;
    ledger->fd = -1;
    ledger->mode = mode;
    ledger->record = calloc(1, sizeof *ledger->record);
    if (ledger->record == NULL)
        return ERR_NO_MEMORY;
    TRY(succession_init(&ledger->succession, NULL));
    TRY(buf_add_str(&ledger->path, path));
    TRY(buf_terminate(&ledger->path));
    TRY(open_file(ledger, &size, why));
    TRY(scan(ledger, size, why));
    *ret = ledger;
    ledger = NULL;
    return ERR_OK;
}

void ledger_close(struct ledger **ledger)
{
    struct ledger *l = *ledger;

    if (l == NULL)
        return;
    fd_close(&l->fd);
    buf_free(&l->path);
    buf_free(&l->pending);
    tree_free(&l->tree);
    succession_free(&l->succession);
    free(l->offsets);
    free(l->record);
    free(l);
    *ledger = NULL;
}

uint64_t ledger_size(const struct ledger *ledger)
{
    return ledger->size;
}

uint64_t ledger_torn(const struct ledger *ledger)
{
    return ledger->torn;
}

uint64_t ledger_installed(const struct ledger *ledger)
{
    return ledger->installed;
}

struct tree_source ledger_tree(const struct ledger *ledger)
{
    return tree_of(&ledger->tree);
}

err_code ledger_checkpoint(const struct ledger *ledger, struct checkpoint *ret)
{
    struct digest root;

    TRY(tree_root(tree_of(&ledger->tree), ledger->size, &root, NULL));
    *ret = (struct checkpoint){ledger->size, root};
    return ERR_OK;
}

err_code ledger_link(const struct ledger *ledger, struct slice agent_id, struct record_link *ret,
                     struct why *why)
{
    return succession_link(&ledger->succession, agent_id, ret, why);
}

err_code ledger_entry(const struct ledger *ledger, uint64_t index, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf frame = {0};
    struct digest leaf, want;
    uint8_t *space = NULL;
    uint64_t end;

    if (index >= ledger->size)
        return why_say(why, ERR_NOT_FOUND, "there is no entry %llu: the ledger has %llu",
                       (unsigned long long)index, (unsigned long long)ledger->size);
    end = index + 1 == ledger->size ? ledger->durable_end : ledger->offsets[index + 1];
    end -= ledger->offsets[index] + FRAME_HEAD;
    TRY(buf_add_space(&frame, (size_t)end, &space));
    TRY(read_at(ledger, ledger->offsets[index] + FRAME_HEAD, space, (size_t)end, why));
    TRY(tree_leaf(buf_slice(&frame), &leaf));
    TRY(tree_leaf_at(&ledger->tree, index, &want));
    if (!digest_eq(&leaf, &want))
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "entry %llu of \"%s\" changed since it was opened",
                       (unsigned long long)index, ledger_path(ledger));
    buf_free(ret);
    *ret = buf_take(&frame);
    return ERR_OK;
}

err_code ledger_check_checkpoint(const struct ledger *ledger, const struct checkpoint *earlier,
                                 struct why *why)
{
    char got[DIGEST_TEXT], want[DIGEST_TEXT];
    struct digest root;

    if (earlier->size > ledger->size)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "the ledger has %llu entries, but had %llu: entries were removed",
                       (unsigned long long)ledger->size, (unsigned long long)earlier->size);
    TRY(tree_root(tree_of(&ledger->tree), earlier->size, &root, why));
    if (digest_eq(&root, &earlier->root))
        return ERR_OK;
    digest_text(&root, got);
    digest_text(&earlier->root, want);
    return why_say(why, ERR_LEDGER_INCONSISTENT,
                   "the root over the first %llu entries is %s, but was %s",
                   (unsigned long long)earlier->size, got, want);
}
