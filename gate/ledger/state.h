/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h: what the next record has to continue, as of one head of the ledger, in a SQLite database
 * beside it: the head of the succession, every agent's link, the attempts without an outcome, the
 * agents that are enrolled. All of it follows from the entries and can be made again from them,
 * byte for byte. It is written when the ledger is folded, in one transaction; one writer and any
 * number of readers may use it at once. Rows carry a check value, since SQLite does not notice a
 * bit that fell over.
 */
#ifndef PAWL_LEDGER_STATE_H
#define PAWL_LEDGER_STATE_H

#include "gate/ledger/succession.h"
#include "gate/tlog/store.h"

enum state_mode {
    STATE_READ = 0, /* sees the state as it was when it was opened */
    STATE_WRITE,    /* the caller holds the gate's lock until it is closed */
    STATE_BUILD,    /* a file that nobody else uses; durable only after state_replace() */
};

struct state;

/* Makes the state of an empty ledger, durable, in place of whatever is at path. The caller holds
 * the gate's lock. Errors: those of SQLite, see sql_failed(). */
err_code state_make(const char *path, struct why *why);

/* Errors: NOT_FOUND; STORAGE for what is no regular file; STATE_CORRUPT for what is not a database
 * of this kind and version, or damaged; others of SQLite. Owns: closed with state_close(). */
err_code state_open(const char *path, enum state_mode mode, struct state **ret, struct why *why);
void state_close(struct state **state);

/* The head that it is the state of. */
struct tlog_head state_head(const struct state *state);

/* Puts it into a fresh succession, whose agents are looked up in the database from now on. Errors:
 * STATE_CORRUPT. Borrows: state, for the life of *ret. Owns: succession_free(). */
err_code state_load(struct state *state, struct succession *ret, struct why *why);

/* Writes what changed in the succession, nothing of which may be taken back any more, as the state
 * of this head; durable at once and in one step. On an error the state is the one before; when that
 * is not certain, it is broken and refuses everything. When only the cleaning up behind it failed,
 * it is the new one. Errors: those of SQLite. */
err_code state_save(struct state *state, const struct succession *succession,
                    const struct tlog_head *head, struct why *why);

/* Writes the canonical form to a new file: equal states give equal bytes. Errors: EXISTS; BUSY when
 * a writer saved another state since this one was opened; those of SQLite. */
err_code state_dump(const struct state *state, const char *path, struct why *why);

/* Makes the state of an empty ledger at "<path>.new", to be built on. ret_name: that name,
 * NUL-terminated. */
err_code state_make_new(const char *path, struct buf *ret_name, struct why *why);

/* Puts a finished database, closed by everybody, durably in the place of the one at path. Errors:
 * STORAGE, STORAGE_FULL. */
err_code state_replace(const char *path, const char *by, struct why *why);

#endif
