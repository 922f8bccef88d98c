/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack_base_test.c: the base, from which epochs are counted, edited or exchanged; grants
 * relabelled to fit.
 */
#include "tpm/command.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INDEX TPM_DEFAULT_INDEX

static const struct digest DIGEST = {{7, 8, 9}};

/* A gate at epoch 2. */
static int start(void **state)
{
    struct fx *fx = fx_new(false);

    fx_enrol(fx);
    fx_step(fx, 2);
    fx_round(fx);
    *state = fx;
    return 0;
}

static int end(void **state)
{
    fx_free(*state);
    return 0;
}

static err_code attach(struct fx *fx)
{
    fx_open(fx);
    return fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why);
}

/* Grants of a base, by hand. */
static struct hw_mandate *mandate_of(struct fx *fx, uint64_t base, uint64_t epoch)
{
    static struct hw_mandate mandate;

    fx->grants[2] = fx_grant_at(fx, HW_GRANT_BUMP, base, epoch, 0);
    fx->grants[3] = fx_grant_at(fx, HW_GRANT_SIGN, base, epoch, 1);
    fx->grants[4] = fx_grant_at(fx, HW_GRANT_CERTIFY, base, epoch, 0);
    mandate = (struct hw_mandate){
        .epoch = epoch, .snapshot = fx->snapshot, .grants = fx->grants, .n_grants = 5};
    return &mandate;
}

/* Base and epoch enter a policy as their sum. Base 65 in the enrolment would make the counter of
 * epoch 2 one of epoch 1, and the grants of {64, 2} serve as {65, 1}: old rules at a new counter.
 * But the base is in the counter's Name. */
static void an_edited_base(void **state)
{
    static const uint64_t bases[] = {65, 63, 66, 67, 0, UINT64_MAX};
    struct fx *fx = *state;
    const struct hw_enrolment good = fx->enrolment;
    struct hw_mandate *mandate;

    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        struct tpm_plan plan = fx->plan;

        fx->enrolment = good;
        fx->enrolment.base = bases[i];
        EXPECT(attach(fx), ERR_COUNTER_FOREIGN);
        assert_non_null(strstr(fx->why.text, "base"));
        /* With the Name that goes with it: the TPM's index has another. */
        OK(tpm_plan_rebase(&plan, bases[i]));
        memcpy(fx->enrolment.index_name, plan.index_name, HW_TPM_NAME_LEN);
        EXPECT(attach(fx), ERR_COUNTER_FOREIGN);
        assert_non_null(strstr(fx->why.text, "base"));
    }
    fx->enrolment = good;
    OK(attach(fx));
    /* The genuine grants of epoch 2 relabelled. */
    mandate = mandate_of(fx, TPM_DEFAULT_BASE, 2);
    for (size_t i = 2; i < 5; i++) {
        fx->grants[i].base = TPM_DEFAULT_BASE + 1;
        fx->grants[i].epoch = 1;
        EXPECT(tpm_grant_check(&fx->plan, &fx->grants[i], &fx->snapshot, &fx->why),
               ERR_GRANT_INVALID);
    }
    mandate->epoch = 1;
    EXPECT(fx->root->ops->prepare(fx->root, mandate, &fx->why), ERR_GRANT_INVALID);
    /* Also where our own bookkeeping believes in the base. */
    fx_inside(fx)->base = TPM_DEFAULT_BASE + 1;
    EXPECT(fx->root->ops->prepare(fx->root, mandate, &fx->why), ERR_GRANT_INVALID);
    fx_inside(fx)->base = TPM_DEFAULT_BASE;
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 2), &fx->why));
    fx_round(fx);
}

/* Grants for a gate with a base of its own, of the same authority at the same index: base 1000 and
 * epoch 1 would be epoch 937 here. Our software refuses them, and so does the TPM. */
static void grants_of_another_base(void **state)
{
    static const struct {
        enum hw_grant_kind kind;
        TPM2_CC command;
    } cases[] = {{HW_GRANT_BUMP, TPM2_CC_NV_Increment},
                 {HW_GRANT_SIGN, TPM2_CC_Sign},
                 {HW_GRANT_CERTIFY, TPM2_CC_NV_Certify}};
    struct fx *fx = *state;
    CLEANUP(fx_other_close) struct tpm_chip *mallory = fx_other(fx);
    static struct tpm_approval approval;
    struct tpm_plan plan = fx->plan;
    struct hw_mandate *mandate;
    TPMT_SIGNATURE sig;
    uint64_t epoch;

    mandate = mandate_of(fx, 1000, 1);
    EXPECT(fx->root->ops->prepare(fx->root, mandate, &fx->why), ERR_GRANT_INVALID);
    for (size_t i = 2; i < 5; i++) {
        fx->grants[i].base = TPM_DEFAULT_BASE;
        fx->grants[i].epoch = 1001 - TPM_DEFAULT_BASE;
    }
    mandate->epoch = 1001 - TPM_DEFAULT_BASE;
    EXPECT(fx->root->ops->prepare(fx->root, mandate, &fx->why), ERR_GRANT_INVALID);
    EXPECT(fx->root->ops->step(fx->root, mandate, &fx->why), ERR_GRANT_INVALID);

    /* By hand: the signature is good, the ticket is the TPM's, PolicyNV holds. */
    OK(tpm_plan_rebase(&plan, 1000));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        TSS2_RC rc;

        fx_inside(fx)->plan = plan;
        approval = (struct tpm_approval){0};
        {
            const struct hw_grant grant = fx_grant_at(fx, cases[i].kind, 1000, 1, 0);
            const struct tpm_terms terms = {cases[i].kind, 1000, 1, fx->snapshot};

            OK(tpm_approve(fx_inside(fx), &terms, &grant, 1, &approval, &fx->why));
        }
        rc = fx_satisfy(fx, mallory, &approval, cases[i].command);
        if (rc != 0x1C4) /* PolicyAuthorize: not the approved policy */
            fail_msg("%zu: 0x%03x, not 0x1c4", i, rc);
        tpm_chip_drop_session(mallory);
    }
    assert_int_not_equal(tpm_nv_increment(mallory, INDEX), 0);
    assert_int_not_equal(tpm_sign(mallory, TPM_DEFAULT_RECEIPT, &DIGEST, &sig), 0);
    OK(attach(fx));
    OK(fx->root->ops->epoch(fx->root, &epoch, &fx->why));
    assert_int_equal(epoch, 2);
}

/* The branch of the base is in the counter's policy, and nothing reaches it: PolicyOR without a
 * PolicyAuthorize before finds the session at no branch. */
static void the_branch_of_the_base_is_dead(void **state)
{
    struct fx *fx = *state;
    CLEANUP(fx_other_close) struct tpm_chip *mallory = fx_other(fx);
    const struct digest *branches = fx->plan.branch[TPM_PURPOSE_BUMP];

    assert_int_equal(fx->plan.n_branches[TPM_PURPOSE_BUMP], 3);
    assert_int_equal(tpm_chip_session(mallory), 0);
    assert_int_equal(tpm_policy_or(mallory, mallory->session, branches, 3), 0x1C4);
    assert_int_equal(tpm_policy_command(mallory, mallory->session, TPM2_CC_NV_Increment), 0);
    assert_int_equal(tpm_policy_or(mallory, mallory->session, branches, 3), 0x1C4);
    assert_int_equal(tpm_nv_increment(mallory, INDEX), 0x99D);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_edited_base),
        TEST(grants_of_another_base),
        TEST(the_branch_of_the_base_is_dead),
    };

    return cmocka_run_group_tests_name("tpm attack on the base", tests, NULL, NULL);
}
