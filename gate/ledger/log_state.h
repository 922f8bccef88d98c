/* SPDX-License-Identifier: Apache-2.0 */
/* log_state.h: the inside of struct ledger, for the files that read and append. */
#ifndef PAWL_LEDGER_LOG_STATE_H
#define PAWL_LEDGER_LOG_STATE_H

#include "gate/ledger/log.h"
#include "gate/ledger/succession.h"

#define FRAME_HEAD 4

struct ledger {
    int fd;
    enum ledger_mode mode;
    struct buf path;           /* NUL-terminated */
    bool broken;               /* the file's end is not known: nothing more is written */
    uint64_t size, torn;       /* durable entries; bytes of an unfinished frame behind them */
    uint64_t end, durable_end; /* offset behind the last frame, staged or not; durable */
    uint64_t installed;        /* durable */
    struct tree tree;          /* staged entries included, as in offsets and succession */
    struct succession succession;
    uint64_t *offsets;     /* where each entry's frame begins */
    size_t n_offsets;      /* room in offsets */
    struct buf pending;    /* staged frames */
    struct record *record; /* room for the one that is being judged */
};

/* Judges a record against what is there and adds it in memory, its frame being at now.end. Errors:
 * as ledger_stage(); on failure nothing has changed. */
err_code ledger_take(struct ledger *ledger, struct slice bytes, struct why *why);

/* The path, for messages. */
const char *ledger_path(const struct ledger *ledger);

#endif
