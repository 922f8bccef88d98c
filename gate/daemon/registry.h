/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.h: which enrolled agent a caller is. The roster belongs to the thread that has the
 * ledger; this is a copy of it for the threads that read requests. What is found goes on with the
 * request by itself, whatever becomes of the copy.
 */
#ifndef PAWL_DAEMON_REGISTRY_H
#define PAWL_DAEMON_REGISTRY_H

#include "gate/daemon/caller.h"
#include "gate/decide/agent.h"

struct registry;

/* Errors: NO_MEMORY, INTERNAL. Owns: registry_free(), once no thread uses it. */
err_code registry_new(struct registry **ret);
void registry_free(struct registry **registry);

/* Makes the copy anew if it is another one; on the thread that has the roster: when the gate is
 * opened, and behind each record about an agent. Errors: NO_MEMORY; the copy is then the old one.
 */
err_code registry_update(struct registry *registry, const struct roster *roster);

/* Rises with every change. 0: there was no roster to copy yet. From any thread. */
uint64_t registry_version(struct registry *registry);

/* How many agents are enrolled. From any thread. */
size_t registry_count(struct registry *registry);

/* An agent as of when it was looked up. {0}: nobody. */
struct known {
    struct enrolled *enrolled; /* owned */
    struct agent_facts facts;  /* borrows from it */
};
void known_free(struct known *known);

/* Who a caller is, by what the kernel says of him; and the agent of this id, for whom an
 * enforcement point asks. From any thread. Errors: AGENT_UNKNOWN; NO_MEMORY. Owns: known_free().
 */
err_code registry_whose(struct registry *registry, const struct caller *caller, struct known *ret,
                        struct why *why);
err_code registry_named(struct registry *registry, struct slice id, struct known *ret,
                        struct why *why);

#endif
