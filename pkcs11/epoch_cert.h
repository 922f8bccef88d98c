/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epoch_cert.h: the certificates that link the epoch keys of an HSM from enrolment to now. Knows no
 * PKCS#11: the authority and auditors verify a chain without a token.
 *
 * A certificate is 294 bytes, integers big-endian:
 *
 *     "pawl-epoch-v1" 00 | epoch u64 | since u64 | x 32 | y 32 | digest of the snapshot 32
 *     | previous epoch u64 | SHA-256 of the previous certificate 32
 *                                                       (these 166 bytes are signed, over SHA-256)
 *     | signature by the previous epoch's key 64 | signature by the identity key 64
 *
 * In the first one the snapshot and the three "previous" fields are zero: an enrolment has no
 * rules. In every other one the snapshot is the one that the step was made for. So the token, and
 * whoever verifies the chain, takes no other snapshot for that epoch, whatever lies on the disk.
 * The signature by the previous key is the
 * ratchet: that key is destroyed after its one certificate is on the disk, so nobody can later make
 * a key of an epoch that has passed and have it reach back to the enrolment, not even with the PIN
 * and the identity key. What it does not prevent: whoever has the PIN while epoch e is current can
 * certify a second successor of e beside the gate's own. Such a fork shows to anyone who holds the
 * gate's own chain.
 *
 * `since` is what the gate's clock said. It is a claim, and nothing is decided by it.
 */
#ifndef PAWL_PKCS11_EPOCH_CERT_H
#define PAWL_PKCS11_EPOCH_CERT_H

#include "hw/root.h"

#define HSM_CERT_BODY 166
#define HSM_CERT_LEN (HSM_CERT_BODY + 64 + 64)
#define HSM_CHAIN_MAX 4096 /* certificates, that is steps of one gate; about 1.2 MB */

struct hsm_cert {
    uint64_t epoch, since;
    struct hw_pubkey key;        /* P-256 */
    struct digest snapshot;      /* in force in this epoch; zero in the first */
    uint64_t previous;           /* epoch; 0 in the first */
    struct digest previous_cert; /* zero in the first */
    uint8_t previous_sig[64];    /* zero in the first */
    uint8_t identity_sig[64];
};

/* The digest that both signatures cover. */
err_code hsm_cert_digest(const struct hsm_cert *cert, struct digest *ret);

/* Appends the 294 bytes. Error: KEY_MALFORMED when the key is not P-256. */
err_code hsm_cert_encode(const struct hsm_cert *cert, struct buf *ret);

/* Reads exactly one certificate; judges its form, not its signatures. Error: FORMAT. */
err_code hsm_cert_parse(struct slice bytes, struct hsm_cert *ret, struct why *why);

/* True of the first certificate: its epoch is bound to no snapshot. */
bool hsm_cert_unbound(const struct hsm_cert *cert);

/* The number of certificates, the first and the last of a chain. Errors: FORMAT (empty, or not a
 * multiple of the length), TOO_LARGE. */
err_code hsm_chain_count(struct slice chain, size_t *ret, struct why *why);
err_code hsm_chain_first(struct slice chain, struct hsm_cert *ret, struct why *why);
err_code hsm_chain_last(struct slice chain, struct hsm_cert *ret, struct why *why);

/* Verifies a whole chain against an enrolment, in software: the first certificate is for the key
 * and the epoch that the enrolment names; each epoch is above the one before; every signature
 * holds; each but the first names a snapshot. Gives the last certificate: the epoch, its key, its
 * snapshot. Errors: FORMAT, TOO_LARGE, SIGNATURE_INVALID,
 * HSM_KEY_FOREIGN (it begins with another key or epoch than the enrolment). */
err_code hsm_chain_verify(const struct hw_enrolment *enrolment, struct slice chain,
                          struct hsm_cert *ret_last, struct why *why);

/* The same, when the caller has verified the first certificates of exactly these bytes before:
 * verifies the others. */
err_code hsm_chain_verify_rest(const struct hw_enrolment *enrolment, struct slice chain,
                               size_t n_verified, struct hsm_cert *ret_last, struct why *why);

#endif
