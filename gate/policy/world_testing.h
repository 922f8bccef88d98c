/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world_testing.h: a small authority in memory: it keeps what it has signed and puts bundles
 * together, honest ones unless a test changes the parts.
 */
#ifndef PAWL_POLICY_WORLD_TESTING_H
#define PAWL_POLICY_WORLD_TESTING_H

#include "gate/policy/bundle_judge.h"
#include "gate/policy/cast_testing.h"

#define WORLD_MAX 16
#define WORLD_INDEX 0x01800100u
#define WORLD_BASE 64u

struct world {
    const struct cast *cast;
    size_t n_roots, n_policies, n_grants;
    struct buf roots[WORLD_MAX];
    struct buf policies[WORLD_MAX]; /* in the order in which they were signed */
    struct buf snapshot;            /* the newest; empty: none */
    struct hw_grant grants[WORLD_MAX];
    struct digest last[3]; /* of the newest version of "deploy", "audit", "guard" */
    uint64_t version[3];
    uint64_t epoch;
    struct digest last_snapshot;
    struct revoked revoked;
    bool names_another_root; /* the next snapshot does */
    unsigned snapshot_by, policy_by, ratchet_by;
};

/* The aliases; the map's order is 1, 2, 0. */
extern const char *const WORLD_ALIASES[3];

/* Root metadata version 1 and the grants to enrol. About 45 KB: static or on the heap. */
void world_make(struct world *world, const struct cast *cast);
void world_free(struct world *world);

/* Signs the next version of an alias and returns its place in policies. */
size_t world_policy(struct world *world, size_t alias, const char *text);
/* The next epoch: a snapshot of all newest versions, and its grants in place of the old ones. */
void world_publish(struct world *world);
void world_grant(struct world *world, enum hw_grant_kind kind, uint64_t base, uint64_t epoch);
/* The next version of the root metadata, changed by change(). */
void world_rotate(struct world *world, void (*change)(struct root_meta *next), unsigned by);

/* Removes an object from the bundle. */
void world_drop(struct world *world, size_t at);
/* From the next publication on. */
void world_revoke(struct world *world, struct digest id, enum revoked_kind kind);

struct buf world_bundle(const struct world *world);

/* Software judges, at 5000, for a gate with the fleet's defaults. */
extern const struct bundle_ask WORLD_ASK;
/* Judges the bundle as it is now. ret_bytes must outlive ret. */
err_code world_judge(const struct world *world, const struct trust *trust,
                     const struct bundle_ask *ask, struct buf *ret_bytes, struct judged *ret,
                     struct why *why);
/* What a gate trusts that has installed this. Borrows: from judged. */
struct trust world_trust(const struct judged *judged);

#endif
