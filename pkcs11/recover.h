/* SPDX-License-Identifier: Apache-2.0 */
/* recover.h: the P-256 public key behind two ECDSA signatures (SEC 1 version 2, 4.1.6). */
#ifndef PAWL_PKCS11_RECOVER_H
#define PAWL_PKCS11_RECOVER_H

#include "hw/key.h"

/* One signature has two possible public keys, one of which verifies the other signature. The keys
 * in the statements are ignored. Error: HSM_FAILED when no key, or two, verify both: then they are
 * not two signatures by one key over two digests. */
err_code hsm_recover(const struct hw_statement *first, const struct hw_statement *second,
                     struct hw_pubkey *ret, struct why *why);

#endif
