/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_fold.c: makes the tiles durable, then begins the journal anew. One syncfs does the first:
 * measured on ext4 with 8 MiB in 64 bundles and as many tiles, it took 25 to 50 ms where an fsync
 * of each file took 120 to 270, since each of them may wait for a commit of the file system's own
 * journal; the appends between two folds took 800. The price is that it waits for what others wrote
 * to that file system, too.
 */
#include "gate/base/file.h"
#include "gate/tlog/store_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static err_code write_header(const struct tlog *tlog, int fd, const struct tlog_head *head,
                             struct digest *ret_check, struct why *why)
{
    uint8_t header[JOURNAL_HEADER];
    int error;

    TRY(journal_header(head, header, ret_check));
    error = file_put_at(fd, (struct slice){header, sizeof header}, 0);
    if (error != 0)
        return why_errno(why, error, "write a new journal in", store_path(tlog));
    if (fsync(fd) != 0)
        return why_errno(why, errno, "make durable a new journal in", store_path(tlog));
    return ERR_OK;
}

err_code store_begin_journal(const struct tlog *tlog, const struct tlog_head *head, int *ret_fd,
                             struct digest *ret_check, struct why *why)
{
    CLEANUP(fd_close)
    int fd = openat(tlog->dir, STORE_JOURNAL_NEW,
                    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, STORE_FILE_MODE);
    err_code err;

    *ret_fd = -1;
    if (fd < 0)
        return why_errno(why, errno, "create a new journal in", store_path(tlog));
    err = write_header(tlog, fd, head, ret_check, why);
    if (err == ERR_OK && renameat(tlog->dir, STORE_JOURNAL_NEW, tlog->dir, STORE_JOURNAL) != 0)
        err = why_errno(why, errno, "replace the journal in", store_path(tlog));
    if (err != ERR_OK) {
        (void)unlinkat(tlog->dir, STORE_JOURNAL_NEW, 0);
        return err;
    }
    *ret_fd = fd;
    fd = -1;
    if (fsync(tlog->dir) != 0)
        return why_errno(why, errno, "make durable a new journal in", store_path(tlog));
    return ERR_OK;
}

/* What lies below the new base is read from tiles from now on. */
static void forget(struct tlog *tlog)
{
    uint64_t size = tlog->head.checkpoint.size;

    for (unsigned l = 0; l < TREE_LEVELS; l++) {
        uint64_t first = size >> (l - l % TILE_HEIGHT);

        first -= first % TILE_WIDTH;
        tree_forget(&tlog->tree, l, first >> (l % TILE_HEIGHT));
    }
    tiles_resize(tlog->tiles, size);
    tlog->bundle.n = 0;
    tlog->n_heads = 0;
    tlog->n_offsets = 0;
    tlog->entries_len = 0;
    tlog->base = tlog->head;
    tlog->end = JOURNAL_HEADER;
    tlog->torn = 0;
}

static err_code replace_journal(struct tlog *tlog, struct why *why)
{
    CLEANUP(fd_close) int fd = -1;
    struct digest check;
    err_code err = store_begin_journal(tlog, &tlog->head, &fd, &check, why);

    if (err != ERR_OK) {
        tlog->broken = tlog->broken || fd >= 0;
        return err;
    }
    fd_close(&tlog->fd);
    tlog->fd = fd;
    fd = -1;
    tlog->check = check;
    forget(tlog);
    return ERR_OK;
}

/* What could not be written to the disk may be gone from memory, too, so that it is not enough to
 * ask again: every tile is made anew. */
err_code tlog_fold(struct tlog *tlog, struct why *why)
{
    uint64_t base = tlog->base.checkpoint.size;

    if (tlog->mode == TLOG_READ || tree_size(&tlog->tree) != tlog->head.checkpoint.size)
        return why_say(why, ERR_INTERNAL, "\"%s\" cannot be folded now", store_path(tlog));
    if (tlog->broken)
        return why_say(why, ERR_STORAGE,
                       "\"%s\" is not known to be whole after a failed write: open it again",
                       store_path(tlog));
    if (tlog->n_heads == 0)
        return ERR_OK;
    TRY(store_write_tiles(tlog, why));
    if (syncfs(tlog->dir) != 0) {
        tlog->written = base;
        return why_errno(why, errno, "make durable the tiles in", store_path(tlog));
    }
    /* Not earlier: whoever is killed before may have to write the full tiles again. */
    TRY(replace_journal(tlog, why));
    store_drop_partials(tlog, base);
    return ERR_OK;
}
