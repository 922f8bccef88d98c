/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/store.h"
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/tlog/store_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a journal: the ledger judges its records again when it is opened, 2,000 of them in 70 ms. */
#define FOLD_BYTES ((uint64_t)3 << 20)
#define FOLD_ENTRIES 65536 /* in a journal: 70 bytes each in memory */
#define TRIES 5            /* of a reader, while somebody writes */

const char *store_path(const struct tlog *tlog)
{
    return (const char *)tlog->path.ptr;
}

static err_code add_entry(struct tlog *tlog, struct slice entry)
{
    uint8_t *to;

    TRY(room_for(&tlog->entries, tlog->entries_len + 2 + entry.len));
    to = tlog->entries.bytes + tlog->entries_len;
    to[0] = (uint8_t)(entry.len >> 8);
    to[1] = (uint8_t)entry.len;
    if (entry.len > 0)
        memcpy(to + 2, entry.ptr, entry.len);
    return ERR_OK;
}

err_code store_take(struct tlog *tlog, struct slice entry)
{
    struct digest leaf;

    if (tlog->n_offsets == tlog->offsets_cap) {
        size_t cap = tlog->offsets_cap == 0 ? 256 : tlog->offsets_cap * 2;
        uint32_t *offsets = realloc(tlog->offsets, cap * sizeof *offsets);
        if (offsets == NULL)
            return ERR_NO_MEMORY;
        tlog->offsets = offsets;
        tlog->offsets_cap = cap;
    }
    TRY(add_entry(tlog, entry));
    TRY(tree_leaf_with(&tlog->tree.hasher, entry, &leaf));
    TRY(tree_append(&tlog->tree, &leaf));
    tlog->offsets[tlog->n_offsets++] = (uint32_t)tlog->entries_len;
    tlog->entries_len += 2 + entry.len;
    return ERR_OK;
}

void store_keep(struct tlog *tlog, size_t n)
{
    if (n >= tlog->n_offsets)
        return;
    tlog->entries_len = tlog->offsets[n];
    tlog->n_offsets = n;
    tree_cut(&tlog->tree, tlog->base.checkpoint.size + n);
}

err_code store_add_head(struct tlog *tlog, const struct tlog_head *head)
{
    if (tlog->n_heads == tlog->heads_cap) {
        size_t cap = tlog->heads_cap == 0 ? 64 : tlog->heads_cap * 2;
        struct tlog_head *heads = realloc(tlog->heads, cap * sizeof *heads);
        if (heads == NULL)
            return ERR_NO_MEMORY;
        tlog->heads = heads;
        tlog->heads_cap = cap;
    }
    tlog->heads[tlog->n_heads++] = *head;
    return ERR_OK;
}

err_code room_for(struct room *room, size_t len)
{
    size_t cap = room->cap + room->cap / 2;
    uint8_t *bytes;

    if (len < room->cap)
        return ERR_OK;
    if (cap <= len)
        cap = len + 1; /* one more, so that there is always something */
    bytes = realloc(room->bytes, cap);
    if (bytes == NULL)
        return ERR_NO_MEMORY;
    room->bytes = bytes;
    room->cap = cap;
    return ERR_OK;
}

void room_free(struct room *room)
{
    free(room->bytes);
    *room = (struct room){0};
}

/* ---- opening --------------------------------------------------------------------------------- */

static err_code damaged(const struct tlog *tlog, size_t at, const char *what, struct why *why)
{
    return why_say(why, ERR_LEDGER_INCONSISTENT,
                   "\"%s/" STORE_JOURNAL "\", offset %zu, entry %" PRIu64 ": %s", store_path(tlog),
                   at, tlog->head.checkpoint.size, what);
}

/* The right edge of the tree at base, from the tiles that hold it, compared with its root. */
static err_code load_edge(struct tlog *tlog, struct why *why)
{
    const struct checkpoint *base = &tlog->base.checkpoint;
    char got[DIGEST_TEXT], want[DIGEST_TEXT];
    const struct digest *hashes;
    struct digest root;
    unsigned n;

    for (unsigned level = 0; level < TILE_LEVELS; level++) {
        uint64_t whole = tile_count(level, base->size);

        n = 0;
        hashes = NULL;
        if (whole % TILE_WIDTH != 0)
            TRY(tiles_hashes(tlog->tiles, level, whole / TILE_WIDTH, &hashes, &n, why));
        TRY(tree_begin(&tlog->tree, level * TILE_HEIGHT, whole - n, hashes, n));
    }
    TRY(tree_root(tree_of(&tlog->tree), base->size, &root, why));
    if (digest_eq(&root, &base->root))
        return ERR_OK;
    digest_text(&root, got);
    digest_text(&base->root, want);
    return why_say(why, ERR_LEDGER_INCONSISTENT,
                   "the tiles in \"%s\" have the root %s over the first %" PRIu64
                   " entries, the journal says %s",
                   store_path(tlog), got, base->size, want);
}

/* Takes the entries of a frame; false when they are not those that its root covers. */
static err_code take_entries(struct tlog *tlog, const struct journal_frame *frame, bool *ret,
                             struct why *why)
{
    struct reader r = reader_of(frame->entries);
    struct digest root;

    *ret = false;
    for (uint32_t i = 0; i < frame->count; i++) {
        size_t len = reader_u16(&r);
        struct slice entry = reader_bytes(&r, len);

        if (r.err != ERR_OK)
            return ERR_OK;
        TRY(store_take(tlog, entry));
    }
    if (reader_done(&r) != ERR_OK)
        return ERR_OK;
    TRY(tree_root(tree_of(&tlog->tree), frame->head.checkpoint.size, &root, why));
    *ret = digest_eq(&root, &frame->head.checkpoint.root);
    return ERR_OK;
}

static err_code take_frame(struct tlog *tlog, struct slice journal,
                           const struct journal_frame *frame, bool *ret_torn, struct why *why)
{
    size_t at = (size_t)tlog->end;
    bool fits, more;

    if (frame->first != tlog->head.checkpoint.size)
        return damaged(tlog, at, "a commit does not begin where the one before it ended", why);
    if (frame->head.round <= tlog->head.round)
        return damaged(tlog, at, "a commit does not have a later round than the one before it",
                       why);
    TRY(take_entries(tlog, frame, &fits, why));
    if (!fits) {
        store_keep(tlog, (size_t)(frame->first - tlog->base.checkpoint.size));
        TRY(journal_goes_on(journal, at, &tlog->head, &tlog->check, &more));
        if (more || frame->end != journal.len)
            return damaged(tlog, at, "the entries of a commit are not those that its root covers",
                           why);
        *ret_torn = true;
        return ERR_OK;
    }
    TRY(store_add_head(tlog, &frame->head));
    tlog->head = frame->head;
    tlog->check = frame->check;
    tlog->last = at;
    tlog->end = frame->end;
    return ERR_OK;
}

static err_code take_journal(struct tlog *tlog, struct slice journal, struct why *why)
{
    struct journal_frame frame = {0};
    enum journal_at what;
    bool torn = false;

    while (tlog->end < journal.len && !torn) {
        TRY(journal_at(journal, (size_t)tlog->end, &tlog->head, &tlog->check, &frame, &what));
        switch (what) {
        case JOURNAL_WHOLE:
            TRY(take_frame(tlog, journal, &frame, &torn, why));
            break;
        case JOURNAL_TORN:
            torn = true;
            break;
        case JOURNAL_DAMAGED:
            return damaged(tlog, (size_t)tlog->end, "a commit is damaged, and others follow it",
                           why);
        }
    }
    tlog->torn = journal.len - tlog->end;
    return ERR_OK;
}

static err_code read_at(const struct tlog *tlog, uint64_t at, struct slice *ret, struct room *room,
                        size_t len, struct why *why)
{
    TRY(room_for(room, len));
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(tlog->fd, room->bytes + done, len - done, (off_t)(at + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return why_errno(why, errno, "read the journal in", store_path(tlog));
        if (n == 0)
            return why_say(why, ERR_LEDGER_INCONSISTENT,
                           "\"%s/" STORE_JOURNAL "\" ends at offset %" PRIu64
                           ", in the middle of what was read",
                           store_path(tlog), at + done);
        done += (size_t)n;
    }
    *ret = (struct slice){room->bytes, len};
    return ERR_OK;
}

static err_code load(struct tlog *tlog, struct why *why)
{
    CLEANUP(room_free) struct room space = {0};
    struct slice journal;
    struct why inner = {0};
    struct stat st;
    err_code err;

    if (fstat(tlog->fd, &st) != 0)
        return why_errno(why, errno, "look at the journal in", store_path(tlog));
    if (!S_ISREG(st.st_mode))
        return why_say(why, ERR_STORAGE, "\"%s/" STORE_JOURNAL "\" is not a regular file",
                       store_path(tlog));
    if ((uintmax_t)st.st_size > JOURNAL_MAX)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "\"%s/" STORE_JOURNAL "\" has %jd bytes, the limit is %zu", store_path(tlog),
                       (intmax_t)st.st_size, JOURNAL_MAX);
    TRY(read_at(tlog, 0, &journal, &space, (size_t)st.st_size, why));
    err = journal_header_parse(journal, &tlog->base, &tlog->check, &inner);
    if (err != ERR_OK)
        return damaged(tlog, 0, inner.text, why);
    tlog->head = tlog->base;
    tlog->written = tlog->base.checkpoint.size;
    tlog->last = JOURNAL_HEADER;
    tlog->end = JOURNAL_HEADER;
    TRY(tiles_open(store_path(tlog), tlog->base.checkpoint.size, &tlog->tiles, why));
    TRY(load_edge(tlog, why));
    return take_journal(tlog, journal, why);
}

/* A log without its journal is not a new one. */
static err_code create(struct tlog *tlog, struct why *why)
{
    struct tlog_head nothing = {0};

    if (faccessat(tlog->dir, "tile", F_OK, 0) == 0 ||
        faccessat(tlog->dir, "checkpoint", F_OK, 0) == 0)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "\"%s\" holds a log, but \"" STORE_JOURNAL "\" is gone", store_path(tlog));
    TRY(tree_empty(&nothing.checkpoint.root));
    return store_begin_journal(tlog, &nothing, &tlog->fd, &tlog->check, why);
}

static err_code open_files(struct tlog *tlog, const char *dir, struct why *why)
{
    int flags = tlog->mode == TLOG_READ ? O_RDONLY : O_RDWR;

    if (tlog->mode == TLOG_CREATE)
        TRY(file_make_dir(dir, STORE_DIR_MODE, why));
    tlog->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tlog->dir < 0)
        return why_errno(why, errno, "open", dir);
    tlog->fd = openat(tlog->dir, STORE_JOURNAL, flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (tlog->fd >= 0)
        return ERR_OK;
    if (errno != ENOENT || tlog->mode != TLOG_CREATE)
        return why_errno(why, errno, "open the journal in", dir);
    return create(tlog, why);
}

/* Whoever wrote the journal may have been killed before its last frame was durable, or its name.
 * The frame is written again: had an fdatasync failed, the next one would not try. */
static err_code settle(struct tlog *tlog, struct why *why)
{
    CLEANUP(room_free) struct room space = {0};
    struct slice frame;

    TRY(read_at(tlog, tlog->last, &frame, &space, (size_t)(tlog->end - tlog->last), why));
    TRY(store_write(tlog, tlog->last, frame, why));
    if (fdatasync(tlog->fd) != 0 || fsync(tlog->dir) != 0)
        return why_errno(why, errno, "make durable the journal in", store_path(tlog));
    return ERR_OK;
}

static err_code open_once(const char *dir, enum tlog_mode mode, struct tlog **ret, struct why *why)
{
    CLEANUP(tlog_close) struct tlog *tlog = calloc(1, sizeof *tlog);

    if (tlog == NULL)
        return ERR_NO_MEMORY;
    tlog->dir = -1;
    tlog->fd = -1;
    tlog->mode = mode;
    TRY(buf_add_str(&tlog->path, dir));
    TRY(buf_terminate(&tlog->path));
    TRY(open_files(tlog, dir, why));
    TRY(load(tlog, why));
    if (mode != TLOG_READ)
        TRY(settle(tlog, why));
    /* Tiles of a journal that does not fit into a full disk are written by the next publication. */
    if (mode != TLOG_READ && tlog->head.checkpoint.size != tlog->base.checkpoint.size &&
        store_mend_tiles(tlog, NULL) != ERR_OK)
        tlog->written = tlog->base.checkpoint.size;
    *ret = tlog;
    tlog = NULL;
    return ERR_OK;
}

/* A reader may find the end of the journal while it is cut off and written again, which looks like
 * damage for a moment. */
err_code tlog_open(const char *dir, enum tlog_mode mode, struct tlog **ret, struct why *why)
{
    err_code err = ERR_INTERNAL;

    for (int i = 0; i < (mode == TLOG_READ ? TRIES : 1); i++) {
        err = open_once(dir, mode, ret, why);
        if (err != ERR_LEDGER_INCONSISTENT && err != ERR_NOT_FOUND)
            break;
    }
    return err;
}

void tlog_close(struct tlog **tlog)
{
    struct tlog *t = *tlog;

    if (t == NULL)
        return;
    fd_close(&t->fd);
    fd_close(&t->dir);
    buf_free(&t->path);
    buf_free(&t->frame);
    room_free(&t->made);
    room_free(&t->entries);
    tree_free(&t->tree);
    tiles_close(&t->tiles);
    tile_bundle_free(&t->bundle);
    free(t->heads);
    free(t->offsets);
    free(t);
    *tlog = NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct tlog_head tlog_head(const struct tlog *tlog)
{
    return tlog->head;
}

uint64_t tlog_folded(const struct tlog *tlog)
{
    return tlog->base.checkpoint.size;
}

uint64_t tlog_torn(const struct tlog *tlog)
{
    return tlog->torn;
}

bool tlog_wants_fold(const struct tlog *tlog)
{
    return tlog->end >= FOLD_BYTES || tlog->n_offsets >= FOLD_ENTRIES;
}

size_t tlog_heads(const struct tlog *tlog, struct tlog_head *ret, size_t max)
{
    size_t have = tlog->n_heads + 1, n = have < max ? have : max;

    for (size_t i = 0; i < n; i++) {
        size_t from = have - n + i;
        ret[i] = from == 0 ? tlog->base : tlog->heads[from - 1];
    }
    return n;
}

static err_code hash_of(const void *from, unsigned level, uint64_t index, struct digest *ret,
                        struct why *why)
{
    const struct tlog *tlog = from;

    if (tree_has(&tlog->tree, level, index))
        return tree_get(&tlog->tree, level, index, ret);
    return tree_hash(tiles_tree(tlog->tiles), level, index, ret, why);
}

struct tree_source tlog_tree(struct tlog *tlog)
{
    return (struct tree_source){hash_of, tlog, tlog->head.checkpoint.size};
}

static struct slice entry_since_base(const struct tlog *tlog, uint64_t index)
{
    size_t i = (size_t)(index - tlog->base.checkpoint.size), at = tlog->offsets[i];
    size_t end = i + 1 < tlog->n_offsets ? tlog->offsets[i + 1] : tlog->entries_len;

    return (struct slice){tlog->entries.bytes + at + 2, end - at - 2};
}

static err_code entry_in_bundle(struct tlog *tlog, uint64_t index, struct slice *ret,
                                struct why *why)
{
    struct tile_bundle *bundle = &tlog->bundle;

    if (index < bundle->first || index - bundle->first >= bundle->n)
        TRY(tiles_bundle(tlog->tiles, index / TILE_WIDTH, bundle, why));
    *ret = bundle->entries[index % TILE_WIDTH];
    return ERR_OK;
}

err_code tlog_entry(struct tlog *tlog, uint64_t index, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf copy = {0};
    struct digest leaf, want;
    struct slice entry = {0};

    if (index >= tlog->head.checkpoint.size)
        return why_say(why, ERR_NOT_FOUND, "there is no entry %" PRIu64 ": the log has %" PRIu64,
                       index, tlog->head.checkpoint.size);
    if (index >= tlog->base.checkpoint.size)
        entry = entry_since_base(tlog, index);
    else
        TRY(entry_in_bundle(tlog, index, &entry, why));
    TRY(tree_leaf_with(&tlog->tree.hasher, entry, &leaf));
    TRY(tree_hash(tlog_tree(tlog), 0, index, &want, why));
    if (!digest_eq(&leaf, &want))
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "entry %" PRIu64 " in \"%s\" is not the one that its leaf hash covers",
                       index, store_path(tlog));
    TRY(buf_add_slice(&copy, entry));
    buf_free(ret);
    *ret = buf_take(&copy);
    return ERR_OK;
}
