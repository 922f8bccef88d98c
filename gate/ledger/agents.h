/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agents.h: where each agent's chain stands: the ones that changed lately, in memory, over a store
 * that knows the others. Agents are found by a keyed SHA-256 of their id, so that nobody who may
 * choose ids can choose ones that collide.
 */
#ifndef PAWL_LEDGER_AGENTS_H
#define PAWL_LEDGER_AGENTS_H

#include "gate/ledger/record.h"

struct agent_entry {
    struct digest key;
    struct record_link link; /* of the agent's next record */
    uint8_t *id;
    size_t id_len;
};

/* The agents that the table does not hold: the link of one's next record, all zero if it has none
 * yet. {0}: there is nothing below. */
struct agents_below {
    err_code (*link)(void *from, struct slice id, struct record_link *ret, struct why *why);
    void *from;
};

struct agents {
    struct agents_below below;
    uint8_t seed[16];
    struct hasher hasher;
    struct agent_entry *entries; /* in order of appearance */
    size_t n, cap;
    uint32_t *slots; /* entry number + 1, or 0; a power of two of them, at most half in use */
    size_t n_slots;
};

/* Makes an empty table. below may be NULL; what it points to is copied. Error: INTERNAL when there
 * is no randomness. */
err_code agents_init(struct agents *agents, const struct agents_below *below);
void agents_free(struct agents *agents);

/* The link of an agent's next record; all zero for an agent not seen so far. Errors: INTERNAL, and
 * those of the store below. */
err_code agents_get(const struct agents *agents, struct slice id, struct record_link *ret,
                    struct why *why);

/* The number of the agent's entry, made from what is below if there is none. Valid until it is cut.
 * Errors: NO_MEMORY, TOO_LARGE, and those of the store below. */
err_code agents_at(struct agents *agents, struct slice id, size_t *ret, struct why *why);

/* Takes away the entries that were made last, until n are left; 0 also gives the memory back. */
void agents_cut(struct agents *agents, size_t n);

#endif
