/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle_judge.h: the one judgement over a bundle before a gate acts on it. Pure: it reads no file,
 * no clock and no hardware; what it needs of these comes in, what the gate has to store and to hand
 * to its hardware comes out. Order: root chain, snapshot, succession, time, objects, grants.
 */
#ifndef PAWL_POLICY_BUNDLE_JUDGE_H
#define PAWL_POLICY_BUNDLE_JUDGE_H

#include "gate/policy/bundle.h"
#include "gate/policy/object.h"
#include "gate/policy/snapshot.h"

/* What the gate trusts already. Borrows all of it. */
struct trust {
    /* Digests of root metadata version 1, 2, ... that are known to be good. At least version 1,
     * whose digest the hardware pins; n_roots 0 only where a gate is about to be enrolled: then
     * version 1 stands on its own signatures, and the caller has somebody confirm its digest. Later
     * versions are verified again: their digest says nothing of the signatures, which are stored
     * with them. */
    const struct digest *roots;
    size_t n_roots;
    const struct snapshot *snapshot; /* installed; NULL: none */
    uint64_t epoch; /* of the hardware, which may be ahead of the snapshot; 0: none, or not known */
    /* The bundle is what this gate installed earlier, put together again from its own files: the
     * chains of predecessors and the times were judged then. Signatures are judged again. */
    bool installed_before;
};

struct bundle_ask {
    const struct judge *judge; /* asked about every signature that is judged */
    int64_t now;
    bool needs_grants; /* false: an HSM, or nobody's hardware; then index and base are not used */
    bool enrolling;    /* FIRST and BUMP 0 are needed, too */
    uint32_t index;
    uint64_t base;
};

/* Views into the bundle's bytes, all verified. */
struct judged {
    struct bundle bundle;
    struct root_meta *first, *newest; /* owned; one and the same when there is one version */
    struct digest *roots;             /* of every version; bundle.n_roots of them */
    bool has_snapshot;                /* false: an enrolment bundle; nothing of the following */
    bool known;                       /* the very snapshot that is installed */
    struct snapshot snapshot;
    struct policy_object *policies; /* snapshot.n_policies of them, in its order */
    struct hw_grant *enrol_grants;  /* FIRST and BUMP 0, if asked for */
    size_t n_enrol_grants;
    struct hw_grant *grants; /* BUMP, SIGN, CERTIFY of the snapshot's epoch, if asked for */
    size_t n_grants;
    struct hw_mandate *mandate; /* epoch, digest, counted signatures, grants */
};

/* A policy object that was in force already and whose signers were revoked since does not stop the
 * bundle that says so: fresh_object() then denies what it covers. One that is new must stand.
 *
 * Errors: those of everything above; FORMAT (an object that nothing refers to), SUCCESSION (a
 * listed object or a predecessor is missing), EQUIVOCATION, ROLLBACK (the bundle carries fewer
 * versions of the root metadata than are known), ROOT_SEQUENCE, CEDAR_* (a text that this gate
 * cannot evaluate), GRANT_INVALID. Borrows: bytes, for the life of *ret. Owns: *ret,
 * which is zeroed or holds an earlier result before the call. */
err_code bundle_judge(struct slice bytes, const struct trust *trust, const struct bundle_ask *ask,
                      struct judged *ret, struct why *why);
void judged_free(struct judged *judged);

/* Whose root the bundle's authority wants it to be: root_owner() with every version in between.
 * Grants are left to the caller. */
err_code judged_owner(const struct judged *judged, struct slice gate, struct hw_owner *ret,
                      struct why *why);

#endif
