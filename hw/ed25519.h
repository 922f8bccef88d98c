/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ed25519.h: Ed25519 (RFC 8032) in software: for the key under which a log publishes its
 * checkpoints, and for the signatures of witnesses. It stands apart from hw_signer because Ed25519
 * signs whole messages and no hardware root offers it; nothing is permitted on its word.
 */
#ifndef PAWL_HW_ED25519_H
#define PAWL_HW_ED25519_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"

#define ED25519_KEY_LEN 32
#define ED25519_SIG_LEN 64

/* A key pair. {0} is none. Secret: wiped by hw_ed25519_wipe. */
struct hw_ed25519 {
    uint8_t public[ED25519_KEY_LEN];
    uint8_t seed[ED25519_KEY_LEN]; /* the private key of RFC 8032 5.1.5 */
};

/* A fresh pair. Error: KEY_SIGN when OpenSSL has no randomness. */
err_code hw_ed25519_generate(struct hw_ed25519 *ret, struct why *why);
/* The pair of a given seed. */
err_code hw_ed25519_from_seed(const uint8_t seed[static ED25519_KEY_LEN], struct hw_ed25519 *ret);
void hw_ed25519_wipe(struct hw_ed25519 *key);

/* PEM, PKCS#8 (RFC 8410 7). Errors: KEY_REF when it is another kind of key or encrypted. */
err_code hw_ed25519_from_pem(struct slice pem, struct hw_ed25519 *ret, struct why *why);
err_code hw_ed25519_to_pem(const struct hw_ed25519 *key, struct buf *ret);

/* The same in a file that must not be there yet and that only its owner may read (0600). Loading
 * refuses a file that others may read. Errors: EXISTS, NOT_FOUND, STORAGE, KEY_REF. */
err_code hw_ed25519_save(const char *path, const struct hw_ed25519 *key, struct why *why);
err_code hw_ed25519_load(const char *path, struct hw_ed25519 *ret, struct why *why);

/* Signs a message as it is. Error: KEY_SIGN. */
err_code hw_ed25519_sign(const struct hw_ed25519 *key, struct slice message,
                         uint8_t ret[static ED25519_SIG_LEN], struct why *why);

/* Error: SIGNATURE_INVALID, also for another length or a key that is no point of large order: under
 * a point of small order anybody can make signatures. */
err_code hw_ed25519_verify(const uint8_t public[static ED25519_KEY_LEN], struct slice message,
                           struct slice sig);

/* Refuses keys of small order. Error: KEY_MALFORMED. */
err_code hw_ed25519_check(const uint8_t public[static ED25519_KEY_LEN], struct why *why);

#endif
