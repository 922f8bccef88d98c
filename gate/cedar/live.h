/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live.h: the policy set that is in force, for many threads that decide and one that replaces it.
 *
 * A reader keeps what it has taken until it gives it back, whatever is put in its place meanwhile;
 * the last one that gives a replaced set back frees it. Nobody waits for a decision, or for reading
 * or freeing policies: all that is ever waited for is the copying of a pointer.
 */
#ifndef PAWL_CEDAR_LIVE_H
#define PAWL_CEDAR_LIVE_H

#include "gate/cedar/policies.h"

struct cedar_live;
struct cedar_hold;

/* What a reader has taken. policies is NULL if there was none yet. */
struct cedar_lease {
    const struct cedar_policies *policies;
    struct cedar_hold *hold;
};

/* Without policies at first. Error: NO_MEMORY. */
err_code cedar_live_make(struct cedar_live **ret);
/* Only when no other thread uses it any more. Leases outlive it. */
void cedar_live_free(struct cedar_live **live);

/* From any thread. */
struct cedar_lease cedar_live_take(struct cedar_live *live);
void cedar_lease_free(struct cedar_lease *lease);

/* Puts another set in force; policies already taken stay as they are. Owns: the set, on success,
 * and leaves NULL. Error: NO_MEMORY. */
err_code cedar_live_replace(struct cedar_live *live, struct cedar_policies **policies);

#endif
