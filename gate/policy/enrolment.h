/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrolment.h: the file that init prints: the public facts of an enrolled gate. The authority makes
 * grants for it, a verifier judges permits with it. It is not signed: whoever takes it compares its
 * digest with the one that init showed, as one compares the fingerprint of a key.
 */
#ifndef PAWL_POLICY_ENROLMENT_H
#define PAWL_POLICY_ENROLMENT_H

#include "gate/policy/term.h"
#include "hw/root.h"

#define ENROLMENT_SIZE_MAX ((size_t)64 << 10)

/* Borrows domain, gate and zone: from the bytes it was parsed from, or from the caller. */
struct enrolment {
    struct slice domain, gate;
    struct slice zone;  /* empty: in none */
    struct digest root; /* of root metadata version 1 */
    struct hw_enrolment hw;
};

/* Strict. Errors: CBOR_*, FORMAT, KEY_MALFORMED, UNSUPPORTED (another kind of root). */
err_code enrolment_parse(struct slice bytes, struct enrolment *ret, struct why *why);

/* Appends the deterministic CBOR. Errors: FORMAT for what parse would refuse. */
err_code enrolment_write(const struct enrolment *enrolment, struct buf *ret, struct why *why);

/* Nothing is owned; stands in CLEANUP(). */
void enrolment_free(struct enrolment *enrolment);

#endif
