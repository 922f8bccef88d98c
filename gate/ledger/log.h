/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h: the ledger's file: one append-only file of frames, each a u32 (big-endian) length and a
 * record. Opening reads all of it and checks everything but signatures: each record, each agent's
 * chain, the order of times, the keys' succession, that the epoch never falls and has one snapshot.
 * The tree over the records lives in memory; no state is kept that could disagree with the file.
 * What the file alone cannot show, a checkpoint that somebody kept does: entries missing at the
 * end, or exchanged between agents in one millisecond.
 */
#ifndef PAWL_LEDGER_LOG_H
#define PAWL_LEDGER_LOG_H

#include "gate/ledger/record.h"
#include "gate/tlog/tree.h"

enum ledger_mode {
    LEDGER_READ = 0,
    LEDGER_APPEND, /* the caller holds the gate's lock until the ledger is closed */
    LEDGER_CREATE, /* as APPEND; an absent file is made first, empty and durable */
};

struct ledger;

/* Opens and reads a ledger. Errors: NOT_FOUND; LEDGER_INCONSISTENT naming entry, offset and what is
 * wrong; STORAGE. A last frame that ends too early (a write that was interrupted) is no error: it
 * is remembered, and cut off by the next append. Owns: the caller closes *ret. */
err_code ledger_open(const char *path, enum ledger_mode mode, struct ledger **ret, struct why *why);

/* Closes and nulls the caller's pointer; accepts NULL inside. */
void ledger_close(struct ledger **ledger);

/* Of what is durable: number of entries, length of an unfinished frame behind them (0: none), the
 * epoch that the last install record names (0: none), size and root, and the tree itself. */
uint64_t ledger_size(const struct ledger *ledger);
uint64_t ledger_torn(const struct ledger *ledger);
uint64_t ledger_installed(const struct ledger *ledger);
err_code ledger_checkpoint(const struct ledger *ledger, struct checkpoint *ret);
struct tree_source ledger_tree(const struct ledger *ledger); /* Borrows: until it changes */

/* The link for an agent's next record, counting records that are staged. Error: INTERNAL. */
err_code ledger_link(const struct ledger *ledger, struct slice agent_id, struct record_link *ret,
                     struct why *why);

/* Reads entry index again and compares it with the tree. Replaces *ret. Errors: NOT_FOUND, STORAGE,
 * LEDGER_INCONSISTENT when the file changed since it was opened. Owns: the caller frees *ret. */
err_code ledger_entry(const struct ledger *ledger, uint64_t index, struct buf *ret,
                      struct why *why);

/* Whether a record of this time, epoch and snapshot could come next. Errors: CLOCK_BACK when it is
 * older than the last entry; LEDGER_INCONSISTENT when the epoch falls; EQUIVOCATION when it names
 * another snapshot than earlier entries of its epoch. */
err_code ledger_ready(const struct ledger *ledger, uint64_t now_ms, uint64_t epoch,
                      const struct digest *snapshot, struct why *why);

/* Takes a record into the batch that the next commit writes. It must continue its agent's chain and
 * be signed by the key that the last key_rotation introduced; the first record of all is a
 * key_rotation. Errors: CLOCK_BACK when it is older than the last entry; EQUIVOCATION when it names
 * another snapshot than earlier entries of its epoch; those of record_parse(); LEDGER_INCONSISTENT
 * when it does not continue the ledger. An error leaves the batch as it was. */
err_code ledger_stage(struct ledger *ledger, struct slice record, struct why *why);

/* Writes the batch and makes it durable with one fdatasync. On any error nothing of it remains, in
 * the file or here. Errors: STORAGE_FULL; STORAGE; LEDGER_INCONSISTENT when somebody else wrote to
 * the file. When even going back fails, every later commit is refused until the ledger is opened
 * again. The process must ignore SIGXFSZ. */
err_code ledger_commit(struct ledger *ledger, struct why *why);

/* Forgets the batch. */
void ledger_abandon(struct ledger *ledger);

/* Checks that the ledger continues what somebody saw earlier. Error: LEDGER_INCONSISTENT when it is
 * shorter, or its root at that size is another. */
err_code ledger_check_checkpoint(const struct ledger *ledger, const struct checkpoint *earlier,
                                 struct why *why);

#endif
