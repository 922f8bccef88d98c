/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/root.h"

#include "tpm/command.h"
#include "tpm/internal.h"

#include <inttypes.h>
#include <stdlib.h>

static struct tpm_root *self(struct hw_root *root)
{
    return (struct tpm_root *)root;
}

err_code tpm_root_ready(struct tpm_root *root, struct why *why)
{
    err_code err;

    if (!root->attached)
        return why_say(why, ERR_NOT_ENROLLED, "the TPM root is open but not attached");
    if (!root->chip.broken)
        return ERR_OK;
    TRY(tpm_chip_ready(&root->chip, why));
    err = tpm_root_compare(root, why);
    if (err != ERR_OK)
        root->chip.broken = true; /* so that the next operation looks again */
    return err;
}

err_code tpm_counter(struct tpm_root *root, uint64_t *ret, struct why *why)
{
    TPM2_HANDLE index = root->plan.index;
    TSS2_RC rc = tpm_nv_read_counter(&root->chip, index, ret);

    if (rc == TPM2_RC_SUCCESS)
        return ERR_OK;
    if (tpm_rc_error(rc) == TPM2_RC_HANDLE)
        return why_foreign(why, ERR_COUNTER_MISSING, "TPM_RC", rc, "there is no NV index 0x%08x",
                           index);
    if (rc == TPM2_RC_NV_UNINITIALIZED)
        return why_foreign(why, ERR_COUNTER_MISSING, "TPM_RC", rc,
                           "the counter at NV index 0x%08x was defined anew and never incremented",
                           index);
    return tpm_chip_fail(&root->chip, rc, "TPM2_NV_Read", why);
}

err_code tpm_epoch(struct tpm_root *root, uint64_t *ret, struct why *why)
{
    uint64_t counter;

    TRY(tpm_counter(root, &counter, why));
    if (counter < root->base)
        return why_say(why, ERR_COUNTER_FOREIGN,
                       "the counter stands at %" PRIu64 ", below its base %" PRIu64, counter,
                       root->base);
    *ret = counter - root->base;
    return ERR_OK;
}

static err_code root_describe(struct hw_root *root, struct hw_description *ret, struct why *why)
{
    TRY(tpm_chip_ready(&self(root)->chip, why));
    *ret = self(root)->chip.about;
    return ERR_OK;
}

static err_code root_verify(struct hw_root *root, const struct hw_statement *statement,
                            struct why *why)
{
    TRY(tpm_root_ready(self(root), why));
    return tpm_verify(self(root), statement, why);
}

static err_code root_epoch(struct hw_root *root, uint64_t *ret, struct why *why)
{
    TRY(tpm_root_ready(self(root), why));
    return tpm_epoch(self(root), ret, why);
}

static err_code root_receipt_key(struct hw_root *root, struct hw_pubkey *ret, struct why *why)
{
    if (!self(root)->attached)
        return why_say(why, ERR_NOT_ENROLLED, "the TPM root is open but not attached");
    *ret = self(root)->enrolment.receipt;
    return ERR_OK;
}

/* Whoever drives a chip shuts it down when the machine goes to sleep or is switched off: the kernel
 * for a device, nobody for a simulator. */
static err_code root_rest(struct hw_root *hw, struct why *why)
{
    struct tpm_root *root = self(hw);
    TSS2_RC rc;

    if (!root->chip.source->simulator)
        return ERR_OK;
    TRY(tpm_root_ready(root, why));
    tpm_chip_drop_session(&root->chip);
    rc = tpm_shutdown(&root->chip);
    return rc == TPM2_RC_SUCCESS ? ERR_OK : tpm_chip_fail(&root->chip, rc, "TPM2_Shutdown", why);
}

/* A TPM does one thing after the other. */
static void root_sign_ahead(struct hw_root *root, const struct digest *digest)
{
    (void)root;
    (void)digest;
}

static void root_close(struct hw_root *root)
{
    tpm_chip_close(&self(root)->chip);
    tpm_heads_close(&self(root)->heads);
    free(root);
}

static const struct hw_root_ops OPS = {
    .name = "tpm",
    .describe = root_describe,
    .enrol = tpm_root_enrol,
    .attach = tpm_root_attach,
    .verify = root_verify,
    .epoch = root_epoch,
    .step = tpm_root_step,
    .prepare = tpm_root_prepare,
    .begin = tpm_root_begin,
    .sign_ahead = root_sign_ahead,
    .sign = tpm_root_sign,
    .seal = tpm_root_seal,
    .receipt_key = root_receipt_key,
    .device_key = root_receipt_key,
    .device_sign = tpm_root_sign,
    .head_check = tpm_root_head_check,
    .head_bind = tpm_root_head_bind,
    .rest = root_rest,
    .close = root_close,
};

err_code tpm_root_open_source(const struct tpm_uri *uri, struct tpm_source *source,
                              const struct hw_options *options, struct hw_root **ret,
                              struct why *why)
{
    struct tpm_root *root = calloc(1, sizeof *root);
    err_code err;

    if (root == NULL) {
        tpm_source_free(&source);
        return ERR_NO_MEMORY;
    }
    root->root.ops = &OPS;
    root->uri = *uri;
    root->options = *options;
    tpm_tickets_load(options->store_dir, &root->tickets);
    err = tpm_chip_open(&root->chip, source, options, why);
    if (err != ERR_OK) {
        root_close(&root->root);
        return err;
    }
    *ret = &root->root;
    return ERR_OK;
}

err_code tpm_root_open(const char *uri, const struct hw_options *options, struct hw_root **ret,
                       struct why *why)
{
    struct tpm_source *source;
    struct tpm_uri parsed;

    TRY(tpm_uri_parse(uri, &parsed, why));
    TRY(tpm_source_of(&parsed, &source));
    return tpm_root_open_source(&parsed, source, options, ret, why);
}
