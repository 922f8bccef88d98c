/* SPDX-License-Identifier: Apache-2.0 */
/* state_rows.h: the inside of struct state, for the files that make and that use it. */
#ifndef PAWL_LEDGER_STATE_ROWS_H
#define PAWL_LEDGER_STATE_ROWS_H

#include "gate/ledger/sql.h"
#include "gate/ledger/state.h"

struct state {
    struct sql sql;
    bool broken; /* a write ended so that nobody knows what is there */
    struct tlog_head head;
    struct succession first; /* as read when it was opened, until somebody loads it or writes */
    bool has_first;
    sqlite3_stmt *at_or_before, *after, *put_agent; /* agents */
    sqlite3_stmt *put_attempt, *no_attempts, *attempts;
    sqlite3_stmt *put_enrolled, *no_enrolled, *enrolled;
    sqlite3_stmt *put_head, *get_head;
};

/* Prepares the statements; and lets go of them. */
err_code state_prepare(struct state *state, struct why *why);
void state_finalize(struct state *state);

/* Reads of which head it is the state. Error: STATE_CORRUPT. */
err_code state_read_head(struct state *state, struct why *why);

/* STATE_CORRUPT, with the hint how to make it anew. */
err_code state_damaged(const struct state *state, const char *what, struct why *why);

/* ---- the roster: state_roster.c -------------------------------------------------------------- */

err_code state_prepare_roster(struct state *state, struct why *why);

/* Fills an empty roster. Error: STATE_CORRUPT. */
err_code state_load_roster(const struct state *state, struct roster *ret, struct why *why);

/* Writes all of it, if it has changed since the head that this is the state of. */
err_code state_put_roster(const struct state *state, const struct roster *roster, struct why *why);

#endif
