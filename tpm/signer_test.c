/* SPDX-License-Identifier: Apache-2.0 */
/* signer_test.c: an authority's keys at persistent handles. */
#include "tpm/signer.h"

#include "gate/base/file.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int start(void **state)
{
    struct fx *fx = fx_new(false);

    fx_enrol(fx);
    fx_close(fx);
    *state = fx;
    return 0;
}

static int end(void **state)
{
    fx_free(*state);
    return 0;
}

static void references(void **state)
{
    static const struct {
        const char *text;
        uint32_t handle;
        const char *file;
        err_code want;
    } cases[] = {
        {"tpm2:handle=0x81000042", 0x81000042, "", ERR_OK},
        {"tpm2:handle=0x81000042&auth-file=/etc/x", 0x81000042, "/etc/x", ERR_OK},
        {"tpm2:handle=2164260866", 0x81000002, "", ERR_OK},
        {"tpm2:handle=0x80000042", 0, "", ERR_KEY_REF},
        {"tpm2:handle=0x82000000", 0, "", ERR_KEY_REF},
        {"tpm2:handle=0x181000042", 0, "", ERR_KEY_REF},
        {"tpm2:handle=", 0, "", ERR_KEY_REF},
        {"tpm2:handle=0x81000042x", 0, "", ERR_KEY_REF},
        {"tpm2:handle=0x0000000000000081000042", 0, "", ERR_KEY_REF},
        {"tpm2:handle=0x81000042&", 0, "", ERR_KEY_REF},
        {"tpm2:handle=0x81000042&auth=secret", 0, "", ERR_KEY_REF},
        {"tpm2:handle=0x81000042&auth-file=relative", 0, "", ERR_KEY_REF},
        {"tpm2:handle=0x81000042&auth-file=", 0, "", ERR_KEY_REF},
        {"tpm2:", 0, "", ERR_KEY_REF},
        {"", 0, "", ERR_KEY_REF},
        {"pkcs11:token=x", 0, "", ERR_KEY_REF},
    };
    struct fx *fx = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tpm_key_ref ref;
        err_code err = tpm_key_ref_parse(cases[i].text, &ref, &fx->why);

        if (err != cases[i].want)
            fail_msg("%s: %s, wanted %s", cases[i].text, err_name(err), err_name(cases[i].want));
        if (err != ERR_OK)
            continue;
        assert_int_equal(ref.handle, cases[i].handle);
        assert_string_equal(ref.auth_file, cases[i].file);
    }
}

static void each_algorithm_signs(void **state)
{
    static const struct {
        enum hw_alg alg;
        const char *ref;
    } keys[] = {
        {HW_ES256, "tpm2:handle=0x81000042"},
        {HW_ES384, "tpm2:handle=0x81000043"},
        {HW_PS256, "tpm2:handle=0x81000044"},
    };
    struct fx *fx = *state;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        CLEANUP(hw_signer_close) struct hw_signer *made = NULL, *opened = NULL, *twice = NULL;
        CLEANUP(buf_free) struct buf sig = {0};
        struct hw_statement st;

        OK(tpm_signer_generate(fx->tpm.uri, keys[i].ref, keys[i].alg, &fx->options, &made,
                               &fx->why));
        assert_int_equal(made->key.alg, keys[i].alg);
        EXPECT(tpm_signer_generate(fx->tpm.uri, keys[i].ref, keys[i].alg, &fx->options, &twice,
                                   &fx->why),
               ERR_EXISTS);
        assert_null(twice);
        OK(tpm_signer_open(fx->tpm.uri, keys[i].ref, &fx->options, &opened, &fx->why));
        assert_true(hw_pubkey_eq(&made->key, &opened->key));
        OK(hw_sign(opened, slice_str("root metadata"), &sig, &fx->why));
        OK(hw_statement_of(&made->key, slice_str("root metadata"), buf_slice(&sig), &st));
        OK(hw_verify_soft(&st, &fx->why));
        EXPECT(opened->ops->sign(opened, (struct slice){st.digest, 20}, &sig, &fx->why),
               ERR_KEY_SIGN);
    }
}

/* Two keys of one kind are two keys. */
static void keys_differ(void **state)
{
    struct fx *fx = *state;
    CLEANUP(hw_signer_close) struct hw_signer *a = NULL, *b = NULL;

    OK(tpm_signer_open(fx->tpm.uri, "tpm2:handle=0x81000042", &fx->options, &a, &fx->why));
    OK(tpm_signer_generate(fx->tpm.uri, "tpm2:handle=0x81000045", HW_ES256, &fx->options, &b,
                           &fx->why));
    assert_false(hw_pubkey_eq(&a->key, &b->key));
}

static void an_authorization_is_needed_where_there_is_one(void **state)
{
    struct fx *fx = *state;
    CLEANUP(hw_signer_close) struct hw_signer *key = NULL, *wrong = NULL;
    CLEANUP(buf_free) struct buf sig = {0};
    char path[128], ref[256];

    (void)snprintf(path, sizeof path, "%s/auth", fx->tpm.dir);
    (void)snprintf(ref, sizeof ref, "tpm2:handle=0x81000046&auth-file=%s", path);
    OK(file_write(path, slice_str("correct horse\n"), 0600, &fx->why));
    OK(tpm_signer_generate(fx->tpm.uri, ref, HW_ES256, &fx->options, &key, &fx->why));
    OK(hw_sign(key, slice_str("x"), &sig, &fx->why));
    OK(tpm_signer_open(fx->tpm.uri, "tpm2:handle=0x81000046", &fx->options, &wrong, &fx->why));
    EXPECT(hw_sign(wrong, slice_str("x"), &sig, &fx->why), ERR_TPM_AUTH);
    OK(file_write(path, slice_str("correct horse\n"), 0644, &fx->why));
    EXPECT(tpm_signer_open(fx->tpm.uri, ref, &fx->options, &wrong, &fx->why), ERR_STORAGE);
}

static void what_is_no_signer(void **state)
{
    struct fx *fx = *state;
    struct hw_signer *key = NULL;

    /* The gate's own keys: one is behind a policy, the other restricted, too. */
    EXPECT(tpm_signer_open(fx->tpm.uri, "tpm2:handle=0x81000100", &fx->options, &key, &fx->why),
           ERR_KEY_REF);
    EXPECT(tpm_signer_open(fx->tpm.uri, "tpm2:handle=0x81000101", &fx->options, &key, &fx->why),
           ERR_KEY_REF);
    EXPECT(tpm_signer_open(fx->tpm.uri, "tpm2:handle=0x81000999", &fx->options, &key, &fx->why),
           ERR_NOT_FOUND);
    EXPECT(tpm_signer_open("tpm:swtpm:path=/nowhere/sock", "tpm2:handle=0x81000999", &fx->options,
                           &key, &fx->why),
           ERR_TPM_NOT_FOUND);
    fx->options.allow_simulator = false;
    EXPECT(tpm_signer_open(fx->tpm.uri, "tpm2:handle=0x81000042", &fx->options, &key, &fx->why),
           ERR_SIMULATOR_REFUSED);
    fx->options.allow_simulator = true;
    assert_null(key);
}

static void listed(void **state)
{
    struct fx *fx = *state;
    static struct tpm_listed found[16];
    size_t n = 0, signers = 0;

    OK(tpm_signer_list(fx->tpm.uri, &fx->options, found, 16, &n, &fx->why));
    assert_int_equal(n, 7);
    for (size_t i = 0; i < n; i++) {
        signers += found[i].key.alg != HW_ALG_NONE;
        assert_int_equal(found[i].key.alg == HW_ALG_NONE, found[i].reason[0] != '\0');
    }
    assert_int_equal(signers, 5);
    OK(tpm_signer_list(fx->tpm.uri, &fx->options, found, 2, &n, &fx->why));
    assert_int_equal(n, 2);
}

/* A ratchet key in a TPM of the authority makes grants that the gate's TPM takes. */
static void a_grant_by_such_a_key(void **state)
{
    struct fx *fx = fx_new(false);
    struct fx *other = *state;
    CLEANUP(hw_signer_close) struct hw_signer *key = NULL;

    OK(tpm_signer_open(other->tpm.uri, "tpm2:handle=0x81000042", &other->options, &key, &fx->why));
    hw_signer_close(&fx->ratchet[0]);
    fx->ratchet[0] = key;
    key = NULL;
    fx_rekey(fx);
    fx_enrol(fx);
    fx_step(fx, 1);
    fx_round(fx);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references),
        cmocka_unit_test(each_algorithm_signs),
        cmocka_unit_test(keys_differ),
        cmocka_unit_test(an_authorization_is_needed_where_there_is_one),
        cmocka_unit_test(what_is_no_signer),
        cmocka_unit_test(listed),
        cmocka_unit_test(a_grant_by_such_a_key),
    };

    return cmocka_run_group_tests_name("tpm signer", tests, start, end);
}
