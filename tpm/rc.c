/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/rc.h"

#define FORMAT_ONE 0x080u
#define PARAMETER 0x040u
#define SESSION 0x800u

TSS2_RC tpm_rc(TSS2_RC rc)
{
    TSS2_RC layer = rc & 0xFFFF0000u;

    if (layer == TSS2_RESMGR_TPM_RC_LAYER || layer == TSS2_RESMGR_RC_LAYER)
        return rc & 0xFFFFu;
    return rc;
}

bool tpm_rc_from_chip(TSS2_RC rc)
{
    return (tpm_rc(rc) & 0xFFFF0000u) == 0;
}

TSS2_RC tpm_rc_error(TSS2_RC rc)
{
    rc = tpm_rc(rc);
    return (rc & FORMAT_ONE) != 0 ? rc & (FORMAT_ONE | 0x3Fu) : rc;
}

bool tpm_rc_parameter(TSS2_RC rc, unsigned number)
{
    rc = tpm_rc(rc);
    return (rc & FORMAT_ONE) != 0 && (rc & PARAMETER) != 0 && (rc >> 8 & 0xF) == number;
}

bool tpm_rc_handle(TSS2_RC rc, unsigned number)
{
    rc = tpm_rc(rc);
    return (rc & FORMAT_ONE) != 0 && (rc & (PARAMETER | SESSION)) == 0 && (rc >> 8 & 0x7) == number;
}

bool tpm_rc_gone(TSS2_RC rc)
{
    rc = tpm_rc(rc);
    return rc >= TPM2_RC_REFERENCE_H0 && rc <= TPM2_RC_REFERENCE_S6;
}

bool tpm_rc_full(TSS2_RC rc)
{
    rc = tpm_rc(rc);
    return rc == TPM2_RC_OBJECT_MEMORY || rc == TPM2_RC_OBJECT_HANDLES ||
           rc == TPM2_RC_SESSION_MEMORY || rc == TPM2_RC_SESSION_HANDLES || rc == TPM2_RC_MEMORY ||
           rc == TPM2_RC_CONTEXT_GAP;
}

err_code tpm_rc_err(TSS2_RC rc)
{
    rc = tpm_rc(rc);
    if (rc == TPM2_RC_SUCCESS)
        return ERR_OK;
    if (tpm_rc_full(rc))
        return ERR_TPM_BUSY;
    switch (rc) {
    case TPM2_RC_RETRY:
    case TPM2_RC_YIELDED:
    case TPM2_RC_TESTING:
    case TPM2_RC_NV_RATE:
    case TPM2_RC_NV_UNAVAILABLE:
    case TPM2_RC_CANCELED:
    case TPM2_RC_PCR_CHANGED:
        return ERR_TPM_BUSY;
    case TPM2_RC_LOCKOUT:
        return ERR_TPM_LOCKED_OUT;
    case TPM2_RC_NV_SPACE:
        return ERR_NV_SPACE;
    case TPM2_RC_POLICY:
        return ERR_TPM_POLICY;
    case TPM2_RC_COMMAND_CODE:
        return ERR_UNSUPPORTED;
    default:
        break;
    }
    switch (tpm_rc_error(rc)) {
    case TPM2_RC_BAD_AUTH:
    case TPM2_RC_AUTH_FAIL:
        return ERR_TPM_AUTH;
    default:
        return ERR_TPM_FAILED;
    }
}
