/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_test.c: what every hardware root must do, done on SoftHSM. */
#include "hw/conformance.h"

#include "pkcs11/epoch_cert.h"
#include "pkcs11/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static err_code open_root(void *ctx, struct hw_root **ret, struct why *why)
{
    struct rig *rig = ctx;

    return hsm_root_open(rig->uri, &rig->options, ret, why);
}

static err_code mandate(void *ctx, const struct hw_enrolment *enrolment, uint64_t epoch,
                        struct hw_mandate *ret)
{
    (void)enrolment;
    *ret = *rig_mandate(ctx, epoch);
    return ERR_OK;
}

static err_code check_seal(void *ctx, const struct hw_enrolment *enrolment,
                           const struct hw_seal *seal, const struct digest *binding, uint64_t epoch,
                           struct why *why)
{
    struct hsm_cert sealed;
    (void)ctx;
    (void)binding; /* a chain of certificates is bound to no tree head */

    TRY(hsm_chain_verify(enrolment, buf_slice(&seal->statement), &sealed, why));
    return sealed.epoch == epoch
               ? ERR_OK
               : why_say(why, ERR_PERMIT_INVALID, "the chain ends at another epoch");
}

static void the_token_conforms(void **state)
{
    CLEANUP(hw_signer_close) struct hw_signer *es384 = NULL, *ps256 = NULL;
    struct hw_bench bench = {
        .open = open_root,
        .mandate = mandate,
        .check_seal = check_seal,
        .stride = 1,
        .anchored = true,
        .pins_snapshot = true,
        .two_at_once = true,
    };
    struct rig rig;
    struct why why = {0};
    (void)state;

    rig_start(&rig);
    expect_err(hw_signer_generate(HW_ES384, &es384, &why), ERR_OK);
    expect_err(hw_signer_generate(HW_PS256, &ps256, &why), ERR_OK);
    rig.owner->anchors[2] = es384->key;
    rig.owner->anchors[3] = ps256->key;
    rig.owner->n_anchors = 4;
    bench.ctx = &rig;
    bench.owner = rig.owner;
    bench.authority = rig.authority[0];
    bench.es384 = es384;
    bench.ps256 = ps256;
    assert_int_equal(hw_conformance(&bench), 0);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_token_conforms)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
