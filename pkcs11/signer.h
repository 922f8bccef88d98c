/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signer.h: keys of the authority that live on a PKCS#11 token, as signers. They are named by an
 * RFC 7512 URI that says which module, which token, and which key (object, id, or both):
 * "pkcs11:token=ops;object=policy-2026?module-path=/usr/lib/x.so&pin-source=file:/run/pin". For
 * PINs the rules of root.h hold: from a file, flags looked at first, never tried twice.
 */
#ifndef PAWL_PKCS11_SIGNER_H
#define PAWL_PKCS11_SIGNER_H

#include "hw/key.h"

#define HSM_KEY_URI_MAX 1536

/* Opens the one private key that the URI names: P-256, P-384, or RSA of 2048 to 4096 bits. Each
 * signature is verified in software before it is handed out, since the public key that a token
 * shows need not belong to the private one. Owns: the caller closes; the module stays loaded until
 * then. Errors: KEY_REF (no object in the URI, or several keys match), NOT_FOUND, KEY_MALFORMED,
 * COSE_ALG, HARDWARE_URI, HSM_*. */
err_code hsm_signer_open(const char *uri, struct hw_signer **ret, struct why *why);

/* Makes a key pair under the name in the URI (object; id if given, else a random one), which must
 * be free, and gives the URI of the private key. It never leaves the token. RSA keys have 3072
 * bits. Errors: KEY_REF, EXISTS, HSM_KEY_WEAK, UNSUPPORTED, and those of open. */
err_code hsm_signer_generate(const char *uri, enum hw_alg alg, char ret_uri[static HSM_KEY_URI_MAX],
                             struct why *why);

/* One private key on a token. key.alg is HW_ALG_NONE, and reason says why, when it cannot be a
 * signer. */
struct hsm_listed {
    char uri[HSM_KEY_URI_MAX]; /* opens this very key */
    char label[256];
    struct hw_pubkey key;
    char reason[96];
};

/* Lists the private keys that match the URI, which need not name an object. Error: TOO_LARGE when
 * there are more than max. */
err_code hsm_signer_list(const char *uri, struct hsm_listed *ret, size_t max, size_t *ret_n,
                         struct why *why);

#endif
