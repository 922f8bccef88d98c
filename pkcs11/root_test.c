/* SPDX-License-Identifier: Apache-2.0 */
/* root_test.c: the life of an HSM root on SoftHSM, from an empty token on. */
#include "pkcs11/internal.h"
#include "pkcs11/rig.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* ---- the module in a process of its own ------------------------------------------------------ */

#define CLIENT HSM_MODULE_DIR "/p11-kit-client.so"

static pid_t serve(const struct rig *rig, char *socket)
{
    char token[] = "pkcs11:token=gate", module[256];
    char *const argv[] = {(char[]){"p11-kit"},
                          (char[]){"server"},
                          (char[]){"--foreground"},
                          (char[]){"--provider"},
                          module,
                          (char[]){"--name"},
                          socket,
                          token,
                          NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    pid_t pid = 0;

    (void)snprintf(module, sizeof module, "%s", rig->hsm.module);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0), 0);
    /* A group of its own: the server forks for each connection. */
    assert_int_equal(posix_spawnattr_init(&attr), 0);
    assert_int_equal(posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP), 0);
    assert_int_equal(posix_spawnp(&pid, "p11-kit", &actions, &attr, argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attr);
    for (int i = 0; i < 30000 && access(socket, F_OK) != 0; i++)
        (void)usleep(10000);
    return pid;
}

static void stop(pid_t pid)
{
    int status;

    (void)kill(-pid, SIGTERM);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void through_a_p11_kit_server(void **state)
{
    char socket[96], address[128];
    struct hw_root *root;
    struct why why = {0};
    struct rig rig;
    pid_t pid;
    (void)state;

    if (access(CLIENT, R_OK) != 0 || access("/usr/bin/p11-kit", X_OK) != 0) {
        print_message(
            "skipped: no p11-kit server here (Debian packages p11-kit, p11-kit-modules)\n");
        skip();
    }
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR); /* as root.h asks */
    rig_start(&rig);
    (void)snprintf(socket, sizeof socket, "%s/p11", rig.hsm.dir);
    (void)snprintf(address, sizeof address, "unix:path=%s", socket);
    assert_int_equal(setenv("P11_KIT_SERVER_ADDRESS", address, 1), 0);
    softhsm_uri(&rig.hsm, "gate", CLIENT, rig.uri, sizeof rig.uri);
    pid = serve(&rig, socket);

    rig_enrol(&rig);
    assert_true(rig.enrolment.about.simulator);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    rig_round(&rig, root, 1);
    rig_step(&rig, root, 2);
    rig_round(&rig, root, 2);

    /* The server dies, and comes back: refused in between, served afterwards. */
    stop(pid);
    (void)unlink(socket);
    assert_int_not_equal(root->ops->begin(root, &why), ERR_OK);
    pid = serve(&rig, socket);
    rig_round(&rig, root, 2);
    rig_step(&rig, root, 3);
    rig_round(&rig, root, 3);
    hw_root_close(&root);
    stop(pid);
    assert_int_equal(unsetenv("P11_KIT_SERVER_ADDRESS"), 0);
    rig_stop(&rig);
}

/* Told before the bundle is stored, since the step is not going to happen. */
static void a_full_chain_is_told_beforehand(void **state)
{
    struct hw_root *root;
    struct hsm_root *hsm;
    struct why why = {0};
    struct rig rig;
    uint8_t *space;
    (void)state;

    rig_start(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    hsm = (struct hsm_root *)root;
    expect_err(buf_add_space(&hsm->chain, (size_t)(HSM_CHAIN_MAX - 3) * HSM_CERT_LEN, &space),
               ERR_OK);
    expect_err(root->ops->prepare(root, rig_mandate(&rig, 2), &why), ERR_OK);
    expect_err(buf_add_space(&hsm->chain, HSM_CERT_LEN, &space), ERR_OK);
    expect_err(root->ops->prepare(root, rig_mandate(&rig, 2), &why), ERR_TOO_LARGE);
    expect_err(root->ops->prepare(root, rig_mandate(&rig, 1), &why), ERR_OK);
    hw_root_close(&root);
    rig_stop(&rig);
}

/* An argument names the one test to run. */
/* The first call of fn from a place on. */
static size_t next_call(const struct p11_fault *fault, size_t from, enum p11_fault_fn fn)
{
    while (from < fault->n_order && fault->order[from] != (uint8_t)fn)
        from++;
    if (from == fault->n_order)
        fail_msg("no call of function %d", (int)fn);
    return from;
}

/* A handle that was found before keys were destroyed, or an operation begun with one, does not
 * outlive the step: the token is looked at again in another session. p11-kit closes all sessions of
 * ours one by one. */
static void a_step_ends_in_a_new_session(void **state)
{
    struct p11_fault *fault;
    struct hw_root *root;
    struct rig rig;
    size_t destroyed = 0, closed, opened;
    (void)state;

    rig_start(&rig);
    fault = rig_fault(&rig);
    rig_enrol(&rig);
    root = rig_attach(&rig);
    rig_step(&rig, root, 1);
    fault->n_order = 0;
    rig_step(&rig, root, 2);
    assert_in_range(fault->n_order, 1, P11_FAULT_ORDER_MAX - 1);
    for (size_t i = 0; i < fault->n_order; i++)
        if (fault->order[i] == P11_FAULT_C_DestroyObject)
            destroyed = i;
    assert_int_not_equal(destroyed, 0);
    closed = next_call(fault, destroyed, P11_FAULT_C_CloseSession);
    opened = next_call(fault, closed, P11_FAULT_C_OpenSession);
    assert_true(opened < next_call(fault, destroyed, P11_FAULT_C_FindObjectsInit));
    rig_round(&rig, root, 2);
    hw_root_close(&root);
    rig_stop(&rig);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life),
        cmocka_unit_test(refusals_in_order_of_life),
        cmocka_unit_test(a_full_chain_is_told_beforehand),
        cmocka_unit_test(through_a_p11_kit_server),
        cmocka_unit_test(a_step_ends_in_a_new_session),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
