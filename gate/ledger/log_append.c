/* SPDX-License-Identifier: Apache-2.0 */
/* log_append.c: appends a batch of records: written in one piece, made durable once, or not there.
 */
#include "gate/ledger/log.h"
#include "gate/ledger/log_state.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

err_code ledger_stage(struct ledger *ledger, struct slice record, struct why *why)
{
    uint8_t head[FRAME_HEAD];
    size_t before = ledger->pending.len;
    err_code err;

    if (ledger->mode == LEDGER_READ)
        return why_say(why, ERR_INTERNAL, "\"%s\" was opened for reading", ledger_path(ledger));
    if (record.len > RECORD_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a record has %zu bytes, the limit is %d", record.len,
                       RECORD_SIZE_MAX);
    put_u32(head, (uint32_t)record.len);
    TRY(buf_add(&ledger->pending, head, sizeof head));
    err = buf_add_slice(&ledger->pending, record);
    if (err == ERR_OK)
        err = ledger_take(ledger, record, why);
    if (err != ERR_OK)
        buf_cut(&ledger->pending, before);
    return err;
}

void ledger_abandon(struct ledger *ledger)
{
    succession_undo(&ledger->succession, 0);
    tree_cut(&ledger->tree, ledger->size);
    ledger->end = ledger->durable_end;
    buf_cut(&ledger->pending, 0);
}

/* The file must be what it was when this process last looked: the lock keeps others away. */
static err_code check_file(const struct ledger *ledger, struct why *why)
{
    uint64_t want = ledger->durable_end + ledger->torn;
    struct stat st;

    if (ledger->broken)
        return why_say(why, ERR_STORAGE, "\"%s\" could not be restored after a failed write",
                       ledger_path(ledger));
    if (fstat(ledger->fd, &st) != 0)
        return why_errno(why, errno, "look at", ledger_path(ledger));
    if (st.st_nlink == 0)
        return why_say(why, ERR_LEDGER_INCONSISTENT, "\"%s\" was deleted", ledger_path(ledger));
    if ((uint64_t)st.st_size != want)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "\"%s\" has %jd bytes, but had %llu: somebody else wrote to it",
                       ledger_path(ledger), (intmax_t)st.st_size, (unsigned long long)want);
    return ERR_OK;
}

static err_code write_pending(const struct ledger *ledger, struct why *why)
{
    struct slice rest = buf_slice(&ledger->pending);

    while (rest.len > 0) {
        ssize_t n = write(ledger->fd, rest.ptr, rest.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return why_errno(why, n < 0 ? errno : ENOSPC, "append to", ledger_path(ledger));
        rest = slice_part(rest, (size_t)n, rest.len - (size_t)n);
    }
    if (fdatasync(ledger->fd) != 0)
        return why_errno(why, errno, "make durable", ledger_path(ledger));
    return ERR_OK;
}

/* Makes the file end behind its last durable entry again. */
static bool cut_file(const struct ledger *ledger)
{
    return ftruncate(ledger->fd, (off_t)ledger->durable_end) == 0 && fdatasync(ledger->fd) == 0;
}

static err_code write_batch(struct ledger *ledger, struct why *why)
{
    err_code err;

    TRY(check_file(ledger, why));
    if (ledger->torn > 0 && ftruncate(ledger->fd, (off_t)ledger->durable_end) != 0)
        return why_errno(why, errno, "cut the unfinished entry off", ledger_path(ledger));
    ledger->torn = 0;
    err = write_pending(ledger, why);
    if (err != ERR_OK)
        ledger->broken = !cut_file(ledger);
    return err;
}

err_code ledger_commit(struct ledger *ledger, struct why *why)
{
    err_code err = ledger->succession.n_undo == 0 ? ERR_OK : write_batch(ledger, why);

    if (err == ERR_OK) {
        ledger->durable_end = ledger->end;
        ledger->installed = ledger->succession.head.installed;
        ledger->size = tree_size(&ledger->tree);
        succession_settle(&ledger->succession);
        buf_cut(&ledger->pending, 0);
    } else {
        ledger_abandon(ledger);
    }
    return err;
}
