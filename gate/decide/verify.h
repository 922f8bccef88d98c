/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.h: judges a permit offline, with nothing but the authority's root metadata version 1 and
 * the gate's enrolment: record, statement key, inclusion, receipt, seal, epoch. No hardware, no
 * clock.
 */
#ifndef PAWL_DECIDE_VERIFY_H
#define PAWL_DECIDE_VERIFY_H

#include "gate/ledger/permit.h"
#include "gate/policy/enrolment.h"
#include "gate/policy/root_meta.h"

/* What a verified permit says. Borrows from the permit's bytes and from the parsed permit. */
struct verified {
    struct permit permit; /* record.decision.permit tells permit from denial */
    struct checkpoint checkpoint;
    struct hw_pubkey receipt_key;
    uint64_t epoch;
    bool sealed; /* the hardware certified the epoch */
};
void verified_free(struct verified *verified);

/* Holds an enrolment against root metadata version 1: same digest and domain; for a TPM the Names
 * of counter and keys are the ones that this root metadata gives. Errors: ROOT_UNTRUSTED,
 * PERMIT_INVALID, and those of root_verify_first(). */
err_code verify_enrolment(const struct root_meta *first, const struct enrolment *enrolment,
                          struct why *why);

/* Judges one permit or denial under a verified enrolment. Errors: PERMIT_INVALID saying which part
 * disagrees with which; SIGNATURE_INVALID; those of permit_parse(). Owns: verified_free(). Borrows:
 * *ret from bytes. */
err_code verify_permit(struct slice bytes, const struct enrolment *enrolment, struct verified *ret,
                       struct why *why);

#endif
