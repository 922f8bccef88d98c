/* SPDX-License-Identifier: Apache-2.0 */
/* store_state.h: the inside of struct tlog, for the files that open, write and fold. */
#ifndef PAWL_TLOG_STORE_STATE_H
#define PAWL_TLOG_STORE_STATE_H

#include "gate/tlog/journal.h"
#include "gate/tlog/store.h"
#include "gate/tlog/tile.h"

#define STORE_JOURNAL "journal"
#define STORE_JOURNAL_NEW "journal.new"
#define STORE_TEMP "tile.new"
#define STORE_FILE_MODE 0640
#define STORE_DIR_MODE 0750

/* Memory that is used again and again, neither zeroed nor wiped: nothing here is secret. */
struct room {
    uint8_t *bytes;
    size_t cap;
};

struct tlog {
    int dir; /* opened before anything is written: syncfs tells it of every failure since */
    int fd;  /* the journal */
    enum tlog_mode mode;
    struct buf path; /* of the directory, NUL-terminated */
    bool broken;     /* the journal's end is not known: nothing more is written */

    struct tlog_head base, head; /* what the journal begins with; what is durable */
    uint64_t last, end, torn;    /* of the journal: its last frame, its end, bytes behind that */
    struct digest check;         /* of its last frame */
    struct tlog_head *heads;     /* after each frame */
    size_t n_heads, heads_cap;
    struct room entries; /* from base on, those that are staged, too, as in a bundle: what a tile is
                            made of is what was hashed */
    size_t entries_len;
    uint32_t *offsets; /* of each of them there */
    size_t n_offsets, offsets_cap;

    struct tree tree;    /* the right edge at base, and everything since; those staged, too */
    struct tiles *tiles; /* what is below base */
    struct tile_bundle bundle;
    uint64_t written; /* tiles stand in their files up to this size, durable or not */
    struct buf frame; /* what is staged: room for a frame's front, then entries */
    struct room made; /* a bundle */
};

const char *store_path(const struct tlog *tlog);

/* Adds an entry to those since base, in memory; forgets all but the first n of them. */
err_code store_take(struct tlog *tlog, struct slice entry);
void store_keep(struct tlog *tlog, size_t n);
err_code store_add_head(struct tlog *tlog, const struct tlog_head *head);

/* Writes to the journal at an offset. */
err_code store_write(const struct tlog *tlog, uint64_t at, struct slice bytes, struct why *why);

/* Makes it so large at least. Error: NO_MEMORY. */
err_code room_for(struct room *room, size_t len);
void room_free(struct room *room);

/* Begins a journal at a head, durably, in place of the one that is there. After a failure *ret_fd
 * is -1 when the old one is still in its place; else nobody knows which one a power cut would
 * leave. */
err_code store_begin_journal(const struct tlog *tlog, const struct tlog_head *head, int *ret_fd,
                             struct digest *ret_check, struct why *why);

/* Writes the tiles up to the durable size, none of them durable. */
err_code store_write_tiles(struct tlog *tlog, struct why *why);

/* Writes again what a crash may have torn. */
err_code store_mend_tiles(struct tlog *tlog, struct why *why);

/* Removes the partial tiles of an earlier base that durable full ones have replaced. */
void store_drop_partials(const struct tlog *tlog, uint64_t base);

#endif
