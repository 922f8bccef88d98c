/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant.h: grants as they travel: a CBOR map that names the ratchet key by its kid. What a grant
 * says and how it is signed belongs to tpm/policy.h; whose key it is, to the root metadata.
 */
#ifndef PAWL_POLICY_GRANT_H
#define PAWL_POLICY_GRANT_H

#include "gate/policy/revoked.h"
#include "gate/policy/root_meta.h"
#include "tpm/policy.h"

/* {"for", "kid", "base", "epoch", "index", "digest", "signature"}. Borrows: the signature. */
struct grant {
    enum hw_grant_kind kind;
    struct digest kid;
    uint64_t base, epoch;
    uint32_t index;
    struct digest policy;
    struct slice sig;
};
#define GRANT_BASE_MAX TERM_NUMBER_MAX

const char *grant_kind_name(enum hw_grant_kind kind); /* "first", "bump", "sign", "certify" */

/* Reads and writes one map. get: errors stick in the reader (FORMAT, CBOR_TYPE). */
void grant_get(struct cbor_reader *r, struct grant *ret);
void grant_put(struct cbor_writer *w, const struct grant *grant);

/* From and to the form that the hardware takes. of_hw borrows the signature of grant. to_hw error:
 * GRANT_INVALID when the root metadata lists no ratchet key under this kid, or the signature does
 * not have the key's length. */
err_code grant_of_hw(const struct hw_grant *grant, struct grant *ret);
err_code grant_to_hw(const struct grant *grant, const struct root_meta *root, struct hw_grant *ret,
                     struct why *why);

/* Names and policies of every gate that was enrolled under this version 1 at this index with this
 * base. Errors: ROOT_SEQUENCE (not version 1), those of tpm_plan_make. */
err_code grant_plan(const struct root_meta *first, uint32_t index, uint64_t base,
                    struct tpm_plan *ret, struct why *why);

/* What a gate needs grants for. */
struct grant_need {
    uint32_t index;
    uint64_t base;
    uint64_t epoch; /* 0: to enrol (FIRST, BUMP 0); else BUMP, SIGN and CERTIFY of this epoch */
    struct digest snapshot; /* that SIGN and CERTIFY have to name; none needed to enrol */
};

/* Picks the grants that fit a need and checks each in software (tpm_grant_check). The key must be a
 * ratchet key of version 1, which is what the hardware was made to accept, and of the newest
 * version, and not revoked; grants by other keys are left out. Error: GRANT_INVALID when one does
 * not hold, or when one that is needed is missing. Owns: *ret, free(); NULL and 0 on error. */
struct grant_pick {
    const struct root_meta *first, *newest;
    const struct revoked *revoked; /* NULL: none */
    const struct grant *grants;
    size_t n_grants;
};
err_code grant_pick(const struct grant_pick *from, const struct grant_need *need,
                    struct hw_grant **ret, size_t *ret_n, struct why *why);

#endif
