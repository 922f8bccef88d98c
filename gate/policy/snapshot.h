/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h: the signed list of every alias in force in a domain, with its epoch. One epoch is one
 * step of the hardware's ratchet. It also carries what has been revoked.
 */
#ifndef PAWL_POLICY_SNAPSHOT_H
#define PAWL_POLICY_SNAPSHOT_H

#include "gate/policy/judge.h"

#define SNAPSHOT_POLICIES_MAX 4096

/* One alias in force. */
struct snapshot_policy {
    struct slice alias;
    uint64_t version;
    struct digest digest;
};

/* Borrows: the bytes it was parsed from. Owns: the two lists; free with snapshot_free. */
struct snapshot {
    struct slice raw;     /* empty when it was not parsed */
    struct digest digest; /* of the signed content, whoever signed: see docs/formats.md */
    struct slice domain;
    uint64_t epoch;
    struct term_link previous;
    uint64_t root_version;
    struct digest root;
    struct snapshot_policy *policies; /* in the map's order: shorter alias first, then bytewise */
    size_t n_policies;
    struct revoked revoked;
    int64_t iat, exp;
};

/* Parses one signed snapshot, strictly. Errors: those of envelope_open; FORMAT; TOO_LARGE. */
err_code snapshot_parse(struct slice bytes, struct snapshot *ret, struct why *why);
void snapshot_free(struct snapshot *snapshot);

/* Judges the signatures under the role "snapshot". The snapshot's own revocations count, too, and
 * those of earlier, the installed snapshot's (NULL: none). ret: may be NULL. Errors: those of
 * judge_object; SIGNER_UNKNOWN when it is of another domain than the root metadata. */
err_code snapshot_verify(const struct snapshot *snapshot, const struct root_meta *root,
                         const struct revoked *earlier, const struct judge *judge,
                         struct judge_count *ret, struct why *why);

/* Writes and signs what the struct holds (raw and digest are not looked at); refuses what parse
 * would refuse. Appends to ret. */
err_code snapshot_make(const struct snapshot *snapshot, struct hw_signer *const *signers,
                       size_t n_signers, struct buf *ret, struct why *why);

/* The entry of an alias; NULL if it is not in force. Borrows: from the snapshot. */
const struct snapshot_policy *snapshot_find(const struct snapshot *snapshot, struct slice alias);

#endif
