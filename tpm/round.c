/* SPDX-License-Identifier: Apache-2.0 */
/* round.c: one visit to the TPM: read the counter, sign the tree head, certify the counter. */
#include "tpm/command.h"
#include "tpm/internal.h"
#include "tpm/pubkey.h"

#include <inttypes.h>
#include <string.h>
#include <tss2/tss2_mu.h>

err_code tpm_root_prepare(struct hw_root *hw, const struct hw_mandate *mandate, struct why *why)
{
    struct tpm_root *root = (struct tpm_root *)hw;
    struct tpm_terms terms = {HW_GRANT_SIGN, root->base, mandate->epoch, mandate->snapshot};
    struct tpm_approval sign, certify = {0};

    root->begun = false;
    TRY(tpm_root_ready(root, why));
    TRY(tpm_approve(root, &terms, mandate->grants, mandate->n_grants, &sign, why));
    terms.kind = HW_GRANT_CERTIFY;
    if (root->chip.about.seals)
        TRY(tpm_approve(root, &terms, mandate->grants, mandate->n_grants, &certify, why));
    root->sign = sign;
    root->certify = certify;
    root->epoch = mandate->epoch;
    root->prepared = true;
    return ERR_OK;
}

static err_code ready(struct tpm_root *root, struct why *why)
{
    TRY(tpm_root_ready(root, why));
    if (!root->prepared)
        return why_say(why, ERR_NOTHING_INSTALLED, "the TPM root was given no mandate");
    return ERR_OK;
}

struct sign_use {
    struct tpm_use use; /* first */
    const struct digest *digest;
    TPMT_SIGNATURE sig;
};

static TSS2_RC run_sign(struct tpm_root *root, struct tpm_use *use)
{
    struct sign_use *s = (struct sign_use *)use;

    return tpm_sign(&root->chip, root->uri.receipt, s->digest, &s->sig);
}

/* The counter has passed the prepared epoch. The TPM's own word for that is worth more than our
 * comparison: have it try to sign under the old grant. */
static err_code passed(struct tpm_root *root, uint64_t epoch, struct why *why)
{
    static const struct digest PROBE = {{0}};
    struct sign_use use = {.use = {run_sign, "TPM2_Sign"}, .digest = &PROBE};
    struct why own = {0};

    if (tpm_use_approved(root, &root->sign, &use.use, &own) == ERR_OK)
        return why_say(why, ERR_INTERNAL,
                       "the TPM is at epoch %" PRIu64 ", yet signs under a grant of %" PRIu64,
                       epoch, root->epoch);
    return why_foreign(why, ERR_ROLLBACK, own.foreign, own.foreign_code,
                       "the TPM is at epoch %" PRIu64
                       " and refuses its key under the grant of epoch %" PRIu64,
                       epoch, root->epoch);
}

err_code tpm_root_begin(struct hw_root *hw, struct why *why)
{
    struct tpm_root *root = (struct tpm_root *)hw;
    uint64_t epoch;

    root->begun = false;
    TRY(ready(root, why));
    TRY(tpm_epoch(root, &epoch, why));
    if (epoch > root->epoch)
        return passed(root, epoch, why);
    if (epoch < root->epoch)
        return why_say(why, ERR_NOTHING_INSTALLED,
                       "the hardware is at epoch %" PRIu64 ", the gate is prepared for epoch "
                       "%" PRIu64,
                       epoch, root->epoch);
    root->begun = true;
    return ERR_OK;
}

/* The grants allow their keys below the epoch, too (so that one can be tried before the step), but
 * a round is for one epoch. A round that is not open is opened. */
err_code tpm_in_round(struct tpm_root *root, struct why *why)
{
    return root->begun ? ready(root, why) : tpm_root_begin(&root->root, why);
}

err_code tpm_root_sign(struct hw_root *hw, const struct digest *digest, uint8_t ret[static 64],
                       struct why *why)
{
    struct tpm_root *root = (struct tpm_root *)hw;
    struct sign_use use = {.use = {run_sign, "TPM2_Sign"}, .digest = digest};
    CLEANUP(buf_free) struct buf raw = {0};

    TRY(tpm_in_round(root, why));
    TRY(tpm_use_approved(root, &root->sign, &use.use, why));
    TRY(tpm_raw_signature(&root->enrolment.receipt, &use.sig, &raw, why));
    memcpy(ret, raw.ptr, 64);
    return ERR_OK;
}

struct seal_use {
    struct tpm_use use; /* first */
    const struct digest *binding;
    TPM2B_ATTEST attest;
    TPMT_SIGNATURE sig;
};

static TSS2_RC run_certify(struct tpm_root *root, struct tpm_use *use)
{
    struct seal_use *s = (struct seal_use *)use;

    return tpm_nv_certify(&root->chip, root->uri.seal, root->plan.index, s->binding, &s->attest,
                          &s->sig);
}

err_code tpm_root_seal(struct hw_root *hw, const struct digest *binding, struct hw_seal *ret,
                       struct why *why)
{
    struct tpm_root *root = (struct tpm_root *)hw;
    struct seal_use use = {.use = {run_certify, "TPM2_NV_Certify"}, .binding = binding};
    CLEANUP(hw_seal_free) struct hw_seal seal = {.kind = HW_SEAL_TPM_CERTIFY};

    TRY(tpm_in_round(root, why));
    if (!root->chip.about.seals) {
        *ret = (struct hw_seal){.kind = HW_SEAL_NONE};
        return ERR_OK;
    }
    TRY(tpm_use_approved(root, &root->certify, &use.use, why));
    TRY(tpm_raw_signature(&root->enrolment.seal, &use.sig, &seal.sig, why));
    TRY(buf_add(&seal.statement, use.attest.attestationData, use.attest.size));
    *ret = seal;
    seal = (struct hw_seal){0};
    return ERR_OK;
}
