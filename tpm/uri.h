/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uri.h: tpm:NAME:CONF[?index=0x..&scratch=0x..&round=0x..&chain=0x..&head=0x..&receipt=0x..&
 * seal=0x..&pcr=N], the address of a TPM and the places that pawl takes in it. NAME:CONF names the
 * transport in the words of the TSS2 libraries (device:/dev/tpmrm0, swtpm:path=/SOCKET); both are
 * always required, nothing is guessed. And the references to keys in a TPM.
 */
#ifndef PAWL_TPM_URI_H
#define PAWL_TPM_URI_H

#include "gate/base/why.h"

#include <stdbool.h>
#include <stdint.h>

#define TPM_URI_CONF_MAX 255

/* The fleet's defaults: one set of grants serves every gate that keeps them. */
#define TPM_DEFAULT_INDEX 0x01800100u
#define TPM_DEFAULT_RECEIPT 0x81000100u
#define TPM_DEFAULT_SEAL 0x81000101u
#define TPM_DEFAULT_PCR 14
#define TPM_DEFAULT_BASE 64

struct tpm_uri {
    char tcti[16];                   /* "device", "swtpm", "mssim" or "cmd" */
    char conf[TPM_URI_CONF_MAX + 1]; /* as the transport reads it */
    bool device;                     /* the only transport that is no simulator by its name */
    uint32_t index;                  /* NV index of the counter, 0x01...... */
    uint32_t scratch;                /* NV index that enrol uses for a moment; index + 1 */
    uint32_t receipt, seal;          /* persistent handles, 0x81000000 to 0x817FFFFF */
    uint8_t pcr;                     /* 0 to 15: extended after each step */
    /* NV indexes for the head of the ledger: rounds, heads of a boot, durable head; index + 2 to
     * index + 4 */
    uint32_t round, chain, head;
};

/* Error: HARDWARE_URI, naming the part that is wrong. */
err_code tpm_uri_parse(const char *text, struct tpm_uri *ret, struct why *why);

/* "tpm2:handle=0x81......[&auth-file=/PATH]": a key in a TPM, see signer.h. */
struct tpm_key_ref {
    uint32_t handle;     /* 0x81...... */
    char auth_file[256]; /* "": no authorization */
};

/* Error: KEY_REF. */
err_code tpm_key_ref_parse(const char *text, struct tpm_key_ref *ret, struct why *why);

#endif
