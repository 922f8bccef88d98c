/* SPDX-License-Identifier: Apache-2.0 */
/* hardware.h: opens a hardware root by its URI. The one place that names every kind of root. */
#ifndef PAWL_DECIDE_HARDWARE_H
#define PAWL_DECIDE_HARDWARE_H

#include "hw/root.h"

/* uri: "tpm:..." or "pkcs11:...". Errors: HARDWARE_URI, and what the root says. Owns: the caller
 * closes with hw_root_close(). Borrows: uri and options for the life of the root. */
err_code hardware_open(const char *uri, const struct hw_options *options, struct hw_root **ret,
                       struct why *why);

/* The file with the secret that this URI's root asks for whenever it is opened (a token's PIN),
 * ended by a zero; empty: none. Error: HARDWARE_URI and others of a wrong one. Owns: the caller
 * frees. */
err_code hardware_secret(const char *uri, struct buf *ret, struct why *why);

/* What a seal says. */
struct hardware_sealed {
    uint64_t epoch;               /* that the hardware vouches for */
    struct hw_pubkey receipt_key; /* that receipts of that epoch are signed with */
    bool names_snapshot;          /* a token's certificate does; on a TPM it is in the binding */
    struct digest snapshot;
};

/* Judges a seal in software, by its kind, against an enrolment. binding is checked where the kind
 * carries one. Errors: PERMIT_INVALID, SIGNATURE_INVALID. */
err_code hardware_seal_verify(const struct hw_enrolment *enrolment, const struct hw_seal *seal,
                              const struct digest *binding, struct hardware_sealed *ret,
                              struct why *why);

#endif
