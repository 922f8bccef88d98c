/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h: the ledger of a gate: a transparency log (gate/tlog/store.h) whose entries are records,
 * and the state that the next record has to continue (state.h). Opening does not read the log: it
 * takes the state as of the last fold from the database and goes through the journal, which is
 * short. What is appended follows the rules of succession.h; so does what is read back.
 *
 *     <state_dir>/ledger/      the log
 *     <state_dir>/state.db     the state; can be made again from the log
 *
 * What neither shows, a head that somebody kept does: entries missing at the end. The hardware is
 * one who keeps it (hw/root.h).
 */
#ifndef PAWL_LEDGER_LOG_H
#define PAWL_LEDGER_LOG_H

#include "gate/ledger/succession.h"
#include "gate/tlog/store.h"

enum ledger_mode {
    LEDGER_READ = 0, /* sees the ledger as it was when it was opened; a writer may be at work */
    LEDGER_APPEND,   /* the caller holds the gate's lock until the ledger is closed */
    LEDGER_CREATE,   /* as APPEND; an absent ledger is made first, empty and durable */
};

struct ledger;

/* Errors: NOT_FOUND when there is no log; STATE_CORRUPT when the database is missing, damaged,
 * older than the journal or of another ledger, all of which ledger_rebuild() mends; LEDGER_ROLLBACK
 * when it has seen more entries than there are; LEDGER_INCONSISTENT naming what is wrong; STORAGE.
 * A commit that was interrupted is no error: the next one cuts off what is left of it. Owns: the
 * caller closes *ret. */
err_code ledger_open(const char *state_dir, enum ledger_mode mode, struct ledger **ret,
                     struct why *why);

/* Closes and nulls the caller's pointer; accepts NULL inside. */
void ledger_close(struct ledger **ledger);

/* Of what is durable: number of entries, bytes of an unfinished commit behind them (0: none), the
 * epoch that the last install record names (0: none), and size and root with the round. */
uint64_t ledger_size(const struct ledger *ledger);
uint64_t ledger_torn(const struct ledger *ledger);
uint64_t ledger_installed(const struct ledger *ledger);
struct tlog_head ledger_head(const struct ledger *ledger);

/* The heads that the journal knows, oldest first, the newest max of them. Returns how many. */
size_t ledger_heads(const struct ledger *ledger, struct tlog_head *ret, size_t max);

/* The durable tree, for roots and proofs. Borrows: until the ledger changes. */
struct tree_source ledger_tree(const struct ledger *ledger);

/* What the next record has to continue, staged records included. Borrows: until the next call. */
const struct succession_head *ledger_state(const struct ledger *ledger);

/* The link for an agent's next record, counting records that are staged. Errors: INTERNAL, those of
 * the database. */
err_code ledger_link(const struct ledger *ledger, struct slice agent_id, struct record_link *ret,
                     struct why *why);

/* The agents that are enrolled, those of staged records included: all; and one of them, NULL if it
 * is not. More: roster.h. Borrows: until the ledger changes. */
const struct roster *ledger_roster(const struct ledger *ledger);
const struct enrolled *ledger_enrolled(const struct ledger *ledger, struct slice id);

/* A durable entry, compared with the tree. Replaces *ret. Errors: NOT_FOUND, STORAGE,
 * LEDGER_INCONSISTENT. Owns: the caller frees *ret. */
err_code ledger_entry(const struct ledger *ledger, uint64_t index, struct buf *ret,
                      struct why *why);

/* A durable entry's record; of a hash envelope, with what it stands for. Errors: those of
 * ledger_entry() and payload_record(). Borrows: *ret from the room, until the next use of it. */
struct ledger_room {
    struct buf entry, preimage;
};
void ledger_room_free(struct ledger_room *room);
err_code ledger_record(const struct ledger *ledger, uint64_t index, struct ledger_room *room,
                       struct record *ret, struct why *why);

/* Its time alone. Errors: the same. */
err_code ledger_time(const struct ledger *ledger, uint64_t index, uint64_t *ret_ms,
                     struct why *why);

/* Whether a record of this time, epoch and snapshot could come next. Errors: CLOCK_BACK when it is
 * older than the last entry; LEDGER_INCONSISTENT when the epoch falls; EQUIVOCATION when it names
 * another snapshot than earlier entries of its epoch. */
err_code ledger_ready(const struct ledger *ledger, uint64_t now_ms, uint64_t epoch,
                      const struct digest *snapshot, struct why *why);

/* Takes a record into the batch that the next commit writes. Errors: those of succession_take() and
 * record_parse(); TOO_LARGE; those of the database. An error leaves the batch as it was. */
err_code ledger_stage(struct ledger *ledger, struct slice record, struct why *why);

/* The same for a record that may be a hash envelope: its pre-image is durable beside the log when
 * this returns (payload.h), and so before the record is. */
err_code ledger_stage_whole(struct ledger *ledger, struct slice record, struct slice preimage,
                            struct why *why);

/* How many entries the ledger will have when the batch is committed. */
uint64_t ledger_next(const struct ledger *ledger);

/* Writes the batch as this round and makes it durable with one fdatasync; an empty one is nothing
 * to do. On any error nothing of it remains, in the log or here. Errors: those of tlog_commit(). */
err_code ledger_commit(struct ledger *ledger, uint64_t round, struct why *why);

/* Forgets the batch. */
void ledger_abandon(struct ledger *ledger);

/* Makes what is durable readable for everybody: tiles, then a signed checkpoint and the hardware's
 * word on it, see tlog_publish(). */
err_code ledger_publish(struct ledger *ledger, struct slice note, struct slice seal,
                        struct why *why);

/* Whether the journal has grown so long that it ought to be folded; and does it: first the state is
 * saved, then the tiles are made durable and the journal is emptied. There must be no batch. Killed
 * in between, the next one makes it good. Errors: STORAGE_FULL, STORAGE, those of the database; the
 * ledger is then still whole. */
bool ledger_wants_fold(const struct ledger *ledger);
err_code ledger_fold(struct ledger *ledger, struct why *why);

/* Checks that the ledger continues what somebody saw earlier. Error: LEDGER_INCONSISTENT when it is
 * shorter, or its root at that size is another. */
err_code ledger_check_checkpoint(const struct ledger *ledger, const struct checkpoint *earlier,
                                 struct why *why);

/* ---- the state, made again ------------------------------------------------------------------- */

/* Who wants to know how far it is; may be NULL. */
struct ledger_progress {
    void (*step)(void *context, uint64_t done, uint64_t of);
    void *context;
};

/* Goes through all entries, judges each as when it was appended, and puts a new database in the
 * place of the old one. The caller holds the gate's lock. Errors: LEDGER_INCONSISTENT naming the
 * entry; those of tlog_open() and of the database; the old one is then still there. */
err_code ledger_rebuild(const char *state_dir, const struct ledger_progress *progress,
                        struct why *why);

/* Writes the state as of the newest entry to a new file, in canonical form: the same bytes that
 * ledger_rebuild() makes. Errors: EXISTS; BUSY when a writer folded meanwhile; those of
 * ledger_open(). */
err_code ledger_state_dump(const char *state_dir, const char *path, struct why *why);

/* The version of SQLite. Error: UNSUPPORTED, naming both, when it is
 * older than what this was built with. Borrows: static storage. */
err_code ledger_library(const char **ret, struct why *why);

#endif
