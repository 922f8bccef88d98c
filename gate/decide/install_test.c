/* SPDX-License-Identifier: Apache-2.0 */
/*
 * install_test.c: installs on hardware that is told to fail, to lie, or to be elsewhere than the
 * disk: nothing is stored before everything is verified, nothing is stepped before it is stored,
 * and what is in force stays so until the next is.
 */
#include "gate/decide/install.h"

#include "gate/decide/installs.h"
#include "gate/decide/stand_testing.h"
#include "gate/ledger/ledger_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct stand stand;
static const struct hw_root_ops *true_ops;
static struct hw_root_ops lying; /* the fake's, some of them replaced by a test */

static int setup(void **state)
{
    (void)state;
    stand_make(&stand);
    (void)world_policy(&stand.world, 0, NULL);
    true_ops = stand.gate->hw->ops;
    lying = *true_ops;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    stand_free(&stand);
    return 0;
}

/* ---- what is expected ------------------------------------------------------------------------ */

static void installs(const struct buf *bundle, uint64_t from, uint64_t epoch, bool known)
{
    struct install_result result = {0};
    struct why why = {0};
    err_code err = stand_install(&stand, bundle, &result, &why);

    if (err != ERR_OK)
        fail_msg("epoch %llu: %s: %s", (unsigned long long)epoch, err_name(err), why.text);
    assert_int_equal(result.from_epoch, from);
    assert_int_equal(result.epoch, epoch);
    assert_int_equal(result.known, known);
    assert_int_equal(stand.gate->epoch, epoch);
    assert_int_equal(hw_fake_epoch(stand.nv), epoch);
    assert_int_equal(stand.gate->installed.judged.snapshot.epoch, epoch);
    assert_int_equal(gate_current(stand.gate, &why), ERR_OK);
}

/* Refused; what is in force and the hardware's epoch are these afterwards. */
static void refuses(const char *name, const struct buf *bundle, err_code want, uint64_t disk,
                    uint64_t hardware)
{
    struct install_result result = {.epoch = 99};
    struct why why = {0};
    err_code err = stand_install(&stand, bundle, &result, &why);

    if (err != want)
        fail_msg("%s: gave %s (%s), wanted %s", name, err_name(err), why.text, err_name(want));
    assert_int_equal(why.code, want);
    assert_int_equal(result.epoch, 99);
    assert_int_equal(stand.gate->has_installed, disk > 0);
    assert_int_equal(stand.gate->installed.judged.snapshot.epoch, disk);
    if (hw_fake_epoch(stand.nv) != hardware)
        fail_msg("%s: the hardware went to %llu", name,
                 (unsigned long long)hw_fake_epoch(stand.nv));
}

static void expect_stored(uint64_t want, const struct buf *bundle)
{
    CLEANUP(buf_free) struct buf got = {0};
    uint64_t found = 99;
    char path[128];
    struct why why = {0};

    assert_int_equal(installs_newest(stand.dir, &got, &found, &why), ERR_OK);
    assert_int_equal(found, want);
    if (want == 0)
        return;
    (void)snprintf(path, sizeof path, "%s/installed/%llu.bundle", stand.dir,
                   (unsigned long long)want);
    assert_int_equal(access(path, F_OK), 0);
    if (bundle != NULL)
        assert_true(slice_eq(buf_slice(&got), buf_slice(bundle)));
}

static void expect_current(err_code want, const char *text)
{
    struct why why = {0};
    err_code got = gate_current(stand.gate, &why);

    if (got != want)
        fail_msg("gave %s (%s), wanted %s", err_name(got), why.text, err_name(want));
    if (text != NULL && strstr(why.text, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why.text, text);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void one_after_the_other(void **state)
{
    CLEANUP(buf_free) struct buf one = stand_bundle(&stand), two = {0}, three = {0};
    char path[128];

    (void)state;
    expect_current(ERR_NOTHING_INSTALLED, stand.dir);
    installs(&one, 0, 1, false);
    expect_stored(1, &one);
    installs(&one, 1, 1, true);
    (void)world_policy(&stand.world, 1, NULL);
    two = stand_bundle(&stand);
    installs(&two, 1, 2, false);
    expect_stored(2, &two);
    (void)snprintf(path, sizeof path, "%s/installed/1.bundle", stand.dir);
    assert_int_not_equal(access(path, F_OK), 0); /* nobody needs it any more */
    installs(&two, 2, 2, true);
    refuses("an old one", &one, ERR_ROLLBACK, 2, 2);
    world_publish(&stand.world);
    three = stand_bundle(&stand); /* of epoch 4 */
    installs(&three, 2, 4, false);
}

static void a_bundle_to_enrol_with(void **state)
{
    CLEANUP(buf_free) struct buf none = {0};

    (void)state;
    world_drop(&stand.world, 0);
    none = world_bundle(&stand.world);
    refuses("no snapshot", &none, ERR_FORMAT, 0, 0);
    expect_stored(0, NULL);
}

/* A TPM without the grants of an epoch could not serve it; a token needs none. */
static void grants_for_a_tpm(void **state)
{
    CLEANUP(buf_free) struct buf bare = {0};

    (void)state;
    world_publish(&stand.world);
    stand.world.n_grants = 0;
    bare = world_bundle(&stand.world);
    refuses("no grants", &bare, ERR_GRANT_INVALID, 0, 0);
    expect_stored(0, NULL);
    (void)snprintf(stand.gate->enrolment.hw.about.kind, sizeof "pkcs11", "pkcs11");
    installs(&bare, 0, 1, false);
}

/* The disk of an earlier day under hardware that went on. */
static void an_old_disk(void **state)
{
    CLEANUP(buf_free) struct buf one = stand_bundle(&stand), two = stand_bundle(&stand);

    (void)state;
    installs(&one, 0, 1, false);
    hw_fake_set_epoch(stand.nv, 2);
    stand.gate->epoch = 2; /* as gate_open() reads it */
    expect_current(ERR_ROLLBACK, "this disk holds epoch 1");
    refuses("known, but passed", &one, ERR_ROLLBACK, 1, 2);
    expect_stored(1, &one);
    installs(&two, 1, 2, false);
    expect_stored(2, &two);
}

static void no_disk(void **state)
{
    CLEANUP(buf_free) struct buf one = stand_bundle(&stand), two = stand_bundle(&stand);

    (void)state;
    installs(&two, 0, 2, false);
    stand_forget(&stand);
    expect_current(ERR_ROLLBACK, "the disk holds no snapshot, the hardware is at epoch 2");
    refuses("an old one", &one, ERR_ROLLBACK, 0, 2);
    expect_stored(2, &two);
    installs(&two, 0, 2, false);
}

/* The epoch that counts is the hardware's of now, not of when the gate was opened. */
static void stepped_by_another(void **state)
{
    CLEANUP(buf_free) struct buf one = stand_bundle(&stand), two = stand_bundle(&stand);

    (void)state;
    installs(&one, 0, 1, false);
    hw_fake_set_epoch(stand.nv, 3);
    refuses("passed meanwhile", &two, ERR_ROLLBACK, 1, 3);
    expect_stored(1, &one);
    expect_current(ERR_ROLLBACK, NULL);
}

/* Stored, but the step was never made: installing it again makes it. */
static void never_stepped(void **state)
{
    CLEANUP(buf_free) struct buf one = stand_bundle(&stand);

    (void)state;
    installs(&one, 0, 1, false);
    hw_fake_set_epoch(stand.nv, 0);
    stand.gate->epoch = 0;
    expect_current(ERR_ROLLBACK, NULL);
    installs(&one, 1, 1, false);
}

static void hardware_fails(void **state)
{
    static const struct {
        const char *name;
        enum hw_fake_op op;
        bool late;
        uint64_t stored, stepped;
    } CASES[] = {
        {"verify", HW_FAKE_VERIFY, false, 1, 1},
        {"verify, late", HW_FAKE_VERIFY, true, 1, 1},
        {"epoch", HW_FAKE_EPOCH, false, 1, 1},
        {"epoch, late", HW_FAKE_EPOCH, true, 1, 1},
        {"prepare", HW_FAKE_PREPARE, false, 1, 1},
        {"prepare, late", HW_FAKE_PREPARE, true, 1, 1},
        {"receipt key", HW_FAKE_RECEIPT_KEY, false, 1, 1},
        {"receipt key, late", HW_FAKE_RECEIPT_KEY, true, 1, 1},
        {"step", HW_FAKE_STEP, false, 2, 1},
        {"step, late", HW_FAKE_STEP, true, 2, 2},
    };

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(buf_free) struct buf two = {0};
        struct why why = {0};

        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        stand_go_on(&stand);
        two = stand_bundle(&stand);
        hw_fake_fail(stand.nv, CASES[i].op, ERR_HSM_REMOVED, CASES[i].late);
        refuses(CASES[i].name, &two, ERR_HSM_REMOVED, 1, CASES[i].stepped);
        expect_stored(CASES[i].stored, NULL);
        hw_fake_fail(stand.nv, CASES[i].op, ERR_OK, false);
        /* What is in force serves on where the hardware did not go; else the round is refused. */
        assert_int_equal(stand.gate->hw->ops->prepare(stand.gate->hw,
                                                      stand.gate->installed.judged.mandate, &why),
                         CASES[i].stepped == 1 ? ERR_OK : ERR_ROLLBACK);
        installs(&two, 1, 2, false);
    }
}

static unsigned refuse_attach; /* so many times */
static err_code attaches_later(struct hw_root *root, const struct hw_owner *owner,
                               const struct hw_enrolment *enrolment, struct why *why)
{
    if (refuse_attach > 0) {
        refuse_attach--;
        return why_say(why, ERR_ANCHOR_MISSING, "no anchor yet");
    }
    return true_ops->attach(root, owner, enrolment, why);
}

/* New root metadata for which the hardware has no anchors: what is in force serves on. */
static void no_anchors(void **state)
{
    CLEANUP(buf_free) struct buf two = {0};
    struct why why = {0};

    (void)state;
    stand_go_on(&stand);
    world_rotate(&stand.world, NULL, BY(ROOT_A) | BY(ROOT_B));
    two = stand_bundle(&stand);
    refuse_attach = 1;
    lying.attach = attaches_later;
    stand.gate->hw->ops = &lying;
    refuses("no anchors", &two, ERR_ANCHOR_MISSING, 1, 1);
    expect_stored(1, NULL);
    assert_int_equal(stand.gate->hw->ops->begin(stand.gate->hw, &why), ERR_OK);
    installs(&two, 1, 2, false);
    assert_int_equal(stand.gate->hw->ops->begin(stand.gate->hw, &why), ERR_OK);
}

static err_code does_nothing(struct hw_root *root, const struct hw_mandate *mandate,
                             struct why *why)
{
    (void)root;
    (void)mandate;
    (void)why;
    return ERR_OK;
}

static void a_step_that_is_none(void **state)
{
    CLEANUP(buf_free) struct buf one = stand_bundle(&stand);

    (void)state;
    lying.step = does_nothing;
    stand.gate->hw->ops = &lying;
    refuses("not stepped", &one, ERR_INTERNAL, 0, 0);
    expect_current(ERR_NOTHING_INSTALLED, NULL);
}

static unsigned n_prepared;
static err_code prepares_once(struct hw_root *root, const struct hw_mandate *mandate,
                              struct why *why)
{
    (void)root;
    (void)mandate;
    return n_prepared++ == 0 ? ERR_OK : why_say(why, ERR_TPM_TIMEOUT, "not again");
}

/* Stepped, yet not ready for a round: not in force. */
static void not_ready_after_the_step(void **state)
{
    CLEANUP(buf_free) struct buf one = stand_bundle(&stand);

    (void)state;
    n_prepared = 0;
    lying.prepare = prepares_once;
    stand.gate->hw->ops = &lying;
    refuses("not prepared", &one, ERR_TPM_TIMEOUT, 0, 1);
    expect_stored(1, &one);
    expect_current(ERR_ROLLBACK, NULL);
}

static unsigned n_read;
static err_code reads_once(struct hw_root *root, uint64_t *ret, struct why *why)
{
    (void)root;
    *ret = 0;
    return n_read++ == 0 ? ERR_OK : why_say(why, ERR_TPM_TIMEOUT, "not again");
}

static void no_epoch_after_the_step(void **state)
{
    CLEANUP(buf_free) struct buf one = stand_bundle(&stand);

    (void)state;
    n_read = 0;
    lying.epoch = reads_once;
    stand.gate->hw->ops = &lying;
    refuses("not read again", &one, ERR_TPM_TIMEOUT, 0, 1);
}

static err_code signs(struct hw_root *root, const struct digest *digest, uint8_t ret[static 64],
                      struct why *why)
{
    (void)root;
    (void)digest;
    (void)why;
    memset(ret, 1, 64);
    return ERR_OK;
}

/* Hardware that signs for an epoch it has left is not what its makers say. */
static void signs_for_the_past(void **state)
{
    (void)state;
    stand_go_on(&stand);
    hw_fake_set_epoch(stand.nv, 2);
    stand.gate->epoch = 2;
    lying.prepare = does_nothing;
    stand.gate->hw->ops = &lying;
    expect_current(ERR_ROLLBACK, "no round is open"); /* prepared, but not signed */
    lying.sign = signs;
    expect_current(ERR_INTERNAL, "yet signs under the mandate of 1");
}

/* What cannot be served is named until something can. */
static void blocked(void **state)
{
    CLEANUP(buf_free) struct buf one = stand_bundle(&stand);

    (void)state;
    stand.gate->blocked = ERR_ROOT_SEQUENCE;
    (void)why_say(&stand.gate->blocked_why, ERR_ROOT_SEQUENCE, "the fourth of two");
    expect_current(ERR_ROOT_SEQUENCE, "the fourth of two");
    hw_fake_fail(stand.nv, HW_FAKE_STEP, ERR_TPM_TIMEOUT, false);
    refuses("no step", &one, ERR_TPM_TIMEOUT, 0, 0);
    expect_current(ERR_ROOT_SEQUENCE, "the fourth of two");
    hw_fake_fail(stand.nv, HW_FAKE_STEP, ERR_OK, false);
    installs(&one, 0, 1, false);
}

/* No room for the bundle: the epoch stays. */
static void not_stored(void **state)
{
    CLEANUP(buf_free) struct buf one = stand_bundle(&stand);
    char path[128];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/installed", stand.dir);
    testing_write(path, slice_str("no directory"));
    refuses("a file in the way", &one, ERR_STORAGE, 0, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(one_after_the_other),
        T(a_bundle_to_enrol_with),
        T(grants_for_a_tpm),
        T(an_old_disk),
        T(no_disk),
        T(stepped_by_another),
        T(never_stepped),
        T(hardware_fails),
        T(no_anchors),
        T(a_step_that_is_none),
        T(not_ready_after_the_step),
        T(no_epoch_after_the_step),
        T(signs_for_the_past),
        T(blocked),
        T(not_stored),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
