/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freshness.h: is it in force now? Pure functions of the time that the caller passes and of objects
 * whose signatures were verified before. Windows are half open: from nbf on, and no longer at exp.
 */
#ifndef PAWL_POLICY_FRESHNESS_H
#define PAWL_POLICY_FRESHNESS_H

#include "gate/policy/object.h"
#include "gate/policy/snapshot.h"

/* How far the clocks of authority and gate may disagree about when something was made. exp and nbf
 * are not stretched by it. */
#define FRESH_SKEW 300

/* Error: EXPIRED (only if it has an exp). */
err_code fresh_root(const struct root_meta *root, int64_t now, struct why *why);

/* Errors: SNAPSHOT_STALE; NOT_YET_VALID when it was made later than now + FRESH_SKEW. */
err_code fresh_snapshot(const struct snapshot *snapshot, int64_t now, struct why *why);

/* Is this very object the one that the snapshot puts in force for its alias? Errors: ALIAS_UNKNOWN;
 * POLICY_ROLLBACK (older than listed); SUCCESSION (newer); EQUIVOCATION (another digest). */
err_code fresh_listed(const struct snapshot *snapshot, const struct policy_object *object,
                      struct why *why);

/* Has the authority taken back the object, or so many of its signers' keys that the threshold is
 * lost? Errors: REVOKED, SIGNER_UNKNOWN, THRESHOLD. */
err_code fresh_not_revoked(const struct root_meta *root, const struct snapshot *snapshot,
                           const struct policy_object *object, struct why *why);

/* Everything about one candidate: listed, not revoked, NOT_YET_VALID, EXPIRED. The snapshot and the
 * root metadata have been looked at already. */
struct fresh_state {
    const struct root_meta *root;
    const struct snapshot *snapshot;
    int64_t now;
};
err_code fresh_object(const struct fresh_state *state, const struct policy_object *object,
                      struct why *why);

#endif
