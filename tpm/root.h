/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root.h: a TPM as a hardware root: an NV counter that only the authority's grants can step, a
 * receipt key and a seal key that sign only while the counter has not passed the epoch of the
 * grant. What the counter and the keys are is computed in policy.h; how they are reached, in uri.h.
 */
#ifndef PAWL_TPM_ROOT_H
#define PAWL_TPM_ROOT_H

#include "hw/root.h"

/* Opens the TPM that a URI names (uri.h), and no other. options are borrowed for the life of the
 * root. Owns: the caller closes with hw_root_close.
 * Errors: HARDWARE_URI, TPM_NOT_FOUND, TPM_PERMISSION, SIMULATOR_REFUSED, TPM_TIMEOUT... */
err_code tpm_root_open(const char *uri, const struct hw_options *options, struct hw_root **ret,
                       struct why *why);

#endif
