/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.h: do enough holders of a role stand behind a signed object? Who verifies a single
 * signature is the caller's business: the gate passes its hardware, the authority and auditors pass
 * software.
 *
 * The rules. A signature by a key that the role does not list is ignored. Any other one must be
 * valid, or the whole object is refused. Each key counts once, however often it has signed. A
 * revoked key does not count.
 */
#ifndef PAWL_POLICY_JUDGE_H
#define PAWL_POLICY_JUDGE_H

#include "gate/policy/revoked.h"
#include "gate/policy/root_meta.h"

struct judge {
    /* OK, SIGNATURE_INVALID, or what the hardware said (which is passed on). Fills why. */
    err_code (*verify)(void *ctx, const struct hw_statement *statement, struct why *why);
    void *ctx;
};

/* hw_verify_soft() as a judge; ctx is not used. */
extern const struct judge JUDGE_SOFT;

/* Which signatures count. Borrows both. */
struct judge_rule {
    const struct root_meta *root;
    enum root_role role;
    const struct revoked *revoked[2]; /* a key listed in either does not count; NULL: none */
};

/* The signatures that counted, one per key, in the order of the message. About 19 KB. */
struct judge_count {
    size_t n;
    struct hw_statement statements[HW_SIGNERS_MAX];
};

/* Judges the signatures of one object. ret may be NULL. Errors: SIGNATURE_INVALID; SIGNER_UNKNOWN
 * (no signature by any key of the role); THRESHOLD; REVOKED (enough only if revoked keys counted);
 * those of the judge. */
err_code judge_object(const struct judge *judge, const struct envelope *envelope,
                      const struct judge_rule *rule, struct judge_count *ret, struct why *why);

/* The same count over an object whose signatures were found valid before: who is listed and not
 * revoked by now? Errors: SIGNER_UNKNOWN, THRESHOLD, REVOKED. */
err_code judge_again(const struct digest *kids, size_t n_kids, const struct judge_rule *rule,
                     const char *what, struct why *why);

#endif
