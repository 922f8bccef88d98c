/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_test.c: what every hardware root must do, done on swtpm. */
#include "hw/conformance.h"
#include "tpm/attest.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct ctx {
    struct fx *fx;
    struct hw_grant grants[HW_BENCH_EPOCHS][3];
};

static err_code open_root(void *ctx, struct hw_root **ret, struct why *why)
{
    struct fx *fx = ((struct ctx *)ctx)->fx;

    return tpm_root_open(fx->tpm.uri, &fx->options, ret, why);
}

static err_code mandate(void *ctx, const struct hw_enrolment *enrolment, uint64_t epoch,
                        struct hw_mandate *ret)
{
    struct ctx *c = ctx;
    struct fx *fx = c->fx;
    struct tpm_plan plan = fx->plan;

    TRY(tpm_plan_rebase(&plan, enrolment->base));
    for (unsigned i = 0; i < 3; i++) {
        const struct tpm_terms terms = {HW_GRANT_BUMP + i, enrolment->base, epoch, fx->snapshot};

        TRY(tpm_grant_make(&plan, &terms, fx->ratchet[i % 2], &c->grants[epoch][i], NULL));
    }
    ret->epoch = epoch;
    ret->snapshot = fx->snapshot;
    ret->grants = c->grants[epoch];
    ret->n_grants = 3;
    return ERR_OK;
}

static err_code check_seal(void *ctx, const struct hw_enrolment *enrolment,
                           const struct hw_seal *seal, const struct digest *binding, uint64_t epoch,
                           struct why *why)
{
    struct tpm_sealed sealed;
    (void)ctx;

    TRY(tpm_seal_verify(enrolment, seal, binding, &sealed, why));
    return sealed.epoch == epoch ? ERR_OK
                                 : why_say(why, ERR_PERMIT_INVALID, "the seal is of another epoch");
}

static void power(void *ctx, bool clean)
{
    struct swtpm *tpm = &((struct ctx *)ctx)->fx->tpm;

    if (clean)
        swtpm_stop(tpm);
    else
        swtpm_kill(tpm);
    swtpm_run(tpm);
}

static void the_tpm_conforms(void **state)
{
    static struct ctx ctx;
    struct fx *fx = fx_new(false);
    CLEANUP(hw_signer_close) struct hw_signer *es384 = NULL, *ps256 = NULL;
    struct hw_bench bench = {.ctx = &ctx,
                             .open = open_root,
                             .mandate = mandate,
                             .check_seal = check_seal,
                             .owner = &fx->owner,
                             .authority = fx->ratchet[0],
                             .stride = 3,
                             .pins_root = true,
                             .pins_snapshot = true,
                             .two_at_once = true,
                             .power = power,
                             .lost_max = 254,
                             .power_cuts = 24};
    unsigned failed;
    (void)state;

    ctx.fx = fx;
    OK(hw_signer_generate(HW_ES384, &es384, &fx->why));
    OK(hw_signer_generate(HW_PS256, &ps256, &fx->why));
    bench.es384 = es384;
    bench.ps256 = ps256;
    fx->owner.anchors[0] = fx->ratchet[0]->key;
    fx->owner.anchors[1] = fx->ratchet[1]->key;
    fx->owner.anchors[2] = es384->key;
    fx->owner.anchors[3] = ps256->key;
    fx->owner.n_anchors = 4;
    failed = hw_conformance(&bench);
    fx_free(fx);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_tpm_conforms)};

    return cmocka_run_group_tests_name("tpm conformance", tests, NULL, NULL);
}
