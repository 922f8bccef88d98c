/* SPDX-License-Identifier: Apache-2.0 */
/* hardware.h: opens a hardware root by its URI. The one place that names every kind of root. */
#ifndef PAWL_DECIDE_HARDWARE_H
#define PAWL_DECIDE_HARDWARE_H

#include "hw/root.h"

/* uri: "tpm:..." or "pkcs11:...". Errors: HARDWARE_URI, and what the root says. Owns: the caller
 * closes with hw_root_close(). Borrows: uri and options for the life of the root. */
err_code hardware_open(const char *uri, const struct hw_options *options, struct hw_root **ret,
                       struct why *why);

/* Judges a seal in software, by its kind, against an enrolment: the epoch that the hardware vouches
 * for, and the key that receipts of that epoch are signed with. binding is checked where the kind
 * carries one. Errors: PERMIT_INVALID, SIGNATURE_INVALID. */
err_code hardware_seal_verify(const struct hw_enrolment *enrolment, const struct hw_seal *seal,
                              const struct digest *binding, uint64_t *ret_epoch,
                              struct hw_pubkey *ret_receipt_key, struct why *why);

#endif
