/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/stand_testing.h"

#include "gate/decide/gate_ledger.h"
#include "gate/ledger/ledger_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        err_code must_ = (call);                                                                   \
        if (must_ != ERR_OK)                                                                       \
            fail_msg("%s: %s: %s", #call, err_name(must_), why.text);                              \
    } while (0)

static void enrol(struct stand *stand)
{
    const struct trust nothing = {0};
    const struct bundle_ask ask = {.judge = &JUDGE_SOFT, .now = STAND_NOW};
    struct gate *gate = stand->gate;
    struct enrolment *enrolment = &gate->enrolment;
    struct why why = {0};

    gate->trust_bytes = world_bundle(&stand->world);
    MUST(bundle_judge(buf_slice(&gate->trust_bytes), &nothing, &ask, &gate->trust, &why));
    enrolment->domain = slice_str("example.org");
    enrolment->gate = slice_str("gate-1");
    enrolment->root = gate->trust.roots[0];
    enrolment->issuer = slice_str(TESTING_ISSUER);
    MUST(gate_owner(&gate->trust, enrolment->gate, &gate->owner, &why));
    MUST(gate->hw->ops->enrol(gate->hw, gate->owner, &enrolment->hw, &why));
    MUST(gate->hw->ops->attach(gate->hw, gate->owner, &enrolment->hw, &why));
    (void)snprintf(enrolment->hw.about.kind, sizeof enrolment->hw.about.kind, "tpm");
    enrolment->hw.index = WORLD_INDEX;
    enrolment->hw.base = WORLD_BASE;
}

static void make_ledger(struct stand *stand)
{
    struct why why = {0};

    MUST(gate_ledger_make(stand->dir, &why));
}

void stand_make(struct stand *stand)
{
    *stand = (struct stand){0};
    cast_make(&stand->cast);
    world_make(&stand->world, &stand->cast);
    testing_dir(stand->dir, sizeof stand->dir);
    assert_int_equal(hw_fake_nv_new(&stand->nv), ERR_OK);
    hw_fake_one_key(stand->nv); /* it is enrolled as a TPM */
    stand->gate = calloc(1, sizeof *stand->gate);
    assert_non_null(stand->gate);
    stand->gate->state_dir = strdup(stand->dir);
    assert_non_null(stand->gate->state_dir);
    stand->gate->now = STAND_NOW;
    stand->gate->now_ms = STAND_NOW * UINT64_C(1000);
    assert_int_equal(hw_fake_open(stand->nv, &stand->gate->hw), ERR_OK);
    enrol(stand);
    make_ledger(stand);
}

void stand_free(struct stand *stand)
{
    gate_close(&stand->gate);
    hw_fake_nv_free(&stand->nv);
    world_free(&stand->world);
    cast_free(&stand->cast);
    testing_remove(stand->dir);
}

struct buf stand_bundle(struct stand *stand)
{
    world_publish(&stand->world);
    return world_bundle(&stand->world);
}

err_code stand_install(struct stand *stand, const struct buf *bundle, struct install_result *ret,
                       struct why *why)
{
    CLEANUP(buf_free) struct buf copy = {0};

    assert_int_equal(buf_add_slice(&copy, buf_slice(bundle)), ERR_OK);
    return gate_install(stand->gate, &copy, ret, why);
}

void stand_go_on(struct stand *stand)
{
    CLEANUP(buf_free) struct buf bundle = stand_bundle(stand);
    struct install_result result;
    struct why why = {0};

    MUST(gate_install(stand->gate, &bundle, &result, &why));
}

void stand_forget(struct stand *stand)
{
    installed_free(&stand->gate->installed);
    stand->gate->has_installed = false;
}
