/* SPDX-License-Identifier: Apache-2.0 */
/* Software verification against the Wycheproof vectors: raw and DER ECDSA on P-256, RSASSA-PSS of
 * 2048 bits. Every vector is valid or invalid, and so must be our answer. */
#include "gate/base/vectors_testing.h"
#include "hw/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FOLDER "wycheproof/testvectors_v1/"
#define EXIT_SKIP 77

struct tally {
    size_t valid, invalid, by_length, by_form;
};

static err_code judge(const struct hw_pubkey *key, bool der, struct slice msg, struct slice sig,
                      struct tally *tally)
{
    CLEANUP(buf_free) struct buf raw = {0}, again = {0};
    struct hw_statement st;
    struct why why = {0};
    err_code err = ERR_OK;

    if (der) {
        err = hw_sig_from_der(key->alg, sig, &raw);
        tally->by_form += err != ERR_OK;
        TRY(err);
        TRY(hw_sig_to_der(key->alg, buf_slice(&raw), &again));
        assert_true(slice_eq(buf_slice(&again), sig));
        sig = buf_slice(&raw);
    }
    err = hw_statement_of(key, msg, sig, &st);
    tally->by_length += err != ERR_OK;
    TRY(err);
    return hw_verify_soft(&st, &why);
}

static void one(const char *file, const struct hw_pubkey *key, bool der, const json_t *test,
                struct tally *tally)
{
    CLEANUP(buf_free) struct buf msg = {0}, sig = {0};
    const char *result = vectors_text(test, "result");
    bool valid = strcmp(result, "valid") == 0;
    err_code err;

    vectors_hex(test, "msg", &msg);
    vectors_hex(test, "sig", &sig);
    err = judge(key, der, buf_slice(&msg), buf_slice(&sig), tally);
    if ((err == ERR_OK) != valid || (err != ERR_OK && err != ERR_SIGNATURE_INVALID))
        fail_msg("%s %llu (%s): %s, wanted %s", file,
                 (unsigned long long)vectors_number(test, "tcId"), vectors_text(test, "comment"),
                 err_name(err), result);
    tally->valid += valid;
    tally->invalid += !valid;
}

static struct tally run(const char *file, enum hw_alg alg, bool der)
{
    struct tally tally = {0};
    char path[4096];
    json_t *json, *group, *test;
    size_t i, k;

    assert_true(vectors_path(file, path, sizeof path));
    json = vectors_json(path);
    json_array_foreach(json_object_get(json, "testGroups"), i, group)
    {
        CLEANUP(buf_free) struct buf spki = {0};
        struct hw_pubkey key;
        struct why why = {0};

        vectors_hex(group, "publicKeyDer", &spki);
        if (hw_pubkey_from_spki(buf_slice(&spki), &key, &why) != ERR_OK || key.alg != alg)
            fail_msg("%s: group %zu: %s", file, i, why.text);
        json_array_foreach(json_object_get(group, "tests"), k, test)
        {
            one(file, &key, der, test, &tally);
        }
    }
    json_decref(json);
    print_message("%s: %zu valid, %zu invalid (%zu by form, %zu by length)\n", file, tally.valid,
                  tally.invalid, tally.by_form, tally.by_length);
    assert_int_not_equal(tally.valid, 0);
    assert_int_not_equal(tally.invalid, 0);
    return tally;
}

static void raw_signatures_on_p256(void **state)
{
    (void)state;
    struct tally tally = run(FOLDER "ecdsa_secp256r1_sha256_p1363_test.json", HW_ES256, false);
    assert_int_not_equal(tally.by_length, 0);
}

static void der_signatures_on_p256(void **state)
{
    (void)state;
    struct tally tally = run(FOLDER "ecdsa_secp256r1_sha256_test.json", HW_ES256, true);
    assert_int_not_equal(tally.by_form, 0);
}

static void pss_signatures_of_2048_bits(void **state)
{
    (void)state;
    run(FOLDER "rsa_pss_2048_sha256_mgf1_32_test.json", HW_PS256, false);
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
    return cmocka_run_group_tests_name("key_wycheproof", tests, NULL, NULL);
}
