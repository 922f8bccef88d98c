/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head_index.h: the three NV indexes that keep the head of the ledger, without a TPM: their public
 * areas and Names, what a value of the counter says, and what a chain is.
 *
 *     rounds   orderly counter: one step a round, in the TPM's memory
 *     chain    orderly extend index: every head of this boot, hashed one upon the other
 *     durable  ordinary index: a head that survives everything
 *
 * A TPM that loses power sets the low bits of an orderly counter to ones (part 1, 37.2.5, and the
 * reference code), since it knows no more than that they were at most that. So the value whose low
 * bits are all ones is taken for nothing else: a round never leaves the counter there, and the
 * counter alone says that power was lost, however often the TPM was restarted in order since.
 */
#ifndef PAWL_TPM_HEAD_INDEX_H
#define PAWL_TPM_HEAD_INDEX_H

#include "hw/head.h"
#include "tpm/policy.h"

enum tpm_head_place {
    TPM_HEAD_ROUNDS = 0,
    TPM_HEAD_CHAIN,
    TPM_HEAD_DURABLE,
    TPM_HEAD_PLACES,
};
const char *tpm_head_place_name(enum tpm_head_place place);

/* Where they are, whose they are, and how many low bits of the counter the TPM may lose. */
struct tpm_head_plan {
    uint32_t index[TPM_HEAD_PLACES];
    struct digest ref; /* policyRef of the gate's plan for BUMP: it says which root and domain */
    uint32_t orderly;  /* TPM_PT_ORDERLY_COUNT: 2^n - 1 */
};

/* The largest orderly count that is taken: more rounds would be in doubt than anybody wants. */
#define TPM_ORDERLY_MAX 0xFFFFu

/* The public area (part 2, 13.5 TPMS_NV_PUBLIC) and the Name of one. Its policy is satisfied by
 * nothing: it marks the index as pawl's, of this gate and this orderly count. public: appends. */
err_code tpm_head_public(const struct tpm_head_plan *plan, enum tpm_head_place place, bool written,
                         struct buf *ret);
err_code tpm_head_name(const struct tpm_head_plan *plan, enum tpm_head_place place, bool written,
                       uint8_t ret[static HW_TPM_NAME_LEN]);

/* What the counter says: at most this many rounds, and at least so many. */
struct tpm_rounds {
    uint64_t most, least;
    bool jumped; /* power was lost: the two differ */
};
struct tpm_rounds tpm_rounds_of(uint64_t counter, uint32_t orderly);
/* Whether a counter that stands here has to be stepped once more. */
bool tpm_rounds_skip(uint64_t counter, uint32_t orderly);

/* What the chain is after one more head (part 3, 31.9 TPM2_NV_Extend; a chain begins with zeroes).
 */
err_code tpm_chain_add(const struct digest *chain, const struct hw_head *head, struct digest *ret);

/* The octets of store_dir/head: up to where the chain was followed, and in which boot. The chain is
 * not among them but follows from the others, so that a file which leads to what the TPM has cannot
 * name another head than the one that was bound. */
struct tpm_boot {
    uint32_t resets, restarts; /* TPMS_CLOCK_INFO */
    struct digest before;      /* the chain without head */
    struct hw_head head;       /* the last one in it; size 0: none, chain is before */
    struct digest chain;
};
#define TPM_BOOT_LEN (4 + 4 + SHA256_LEN + HW_HEAD_LEN + 16)
err_code tpm_boot_write(const struct tpm_boot *boot, uint8_t ret[static TPM_BOOT_LEN]);
/* Error: FORMAT, also for another length. */
err_code tpm_boot_read(struct slice from, struct tpm_boot *ret);

#endif
