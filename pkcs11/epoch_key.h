/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epoch_key.h: the private keys of one gate on a token: the identity key, which lasts, and the
 * epoch keys, of which the newest is the ratchet's position. Their names carry the gate and the
 * epoch:
 *
 *     CKA_ID of the identity key: first 8 bytes of
 *                                 SHA-256("pawl-hsm-v1" 00 domain 00 gate 00 root digest)
 *     CKA_ID of an epoch key:     the same 8 bytes, then the epoch as u64, big-endian
 *     CKA_LABEL:                  pawl:<domain>:<gate>:identity, pawl:<domain>:<gate>:epoch:<n>
 *
 * The root digest is that of root metadata version 1. Anchors are bare keys, so one of them could
 * sign another version 1; under that one there are no keys here.
 *
 * Public-key objects are not kept: whoever has the PIN can write any point into one. The public key
 * that belongs to a private key is proved by what the private key signs.
 */
#ifndef PAWL_PKCS11_EPOCH_KEY_H
#define PAWL_PKCS11_EPOCH_KEY_H

#include "hw/root.h"
#include "pkcs11/object.h"

#define HSM_SPACE_LEN 8
#define HSM_LABEL_MAX (2 * HW_NAME_MAX + 64)

/* The names of one gate. */
struct hsm_space {
    struct digest root; /* of root metadata version 1 */
    uint8_t id[HSM_SPACE_LEN];
    char prefix[2 * HW_NAME_MAX + 8]; /* "pawl:<domain>:<gate>" */
};
err_code hsm_space_of(const struct hw_owner *owner, struct hsm_space *ret, struct why *why);

struct hsm_key {
    CK_OBJECT_HANDLE handle;
    uint64_t epoch; /* meaningless for the identity key */
};

/* Finds the one identity key that is protected as it should be. One that is not (a token that was
 * switched off while it made the key may leave that behind) is passed over, since it cannot be
 * destroyed. Errors: HSM_KEY_MISSING, HSM_KEY_WEAK when there are only such, HSM_KEY_FOREIGN when
 * there are several good ones. */
err_code hsm_identity_find(struct hsm_token *token, const struct hsm_space *space,
                           CK_OBJECT_HANDLE *ret, struct why *why);

/* Finds every epoch key of the gate, the highest epoch first. *ret_n may be 0. Error: TOO_LARGE
 * beyond max. */
err_code hsm_epoch_keys(struct hsm_token *token, const struct hsm_space *space, struct hsm_key *ret,
                        size_t max, size_t *ret_n, struct why *why);

/* The head keys (head.h), in no order: epoch is the round. CKA_ID: the 8 bytes, 'h', the round;
 * CKA_LABEL: pawl:<domain>:<gate>:head:<round>:<size>. */
err_code hsm_head_keys(struct hsm_token *token, const struct hsm_space *space, struct hsm_key *ret,
                       size_t max, size_t *ret_n, struct why *why);
err_code hsm_head_generate(struct hsm_token *token, const struct hsm_space *space,
                           const struct hw_head *head, CK_OBJECT_HANDLE *ret, struct why *why);

/* Generates a key pair and reads back what the token made of the request. The identity key cannot
 * be destroyed, an epoch key can. Errors: HSM_KEY_WEAK, UNSUPPORTED. */
err_code hsm_identity_generate(struct hsm_token *token, const struct hsm_space *space,
                               CK_OBJECT_HANDLE *ret, struct why *why);
err_code hsm_epoch_generate(struct hsm_token *token, const struct hsm_space *space, uint64_t epoch,
                            CK_OBJECT_HANDLE *ret, struct why *why);

/* Reads the protections of a key: made in the token, never outside of it, for CKM_ECDSA alone.
 * Error: HSM_KEY_WEAK. */
err_code hsm_epoch_check(struct hsm_token *token, CK_OBJECT_HANDLE key, struct why *why);

/* C_Sign with CKM_ECDSA over 32 bytes; the answer is exactly 64 bytes. */
err_code hsm_key_sign(struct hsm_token *token, CK_OBJECT_HANDLE key, const struct digest *digest,
                      uint8_t ret[static 64], struct why *why);

/* Has the key sign something fresh and compares with the public key that it should have. Error:
 * HSM_KEY_FOREIGN. what: the key, for people. */
err_code hsm_key_prove(struct hsm_token *token, CK_OBJECT_HANDLE key, const struct hw_pubkey *pub,
                       const char *what, struct why *why);

/* Finds out the public key from two fresh signatures (SEC 1, 4.1.6). */
err_code hsm_key_public(struct hsm_token *token, CK_OBJECT_HANDLE key, struct hw_pubkey *ret,
                        struct why *why);

#endif
