/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h: the files of a transparency log in one directory. Hash tiles, entry bundles and the
 * checkpoint are those of C2SP tlog-tiles, which any static web server can offer while the log is
 * written. What a commit made durable stands in the journal first, with one fdatasync; tiles are
 * made from it, and folding makes them durable in bulk and empties the journal. Opening reads the
 * journal and the right edge of the tree, never the history. Entries are opaque here.
 *
 *     journal                 commits since the last fold (docs/formats.md)
 *     checkpoint, seal        what was published last
 *     tile/<L>/<N>[.p/<W>]    hash tiles
 *     tile/entries/<N>[.p/<W>] entry bundles
 */
#ifndef PAWL_TLOG_STORE_H
#define PAWL_TLOG_STORE_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"
#include "gate/tlog/tree.h"

enum tlog_mode {
    TLOG_READ = 0,
    TLOG_APPEND, /* the caller holds the gate's lock until the log is closed */
    TLOG_CREATE, /* as APPEND; an absent log is made first, empty and durable */
};

/* What one commit left behind. Rounds are counted by the hardware: they rise, not always by one. */
struct tlog_head {
    uint64_t round;
    struct checkpoint checkpoint;
};

struct tlog;

/* Errors: NOT_FOUND; LEDGER_INCONSISTENT naming file, offset and entry; STORAGE. A commit that was
 * interrupted is no error: what is left of it is remembered and cut off by the next commit. Owns:
 * the caller closes *ret. */
err_code tlog_open(const char *dir, enum tlog_mode mode, struct tlog **ret, struct why *why);
void tlog_close(struct tlog **tlog);

/* The last durable head (round 0, size 0 for an empty log); the size up to which the tiles are
 * durable, below which the journal holds nothing; bytes of an unfinished commit. */
struct tlog_head tlog_head(const struct tlog *tlog);
uint64_t tlog_folded(const struct tlog *tlog);
uint64_t tlog_torn(const struct tlog *tlog);

/* The heads that the journal knows, oldest first: the one it began with and each commit since, the
 * newest max of them. Returns how many. */
size_t tlog_heads(const struct tlog *tlog, struct tlog_head *ret, size_t max);

/* A durable entry, compared with its leaf hash. Replaces *ret. Errors: NOT_FOUND, STORAGE,
 * LEDGER_INCONSISTENT. Owns: the caller frees *ret. */
err_code tlog_entry(struct tlog *tlog, uint64_t index, struct buf *ret, struct why *why);

/* The durable tree, for roots and proofs (tree.h). Borrows: until the log changes. */
struct tree_source tlog_tree(struct tlog *tlog);

/* Takes an entry into the batch that the next commit writes. Errors: TOO_LARGE, NO_MEMORY; the
 * batch is then as before. */
err_code tlog_stage(struct tlog *tlog, struct slice entry, struct why *why);
/* The checkpoint that the log will have when the batch is committed; and its size alone, which
 * costs nothing. */
err_code tlog_next(const struct tlog *tlog, struct checkpoint *ret);
uint64_t tlog_next_size(const struct tlog *tlog);
/* Forgets the batch. */
void tlog_abandon(struct tlog *tlog);

/* Makes the batch durable as this round, which must be greater than the last. On any error nothing
 * of it remains, or the log is broken: then nothing is accepted until it is opened again. A failed
 * fdatasync always breaks it. Errors: STORAGE_FULL; STORAGE; LEDGER_INCONSISTENT when somebody else
 * wrote. The process must ignore SIGXFSZ. */
err_code tlog_commit(struct tlog *tlog, uint64_t round, struct why *why);

/* Writes tiles up to the durable size, then checkpoint (a signed note, see note.h) and seal, each
 * by rename. seal may be empty: none is written. */
err_code tlog_publish(struct tlog *tlog, struct slice checkpoint, struct slice seal,
                      struct why *why);

/* Whether the journal has grown so long that it ought to be folded. */
bool tlog_wants_fold(const struct tlog *tlog);
/* Makes all tiles durable, then empties the journal. The log must have no batch. */
err_code tlog_fold(struct tlog *tlog, struct why *why);

#endif
