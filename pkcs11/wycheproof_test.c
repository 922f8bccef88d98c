/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wycheproof_test.c: every Wycheproof vector for P-256 and RSASSA-PSS, judged by the token against
 * a trusted anchor. Anchors cannot be destroyed, and SoftHSM looks through all of them at each
 * search, so each batch of keys has a token of its own.
 */
#include "gate/base/vectors_testing.h"
#include "pkcs11/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FOLDER "wycheproof/testvectors_v1/"
#define BATCH 24

struct tally {
    size_t keys, valid, invalid, by_form, by_length, by_token;
};

/* The vectors of up to BATCH keys. */
struct batch {
    const json_t *groups[BATCH];
    struct hw_pubkey keys[BATCH];
    size_t n;
};

/* As the file has it, or from DER; a length that the algorithm does not have is kept. */
static err_code statement_of(const struct hw_pubkey *key, bool der, const json_t *test,
                             struct hw_statement *ret)
{
    CLEANUP(buf_free) struct buf msg = {0}, sig = {0}, raw = {0};

    vectors_hex(test, "msg", &msg);
    vectors_hex(test, "sig", &sig);
    if (der) {
        TRY(hw_sig_from_der(key->alg, buf_slice(&sig), &raw));
        sig.len = 0;
        TRY(buf_add_slice(&sig, buf_slice(&raw)));
    }
    *ret = (struct hw_statement){.key = *key, .sig_len = sig.len};
    assert_true(sig.len <= sizeof ret->sig);
    if (sig.len > 0)
        memcpy(ret->sig, sig.ptr, sig.len);
    return hw_digest(key->alg, buf_slice(&msg), ret->digest);
}

static void one(struct hw_root *root, const struct hw_pubkey *key, bool der, const json_t *test,
                struct tally *tally)
{
    bool valid = strcmp(vectors_text(test, "result"), "valid") == 0;
    struct hw_statement st;
    struct why why = {0};
    err_code err = statement_of(key, der, test, &st);

    tally->by_form += err != ERR_OK;
    if (err == ERR_OK) {
        err = root->ops->verify(root, &st, &why);
        tally->by_length += st.sig_len != hw_sig_len(key);
        tally->by_token += why.foreign != NULL;
    }
    if ((err == ERR_OK) != valid || (err != ERR_OK && err != ERR_SIGNATURE_INVALID))
        fail_msg("tcId %llu (%s): %s, wanted %s: %s",
                 (unsigned long long)vectors_number(test, "tcId"), vectors_text(test, "comment"),
                 err_name(err), vectors_text(test, "result"), why.text);
    tally->valid += valid;
    tally->invalid += !valid;
}

static void judge_batch(const struct batch *batch, bool der, struct tally *tally)
{
    struct hw_root *root;
    struct rig rig;

    rig_start(&rig);
    memcpy(rig.owner->anchors, batch->keys, sizeof batch->keys);
    rig.owner->n_anchors = batch->n;
    rig_enrol(&rig);
    root = rig_attach(&rig);
    for (size_t i = 0; i < batch->n; i++) {
        const json_t *test;
        size_t k;
        json_array_foreach(json_object_get(batch->groups[i], "tests"), k, test)
        {
            one(root, &batch->keys[i], der, test, tally);
        }
    }
    tally->keys += batch->n;
    hw_root_close(&root);
    rig_stop(&rig);
}

static void run(const char *file, enum hw_alg alg, bool der)
{
    static struct batch batch;
    struct tally t = {0};
    const json_t *group;
    char path[4096];
    json_t *json;
    size_t i;

    assert_true(vectors_path(file, path, sizeof path));
    json = vectors_json(path);
    batch.n = 0;
    json_array_foreach(json_object_get(json, "testGroups"), i, group)
    {
        CLEANUP(buf_free) struct buf spki = {0};
        struct why why = {0};
        vectors_hex(group, "publicKeyDer", &spki);
        expect_err(hw_pubkey_from_spki(buf_slice(&spki), &batch.keys[batch.n], &why), ERR_OK);
        assert_int_equal(batch.keys[batch.n].alg, alg);
        batch.groups[batch.n++] = group;
        if (batch.n == BATCH || i + 1 == json_array_size(json_object_get(json, "testGroups"))) {
            judge_batch(&batch, der, &t);
            batch.n = 0;
        }
    }
    json_decref(json);
    print_message("%s: %zu keys, %zu valid, %zu invalid (%zu by form, %zu by length, %zu by the "
                  "token)\n",
                  file, t.keys, t.valid, t.invalid, t.by_form, t.by_length, t.by_token);
    assert_int_equal(t.invalid, t.by_form + t.by_length + t.by_token);
    assert_true(t.valid > 0 && t.by_token > 0);
}

static void raw_signatures_on_p256(void **state)
{
    (void)state;
    run(FOLDER "ecdsa_secp256r1_sha256_p1363_test.json", HW_ES256, false);
}

static void der_signatures_on_p256(void **state)
{
    (void)state;
    run(FOLDER "ecdsa_secp256r1_sha256_test.json", HW_ES256, true);
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
        return 77;
    return cmocka_run_group_tests_name("hsm_wycheproof", tests, NULL, NULL);
}
