/* SPDX-License-Identifier: Apache-2.0 */
/* command_nv.c: the commands on indexes that have an authorization of their own, and the clock. */
#include "tpm/command.h"

#include <string.h>
#include <tss2/tss2_mu.h>

static TSS2L_SYS_AUTH_COMMAND password(const TPM2B_AUTH *auth)
{
    TSS2L_SYS_AUTH_COMMAND out = {.count = 1, .auths = {{.sessionHandle = TPM2_RS_PW}}};

    out.auths[0].hmac = *auth;
    return out;
}

TSS2_RC tpm_nv_define_with(struct tpm_chip *chip, const TPM2B_AUTH *owner, const TPM2B_AUTH *auth,
                           struct slice public_area)
{
    TSS2L_SYS_AUTH_COMMAND session = password(owner);
    TPM2B_NV_PUBLIC area = {0};
    size_t at = 0;
    TSS2_RC rc =
        Tss2_MU_TPMS_NV_PUBLIC_Unmarshal(public_area.ptr, public_area.len, &at, &area.nvPublic);

    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Sys_NV_DefineSpace(chip->sys, TPM2_RH_OWNER, &session, auth, &area, NULL);
    mem_wipe(&session, sizeof session);
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_nv_read(struct tpm_chip *chip, const struct tpm_nv *nv, uint8_t *ret, uint16_t len)
{
    TSS2L_SYS_AUTH_COMMAND session = password(nv->auth);
    TPM2B_MAX_NV_BUFFER data = {0};
    TSS2_RC rc = Tss2_Sys_NV_Read(chip->sys, nv->index, nv->index, &session, len, 0, &data, NULL);

    mem_wipe(&session, sizeof session);
    if (rc == TPM2_RC_SUCCESS && data.size != len)
        return tpm_chip_rc(chip, TSS2_SYS_RC_MALFORMED_RESPONSE);
    if (rc == TPM2_RC_SUCCESS)
        memcpy(ret, data.buffer, len);
    return tpm_chip_rc(chip, rc);
}

static bool fill(struct slice octets, TPM2B_MAX_NV_BUFFER *ret)
{
    if (octets.len > sizeof ret->buffer)
        return false;
    ret->size = (uint16_t)octets.len;
    memcpy(ret->buffer, octets.ptr, octets.len);
    return true;
}

TSS2_RC tpm_nv_write(struct tpm_chip *chip, const struct tpm_nv *nv, struct slice octets)
{
    TSS2L_SYS_AUTH_COMMAND session = password(nv->auth);
    TPM2B_MAX_NV_BUFFER data = {0};
    TSS2_RC rc = TSS2_SYS_RC_BAD_VALUE;

    if (fill(octets, &data))
        rc = Tss2_Sys_NV_Write(chip->sys, nv->index, nv->index, &session, &data, 0, NULL);
    mem_wipe(&session, sizeof session);
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_nv_step(struct tpm_chip *chip, const struct tpm_nv *nv)
{
    TSS2L_SYS_AUTH_COMMAND session = password(nv->auth);
    TSS2_RC rc = Tss2_Sys_NV_Increment(chip->sys, nv->index, nv->index, &session, NULL);

    mem_wipe(&session, sizeof session);
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_nv_extend(struct tpm_chip *chip, const struct tpm_nv *nv, struct slice octets)
{
    TSS2L_SYS_AUTH_COMMAND session = password(nv->auth);
    TPM2B_MAX_NV_BUFFER data = {0};
    TSS2_RC rc = TSS2_SYS_RC_BAD_VALUE;

    if (fill(octets, &data))
        rc = Tss2_Sys_NV_Extend(chip->sys, nv->index, nv->index, &session, &data, NULL);
    mem_wipe(&session, sizeof session);
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_read_clock(struct tpm_chip *chip, TPMS_CLOCK_INFO *ret)
{
    TPMS_TIME_INFO now = {0};
    TSS2_RC rc = Tss2_Sys_ReadClock(chip->sys, NULL, &now, NULL);

    if (rc == TPM2_RC_SUCCESS)
        *ret = now.clockInfo;
    return tpm_chip_rc(chip, rc);
}
