/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.h: the head of the ledger in a TPM: three NV indexes (head_index.h), made by enrol under the
 * owner, used with an authorization of 32 random bytes that lies in store_dir/head-auth. What was
 * extended last stands in store_dir/head, which is overwritten in place in each round and not made
 * durable: a machine that crashes restarts its TPM, and then the chain is empty.
 */
#ifndef PAWL_TPM_HEAD_H
#define PAWL_TPM_HEAD_H

#include "tpm/chip.h"
#include "tpm/head_index.h"

#define TPM_HEAD_AUTH HW_STORE_SECRET
/* Of an enrolment that was set aside. Without it the indexes that are there have to be deleted, and
 * each counter that this TPM makes from then on begins above the rounds counted so far. */
#define TPM_HEAD_AUTH_BEFORE HW_STORE_SECRET_BEFORE
#define TPM_HEAD_BOOT "head"

/* What a root knows of its heads. */
struct tpm_heads {
    struct tpm_head_plan plan;
    TPM2B_AUTH auth; /* size 0: not read yet */
    bool known;      /* head_check succeeded, and every head_bind since */
    uint64_t first;  /* as the durable index has it */
    uint64_t counter, round;
    struct tpm_boot boot;
    int file; /* of store_dir/head; descriptor + 1 */
};
void tpm_heads_close(struct tpm_heads *heads);

struct tpm_root;

/* Where the indexes are and what they are, of an attached or enrolling root. */
void tpm_heads_plan(struct tpm_root *root);
struct tpm_nv tpm_heads_nv(const struct tpm_root *root, enum tpm_head_place place);

enum tpm_head_state {
    TPM_HEAD_ABSENT = 0,
    TPM_HEAD_FRESH, /* never written */
    TPM_HEAD_WRITTEN,
};
/* Whether an index is there. Error: COUNTER_FOREIGN when it is somebody else's. */
err_code tpm_head_look(struct tpm_root *root, enum tpm_head_place place, enum tpm_head_state *ret,
                       struct why *why);

/* What a command on an index failed with. */
err_code tpm_head_fail(struct tpm_root *root, enum tpm_head_place place, TSS2_RC rc,
                       const char *doing, struct why *why);

/* Reads the authorization from store_dir/name. Errors: NOT_FOUND; STATE_CORRUPT; STORAGE. */
err_code tpm_head_auth(const struct tpm_root *root, const char *name, TPM2B_AUTH *ret,
                       struct why *why);

/* Steps the counter, and once more where it may not stay. */
err_code tpm_head_step(struct tpm_root *root, uint64_t *counter, struct why *why);

err_code tpm_head_put_durable(struct tpm_root *root, const struct hw_head_record *durable,
                              struct why *why);

/* head_enrol.c. First all that can be known before anything is made: that the places are free or
 * ours, and that the TPM has orderly counters; ret_there: one of ours is there. Then makes them, or
 * finishes. Nothing is done without a store_dir. Errors: COUNTER_FOREIGN, UNSUPPORTED, NV_SPACE,
 * HEAD_MISSING. */
err_code tpm_heads_look(struct tpm_root *root, bool *ret_there, struct why *why);
/* Whether store_dir has the authorization of heads, in force or of before. */
bool tpm_heads_known(const struct tpm_root *root);
err_code tpm_heads_make(struct tpm_root *root, const TPM2B_AUTH *owner, struct why *why);

err_code tpm_root_head_check(struct hw_root *root, const struct hw_head *heads, size_t n,
                             struct hw_kept *ret, struct why *why);
err_code tpm_root_head_bind(struct hw_root *root, const struct hw_head *head, enum hw_keep keep,
                            struct why *why);

#endif
