/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signer.h: keys of the authority that live in a TPM at persistent handles, as signers:
 * "tpm2:handle=0x81000042", with "&auth-file=/PATH" when the key has an authorization. The TPM is
 * named by a hardware URI (uri.h), of which only the transport counts here.
 */
#ifndef PAWL_TPM_SIGNER_H
#define PAWL_TPM_SIGNER_H

#include "hw/root.h"

/* Opens the key at a handle. It must be able to sign digests that come from outside: ECC P-256,
 * P-384 or RSA, unrestricted. Owns: the caller closes; it keeps the TPM open until then.
 * Errors: KEY_REF, NOT_FOUND, KEY_MALFORMED, COSE_ALG, STORAGE (auth-file), TPM_*. */
err_code tpm_signer_open(const char *tpm, const char *ref, const struct hw_options *options,
                         struct hw_signer **ret, struct why *why);

/* Makes a key at a free handle, under the owner authorization of the options, and opens it. RSA
 * keys have 2048 bits. Errors: EXISTS when the handle is taken, UNSUPPORTED, NV_SPACE, and those of
 * open. */
err_code tpm_signer_generate(const char *tpm, const char *ref, enum hw_alg alg,
                             const struct hw_options *options, struct hw_signer **ret,
                             struct why *why);

/* One persistent object. key.alg is HW_ALG_NONE, and reason says why, when it cannot be a signer.
 */
struct tpm_listed {
    uint32_t handle;
    struct hw_pubkey key;
    char reason[96];
};

/* Lists the persistent objects, at most max. */
err_code tpm_signer_list(const char *tpm, const struct hw_options *options, struct tpm_listed *ret,
                         size_t max, size_t *ret_n, struct why *why);

#endif
