/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agents.h: where each agent's chain stands, for any number of agents. Agents are known by a keyed
 * SHA-256 of their id, so that ids of any length take 72 bytes, and nobody who may choose ids can
 * choose ones that collide.
 */
#ifndef PAWL_LEDGER_AGENTS_H
#define PAWL_LEDGER_AGENTS_H

#include "gate/ledger/record.h"

struct agent_entry {
    struct digest key;
    struct record_link link; /* of the agent's next record; all zero: there is none yet */
};

struct agents {
    uint8_t seed[16];
    struct agent_entry *entries; /* in order of appearance */
    size_t n, cap;
    uint32_t *slots; /* entry number + 1, or 0; a power of two of them, at most half in use */
    size_t n_slots;
};

/* Makes an empty table. Error: INTERNAL when there is no randomness. */
err_code agents_init(struct agents *agents);
void agents_free(struct agents *agents);

/* The link of an agent's next record; all zero for an agent not seen so far. Error: INTERNAL. */
err_code agents_get(const struct agents *agents, struct slice id, struct record_link *ret);

/* The number of the agent's entry, made if there is none. Valid for ever. Errors: NO_MEMORY,
 * TOO_LARGE. */
err_code agents_at(struct agents *agents, struct slice id, size_t *ret);

#endif
