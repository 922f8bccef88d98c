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
    sqlite3_stmt *at_or_before, *after, *put_agent; /* agents */
    sqlite3_stmt *put_attempt, *no_attempts, *attempts;
    sqlite3_stmt *put_head, *get_head;
};

/* Prepares the statements; and lets go of them. */
err_code state_prepare(struct state *state, struct why *why);
void state_finalize(struct state *state);

/* Reads of which head it is the state. Error: STATE_CORRUPT. */
err_code state_read_head(struct state *state, struct why *why);

#endif
