/* SPDX-License-Identifier: Apache-2.0 */
/* pin_test.c: where PINs come from, and that none is tried once too often. */
#include "gate/base/file.h"
#include "pkcs11/internal.h"
#include "pkcs11/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void secret(const char *path, const char *text, mode_t mode)
{
    struct why why = {0};

    expect_err(file_write(path, slice_str(text), mode, &why), ERR_OK);
}

/* ---- PINs ------------------------------------------------------------------------------------ */

static void a_wrong_pin_is_tried_once(void **state)
{
    struct hw_root *root;
    struct p11_fault *fault;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    secret(rig.hsm.so_pin, "0000", 0600);
    root = rig_open(&rig);
    for (int i = 0; i < 3; i++)
        expect_err(root->ops->enrol(root, rig.owner, &rig.enrolment, &why), ERR_HSM_PIN_WRONG);
    assert_int_equal(fault->calls[P11_FAULT_C_Login], 1);
    hw_root_close(&root);
    secret(rig.hsm.so_pin, SOFTHSM_SO_PIN, 0600);
    rig_enrol(&rig);

    secret(rig.hsm.pin, "0000", 0600);
    root = rig_open(&rig);
    fault->calls[P11_FAULT_C_Login] = 0;
    for (int i = 0; i < 3; i++) {
        expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_HSM_PIN_WRONG);
        expect_err(root->ops->enrol(root, rig.owner, &rig.enrolment, &why), ERR_HSM_PIN_WRONG);
    }
    assert_int_equal(fault->calls[P11_FAULT_C_Login], 1);
    hw_root_close(&root);
    secret(rig.hsm.pin, SOFTHSM_PIN, 0600);

    /* Changed while running: the new start after a lost session tries once. */
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    rig_round(&rig, root, 1);
    secret(rig.hsm.pin, "0000", 0600);
    fault->calls[P11_FAULT_C_Login] = 0;
    rig_strike(fault, P11_FAULT_C_Verify, CKR_SESSION_HANDLE_INVALID, 1);
    for (int i = 0; i < 3; i++)
        expect_err(root->ops->begin(root, &why), ERR_HSM_PIN_WRONG);
    assert_int_equal(fault->calls[P11_FAULT_C_Login], 1);
    hw_root_close(&root);
    rig_stop(&rig);
}

static void pin_flags_are_looked_at_first(void **state)
{
    static const struct {
        CK_FLAGS flag;
        err_code attach, enrol;
    } CASES[] = {
        {CKF_USER_PIN_FINAL_TRY, ERR_HSM_PIN_LAST_TRY, ERR_HSM_PIN_LAST_TRY},
        {CKF_USER_PIN_LOCKED, ERR_HSM_PIN_LOCKED, ERR_HSM_PIN_LOCKED},
        {CKF_USER_PIN_LOCKED | CKF_USER_PIN_FINAL_TRY, ERR_HSM_PIN_LOCKED, ERR_HSM_PIN_LOCKED},
        {CKF_SO_PIN_FINAL_TRY, ERR_OK, ERR_HSM_PIN_LAST_TRY},
        {CKF_SO_PIN_LOCKED, ERR_OK, ERR_HSM_PIN_LOCKED},
        {CKF_USER_PIN_COUNT_LOW | CKF_SO_PIN_COUNT_LOW, ERR_OK, ERR_OK},
    };
    struct p11_fault *fault;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig_enrol(&rig);
    for (size_t i = 0; i < HSM_N(CASES); i++) {
        struct hw_root *root = rig_open(&rig);
        struct hw_enrolment again;
        struct why why = {0};
        uint32_t before = fault->calls[P11_FAULT_C_Login];
        fault->flags = CASES[i].flag;
        expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), CASES[i].attach);
        assert_int_equal(fault->calls[P11_FAULT_C_Login] - before,
                         CASES[i].attach == ERR_OK ? 1 : 0);
        hw_root_close(&root);
        /* One more authority key, so that the officer is needed. */
        hw_signer_close(&rig.authority[2]);
        expect_err(hw_signer_generate(HW_ES256, &rig.authority[2], &why), ERR_OK);
        rig.owner->anchors[2] = rig.authority[2]->key;
        rig.owner->n_anchors = 3;
        if ((CASES[i].flag & (CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED | CKF_SO_PIN_COUNT_LOW)) ==
            0)
            rig.owner->n_anchors = 2;
        root = rig_open(&rig);
        before = fault->calls[P11_FAULT_C_Login];
        expect_err(root->ops->enrol(root, rig.owner, &again, &why), CASES[i].enrol);
        if (CASES[i].enrol != ERR_OK)
            assert_int_equal(fault->calls[P11_FAULT_C_Login], before);
        hw_root_close(&root);
        fault->flags = 0;
        rig.owner->n_anchors = 2;
    }
    rig_stop(&rig);
}

static void pin_files(void **state)
{
    struct hw_root *root;
    struct p11_fault *fault;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig_enrol(&rig);
    fault->calls[P11_FAULT_C_Login] = 0;
    root = rig_open(&rig);
    secret(rig.hsm.pin, SOFTHSM_PIN "\n", 0644);
    expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_STORAGE);
    secret(rig.hsm.pin, "\n", 0600);
    expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_HSM_PIN_MISSING);
    assert_int_equal(remove(rig.hsm.pin), 0);
    expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_NOT_FOUND);
    assert_int_equal(fault->calls[P11_FAULT_C_Login], 0);
    secret(rig.hsm.pin, SOFTHSM_PIN "\n", 0640);
    expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_OK);
    hw_root_close(&root);

    (void)snprintf(rig.uri, sizeof rig.uri, "pkcs11:token=gate?module-path=%s", P11_FAULT_MODULE);
    root = rig_open(&rig);
    expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_HSM_PIN_MISSING);
    hw_root_close(&root);
    rig_stop(&rig);
}

static void what_the_token_says_of_a_pin(void **state)
{
    static const struct {
        CK_RV rv;
        err_code want;
    } CASES[] = {
        {CKR_PIN_INCORRECT, ERR_HSM_PIN_WRONG}, {CKR_PIN_INVALID, ERR_HSM_PIN_WRONG},
        {CKR_PIN_LEN_RANGE, ERR_HSM_PIN_WRONG}, {CKR_PIN_LOCKED, ERR_HSM_PIN_LOCKED},
        {CKR_PIN_EXPIRED, ERR_HSM_FAILED},      {CKR_GENERAL_ERROR, ERR_HSM_FAILED},
    };
    struct p11_fault *fault;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig_enrol(&rig);
    for (size_t i = 0; i < HSM_N(CASES); i++) {
        struct hw_root *root = rig_open(&rig);
        struct why why = {0};
        uint32_t before = fault->calls[P11_FAULT_C_Login];
        rig_strike(fault, P11_FAULT_C_Login, CASES[i].rv, 99);
        expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), CASES[i].want);
        assert_int_equal(why.foreign_code, CASES[i].rv);
        assert_int_equal(fault->calls[P11_FAULT_C_Login], before + 1);
        rig_heal(fault);
        hw_root_close(&root);
    }
    rig_stop(&rig);
}

/* What a person needs to find his mistake; never the PIN. */
static void a_refusal_names_the_file(void **state)
{
    static const struct {
        const char *pin;
        CK_FLAGS flags;
        const char *says, *never;
    } CASES[] = {
        {"0000", 0, ": The password", "ends in"},
        {"0000\n", 0, ": The password", "ends in"},
        {SOFTHSM_PIN " \n", 0, ", which ends in a blank: The", "0 one"},
        {SOFTHSM_PIN "\t", 0, ", which ends in a blank: The", "0 one"},
        {SOFTHSM_PIN "\n\n", 0, ", which ends in an empty line: The", "0 one"},
        {SOFTHSM_PIN "\r\n\r\n", 0, ", which ends in an empty line: The", "0 one"},
        {"0000", CKF_USER_PIN_COUNT_LOW, "(PIN_COUNT_LOW)", "FINAL"},
        {"0000", CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED, ": The password", "; one"},
    };
    struct p11_fault *fault;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig_enrol(&rig);
    for (size_t i = 0; i < HSM_N(CASES); i++) {
        struct hw_root *root = rig_open(&rig);
        struct why why = {0};
        secret(rig.hsm.pin, CASES[i].pin, 0600);
        fault->flags = CASES[i].flags;
        expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_HSM_PIN_WRONG);
        assert_non_null(strstr(why.text, "refused the user PIN in \""));
        assert_non_null(strstr(why.text, rig.hsm.pin));
        if (strstr(why.text, CASES[i].says) == NULL || strstr(why.text, CASES[i].never) != NULL)
            fail_msg("case %zu: %s", i, why.text);
        assert_null(strstr(why.text, SOFTHSM_PIN));
        assert_null(strstr(why.text, "0000"));
        expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_HSM_PIN_WRONG);
        assert_non_null(strstr(why.text, rig.hsm.pin));
        hw_root_close(&root);
    }
    rig_stop(&rig);
}

/* The flags after the login: the try may have been the last but one, or the last. */
static void a_refusal_tells_the_tries_left(void **state)
{
    static const struct {
        CK_FLAGS flags;
        const char *says;
    } CASES[] = {
        {CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY, "(PIN_FINAL_TRY)"},
        {CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED, "(PIN_LOCKED)"},
    };
    struct p11_fault *fault;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig_enrol(&rig);
    secret(rig.hsm.pin, "0000", 0600);
    for (size_t i = 0; i < HSM_N(CASES); i++) {
        struct hw_root *root = rig_open(&rig);
        struct why why = {0};
        fault->login_flags = CASES[i].flags;
        fault->flags = 0;
        expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_HSM_PIN_WRONG);
        if (strstr(why.text, CASES[i].says) == NULL)
            fail_msg("case %zu: %s", i, why.text);
        hw_root_close(&root);
    }
    rig_stop(&rig);
}

/* The officer's session ends, whatever the token says when he logs out. */
static void the_officer_does_not_stay(void **state)
{
    struct hw_enrolment enrolment;
    struct p11_fault *fault;
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    uint32_t before;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    root = rig_open(&rig);
    rig_strike(fault, P11_FAULT_C_Logout, CKR_GENERAL_ERROR, 1);
    before = fault->calls[P11_FAULT_C_CloseSession];
    expect_err(root->ops->enrol(root, rig.owner, &enrolment, &why), ERR_HSM_FAILED);
    assert_non_null(strstr(why.text, "C_Logout"));
    /* the one that looked for anchors, and his */
    assert_int_equal(fault->calls[P11_FAULT_C_Logout], 1);
    assert_int_equal(fault->calls[P11_FAULT_C_CloseSession] - before, 2);
    rig_heal(fault);
    expect_err(root->ops->enrol(root, rig.owner, &rig.enrolment, &why), ERR_OK);
    hw_root_close(&root);
    rig_stop(&rig);
}

/* An argument names the one test to run. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_pin_is_tried_once),
        cmocka_unit_test(pin_flags_are_looked_at_first),
        cmocka_unit_test(pin_files),
        cmocka_unit_test(what_the_token_says_of_a_pin),
        cmocka_unit_test(the_officer_does_not_stay),
        cmocka_unit_test(a_refusal_names_the_file),
        cmocka_unit_test(a_refusal_tells_the_tries_left),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
