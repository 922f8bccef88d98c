/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step.c: raising the counter, and making sure that nothing of the earlier epoch lives on.
 *
 * A policy session that was satisfied before the increment would still sign after it: PolicyNV is
 * judged when it runs. The PolicyPCR in every grant lets such sessions die as soon as a PCR is
 * extended. So each epoch is settled once: after its increment a PCR is extended, and then the
 * epoch is written to store_dir/settled. Whoever finds another number there, or none, extends
 * again. That covers the gate that was killed in between, the increment that somebody else made
 * with the grant, and the disk that was restored, where a mark "a step is unfinished" would cover
 * the first alone.
 */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "tpm/command.h"
#include "tpm/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SETTLED_MAX 32
#define NOT_SETTLED 0 /* no step leads to epoch 0; enrolment settles it once */

static err_code settled_path(const struct tpm_root *root, struct buf *ret)
{
    return root->options.store_dir == NULL ? ERR_NOT_FOUND
                                           : path_join(root->options.store_dir, "settled", ret);
}

static bool is_settled(const struct tpm_root *root, uint64_t epoch)
{
    CLEANUP(buf_free) struct buf path = {0}, text = {0};
    uint64_t found;

    if (settled_path(root, &path) != ERR_OK ||
        file_read((const char *)path.ptr, SETTLED_MAX, &text, NULL) != ERR_OK || text.len == 0 ||
        text.ptr[text.len - 1] != '\n')
        return false;
    buf_cut(&text, text.len - 1);
    if (buf_terminate(&text) != ERR_OK)
        return false;
    return number_parse((const char *)text.ptr, UINT64_MAX, &found) == ERR_OK && found == epoch;
}

/* Durable once it returns OK. Without a directory there is never a mark, and nothing to replace. */
static err_code write_mark(const struct tpm_root *root, uint64_t epoch, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};
    char text[SETTLED_MAX];

    if (root->options.store_dir == NULL)
        return ERR_OK;
    TRY(settled_path(root, &path));
    (void)snprintf(text, sizeof text, "%" PRIu64 "\n", epoch);
    return file_write((const char *)path.ptr, slice_str(text), 0600, why);
}

/* A failure to write costs one more extension at the next start. */
static void mark_settled(const struct tpm_root *root, uint64_t epoch)
{
    err_code ignored = write_mark(root, epoch, NULL);

    (void)ignored;
}

/* Extends the PCR while a session of ours looks on: it must have died of it, else others would
 * live, too. Not every TPM counts every PCR (part 3, 22.9: the platform decides). */
static err_code end_sessions(struct tpm_root *root, const struct digest *event, struct why *why)
{
    struct tpm_chip *chip = &root->chip;
    TSS2_RC rc;

    tpm_chip_drop_session(chip);
    rc = tpm_chip_session(chip);
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(chip, rc, "TPM2_StartAuthSession", why);
    chip->session_dirty = true;
    rc = tpm_policy_pcr(chip, chip->session);
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(chip, rc, "TPM2_PolicyPCR", why);
    rc = tpm_pcr_event(chip, root->uri.pcr, event);
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(chip, rc, "TPM2_PCR_Event", why);
    rc = tpm_policy_pcr(chip, chip->session);
    if (!tpm_rc_from_chip(rc))
        return tpm_chip_fail(chip, rc, "TPM2_PolicyPCR", why);
    tpm_chip_drop_session(chip);
    if (rc != TPM2_RC_PCR_CHANGED)
        return why_foreign(why, ERR_UNSUPPORTED, "TPM_RC", rc,
                           "this TPM does not end sessions when PCR %u changes, so those of an "
                           "earlier epoch would live on: choose another with pcr= in the URI",
                           root->uri.pcr);
    return ERR_OK;
}

static err_code settle_now(struct tpm_root *root, uint64_t epoch, struct why *why)
{
    struct digest event;
    uint8_t number[8];
    const struct slice part = SLICE_OF(number);

    put_u64(number, epoch);
    TRY(hash_tagged("pawl-step-v1", &part, 1, &event));
    TRY(end_sessions(root, &event, why));
    mark_settled(root, epoch);
    return ERR_OK;
}

err_code tpm_settle(struct tpm_root *root, uint64_t epoch, struct why *why)
{
    return is_settled(root, epoch) ? ERR_OK : settle_now(root, epoch, why);
}

static TSS2_RC run_increment(struct tpm_root *root, struct tpm_use *use)
{
    (void)use;
    return tpm_nv_increment(&root->chip, root->plan.index);
}

err_code tpm_increment_to(struct tpm_root *root, struct tpm_approval *approval, uint64_t limit,
                          struct why *why)
{
    struct tpm_use use = {run_increment, "TPM2_NV_Increment"};
    uint64_t counter;

    /* Read again after each: an increment whose answer was lost may have happened. The grant itself
     * keeps the TPM from going beyond. */
    TRY(tpm_counter(root, &counter, why));
    while (counter < limit) {
        uint64_t before = counter;
        err_code err = tpm_use_approved(root, approval, &use, why);

        if (err != ERR_OK && err != ERR_TPM_POLICY)
            return err;
        TRY(tpm_counter(root, &counter, why));
        if (err == ERR_TPM_POLICY && counter >= limit)
            return ERR_OK; /* another process made the same step */
        if (err != ERR_OK)
            return err;
        if (counter <= before)
            return why_say(why, ERR_TPM_FAILED,
                           "the counter stood at %" PRIu64 " and after an increment at %" PRIu64,
                           before, counter);
    }
    return ERR_OK;
}

err_code tpm_root_step(struct hw_root *hw, const struct hw_mandate *mandate, struct why *why)
{
    struct tpm_root *root = (struct tpm_root *)hw;
    const struct tpm_terms terms = {
        .kind = HW_GRANT_BUMP, .base = root->base, .epoch = mandate->epoch};
    struct tpm_approval approval;
    uint64_t epoch, before;

    root->begun = false;
    TRY(tpm_root_ready(root, why));
    TRY(tpm_epoch(root, &epoch, why));
    before = epoch;
    if (epoch > mandate->epoch)
        return why_say(why, ERR_ROLLBACK,
                       "the hardware is at epoch %" PRIu64 ", the snapshot is of epoch %" PRIu64,
                       epoch, mandate->epoch);
    if (epoch < mandate->epoch) {
        /* A mark of the epoch that is still to come would let sessions of today outlive the step,
         * if we are killed behind the increment. So there is no increment while it stands. If we
         * are not killed, no mark is asked. */
        TRY(write_mark(root, NOT_SETTLED, why));
        TRY(tpm_approve(root, &terms, mandate->grants, mandate->n_grants, &approval, why));
        TRY(tpm_increment_to(root, &approval, root->base + mandate->epoch, why));
        TRY(tpm_epoch(root, &epoch, why));
    }
    TRY(epoch > before ? settle_now(root, epoch, why) : tpm_settle(root, epoch, why));
    if (epoch != mandate->epoch)
        return why_say(why, ERR_ROLLBACK,
                       "the hardware went to epoch %" PRIu64 " while epoch %" PRIu64
                       " was being installed",
                       epoch, mandate->epoch);
    return ERR_OK;
}
