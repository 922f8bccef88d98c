/* SPDX-License-Identifier: Apache-2.0 */
/* owner.h: authorization values from files, for the owner hierarchy and for keys. */
#ifndef PAWL_TPM_OWNER_H
#define PAWL_TPM_OWNER_H

#include "gate/base/why.h"

#include <tss2/tss2_tpm2_types.h>

/* Reads an authorization; path NULL: the empty one. Errors: STORAGE, NOT_FOUND, TPM_AUTH when it is
 * longer than any authorization. */
err_code tpm_auth_read(const char *path, TPM2B_AUTH *ret, struct why *why);
void tpm_auth_wipe(TPM2B_AUTH *auth);

#endif
