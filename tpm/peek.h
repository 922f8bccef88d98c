/* SPDX-License-Identifier: Apache-2.0 */
/* peek.h: what can be seen of a TPM without changing anything in it: for whoever looks for what is
 * wrong, and not for decisions. Each opens the TPM and closes it again. */
#ifndef PAWL_TPM_PEEK_H
#define PAWL_TPM_PEEK_H

#include "hw/root.h"

struct tpm_peek {
    struct hw_description about;
    bool locked_out;           /* TPMA_PERMANENT inLockout */
    uint32_t tries, tries_max; /* TPM_PT_LOCKOUT_COUNTER, TPM_PT_MAX_AUTH_FAIL */
};

/* Errors: those of tpm_root_open(); TPM_*. */
err_code tpm_peek(const char *uri, const struct hw_options *options, struct tpm_peek *ret,
                  struct why *why);

/* Compares counter and keys with the owner and the enrolment, as attach does, and reads the epoch.
 * Errors: COUNTER_MISSING, COUNTER_FOREIGN, HANDLE_FOREIGN, TPM_KEY_MISSING, TPM_*. */
struct tpm_peek_at {
    const char *uri;
    const struct hw_options *options;
    const struct hw_owner *owner;
    const struct hw_enrolment *enrolment;
};
err_code tpm_peek_epoch(const struct tpm_peek_at *at, uint64_t *ret, struct why *why);

#endif
