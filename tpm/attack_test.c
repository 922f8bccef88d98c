/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack_test.c: what somebody with root, the TPM and every file of the gate tries in order to step
 * the counter or to use a key without the authority. He talks to the TPM himself, so what refuses
 * him is the TPM, with the code that is asserted here. attack_state_test.c has the attacks on what
 * is stored.
 */
#include "tpm/attest.h"
#include "tpm/command.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include <cmocka.h>

#define INDEX TPM_DEFAULT_INDEX

static const struct digest DIGEST = {{7, 8, 9}};

struct attack {
    struct fx *fx;
    struct tpm_chip *mallory;
};

/* A gate at epoch 2, and another user of its TPM. */
static int start(void **state)
{
    struct attack *a = calloc(1, sizeof *a);
    struct fx *fx;

    assert_non_null(a);
    a->fx = fx = fx_new(false);
    fx_enrol(fx);
    fx_step(fx, 2);
    fx_round(fx);
    a->mallory = fx_other(fx);
    *state = a;
    return 0;
}

static int end(void **state)
{
    struct attack *a = *state;

    fx_other_close(&a->mallory);
    fx_free(a->fx);
    free(a);
    return 0;
}

static TSS2L_SYS_AUTH_COMMAND auth_of(TPM2_HANDLE session)
{
    return (TSS2L_SYS_AUTH_COMMAND){
        .count = 1,
        .auths = {{.sessionHandle = session,
                   .sessionAttributes = session == TPM2_RS_PW ? 0 : TPMA_SESSION_CONTINUESESSION}}};
}

/* The gate is as it was: same epoch, and it works. */
static void nothing_lost(struct fx *fx)
{
    uint64_t epoch;

    OK(fx->root->ops->epoch(fx->root, &epoch, &fx->why));
    assert_int_equal(epoch, 2);
    fx_round(fx);
    fx_attach(fx);
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 2), &fx->why));
    fx_round(fx);
    fx_step(fx, 3);
    fx_round(fx);
}

static void refused(const char *what, TSS2_RC got, TSS2_RC want)
{
    if (got != want)
        fail_msg("%s: 0x%03x, wanted 0x%03x", what, got, want);
}

/* --- the counter --- */

static void nobody_increments_without_a_grant(void **state)
{
    struct attack *a = *state;
    TSS2_SYS_CONTEXT *sys = a->mallory->sys;
    const TSS2L_SYS_AUTH_COMMAND pw = auth_of(TPM2_RS_PW);
    TSS2L_SYS_AUTH_COMMAND session;
    TPM2_HANDLE handle;

    refused("empty authorization", Tss2_Sys_NV_Increment(sys, INDEX, INDEX, &pw, NULL), 0x12F);
    refused("owner", Tss2_Sys_NV_Increment(sys, TPM2_RH_OWNER, INDEX, &pw, NULL),
            TPM2_RC_NV_AUTHORIZATION);
    refused("platform", Tss2_Sys_NV_Increment(sys, TPM2_RH_PLATFORM, INDEX, &pw, NULL),
            TPM2_RC_NV_AUTHORIZATION);
    /* Sessions of each kind, none of which satisfies the policy. */
    assert_int_equal(tpm_start_session(a->mallory, TPM2_SE_HMAC, &handle), 0);
    session = auth_of(handle);
    refused("HMAC session", Tss2_Sys_NV_Increment(sys, INDEX, INDEX, &session, NULL), 0x12F);
    assert_int_equal(tpm_flush(a->mallory, handle), 0);
    assert_int_equal(tpm_start_session(a->mallory, TPM2_SE_TRIAL, &handle), 0);
    session = auth_of(handle);
    refused("trial session", Tss2_Sys_NV_Increment(sys, INDEX, INDEX, &session, NULL), 0x982);
    assert_int_equal(tpm_flush(a->mallory, handle), 0);
    assert_int_equal(tpm_chip_session(a->mallory), 0);
    refused("empty policy", tpm_nv_increment(a->mallory, INDEX), 0x99D);
    assert_int_equal(tpm_policy_command(a->mallory, a->mallory->session, TPM2_CC_NV_Increment), 0);
    refused("command code alone", tpm_nv_increment(a->mallory, INDEX), 0x99D);
    nothing_lost(a->fx);
}

static void no_other_command_moves_the_counter(void **state)
{
    struct attack *a = *state;
    TSS2_SYS_CONTEXT *sys = a->mallory->sys;
    const TSS2L_SYS_AUTH_COMMAND pw = auth_of(TPM2_RS_PW);
    const TPM2B_MAX_NV_BUFFER data = {.size = 8, .buffer = {0, 0, 0, 0, 0, 0, 0, 1}};
    const TPM2B_AUTH auth = {.size = 1, .buffer = {1}};
    TSS2L_SYS_AUTH_COMMAND policy;

    refused("NV_Write", Tss2_Sys_NV_Write(sys, INDEX, INDEX, &pw, &data, 0, NULL), 0x12F);
    refused("NV_Write by the owner",
            Tss2_Sys_NV_Write(sys, TPM2_RH_OWNER, INDEX, &pw, &data, 0, NULL),
            TPM2_RC_NV_AUTHORIZATION);
    refused("NV_Extend", Tss2_Sys_NV_Extend(sys, TPM2_RH_OWNER, INDEX, &pw, &data, NULL),
            TPM2_RC_NV_AUTHORIZATION);
    refused("NV_SetBits", Tss2_Sys_NV_SetBits(sys, TPM2_RH_OWNER, INDEX, &pw, 1, NULL),
            TPM2_RC_NV_AUTHORIZATION);
    refused("NV_WriteLock", Tss2_Sys_NV_WriteLock(sys, INDEX, INDEX, &pw, NULL), 0x12F);
    refused("NV_WriteLock by the owner",
            Tss2_Sys_NV_WriteLock(sys, TPM2_RH_OWNER, INDEX, &pw, NULL), TPM2_RC_NV_AUTHORIZATION);
    refused("NV_ReadLock", Tss2_Sys_NV_ReadLock(sys, INDEX, INDEX, &pw, NULL), 0x282);
    refused("NV_ChangeAuth", Tss2_Sys_NV_ChangeAuth(sys, INDEX, &pw, &auth, NULL),
            TPM2_RC_AUTH_TYPE);
    assert_int_equal(tpm_chip_session(a->mallory), 0);
    policy = auth_of(a->mallory->session);
    refused("NV_ChangeAuth with a policy", Tss2_Sys_NV_ChangeAuth(sys, INDEX, &policy, &auth, NULL),
            0x99D);
    /* Locks what has GLOBALLOCK, which the counter has not. */
    refused("NV_GlobalWriteLock", Tss2_Sys_NV_GlobalWriteLock(sys, TPM2_RH_OWNER, &pw, NULL), 0);
    nothing_lost(a->fx);
}

/* A bump grant is public: it lies in the bundle. It does once what it says and nothing after. */
static void a_grant_replayed(void **state)
{
    struct attack *a = *state;
    static struct tpm_approval bump;

    fx_approval(a->fx, HW_GRANT_BUMP, 2, &bump);
    refused("epoch 2 again", fx_satisfy(a->fx, a->mallory, &bump, TPM2_CC_NV_Increment),
            TPM2_RC_POLICY);
    fx_approval(a->fx, HW_GRANT_BUMP, 0, &bump);
    refused("the padding again", fx_satisfy(a->fx, a->mallory, &bump, TPM2_CC_NV_Increment),
            TPM2_RC_POLICY);
    fx_approval(a->fx, HW_GRANT_FIRST, 0, &bump);
    assert_int_equal(fx_satisfy(a->fx, a->mallory, &bump, TPM2_CC_NV_Increment), 0);
    /* PolicyNvWritten is judged at the use: TPM_RC_POLICY_FAIL or, in libtpms, the deferred check
     */
    refused("the first increment again", tpm_nv_increment(a->mallory, INDEX), 0x99D);
    nothing_lost(a->fx);
}

/* Else as many sessions as were banked would push the counter beyond the grant, which denies
 * service until the authority has published as many epochs. */
static void a_banked_bump_dies_with_the_step(void **state)
{
    struct attack *a = *state;
    struct fx *fx = a->fx;
    static struct tpm_approval bump;

    fx_approval(fx, HW_GRANT_BUMP, 3, &bump);
    assert_int_equal(fx_satisfy(fx, a->mallory, &bump, TPM2_CC_NV_Increment), 0);
    fx_step(fx, 3);
    refused("banked bump", tpm_nv_increment(a->mallory, INDEX), TPM2_RC_PCR_CHANGED);
    fx_round(fx);
}

/* --- banked sessions --- */

static void banked_sessions_die_with_the_step(void **state)
{
    struct attack *a = *state;
    struct fx *fx = a->fx;
    CLEANUP(fx_other_close) struct tpm_chip *third = fx_other(fx);
    static struct tpm_approval sign, certify;
    TPMS_CONTEXT saved = {0};
    TPMT_SIGNATURE sig;

    fx_approval(fx, HW_GRANT_SIGN, 2, &sign);
    fx_approval(fx, HW_GRANT_CERTIFY, 2, &certify);
    assert_int_equal(fx_satisfy(fx, third, &sign, TPM2_CC_Sign), 0);
    assert_int_equal(Tss2_Sys_ContextSave(third->sys, third->session, &saved), 0);
    assert_int_equal(fx_satisfy(fx, a->mallory, &sign, TPM2_CC_Sign), 0);
    fx_step(fx, 3);
    refused("loaded", tpm_sign(a->mallory, TPM_DEFAULT_RECEIPT, &DIGEST, &sig),
            TPM2_RC_PCR_CHANGED);
    assert_int_equal(Tss2_Sys_ContextLoad(third->sys, &saved, &third->session), 0);
    refused("saved", tpm_sign(third, TPM_DEFAULT_RECEIPT, &DIGEST, &sig), TPM2_RC_PCR_CHANGED);
    refused("anew", fx_satisfy(fx, a->mallory, &sign, TPM2_CC_Sign), TPM2_RC_POLICY);
    refused("the seal anew", fx_satisfy(fx, third, &certify, TPM2_CC_NV_Certify), TPM2_RC_POLICY);
    fx_round(fx);
}

/* The increment by his own hand, without the extension: his session lives on, until the gate next
 * starts or installs. */
static void an_increment_by_somebody_else_is_settled(void **state)
{
    struct attack *a = *state;
    struct fx *fx = a->fx;
    CLEANUP(fx_other_close) struct tpm_chip *third = fx_other(fx);
    static struct tpm_approval sign, bump;
    TPMT_SIGNATURE sig;

    for (int by_attach = 0; by_attach < 2; by_attach++) {
        uint64_t now = 2 + (uint64_t)by_attach;

        fx_approval(fx, HW_GRANT_SIGN, now, &sign);
        fx_approval(fx, HW_GRANT_BUMP, now + 1, &bump);
        tpm_chip_drop_session(third);
        assert_int_equal(fx_satisfy(fx, third, &sign, TPM2_CC_Sign), 0);
        tpm_chip_drop_session(a->mallory);
        assert_int_equal(fx_satisfy(fx, a->mallory, &bump, TPM2_CC_NV_Increment), 0);
        assert_int_equal(tpm_nv_increment(a->mallory, INDEX), 0);
        if (by_attach)
            fx_attach(fx);
        else
            OK(fx->root->ops->step(fx->root, fx_mandate(fx, now + 1), &fx->why));
        refused("banked", tpm_sign(third, TPM_DEFAULT_RECEIPT, &DIGEST, &sig), TPM2_RC_PCR_CHANGED);
        OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, now + 1), &fx->why));
        fx_round(fx);
    }
}

/* A machine whose firmware gave the TPM a SHA-384 bank and no other. */
static void banked_sessions_die_without_a_sha256_bank(void **state)
{
    struct attack *a = *state;
    struct fx *fx = a->fx;
    const TSS2L_SYS_AUTH_COMMAND pw = auth_of(TPM2_RS_PW);
    const TPML_PCR_SELECTION banks = {
        .count = 2,
        .pcrSelections = {
            {.hash = TPM2_ALG_SHA256, .sizeofSelect = 3},
            {.hash = TPM2_ALG_SHA384, .sizeofSelect = 3, .pcrSelect = {0xFF, 0xFF, 0xFF}}}};
    static struct tpm_approval sign;
    TPMI_YES_NO done = 0;
    UINT32 max, needed, available;
    TPMT_SIGNATURE sig;

    assert_int_equal(Tss2_Sys_PCR_Allocate(a->mallory->sys, TPM2_RH_PLATFORM, &pw, &banks, &done,
                                           &max, &needed, &available, NULL),
                     0);
    assert_int_equal(done, TPM2_YES);
    swtpm_stop(&fx->tpm);
    swtpm_run(&fx->tpm);
    tpm_chip_drop_session(a->mallory);
    fx_attach(fx);
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 2), &fx->why));
    fx_approval(fx, HW_GRANT_SIGN, 2, &sign);
    assert_int_equal(fx_satisfy(fx, a->mallory, &sign, TPM2_CC_Sign), 0);
    fx_step(fx, 3);
    refused("banked", tpm_sign(a->mallory, TPM_DEFAULT_RECEIPT, &DIGEST, &sig),
            TPM2_RC_PCR_CHANGED);
    fx_round(fx);
}

/* PCR 16 is for debugging: no TPM counts its changes. The root notices. */
static void a_pcr_that_ends_no_session_is_refused(void **state)
{
    struct attack *a = *state;
    struct fx *fx = a->fx;

    fx_inside(fx)->uri.pcr = 16;
    EXPECT(fx->root->ops->step(fx->root, fx_mandate(fx, 3), &fx->why), ERR_UNSUPPORTED);
    EXPECT(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why), ERR_UNSUPPORTED);
    fx_inside(fx)->uri.pcr = TPM_DEFAULT_PCR;
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    fx_step(fx, 3);
    fx_round(fx);
}

static void saved_sessions_do_not_survive_a_reset(void **state)
{
    struct attack *a = *state;
    struct fx *fx = a->fx;
    static struct tpm_approval sign;
    TPMS_CONTEXT saved = {0};
    TPM2_HANDLE handle;

    fx_approval(fx, HW_GRANT_SIGN, 2, &sign);
    assert_int_equal(fx_satisfy(fx, a->mallory, &sign, TPM2_CC_Sign), 0);
    assert_int_equal(Tss2_Sys_ContextSave(a->mallory->sys, a->mallory->session, &saved), 0);
    a->mallory->session = 0;
    swtpm_stop(&fx->tpm);
    swtpm_run(&fx->tpm);
    refused("after a reset", Tss2_Sys_ContextLoad(a->mallory->sys, &saved, &handle), 0x1DF);
    nothing_lost(fx);
}

/* A seal made in a banked session would be of no use: it tells the counter as it is. So it is even
 * where no PCR was extended. */
static void seals_date_themselves(void **state)
{
    struct attack *a = *state;
    struct fx *fx = a->fx;
    CLEANUP(fx_other_close) struct tpm_chip *third = fx_other(fx);
    CLEANUP(hw_seal_free) struct hw_seal seal = {.kind = HW_SEAL_TPM_CERTIFY};
    static struct tpm_approval certify, bump;
    struct tpm_sealed sealed;
    TPMT_SIGNATURE sig;
    TPM2B_ATTEST attest;

    fx_approval(fx, HW_GRANT_CERTIFY, 2, &certify);
    fx_approval(fx, HW_GRANT_BUMP, 3, &bump);
    assert_int_equal(fx_satisfy(fx, third, &certify, TPM2_CC_NV_Certify), 0);
    assert_int_equal(fx_satisfy(fx, a->mallory, &bump, TPM2_CC_NV_Increment), 0);
    assert_int_equal(tpm_nv_increment(a->mallory, INDEX), 0);
    assert_int_equal(tpm_nv_certify(third, TPM_DEFAULT_SEAL, INDEX, &DIGEST, &attest, &sig), 0);
    OK(buf_add(&seal.statement, attest.attestationData, attest.size));
    OK(buf_add(&seal.sig, sig.signature.ecdsa.signatureR.buffer, 32));
    OK(buf_add(&seal.sig, sig.signature.ecdsa.signatureS.buffer, 32));
    if (sig.signature.ecdsa.signatureR.size != 32 || sig.signature.ecdsa.signatureS.size != 32)
        skip();
    OK(tpm_seal_verify(&fx->enrolment, &seal, &DIGEST, &sealed, &fx->why));
    assert_int_equal(sealed.epoch, 3);
}

/* --- the keys --- */

static void keys_do_nothing_without_their_policy(void **state)
{
    struct attack *a = *state;
    TSS2_SYS_CONTEXT *sys = a->mallory->sys;
    const TPM2_HANDLE keys[] = {TPM_DEFAULT_RECEIPT, TPM_DEFAULT_SEAL};
    const TSS2L_SYS_AUTH_COMMAND pw = auth_of(TPM2_RS_PW);
    TSS2L_SYS_AUTH_COMMAND session, two = auth_of(TPM2_RS_PW);
    const TPM2B_DIGEST digest = {.size = 32};
    const TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_NULL};
    const TPMT_TK_HASHCHECK none = {.tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL};
    const TPM2B_DATA data = {0};
    const TPML_PCR_SELECTION pcrs = {0};
    TPM2B_ATTEST attest = {0};
    TPMT_SIGNATURE sig = {0};
    TPM2_HANDLE handle;

    two.count = 2;
    two.auths[1] = two.auths[0];
    for (size_t i = 0; i < 2; i++) {
        refused("Sign, empty authorization",
                Tss2_Sys_Sign(sys, keys[i], &pw, &digest, &scheme, &none, &sig, NULL), 0x12F);
        refused("NV_Certify, empty authorization",
                Tss2_Sys_NV_Certify(sys, keys[i], INDEX, INDEX, &two, &data, &scheme, 8, 0, &attest,
                                    &sig, NULL),
                0x12F);
        refused("Quote",
                Tss2_Sys_Quote(sys, keys[i], &pw, &data, &scheme, &pcrs, &attest, &sig, NULL),
                0x12F);
        refused("GetTime",
                Tss2_Sys_GetTime(sys, TPM2_RH_ENDORSEMENT, keys[i], &two, &data, &scheme, &attest,
                                 &sig, NULL),
                0x12F);
        assert_int_equal(tpm_start_session(a->mallory, TPM2_SE_HMAC, &handle), 0);
        session = auth_of(handle);
        refused("HMAC session",
                Tss2_Sys_Sign(sys, keys[i], &session, &digest, &scheme, &none, &sig, NULL), 0x12F);
        assert_int_equal(tpm_flush(a->mallory, handle), 0);
        assert_int_equal(tpm_chip_session(a->mallory), 0);
        refused("empty policy", tpm_sign(a->mallory, keys[i], &DIGEST, &sig), 0x99D);
        tpm_chip_drop_session(a->mallory);
    }
    nothing_lost(a->fx);
}

static void keys_do_nothing_with_each_others_policy(void **state)
{
    struct attack *a = *state;
    struct fx *fx = a->fx;
    static struct tpm_approval sign, certify, crossed;
    TPM2B_ATTEST attest;
    TPMT_SIGNATURE sig;

    fx_approval(fx, HW_GRANT_SIGN, 2, &sign);
    fx_approval(fx, HW_GRANT_CERTIFY, 2, &certify);
    assert_int_equal(fx_satisfy(fx, a->mallory, &certify, TPM2_CC_NV_Certify), 0);
    refused("receipt key, seal policy, its command",
            tpm_nv_certify(a->mallory, TPM_DEFAULT_RECEIPT, INDEX, &DIGEST, &attest, &sig), 0x99D);
    assert_int_equal(fx_satisfy(fx, a->mallory, &certify, TPM2_CC_NV_Certify), 0);
    refused("receipt key, seal policy, Sign",
            tpm_sign(a->mallory, TPM_DEFAULT_RECEIPT, &DIGEST, &sig), 0x99D);
    assert_int_equal(fx_satisfy(fx, a->mallory, &sign, TPM2_CC_Sign), 0);
    refused("seal key, receipt policy, its command",
            tpm_sign(a->mallory, TPM_DEFAULT_SEAL, &DIGEST, &sig), 0x99D);
    assert_int_equal(fx_satisfy(fx, a->mallory, &sign, TPM2_CC_Sign), 0);
    refused("receipt key, its policy, another command",
            tpm_nv_certify(a->mallory, TPM_DEFAULT_RECEIPT, INDEX, &DIGEST, &attest, &sig), 0x9A4);
    refused("seal key, its policy made for another command",
            fx_satisfy(fx, a->mallory, &certify, TPM2_CC_Sign), 0x1C4);
    refused("receipt key, its policy made for another command",
            fx_satisfy(fx, a->mallory, &sign, TPM2_CC_NV_Certify), 0x1C4);
    /* A good ticket for one purpose under the policyRef of another. */
    crossed = sign;
    crossed.grant.kind = HW_GRANT_CERTIFY;
    refused("the receipt key's approval for the seal key",
            fx_satisfy(fx, a->mallory, &crossed, TPM2_CC_Sign), 0x4C4);
    nothing_lost(fx);
}

/* The receipt key signs any digest, so also that of a forged attestation; which is why seals have a
 * key of their own. */
static void the_receipt_key_makes_no_seals(void **state)
{
    struct attack *a = *state;
    struct fx *fx = a->fx;
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    struct tpm_sealed sealed;
    struct digest digest;
    uint8_t sig[64];

    OK(fx->root->ops->begin(fx->root, &fx->why));
    OK(fx->root->ops->seal(fx->root, &DIGEST, &seal, &fx->why));
    OK(tpm_seal_verify(&fx->enrolment, &seal, &DIGEST, &sealed, &fx->why));
    seal.statement.ptr[seal.statement.len - 1] = 1;
    OK(hash_sha256(buf_slice(&seal.statement), &digest));
    OK(fx->root->ops->sign(fx->root, &digest, sig, &fx->why));
    memcpy(seal.sig.ptr, sig, sizeof sig);
    EXPECT(tpm_seal_verify(&fx->enrolment, &seal, &DIGEST, &sealed, &fx->why),
           ERR_SIGNATURE_INVALID);
    nothing_lost(fx);
    (void)a;
}

static void keys_do_not_change_or_leave(void **state)
{
    struct attack *a = *state;
    TSS2_SYS_CONTEXT *sys = a->mallory->sys;
    const TSS2L_SYS_AUTH_COMMAND pw = auth_of(TPM2_RS_PW);
    const TPM2B_AUTH auth = {.size = 1, .buffer = {1}};
    const TPMT_SYM_DEF_OBJECT no_wrap = {.algorithm = TPM2_ALG_NULL};
    const TPM2B_DATA no_key = {0};
    TPM2B_PRIVATE private = {0};
    TPM2B_DATA wrap = {0};
    TPM2B_ENCRYPTED_SECRET secret = {0};
    TPMS_CONTEXT context = {0};

    refused("ObjectChangeAuth",
            Tss2_Sys_ObjectChangeAuth(sys, TPM_DEFAULT_RECEIPT, TPM_DEFAULT_SEAL, &pw, &auth,
                                      &private, NULL),
            0x28A);
    refused("Duplicate",
            Tss2_Sys_Duplicate(sys, TPM_DEFAULT_RECEIPT, TPM2_RH_NULL, &pw, &no_key, &no_wrap,
                               &wrap, &private, &secret, NULL),
            TPM2_RC_AUTH_TYPE);
    refused("ContextSave of a persistent key",
            Tss2_Sys_ContextSave(sys, TPM_DEFAULT_RECEIPT, &context), 0x184);
    nothing_lost(a->fx);
}

/* --- tickets --- */

static TPMT_TK_VERIFIED ticket_in(struct attack *a, const struct tpm_approval *approval,
                                  TPMI_RH_HIERARCHY hierarchy)
{
    TPMT_TK_VERIFIED ticket = {0};
    TPMT_SIGNATURE sig = {.sigAlg = TPM2_ALG_ECDSA};
    TPMS_SIGNATURE_ECDSA *ecdsa = &sig.signature.ecdsa;
    TPM2B_DIGEST digest = {.size = 32};
    CLEANUP(buf_free) struct buf bytes = {0};
    TPM2B_PUBLIC area = {0};
    TPM2B_NAME name = {0};
    TPM2_HANDLE key;
    size_t at = 0;

    assert_int_equal(tpm_verifier_public(&approval->grant.key, &bytes), ERR_OK);
    assert_int_equal(Tss2_MU_TPMT_PUBLIC_Unmarshal(bytes.ptr, bytes.len, &at, &area.publicArea), 0);
    assert_int_equal(
        Tss2_Sys_LoadExternal(a->mallory->sys, NULL, NULL, &area, hierarchy, &key, &name, NULL), 0);
    memcpy(digest.buffer, approval->statement.digest, 32);
    ecdsa->hash = TPM2_ALG_SHA256;
    ecdsa->signatureR.size = ecdsa->signatureS.size = 32;
    memcpy(ecdsa->signatureR.buffer, approval->grant.sig, 32);
    memcpy(ecdsa->signatureS.buffer, approval->grant.sig + 32, 32);
    assert_int_equal(
        Tss2_Sys_VerifySignature(a->mallory->sys, key, NULL, &digest, &sig, &ticket, NULL), 0);
    assert_int_equal(tpm_flush(a->mallory, key), 0);
    return ticket;
}

static void tickets_of_other_hierarchies(void **state)
{
    struct attack *a = *state;
    struct fx *fx = a->fx;
    static struct tpm_approval sign;
    TPMT_TK_VERIFIED good, null, endorsement, platform;

    fx_approval(fx, HW_GRANT_SIGN, 2, &sign);
    good = ticket_in(a, &sign, TPM2_RH_OWNER);
    assert_memory_equal(good.digest.buffer, sign.ticket.digest.buffer, good.digest.size);
    null = ticket_in(a, &sign, TPM2_RH_NULL);
    endorsement = ticket_in(a, &sign, TPM2_RH_ENDORSEMENT);
    platform = ticket_in(a, &sign, TPM2_RH_PLATFORM);
    assert_int_equal(null.digest.size, 0);
    sign.ticket = null;
    refused("null hierarchy", fx_satisfy(fx, a->mallory, &sign, TPM2_CC_Sign), 0x4C4);
    sign.ticket.hierarchy = TPM2_RH_OWNER;
    refused("null hierarchy, renamed", fx_satisfy(fx, a->mallory, &sign, TPM2_CC_Sign), 0x4C4);
    /* These two say the truth: that the TPM has verified the signature. Under another name they say
     * nothing. */
    endorsement.hierarchy = TPM2_RH_OWNER;
    sign.ticket = endorsement;
    refused("endorsement, renamed", fx_satisfy(fx, a->mallory, &sign, TPM2_CC_Sign), 0x4C4);
    platform.hierarchy = TPM2_RH_OWNER;
    sign.ticket = platform;
    refused("platform, renamed", fx_satisfy(fx, a->mallory, &sign, TPM2_CC_Sign), 0x4C4);
    for (size_t bit = 0; bit < 8u * good.digest.size; bit += 5) {
        sign.ticket = good;
        sign.ticket.digest.buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refused("a bit flipped", fx_satisfy(fx, a->mallory, &sign, TPM2_CC_Sign), 0x4C4);
    }
    for (uint16_t len = 0; len < good.digest.size; len += 7) {
        sign.ticket = good;
        sign.ticket.digest.size = len;
        refused("cut", fx_satisfy(fx, a->mallory, &sign, TPM2_CC_Sign), 0x4C4);
    }
    nothing_lost(fx);
}

/* A ticket for what a stranger signed: his key has another Name. */
static void a_strangers_approval(void **state)
{
    struct attack *a = *state;
    struct fx *fx = a->fx;
    CLEANUP(hw_signer_close) struct hw_signer *stranger = NULL;
    CLEANUP(buf_free) struct buf sig = {0};
    static struct tpm_approval sign;

    OK(hw_signer_generate(HW_ES256, &stranger, &fx->why));
    fx_approval(fx, HW_GRANT_SIGN, 2, &sign);
    OK(stranger->ops->sign(stranger, (struct slice){sign.statement.digest, 32}, &sig, &fx->why));
    memcpy(sign.grant.sig, sig.ptr, 64);
    sign.grant.key = stranger->key;
    sign.ticket = ticket_in(a, &sign, TPM2_RH_OWNER);
    refused("his ticket, our key's Name", fx_satisfy(fx, a->mallory, &sign, TPM2_CC_Sign), 0x4C4);
    OK(tpm_verifier_name(&stranger->key, sign.verifier));
    refused("his ticket, his key's Name", fx_satisfy(fx, a->mallory, &sign, TPM2_CC_Sign), 0x1C4);
    nothing_lost(fx);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_increments_without_a_grant),
        TEST(no_other_command_moves_the_counter),
        TEST(a_grant_replayed),
        TEST(a_banked_bump_dies_with_the_step),
        TEST(banked_sessions_die_with_the_step),
        TEST(an_increment_by_somebody_else_is_settled),
        TEST(banked_sessions_die_without_a_sha256_bank),
        TEST(a_pcr_that_ends_no_session_is_refused),
        TEST(saved_sessions_do_not_survive_a_reset),
        TEST(seals_date_themselves),
        TEST(keys_do_nothing_without_their_policy),
        TEST(keys_do_nothing_with_each_others_policy),
        TEST(the_receipt_key_makes_no_seals),
        TEST(keys_do_not_change_or_leave),
        TEST(tickets_of_other_hierarchies),
        TEST(a_strangers_approval),
    };

    return cmocka_run_group_tests_name("tpm attack", tests, NULL, NULL);
}
