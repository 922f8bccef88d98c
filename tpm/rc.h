/* SPDX-License-Identifier: Apache-2.0 */
/* rc.h: TPM response codes (part 2, 6.6) taken apart: which layer said it, and which error,
 * parameter and session a format-one code means. */
#ifndef PAWL_TPM_RC_H
#define PAWL_TPM_RC_H

#include "gate/base/err.h"

#include <stdbool.h>
#include <tss2/tss2_common.h>
#include <tss2/tss2_tpm2_types.h>

/* The TPM's own code, whether it came straight or through a resource manager, which marks the codes
 * that pass through it with its layer; codes of the TSS2 libraries stay as they are. */
TSS2_RC tpm_rc(TSS2_RC rc);

/* True if the TPM itself said it; false if a library or the transport failed. */
bool tpm_rc_from_chip(TSS2_RC rc);

/* For format-one codes: the error without its position (TPM2_RC_VALUE and so on), and true if it is
 * about that parameter (1 to 15), handle (1 to 7) or session (1 to 7). */
TSS2_RC tpm_rc_error(TSS2_RC rc);
bool tpm_rc_parameter(TSS2_RC rc, unsigned number);
bool tpm_rc_handle(TSS2_RC rc, unsigned number);

/* Our session or object is not there any more: another program or a reset took it. */
bool tpm_rc_gone(TSS2_RC rc);

/* The TPM has no room for another object or session. */
bool tpm_rc_full(TSS2_RC rc);

/* The error that a code means when the caller knows nothing better. */
err_code tpm_rc_err(TSS2_RC rc);

#endif
