/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_object.h: the epoch certificates on the token, beside the file. When an older disk is put
 * back, the file ends before the epoch that the token is at, and the keys that could certify the
 * current one are destroyed; the certificates on the token lead on from there.
 *
 *     CKO_DATA, CKA_TOKEN, not CKA_PRIVATE, not CKA_MODIFIABLE where the token takes that
 *     CKA_APPLICATION: pawl
 *     CKA_LABEL:       pawl:<domain>:<gate>:cert:<epoch>
 *     CKA_VALUE:       the 294 bytes
 *
 * Anybody who reaches the token can write and destroy such objects, so nothing that is read here is
 * believed before the whole chain verifies and the key at its end has proved itself. A token that
 * has no room for data objects, or does not know them, serves without: then the file is all there
 * is.
 */
#ifndef PAWL_PKCS11_CERT_OBJECT_H
#define PAWL_PKCS11_CERT_OBJECT_H

#include "pkcs11/epoch_cert.h"
#include "pkcs11/epoch_key.h"

/* Puts the certificates from the newest down to the first that is there already. That the token
 * refuses one is no error. Errors: HSM_REMOVED, HSM_FAILED. */
err_code hsm_certs_keep(struct hsm_token *token, const struct hsm_space *space, struct slice chain,
                        struct why *why);

/* What certificates are looked for: those that lead from a chain to the highest of the keys that
 * they reach. */
struct hsm_wanted {
    const struct hsm_space *space;
    const struct hw_enrolment *enrolment;
    const struct hsm_key *keys; /* highest epoch first */
    size_t n_keys;
};

/* Extends a chain with what verifies; *chain stays as it is, and ret false, when nothing does. The
 * key at the new end is on the token, protected as it should be, and proved. */
err_code hsm_certs_extend(struct hsm_token *token, const struct hsm_wanted *wanted,
                          struct buf *chain, bool *ret, struct why *why);

#endif
