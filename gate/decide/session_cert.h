/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_cert.h: the certificates of a session, issued by the hardware in the round that begins
 * it: of the statement key, by the receipt key; of the receipt key, where that is not the device's
 * own (on a token), by the device; of the device by itself, once, in <state>/device.crt, unless the
 * enrolment has a chain of an authority.
 *
 * What they say is what the key_rotation record says, in the form that everybody else reads. They
 * are valid from the beginning of the session for ten years: nobody knows when a session ends, and
 * its records must be checked for longer than the longest retention class (seven years) lasts. Not
 * beyond the certificates above them, of course. The device's own has no end (RFC 5280 4.1.2.5):
 * its key lives as long as the hardware, and whoever could renew it holds the same key.
 */
#ifndef PAWL_DECIDE_SESSION_CERT_H
#define PAWL_DECIDE_SESSION_CERT_H

#include "gate/policy/enrolment.h"

#define SESSION_CERT_YEARS 10

/* For whom. Borrowed. */
struct session_ask {
    struct hw_root *hw; /* in an open round */
    const struct enrolment *enrolment;
    const char *state_dir;
    const struct hw_pubkey *key; /* the statement key */
    const char *session_id;
    uint64_t epoch;
    int64_t now; /* seconds since 1970 */
};

/* The chain, leaf first: session; epoch, on a token; device; what certifies it. Borrows: from made,
 * and from the enrolment, which must outlive it. */
struct session_cert {
    struct buf made[3];
    struct x509_chain chain;
};
void session_cert_free(struct session_cert *cert);

/* Makes them, and judges the chain as a verifier will. Errors: those of the hardware; STORAGE*;
 * EXPIRED and NOT_YET_VALID when the device's chain is not valid now; CERT_CHAIN, DID_REFUSED.
 * Owns: session_cert_free(). */
err_code session_cert_make(const struct session_ask *ask, struct session_cert *ret,
                           struct why *why);

/* The same chain without the session's: of the key that signs receipts. */
struct x509_chain session_cert_receipt(const struct session_cert *cert);

#endif
