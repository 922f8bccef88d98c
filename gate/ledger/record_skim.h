/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_skim.h: the members of a record that the succession of records depends on, taken in one
 * pass. For who walks over millions of records whose bytes a signed root binds: twenty times as
 * fast as record_parse(), because it does not judge what nobody asked for. Attempts and decisions
 * alone, which are nearly all of a ledger; every other kind is left to record_parse().
 */
#ifndef PAWL_LEDGER_RECORD_SKIM_H
#define PAWL_LEDGER_RECORD_SKIM_H

#include "gate/ledger/record.h"

/* Borrows from the record's bytes. */
struct record_skim {
    enum record_kind kind;
    struct slice issuer, agent_id, record_id, session_id;
    struct slice attempt; /* of a decision */
    struct slice payload;
    struct record_link link;
    uint64_t action_ms, epoch, round;
    struct digest kid, snapshot, input, content_hash, chain_hash;
    bool permit; /* of a decision */
};

/* False for anything that is not plainly an attempt or a decision: record_parse() says what it is.
 * Checks that the chain hash covers what it is said to cover, no other hash. */
bool record_skim(struct slice bytes, struct hasher *hasher, struct record_skim *ret);

/* The same members as in a record that was parsed; the others of ret are left as they are. Borrows:
 * as skim. */
void record_of_skim(const struct record_skim *skim, struct record *ret);

#endif
