/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_test.c: tokens that go away, answer nonsense or keep less than they promise; through
 * p11_fault.so. Kills are in kill_test.c.
 */
#include "gate/base/file.h"
#include "pkcs11/internal.h"
#include "pkcs11/rig.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const CK_RV LOST[] = {
    CKR_DEVICE_ERROR,          CKR_DEVICE_REMOVED,
    CKR_TOKEN_NOT_PRESENT,     CKR_SESSION_HANDLE_INVALID,
    CKR_SESSION_CLOSED,        CKR_USER_NOT_LOGGED_IN,
    CKR_OBJECT_HANDLE_INVALID, CKR_KEY_HANDLE_INVALID,
    CKR_OPERATION_ACTIVE,      CKR_CRYPTOKI_NOT_INITIALIZED,
};
static const CK_RV OTHER[] = {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_MEMORY,
                              CKR_HOST_MEMORY, CKR_VENDOR_DEFINED | 7};
static const enum p11_fault_fn ROUND[] = {P11_FAULT_C_VerifyInit, P11_FAULT_C_Verify,
                                          P11_FAULT_C_SignInit, P11_FAULT_C_Sign};

/* ---- opening --------------------------------------------------------------------------------- */

/* SoftHSM says no more than that it failed. */
static void softhsm_without_configuration(void **state)
{
    struct hw_root *root = NULL;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    assert_int_equal(setenv("SOFTHSM2_CONF", "/nonexistent", 1), 0);
    expect_err(hsm_root_open(rig.uri, &rig.options, &root, &why), ERR_HSM_MODULE);
    assert_int_equal(why.foreign_code, CKR_GENERAL_ERROR);
    assert_non_null(strstr(why.text, "SOFTHSM2_CONF"));
    rig_stop(&rig);
}

static void modules_that_do_not_start(void **state)
{
    struct hw_root *root = NULL;
    struct p11_fault *fault;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    softhsm_uri(&rig.hsm, "gate", "/nonexistent.so", rig.uri, sizeof rig.uri);
    expect_err(hsm_root_open(rig.uri, &rig.options, &root, &why), ERR_HSM_MODULE);
    softhsm_uri(&rig.hsm, "gate", "/etc/passwd", rig.uri, sizeof rig.uri);
    expect_err(hsm_root_open(rig.uri, &rig.options, &root, &why), ERR_HSM_MODULE);
    fault = rig_fault(&rig);
    rig_strike(fault, P11_FAULT_C_Initialize, CKR_GENERAL_ERROR, 1);
    expect_err(hsm_root_open(rig.uri, &rig.options, &root, &why), ERR_HSM_MODULE);
    assert_int_equal(why.foreign_code, CKR_GENERAL_ERROR);
    assert_non_null(strstr(why.text, "; see the module's own configuration"));
    rig_strike(fault, P11_FAULT_C_Initialize, CKR_CANT_LOCK, 1);
    expect_err(hsm_root_open(rig.uri, &rig.options, &root, &why), ERR_HSM_MODULE);
    assert_null(strstr(why.text, "configuration"));
    rig_strike(fault, P11_FAULT_C_GetSlotList, CKR_FUNCTION_FAILED, 1);
    expect_err(hsm_root_open(rig.uri, &rig.options, &root, &why), ERR_HSM_FAILED);
    rig_heal(fault);
    fault->slots = 257;
    expect_err(hsm_root_open(rig.uri, &rig.options, &root, &why), ERR_HSM_FAILED);
    fault->slots = 0;
    rig_strike(fault, P11_FAULT_C_GetTokenInfo, CKR_TOKEN_NOT_PRESENT, 9);
    expect_err(hsm_root_open(rig.uri, &rig.options, &root, &why), ERR_HSM_TOKEN_NOT_FOUND);
    rig_heal(fault);
    root = rig_open(&rig);
    assert_int_equal(fault->initialize_flags & CKF_OS_LOCKING_OK, CKF_OS_LOCKING_OK);
    hw_root_close(&root);
    assert_true(fault->calls[P11_FAULT_C_Finalize] >= fault->calls[P11_FAULT_C_Initialize] - 2);
    rig_stop(&rig);
}

static void what_is_no_simulator(void **state)
{
    struct hw_description about;
    struct hw_root *root = NULL;
    struct p11_fault *fault;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig.options.allow_simulator = false;
    expect_err(hsm_root_open(rig.uri, &rig.options, &root, &why), ERR_SIMULATOR_REFUSED);
    fault->unlike_softhsm = 1;
    root = rig_open(&rig);
    expect_err(root->ops->describe(root, &about, &why), ERR_OK);
    assert_false(about.simulator);
    assert_string_equal(about.model, "Example Example");
    hw_root_close(&root);
    rig_stop(&rig);
}

/* ---- tokens that go away --------------------------------------------------------------------- */

static err_code one_round(struct hw_root *root, struct why *why)
{
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    struct digest digest = {{1}};
    uint8_t sig[64];

    TRY(root->ops->begin(root, why));
    TRY(root->ops->sign(root, &digest, sig, why));
    return root->ops->seal(root, &digest, &seal, why);
}

static void a_lost_session_is_made_anew_once(void **state)
{
    struct p11_fault *fault;
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    for (size_t f = 0; f < HSM_N(ROUND); f++) {
        for (size_t i = 0; i < HSM_N(LOST); i++) {
            uint32_t sessions = fault->calls[P11_FAULT_C_OpenSession];
            bool removed = LOST[i] == CKR_DEVICE_REMOVED || LOST[i] == CKR_TOKEN_NOT_PRESENT;
            rig_strike(fault, ROUND[f], LOST[i], 1);
            expect_err(one_round(root, &why), ERR_OK);
            assert_int_equal(fault->calls[P11_FAULT_C_OpenSession], sessions + 1);
            rig_round(&rig, root, 1);

            rig_strike(fault, ROUND[f], LOST[i], UINT32_MAX);
            expect_err(one_round(root, &why), removed ? ERR_HSM_REMOVED : ERR_HSM_FAILED);
            assert_int_equal(why.foreign_code, LOST[i]);
            assert_true(fault->calls[ROUND[f]] <= fault->at + 1); /* tried, and once more */
            rig_heal(fault);
            rig_round(&rig, root, 1);
        }
    }
    hw_root_close(&root);
    rig_stop(&rig);
}

static void other_failures_are_not_repeated(void **state)
{
    struct p11_fault *fault;
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    for (size_t f = 0; f < HSM_N(ROUND); f++) {
        for (size_t i = 0; i < HSM_N(OTHER); i++) {
            uint32_t sessions;
            rig_round(&rig, root, 1);
            rig_strike(fault, ROUND[f], OTHER[i], UINT32_MAX);
            expect_err(one_round(root, &why), ERR_HSM_FAILED);
            assert_int_equal(why.foreign_code, OTHER[i]);
            assert_int_equal(fault->calls[ROUND[f]], fault->at);
            rig_heal(fault);
            sessions = fault->calls[P11_FAULT_C_OpenSession];
            rig_round(&rig, root, 1); /* in a new session: an operation may have been left active */
            assert_int_equal(fault->calls[P11_FAULT_C_OpenSession], sessions + 1);
        }
    }
    hw_root_close(&root);
    rig_stop(&rig);
}

static void only_two_codes_mean_invalid(void **state)
{
    static const struct {
        CK_RV rv;
        err_code want;
    } CASES[] = {
        {CKR_SIGNATURE_INVALID, ERR_SIGNATURE_INVALID},
        {CKR_SIGNATURE_LEN_RANGE, ERR_SIGNATURE_INVALID},
        {CKR_DATA_LEN_RANGE, ERR_HSM_FAILED},
        {CKR_ARGUMENTS_BAD, ERR_HSM_FAILED},
        {CKR_DATA_INVALID, ERR_HSM_FAILED},
        {CKR_FUNCTION_CANCELED, ERR_HSM_FAILED},
    };
    struct p11_fault *fault;
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    for (size_t i = 0; i < HSM_N(CASES); i++) {
        rig_strike(fault, P11_FAULT_C_Verify, CASES[i].rv, 1);
        expect_err(root->ops->verify(root, &rig_mandate(&rig, 1)->statements[0], &why),
                   CASES[i].want);
        expect_err(root->ops->verify(root, &rig_mandate(&rig, 1)->statements[0], &why), ERR_OK);
        assert_int_equal(fault->verify_data_len, 32);
    }
    rig_strike(fault, P11_FAULT_C_VerifyInit, CKR_MECHANISM_INVALID, 1);
    expect_err(root->ops->verify(root, &rig_mandate(&rig, 1)->statements[0], &why),
               ERR_UNSUPPORTED);
    hw_root_close(&root);
    rig_stop(&rig);
}

static void another_token_after_the_new_start(void **state)
{
    struct p11_fault *fault;
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    softhsm_reinit(&rig.hsm, "gate");
    rig_strike(fault, P11_FAULT_C_Verify, CKR_DEVICE_REMOVED, 1);
    assert_int_not_equal(one_round(root, &why), ERR_OK);
    assert_true(why.code == ERR_HSM_REMOVED || why.code == ERR_HSM_KEY_MISSING);
    assert_int_not_equal(one_round(root, &why), ERR_OK);
    hw_root_close(&root);
    rig_stop(&rig);
}

/* Somebody else finalises the module under our feet, as libp11 does when it is unloaded. */
static void the_module_is_finalised_by_another(void **state)
{
    CK_RV (*get)(CK_FUNCTION_LIST **) = NULL;
    CK_FUNCTION_LIST *raw = NULL;
    struct hw_root *root;
    struct rig rig;
    void *handle;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    handle = dlopen(rig.hsm.module, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(handle);
    *(void **)&get = dlsym(handle, "C_GetFunctionList");
    assert_int_equal(get(&raw), CKR_OK);
    assert_int_equal(raw->C_Finalize(NULL), CKR_OK);
    rig_round(&rig, root, 1);
    hw_root_close(&root);
    (void)dlclose(handle);
    rig_stop(&rig);
}

/* ---- another process steps ------------------------------------------------------------------- */

static void a_step_by_another_root_is_noticed(void **state)
{
    struct hw_root *mine, *other;
    struct digest digest = {{1}};
    struct why why = {0};
    uint64_t epoch = 0;
    uint8_t sig[64];
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    mine = rig_attach(&rig);
    other = rig_attach(&rig);
    rig_step(&rig, mine, 1);
    rig_round(&rig, mine, 1);
    expect_err(mine->ops->begin(mine, &why), ERR_OK);
    rig_step(&rig, other, 2);
    expect_err(mine->ops->sign(mine, &digest, sig, &why), ERR_HSM_KEY_MISSING);
    expect_err(mine->ops->begin(mine, &why), ERR_ROLLBACK);
    expect_err(mine->ops->epoch(mine, &epoch, &why), ERR_OK);
    assert_int_equal(epoch, 2);
    expect_err(mine->ops->prepare(mine, rig_mandate(&rig, 1), &why), ERR_ROLLBACK);
    expect_err(mine->ops->prepare(mine, rig_mandate(&rig, 2), &why), ERR_OK);
    rig_round(&rig, mine, 2);
    rig_step(&rig, other, 3);
    expect_err(mine->ops->begin(mine, &why), ERR_ROLLBACK); /* before anything is signed */
    rig_step(&rig, mine, 3);
    rig_round(&rig, other, 3);
    hw_root_close(&other);
    rig_round(&rig, mine, 3); /* the module is still there for this one */
    hw_root_close(&mine);
    rig_stop(&rig);
}

/* Our file of certificates does not show it; the token does. */
static void a_step_from_another_directory_is_noticed(void **state)
{
    struct hw_root *mine, *other;
    struct digest digest = {{1}};
    struct why why = {0};
    uint8_t sig[64];
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    mine = rig_attach(&rig);
    rig_step(&rig, mine, 1);
    rig_round(&rig, mine, 1);
    softhsm_save(rig.hsm.store, "copy");
    (void)snprintf(rig.hsm.store, sizeof rig.hsm.store, "%s/store.copy", rig.hsm.dir);
    other = rig_attach(&rig);
    assert_ptr_equal(rig.options.store_dir, rig.hsm.store);
    rig_step(&rig, other, 2);
    (void)snprintf(rig.hsm.store, sizeof rig.hsm.store, "%s/store", rig.hsm.dir);
    expect_err(mine->ops->begin(mine, &why), ERR_OK);
    expect_err(mine->ops->sign(mine, &digest, sig, &why), ERR_HSM_KEY_MISSING);
    expect_err(mine->ops->begin(mine, &why), ERR_ROLLBACK);
    hw_root_close(&other);
    hw_root_close(&mine);
    rig_stop(&rig);
}

/* ---- tokens that keep less than they promise ------------------------------------------------- */

static void signatures_of_a_wrong_length(void **state)
{
    static const uint32_t LENGTHS[] = {1, 63, 65, 96};
    struct p11_fault *fault;
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    for (size_t i = 0; i < HSM_N(LENGTHS); i++) {
        struct digest digest = {{1}};
        uint8_t sig[64];
        expect_err(root->ops->begin(root, &why), ERR_OK);
        fault->sign_len = LENGTHS[i];
        expect_err(root->ops->sign(root, &digest, sig, &why), ERR_HSM_FAILED);
        fault->sign_len = 0;
        rig_round(&rig, root, 1);
    }
    hw_root_close(&root);
    rig_stop(&rig);
}

static void protections_that_the_token_forgets(void **state)
{
    static const CK_ATTRIBUTE_TYPE OF_KEYS[] = {CKA_COPYABLE, CKA_MODIFIABLE,
                                                CKA_ALLOWED_MECHANISMS, CKA_DESTROYABLE};
    static const CK_ATTRIBUTE_TYPE OF_ANCHORS[] = {CKA_TRUSTED, CKA_COPYABLE, CKA_MODIFIABLE,
                                                   CKA_DESTROYABLE};
    struct p11_fault *fault;
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    (void)state;

    for (size_t i = 0; i < HSM_N(OF_ANCHORS); i++) {
        rig_start(&rig);
        fault = rig_fault(&rig);
        fault->ignore_attribute = OF_ANCHORS[i];
        fault->ignoring = 1;
        root = rig_open(&rig);
        expect_err(root->ops->enrol(root, rig.owner, &rig.enrolment, &why), ERR_HSM_KEY_WEAK);
        hw_root_close(&root);
        rig_stop(&rig);
    }
    rig_start(&rig);
    fault = rig_fault(&rig);
    fault->fn = P11_FAULT_NONE;
    root = rig_open(&rig);
    rig_strike(fault, P11_FAULT_C_GenerateKeyPair, CKR_DEVICE_MEMORY, 1); /* anchors only */
    expect_err(root->ops->enrol(root, rig.owner, &rig.enrolment, &why), ERR_HSM_FAILED);
    rig_heal(fault);
    fault->ignoring = 1;
    for (size_t i = 0; i < HSM_N(OF_KEYS); i++) {
        fault->ignore_attribute = OF_KEYS[i];
        expect_err(root->ops->enrol(root, rig.owner, &rig.enrolment, &why), ERR_HSM_KEY_WEAK);
    }
    fault->ignoring = 0;
    expect_err(root->ops->enrol(root, rig.owner, &rig.enrolment, &why), ERR_OK);
    expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_OK);
    rig_step(&rig, root, 1);
    fault->ignoring = 1;
    for (size_t i = 0; i < HSM_N(OF_KEYS); i++) {
        if (OF_KEYS[i] == CKA_DESTROYABLE)
            continue; /* true by default */
        fault->ignore_attribute = OF_KEYS[i];
        expect_err(root->ops->step(root, rig_mandate(&rig, 2), &why), ERR_HSM_KEY_WEAK);
    }
    fault->ignoring = 0;
    expect_err(root->ops->prepare(root, rig_mandate(&rig, 1), &why), ERR_OK);
    rig_round(&rig, root, 1); /* the old epoch goes on */
    rig_step(&rig, root, 2);
    rig_round(&rig, root, 2);
    hw_root_close(&root);
    rig_stop(&rig);
}

/* Each protection is read back at every start, whatever was found at enrolment. */
static void protections_that_are_gone_later(void **state)
{
    static const CK_ATTRIBUTE_TYPE TYPES[] = {
        CKA_TOKEN,   CKA_PRIVATE,  CKA_SENSITIVE,  CKA_EXTRACTABLE, CKA_ALWAYS_SENSITIVE,
        CKA_LOCAL,   CKA_COPYABLE, CKA_MODIFIABLE, CKA_SIGN,        CKA_NEVER_EXTRACTABLE,
        CKA_DECRYPT, CKA_UNWRAP,   CKA_DERIVE,     CKA_DESTROYABLE, CKA_TRUSTED,
        CKA_VERIFY,  CKA_ENCRYPT,  CKA_WRAP,
    };
    struct p11_fault *fault;
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig_enrol(&rig);
    root = rig_open(&rig);
    for (size_t i = 0; i < HSM_N(TYPES); i++) {
        bool of_anchor = TYPES[i] == CKA_TRUSTED || TYPES[i] == CKA_VERIFY ||
                         TYPES[i] == CKA_ENCRYPT || TYPES[i] == CKA_WRAP;
        fault->turn_attribute = TYPES[i];
        fault->turning = 1;
        expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why),
                   of_anchor ? ERR_ANCHOR_FOREIGN : ERR_HSM_KEY_WEAK);
        fault->turning = 0;
        expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_OK);
    }
    /* Of all objects, the epoch key alone can be destroyed. */
    fault->turn_attribute = CKA_DESTROYABLE;
    fault->turning = 2;
    expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_HSM_KEY_WEAK);
    assert_non_null(strstr(why.text, "the epoch key"));
    hw_root_close(&root);
    rig_stop(&rig);
}

static void only_the_right_lengths_reach_the_token(void **state)
{
    static const size_t LENGTHS[] = {0, 1, 63, 65, 96, HW_SIG_MAX, HW_SIG_MAX + 1, SIZE_MAX};
    struct p11_fault *fault;
    struct hw_statement *st;
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    (void)rig_mandate(&rig, 1);
    st = &rig.mandate->statements[0];
    for (size_t i = 0; i < HSM_N(LENGTHS); i++) {
        st->sig_len = LENGTHS[i];
        expect_err(root->ops->verify(root, st, &why), ERR_SIGNATURE_INVALID);
    }
    assert_int_equal(fault->calls[P11_FAULT_C_VerifyInit], 0);
    assert_int_equal(fault->calls[P11_FAULT_C_Verify], 0);
    hw_root_close(&root);
    rig_stop(&rig);
}

/* ---- a failure anywhere in a step ------------------------------------------------------------ */

/* stride: searches and attributes are many and alike, so not every one of them fails once. */
static const struct {
    enum p11_fault_fn fn;
    uint32_t stride;
} STEP[] = {
    {P11_FAULT_C_OpenSession, 1},
    {P11_FAULT_C_CloseAllSessions, 1},
    {P11_FAULT_C_Login, 1},
    {P11_FAULT_C_FindObjectsInit, 3},
    {P11_FAULT_C_FindObjects, 5},
    {P11_FAULT_C_FindObjectsFinal, 5},
    {P11_FAULT_C_GetAttributeValue, 23},
    {P11_FAULT_C_CreateObject, 1},
    {P11_FAULT_C_DestroyObject, 1},
    {P11_FAULT_C_GenerateKeyPair, 1},
    {P11_FAULT_C_SignInit, 1},
    {P11_FAULT_C_Sign, 1},
    {P11_FAULT_C_VerifyInit, 1},
    {P11_FAULT_C_Verify, 1},
};

/* Steps with the k-th call of fn failing. True when the step made fewer calls than k. */
static bool step_with(struct rig *rig, struct hw_root *root, uint64_t epoch, uint32_t k)
{
    uint32_t before = rig->fault->calls[rig->fault->fn];
    struct why why = {0};
    uint64_t now = 0;
    err_code err;

    rig->fault->at = before + k;
    rig->fault->times = 1;
    err = root->ops->step(root, rig_mandate(rig, epoch), &why);
    if (rig->fault->calls[rig->fault->fn] < before + k) {
        assert_int_equal(err, ERR_OK);
        return true;
    }
    rig->fault->times = 0;
    if (err != ERR_OK) {
        expect_err(root->ops->epoch(root, &now, &why), ERR_OK);
        assert_true(now == epoch || now == epoch - 1);
    }
    rig_step(rig, root, epoch);
    expect_err(one_round(root, &why), ERR_OK);
    return false;
}

static void a_step_whose_calls_fail(void **state)
{
    struct hw_root *root;
    unsigned points = 0;
    uint64_t epoch = 1;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    (void)rig_fault(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, epoch++);
    for (size_t f = 0; f < HSM_N(STEP); f++) {
        for (uint32_t late = 0; late <= 1; late++) {
            rig.fault->rv = late ? CKR_FUNCTION_FAILED : CKR_DEVICE_ERROR;
            rig.fault->late = late;
            rig.fault->times = 0;
            rig.fault->fn = (uint32_t)STEP[f].fn;
            for (uint32_t k = 1; !step_with(&rig, root, epoch++, k); k += STEP[f].stride)
                points++;
        }
    }
    rig_heal(rig.fault);
    print_message("a step failed at %u places, and was finished\n", points);
    assert_true(points > 50);
    rig_step(&rig, root, epoch);
    rig_round(&rig, root, epoch);
    hw_root_close(&root);
    rig_stop(&rig);
}

/* An argument names the one test to run. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softhsm_without_configuration),
        cmocka_unit_test(modules_that_do_not_start),
        cmocka_unit_test(what_is_no_simulator),
        cmocka_unit_test(a_lost_session_is_made_anew_once),
        cmocka_unit_test(other_failures_are_not_repeated),
        cmocka_unit_test(only_two_codes_mean_invalid),
        cmocka_unit_test(another_token_after_the_new_start),
        cmocka_unit_test(the_module_is_finalised_by_another),
        cmocka_unit_test(a_step_by_another_root_is_noticed),
        cmocka_unit_test(a_step_from_another_directory_is_noticed),
        cmocka_unit_test(signatures_of_a_wrong_length),
        cmocka_unit_test(protections_that_the_token_forgets),
        cmocka_unit_test(protections_that_are_gone_later),
        cmocka_unit_test(only_the_right_lengths_reach_the_token),
        cmocka_unit_test(a_step_whose_calls_fail),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
