/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrolment.h: the file that init prints: the public facts of an enrolled gate. The authority makes
 * grants for it, a verifier judges permits with it. It is not signed: whoever takes it compares its
 * digest with the one that init showed, as one compares the fingerprint of a key.
 */
#ifndef PAWL_POLICY_ENROLMENT_H
#define PAWL_POLICY_ENROLMENT_H

#include "gate/cose/x509.h"
#include "gate/policy/term.h"
#include "hw/root.h"

#define ENROLMENT_SIZE_MAX ((size_t)64 << 10)

#define ENROLMENT_ISSUER_MAX 1024 /* bytes */

/* Borrows domain, gate, zone, log, issuer and the chain: from the bytes it was parsed from, or from
 * the caller. */
struct enrolment {
    struct slice domain, gate;
    struct slice zone;   /* empty: in none */
    struct digest root;  /* of root metadata version 1 */
    struct slice log;    /* C2SP verifier key of the log, named like its origin: tlog_origin() */
    struct slice issuer; /* URI: who issues the records. enrolment_issuer(), or a did:x509 */
    struct x509_chain device_chain; /* certificates of the device's key (hw_enrolment_device()), its
                                       own first, for a did:x509; n 0: none */
    struct hw_enrolment hw;
};

/* Strict. Errors: CBOR_*, FORMAT, KEY_MALFORMED, UNSUPPORTED (another kind of root), those of
 * issuer_of_enrolment(). */
err_code enrolment_parse(struct slice bytes, struct enrolment *ret, struct why *why);

/* Appends the deterministic CBOR. Errors: FORMAT for what parse would refuse. */
err_code enrolment_write(const struct enrolment *enrolment, struct buf *ret, struct why *why);

/* Appends "dev.pawl:<domain>/<gate>", percent-encoded, NUL-terminated beyond its length: who a
 * gate is that has no chain of certificates. (A private scheme: RFC 7595 3.8.) */
err_code enrolment_issuer(struct slice domain, struct slice gate, struct buf *ret);

/* Nothing is owned; stands in CLEANUP(). */
void enrolment_free(struct enrolment *enrolment);

#endif
