/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wycheproof_test.c: the Wycheproof vectors, judged by the TPM through the root's own verify: raw
 * and DER ECDSA on P-256, RSASSA-PSS of 2048 bits. Every vector is valid or invalid, and so must be
 * the answer. Signatures of a wrong length or in wrong DER are refused before the TPM is asked;
 * counted.
 */
#include "gate/base/vectors_testing.h"
#include "tpm/command.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FOLDER "wycheproof/testvectors_v1/"
#define EXIT_SKIP 77

struct tally {
    size_t valid, invalid; /* judged by the TPM, rightly */
    size_t by_form;        /* refused before, rightly */
    size_t wrong;
};

/* ret_form: refused before the TPM saw it. */
static err_code judge(struct fx *fx, const struct hw_pubkey *key, bool der, struct slice msg,
                      struct slice sig, bool *ret_form)
{
    CLEANUP(buf_free) struct buf raw = {0};
    struct hw_statement st;

    *ret_form = true;
    if (der) {
        TRY(hw_sig_from_der(key->alg, sig, &raw));
        sig = buf_slice(&raw);
    }
    TRY(hw_statement_of(key, msg, sig, &st));
    *ret_form = false;
    return fx->root->ops->verify(fx->root, &st, &fx->why);
}

static void one(struct fx *fx, const struct hw_pubkey *key, bool der, const json_t *test,
                struct tally *tally)
{
    CLEANUP(buf_free) struct buf msg = {0}, sig = {0};
    const char *result = vectors_text(test, "result");
    bool valid = strcmp(result, "valid") == 0, form;
    err_code err;

    vectors_hex(test, "msg", &msg);
    vectors_hex(test, "sig", &sig);
    fx->why = (struct why){0};
    err = judge(fx, key, der, buf_slice(&msg), buf_slice(&sig), &form);
    if ((err == ERR_OK) != valid || (err != ERR_OK && err != ERR_SIGNATURE_INVALID)) {
        print_error("%llu (%s): %s 0x%llx, wanted %s\n",
                    (unsigned long long)vectors_number(test, "tcId"), vectors_text(test, "comment"),
                    err_name(err), (unsigned long long)fx->why.foreign_code, result);
        tally->wrong++;
    } else if (form) {
        tally->by_form++;
    } else {
        tally->valid += valid;
        tally->invalid += !valid;
    }
}

static struct tally run(struct fx *fx, const char *file, bool der)
{
    struct tally tally = {0};
    json_t *json, *group, *test;
    char path[4096];
    size_t i, k;

    assert_true(vectors_path(file, path, sizeof path));
    json = vectors_json(path);
    json_array_foreach(json_object_get(json, "testGroups"), i, group)
    {
        CLEANUP(buf_free) struct buf spki = {0};
        struct hw_pubkey key;

        vectors_hex(group, "publicKeyDer", &spki);
        OK(hw_pubkey_from_spki(buf_slice(&spki), &key, &fx->why));
        json_array_foreach(json_object_get(group, "tests"), k, test)
        {
            one(fx, &key, der, test, &tally);
        }
    }
    json_decref(json);
    print_message("%s: the TPM accepted %zu valid ones and refused %zu invalid ones; %zu were "
                  "refused by their form; %zu wrong\n",
                  file, tally.valid, tally.invalid, tally.by_form, tally.wrong);
    return tally;
}

static void raw_signatures_on_p256(void **state)
{
    struct tally tally = run(*state, FOLDER "ecdsa_secp256r1_sha256_p1363_test.json", false);

    assert_int_equal(tally.wrong, 0);
    assert_int_equal(tally.valid, 173);
    assert_int_equal(tally.invalid + tally.by_form, 89);
    assert_true(tally.invalid > 50);
}

static void der_signatures_on_p256(void **state)
{
    struct tally tally = run(*state, FOLDER "ecdsa_secp256r1_sha256_test.json", true);

    assert_int_equal(tally.wrong, 0);
    assert_int_equal(tally.valid, 174);
    assert_int_equal(tally.invalid + tally.by_form, 310);
}

static void pss_signatures_of_2048_bits(void **state)
{
    struct tally tally = run(*state, FOLDER "rsa_pss_2048_sha256_mgf1_32_test.json", false);

    assert_int_equal(tally.wrong, 0);
    assert_int_equal(tally.valid, 63);
}

static int start(void **state)
{
    struct fx *fx = fx_new(false);

    fx_enrol(fx);
    *state = fx;
    return 0;
}

static int end(void **state)
{
    fx_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_signatures_on_p256),
        cmocka_unit_test(der_signatures_on_p256),
        cmocka_unit_test(pss_signatures_of_2048_bits),
    };
    char path[4096];

    if (!vectors_path(FOLDER, path, sizeof path))
        return EXIT_SKIP;
    return cmocka_run_group_tests_name("tpm wycheproof", tests, start, end);
}
