/* SPDX-License-Identifier: Apache-2.0 */
/* log_state.h: the inside of struct ledger, for the files that read and append. */
#ifndef PAWL_LEDGER_LOG_STATE_H
#define PAWL_LEDGER_LOG_STATE_H

#include "gate/ledger/agents.h"
#include "gate/ledger/log.h"

#define FRAME_HEAD 4

/* What the next record has to continue. */
struct ledger_head {
    uint64_t end; /* offset behind the last complete frame */
    uint64_t time_ms;
    uint64_t epoch;     /* of the last entry; it never falls */
    uint64_t installed; /* the epoch that the last install record names; 0: none yet */
    bool has_snapshot;  /* an entry of this epoch named its snapshot: there is only one */
    struct digest snapshot;
    bool has_key; /* a key_rotation has been seen: the key it introduced, and its session */
    struct digest key;
    uint64_t key_epoch; /* it signs records of this epoch alone */
    char session_id[RECORD_UUID_TEXT];
};

/* How to take a staged record back: the link that its agent had before. */
struct ledger_undo {
    size_t agent;
    struct record_link link;
};

struct ledger {
    int fd;
    enum ledger_mode mode;
    struct buf path;     /* NUL-terminated */
    bool broken;         /* the file's end is not known: nothing more is written */
    uint64_t size, torn; /* durable entries; bytes of an unfinished frame behind them */
    struct ledger_head durable, now;
    struct buf issuer; /* of the first record: of all */
    struct tree tree;  /* staged entries included, as in offsets and agents */
    struct agents agents;
    uint64_t *offsets;  /* where each entry's frame begins */
    size_t n_offsets;   /* room in offsets */
    struct buf pending; /* staged frames */
    struct ledger_undo *undo;
    size_t n_undo, undo_cap;
    struct record *record; /* room for the one that is being judged */
};

/* Judges a record against what is there and adds it in memory, its frame being at now.end. Errors:
 * as ledger_stage(); on failure nothing has changed. */
err_code ledger_take(struct ledger *ledger, struct slice bytes, struct why *why);

/* The path, for messages. */
const char *ledger_path(const struct ledger *ledger);

#endif
