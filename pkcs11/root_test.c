/* SPDX-License-Identifier: Apache-2.0 */
/* root_test.c: the life of an HSM root on SoftHSM, from an empty token on. */
#include "pkcs11/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void life(void **state)
{
    struct hw_enrolment again;
    struct hw_root *root;
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    assert_string_equal(rig.enrolment.about.kind, "pkcs11");
    assert_true(rig.enrolment.about.simulator);
    assert_true(rig.enrolment.about.es384);
    assert_true(rig.enrolment.about.ps256);
    assert_int_equal(rig.enrolment.epoch, 0);

    again = rig.enrolment;
    rig.options.so_pin_file = NULL;
    rig_enrol(&rig); /* finds everything */
    assert_memory_equal(&again, &rig.enrolment, sizeof again);

    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    rig_round(&rig, root, 1);
    rig_round(&rig, root, 1);
    rig_step(&rig, root, 2);
    rig_round(&rig, root, 2);
    rig_step(&rig, root, 7); /* away for a while */
    rig_round(&rig, root, 7);
    hw_root_close(&root);

    root = rig_attach(&rig);
    rig_step(&rig, root, 7);
    rig_round(&rig, root, 7);
    hw_root_close(&root);

    rig_enrol(&rig);
    assert_memory_equal(&again, &rig.enrolment, sizeof again);
    rig_stop(&rig);
}

static void refusals_in_order_of_life(void **state)
{
    struct hw_root *root = NULL;
    struct digest digest = {0};
    uint8_t sig[64];
    struct why why = {0};
    struct rig rig;
    (void)state;

    rig_start(&rig);
    rig.options.allow_simulator = false;
    expect_err(hsm_root_open(rig.uri, &rig.options, &root, &why), ERR_SIMULATOR_REFUSED);
    rig.options.allow_simulator = true;

    rig.options.so_pin_file = NULL;
    root = rig_open(&rig);
    expect_err(root->ops->enrol(root, rig.owner, &rig.enrolment, &why), ERR_ANCHOR_MISSING);
    hw_root_close(&root);
    rig.options.so_pin_file = rig.hsm.so_pin;
    rig_enrol(&rig);

    root = rig_open(&rig);
    expect_err(root->ops->begin(root, &why), ERR_NOT_ENROLLED);
    expect_err(root->ops->step(root, rig_mandate(&rig, 1), &why), ERR_NOT_ENROLLED);
    expect_err(root->ops->attach(root, rig.owner, &rig.enrolment, &why), ERR_OK);
    expect_err(root->ops->begin(root, &why), ERR_NOTHING_INSTALLED);
    expect_err(root->ops->prepare(root, rig_mandate(&rig, 1), &why), ERR_OK);
    expect_err(root->ops->begin(root, &why), ERR_NOTHING_INSTALLED);
    expect_err(root->ops->step(root, rig_mandate(&rig, 1), &why), ERR_OK);
    expect_err(root->ops->sign(root, &digest, sig, &why), ERR_NOTHING_INSTALLED);
    rig_round(&rig, root, 1);
    expect_err(root->ops->step(root, rig_mandate(&rig, 0), &why), ERR_ROLLBACK);
    expect_err(root->ops->prepare(root, rig_mandate(&rig, 0), &why), ERR_ROLLBACK);
    hw_root_close(&root);
    rig_stop(&rig);
}

/* An argument names the one test to run. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life),
        cmocka_unit_test(refusals_in_order_of_life),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
