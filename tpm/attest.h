/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attest.h: the TPM's seal read and judged offline, with the enrolment alone: TPMS_ATTEST of type
 * TPM_ST_ATTEST_NV (part 2, 10.12.12), which says "this index held this value, and here are the
 * octets you gave me", signed by a restricted key, which signs nothing else.
 */
#ifndef PAWL_TPM_ATTEST_H
#define PAWL_TPM_ATTEST_H

#include "hw/root.h"

/* A TPMS_ATTEST of type NV, taken apart. Borrows from the octets that were read. */
struct tpm_attest {
    struct slice signer;       /* Qualified Name of the signing key */
    struct slice extra;        /* qualifyingData */
    uint64_t clock;            /* ms that the TPM was powered */
    uint32_t resets, restarts; /* obfuscated for keys in the owner hierarchy: only differences mean
                                  something */
    bool safe;                 /* clock was not set back by a power cut */
    uint64_t firmware;         /* obfuscated, too */
    struct slice index_name;
    uint16_t offset;
    struct slice contents;
};

/* Strict: every size within its limit, no octet left over. Error: FORMAT. */
err_code tpm_attest_parse(struct slice bytes, struct tpm_attest *ret, struct why *why);

/* What a seal proves. */
struct tpm_sealed {
    uint64_t counter, epoch; /* at the moment of sealing */
    uint64_t clock;
    uint32_t resets, restarts;
    bool safe;
};

/* Judges a seal of kind HW_SEAL_TPM_CERTIFY: by the enrolled seal key, over the enrolled counter,
 * bound to binding. The caller compares the epoch. Errors: FORMAT, SIGNATURE_INVALID,
 * PERMIT_INVALID when it is a good attestation of something else. */
err_code tpm_seal_verify(const struct hw_enrolment *enrolment, const struct hw_seal *seal,
                         const struct digest *binding, struct tpm_sealed *ret, struct why *why);

#endif
