/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anchor.h: the authority's public keys on the token. An anchor is a public-key object with
 * CKA_TRUSTED, which only the security officer can give, and only when it is made (PKCS#11 2.40
 * base 4.9; SoftHSM: at C_CreateObject). It can be neither changed, copied nor destroyed: whoever
 * holds the user PIN cannot replace it.
 *
 *     CKA_ID:    SHA-256 of the key's SubjectPublicKeyInfo. Not the RFC 9679 thumbprint that pawl
 * uses as kid: this layer knows no CBOR, and tools can compute this one with openssl. CKA_LABEL:
 * pawl:<domain>:anchor:<first 8 hex digits of the id>
 *
 * Whatever the names say, an anchor is believed only when CKA_TRUSTED is read back and the key is
 * the one wanted, bit for bit.
 */
#ifndef PAWL_PKCS11_ANCHOR_H
#define PAWL_PKCS11_ANCHOR_H

#include "hw/root.h"
#include "pkcs11/object.h"

/* Finds the trusted anchor of a key and compares it. Works without login. Errors: ANCHOR_MISSING;
 * ANCHOR_FOREIGN (an object that is not trusted, not protected, or holds another key stands there).
 */
err_code hsm_anchor_find(struct hsm_token *token, const struct hw_pubkey *key,
                         CK_OBJECT_HANDLE *ret, struct why *why);

/* Makes an anchor, logged in as the security officer, and reads it back. Error: HSM_KEY_WEAK. */
err_code hsm_anchor_make(struct hsm_token *token, const char *domain, const struct hw_pubkey *key,
                         struct why *why);

/* C_Verify against an anchor from hsm_anchor_find(). The lengths of digest and signature are
 * enforced here: tokens cut a long "digest" silently (CKM_ECDSA takes the leftmost bits,
 * PKCS#11 2.40 mechanisms 2.3.1). Only CKR_OK is valid, only CKR_SIGNATURE_INVALID and
 * CKR_SIGNATURE_LEN_RANGE are invalid; anything else is a failure of the token. Errors:
 * SIGNATURE_INVALID, HSM_FAILED, HSM_REMOVED, UNSUPPORTED. */
err_code hsm_anchor_verify(struct hsm_token *token, CK_OBJECT_HANDLE anchor,
                           const struct hw_statement *statement, struct why *why);

#endif
