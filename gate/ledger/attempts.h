/* SPDX-License-Identifier: Apache-2.0 */
/* attempts.h: the attempts of the running session that have no outcome yet. There are as many as
 * requests are being decided at once. */
#ifndef PAWL_LEDGER_ATTEMPTS_H
#define PAWL_LEDGER_ATTEMPTS_H

#include "gate/ledger/record.h"

#define ATTEMPTS_MAX 65536 /* open at once */

struct attempt {
    char id[RECORD_UUID_TEXT]; /* the attempt's record_id */
    struct digest agent;       /* SHA-256 of the agent's id */
    struct digest input;       /* what was asked */
    uint64_t entry;            /* index of the attempt in the ledger */
    uint64_t session;          /* the how manieth of the ledger */
    bool closed;               /* it has its outcome; forgotten by attempts_settle() */
};

struct attempts {
    struct attempt *list; /* in order of appearance */
    size_t n, cap;
};

void attempts_free(struct attempts *attempts);

/* Adds one at the end. Errors: NO_MEMORY, TOO_LARGE. */
err_code attempts_add(struct attempts *attempts, const struct attempt *attempt);

/* The place of the open attempt of this id and session, or n if there is none. */
size_t attempts_find(const struct attempts *attempts, struct slice id, uint64_t session);

/* Takes away the ones added last, until n are left. */
void attempts_cut(struct attempts *attempts, size_t n);

/* Forgets those that are closed or of another session. */
void attempts_settle(struct attempts *attempts, uint64_t session);

#endif
