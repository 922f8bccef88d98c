/* SPDX-License-Identifier: Apache-2.0 */
/* store_commit.c: appends a batch of entries to the journal: written in one piece, made durable
 * once, or not there. */
#include "gate/base/file.h"
#include "gate/tlog/store_state.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t staged(const struct tlog *tlog)
{
    return (size_t)(tree_size(&tlog->tree) - tlog->head.checkpoint.size);
}

static err_code stage(struct tlog *tlog, struct slice entry)
{
    uint8_t *front;

    if (tlog->frame.len == 0)
        TRY(buf_add_space(&tlog->frame, JOURNAL_FRONT, &front));
    TRY(buf_add_u16(&tlog->frame, (uint16_t)entry.len));
    TRY(buf_add_slice(&tlog->frame, entry));
    return store_take(tlog, entry);
}

err_code tlog_stage(struct tlog *tlog, struct slice entry, struct why *why)
{
    size_t before = tlog->frame.len;
    err_code err;

    if (tlog->mode == TLOG_READ)
        return why_say(why, ERR_INTERNAL, "\"%s\" was opened for reading", store_path(tlog));
    if (entry.len > TILE_ENTRY_MAX)
        return why_say(why, ERR_TOO_LARGE, "an entry has %zu bytes, the limit is %d", entry.len,
                       TILE_ENTRY_MAX);
    if (before + entry.len + 2 + JOURNAL_FRONT + SHA256_LEN > JOURNAL_FRAME_MAX)
        return why_say(why, ERR_TOO_LARGE,
                       "%zu entries have %zu bytes, the limit of a batch is %zu", staged(tlog) + 1,
                       before + entry.len, JOURNAL_FRAME_MAX);
    err = stage(tlog, entry);
    if (err != ERR_OK)
        buf_cut(&tlog->frame, before);
    return err;
}

uint64_t tlog_next_size(const struct tlog *tlog)
{
    return tree_size(&tlog->tree);
}

err_code tlog_next(const struct tlog *tlog, struct checkpoint *ret)
{
    struct checkpoint next = {.size = tlog_next_size(tlog)};

    TRY(tree_root(tree_of(&tlog->tree), next.size, &next.root, NULL));
    *ret = next;
    return ERR_OK;
}

void tlog_abandon(struct tlog *tlog)
{
    buf_cut(&tlog->frame, 0);
    store_keep(tlog, tlog->n_offsets - staged(tlog));
}

/* The file must be what it was when this process last looked: the lock keeps others away. */
static err_code check_file(struct tlog *tlog, struct why *why)
{
    uint64_t want = tlog->end + tlog->torn;
    struct stat st;

    if (tlog->broken)
        return why_say(why, ERR_STORAGE,
                       "\"%s\" is not known to be whole after a failed write: open it again",
                       store_path(tlog));
    if (fstat(tlog->fd, &st) != 0)
        return why_errno(why, errno, "look at the journal in", store_path(tlog));
    if (st.st_nlink == 0)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "\"%s/" STORE_JOURNAL "\" was deleted or replaced", store_path(tlog));
    if ((uint64_t)st.st_size != want)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "\"%s/" STORE_JOURNAL "\" has %jd bytes, but had %" PRIu64
                       ": somebody else wrote to it",
                       store_path(tlog), (intmax_t)st.st_size, want);
    if (tlog->frame.len + SHA256_LEN > JOURNAL_MAX - tlog->end)
        return why_say(why, ERR_STORAGE,
                       "\"%s/" STORE_JOURNAL "\" has %" PRIu64
                       " bytes and must be folded: see why that failed",
                       store_path(tlog), tlog->end);
    return ERR_OK;
}

err_code store_write(const struct tlog *tlog, uint64_t at, struct slice bytes, struct why *why)
{
    int error = file_put_at(tlog->fd, bytes, at);

    if (error != 0)
        return why_errno(why, error, "write to the journal in", store_path(tlog));
    return ERR_OK;
}

/* A write that failed can be taken back: what it left would not be read anyway. After a failed
 * fdatasync the kernel may have dropped what it could not write, and the next one would succeed all
 * the same: only reading the file again tells what is there. */
static err_code append(struct tlog *tlog, struct why *why)
{
    err_code err;

    if (tlog->torn > 0) {
        if (ftruncate(tlog->fd, (off_t)tlog->end) != 0)
            return why_errno(why, errno, "cut an unfinished commit off the journal in",
                             store_path(tlog));
        tlog->torn = 0;
    }
    err = store_write(tlog, tlog->end, buf_slice(&tlog->frame), why);
    if (err == ERR_OK && fdatasync(tlog->fd) != 0) {
        err = why_errno(why, errno, "make durable the journal in", store_path(tlog));
        tlog->broken = true;
    }
    if (err != ERR_OK && ftruncate(tlog->fd, (off_t)tlog->end) != 0)
        tlog->broken = true;
    return err;
}

static err_code commit(struct tlog *tlog, uint64_t round, struct why *why)
{
    struct journal_frame frame = {
        .head.round = round, .first = tlog->head.checkpoint.size, .count = (uint32_t)staged(tlog)};
    struct digest check;

    TRY(check_file(tlog, why));
    if (round <= tlog->head.round)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "the hardware's round is %" PRIu64 ", the last one in \"%s\" %" PRIu64,
                       round, store_path(tlog), tlog->head.round);
    TRY(tlog_next(tlog, &frame.head.checkpoint));
    TRY(journal_frame(&tlog->frame, &frame, &tlog->check, &check));
    TRY(store_add_head(tlog, &frame.head));
    tlog->n_heads--; /* there is room for it; it counts when it is durable */
    TRY(append(tlog, why));
    tlog->heads[tlog->n_heads++] = frame.head;
    tlog->head = frame.head;
    tlog->end += tlog->frame.len;
    tlog->check = check;
    buf_cut(&tlog->frame, 0);
    return ERR_OK;
}

err_code tlog_commit(struct tlog *tlog, uint64_t round, struct why *why)
{
    err_code err = staged(tlog) == 0 ? ERR_OK : commit(tlog, round, why);

    if (err != ERR_OK)
        tlog_abandon(tlog);
    return err;
}
