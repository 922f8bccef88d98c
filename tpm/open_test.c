/* SPDX-License-Identifier: Apache-2.0 */
/* open_test.c: which TPMs are opened and which are not, and a chip that lacks a command. */
#include "tpm/command.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

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

static err_code sign(struct fx *fx)
{
    uint8_t sig[64];

    return fx->root->ops->sign(fx->root, &DIGEST, sig, &fx->why);
}

static void simulators_are_refused(void **state)
{
    struct fx *fx = *state;

    fx->options.allow_simulator = false;
    EXPECT(tpm_root_open(fx->tpm.uri, &fx->options, &fx->root, &fx->why), ERR_SIMULATOR_REFUSED);
    EXPECT(tpm_root_open("tpm:mssim:host=127.0.0.1,port=1", &fx->options, &fx->root, &fx->why),
           ERR_SIMULATOR_REFUSED);
    EXPECT(tpm_root_open("tpm:cmd:cat", &fx->options, &fx->root, &fx->why), ERR_SIMULATOR_REFUSED);
    assert_int_equal(fault_count(&fx->faults, 0), 0);
    /* Behind a name that is none, as the TPM of a virtual machine stands behind /dev/tpmrm0. */
    EXPECT(fx_open_faulty(fx, true), ERR_SIMULATOR_REFUSED);
    assert_int_not_equal(fault_count(&fx->faults, TPM2_CC_GetCapability), 0);
    assert_null(fx->root);
    fx->options.allow_simulator = true;
    OK(fx_open_faulty(fx, true));
}

static void a_chip_without_nv_certify(void **state)
{
    /* GetCapability of commands from NV_Certify on: the next there is. */
    static const uint8_t none[] = {0x80, 0x01, 0, 0, 0, 23, 0, 0, 0, 0,    1,   0,
                                   0,    0,    2, 0, 0, 0,  1, 0, 0, 0x01, 0x85};
    struct fx *fx = *state;
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    struct hw_description about;
    struct hw_mandate *mandate;

    /* The second GetCapability of opening asks for it. */
    fault_add(&fx->faults, &(struct fault){.kind = FAULT_BYTES,
                                           .code = TPM2_CC_GetCapability,
                                           .nth = 2,
                                           .times = 1,
                                           .bytes = none,
                                           .len = sizeof none});
    OK(fx_open_faulty(fx, false));
    OK(fx->root->ops->describe(fx->root, &about, &fx->why));
    assert_false(about.seals);
    assert_true(about.verifies);
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    mandate = fx_mandate(fx, 1);
    mandate->n_grants = 4; /* no certify grant is asked for */
    OK(fx->root->ops->prepare(fx->root, mandate, &fx->why));
    OK(fx->root->ops->begin(fx->root, &fx->why));
    OK(sign(fx));
    OK(fx->root->ops->seal(fx->root, &DIGEST, &seal, &fx->why));
    assert_int_equal(seal.kind, HW_SEAL_NONE);
    assert_int_equal(fault_count(&fx->faults, TPM2_CC_NV_Certify), 0);
}

static void where_no_tpm_is(void **state)
{
    static const struct {
        const char *uri;
        err_code want;
    } cases[] = {
        {"tpm:device:/dev/null", ERR_TPM_NOT_FOUND},
        {"tpm:device:/dev/zero", ERR_TPM_FAILED},
        {"tpm:device:/nowhere/tpmrm0", ERR_TPM_NOT_FOUND},
        {"tpm:device:/etc/passwd", ERR_TPM_NOT_FOUND},
        {"tpm:device:/tmp", ERR_TPM_NOT_FOUND},
        {"tpm:swtpm:path=/nowhere/sock", ERR_TPM_NOT_FOUND},
        {"tpm:swtpm:host=127.0.0.1,port=1", ERR_TPM_NOT_FOUND},
        {"tpm:swtpm:path=relative", ERR_HARDWARE_URI},
        {"tpm:swtpm:host=localhost,port=2321", ERR_HARDWARE_URI},
        {"tpm:swtpm:nothing", ERR_HARDWARE_URI},
        {"tpm:mssim:host=127.0.0.1,port=1", ERR_TPM_NOT_FOUND},
    };
    struct fx *fx = *state;
    struct hw_root *root = NULL;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        err_code err = tpm_root_open(cases[i].uri, &fx->options, &root, &fx->why);

        if (err != cases[i].want)
            fail_msg("%s: %s, wanted %s (%s)", cases[i].uri, err_name(err), err_name(cases[i].want),
                     fx->why.text);
        assert_null(root);
    }
}

/* A device that is there but not for us. Root is allowed everything, so a child gives that up. */
static void a_device_without_permission(void **state)
{
    struct fx *fx = *state;
    char path[96], uri[128];
    int status = 0;
    pid_t child;

    (void)snprintf(path, sizeof path, "%s/device", fx->tpm.dir);
    (void)snprintf(uri, sizeof uri, "tpm:device:%s", path);
    if (mknod(path, S_IFCHR | 0600, makedev(1, 3)) != 0 || chmod(fx->tpm.dir, 0755) != 0) {
        print_message("skipped: only root can make a device\n");
        skip();
    }
    child = fork();
    if (child == 0) {
        struct hw_root *root = NULL;

        if (setgid(65534) != 0 || setuid(65534) != 0)
            _exit(100);
        _exit(tpm_root_open(uri, &fx->options, &root, &fx->why) == ERR_TPM_PERMISSION ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(simulators_are_refused),
        TEST(a_chip_without_nv_certify),
        TEST(where_no_tpm_is),
        TEST(a_device_without_permission),
    };

    return cmocka_run_group_tests_name("tpm open", tests, NULL, NULL);
}
