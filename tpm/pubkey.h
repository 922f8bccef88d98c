/* SPDX-License-Identifier: Apache-2.0 */
/* pubkey.h: public areas and signatures of the TPM as pawl's plain keys and raw signatures. */
#ifndef PAWL_TPM_PUBKEY_H
#define PAWL_TPM_PUBKEY_H

#include "hw/key.h"

#include <tss2/tss2_tpm2_types.h>

/* The public key in a public area. Errors: COSE_ALG for a kind that pawl does not use (another
 * curve or type), KEY_MALFORMED. */
err_code tpm_pubkey_of(const TPMT_PUBLIC *area, struct hw_pubkey *ret, struct why *why);

/* A signature as pawl writes them: r || s at full length (a TPM may leave out leading zeroes), or
 * the RSASSA-PSS octets. Appends. Error: KEY_SIGN when it is not one by such a key. */
err_code tpm_raw_signature(const struct hw_pubkey *key, const TPMT_SIGNATURE *sig, struct buf *ret,
                           struct why *why);

#endif
