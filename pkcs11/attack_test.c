/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack_test.c: somebody with the user PIN, the disk and PKCS#11 tools against the epoch keys.
 * What the token refuses is asserted with the token's own code; what the root refuses, with its
 * name. What is put back on the disk alone: cert_object_test.c.
 */
#include "gate/base/file.h"
#include "pkcs11/hands_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- keys ------------------------------------------------------------------------------------ */

static CK_RV wrap(struct hands *h, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM make = {CKM_AES_KEY_GEN, NULL, 0}, how = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
    CK_BBOOL yes = CK_TRUE;
    CK_ULONG len = 32, out_len = 512;
    CK_ATTRIBUTE template[] = {HSM_ATTR(CKA_WRAP, yes), HSM_ATTR(CKA_VALUE_LEN, len)};
    CK_OBJECT_HANDLE wrapping = 0;
    uint8_t out[512];

    assert_int_equal(
        h->token.f->C_GenerateKey(h->token.session, &make, template, HSM_N(template), &wrapping),
        CKR_OK);
    return h->token.f->C_WrapKey(h->token.session, &how, wrapping, key, out, &out_len);
}

static void a_key_cannot_be_taken_away(void **state)
{
    CK_OBJECT_HANDLE keys[2] = {0};
    struct hw_root *root;
    struct why why = {0};
    struct hands h;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    hw_root_close(&root);

    hands_on(&h, &rig, CKU_USER);
    keys[0] = hands_epoch_key(&h, 1);
    expect_err(hsm_identity_find(&h.token, &h.space, &keys[1], &why), ERR_OK);
    for (size_t i = 0; i < 2; i++) {
        uint8_t value[256];
        CK_ATTRIBUTE read = {CKA_VALUE, value, sizeof value};
        assert_int_not_equal(keys[i], 0);
        assert_int_equal(hands_copy(&h, keys[i]), CKR_ACTION_PROHIBITED);
        assert_int_equal(h.token.f->C_GetAttributeValue(h.token.session, keys[i], &read, 1),
                         CKR_ATTRIBUTE_SENSITIVE);
        assert_int_equal(hands_set_flag(&h, keys[i], CKA_EXTRACTABLE, CK_TRUE),
                         CKR_ACTION_PROHIBITED);
        assert_int_equal(hands_set_flag(&h, keys[i], CKA_SENSITIVE, CK_FALSE),
                         CKR_ACTION_PROHIBITED);
        assert_int_equal(hands_set_flag(&h, keys[i], CKA_COPYABLE, CK_TRUE), CKR_ACTION_PROHIBITED);
        assert_int_equal(wrap(&h, keys[i]), CKR_KEY_UNEXTRACTABLE);
        assert_int_equal(hands_sign_init(&h, keys[i], CKM_ECDSA_SHA1), CKR_MECHANISM_INVALID);
        assert_int_equal(hands_sign_init(&h, keys[i], CKM_RSA_PKCS), CKR_MECHANISM_INVALID);
    }
    assert_int_equal(h.token.f->C_DestroyObject(h.token.session, keys[1]), CKR_ACTION_PROHIBITED);
    hands_off(&h);
    rig_stop(&rig);
}

static void the_old_key_is_gone_after_a_step(void **state)
{
    CK_OBJECT_HANDLE old;
    struct hw_root *root;
    struct hands h;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    hands_on(&h, &rig, CKU_USER);
    old = hands_epoch_key(&h, 1);
    assert_int_not_equal(old, 0);
    rig_step(&rig, root, 2);
    assert_int_equal(hands_sign_init(&h, old, CKM_ECDSA), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(hands_epoch_key(&h, 1), 0);
    assert_int_equal(hands_epoch_key(&h, 0), 0);
    assert_int_not_equal(hands_epoch_key(&h, 2), 0);
    hands_off(&h);
    rig_round(&rig, root, 2);
    hw_root_close(&root);
    rig_stop(&rig);
}

/* Another process begins a signature before the step. In a child, so that it has sessions of its
 * own; go: read before it signs. Exits with the number of signatures it got. */
static void bank_and_sign(const struct rig *rig, int ready, int go)
{
    uint8_t digest[32] = {1}, sig[64];
    CK_ULONG len = sizeof sig;
    CK_OBJECT_HANDLE key;
    struct hands h;
    int got = 0;
    char c = 0;

    hands_on(&h, rig, CKU_USER);
    key = hands_epoch_key(&h, 1);
    if (hands_sign_init(&h, key, CKM_ECDSA) != CKR_OK || write(ready, &c, 1) != 1 ||
        read(go, &c, 1) != 1)
        _exit(99);
    while (got < 9 &&
           h.token.f->C_Sign(h.token.session, digest, sizeof digest, sig, &len) == CKR_OK) {
        got++;
        if (hands_sign_init(&h, key, CKM_ECDSA) != CKR_OK)
            break;
    }
    hands_off(&h);
    _exit(got);
}

/* The known limit, kept where it is documented: one signature for each session that had begun. */
static void a_signature_begun_before_the_step(void **state)
{
    int ready[2], go[2], status = 0;
    struct hw_root *root;
    struct rig rig;
    char c = 0;
    pid_t pid;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    hw_root_close(&root);
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    pid = fork();
    if (pid == 0)
        bank_and_sign(&rig, ready[1], go[0]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    root = rig_attach(&rig);
    rig_step(&rig, root, 2);
    assert_int_equal(write(go[1], &c, 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    rig_round(&rig, root, 2);
    hw_root_close(&root);
    for (int i = 0; i < 2; i++) {
        (void)close(ready[i]);
        (void)close(go[i]);
    }
    rig_stop(&rig);
}

/* ---- the ratchet turned back ----------------------------------------------------------------- */

static void the_token_is_restored(void **state)
{
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    hw_root_close(&root);
    softhsm_save(rig.hsm.tokens, "old");
    softhsm_save(rig.hsm.store, "old");
    root = rig_attach(&rig);
    rig_step(&rig, root, 2);
    hw_root_close(&root);

    softhsm_restore(rig.hsm.tokens, "old"); /* the disk remembers */
    root = rig_open(&rig);
    expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_HSM_KEY_MISSING);
    hw_root_close(&root);

    /* Both together are not noticed here: that is what "simulator" warns of, and why receipts say
     * so. */
    softhsm_restore(rig.hsm.store, "old");
    root = rig_attach(&rig);
    assert_true(rig.enrolment.about.simulator);
    rig_step(&rig, root, 1);
    rig_round(&rig, root, 1);
    hw_root_close(&root);
    rig_stop(&rig);
}

/* Appends a certificate for a key, signed by whatever keys the attacker has. */
static void forge(struct hands *h, struct rig *rig, struct hsm_successor next, const char *kept)
{
    CLEANUP(buf_free) struct buf path = {0}, chain = {0};
    struct why why = {0};

    if (kept != NULL)
        softhsm_restore(rig->hsm.store, kept);
    expect_err(path_join(rig->hsm.store, "epochs", &path), ERR_OK);
    expect_err(file_read((const char *)path.ptr, 100000, &chain, &why), ERR_OK);
    expect_err(hsm_identity_find(&h->token, &h->space, &next.identity, &why), ERR_OK);
    expect_err(hsm_key_public(&h->token, next.key, &next.pub, &why), ERR_OK);
    expect_err(hsm_chain_extend(&h->token, &next, &chain, &why), ERR_OK);
    expect_err(file_write((const char *)path.ptr, buf_slice(&chain), 0644, &why), ERR_OK);
}

/* text: what the reason has to name. */
static void refused(struct rig *rig, err_code wanted, const char *text)
{
    struct hw_root *root = rig_open(rig);
    struct why why = {0};

    expect_err(root->ops->attach(root, rig->owner, &rig->enrolment, &why), wanted);
    if (strstr(why.text, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why.text, text);
    hw_root_close(&root);
}

static void a_fresh_key_for_an_old_epoch(void **state)
{
    struct hsm_successor next = {.epoch = 1, .snapshot = {{1}}};
    struct hw_root *root;
    struct why why = {0};
    struct hands h;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    softhsm_save(rig.hsm.store, "epoch0");
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    softhsm_save(rig.hsm.store, "epoch1");
    rig_step(&rig, root, 2);
    hw_root_close(&root);
    softhsm_save(rig.hsm.store, "epoch2");

    /* Delete K_2, make a fresh K_1'. */
    hands_on(&h, &rig, CKU_USER);
    assert_int_equal(h.token.f->C_DestroyObject(h.token.session, hands_epoch_key(&h, 2)), CKR_OK);
    hands_off(&h);
    refused(&rig, ERR_HSM_KEY_MISSING, "no epoch key");
    hands_on(&h, &rig, CKU_USER);
    expect_err(hsm_epoch_generate(&h.token, &h.space, 1, &next.key, &why), ERR_OK);

    refused(&rig, ERR_HSM_KEY_MISSING, "reach epoch 2");
    softhsm_restore(rig.hsm.store, "epoch1");
    refused(&rig, ERR_HSM_KEY_FOREIGN, "not the certified one"); /* the disk says 1 */
    /* A certificate for K_1' by the identity key; the key of epoch 0 is gone, so K_1' or the
     * identity key signs in its place, or nobody. */
    next.previous = next.key;
    forge(&h, &rig, next, "epoch0");
    refused(&rig, ERR_HSM_KEY_FOREIGN, "epoch 1 is not signed by the key of epoch 0");
    expect_err(hsm_identity_find(&h.token, &h.space, &next.previous, &why), ERR_OK);
    forge(&h, &rig, next, "epoch0");
    refused(&rig, ERR_HSM_KEY_FOREIGN, "epoch 1 is not signed by the key of epoch 0");
    next.previous = 0;
    forge(&h, &rig, next, "epoch0");
    refused(&rig, ERR_HSM_KEY_FOREIGN, "was made for another one");
    hands_off(&h);
    rig_stop(&rig);
}

/* A token with the epoch key, but another identity key; and with two of them. */
static void another_identity_key(void **state)
{
    CK_OBJECT_HANDLE key;
    struct why why = {0};
    struct hands h;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    hands_on(&h, &rig, CKU_USER);
    expect_err(hsm_epoch_generate(&h.token, &h.space, 0, &key, &why), ERR_OK);
    hands_off(&h);
    softhsm_save(rig.hsm.tokens, "before");
    rig_enrol(&rig); /* takes the key over */
    softhsm_save(rig.hsm.tokens, "after");
    for (int i = 0; i < 2; i++) {
        softhsm_restore(rig.hsm.tokens, i == 0 ? "before" : "after");
        hands_on(&h, &rig, CKU_USER);
        expect_err(hsm_identity_generate(&h.token, &h.space, &key, &why), ERR_OK);
        hands_off(&h);
        refused(&rig, ERR_HSM_KEY_FOREIGN,
                i == 0 ? "the identity key on token"
                       : "has 2 keys pawl:example.org:gate-1:identity");
    }
    rig_stop(&rig);
}

static void a_key_at_the_epoch_keys_place(void **state)
{
    CK_OBJECT_HANDLE planted;
    struct hw_root *root;
    struct digest digest = {{1}};
    struct why why = {0};
    uint8_t sig[64];
    struct hands h;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);

    hands_on(&h, &rig, CKU_USER);
    expect_err(hsm_epoch_generate(&h.token, &h.space, 1, &planted, &why), ERR_OK);
    refused(&rig, ERR_HSM_KEY_FOREIGN, "two keys");
    assert_int_equal(h.token.f->C_DestroyObject(h.token.session, hands_epoch_key(&h, 1)), CKR_OK);
    assert_int_equal(h.token.f->C_DestroyObject(h.token.session, hands_epoch_key(&h, 1)), CKR_OK);
    expect_err(hsm_epoch_generate(&h.token, &h.space, 1, &planted, &why), ERR_OK);
    refused(&rig, ERR_HSM_KEY_FOREIGN, "not the certified one");
    expect_err(root->ops->begin(root, &why), ERR_OK); /* also while running: */
    expect_err(root->ops->sign(root, &digest, sig, &why), ERR_HSM_KEY_FOREIGN);
    expect_err(root->ops->begin(root, &why), ERR_HSM_KEY_FOREIGN);
    hands_off(&h);
    hw_root_close(&root);
    rig_stop(&rig);
}

/* A key for the next epoch that somebody put there is not taken over by the step. */
static void a_key_planted_for_the_next_epoch(void **state)
{
    struct hw_pubkey mine, now;
    CK_OBJECT_HANDLE planted;
    struct hw_root *root;
    struct why why = {0};
    uint64_t epoch = 0;
    struct hands h;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    hands_on(&h, &rig, CKU_USER);
    expect_err(hsm_epoch_generate(&h.token, &h.space, 2, &planted, &why), ERR_OK);
    expect_err(hsm_key_public(&h.token, planted, &mine, &why), ERR_OK);
    expect_err(hsm_epoch_generate(&h.token, &h.space, 9, &planted, &why), ERR_OK);
    expect_err(root->ops->epoch(root, &epoch, &why), ERR_OK);
    assert_int_equal(epoch, 1); /* nobody certified them */
    rig_round(&rig, root, 1);
    rig_step(&rig, root, 2);
    rig_round(&rig, root, 2);
    expect_err(root->ops->receipt_key(root, &now, &why), ERR_OK);
    assert_false(hw_pubkey_eq(&mine, &now));
    assert_int_equal(hands_epoch_key(&h, 9), 0);
    hands_off(&h);
    hw_root_close(&root);
    rig_stop(&rig);
}

static void the_chain_on_the_disk_is_changed(void **state)
{
    CLEANUP(buf_free) struct buf path = {0}, chain = {0};
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    hw_root_close(&root);
    expect_err(path_join(rig.hsm.store, "epochs", &path), ERR_OK);
    expect_err(file_read((const char *)path.ptr, 100000, &chain, &why), ERR_OK);
    root = rig_open(&rig);
    for (size_t i = 0; i < chain.len; i += 3) { /* every bit: epoch_cert_test.c */
        err_code err;
        chain.ptr[i] ^= (uint8_t)(1u << i % 8);
        expect_err(file_write((const char *)path.ptr, buf_slice(&chain), 0644, &why), ERR_OK);
        err = root->ops->attach(root, rig.owner, &rig.enrolment, &why);
        assert_true(err == ERR_STATE_CORRUPT || err == ERR_HSM_KEY_FOREIGN);
        assert_int_equal(why.code, err);
        chain.ptr[i] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t n = 0; n < chain.len; n += 13) {
        if (n == HSM_CERT_LEN)
            continue;
        expect_err(
            file_write((const char *)path.ptr, slice_part(buf_slice(&chain), 0, n), 0644, &why),
            ERR_OK);
        expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_STATE_CORRUPT);
    }
    assert_int_equal(unlink((const char *)path.ptr), 0);
    expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_STATE_CORRUPT);
    expect_err(file_write((const char *)path.ptr, buf_slice(&chain), 0644, &why), ERR_OK);
    expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_OK);
    hw_root_close(&root);
    rig_stop(&rig);
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static void the_token_is_initialised_again(void **state)
{
    struct hw_enrolment again;
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    hw_root_close(&root);
    softhsm_reinit(&rig.hsm, "gate");
    refused(&rig, ERR_HSM_KEY_MISSING, "has no key");
    /* Enrolling again with the old chain on the disk makes nothing. */
    root = rig_open(&rig);
    expect_err(root->ops->enrol(root, rig.owner, &again, &why), ERR_HSM_KEY_MISSING);
    hw_root_close(&root);
    rig_stop(&rig);
}

static void a_second_token_of_the_same_name(void **state)
{
    struct hw_root *root = NULL;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    softhsm_save(rig.hsm.tokens, "first");
    softhsm_add_token(&rig.hsm, "gate");
    expect_err(hsm_root_open(rig.uri, &rig.options, &root, &why), ERR_HSM_TOKEN_AMBIGUOUS);
    assert_non_null(strstr(why.text, rig.enrolment.serial));
    (void)snprintf(rig.uri, sizeof rig.uri,
                   "pkcs11:token=gate;serial=%s?module-path=%s&pin-source=file:%s",
                   rig.enrolment.serial, rig.hsm.module, rig.hsm.pin);
    root = rig_attach(&rig);
    hw_root_close(&root);

    (void)snprintf(rig.uri, sizeof rig.uri, "pkcs11:token=other?module-path=%s", rig.hsm.module);
    expect_err(hsm_root_open(rig.uri, &rig.options, &root, &why), ERR_HSM_TOKEN_NOT_FOUND);
    rig_stop(&rig);
}

/* Another token under the name of the first, with everything that enrol makes. */
static void another_token_in_its_place(void **state)
{
    struct rig rig, other;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    rig_start(&other); /* SoftHSM looks there from now on */
    rig_enrol(&other);
    assert_string_not_equal(rig.enrolment.serial, other.enrolment.serial);
    other.enrolment = rig.enrolment;
    refused(&other, ERR_HSM_KEY_MISSING, "the gate was enrolled on serial");
    rig_stop(&other);
    rig_stop(&rig);
}

static void two_gates_on_one_token(void **state)
{
    struct hw_enrolment first;
    struct hw_root *root;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    first = rig.enrolment;
    root = rig_attach(&rig);
    rig_step(&rig, root, 5);
    hw_root_close(&root);

    (void)snprintf(rig.owner->gate, sizeof rig.owner->gate, "gate-2");
    rig.options.store_dir = rig.hsm.tokens; /* any other directory */
    rig_enrol(&rig);
    assert_int_equal(rig.enrolment.epoch, 0);
    assert_false(hw_pubkey_eq(&first.seal, &rig.enrolment.seal));
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    rig_round(&rig, root, 1);
    rig_step(&rig, root, 2);
    hw_root_close(&root);

    (void)snprintf(rig.owner->gate, sizeof rig.owner->gate, "gate-1");
    rig.options.store_dir = rig.hsm.store;
    rig.enrolment = first;
    root = rig_attach(&rig);
    rig_step(&rig, root, 5);
    rig_round(&rig, root, 5);
    hw_root_close(&root);
    rig_stop(&rig);
}

/* Root metadata 1 of somebody who holds an anchored key: same domain, same gate, same anchors. */
static void another_first_root(void **state)
{
    struct digest mine;
    struct hw_enrolment again;
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    hw_root_close(&root);
    mine = rig.owner->root;
    for (size_t i = 0; i < sizeof mine.bytes; i += 31) {
        rig.owner->root = mine;
        rig.owner->root.bytes[i] ^= 1;
        refused(&rig, ERR_HSM_KEY_MISSING, "has no key pawl:example.org:gate-1:identity");
        root = rig_open(&rig);
        expect_err(root->ops->enrol(root, rig.owner, &again, &why), ERR_HSM_KEY_MISSING);
        hw_root_close(&root);
    }
    rig.owner->root = mine;
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    rig_round(&rig, root, 1);
    hw_root_close(&root);
    rig_stop(&rig);
}

/* An argument names the one test to run. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_cannot_be_taken_away),
        cmocka_unit_test(the_old_key_is_gone_after_a_step),
        cmocka_unit_test(a_signature_begun_before_the_step),
        cmocka_unit_test(the_token_is_restored),
        cmocka_unit_test(a_fresh_key_for_an_old_epoch),
        cmocka_unit_test(another_identity_key),
        cmocka_unit_test(a_key_at_the_epoch_keys_place),
        cmocka_unit_test(a_key_planted_for_the_next_epoch),
        cmocka_unit_test(the_chain_on_the_disk_is_changed),
        cmocka_unit_test(the_token_is_initialised_again),
        cmocka_unit_test(a_second_token_of_the_same_name),
        cmocka_unit_test(another_token_in_its_place),
        cmocka_unit_test(two_gates_on_one_token),
        cmocka_unit_test(another_first_root),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
