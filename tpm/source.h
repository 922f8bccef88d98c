/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h: where the transport to a TPM comes from, as a value that can be used again: a root that
 * lost its TPM closes the transport and opens another. Tests put their own in between.
 */
#ifndef PAWL_TPM_SOURCE_H
#define PAWL_TPM_SOURCE_H

#include "tpm/uri.h"

#include <tss2/tss2_tcti.h>

struct tpm_source {
    bool simulator; /* by its name: anything but a device */
    bool managed;   /* a resource manager shows us other programs' sessions, too */

    /* Opens the transport. Errors: TPM_NOT_FOUND, TPM_PERMISSION, TPM_BUSY, HARDWARE_URI. */
    err_code (*open)(struct tpm_source *source, unsigned deadline_ms, TSS2_TCTI_CONTEXT **ret,
                     struct why *why);
    void (*close)(struct tpm_source *source, TSS2_TCTI_CONTEXT **tcti);
    void (*free)(struct tpm_source *source);
};

/* The transport that a URI names, never another one. Owns: free with tpm_source_free. */
err_code tpm_source_of(const struct tpm_uri *uri, struct tpm_source **ret);
void tpm_source_free(struct tpm_source **source);

#endif
