/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anchor_test.c: the authority's keys on the token: who can make, change or imitate an anchor, and
 * what the token verifies with it. What the token refuses is asserted with the token's own code.
 */
#include "gate/base/text.h"
#include "pkcs11/hands_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- anchors ----------------------------------------------------------------------------------
 */

/* A public-key object at an anchor's place. */
struct decoy {
    const struct hw_pubkey *named,
        *held; /* CKA_ID and label are of one, the point is of the other */
    CK_BBOOL trusted, destroyable;
};

static CK_RV plant(struct hands *h, const struct decoy *d)
{
    CLEANUP(buf_free) struct buf spki = {0}, point = {0};
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_EC;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    struct digest id;
    struct decoy own = *d;
    uint8_t params[16];
    CK_OBJECT_HANDLE object;
    char label[] = "pawl:example.org:anchor:00000000";

    assert_int_equal(hw_pubkey_to_spki(d->named, &spki), ERR_OK);
    assert_int_equal(hash_sha256(buf_slice(&spki), &id), ERR_OK);
    assert_int_equal(hsm_ec_point(d->held, &point), ERR_OK);
    hex_encode((struct slice){id.bytes, 4}, label + 24, 9);
    memcpy(params, hsm_ec_params(HW_ES256).ptr, hsm_ec_params(HW_ES256).len);
    CK_ATTRIBUTE template[] = {
        HSM_ATTR(CKA_CLASS, class),
        HSM_ATTR(CKA_KEY_TYPE, type),
        HSM_ATTR(CKA_TOKEN, yes),
        HSM_ATTR(CKA_PRIVATE, no),
        HSM_ATTR(CKA_MODIFIABLE, no),
        HSM_ATTR(CKA_COPYABLE, no),
        HSM_ATTR(CKA_DESTROYABLE, own.destroyable),
        HSM_ATTR(CKA_VERIFY, yes),
        HSM_ATTR(CKA_ENCRYPT, no),
        HSM_ATTR(CKA_WRAP, no),
        {CKA_ID, id.bytes, sizeof id.bytes},
        {CKA_LABEL, label, strlen(label)},
        {CKA_EC_PARAMS, params, hsm_ec_params(HW_ES256).len},
        {CKA_EC_POINT, point.ptr, point.len},
        HSM_ATTR(CKA_TRUSTED, own.trusted),
    };
    return h->token.f->C_CreateObject(h->token.session, template,
                                      HSM_N(template) - (own.trusted ? 0 : 1), &object);
}

static void an_anchor_that_the_user_made(void **state)
{
    struct decoy d = {.destroyable = CK_TRUE};
    struct hw_root *root;
    struct why why = {0};
    struct hands h;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    d.named = d.held = &rig.authority[0]->key;
    hands_on(&h, &rig, CKU_USER);
    d.trusted = CK_TRUE;
    assert_int_equal(plant(&h, &d), CKR_ATTRIBUTE_READ_ONLY);
    d.trusted = CK_FALSE;
    assert_int_equal(plant(&h, &d), CKR_OK);
    hands_off(&h);

    rig.options.so_pin_file = NULL;
    root = rig_open(&rig);
    expect_err(root->ops->enrol(root, rig.owner, &rig.enrolment, &why), ERR_ANCHOR_FOREIGN);
    assert_non_null(strstr(why.text, "CKA_TRUSTED"));
    hw_root_close(&root);

    rig.options.so_pin_file = rig.hsm.so_pin; /* the officer's own one stands beside it */
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    rig_round(&rig, root, 1);
    hw_root_close(&root);

    /* A key that never got an anchor from the officer is not verified with the user's object. */
    d.named = d.held = &rig.authority[2]->key;
    hands_on(&h, &rig, CKU_USER);
    assert_int_equal(plant(&h, &d), CKR_OK);
    hands_off(&h);
    root = rig_attach(&rig);
    (void)rig_mandate(&rig, 2);
    rig.mandate->statements[0].key = rig.authority[2]->key;
    expect_err(root->ops->verify(root, &rig.mandate->statements[0], &why), ERR_ANCHOR_FOREIGN);
    expect_err(root->ops->prepare(root, rig.mandate, &why), ERR_ANCHOR_FOREIGN);
    expect_err(root->ops->step(root, rig.mandate, &why), ERR_ANCHOR_FOREIGN);
    hw_root_close(&root);
    rig.owner->anchors[rig.owner->n_anchors++] = rig.authority[2]->key;
    root = rig_open(&rig);
    expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_ANCHOR_FOREIGN);
    hw_root_close(&root);
    rig_stop(&rig);
}

static void an_anchor_that_is_not_what_it_says(void **state)
{
    struct decoy d = {.trusted = CK_TRUE, .destroyable = CK_FALSE};
    struct hw_root *root;
    struct why why = {0};
    struct hands h;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    hands_on(&h, &rig, CKU_SO);
    d.named = &rig.authority[2]->key;
    d.held = &rig.authority[1]->key;
    assert_int_equal(plant(&h, &d), CKR_OK);
    (void)h.token.f->C_Logout(h.token.session);
    hands_off(&h);
    rig.owner->anchors[rig.owner->n_anchors++] = rig.authority[2]->key;
    root = rig_open(&rig);
    expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_ANCHOR_FOREIGN);
    assert_non_null(strstr(why.text, "another key"));
    hw_root_close(&root);
    rig_stop(&rig);

    rig_start(&rig);
    rig_enrol(&rig);
    hands_on(&h, &rig, CKU_SO);
    d.named = d.held = &rig.authority[2]->key;
    d.destroyable = CK_TRUE;
    assert_int_equal(plant(&h, &d), CKR_OK);
    (void)h.token.f->C_Logout(h.token.session);
    hands_off(&h);
    rig.owner->anchors[rig.owner->n_anchors++] = rig.authority[2]->key;
    root = rig_open(&rig);
    expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_ANCHOR_FOREIGN);
    assert_non_null(strstr(why.text, "CKA_DESTROYABLE"));
    hw_root_close(&root);
    rig_stop(&rig);
}

static void an_anchor_cannot_be_touched(void **state)
{
    static const CK_USER_TYPE WHO[] = {CKU_USER, CKU_SO};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    for (size_t i = 0; i < HSM_N(WHO); i++) {
        CK_OBJECT_HANDLE anchor = 0;
        char label[] = "mine";
        CK_ATTRIBUTE change = {CKA_LABEL, label, 4};
        struct why why = {0};
        struct hands h;
        hands_on(&h, &rig, WHO[i]);
        expect_err(hsm_anchor_find(&h.token, &rig.authority[0]->key, &anchor, &why), ERR_OK);
        assert_int_equal(h.token.f->C_DestroyObject(h.token.session, anchor),
                         CKR_ACTION_PROHIBITED);
        assert_int_equal(h.token.f->C_SetAttributeValue(h.token.session, anchor, &change, 1),
                         CKR_ACTION_PROHIBITED);
        assert_int_equal(hands_set_flag(&h, anchor, CKA_TRUSTED, CK_FALSE), CKR_ACTION_PROHIBITED);
        assert_int_equal(hands_set_flag(&h, anchor, CKA_DESTROYABLE, CK_TRUE),
                         CKR_ACTION_PROHIBITED);
        assert_int_equal(hands_copy(&h, anchor), CKR_ACTION_PROHIBITED);
        expect_err(hsm_anchor_find(&h.token, &rig.authority[0]->key, &anchor, &why), ERR_OK);
        (void)h.token.f->C_Logout(h.token.session);
        hands_off(&h);
    }
    rig_stop(&rig);
}

/* ---- signatures ------------------------------------------------------------------------------ */

static void every_bit_of_a_statement(void **state)
{
    struct hw_statement *st;
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    (void)rig_mandate(&rig, 1);
    st = &rig.mandate->statements[0];
    expect_err(root->ops->verify(root, st, &why), ERR_OK);
    for (size_t bit = 0; bit < 64 * 8; bit++) {
        st->sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        expect_err(root->ops->verify(root, st, &why), ERR_SIGNATURE_INVALID);
        st->sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 32 * 8; bit++) {
        st->digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
        expect_err(root->ops->verify(root, st, &why), ERR_SIGNATURE_INVALID);
        st->digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n <= 600; n++) {
        st->sig_len = n;
        expect_err(root->ops->verify(root, st, &why), n == 64 ? ERR_OK : ERR_SIGNATURE_INVALID);
    }
    st->sig_len = 64;
    st->key = rig.authority[1]->key; /* another trusted key */
    expect_err(root->ops->verify(root, st, &why), ERR_SIGNATURE_INVALID);
    st->key = rig.authority[2]->key;
    expect_err(root->ops->verify(root, st, &why), ERR_ANCHOR_MISSING);
    st->key = (struct hw_pubkey){0};
    assert_int_not_equal(root->ops->verify(root, st, &why), ERR_OK);

    /* One bad signature among good ones, and none at all, stop everything. */
    (void)rig_mandate(&rig, 1);
    rig.mandate->statements[1] = rig.mandate->statements[0];
    rig.mandate->statements[1].sig[5] ^= 1;
    rig.mandate->n_statements = 2;
    expect_err(root->ops->prepare(root, rig.mandate, &why), ERR_SIGNATURE_INVALID);
    expect_err(root->ops->step(root, rig.mandate, &why), ERR_SIGNATURE_INVALID);
    rig.mandate->n_statements = 0;
    expect_err(root->ops->prepare(root, rig.mandate, &why), ERR_GRANT_INVALID);
    expect_err(root->ops->step(root, rig.mandate, &why), ERR_GRANT_INVALID);
    rig.mandate->n_statements = HW_SIGNERS_MAX + 1;
    expect_err(root->ops->step(root, rig.mandate, &why), ERR_GRANT_INVALID);
    hw_root_close(&root);
    rig_stop(&rig);
}

static void each_algorithm_in_the_token(void **state)
{
    static const enum hw_alg ALGS[] = {HW_ES256, HW_ES384, HW_PS256};
    struct hw_signer *signers[HSM_N(ALGS)] = {0};
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    for (size_t i = 0; i < HSM_N(ALGS); i++) {
        expect_err(hw_signer_generate(ALGS[i], &signers[i], &why), ERR_OK);
        rig.owner->anchors[i] = signers[i]->key;
    }
    rig.owner->n_anchors = HSM_N(ALGS);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    for (size_t i = 0; i < HSM_N(ALGS); i++) {
        CLEANUP(buf_free) struct buf sig = {0};
        struct hw_statement st;
        expect_err(hw_sign(signers[i], slice_str("hello"), &sig, &why), ERR_OK);
        expect_err(hw_statement_of(&signers[i]->key, slice_str("hello"), buf_slice(&sig), &st),
                   ERR_OK);
        expect_err(root->ops->verify(root, &st, &why), ERR_OK);
        for (size_t bit = 0; bit < st.sig_len * 8; bit += 31) {
            st.sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
            expect_err(root->ops->verify(root, &st, &why), ERR_SIGNATURE_INVALID);
            st.sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t bit = 0; bit < hw_digest_len(ALGS[i]) * 8; bit += 7) {
            st.digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
            expect_err(root->ops->verify(root, &st, &why), ERR_SIGNATURE_INVALID);
            st.digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        st.sig_len--;
        expect_err(root->ops->verify(root, &st, &why), ERR_SIGNATURE_INVALID);
    }
    hw_root_close(&root);
    for (size_t i = 0; i < HSM_N(ALGS); i++)
        hw_signer_close(&signers[i]);
    rig_stop(&rig);
}

/* An argument names the one test to run. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_anchor_that_the_user_made),
        cmocka_unit_test(an_anchor_that_is_not_what_it_says),
        cmocka_unit_test(an_anchor_cannot_be_touched),
        cmocka_unit_test(every_bit_of_a_statement),
        cmocka_unit_test(each_algorithm_in_the_token),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
