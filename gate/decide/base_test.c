/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base_test.c: what lies on the disk when the gate starts, and who may have put it there; and the
 * way back from a disk that was emptied or restored.
 */
#include "gate/decide/base.h"

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

static int setup(void **state)
{
    (void)state;
    stand_make(&stand);
    (void)snprintf(stand.gate->enrolment.hw.about.kind, sizeof "pkcs11", "pkcs11");
    (void)world_policy(&stand.world, 0, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    stand_free(&stand);
    return 0;
}

static const char *path_of(uint64_t epoch, const char *tail)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "%s/installed/%llu.bundle%s", stand.dir,
                   (unsigned long long)epoch, tail);
    return path;
}

static void lay(uint64_t epoch, const struct buf *bundle)
{
    struct why why = {0};

    assert_int_equal(installs_put(stand.dir, epoch, buf_slice(bundle), &why), ERR_OK);
}

/* A new process finds this on its disk. epoch: in force and in hardware afterwards; text: said. */
static void start(const char *name, err_code want, const char *text, uint64_t epoch)
{
    struct why why = {0};
    err_code got;

    stand_forget(&stand);
    got = base_take_newest(stand.gate, &why);
    stand.gate->blocked = got; /* as gate_open() does */
    stand.gate->blocked_why = why;
    if (got != want || strstr(why.text, text) == NULL)
        fail_msg("%s: gave %s (%s), wanted %s (%s)", name, err_name(got), why.text, err_name(want),
                 text);
    if (hw_fake_epoch(stand.nv) != epoch)
        fail_msg("%s: the hardware is at %llu, wanted %llu", name,
                 (unsigned long long)hw_fake_epoch(stand.nv), (unsigned long long)epoch);
    if (want == ERR_OK)
        assert_int_equal(gate_current(stand.gate, &why), ERR_OK);
}

static void install(const char *name, const struct buf *bundle, err_code want, const char *text)
{
    struct install_result result;
    struct why why = {0};
    err_code got = stand_install(&stand, bundle, &result, &why);

    if (got != want || strstr(why.text, text) == NULL)
        fail_msg("%s: gave %s (%s), wanted %s (%s)", name, err_name(got), why.text, err_name(want),
                 text);
    if (want == ERR_OK)
        assert_int_equal(gate_current(stand.gate, &why), ERR_OK);
}

/* ---- at the start ---------------------------------------------------------------------------- */

/* Epoch 1 is in force and stored; the others are published only. */
struct shelf {
    struct buf one, two, four;
};
static void shelf_free(struct shelf *shelf)
{
    buf_free(&shelf->one);
    buf_free(&shelf->two);
    buf_free(&shelf->four);
}
static struct shelf fill(void)
{
    struct shelf out = {.one = stand_bundle(&stand), .two = stand_bundle(&stand)};

    world_publish(&stand.world);
    out.four = stand_bundle(&stand);
    install("the first", &out.one, ERR_OK, "");
    return out;
}

static void finished_on_its_base(void **state)
{
    CLEANUP(shelf_free) struct shelf shelf = fill();

    (void)state;
    start("nothing new", ERR_OK, "", 1);
    lay(2, &shelf.two);
    start("stored and not stepped", ERR_OK, "", 2);
    lay(4, &shelf.four);
    start("one left out", ERR_OK, "", 4);
}

static void from_the_enrolment(void **state)
{
    CLEANUP(buf_free) struct buf one = stand_bundle(&stand);

    (void)state;
    lay(1, &one);
    start("the first of all", ERR_OK, "", 1);
}

static void the_base_is_gone(void **state)
{
    CLEANUP(shelf_free) struct shelf shelf = fill();
    struct hw_enrolment *hw = &stand.gate->enrolment.hw;

    (void)state;
    lay(4, &shelf.four);
    assert_int_equal(unlink(path_of(1, "")), 0);
    start("a token", ERR_SUCCESSION,
          "the hardware is at epoch 1, the disk holds 4 and not 1: install the bundle of epoch 1 "
          "first",
          1);
    assert_false(stand.gate->has_installed);
    hw->epoch = 1; /* enrolled there: no step was made that it could be bound to */
    start("a token enrolled at 1", ERR_OK, "", 4);
    hw->epoch = 0;
    assert_int_equal(teardown(state), 0);
    assert_int_equal(setup(state), 0);
    shelf_free(&shelf);
    shelf = fill();
    lay(4, &shelf.four);
    assert_int_equal(unlink(path_of(1, "")), 0);
    hw = &stand.gate->enrolment.hw;
    (void)snprintf(hw->about.kind, sizeof "tpm", "tpm");
    start("a TPM", ERR_OK, "", 4);
}

/* Another snapshot of the epoch, signed by somebody who holds a key. */
static struct buf twin_of_one(void)
{
    stand.world.epoch = 0;
    stand.world.last_snapshot = (struct digest){0};
    (void)world_policy(&stand.world, 1, NULL);
    return stand_bundle(&stand);
}

static void another_base(void **state)
{
    CLEANUP(shelf_free) struct shelf shelf = fill();
    CLEANUP(buf_free) struct buf twin = twin_of_one(), after = stand_bundle(&stand);

    (void)state;
    lay(1, &twin);
    start("in its place", ERR_EQUIVOCATION, "epoch 1 is of snapshot", 1);
    assert_false(stand.gate->has_installed);
    lay(2, &after);
    start("with a successor", ERR_EQUIVOCATION, "epoch 1 is of snapshot", 1);
    install("its successor", &after, ERR_SUCCESSION, "");
    install("itself", &twin, ERR_EQUIVOCATION, "");
    install("the true one", &shelf.one, ERR_OK, "");
    assert_int_not_equal(access(path_of(2, ""), F_OK), 0);
    assert_int_equal(access(path_of(2, ".refused"), F_OK), 0);
    start("healed", ERR_OK, "", 1);
    install("its true successor", &shelf.two, ERR_OK, "");
}

/* The one that was revoked signs the next, and forgets it. */
static void revoked_on_the_base(void **state)
{
    struct world *w = &stand.world;
    CLEANUP(buf_free) struct buf one = {0}, two = {0};

    (void)state;
    w->snapshot_by = BY(SNAP_B);
    world_revoke(w, stand.cast.kids[SNAP_A], REVOKED_KEY);
    one = stand_bundle(&stand);
    install("revokes", &one, ERR_OK, "");
    w->revoked.n = 0;
    w->snapshot_by = BY(SNAP_A);
    two = stand_bundle(&stand);
    lay(2, &two);
    start("by the revoked key", ERR_REVOKED, "", 1);
    assert_true(base_here(stand.gate)); /* what it is the successor of */
    w->revoked.n = 0;
    w->snapshot_by = BY(SNAP_A);
    install("by the revoked key", &two, ERR_REVOKED, "");
    install("what is in force", &one, ERR_OK, "");
    start("set aside", ERR_OK, "", 1);
}

static void under_another_number(void **state)
{
    CLEANUP(shelf_free) struct shelf shelf = fill();

    (void)state;
    lay(9, &shelf.two);
    start("newer by name", ERR_STATE_CORRUPT, "a bundle of epoch 2 is stored as that of 9", 1);
    assert_int_equal(unlink(path_of(9, "")), 0);
    lay(1, &shelf.two);
    start("older by name", ERR_STATE_CORRUPT, "a bundle of epoch 2 is stored as that of 1", 1);
    lay(2, &shelf.two);
    start("as the base", ERR_STATE_CORRUPT, "a bundle of epoch 2 is stored as that of 1", 1);
}

static void expired_in_between(void **state)
{
    CLEANUP(shelf_free) struct shelf shelf = fill();

    (void)state;
    stand.gate->now = 9001;
    start("in force, and expired", ERR_OK, "", 1);
    lay(2, &shelf.two);
    start("never in force, and expired", ERR_SNAPSHOT_STALE, "", 1);
}

/* ---- the way back ---------------------------------------------------------------------------- */

static void an_emptied_disk(void **state)
{
    CLEANUP(shelf_free) struct shelf shelf = fill();

    (void)state;
    install("the second", &shelf.two, ERR_OK, "");
    stand_forget(&stand);
    install("beyond", &shelf.four, ERR_SUCCESSION,
            "the hardware is at epoch 2, the disk holds no bundle of it: install the bundle of "
            "epoch 2 first");
    assert_int_not_equal(access(path_of(4, ""), F_OK), 0);
    install("before", &shelf.one, ERR_ROLLBACK, "");
    stand.gate->now = 9001; /* it has expired, and still is what newer ones build on */
    install("of the epoch", &shelf.two, ERR_OK, "");
    stand.gate->now = STAND_NOW;
    install("beyond", &shelf.four, ERR_OK, "");
}

static void a_restored_disk(void **state)
{
    CLEANUP(shelf_free) struct shelf shelf = fill();

    (void)state;
    install("the second", &shelf.two, ERR_OK, "");
    lay(1, &shelf.one);
    assert_int_equal(unlink(path_of(2, "")), 0);
    stand_forget(&stand);
    {
        struct why why = {0};
        assert_int_equal(base_take_newest(stand.gate, &why), ERR_OK);
        assert_int_equal(gate_current(stand.gate, &why), ERR_ROLLBACK);
    }
    install("beyond", &shelf.four, ERR_SUCCESSION,
            "the hardware is at epoch 2, the disk holds 1 and not 2: install the bundle of epoch 2 "
            "first");
    install("of the epoch", &shelf.two, ERR_OK, "");
    install("beyond", &shelf.four, ERR_OK, "");
}

static void junk_beyond(void **state)
{
    CLEANUP(shelf_free) struct shelf shelf = fill();
    CLEANUP(buf_free) struct buf junk = {0};

    (void)state;
    assert_int_equal(buf_add_str(&junk, "x"), ERR_OK);
    lay(9007199254740991, &junk);
    start("junk", ERR_CBOR_MALFORMED, "", 1);
    install("over it", &shelf.two, ERR_OK, "");
    start("after it", ERR_OK, "", 2);
    assert_int_equal(access(path_of(9007199254740991, ".refused"), F_OK), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(finished_on_its_base), T(from_the_enrolment),   T(the_base_is_gone),   T(another_base),
        T(revoked_on_the_base),  T(under_another_number), T(expired_in_between), T(an_emptied_disk),
        T(a_restored_disk),      T(junk_beyond),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
