/* SPDX-License-Identifier: Apache-2.0 */
/* log_state.h: the inside of struct ledger, for the files that open, append and rebuild. */
#ifndef PAWL_LEDGER_LOG_STATE_H
#define PAWL_LEDGER_LOG_STATE_H

#include "gate/ledger/log.h"
#include "gate/ledger/state.h"

struct ledger {
    enum ledger_mode mode;
    struct buf dir, state_path; /* of the log, of the database; NUL-terminated */
    struct tlog *tlog;
    struct state *state;
    struct succession succession; /* staged records included */
    uint64_t installed;           /* of what is durable */
    struct record *record;        /* room for the one that is being judged */
};

/* Where log and database lie. ret_dir and ret_state: NUL-terminated. */
err_code ledger_paths(const char *state_dir, struct buf *ret_dir, struct buf *ret_state);

/* A walk over the entries of a log. */
struct replay {
    struct tlog *tlog;
    const char *dir;       /* of the log, for messages */
    struct record *record; /* room for one */
    struct succession *succession;
};

/* Takes an entry into the succession, for good. Errors: LEDGER_INCONSISTENT naming the entry;
 * NO_MEMORY; those of the log and of what the succession looks agents up in. */
err_code ledger_replay(const struct replay *replay, uint64_t index, struct why *why);

#endif
