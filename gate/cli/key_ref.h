/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_ref.h: the one grammar for keys: FILE.pem (or file:PATH), pkcs11:... (RFC 7512),
 * tpm2:handle=0x81...
 */
#ifndef PAWL_CLI_KEY_REF_H
#define PAWL_CLI_KEY_REF_H

#include "hw/key.h"

/* Where tpm2: keys live, and whether a simulator will do. */
struct key_ref_options {
    const char *tpm; /* tpm:... URI; NULL: tpm:device:/dev/tpmrm0 */
    bool allow_simulator;
};

/* Opens a private key. Errors: KEY_REF; NOT_FOUND; those of the device. Owns: hw_signer_close(). */
err_code key_ref_open(const char *ref, const struct key_ref_options *options,
                      struct hw_signer **ret, struct why *why);

/* The public key that a reference names: also a PEM file that holds only the public half. */
err_code key_ref_public(const char *ref, const struct key_ref_options *options,
                        struct hw_pubkey *ret, struct why *why);

/* Makes a key pair there. Error: EXISTS. Owns: hw_signer_close(). */
err_code key_ref_generate(const char *ref, enum hw_alg alg, const struct key_ref_options *options,
                          struct hw_signer **ret, struct why *why);

#endif
