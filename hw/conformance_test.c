/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_test.c: the conformance test on the fake, and the fake's own tricks. */
#include "hw/conformance.h"
#include "hw/fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct world {
    struct hw_fake_nv *nv;
    struct hw_signer *keys[5]; /* authority, second, ES384, PS256, spare ratchet key */
    struct hw_owner owner;
};

/* Keys once for all tests, since an RSA key takes its time; a chip for each test. */
static int make_world(void **state)
{
    static const enum hw_alg ALGS[] = {HW_ES256, HW_ES256, HW_ES384, HW_PS256, HW_ES256};
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(hw_signer_generate(ALGS[i], &w->keys[i], NULL), ERR_OK);
    snprintf(w->owner.domain, sizeof w->owner.domain, "example.org");
    snprintf(w->owner.gate, sizeof w->owner.gate, "gate-1");
    w->owner.root.bytes[0] = 7;
    w->owner.n_ratchet = 2;
    w->owner.ratchet[0] = w->keys[0]->key;
    w->owner.ratchet[1] = w->keys[4]->key;
    w->owner.n_anchors = 4;
    for (size_t i = 0; i < 4; i++)
        w->owner.anchors[i] = w->keys[i]->key;
    *state = w;
    return 0;
}

static int unmake_world(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < 5; i++)
        hw_signer_close(&w->keys[i]);
    free(w);
    return 0;
}

static int set_up(void **state)
{
    struct world *w = *state;

    assert_int_equal(hw_fake_nv_new(&w->nv), ERR_OK);
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    hw_fake_nv_free(&w->nv);
    return 0;
}

static err_code open_root(void *ctx, struct hw_root **ret, struct why *why)
{
    struct world *w = ctx;
    (void)why;
    return hw_fake_open(w->nv, ret);
}

/* Two signatures on the "snapshot" of this epoch. */
static err_code mandate(void *ctx, const struct hw_enrolment *enrolment, uint64_t epoch,
                        struct hw_mandate *ret)
{
    struct world *w = ctx;
    uint8_t message[8];
    (void)enrolment;

    ret->epoch = epoch;
    put_u64(message, epoch);
    TRY(hash_sha256(SLICE_OF(message), &ret->snapshot));
    for (ret->n_statements = 0; ret->n_statements < 2; ret->n_statements++) {
        CLEANUP(buf_free) struct buf sig = {0};
        struct hw_signer *key = w->keys[ret->n_statements];

        TRY(hw_sign(key, SLICE_OF(message), &sig, NULL));
        TRY(hw_statement_of(&key->key, SLICE_OF(message), buf_slice(&sig),
                            &ret->statements[ret->n_statements]));
    }
    return ERR_OK;
}

static err_code check_seal(void *ctx, const struct hw_enrolment *enrolment,
                           const struct hw_seal *seal, const struct digest *binding, uint64_t epoch,
                           struct why *why)
{
    CLEANUP(buf_free) struct buf want = {0};
    struct hw_statement st;
    (void)ctx;

    TRY(buf_add(&want, "pawl-fake-v1", 13));
    TRY(buf_add_u64(&want, epoch));
    TRY(buf_add_slice(&want, digest_slice(binding)));
    if (seal->kind != HW_SEAL_FAKE || !slice_eq(buf_slice(&want), buf_slice(&seal->statement)))
        return why_say(why, ERR_PERMIT_INVALID, "another statement");
    TRY(hw_statement_of(&enrolment->seal, buf_slice(&want), buf_slice(&seal->sig), &st));
    return hw_verify_soft(&st, why);
}

static void power(void *ctx, bool clean)
{
    hw_fake_restart(((struct world *)ctx)->nv, clean);
}

static struct hw_bench bench_of(struct world *w)
{
    return (struct hw_bench){
        .ctx = w,
        .open = open_root,
        .mandate = mandate,
        .check_seal = check_seal,
        .owner = &w->owner,
        .authority = w->keys[0],
        .es384 = w->keys[2],
        .ps256 = w->keys[3],
        .stride = 1,
        .pins_root = true,
        .anchored = true,
        .pins_snapshot = true,
        .two_at_once = true,
        .power = power,
        .lost_max = HW_FAKE_BLOCK - 1,
        .power_cuts = 2 * HW_FAKE_BLOCK,
    };
}

static void the_fake_conforms(void **state)
{
    struct hw_bench bench = bench_of(*state);

    assert_int_equal(hw_conformance(&bench), 0);
}

static void the_fake_conforms_like_a_tpm(void **state)
{
    struct hw_bench bench = bench_of(*state);
    struct world *w = *state;

    hw_fake_verify_any_key(w->nv);
    bench.anchored = false;
    bench.stride = 13;
    assert_int_equal(hw_conformance(&bench), 0);
}

/* The conformance test can see: one thing broken at a time, each must be reported. */
static void broken_roots_are_found(void **state)
{
    static const enum hw_fake_op OPS[] = {
        HW_FAKE_DESCRIBE,    HW_FAKE_ENROL,      HW_FAKE_ATTACH,      HW_FAKE_VERIFY,
        HW_FAKE_EPOCH,       HW_FAKE_STEP,       HW_FAKE_PREPARE,     HW_FAKE_BEGIN,
        HW_FAKE_SIGN,        HW_FAKE_SEAL,       HW_FAKE_RECEIPT_KEY, HW_FAKE_DEVICE_KEY,
        HW_FAKE_DEVICE_SIGN, HW_FAKE_HEAD_CHECK, HW_FAKE_HEAD_BIND};
    struct world *w = *state;
    struct hw_bench bench = bench_of(w);

    bench.stride = 100;
    for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++) {
        hw_fake_nv_free(&w->nv);
        assert_int_equal(hw_fake_nv_new(&w->nv), ERR_OK);
        hw_fake_fail(w->nv, OPS[i], ERR_TPM_FAILED, i % 2 == 1);
        if (hw_conformance(&bench) == 0)
            fail_msg("operation %zu fails always, and no check saw it", i);
    }
}

static void failures_early_and_late(void **state)
{
    struct world *w = *state;
    CLEANUP(hw_root_close) struct hw_root *root = NULL;
    struct hw_enrolment enrolment;
    struct hw_mandate *m = calloc(1, sizeof *m);
    struct why why = {0};

    assert_non_null(m);
    assert_int_equal(mandate(w, NULL, 4, m), ERR_OK);
    assert_int_equal(hw_fake_open(w->nv, &root), ERR_OK);
    assert_int_equal(root->ops->enrol(root, &w->owner, &enrolment, &why), ERR_OK);
    assert_int_equal(root->ops->attach(root, &w->owner, &enrolment, &why), ERR_OK);
    hw_fake_fail(w->nv, HW_FAKE_STEP, ERR_TPM_FAILED, false);
    assert_int_equal(root->ops->step(root, m, &why), ERR_TPM_FAILED);
    assert_int_equal(hw_fake_epoch(w->nv), 0);
    hw_fake_fail(w->nv, HW_FAKE_STEP, ERR_TPM_TIMEOUT, true);
    assert_int_equal(root->ops->step(root, m, &why), ERR_TPM_TIMEOUT);
    assert_int_equal(hw_fake_epoch(w->nv), 4);
    hw_fake_fail(w->nv, HW_FAKE_STEP, ERR_OK, false);
    assert_int_equal(root->ops->step(root, m, &why), ERR_OK);
    assert_int_equal(hw_fake_calls(w->nv, HW_FAKE_STEP), 3);
    hw_fake_set_epoch(w->nv, 9);
    assert_int_equal(root->ops->step(root, m, &why), ERR_ROLLBACK);
    free(m);
}

static void heads_can_be_lost(void **state)
{
    struct world *w = *state;
    CLEANUP(hw_root_close) struct hw_root *root = NULL;
    struct hw_enrolment enrolment;
    struct hw_kept kept;
    struct why why = {0};

    assert_int_equal(hw_fake_open(w->nv, &root), ERR_OK);
    assert_int_equal(root->ops->enrol(root, &w->owner, &enrolment, &why), ERR_OK);
    assert_int_equal(root->ops->attach(root, &w->owner, &enrolment, &why), ERR_OK);
    assert_int_equal(root->ops->head_check(root, NULL, 0, &kept, &why), ERR_OK);
    assert_true(kept.none);
    assert_int_equal(kept.round, HW_FAKE_FIRST);
    hw_fake_forget_heads(w->nv);
    assert_int_equal(root->ops->head_check(root, NULL, 0, &kept, &why), ERR_HEAD_MISSING);
}

/* An owner that no hardware can take. */
static void owners_without_a_spare_are_refused(void **state)
{
    struct world *w = *state;
    CLEANUP(hw_root_close) struct hw_root *root = NULL;
    struct hw_enrolment enrolment;

    assert_int_equal(hw_fake_open(w->nv, &root), ERR_OK);
    w->owner.n_ratchet = 1;
    assert_int_equal(root->ops->enrol(root, &w->owner, &enrolment, NULL), ERR_GRANT_INVALID);
    w->owner.n_ratchet = HW_RATCHET_MAX + 1;
    assert_int_equal(root->ops->enrol(root, &w->owner, &enrolment, NULL), ERR_GRANT_INVALID);
    w->owner.n_ratchet = 2;
    w->owner.n_anchors = HW_ANCHOR_MAX + 1;
    assert_int_equal(root->ops->enrol(root, &w->owner, &enrolment, NULL), ERR_TOO_LARGE);
    w->owner.n_anchors = 4;
    assert_int_equal(root->ops->enrol(root, &w->owner, &enrolment, NULL), ERR_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_fake_conforms),      TEST(the_fake_conforms_like_a_tpm),
        TEST(broken_roots_are_found), TEST(failures_early_and_late),
        TEST(heads_can_be_lost),      TEST(owners_without_a_spare_are_refused),
    };
    return cmocka_run_group_tests_name("conformance", tests, make_world, unmake_world);
}
