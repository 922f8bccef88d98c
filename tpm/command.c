/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/command.h"

#include <string.h>
#include <tss2/tss2_mu.h>

/* A password session: for the owner, and for reading the counter, whose authorization is empty. */
static TSS2L_SYS_AUTH_COMMAND password(const TPM2B_AUTH *auth)
{
    TSS2L_SYS_AUTH_COMMAND out = {.count = 1, .auths = {{.sessionHandle = TPM2_RS_PW}}};

    if (auth != NULL)
        out.auths[0].hmac = *auth;
    return out;
}

/* The policy session. It needs no HMAC: nothing in the policy asks for an authValue, so both nonce
 * and HMAC are empty (part 1, 19.6.16). It stays open for the next use. */
static TSS2L_SYS_AUTH_COMMAND policy(const struct tpm_chip *chip)
{
    return (TSS2L_SYS_AUTH_COMMAND){.count = 1,
                                    .auths = {{.sessionHandle = chip->session,
                                               .sessionAttributes = TPMA_SESSION_CONTINUESESSION}}};
}

static TPM2B_DIGEST digest_2b(const struct digest *digest)
{
    TPM2B_DIGEST out = {.size = sizeof digest->bytes};

    memcpy(out.buffer, digest->bytes, sizeof digest->bytes);
    return out;
}

TSS2_RC tpm_get_properties(struct tpm_chip *chip, TPM2_PT first, TPML_TAGGED_TPM_PROPERTY *ret)
{
    TPMI_YES_NO more;
    TPMS_CAPABILITY_DATA data = {0};
    TSS2_RC rc = Tss2_Sys_GetCapability(chip->sys, NULL, TPM2_CAP_TPM_PROPERTIES, first,
                                        TPM2_MAX_TPM_PROPERTIES, &more, &data, NULL);

    if (rc == TPM2_RC_SUCCESS)
        *ret = data.data.tpmProperties;
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_get_support(struct tpm_chip *chip, TPM2_CAP capability, uint32_t what, bool *ret)
{
    TPMI_YES_NO more;
    TPMS_CAPABILITY_DATA data = {0};
    TSS2_RC rc = Tss2_Sys_GetCapability(chip->sys, NULL, capability, what, 1, &more, &data, NULL);

    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_rc(chip, rc);
    if (capability == TPM2_CAP_COMMANDS)
        *ret = data.data.command.count > 0 &&
               (data.data.command.commandAttributes[0] & TPMA_CC_COMMANDINDEX_MASK) == what;
    else if (capability == TPM2_CAP_ALGS)
        *ret = data.data.algorithms.count > 0 && data.data.algorithms.algProperties[0].alg == what;
    else if (capability == TPM2_CAP_ECC_CURVES)
        *ret = data.data.eccCurves.count > 0 && data.data.eccCurves.eccCurves[0] == what;
    else
        *ret = false;
    return TPM2_RC_SUCCESS;
}

TSS2_RC tpm_get_handles(struct tpm_chip *chip, uint32_t first, TPML_HANDLE *ret)
{
    TPMI_YES_NO more;
    TPMS_CAPABILITY_DATA data = {0};
    TSS2_RC rc = Tss2_Sys_GetCapability(chip->sys, NULL, TPM2_CAP_HANDLES, first,
                                        TPM2_MAX_CAP_HANDLES, &more, &data, NULL);

    if (rc == TPM2_RC_SUCCESS)
        *ret = data.data.handles;
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_startup(struct tpm_chip *chip)
{
    return tpm_chip_rc(chip, Tss2_Sys_Startup(chip->sys, TPM2_SU_CLEAR));
}

TSS2_RC tpm_shutdown(struct tpm_chip *chip)
{
    return tpm_chip_rc(chip, Tss2_Sys_Shutdown(chip->sys, NULL, TPM2_SU_CLEAR, NULL));
}

TSS2_RC tpm_flush(struct tpm_chip *chip, TPM2_HANDLE handle)
{
    return tpm_chip_rc(chip, Tss2_Sys_FlushContext(chip->sys, handle));
}

TSS2_RC tpm_start_session(struct tpm_chip *chip, TPM2_SE type, TPM2_HANDLE *ret)
{
    const TPM2B_NONCE nonce = {.size = 16};
    const TPM2B_ENCRYPTED_SECRET salt = {0};
    const TPMT_SYM_DEF symmetric = {.algorithm = TPM2_ALG_NULL};
    TPM2B_NONCE theirs = {0};
    TPM2_HANDLE handle = 0;
    TSS2_RC rc =
        Tss2_Sys_StartAuthSession(chip->sys, TPM2_RH_NULL, TPM2_RH_NULL, NULL, &nonce, &salt, type,
                                  &symmetric, TPM2_ALG_SHA256, &handle, &theirs, NULL);

    if (rc == TPM2_RC_SUCCESS)
        *ret = handle;
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_nv_read_public(struct tpm_chip *chip, TPM2_HANDLE index, TPM2B_NV_PUBLIC *ret,
                           TPM2B_NAME *ret_name)
{
    TPM2B_NV_PUBLIC area = {0};
    TPM2B_NAME name = {0};
    TSS2_RC rc = Tss2_Sys_NV_ReadPublic(chip->sys, index, NULL, &area, &name, NULL);

    if (rc == TPM2_RC_SUCCESS) {
        *ret = area;
        *ret_name = name;
    }
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_nv_read_counter(struct tpm_chip *chip, TPM2_HANDLE index, uint64_t *ret)
{
    const TSS2L_SYS_AUTH_COMMAND auth = password(NULL);
    TPM2B_MAX_NV_BUFFER data = {0};
    TSS2_RC rc = Tss2_Sys_NV_Read(chip->sys, index, index, &auth, 8, 0, &data, NULL);

    if (rc == TPM2_RC_SUCCESS && data.size != 8)
        return tpm_chip_rc(chip, TSS2_SYS_RC_MALFORMED_RESPONSE);
    if (rc == TPM2_RC_SUCCESS)
        *ret = get_u64(data.buffer);
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_nv_define(struct tpm_chip *chip, const TPM2B_AUTH *owner, struct slice public_area)
{
    TSS2L_SYS_AUTH_COMMAND auth = password(owner);
    const TPM2B_AUTH empty = {0};
    TPM2B_NV_PUBLIC area = {0};
    size_t at = 0;
    TSS2_RC rc =
        Tss2_MU_TPMS_NV_PUBLIC_Unmarshal(public_area.ptr, public_area.len, &at, &area.nvPublic);

    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Sys_NV_DefineSpace(chip->sys, TPM2_RH_OWNER, &auth, &empty, &area, NULL);
    mem_wipe(&auth, sizeof auth);
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_nv_undefine(struct tpm_chip *chip, const TPM2B_AUTH *owner, TPM2_HANDLE index)
{
    TSS2L_SYS_AUTH_COMMAND auth = password(owner);
    TSS2_RC rc = Tss2_Sys_NV_UndefineSpace(chip->sys, TPM2_RH_OWNER, index, &auth, NULL);

    mem_wipe(&auth, sizeof auth);
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_nv_increment_plain(struct tpm_chip *chip, TPM2_HANDLE index)
{
    const TSS2L_SYS_AUTH_COMMAND auth = password(NULL);

    return tpm_chip_rc(chip, Tss2_Sys_NV_Increment(chip->sys, index, index, &auth, NULL));
}

TSS2_RC tpm_nv_increment(struct tpm_chip *chip, TPM2_HANDLE index)
{
    const TSS2L_SYS_AUTH_COMMAND auth = policy(chip);

    return tpm_chip_rc(chip, Tss2_Sys_NV_Increment(chip->sys, index, index, &auth, NULL));
}

TSS2_RC tpm_sign(struct tpm_chip *chip, TPM2_HANDLE key, const struct digest *digest,
                 TPMT_SIGNATURE *ret)
{
    const TSS2L_SYS_AUTH_COMMAND auth = policy(chip);
    const TPM2B_DIGEST octets = digest_2b(digest);
    const TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_NULL};
    const TPMT_TK_HASHCHECK none = {.tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL};
    TPMT_SIGNATURE sig = {0};
    TSS2_RC rc = Tss2_Sys_Sign(chip->sys, key, &auth, &octets, &scheme, &none, &sig, NULL);

    if (rc == TPM2_RC_SUCCESS)
        *ret = sig;
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_nv_certify(struct tpm_chip *chip, TPM2_HANDLE key, TPM2_HANDLE index,
                       const struct digest *binding, TPM2B_ATTEST *ret, TPMT_SIGNATURE *ret_sig)
{
    TSS2L_SYS_AUTH_COMMAND auth = policy(chip);
    TPM2B_DATA qualifying = {.size = sizeof binding->bytes};
    const TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_NULL};
    TPM2B_ATTEST attest = {0};
    TPMT_SIGNATURE sig = {0};
    TSS2_RC rc;

    auth.count = 2;
    auth.auths[1].sessionHandle = TPM2_RS_PW;
    memcpy(qualifying.buffer, binding->bytes, sizeof binding->bytes);
    rc = Tss2_Sys_NV_Certify(chip->sys, key, index, index, &auth, &qualifying, &scheme, 8, 0,
                             &attest, &sig, NULL);
    if (rc == TPM2_RC_SUCCESS) {
        *ret = attest;
        *ret_sig = sig;
    }
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_pcr_event(struct tpm_chip *chip, uint8_t pcr, const struct digest *event)
{
    const TSS2L_SYS_AUTH_COMMAND auth = password(NULL);
    TPM2B_EVENT data = {.size = sizeof event->bytes};
    TPML_DIGEST_VALUES values = {0};

    memcpy(data.buffer, event->bytes, sizeof event->bytes);
    return tpm_chip_rc(chip, Tss2_Sys_PCR_Event(chip->sys, pcr, &auth, &data, &values, NULL));
}

TSS2_RC tpm_load_external(struct tpm_chip *chip, struct slice public_area, TPM2_HANDLE *ret,
                          TPM2B_NAME *ret_name)
{
    TPM2B_PUBLIC area = {0};
    TPM2B_NAME name = {0};
    TPM2_HANDLE handle = 0;
    size_t at = 0;
    TSS2_RC rc =
        Tss2_MU_TPMT_PUBLIC_Unmarshal(public_area.ptr, public_area.len, &at, &area.publicArea);

    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Sys_LoadExternal(chip->sys, NULL, NULL, &area, TPM2_RH_OWNER, &handle, &name,
                                   NULL);
    if (rc == TPM2_RC_SUCCESS) {
        *ret = handle;
        *ret_name = name;
    }
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_verify_signature(struct tpm_chip *chip, TPM2_HANDLE key, const TPM2B_DIGEST *digest,
                             const TPMT_SIGNATURE *sig, TPMT_TK_VERIFIED *ret)
{
    TPMT_TK_VERIFIED ticket = {0};
    TSS2_RC rc = Tss2_Sys_VerifySignature(chip->sys, key, NULL, digest, sig, &ticket, NULL);

    if (rc == TPM2_RC_SUCCESS)
        *ret = ticket;
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_read_public(struct tpm_chip *chip, TPM2_HANDLE handle, TPM2B_PUBLIC *ret,
                        TPM2B_NAME *ret_name)
{
    TPM2B_PUBLIC area = {0};
    TPM2B_NAME name = {0}, qualified = {0};
    TSS2_RC rc = Tss2_Sys_ReadPublic(chip->sys, handle, NULL, &area, &name, &qualified, NULL);

    if (rc == TPM2_RC_SUCCESS) {
        *ret = area;
        *ret_name = name;
    }
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_sign_with(struct tpm_chip *chip, const struct tpm_sign_with *with, struct slice digest,
                      TPMT_SIGNATURE *ret)
{
    TSS2L_SYS_AUTH_COMMAND auth = password(with->auth);
    const TPMT_TK_HASHCHECK none = {.tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL};
    TPMT_SIG_SCHEME scheme = {.scheme = with->alg == HW_PS256 ? TPM2_ALG_RSAPSS : TPM2_ALG_ECDSA};
    TPM2B_DIGEST octets = {0};
    TPMT_SIGNATURE sig = {0};
    TSS2_RC rc;

    if (digest.len > sizeof octets.buffer)
        return TSS2_SYS_RC_BAD_SIZE;
    octets.size = (uint16_t)digest.len;
    memcpy(octets.buffer, digest.ptr, digest.len);
    scheme.details.any.hashAlg = with->alg == HW_ES384 ? TPM2_ALG_SHA384 : TPM2_ALG_SHA256;
    rc = Tss2_Sys_Sign(chip->sys, with->key, &auth, &octets, &scheme, &none, &sig, NULL);
    mem_wipe(&auth, sizeof auth);
    if (rc == TPM2_RC_SUCCESS)
        *ret = sig;
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_create_primary(struct tpm_chip *chip, const TPM2B_AUTH *owner, const TPM2B_AUTH *auth,
                           struct slice template, struct tpm_primary *ret)
{
    TSS2L_SYS_AUTH_COMMAND owner_auth = password(owner);
    TPM2B_SENSITIVE_CREATE sensitive = {0};
    const TPM2B_DATA outside = {0};
    const TPML_PCR_SELECTION no_pcr = {0};
    struct tpm_primary made = {0};
    TPM2B_PUBLIC in = {0};
    TPM2B_CREATION_DATA data = {0};
    TPM2B_DIGEST hash = {0};
    TPMT_TK_CREATION ticket = {0};
    size_t at = 0;
    TSS2_RC rc = Tss2_MU_TPMT_PUBLIC_Unmarshal(template.ptr, template.len, &at, &in.publicArea);

    if (auth != NULL)
        sensitive.sensitive.userAuth = *auth;
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Sys_CreatePrimary(chip->sys, TPM2_RH_OWNER, &owner_auth, &sensitive, &in,
                                    &outside, &no_pcr, &made.handle, &made.area, &data, &hash,
                                    &ticket, &made.name, NULL);
    mem_wipe(&owner_auth, sizeof owner_auth);
    mem_wipe(&sensitive, sizeof sensitive);
    if (rc == TPM2_RC_SUCCESS)
        *ret = made;
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_evict(struct tpm_chip *chip, const TPM2B_AUTH *owner, TPM2_HANDLE object,
                  TPM2_HANDLE persistent)
{
    TSS2L_SYS_AUTH_COMMAND auth = password(owner);
    TSS2_RC rc = Tss2_Sys_EvictControl(chip->sys, TPM2_RH_OWNER, object, &auth, persistent, NULL);

    mem_wipe(&auth, sizeof auth);
    return tpm_chip_rc(chip, rc);
}

TSS2_RC tpm_policy_restart(struct tpm_chip *chip, TPM2_HANDLE session)
{
    return tpm_chip_rc(chip, Tss2_Sys_PolicyRestart(chip->sys, session, NULL, NULL));
}

TSS2_RC tpm_policy_nv(struct tpm_chip *chip, TPM2_HANDLE session, TPM2_HANDLE index,
                      uint64_t operand, TPM2_EO operation)
{
    const TSS2L_SYS_AUTH_COMMAND auth = password(NULL);
    TPM2B_OPERAND b = {.size = 8};

    put_u64(b.buffer, operand);
    return tpm_chip_rc(
        chip, Tss2_Sys_PolicyNV(chip->sys, index, index, session, &auth, &b, 0, operation, NULL));
}

TSS2_RC tpm_policy_pcr(struct tpm_chip *chip, TPM2_HANDLE session)
{
    /* An empty digest: the TPM takes the PCRs as they are. Of none selected, that is all one. */
    const TPM2B_DIGEST as_is = {0};
    const TPML_PCR_SELECTION none = {
        .count = 1, .pcrSelections = {{.hash = TPM2_ALG_SHA256, .sizeofSelect = 3}}};

    return tpm_chip_rc(chip, Tss2_Sys_PolicyPCR(chip->sys, session, NULL, &as_is, &none, NULL));
}

TSS2_RC tpm_policy_command(struct tpm_chip *chip, TPM2_HANDLE session, TPM2_CC code)
{
    return tpm_chip_rc(chip, Tss2_Sys_PolicyCommandCode(chip->sys, session, NULL, code, NULL));
}

TSS2_RC tpm_policy_never_written(struct tpm_chip *chip, TPM2_HANDLE session)
{
    return tpm_chip_rc(chip, Tss2_Sys_PolicyNvWritten(chip->sys, session, NULL, TPM2_NO, NULL));
}

TSS2_RC tpm_policy_authorize(struct tpm_chip *chip, TPM2_HANDLE session,
                             const struct digest *approved, const struct digest *ref,
                             const uint8_t name[static HW_TPM_NAME_LEN],
                             const TPMT_TK_VERIFIED *ticket)
{
    const TPM2B_DIGEST digest = digest_2b(approved);
    TPM2B_NONCE reference = {.size = sizeof ref->bytes};
    TPM2B_NAME key = {.size = HW_TPM_NAME_LEN};

    memcpy(reference.buffer, ref->bytes, sizeof ref->bytes);
    memcpy(key.name, name, HW_TPM_NAME_LEN);
    return tpm_chip_rc(chip, Tss2_Sys_PolicyAuthorize(chip->sys, session, NULL, &digest, &reference,
                                                      &key, ticket, NULL));
}

TSS2_RC tpm_policy_or(struct tpm_chip *chip, TPM2_HANDLE session, const struct digest *branches,
                      size_t n)
{
    TPML_DIGEST list = {0};

    if (n > sizeof list.digests / sizeof *list.digests)
        return TSS2_SYS_RC_BAD_VALUE;
    list.count = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        list.digests[i] = digest_2b(&branches[i]);
    return tpm_chip_rc(chip, Tss2_Sys_PolicyOR(chip->sys, session, NULL, &list, NULL));
}

TSS2_RC tpm_policy_get(struct tpm_chip *chip, TPM2_HANDLE session, struct digest *ret)
{
    TPM2B_DIGEST digest = {0};
    TSS2_RC rc = Tss2_Sys_PolicyGetDigest(chip->sys, session, NULL, &digest, NULL);

    if (rc == TPM2_RC_SUCCESS && digest.size != sizeof ret->bytes)
        return tpm_chip_rc(chip, TSS2_SYS_RC_MALFORMED_RESPONSE);
    if (rc == TPM2_RC_SUCCESS)
        memcpy(ret->bytes, digest.buffer, sizeof ret->bytes);
    return tpm_chip_rc(chip, rc);
}
