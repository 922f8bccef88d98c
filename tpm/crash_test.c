/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_test.c: enrolment and steps cut at every command: the gate dies, or the TPM loses power,
 * before or after it. Afterwards one more try finishes the work, without anybody's help, the
 * counter is where it must be, and no session of the epoch before signs.
 */
#include "tpm/command.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct digest DIGEST = {{4, 5, 6}};

#define SHORT_BASE 5 /* the padding is one step, repeated: a few are as good as 64 */

/* Whatever state the simulator is in, it runs again afterwards. */
static void revive(struct fx *fx)
{
    fault_clear(&fx->faults);
    fx_close(fx);
    if (fx->tpm.pid == 0)
        swtpm_run(&fx->tpm);
}

static uint64_t counter_of(struct fx *fx)
{
    uint64_t counter = 0;

    assert_int_equal(tpm_nv_read_counter(&fx_inside(fx)->chip, fx->plan.index, &counter), 0);
    return counter;
}

static void enrolment_is_finished_by_the_next(void **state)
{
    struct fx *fx = *state;
    unsigned nth = 0;

    /* After one command is before the next. Losing power differs from losing the gate by the TPM's
     * working memory alone, so every third place will do; each takes two starts of the simulator.
     */
    for (enum fx_cut cut = FX_GATE_BEFORE; cut < FX_CUTS; cut += 2) {
        for (nth = 1; nth < 1000; nth += cut == FX_GATE_BEFORE ? 1 : 3) {
            err_code err;

            fx_free(fx);
            fx = fx_new(false);
            *state = fx;
            fx->base = SHORT_BASE;
            fx_rekey(fx);
            fx_cut_at(fx, cut, nth);
            err = fx_open_faulty(fx, false);
            if (err == ERR_OK)
                err = fx->root->ops->enrol(fx->root, &fx->owner, &fx->enrolment, &fx->why);
            if (err == ERR_OK && fault_count(&fx->faults, 0) < nth)
                break;
            revive(fx);
            fx_enrol(fx);
            if (fx->enrolment.base != SHORT_BASE || fx->enrolment.epoch != 0 ||
                counter_of(fx) != SHORT_BASE)
                fail_msg("%s command %u: base %u, epoch %u", FX_CUT_TEXT[cut], nth,
                         (unsigned)fx->enrolment.base, (unsigned)fx->enrolment.epoch);
            fx_no_heads(fx);
            fx_step(fx, 1);
            fx_round(fx);
        }
        assert_in_range(nth, 30, 110);
    }
}

/* Has the other user hold a session that may sign under the epoch. */
static void bank(struct fx *fx, struct tpm_chip *other, uint64_t epoch)
{
    static struct tpm_approval approval;

    fx_approval(fx, HW_GRANT_SIGN, epoch, &approval);
    assert_int_equal(fx_satisfy(fx, other, &approval, TPM2_CC_Sign), TPM2_RC_SUCCESS);
}

/* One step of two epochs, cut once, then done again by a new process. */
static bool step_cut(struct fx *fx, enum fx_cut cut, unsigned nth, uint64_t *epoch)
{
    CLEANUP(fx_other_close) struct tpm_chip *other = NULL;
    const struct hw_mandate *mandate;
    TPMT_SIGNATURE sig;
    uint64_t before, now;
    err_code err;

    fault_clear(&fx->faults);
    OK(fx_open_faulty(fx, false));
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    OK(fx->root->ops->epoch(fx->root, &before, &fx->why));
    other = fx_other(fx);
    bank(fx, other, before);
    mandate = fx_mandate(fx, before + 2);
    fx_cut_at(fx, cut, nth);
    err = fx->root->ops->step(fx->root, mandate, &fx->why);
    if (err == ERR_OK && fault_count(&fx->faults, 0) < nth)
        return false;
    revive(fx);
    fx_attach(fx);
    OK(fx->root->ops->epoch(fx->root, &now, &fx->why));
    /* Acknowledged is acknowledged; and never beyond what was asked for. */
    if (now < before || now > before + 2 || (err == ERR_OK && now != before + 2))
        fail_msg("%s command %u: epoch %u became %u", FX_CUT_TEXT[cut], nth, (unsigned)before,
                 (unsigned)now);
    fx_step(fx, before + 2);
    fx_round(fx);
    if (tpm_sign(other, TPM_DEFAULT_RECEIPT, &DIGEST, &sig) == TPM2_RC_SUCCESS)
        fail_msg("%s command %u: a session of epoch %u signed in epoch %u", FX_CUT_TEXT[cut], nth,
                 (unsigned)before, (unsigned)before + 2);
    *epoch = before + 2;
    return true;
}

static void steps_are_finished_by_the_next(void **state)
{
    struct fx *fx = *state;
    uint64_t epoch = 0;

    fx_enrol(fx);
    fx_step(fx, 1);
    for (enum fx_cut cut = 0; cut < FX_CUTS; cut++) {
        unsigned nth = 1;

        while (step_cut(fx, cut, nth, &epoch))
            nth++;
        /* Two increments with their policy, two reads each, the settling. */
        assert_in_range(nth, 16, 40);
    }
}

static int start(void **state)
{
    *state = fx_new(false);
    return 0;
}

static int end(void **state)
{
    fx_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(enrolment_is_finished_by_the_next, start, end),
        cmocka_unit_test_setup_teardown(steps_are_finished_by_the_next, start, end),
    };

    return cmocka_run_group_tests_name("tpm crash", tests, NULL, NULL);
}
