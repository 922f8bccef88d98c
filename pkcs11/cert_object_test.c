/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_object_test.c: an older disk is put back, and the token's certificates lead on from it; or
 * they are gone, or somebody else's. The gate is enrolled at epoch 0, stepped to 1 and 5.
 */
#include "gate/base/file.h"
#include "pkcs11/hands_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the gate and its old disks -------------------------------------------------------------- */

static void start(struct rig *rig)
{
    struct hw_root *root;

    rig_start(rig);
    rig_enrol(rig);
    softhsm_save(rig->hsm.store, "at0");
    root = rig_attach(rig);
    rig_step(rig, root, 1);
    softhsm_save(rig->hsm.store, "at1");
    rig_step(rig, root, 5);
    hw_root_close(&root);
    softhsm_save(rig->hsm.store, "at5");
}

static void read_chain(const struct rig *rig, struct buf *ret)
{
    CLEANUP(buf_free) struct buf path = {0};
    struct why why = {0};

    expect_err(path_join(rig->hsm.store, "epochs", &path), ERR_OK);
    expect_err(file_read((const char *)path.ptr, 100000, ret, &why), ERR_OK);
}

/* The disk has caught up with the token, and the gate goes on. */
static void goes_on(struct rig *rig)
{
    struct hw_root *root = rig_attach(rig);
    struct why why = {0};
    uint64_t epoch = 0;

    expect_err(root->ops->epoch(root, &epoch, &why), ERR_OK);
    assert_int_equal(epoch, 5);
    expect_err(root->ops->prepare(root, rig_mandate(rig, 1), &why), ERR_ROLLBACK);
    expect_err(root->ops->step(root, rig_mandate(rig, 1), &why), ERR_ROLLBACK);
    rig_step(rig, root, 5);
    rig_round(rig, root, 5);
    hw_root_close(&root);
}

/* Nothing leads from the disk to the token: that is said, and nothing else is done. */
static void is_stuck(struct rig *rig)
{
    CLEANUP(buf_free) struct buf before = {0}, after = {0};
    struct hw_pubkey key;
    struct hw_root *root;
    struct why why = {0};
    uint64_t epoch = 0;

    read_chain(rig, &before);
    root = rig_attach(rig);
    expect_err(root->ops->epoch(root, &epoch, &why), ERR_OK);
    assert_int_equal(epoch, 5); /* the token knows better than the disk */
    expect_err(root->ops->prepare(root, rig_mandate(rig, 1), &why), ERR_ROLLBACK);
    expect_err(root->ops->step(root, rig_mandate(rig, 1), &why), ERR_ROLLBACK);
    for (uint64_t e = 5; e <= 6; e++) {
        expect_err(root->ops->prepare(root, rig_mandate(rig, e), &why), ERR_HSM_CHAIN_STALE);
        assert_non_null(strstr(why.text, "end at epoch 1"));
        assert_non_null(strstr(why.text, "is at epoch 5"));
        assert_non_null(strstr(why.text, "no certificates that lead there"));
        expect_err(root->ops->begin(root, &why), ERR_NOTHING_INSTALLED);
        expect_err(root->ops->step(root, rig_mandate(rig, e), &why), ERR_HSM_CHAIN_STALE);
    }
    expect_err(root->ops->receipt_key(root, &key, &why), ERR_HSM_CHAIN_STALE);
    hw_root_close(&root);
    read_chain(rig, &after);
    assert_true(slice_eq(buf_slice(&before), buf_slice(&after)));
}

/* ---- hands on the objects -------------------------------------------------------------------- */

static void plant(struct hands *h, uint64_t epoch, const uint8_t *bytes, size_t len)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    char label[HSM_LABEL_MAX], application[] = "pawl";
    uint8_t value[1024] = {0};
    CK_OBJECT_HANDLE object;
    CK_ATTRIBUTE template[] = {HSM_ATTR(CKA_CLASS, class), HSM_ATTR(CKA_TOKEN, yes),
                               HSM_ATTR(CKA_PRIVATE, no),  {CKA_APPLICATION, application, 4},
                               {CKA_LABEL, label, 0},      {CKA_VALUE, value, len}};

    (void)snprintf(label, sizeof label, "%s:cert:%llu", h->space.prefix, (unsigned long long)epoch);
    template[4].ulValueLen = strlen(label);
    memcpy(value, bytes, len);
    assert_int_equal(
        h->token.f->C_CreateObject(h->token.session, template, HSM_N(template), &object), CKR_OK);
}

/* The certificates on the token; destroyed, if that is wanted. */
static size_t count(const struct rig *rig, bool destroy)
{
    CLEANUP(hsm_found_free) struct hsm_found found = {0};
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL no = CK_FALSE; /* the objects with the head are private */
    CK_ATTRIBUTE wanted[] = {HSM_ATTR(CKA_CLASS, class), HSM_ATTR(CKA_PRIVATE, no)};
    struct why why = {0};
    struct hands h;

    hands_on(&h, rig, CKU_USER);
    expect_err(hsm_find(&h.token, wanted, HSM_N(wanted), &found, &why), ERR_OK);
    for (size_t i = 0; destroy && i < found.n; i++)
        expect_err(hsm_destroy(&h.token, found.handles[i], &why), ERR_OK);
    hands_off(&h);
    return found.n;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void what_is_kept(void **state)
{
    static const struct hsm_flag FLAGS[] = {
        {CKA_TOKEN, "CKA_TOKEN", CK_TRUE},
        {CKA_PRIVATE, "CKA_PRIVATE", CK_FALSE},
        {CKA_MODIFIABLE, "CKA_MODIFIABLE", CK_FALSE},
        {CKA_DESTROYABLE, "CKA_DESTROYABLE", CK_TRUE},
    };
    CLEANUP(hsm_found_free) struct hsm_found found = {0};
    CLEANUP(buf_free) struct buf chain = {0};
    CK_OBJECT_CLASS class = CKO_DATA;
    char label[] = "pawl:example.org:gate-1:cert:5", application[] = "pawl";
    CK_ATTRIBUTE wanted[] = {HSM_ATTR(CKA_CLASS, class),
                             {CKA_LABEL, label, sizeof label - 1},
                             {CKA_APPLICATION, application, 4}};
    struct hsm_judged judged = {.what = "a certificate", .code = ERR_HSM_KEY_WEAK};
    uint8_t space[512];
    struct slice value;
    struct why why = {0};
    struct hands h;
    struct rig rig;
    (void)state;

    start(&rig);
    assert_int_equal(count(&rig, false), 3);
    rig_enrol(&rig); /* again: nothing twice */
    goes_on(&rig);
    assert_int_equal(count(&rig, false), 3);
    read_chain(&rig, &chain);
    hands_on(&h, &rig, CKU_USER);
    expect_err(hsm_find(&h.token, wanted, HSM_N(wanted), &found, &why), ERR_OK);
    assert_int_equal(found.n, 1);
    judged.object = found.handles[0];
    expect_err(hsm_flags_check(&h.token, &judged, FLAGS, HSM_N(FLAGS), &why), ERR_OK);
    expect_err(hsm_attribute(&h.token, judged.object, CKA_VALUE, &value, space, sizeof space, &why),
               ERR_OK);
    assert_true(slice_eq(value, slice_part(buf_slice(&chain), 2 * HSM_CERT_LEN, HSM_CERT_LEN)));
    hands_off(&h);
    rig_stop(&rig);
}

static void an_older_disk_is_put_back(void **state)
{
    static const char *const OLD[] = {"at0", "at1"};
    CLEANUP(buf_free) struct buf want = {0};
    struct hw_root *root;
    struct rig rig;
    (void)state;

    start(&rig);
    read_chain(&rig, &want);
    for (size_t i = 0; i < HSM_N(OLD); i++) {
        CLEANUP(buf_free) struct buf now = {0};
        softhsm_restore(rig.hsm.store, OLD[i]);
        goes_on(&rig);
        read_chain(&rig, &now);
        assert_true(slice_eq(buf_slice(&want), buf_slice(&now)));
        softhsm_restore(rig.hsm.store, OLD[i]);
        rig_enrol(&rig); /* also this way */
        goes_on(&rig);
    }
    root = rig_attach(&rig);
    rig_step(&rig, root, 6);
    rig_round(&rig, root, 6);
    hw_root_close(&root);
    softhsm_restore(rig.hsm.store, "at0"); /* the newest bundle at once */
    root = rig_attach(&rig);
    rig_step(&rig, root, 7);
    rig_round(&rig, root, 7);
    hw_root_close(&root);
    (void)count(&rig, true);
    root = rig_attach(&rig); /* it is on the disk now */
    rig_step(&rig, root, 7);
    rig_round(&rig, root, 7);
    hw_root_close(&root);
    rig_stop(&rig);
}

/* A killed step's remains above, uncertified: passed over. */
static void a_key_above_without_certificate(void **state)
{
    CK_OBJECT_HANDLE planted;
    struct why why = {0};
    struct hands h;
    struct rig rig;
    (void)state;

    start(&rig);
    hands_on(&h, &rig, CKU_USER);
    expect_err(hsm_epoch_generate(&h.token, &h.space, 9, &planted, &why), ERR_OK);
    hands_off(&h);
    softhsm_restore(rig.hsm.store, "at1");
    goes_on(&rig);
    rig_stop(&rig);
}

static void garbage_under_our_labels(void **state)
{
    static const uint64_t EPOCHS[] = {0, 1, 5, 9};
    static const size_t LENGTHS[] = {0, 1, HSM_CERT_LEN - 1, HSM_CERT_LEN, HSM_CERT_LEN + 1, 1000};
    CLEANUP(buf_free) struct buf chain = {0};
    uint8_t bytes[1024];
    struct hands h;
    struct rig rig;
    (void)state;

    start(&rig);
    read_chain(&rig, &chain);
    for (int with_real = 1; with_real >= 0; with_real--) {
        (void)count(&rig, true);
        hands_on(&h, &rig, CKU_USER);
        for (size_t e = 0; e < HSM_N(EPOCHS); e++) {
            memset(bytes, 0xa5, sizeof bytes);
            for (size_t i = 0; i < HSM_N(LENGTHS); i++)
                plant(&h, EPOCHS[e], bytes, LENGTHS[i]);
            for (size_t i = 0; i < 3; i++) { /* real ones, under the labels of others, or changed */
                memcpy(bytes, chain.ptr + i * HSM_CERT_LEN, HSM_CERT_LEN);
                if (EPOCHS[e] != (i == 2 ? 5 : i))
                    plant(&h, EPOCHS[e], bytes, HSM_CERT_LEN);
                for (size_t at = 14; at < HSM_CERT_LEN; at += 31) {
                    bytes[at] ^= 1;
                    plant(&h, EPOCHS[e], bytes, HSM_CERT_LEN);
                    bytes[at] ^= 1;
                }
            }
        }
        for (size_t i = 0; with_real && i < 3; i++)
            plant(&h, i == 2 ? 5 : i, chain.ptr + i * HSM_CERT_LEN, HSM_CERT_LEN);
        hands_off(&h);
        softhsm_restore(rig.hsm.store, "at1");
        if (with_real)
            goes_on(&rig);
        else
            is_stuck(&rig);
    }
    rig_stop(&rig);
}

/* By somebody with the PIN: the identity key and the key of the epoch sign whatever he likes. */
static void forged_with_the_pin(void **state)
{
    struct hsm_successor next = {.epoch = 5, .snapshot = {{5}}};
    struct why why = {0};
    struct hands h;
    struct rig rig;
    (void)state;

    start(&rig);
    (void)count(&rig, true);
    softhsm_restore(rig.hsm.store, "at1");
    hands_on(&h, &rig, CKU_USER);
    expect_err(hsm_identity_find(&h.token, &h.space, &next.identity, &why), ERR_OK);
    next.key = hands_epoch_key(&h, 5);
    expect_err(hsm_key_public(&h.token, next.key, &next.pub, &why), ERR_OK);
    for (int i = 0; i < 3; i++) { /* nobody, itself, the identity key in the place of key 1 */
        CLEANUP(buf_free) struct buf forged = {0};
        next.previous = i == 0 ? 0 : i == 1 ? next.key : next.identity;
        read_chain(&rig, &forged);
        expect_err(hsm_chain_extend(&h.token, &next, &forged, &why), ERR_OK);
        plant(&h, 5, forged.ptr + 2 * HSM_CERT_LEN, HSM_CERT_LEN);
    }
    hands_off(&h);
    is_stuck(&rig);
    rig_stop(&rig);
}

/* The certificates are real, the key that they name is gone, and another one in its place. */
static void the_key_has_to_prove_itself(void **state)
{
    CK_OBJECT_HANDLE planted;
    struct why why = {0};
    struct hands h;
    struct rig rig;
    (void)state;

    start(&rig);
    hands_on(&h, &rig, CKU_USER);
    expect_err(hsm_destroy(&h.token, hands_epoch_key(&h, 5), &why), ERR_OK);
    expect_err(hsm_epoch_generate(&h.token, &h.space, 5, &planted, &why), ERR_OK);
    hands_off(&h);
    softhsm_restore(rig.hsm.store, "at1");
    is_stuck(&rig);
    rig_stop(&rig);
}

static void the_objects_are_gone(void **state)
{
    struct hw_root *root;
    struct rig rig;
    (void)state;

    start(&rig);
    assert_int_equal(count(&rig, true), 3);
    goes_on(&rig);                           /* with the file */
    assert_int_equal(count(&rig, false), 3); /* and the next step puts them back */
    softhsm_restore(rig.hsm.store, "at0");
    goes_on(&rig);

    (void)count(&rig, true);
    root = rig_attach(&rig);
    rig_step(&rig, root, 6);
    hw_root_close(&root);
    assert_int_equal(count(&rig, false), 4);
    rig_stop(&rig);
}

static void both_are_gone(void **state)
{
    struct rig rig;
    (void)state;

    start(&rig);
    (void)count(&rig, true);
    softhsm_restore(rig.hsm.store, "at1");
    is_stuck(&rig);
    softhsm_restore(rig.hsm.store, "at5"); /* nothing was lost by trying */
    goes_on(&rig);
    rig_stop(&rig);
}

/* Codes of a refusal, of a full token, and of a token in trouble. */
static void a_token_that_takes_no_data_objects(void **state)
{
    static const CK_RV CODES[] = {CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT,
                                  CKR_FUNCTION_NOT_SUPPORTED,  CKR_DEVICE_MEMORY,
                                  CKR_GENERAL_ERROR,           CKR_DEVICE_ERROR};
    struct p11_fault *fault;
    struct hw_root *root;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    for (size_t i = 0; i < HSM_N(CODES); i++) {
        rig_strike(fault, P11_FAULT_C_CreateObject, CODES[i], UINT32_MAX);
        rig_step(&rig, root, i + 1);
        rig_heal(fault);
        rig_round(&rig, root, i + 1);
        assert_int_equal(count(&rig, false), 1);
        hw_root_close(&root);
        root = rig_attach(&rig);
    }
    /* One that does not know the two attributes. */
    rig_strike(fault, P11_FAULT_C_CreateObject, CKR_ATTRIBUTE_TYPE_INVALID, 1);
    rig_step(&rig, root, 9);
    rig_heal(fault);
    hw_root_close(&root);
    assert_int_equal(count(&rig, false), HSM_N(CODES) + 2);
    rig_stop(&rig);
}

/* An argument names the one test to run. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept),
        cmocka_unit_test(an_older_disk_is_put_back),
        cmocka_unit_test(a_key_above_without_certificate),
        cmocka_unit_test(garbage_under_our_labels),
        cmocka_unit_test(forged_with_the_pin),
        cmocka_unit_test(the_key_has_to_prove_itself),
        cmocka_unit_test(the_objects_are_gone),
        cmocka_unit_test(both_are_gone),
        cmocka_unit_test(a_token_that_takes_no_data_objects),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
