/* SPDX-License-Identifier: Apache-2.0 */
/* audit.h: whom a ledger's auditor believes: the receipt keys that an enrolment, and for a token
 * the certificates that follow it, name. */
#ifndef PAWL_DECIDE_AUDIT_H
#define PAWL_DECIDE_AUDIT_H

#include "gate/ledger/audit.h"
#include "gate/policy/enrolment.h"

/* Owns: issuer. Borrows: the enrolment, and the chain's bytes. */
struct audit_trust {
    struct ledger_trust trust;
    const struct enrolment *enrolment;
    struct slice chain; /* epoch certificates, verified; empty for a TPM */
    struct buf issuer;
};

/* chain: the token's epoch certificates (state_dir/hw/epochs); empty for a TPM. Errors: those of
 * hsm_chain_verify(). Owns: audit_trust_free(). *ret must stay where it is while it is used. */
err_code audit_trust_make(const struct enrolment *enrolment, struct slice chain,
                          struct audit_trust *ret, struct why *why);
void audit_trust_free(struct audit_trust *trust);

#endif
