/* SPDX-License-Identifier: Apache-2.0 */
/* root_test.c: the TPM root doing what it is for. What others try against it is in attack_test.c.
 */
#include "gate/base/file.h"
#include "tpm/command.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int new_fx(void **state)
{
    *state = fx_new(false);
    return 0;
}

static int end_fx(void **state)
{
    fx_free(*state);
    return 0;
}

static void a_life(void **state)
{
    struct fx *fx = *state;
    struct hw_enrolment again;
    uint64_t epoch;

    fx_enrol(fx);
    assert_int_equal(fx->enrolment.epoch, 0);
    assert_int_equal(fx->enrolment.base, TPM_DEFAULT_BASE);
    assert_true(fx->enrolment.about.simulator);
    fx_step(fx, 1);
    fx_round(fx);
    fx_round(fx);
    fx_step(fx, 2);
    fx_round(fx);
    /* Away for ten epochs: the newest grant alone. */
    fx_step(fx, 12);
    fx_round(fx);
    OK(fx->root->ops->epoch(fx->root, &epoch, &fx->why));
    assert_int_equal(epoch, 12);
    /* Once more is nothing. */
    OK(fx->root->ops->step(fx->root, fx_mandate(fx, 12), &fx->why));
    EXPECT(fx->root->ops->step(fx->root, fx_mandate(fx, 11), &fx->why), ERR_ROLLBACK);
    fx_attach(fx);
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 12), &fx->why));
    fx_round(fx);
    OK(fx->root->ops->enrol(fx->root, &fx->owner, &again, &fx->why));
    assert_int_equal(again.epoch, 12);
    again.epoch = fx->enrolment.epoch;
    assert_memory_equal(&again, &fx->enrolment, sizeof again);
}

static void resets_and_power_cuts_change_nothing(void **state)
{
    struct fx *fx = *state;

    fx_enrol(fx);
    fx_step(fx, 1);
    swtpm_stop(&fx->tpm);
    swtpm_run(&fx->tpm);
    /* The same root goes on: the session is gone, and it makes another. */
    fx_round(fx);
    for (int i = 0; i < 4; i++) {
        swtpm_kill(&fx->tpm);
        swtpm_run(&fx->tpm);
        fx_round(fx);
    }
    fx_attach(fx);
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 1), &fx->why));
    fx_round(fx);
}

static void prepared_before_the_step(void **state)
{
    struct fx *fx = *state;

    fx_enrol(fx);
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 1), &fx->why));
    EXPECT(fx->root->ops->begin(fx->root, &fx->why), ERR_NOTHING_INSTALLED);
    OK(fx->root->ops->step(fx->root, fx_mandate(fx, 1), &fx->why));
    fx_round(fx);
    OK(fx->root->ops->step(fx->root, fx_mandate(fx, 2), &fx->why));
    EXPECT(fx->root->ops->begin(fx->root, &fx->why), ERR_ROLLBACK);
}

static void a_counter_above_the_base_keeps_its_own(void **state)
{
    struct fx *fx = *state;
    static struct hw_mandate mandate;
    struct tpm_chip *chip;
    TSS2L_SYS_AUTH_COMMAND pw = {.count = 1, .auths = {{.sessionHandle = TPM2_RS_PW}}};

    /* A gate that was once at 64 + 5 is undefined; whoever comes next begins above. */
    fx_enrol(fx);
    fx_step(fx, 5);
    chip = &fx_inside(fx)->chip;
    assert_int_equal(
        Tss2_Sys_NV_UndefineSpace(chip->sys, TPM2_RH_OWNER, TPM_DEFAULT_INDEX, &pw, NULL), 0);
    OK(fx->root->ops->enrol(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    assert_int_equal(fx->enrolment.base, 71);
    assert_int_equal(fx->enrolment.epoch, 0);
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    EXPECT(fx->root->ops->step(fx->root, fx_mandate(fx, 7), &fx->why), ERR_GRANT_INVALID);
    fx->grants[5] = fx_grant_at(fx, HW_GRANT_BUMP, 71, 1, 0);
    fx->grants[6] = fx_grant_at(fx, HW_GRANT_SIGN, 71, 1, 0);
    fx->grants[7] = fx_grant_at(fx, HW_GRANT_CERTIFY, 71, 1, 0);
    mandate = (struct hw_mandate){
        .epoch = 1, .snapshot = fx->snapshot, .grants = fx->grants, .n_grants = 8};
    OK(fx->root->ops->step(fx->root, &mandate, &fx->why));
    OK(fx->root->ops->prepare(fx->root, &mandate, &fx->why));
    fx_round(fx);
    /* Enrolled again, it still knows its own base. */
    OK(fx->root->ops->enrol(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    assert_int_equal(fx->enrolment.base, 71);
    assert_int_equal(fx->enrolment.epoch, 1);
}

static void before_attach_nothing_works(void **state)
{
    struct fx *fx = *state;
    struct hw_statement statement = {.key = fx->owner.ratchet[0], .sig_len = 64};
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    struct digest digest = {0};
    struct hw_pubkey key;
    uint8_t sig[64];
    uint64_t epoch;
    const struct hw_root_ops *ops;

    fx_open(fx);
    ops = fx->root->ops;
    EXPECT(ops->verify(fx->root, &statement, &fx->why), ERR_NOT_ENROLLED);
    EXPECT(ops->epoch(fx->root, &epoch, &fx->why), ERR_NOT_ENROLLED);
    EXPECT(ops->step(fx->root, fx_mandate(fx, 1), &fx->why), ERR_NOT_ENROLLED);
    EXPECT(ops->prepare(fx->root, fx_mandate(fx, 1), &fx->why), ERR_NOT_ENROLLED);
    EXPECT(ops->begin(fx->root, &fx->why), ERR_NOT_ENROLLED);
    EXPECT(ops->sign(fx->root, &digest, sig, &fx->why), ERR_NOT_ENROLLED);
    EXPECT(ops->seal(fx->root, &digest, &seal, &fx->why), ERR_NOT_ENROLLED);
    EXPECT(ops->receipt_key(fx->root, &key, &fx->why), ERR_NOT_ENROLLED);
    fx_enrol(fx);
    EXPECT(ops->begin(fx->root, &fx->why), ERR_NOTHING_INSTALLED);
    EXPECT(ops->sign(fx->root, &digest, sig, &fx->why), ERR_NOTHING_INSTALLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_life, new_fx, end_fx),
        cmocka_unit_test_setup_teardown(resets_and_power_cuts_change_nothing, new_fx, end_fx),
        cmocka_unit_test_setup_teardown(prepared_before_the_step, new_fx, end_fx),
        cmocka_unit_test_setup_teardown(a_counter_above_the_base_keeps_its_own, new_fx, end_fx),
        cmocka_unit_test_setup_teardown(before_attach_nothing_works, new_fx, end_fx),
    };

    return cmocka_run_group_tests_name("tpm root", tests, NULL, NULL);
}
