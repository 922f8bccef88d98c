/* SPDX-License-Identifier: Apache-2.0 */
/* fault_test.c: the TPM busy, full, silent, gone, or talking nonsense, at chosen commands. */
#include "tpm/command.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct digest DIGEST = {{1, 2, 3}};

/* Enrolled, at epoch 1, prepared, behind the fault TCTI. */
static int start(void **state)
{
    struct fx *fx = fx_new(false);

    OK(fx_open_faulty(fx, false));
    OK(fx->root->ops->enrol(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    fx_step(fx, 1);
    fx_round(fx);
    fault_clear(&fx->faults);
    *state = fx;
    return 0;
}

static int end(void **state)
{
    fx_free(*state);
    return 0;
}

static void answer(struct fx *fx, TPM2_CC code, TSS2_RC rc, unsigned times)
{
    fault_add(&fx->faults,
              &(struct fault){.kind = FAULT_ANSWER, .code = code, .rc = rc, .times = times});
}

static err_code sign(struct fx *fx)
{
    uint8_t sig[64];

    return fx->root->ops->sign(fx->root, &DIGEST, sig, &fx->why);
}

static void later_means_later(void **state)
{
    static const TSS2_RC codes[] = {
        TPM2_RC_RETRY,   TPM2_RC_YIELDED,        TPM2_RC_TESTING,
        TPM2_RC_NV_RATE, TPM2_RC_NV_UNAVAILABLE, TSS2_RESMGR_TPM_RC_LAYER | TPM2_RC_RETRY};
    struct fx *fx = *state;
    uint64_t epoch = 1;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        fault_clear(&fx->faults);
        answer(fx, 0, codes[i], 3);
        answer(fx, TPM2_CC_NV_Increment, codes[i], 4);
        answer(fx, TPM2_CC_PCR_Event, codes[i], 2);
        answer(fx, TPM2_CC_Sign, codes[i], 5);
        fx_step(fx, ++epoch);
        fx_round(fx);
        assert_int_equal(fault_count(&fx->faults, TPM2_CC_NV_Increment), 4 + 1);
    }
    assert_int_equal(fx_inside(fx)->chip.broken, false);
}

/* For ever is longer than the deadline: the answer is final then, and the next call starts anew. */
static void later_for_ever_ends_at_the_deadline(void **state)
{
    struct fx *fx = *state;
    int64_t began;
    uint64_t epoch;

    fx_inside(fx)->chip.line.deadline_ms = 300;
    answer(fx, TPM2_CC_NV_Increment, TPM2_RC_NV_RATE, 0);
    began = tpm_now_ms();
    EXPECT(fx->root->ops->step(fx->root, fx_mandate(fx, 2), &fx->why), ERR_TPM_BUSY);
    assert_int_equal(fx->why.foreign_code, TPM2_RC_NV_RATE);
    assert_true(tpm_now_ms() - began < 10000);
    OK(fx->root->ops->epoch(fx->root, &epoch, &fx->why));
    assert_int_equal(epoch, 1);
    fault_clear(&fx->faults);
    fx_step(fx, 2);
    fx_round(fx);
}

/* The chip says how long it needs between writes. */
static void nv_rate_waits_as_long_as_the_chip_says(void **state)
{
    struct fx *fx = *state;
    int64_t began;

    fx_inside(fx)->chip.line.nv_wait_ms = 120;
    answer(fx, TPM2_CC_NV_Increment, TPM2_RC_NV_RATE, 2);
    began = tpm_now_ms();
    fx_step(fx, 2);
    assert_true(tpm_now_ms() - began >= 240);
    assert_int_equal(fault_count(&fx->faults, TPM2_CC_NV_Increment), 3);
}

static void a_changed_pcr_costs_a_session(void **state)
{
    struct fx *fx = *state;

    answer(fx, TPM2_CC_Sign, TPM2_RC_PCR_CHANGED, 3);
    OK(sign(fx));
    assert_int_equal(fault_count(&fx->faults, TPM2_CC_Sign), 4);
    assert_int_equal(fault_count(&fx->faults, TPM2_CC_StartAuthSession), 3);
    fault_clear(&fx->faults);
    answer(fx, TPM2_CC_NV_Certify, TSS2_RESMGR_TPM_RC_LAYER | TPM2_RC_PCR_CHANGED, 1);
    fx_round(fx);
    fault_clear(&fx->faults);
    answer(fx, TPM2_CC_Sign, TPM2_RC_PCR_CHANGED, 0);
    EXPECT(sign(fx), ERR_TPM_BUSY);
    assert_int_equal(fault_count(&fx->faults, TPM2_CC_Sign), 32);
    fault_clear(&fx->faults);
    OK(sign(fx));
}

static void extend_elsewhere(void *arg)
{
    struct tpm_chip *other = arg;

    assert_int_equal(tpm_pcr_event(other, 10, &DIGEST), TPM2_RC_SUCCESS);
}

/* The real thing: measured boot goes on while we sign. */
static void a_pcr_extended_between_policy_and_use(void **state)
{
    struct fx *fx = *state;
    CLEANUP(fx_other_close) struct tpm_chip *other = fx_other(fx);

    fault_add(&fx->faults, &(struct fault){.kind = FAULT_BEFORE,
                                           .code = TPM2_CC_Sign,
                                           .times = 5,
                                           .hook = extend_elsewhere,
                                           .arg = other});
    OK(sign(fx));
    assert_int_equal(fault_count(&fx->faults, TPM2_CC_Sign), 6);
}

/* The same step by another process, between our reading the counter and its being judged. */
static void step_elsewhere(void *arg)
{
    struct fx *fx = arg;
    struct hw_root *mine = fx->root;

    fx->root = NULL;
    fx_attach(fx);
    OK(fx->root->ops->step(fx->root, fx_mandate(fx, 3), &fx->why));
    fx_close(fx);
    fx->root = mine;
}

static void the_same_step_by_two(void **state)
{
    struct fx *fx = *state;
    uint64_t epoch;

    fault_add(&fx->faults, &(struct fault){.kind = FAULT_BEFORE,
                                           .code = TPM2_CC_PolicyNV,
                                           .nth = 2,
                                           .times = 1,
                                           .hook = step_elsewhere,
                                           .arg = fx});
    OK(fx->root->ops->step(fx->root, fx_mandate(fx, 3), &fx->why));
    OK(fx->root->ops->epoch(fx->root, &epoch, &fx->why));
    assert_int_equal(epoch, 3);
}

static void flush_elsewhere(void *arg)
{
    struct fx *fx = arg;
    struct tpm_chip *other = fx_other(fx);

    assert_int_equal(tpm_flush(other, fx_inside(fx)->chip.session), TPM2_RC_SUCCESS);
    fx_other_close(&other);
}

static void a_session_taken_away_is_replaced(void **state)
{
    static const TPM2_CC codes[] = {TPM2_CC_PolicyNV, TPM2_CC_PolicyAuthorize, TPM2_CC_PolicyOR,
                                    TPM2_CC_Sign};
    struct fx *fx = *state;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        fault_clear(&fx->faults);
        fault_add(&fx->faults, &(struct fault){.kind = FAULT_BEFORE,
                                               .code = codes[i],
                                               .times = 1,
                                               .hook = flush_elsewhere,
                                               .arg = fx});
        OK(sign(fx));
    }
}

/* Other programs left their objects and sessions in a TPM without a resource manager. */
static void a_full_tpm_is_swept(void **state)
{
    struct fx *fx = *state;
    CLEANUP(fx_other_close) struct tpm_chip *other = fx_other(fx);
    CLEANUP(buf_free) struct buf area = {0};
    struct hw_statement st = {.key = fx->ratchet[0]->key};
    CLEANUP(buf_free) struct buf sig = {0};
    TPM2_HANDLE handle;
    TPM2B_NAME name;
    unsigned n;

    OK(tpm_verifier_public(&st.key, &area));
    for (n = 0; tpm_load_external(other, buf_slice(&area), &handle, &name) == TPM2_RC_SUCCESS; n++)
        assert_true(n < 64);
    assert_int_not_equal(n, 0);
    OK(hw_sign(fx->ratchet[0], slice_str("x"), &sig, &fx->why));
    OK(hw_statement_of(&st.key, slice_str("x"), buf_slice(&sig), &st));
    OK(fx->root->ops->verify(fx->root, &st, &fx->why));
    /* A key at a persistent handle needs a place, too, while it is used. */
    for (n = 0; n < 3; n++) {
        CLEANUP(hw_seal_free) struct hw_seal seal = {0};

        while (tpm_load_external(other, buf_slice(&area), &handle, &name) == TPM2_RC_SUCCESS)
            continue;
        if (n == 0)
            OK(sign(fx));
        else if (n == 1)
            OK(fx->root->ops->seal(fx->root, &DIGEST, &seal, &fx->why));
        else
            OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    }
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 1), &fx->why));

    tpm_chip_drop_session(&fx_inside(fx)->chip);
    for (n = 0; tpm_start_session(other, TPM2_SE_POLICY, &handle) == TPM2_RC_SUCCESS; n++)
        assert_true(n < 64);
    assert_int_not_equal(n, 0);
    OK(sign(fx));
}

/* All 64 session numbers taken by saved contexts. */
static void saved_sessions_are_swept_last(void **state)
{
    struct fx *fx = *state;
    CLEANUP(fx_other_close) struct tpm_chip *other = fx_other(fx);
    TPM2_HANDLE handle;
    TSS2_RC rc;
    unsigned n;

    tpm_chip_drop_session(&fx_inside(fx)->chip);
    for (n = 0; n < 256; n++) {
        TPMS_CONTEXT context = {0};

        rc = tpm_start_session(other, TPM2_SE_POLICY, &handle);
        if (rc != TPM2_RC_SUCCESS)
            break;
        assert_int_equal(Tss2_Sys_ContextSave(other->sys, handle, &context), 0);
    }
    assert_int_equal(rc, TPM2_RC_SESSION_HANDLES);
    OK(sign(fx));
    /* Where a resource manager lies between, they are others' property. */
    tpm_chip_drop_session(&fx_inside(fx)->chip);
    fx_inside(fx)->chip.source->managed = true;
    answer(fx, TPM2_CC_StartAuthSession, TPM2_RC_SESSION_HANDLES, 0);
    EXPECT(sign(fx), ERR_TPM_BUSY);
    assert_int_equal(fx->why.foreign_code, TPM2_RC_SESSION_HANDLES);
}

static void full_for_ever_is_busy(void **state)
{
    static const TSS2_RC codes[] = {TPM2_RC_OBJECT_MEMORY,  TPM2_RC_OBJECT_HANDLES,
                                    TPM2_RC_SESSION_MEMORY, TPM2_RC_SESSION_HANDLES,
                                    TPM2_RC_MEMORY,         TPM2_RC_CONTEXT_GAP};
    struct fx *fx = *state;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        fault_clear(&fx->faults);
        tpm_chip_drop_session(&fx_inside(fx)->chip);
        answer(fx, TPM2_CC_StartAuthSession, codes[i], 0);
        EXPECT(sign(fx), ERR_TPM_BUSY);
        assert_true(fault_count(&fx->faults, TPM2_CC_StartAuthSession) <= 2);
    }
    fault_clear(&fx->faults);
    OK(sign(fx));
}

/* Tries and times are the chip's own; one that does not tell them locks out all the same. */
static void lockout_says_how_long(void **state)
{
    struct fx *fx = *state;

    answer(fx, TPM2_CC_Sign, TPM2_RC_LOCKOUT, 0);
    EXPECT(sign(fx), ERR_TPM_LOCKED_OUT);
    assert_non_null(strstr(fx->why.text, "0x921: 0 wrong authorizations of at most "));
    assert_non_null(strstr(fx->why.text, "; one is forgotten every "));
    fault_clear(&fx->faults);
    answer(fx, TPM2_CC_Sign, TPM2_RC_LOCKOUT, 0);
    answer(fx, TPM2_CC_GetCapability, TPM2_RC_FAILURE, 0);
    EXPECT(sign(fx), ERR_TPM_LOCKED_OUT);
    assert_non_null(strstr(fx->why.text, "was refused with 0x921"));
    assert_int_equal(fx->why.foreign_code, TPM2_RC_LOCKOUT);
    fault_clear(&fx->faults);
    fx_round(fx);
}

static void other_answers_have_their_names(void **state)
{
    static const struct {
        const char *name;
        TPM2_CC code;
        TSS2_RC rc;
        err_code want;
    } cases[] = {
        {"lockout", TPM2_CC_Sign, TPM2_RC_LOCKOUT, ERR_TPM_LOCKED_OUT},
        {"wrong auth, no DA", TPM2_CC_Sign, 0x9A2, ERR_TPM_AUTH},
        {"wrong auth, DA", TPM2_CC_Sign, 0x98E, ERR_TPM_AUTH},
        {"failure mode", TPM2_CC_Sign, TPM2_RC_FAILURE, ERR_TPM_FAILED},
        {"policy", TPM2_CC_PolicyNV, TPM2_RC_POLICY, ERR_TPM_POLICY},
        {"no such command", TPM2_CC_Sign, TSS2_RESMGR_RC_LAYER | TPM2_RC_COMMAND_CODE,
         ERR_UNSUPPORTED},
        {"key gone", TPM2_CC_Sign, 0x18B, ERR_TPM_FAILED},
        {"index gone", TPM2_CC_NV_Read, 0x18B, ERR_COUNTER_MISSING},
        {"index unwritten", TPM2_CC_NV_Read, TPM2_RC_NV_UNINITIALIZED, ERR_COUNTER_MISSING},
    };
    struct fx *fx = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        err_code err;

        fault_clear(&fx->faults);
        answer(fx, cases[i].code, cases[i].rc, 0);
        err = fx->root->ops->begin(fx->root, &fx->why);
        if (err == ERR_OK)
            err = sign(fx);
        if (err != cases[i].want)
            fail_msg("%s: %s, wanted %s", cases[i].name, err_name(err), err_name(cases[i].want));
        assert_string_equal(fx->why.foreign, "TPM_RC");
        assert_int_equal(fx->why.foreign_code, cases[i].rc & 0xFFFF);
        assert_false(fx_inside(fx)->chip.broken);
    }
    fault_clear(&fx->faults);
    fx_round(fx);
}

/* FAILURE as the verdict on a signature is one thing, a TPM in failure mode another. */
static void failure_mode_is_no_verdict(void **state)
{
    struct fx *fx = *state;
    CLEANUP(buf_free) struct buf sig = {0};
    struct hw_statement st;

    OK(hw_sign(fx->ratchet[0], slice_str("x"), &sig, &fx->why));
    OK(hw_statement_of(&fx->ratchet[0]->key, slice_str("x"), buf_slice(&sig), &st));
    answer(fx, TPM2_CC_VerifySignature, TPM2_RC_FAILURE, 1);
    EXPECT(fx->root->ops->verify(fx->root, &st, &fx->why), ERR_SIGNATURE_INVALID);
    answer(fx, TPM2_CC_VerifySignature, TPM2_RC_NO_RESULT, 1);
    EXPECT(fx->root->ops->verify(fx->root, &st, &fx->why), ERR_SIGNATURE_INVALID);
    fault_clear(&fx->faults);
    answer(fx, TPM2_CC_VerifySignature, TPM2_RC_FAILURE, 0);
    answer(fx, TPM2_CC_FlushContext, TPM2_RC_FAILURE, 0);
    EXPECT(fx->root->ops->verify(fx->root, &st, &fx->why), ERR_TPM_FAILED);
    fault_clear(&fx->faults);
    OK(fx->root->ops->verify(fx->root, &st, &fx->why));
}

/* --- silence --- */

static void a_lost_answer_leaves_old_or_new(void **state)
{
    struct fx *fx = *state;
    uint64_t epoch;

    fx_inside(fx)->chip.deadline_ms = 200;
    fx_inside(fx)->chip.line.deadline_ms = 200;
    fault_add(&fx->faults,
              &(struct fault){.kind = FAULT_LOST_ANSWER, .times = 1, .code = TPM2_CC_NV_Increment});
    EXPECT(fx->root->ops->step(fx->root, fx_mandate(fx, 2), &fx->why), ERR_TPM_TIMEOUT);
    OK(fx->root->ops->epoch(fx->root, &epoch, &fx->why));
    assert_int_equal(epoch, 2);
    fault_clear(&fx->faults);
    /* It ran, so nothing is incremented again, but the epoch is settled now. */
    fx_step(fx, 2);
    assert_int_equal(fault_count(&fx->faults, TPM2_CC_NV_Increment), 0);
    assert_int_equal(fault_count(&fx->faults, TPM2_CC_PCR_Event), 1);
    fx_round(fx);

    fault_add(&fx->faults,
              &(struct fault){.kind = FAULT_LOST, .times = 1, .code = TPM2_CC_NV_Increment});
    EXPECT(fx->root->ops->step(fx->root, fx_mandate(fx, 3), &fx->why), ERR_TPM_TIMEOUT);
    OK(fx->root->ops->epoch(fx->root, &epoch, &fx->why));
    assert_int_equal(epoch, 2);
    fx_step(fx, 3);
    fx_round(fx);
}

static void a_frozen_simulator_is_a_timeout(void **state)
{
    struct fx *fx = *state;

    fx_inside(fx)->chip.deadline_ms = 200;
    fx_inside(fx)->chip.line.deadline_ms = 200;
    swtpm_freeze(&fx->tpm);
    EXPECT(fx->root->ops->begin(fx->root, &fx->why), ERR_TPM_TIMEOUT);
    EXPECT(fx->root->ops->begin(fx->root, &fx->why), ERR_TPM_TIMEOUT);
    swtpm_thaw(&fx->tpm);
    fx_inside(fx)->chip.deadline_ms = TPM_DEADLINE_MS;
    fx_round(fx);
}

static void gone_and_back(void **state)
{
    struct fx *fx = *state;

    swtpm_stop(&fx->tpm);
    EXPECT(fx->root->ops->begin(fx->root, &fx->why), ERR_TPM_NOT_FOUND);
    EXPECT(sign(fx), ERR_TPM_NOT_FOUND);
    EXPECT(fx->root->ops->step(fx->root, fx_mandate(fx, 2), &fx->why), ERR_TPM_NOT_FOUND);
    swtpm_run(&fx->tpm);
    fx_round(fx);
    fx_step(fx, 2);
    fx_round(fx);
}

/* --- nonsense --- */

/* Every answer of a round, and of opening and attaching, cut at each length: an error each time,
 * and never a result. */
static void answers_cut_at_each_length(void **state)
{
    struct fx *fx = *state;
    size_t commands;

    fx_round(fx);
    commands = fault_count(&fx->faults, 0);
    assert_true(commands >= 13);
    for (unsigned nth = 1; nth <= commands; nth++)
        for (size_t len = 0; len < 200; len += len < 40 ? 1 : 13) {
            CLEANUP(hw_seal_free) struct hw_seal seal = {0};
            err_code err;

            fault_clear(&fx->faults);
            fault_add(&fx->faults,
                      &(struct fault){.kind = FAULT_CUT, .nth = nth, .times = 1, .len = len});
            err = fx->root->ops->begin(fx->root, &fx->why);
            if (err == ERR_OK)
                err = sign(fx);
            if (err == ERR_OK)
                err = fx->root->ops->seal(fx->root, &DIGEST, &seal, &fx->why);
            if (err == ERR_OK)
                break; /* the answer was not longer than that */
            /* Connections that broke left sessions behind; the cut may fall on sweeping them. */
            if (err != ERR_TPM_FAILED && err != ERR_TPM_BUSY)
                fail_msg("command %u cut at %zu: %s", nth, len, err_name(err));
        }
    fault_clear(&fx->faults);
    fx_round(fx);
}

static void answers_that_make_no_sense(void **state)
{
    static const uint8_t tag[] = {0x12, 0x34, 0, 0, 0, 10, 0, 0, 0, 0};
    static const uint8_t tpm12[] = {0x00, 0xC4, 0, 0, 0, 10, 0, 0, 0, 10};
    static const uint8_t longer[] = {0x80, 0x01, 0, 0, 0x10, 0, 0, 0, 0, 0};
    static const uint8_t huge[] = {0x80, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0};
    static const uint8_t bare[] = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0, 0};
    static const struct slice cases[] = {{tag, 10},  {tpm12, 10}, {longer, 10},
                                         {huge, 10}, {bare, 10},  {bare, 0}};
    static const TPM2_CC codes[] = {TPM2_CC_NV_Read, TPM2_CC_Sign};
    struct fx *fx = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < 2; k++) {
            err_code err;

            fault_clear(&fx->faults);
            fault_add(&fx->faults, &(struct fault){.kind = FAULT_BYTES,
                                                   .code = codes[k],
                                                   .times = 1,
                                                   .bytes = cases[i].ptr,
                                                   .len = cases[i].len});
            err = fx->root->ops->begin(fx->root, &fx->why);
            if (err == ERR_OK)
                err = sign(fx);
            if (err != ERR_TPM_FAILED)
                fail_msg("answer %zu to command 0x%x: %s", i, codes[k], err_name(err));
            assert_true(fx_inside(fx)->chip.broken);
        }
    fault_clear(&fx->faults);
    fx_round(fx);
}

/* A chip that says SUCCESS and does not count would be asked for ever. */
static void an_increment_that_does_not_count(void **state)
{
    static const uint8_t done[] = {0x80, 0x02, 0, 0, 0, 19, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0};
    struct fx *fx = *state;
    uint64_t epoch;

    fault_add(&fx->faults, &(struct fault){.kind = FAULT_BYTES,
                                           .code = TPM2_CC_NV_Increment,
                                           .times = 8, /* so that a loop ends, and is seen */
                                           .bytes = done,
                                           .len = sizeof done});
    EXPECT(fx->root->ops->step(fx->root, fx_mandate(fx, 3), &fx->why), ERR_TPM_FAILED);
    assert_non_null(strstr(fx->why.text, "and after an increment at"));
    assert_int_equal(fault_count(&fx->faults, TPM2_CC_NV_Increment), 1);
    OK(fx->root->ops->epoch(fx->root, &epoch, &fx->why));
    assert_int_equal(epoch, 1);
    fault_clear(&fx->faults);
    fx_step(fx, 3);
    fx_round(fx);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(later_means_later),
        TEST(later_for_ever_ends_at_the_deadline),
        TEST(nv_rate_waits_as_long_as_the_chip_says),
        TEST(a_changed_pcr_costs_a_session),
        TEST(a_pcr_extended_between_policy_and_use),
        TEST(the_same_step_by_two),
        TEST(a_session_taken_away_is_replaced),
        TEST(a_full_tpm_is_swept),
        TEST(saved_sessions_are_swept_last),
        TEST(full_for_ever_is_busy),
        TEST(lockout_says_how_long),
        TEST(other_answers_have_their_names),
        TEST(failure_mode_is_no_verdict),
        TEST(a_lost_answer_leaves_old_or_new),
        TEST(a_frozen_simulator_is_a_timeout),
        TEST(gone_and_back),
        TEST(answers_cut_at_each_length),
        TEST(answers_that_make_no_sense),
        TEST(an_increment_that_does_not_count),
    };

    return cmocka_run_group_tests_name("tpm faults", tests, NULL, NULL);
}
