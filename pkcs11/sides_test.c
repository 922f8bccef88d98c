/* SPDX-License-Identifier: Apache-2.0 */
/* sides_test.c: a token that several sessions use side by side: what they are good for, and that
 * nothing that happens to one of them is believed. Through p11_fault.so, as a slow token. */
#include "pkcs11/internal.h"
#include "pkcs11/rig.h"
#include "pkcs11/sides.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define SESSIONS 4
#define SIGNATURES 6 /* more than sessions */
#define SLOW_US 600  /* a call; a verification is two */

struct bench {
    struct rig rig;
    struct p11_fault *fault;
    struct hw_root *root;
    struct hw_head head;
    struct why why;
};

#define EXPECT(call, wanted) rig_expect((call), (wanted), &b->why, #call, __FILE__, __LINE__)
#define OK(call) EXPECT(call, ERR_OK)

static uint32_t calls(const struct bench *b, enum p11_fault_fn fn)
{
    return __atomic_load_n(&b->fault->calls[fn], __ATOMIC_SEQ_CST);
}

/* Of so many signatures, by two keys in turns. */
static const struct hw_mandate *mandate(struct bench *b, uint64_t epoch, size_t n)
{
    struct hw_mandate *m = b->rig.mandate;
    char text[64];

    (void)rig_mandate(&b->rig, epoch);
    (void)snprintf(text, sizeof text, "snapshot of epoch %llu", (unsigned long long)epoch);
    for (m->n_statements = 0; m->n_statements < n; m->n_statements++) {
        CLEANUP(buf_free) struct buf sig = {0};
        struct hw_signer *signer = b->rig.authority[m->n_statements % 2];
        OK(hw_sign(signer, slice_str(text), &sig, &b->why));
        OK(hw_statement_of(&signer->key, slice_str(text), buf_slice(&sig),
                           &m->statements[m->n_statements]));
    }
    return m;
}

static void step(struct bench *b, uint64_t epoch, size_t n)
{
    OK(b->root->ops->step(b->root, mandate(b, epoch, n), &b->why));
    OK(b->root->ops->prepare(b->root, mandate(b, epoch, n), &b->why));
}

static struct digest digest_of(uint64_t number)
{
    struct digest digest = {{0}};

    memcpy(digest.bytes, &number, sizeof number);
    return digest;
}

static void expect_signed(struct bench *b, const struct digest *digest, const uint8_t sig[64])
{
    struct hw_statement st = {.sig_len = 64};

    memcpy(st.digest, digest->bytes, sizeof digest->bytes);
    memcpy(st.sig, sig, 64);
    OK(b->root->ops->receipt_key(b->root, &st.key, &b->why));
    OK(hw_verify_soft(&st, &b->why));
}

/* A round as the scribe makes one. */
static err_code round_of(struct bench *b, uint8_t ret_sig[static 64])
{
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    const struct hw_root_ops *ops = b->root->ops;
    struct hw_head next = {.round = b->head.round + 1, .size = b->head.size + 2};
    const struct digest digest = digest_of(next.round);

    TRY(ops->begin(b->root, &b->why));
    ops->sign_ahead(b->root, &digest);
    TRY(ops->head_bind(b->root, &next, HW_KEEP_ROUND, &b->why));
    b->head = next;
    TRY(ops->sign(b->root, &digest, ret_sig, &b->why));
    return ops->seal(b->root, &digest, &seal, &b->why);
}

static void good_round(struct bench *b)
{
    uint8_t sig[64];

    OK(round_of(b, sig));
    const struct digest digest = digest_of(b->head.round);
    expect_signed(b, &digest, sig);
}

static struct bench *start(unsigned sessions, size_t n)
{
    struct bench *b = calloc(1, sizeof *b);
    struct hw_kept kept;

    assert_non_null(b);
    rig_start(&b->rig);
    b->fault = rig_fault(&b->rig);
    rig_enrol(&b->rig);
    b->rig.options.sessions = sessions;
    b->root = rig_attach(&b->rig);
    step(b, 1, n);
    OK(b->root->ops->begin(b->root, &b->why));
    OK(b->root->ops->head_check(b->root, &b->head, 0, &kept, &b->why));
    b->head.round = kept.round;
    b->fault->delay_us = SLOW_US;
    for (size_t i = 0; i < HSM_SLOW_ROUNDS; i++) /* from which it is known how slow it is */
        good_round(b);
    return b;
}

static void stop(struct bench *b)
{
    hw_root_close(&b->root);
    rig_stop(&b->rig);
    free(b);
}

/* ---- what they are good for ------------------------------------------------------------------ */

static void verifications_wait_together(void **state)
{
    struct bench *b = start(SESSIONS, SESSIONS);
    const uint32_t before = calls(b, P11_FAULT_C_Verify);
    (void)state;

    b->fault->meet = SESSIONS; /* one after the other they would wait for ever */
    OK(b->root->ops->begin(b->root, &b->why));
    assert_int_equal(b->fault->missed, 0);
    assert_int_equal(calls(b, P11_FAULT_C_Verify), before + SESSIONS);
    stop(b);
}

static void a_head_is_signed_before_it_is_asked_for(void **state)
{
    struct bench *b = start(SESSIONS, 1);
    const struct timespec pause = {0, 1000000};
    const struct digest digest = digest_of(b->head.round + 1);
    const struct hw_head next = {.round = b->head.round + 1, .size = b->head.size + 2};
    const uint32_t before = calls(b, P11_FAULT_C_Sign);
    uint8_t sig[64];
    (void)state;

    OK(b->root->ops->begin(b->root, &b->why));
    b->root->ops->sign_ahead(b->root, &digest);
    for (unsigned i = 0; calls(b, P11_FAULT_C_Sign) == before && i < 60000; i++)
        (void)nanosleep(&pause, NULL);
    assert_int_equal(calls(b, P11_FAULT_C_Sign), before + 1);
    OK(b->root->ops->head_bind(b->root, &next, HW_KEEP_ROUND, &b->why));
    OK(b->root->ops->sign(b->root, &digest, sig, &b->why));
    assert_int_equal(calls(b, P11_FAULT_C_Sign), before + 1);
    expect_signed(b, &digest, sig);
    stop(b);
}

/* A token in this process is faster than the hand-over; and one session is one session. */
static void only_where_it_is_worth_it(void **state)
{
    struct bench *b = start(SESSIONS, SIGNATURES);
    struct hsm_root *hsm = (struct hsm_root *)b->root;
    const struct digest digest = digest_of(1);
    uint32_t before;
    (void)state;

    before = calls(b, P11_FAULT_C_OpenSession);
    hsm_sides_rest(&hsm->token);
    hsm->slow_rounds = 0;
    OK(b->root->ops->begin(b->root, &b->why));
    b->root->ops->sign_ahead(b->root, &digest);
    assert_false(hsm->ahead.given);
    assert_int_equal(calls(b, P11_FAULT_C_OpenSession), before);
    stop(b);
    b = start(1, SIGNATURES);
    before = calls(b, P11_FAULT_C_OpenSession);
    good_round(b);
    assert_int_equal(calls(b, P11_FAULT_C_OpenSession), before);
    stop(b);
}

/* A machine that is busy makes one call long, and then another. */
static void one_call_that_takes_long_is_none(void **state)
{
    struct bench *b = start(SESSIONS, SIGNATURES);
    struct hsm_root *hsm = (struct hsm_root *)b->root;
    (void)state;

    b->fault->delay_us = 0;
    hsm->slow_rounds = 0;
    for (size_t i = 0; i < HSM_SLOW_ROUNDS; i++) {
        b->fault->stall_ms = 20;
        rig_strike(b->fault, P11_FAULT_C_Verify, CKR_OK, 1);
        good_round(b);
        rig_heal(b->fault);
    }
    assert_true(hsm->slow_rounds < HSM_SLOW_ROUNDS);
    stop(b);
}

/* ---- what is not believed -------------------------------------------------------------------- */

static void each_signature_counts(void **state)
{
    struct bench *b = start(SESSIONS, SIGNATURES);
    struct hsm_root *hsm = (struct hsm_root *)b->root;
    (void)state;

    for (size_t i = 0; i < SIGNATURES; i++) {
        hsm->prepared->statements[i].sig[9] ^= 1;
        EXPECT(b->root->ops->begin(b->root, &b->why), ERR_SIGNATURE_INVALID);
        assert_false(hsm->begun);
        hsm->prepared->statements[i].sig[9] ^= 1;
        good_round(b);
    }
    stop(b);
}

static void another_signature_is_not_taken(void **state)
{
    struct bench *b = start(SESSIONS, 1);
    const struct digest one = digest_of(1000), other = digest_of(1001);
    uint8_t sig[64];
    (void)state;

    OK(b->root->ops->begin(b->root, &b->why));
    b->root->ops->sign_ahead(b->root, &one);
    OK(b->root->ops->sign(b->root, &other, sig, &b->why));
    expect_signed(b, &other, sig);
    b->root->ops->sign_ahead(b->root, &one);
    OK(b->root->ops->begin(b->root, &b->why)); /* what was foreseen is forgotten */
    OK(b->root->ops->sign(b->root, &other, sig, &b->why));
    expect_signed(b, &other, sig);
    stop(b);
}

/* Whichever session an answer like this one comes to: a side's is asked again, the root's own is
 * judged as ever. */
static void whatever_a_session_answers(void **state)
{
    static const enum p11_fault_fn FN[] = {P11_FAULT_C_OpenSession, P11_FAULT_C_VerifyInit,
                                           P11_FAULT_C_Verify, P11_FAULT_C_SignInit,
                                           P11_FAULT_C_Sign};
    static const CK_RV RV[] = {CKR_DEVICE_ERROR, CKR_SESSION_HANDLE_INVALID, CKR_OPERATION_ACTIVE,
                               CKR_GENERAL_ERROR, CKR_SESSION_COUNT};
    struct bench *b = start(SESSIONS, SIGNATURES);
    struct hsm_root *hsm = (struct hsm_root *)b->root;
    (void)state;

    for (size_t i = 0; i < HSM_N(FN) * HSM_N(RV); i++) {
        struct hw_kept kept;
        uint8_t sig[64];
        err_code err;
        hsm_sides_rest(&hsm->token); /* sessions are opened anew */
        rig_strike(b->fault, FN[i % HSM_N(FN)], RV[i / HSM_N(FN)], 1);
        err = round_of(b, sig);
        if (err != ERR_OK)
            assert_in_range(err_exit(err), 30, 34);
        rig_heal(b->fault);
        OK(b->root->ops->begin(b->root, &b->why));
        OK(b->root->ops->head_check(b->root, &b->head, 1, &kept, &b->why));
        good_round(b);
    }
    stop(b);
}

static void a_token_with_one_session(void **state)
{
    struct bench *b = start(SESSIONS, SIGNATURES);
    struct hsm_root *hsm = (struct hsm_root *)b->root;
    uint32_t before;
    (void)state;

    hsm_sides_rest(&hsm->token);
    rig_strike(b->fault, P11_FAULT_C_OpenSession, CKR_SESSION_COUNT, UINT32_MAX);
    good_round(b);
    before = calls(b, P11_FAULT_C_OpenSession);
    good_round(b); /* it is not asked again and again */
    assert_int_equal(calls(b, P11_FAULT_C_OpenSession), before);
    stop(b);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void a_step_ends_every_session(void **state)
{
    struct bench *b = start(SESSIONS, SIGNATURES);
    uint32_t closed, began;
    (void)state;

    good_round(b);
    for (uint64_t epoch = 2; epoch < 5; epoch++) {
        closed = calls(b, P11_FAULT_C_CloseSession);
        step(b, epoch, SIGNATURES);
        assert_int_equal(calls(b, P11_FAULT_C_CloseSession), closed + SESSIONS);
        began = calls(b, P11_FAULT_C_VerifyInit);
        good_round(b); /* in new ones, so nothing has to be asked twice */
        assert_int_equal(calls(b, P11_FAULT_C_VerifyInit), began + SIGNATURES);
    }
    stop(b);
}

/* The module is not finalised, and what a side writes to not freed, while it is at work. */
static void closed_while_a_side_works(void **state)
{
    struct bench *b = start(SESSIONS, 1);
    const struct digest digest = digest_of(7);
    (void)state;

    OK(b->root->ops->begin(b->root, &b->why));
    b->fault->stall_ms = 200;
    rig_strike(b->fault, P11_FAULT_C_Sign, CKR_OK, 1);
    b->root->ops->sign_ahead(b->root, &digest);
    stop(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verifications_wait_together),
        cmocka_unit_test(a_head_is_signed_before_it_is_asked_for),
        cmocka_unit_test(only_where_it_is_worth_it),
        cmocka_unit_test(one_call_that_takes_long_is_none),
        cmocka_unit_test(each_signature_counts),
        cmocka_unit_test(another_signature_is_not_taken),
        cmocka_unit_test(whatever_a_session_answers),
        cmocka_unit_test(a_token_with_one_session),
        cmocka_unit_test(a_step_ends_every_session),
        cmocka_unit_test(closed_while_a_side_works),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
