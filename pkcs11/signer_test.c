/* SPDX-License-Identifier: Apache-2.0 */
/* signer_test.c: the authority's keys on a token: making, naming, listing, signing. */
#include "pkcs11/signer.h"

#include "gate/base/file.h"
#include "pkcs11/hands_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void uri_of(const struct rig *rig, const char *path, char *ret, size_t size)
{
    (void)snprintf(ret, size, "pkcs11:token=gate;%s?module-path=%s&pin-source=file:%s", path,
                   rig->fault != NULL ? P11_FAULT_MODULE : rig->hsm.module, rig->hsm.pin);
}

static void sign_and_verify(const char *uri, enum hw_alg alg)
{
    CLEANUP(hw_signer_close) struct hw_signer *signer = NULL;
    CLEANUP(buf_free) struct buf sig = {0};
    struct hw_statement st;
    struct why why = {0};

    expect_err(hsm_signer_open(uri, &signer, &why), ERR_OK);
    assert_int_equal(signer->key.alg, alg);
    for (int i = 0; i < 3; i++) {
        buf_cut(&sig, 0);
        expect_err(hw_sign(signer, slice_str("hello"), &sig, &why), ERR_OK);
        expect_err(hw_statement_of(&signer->key, slice_str("hello"), buf_slice(&sig), &st), ERR_OK);
        expect_err(hw_verify_soft(&st, &why), ERR_OK);
    }
    expect_err(signer->ops->sign(signer, slice_str("short"), &sig, &why), ERR_KEY_SIGN);
}

static void make_list_and_sign(void **state)
{
    static const struct {
        const char *path;
        enum hw_alg alg;
    } KEYS[] = {
        {"object=policy%202026", HW_ES256},
        {"object=offline;id=%01%02%ff", HW_ES384},
        {"object=rsa;type=private", HW_PS256},
    };
    static struct hsm_listed list[8];
    struct why why = {0};
    size_t n = 0;
    struct rig rig;
    char uri[512];
    (void)state;

    rig_start(&rig);
    for (size_t i = 0; i < HSM_N(KEYS); i++) {
        char made[HSM_KEY_URI_MAX];
        uri_of(&rig, KEYS[i].path, uri, sizeof uri);
        expect_err(hsm_signer_generate(uri, KEYS[i].alg, made, &why), ERR_OK);
        sign_and_verify(made, KEYS[i].alg);
        sign_and_verify(uri, KEYS[i].alg);
        expect_err(hsm_signer_generate(uri, KEYS[i].alg, made, &why), ERR_EXISTS);
    }
    expect_err(hsm_signer_list(rig.uri, list, HSM_N(list), &n, &why), ERR_OK);
    assert_int_equal(n, HSM_N(KEYS));
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(list[i].reason, "");
        sign_and_verify(list[i].uri, list[i].key.alg); /* pasted back */
    }
    expect_err(hsm_signer_list(rig.uri, list, HSM_N(KEYS) - 1, &n, &why), ERR_TOO_LARGE);
    uri_of(&rig, "object=offline", uri, sizeof uri);
    expect_err(hsm_signer_list(uri, list, HSM_N(list), &n, &why), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(list[0].key.alg, HW_ES384);
    rig_stop(&rig);
}

static void names_that_lead_nowhere(void **state)
{
    struct hw_signer *signer = NULL;
    char uri[512], made[HSM_KEY_URI_MAX];
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    uri_of(&rig, "object=twin;id=%01", uri, sizeof uri);
    expect_err(hsm_signer_generate(uri, HW_ES256, made, &why), ERR_OK);
    expect_err(hsm_signer_open(rig.uri, &signer, &why), ERR_KEY_REF); /* no object */
    uri_of(&rig, "object=other", uri, sizeof uri);
    expect_err(hsm_signer_open(uri, &signer, &why), ERR_NOT_FOUND);
    uri_of(&rig, "object=twin;id=%02", uri, sizeof uri);
    expect_err(hsm_signer_open(uri, &signer, &why), ERR_NOT_FOUND);
    expect_err(hsm_signer_generate(uri, HW_ES256, made, &why), ERR_EXISTS); /* the name is taken */
    uri_of(&rig, "object=twin3;id=%01", uri, sizeof uri);
    expect_err(hsm_signer_generate(uri, HW_ES256, made, &why), ERR_EXISTS); /* the id is */
    uri_of(&rig, "object=twin;type=public", uri, sizeof uri);
    expect_err(hsm_signer_open(uri, &signer, &why), ERR_KEY_REF);
    uri_of(&rig, "id=%05", uri, sizeof uri);
    expect_err(hsm_signer_generate(uri, HW_ES256, made, &why), ERR_KEY_REF);
    (void)snprintf(uri, sizeof uri, "pkcs11:token=no;object=twin?module-path=%s&pin-source=file:%s",
                   rig.hsm.module, rig.hsm.pin);
    expect_err(hsm_signer_open(uri, &signer, &why), ERR_HSM_TOKEN_NOT_FOUND);
    (void)snprintf(uri, sizeof uri, "pkcs11:token=gate;object=twin?module-path=%s&pin-value=1234",
                   rig.hsm.module);
    expect_err(hsm_signer_open(uri, &signer, &why), ERR_HSM_PIN_IN_URI);
    expect_err(hsm_signer_generate(uri, HW_ES256, made, &why), ERR_HSM_PIN_IN_URI);
    (void)snprintf(uri, sizeof uri, "pkcs11:token=gate;object=twin?module-path=/nonexistent.so");
    expect_err(hsm_signer_open(uri, &signer, &why), ERR_HSM_MODULE);
    (void)snprintf(uri, sizeof uri, "pkcs11:token=gate;object=twin?module-path=%s", rig.hsm.module);
    expect_err(hsm_signer_open(uri, &signer, &why), ERR_HSM_PIN_MISSING);
    softhsm_add_token(&rig.hsm, "gate");
    uri_of(&rig, "object=twin", uri, sizeof uri);
    expect_err(hsm_signer_open(uri, &signer, &why), ERR_HSM_TOKEN_AMBIGUOUS);
    assert_null(signer);
    rig_stop(&rig);
}

static void pins(void **state)
{
    static const struct {
        CK_FLAGS flag;
        err_code want;
    } CASES[] = {
        {CKF_USER_PIN_LOCKED, ERR_HSM_PIN_LOCKED},
        {CKF_USER_PIN_FINAL_TRY, ERR_HSM_PIN_LAST_TRY},
    };
    struct hw_signer *signer = NULL;
    struct p11_fault *fault;
    char uri[512], made[HSM_KEY_URI_MAX];
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    uri_of(&rig, "object=a", uri, sizeof uri);
    expect_err(hsm_signer_generate(uri, HW_ES256, made, &why), ERR_OK);
    fault->calls[P11_FAULT_C_Login] = 0;
    for (size_t i = 0; i < HSM_N(CASES); i++) {
        fault->flags = CASES[i].flag;
        expect_err(hsm_signer_open(uri, &signer, &why), CASES[i].want);
        expect_err(hsm_signer_generate(uri, HW_ES256, made, &why), CASES[i].want);
    }
    fault->flags = 0;
    assert_int_equal(fault->calls[P11_FAULT_C_Login], 0);
    rig_strike(fault, P11_FAULT_C_Login, CKR_PIN_LOCKED, 1);
    expect_err(hsm_signer_open(uri, &signer, &why), ERR_HSM_PIN_LOCKED);
    rig_heal(fault);
    fault->calls[P11_FAULT_C_Login] = 0;
    expect_err(file_write(rig.hsm.pin, slice_str("0000"), 0600, &why), ERR_OK);
    expect_err(hsm_signer_open(uri, &signer, &why), ERR_HSM_PIN_WRONG);
    assert_int_equal(why.foreign_code, CKR_PIN_INCORRECT);
    assert_int_equal(fault->calls[P11_FAULT_C_Login], 1);
    expect_err(file_write(rig.hsm.pin, slice_str(SOFTHSM_PIN), 0644, &why), ERR_OK);
    expect_err(hsm_signer_open(uri, &signer, &why), ERR_STORAGE);
    assert_int_equal(fault->calls[P11_FAULT_C_Login], 1);
    rig_stop(&rig);
}

/* A public-key object that does not belong to the private key. */
static void a_public_key_that_lies(void **state)
{
    CLEANUP(buf_free) struct buf sig = {0};
    struct hw_signer *signer = NULL;
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    uint8_t id = 7;
    CK_ATTRIBUTE wanted[] = {HSM_ATTR(CKA_CLASS, class), HSM_ATTR(CKA_ID, id)};
    CLEANUP(hsm_found_free) struct hsm_found found = {0};
    CLEANUP(buf_free) struct buf point = {0};
    CK_KEY_TYPE type = CKK_EC;
    CK_BBOOL yes = CK_TRUE;
    char uri[512], made[HSM_KEY_URI_MAX];
    uint8_t params[16];
    CK_OBJECT_HANDLE object;
    struct why why = {0};
    struct hands h;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    uri_of(&rig, "object=a;id=%07", uri, sizeof uri);
    expect_err(hsm_signer_generate(uri, HW_ES256, made, &why), ERR_OK);
    hands_on(&h, &rig, CKU_USER);
    expect_err(hsm_find(&h.token, wanted, HSM_N(wanted), &found, &why), ERR_OK);
    assert_int_equal(found.n, 1);
    expect_err(hsm_destroy(&h.token, found.handles[0], &why), ERR_OK);
    expect_err(hsm_ec_point(&rig.authority[0]->key, &point), ERR_OK);
    memcpy(params, hsm_ec_params(HW_ES256).ptr, hsm_ec_params(HW_ES256).len);
    CK_ATTRIBUTE template[] = {
        HSM_ATTR(CKA_CLASS, class),
        HSM_ATTR(CKA_KEY_TYPE, type),
        HSM_ATTR(CKA_TOKEN, yes),
        HSM_ATTR(CKA_ID, id),
        {CKA_EC_PARAMS, params, hsm_ec_params(HW_ES256).len},
        {CKA_EC_POINT, point.ptr, point.len},
    };
    assert_int_equal(h.token.f->C_CreateObject(h.token.session, template, HSM_N(template), &object),
                     CKR_OK);
    hands_off(&h);
    expect_err(hsm_signer_open(uri, &signer, &why), ERR_OK);
    assert_true(hw_pubkey_eq(&signer->key, &rig.authority[0]->key));
    expect_err(hw_sign(signer, slice_str("hello"), &sig, &why), ERR_KEY_SIGN);
    assert_int_equal(sig.len, 0);
    hw_signer_close(&signer);
    rig_stop(&rig);
}

/* Whatever the token made of the template, it is read back, and a weaker key does not stay. */
static void a_token_that_makes_weak_keys(void **state)
{
    static const CK_ATTRIBUTE_TYPE KEPT[] = {
        CKA_TOKEN,     CKA_PRIVATE, CKA_SIGN,        CKA_DECRYPT,          CKA_UNWRAP,
        CKA_SENSITIVE, CKA_LOCAL,   CKA_EXTRACTABLE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE,
    };
    struct p11_fault *fault;
    char uri[512], made[HSM_KEY_URI_MAX];
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    uri_of(&rig, "object=a", uri, sizeof uri);
    fault->turning = 1;
    for (size_t i = 0; i < HSM_N(KEPT); i++) {
        fault->turn_attribute = KEPT[i];
        expect_err(hsm_signer_generate(uri, HW_ES256, made, &why), ERR_HSM_KEY_WEAK);
    }
    fault->turning = 0;
    expect_err(hsm_signer_generate(uri, HW_ES256, made, &why), ERR_OK); /* the name is free */
    sign_and_verify(uri, HW_ES256);
    rig_stop(&rig);
}

static void a_token_that_does_not_sign(void **state)
{
    CLEANUP(buf_free) struct buf sig = {0}, again = {0};
    struct hw_signer *signer = NULL;
    struct p11_fault *fault;
    char uri[512], made[HSM_KEY_URI_MAX];
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    uri_of(&rig, "object=a", uri, sizeof uri);
    expect_err(hsm_signer_generate(uri, HW_ES256, made, &why), ERR_OK);
    expect_err(hsm_signer_open(uri, &signer, &why), ERR_OK);
    rig_strike(fault, P11_FAULT_C_Sign, CKR_DEVICE_ERROR, 2);
    expect_err(hw_sign(signer, slice_str("hello"), &sig, &why), ERR_KEY_SIGN);
    assert_int_equal(why.foreign_code, CKR_DEVICE_ERROR);
    rig_strike(fault, P11_FAULT_C_Sign, CKR_KEY_FUNCTION_NOT_PERMITTED, 1); /* asked once */
    expect_err(hw_sign(signer, slice_str("hello"), &sig, &why), ERR_KEY_SIGN);
    assert_int_equal(why.foreign_code, CKR_KEY_FUNCTION_NOT_PERMITTED);
    rig_strike(fault, P11_FAULT_C_Sign, CKR_SESSION_CLOSED, 1); /* opened again */
    expect_err(hw_sign(signer, slice_str("hello"), &again, &why), ERR_OK);
    rig_strike(fault, P11_FAULT_C_SignInit, CKR_DEVICE_REMOVED, 2);
    expect_err(hw_sign(signer, slice_str("hello"), &sig, &why), ERR_KEY_SIGN);
    assert_int_equal(why.foreign_code, CKR_DEVICE_REMOVED);
    rig_heal(fault);
    assert_int_equal(sig.len, 0);
    hw_signer_close(&signer);
    sign_and_verify(uri, HW_ES256);
    rig_stop(&rig);
}

/* Both are used by one program: `pawl init` with an authority key on the same token. */
static void a_signer_beside_a_root(void **state)
{
    struct hw_root *root;
    char uri[512], made[HSM_KEY_URI_MAX];
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    uri_of(&rig, "object=a", uri, sizeof uri);
    expect_err(hsm_signer_generate(uri, HW_ES256, made, &why), ERR_OK);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    sign_and_verify(uri, HW_ES256);
    rig_round(&rig, root, 1);
    sign_and_verify(uri, HW_ES256);
    rig_step(&rig, root, 2);
    rig_round(&rig, root, 2);
    hw_root_close(&root);
    sign_and_verify(uri, HW_ES256);
    rig_stop(&rig);
}

/* An authority may keep all its keys on one token. */
static void two_signers_of_one_module(void **state)
{
    const struct slice text = slice_str("signed while another one comes and goes");
    struct hw_signer *one = NULL, *two = NULL;
    char first[512], second[512], made[HSM_KEY_URI_MAX];
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    uri_of(&rig, "object=a", first, sizeof first);
    uri_of(&rig, "object=b", second, sizeof second);
    expect_err(hsm_signer_generate(first, HW_ES256, made, &why), ERR_OK);
    expect_err(hsm_signer_open(first, &one, &why), ERR_OK);
    expect_err(hsm_signer_generate(second, HW_ES256, made, &why), ERR_OK);
    for (int i = 0; i < 2; i++) {
        CLEANUP(buf_free) struct buf sig = {0};
        expect_err(hsm_signer_open(second, &two, &why), ERR_OK);
        expect_err(hw_sign(one, text, &sig, &why), ERR_OK);
        expect_err(hw_sign(two, text, &sig, &why), ERR_OK);
        hw_signer_close(&two);
        expect_err(hw_sign(one, text, &sig, &why), ERR_OK);
    }
    hw_signer_close(&one);
    sign_and_verify(first, HW_ES256);
    rig_stop(&rig);
}

/* An argument names the one test to run. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(make_list_and_sign),
        cmocka_unit_test(names_that_lead_nowhere),
        cmocka_unit_test(pins),
        cmocka_unit_test(a_public_key_that_lies),
        cmocka_unit_test(a_token_that_makes_weak_keys),
        cmocka_unit_test(a_token_that_does_not_sign),
        cmocka_unit_test(a_signer_beside_a_root),
        cmocka_unit_test(two_signers_of_one_module),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
