/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/peek.h"

#include "tpm/command.h"
#include "tpm/internal.h"
#include "tpm/root.h"

static uint32_t property(const TPML_TAGGED_TPM_PROPERTY *list, TPM2_PT wanted)
{
    for (uint32_t i = 0; i < list->count && i < TPM2_MAX_TPM_PROPERTIES; i++)
        if (list->tpmProperty[i].property == wanted)
            return list->tpmProperty[i].value;
    return 0;
}

static err_code look(struct tpm_chip *chip, struct tpm_peek *ret, struct why *why)
{
    TPML_TAGGED_TPM_PROPERTY list = {0};
    TSS2_RC rc = tpm_get_properties(chip, TPM2_PT_PERMANENT, &list);

    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(chip, rc, "TPM2_GetCapability", why);
    *ret = (struct tpm_peek){
        .about = chip->about,
        .locked_out = (property(&list, TPM2_PT_PERMANENT) & TPMA_PERMANENT_INLOCKOUT) != 0,
        .tries = property(&list, TPM2_PT_LOCKOUT_COUNTER),
        .tries_max = property(&list, TPM2_PT_MAX_AUTH_FAIL),
    };
    return ERR_OK;
}

err_code tpm_peek(const char *uri, const struct hw_options *options, struct tpm_peek *ret,
                  struct why *why)
{
    CLEANUP(hw_root_close) struct hw_root *hw = NULL;

    TRY(tpm_root_open(uri, options, &hw, why));
    return look(&((struct tpm_root *)hw)->chip, ret, why);
}

err_code tpm_peek_epoch(const struct tpm_peek_at *at, uint64_t *ret, struct why *why)
{
    CLEANUP(hw_root_close) struct hw_root *hw = NULL;

    TRY(tpm_root_open(at->uri, at->options, &hw, why));
    TRY(tpm_root_compare_all((struct tpm_root *)hw, at->owner, at->enrolment, why));
    return tpm_epoch((struct tpm_root *)hw, ret, why);
}
