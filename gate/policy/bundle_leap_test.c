/* SPDX-License-Identifier: Apache-2.0 */
/* What a single stolen key of the role snapshot, or whoever delivers a bundle, could do to a fleet
 * for ever, and does not. */
#include "gate/policy/succession.h"
#include "gate/policy/world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cast cast;
static struct world world;

static int setup(void **state)
{
    (void)state;
    cast_make(&cast);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cast_free(&cast);
    return 0;
}

/* One key of the role snapshot must not use up the epochs. */
static void epochs_leap(void **state)
{
    static const struct {
        const char *name;
        uint64_t hardware, epoch;
        bool installed;
        err_code want;
    } CASES[] = {
        {"as far as it goes", 0, 1 + SNAPSHOT_JUMP_MAX, true, ERR_OK},
        {"one more", 0, 2 + SNAPSHOT_JUMP_MAX, true, ERR_SUCCESSION},
        {"the last epoch", 0, TERM_NUMBER_MAX, true, ERR_SUCCESSION},
        {"the hardware is ahead", 9, 9 + SNAPSHOT_JUMP_MAX, true, ERR_OK},
        {"the hardware is ahead, one more", 9, 10 + SNAPSHOT_JUMP_MAX, true, ERR_SUCCESSION},
        {"nothing is installed", 0, SNAPSHOT_JUMP_MAX, false, ERR_OK},
        {"nothing is installed, one more", 0, 1 + SNAPSHOT_JUMP_MAX, false, ERR_SUCCESSION},
        {"nothing but the hardware", 9, 9 + SNAPSHOT_JUMP_MAX, false, ERR_OK},
    };
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(buf_free) struct buf one = {0}, two = {0};
        CLEANUP(judged_free) struct judged first = {0}, second = {0};
        struct trust trust = {0};
        struct why why = {0};
        err_code err;

        world_make(&world, &cast);
        (void)world_policy(&world, 0, NULL);
        world_publish(&world);
        assert_int_equal(world_judge(&world, &trust, &WORLD_ASK, &one, &first, &why), ERR_OK);
        if (CASES[i].installed)
            trust = world_trust(&first);
        trust.epoch = CASES[i].hardware;
        world.epoch = CASES[i].epoch - 1;
        world_publish(&world);
        err = world_judge(&world, &trust, &WORLD_ASK, &two, &second, &why);
        if (err != CASES[i].want)
            fail_msg("%s: %s (%s), want %s", CASES[i].name, err_name(err), why.text,
                     err_name(CASES[i].want));
        judged_free(&second);
        trust.installed_before = true; /* it was judged when it was installed */
        assert_int_equal(world_judge(&world, &trust, &WORLD_ASK, &two, &second, &why), ERR_OK);
        world_free(&world);
    }
}

static void drop_snap_b(struct root_meta *next)
{
    assert_int_equal(root_take(next, ROLE_SNAPSHOT, &cast.kids[SNAP_B], NULL), ERR_OK);
}

/* Whoever may sign snapshots revokes every root key. The root keys do not notice, and rotate the
 * liar away. */
static void root_keys_cannot_be_revoked(void **state)
{
    CLEANUP(buf_free) struct buf one = {0}, two = {0};
    CLEANUP(judged_free) struct judged first = {0}, second = {0};
    struct trust trust = {0};
    struct why why = {0};
    (void)state;

    world_make(&world, &cast);
    (void)world_policy(&world, 0, NULL);
    for (enum person who = ROOT_A; who <= ROOT_C; who++)
        world_revoke(&world, cast.kids[who], REVOKED_KEY);
    world_publish(&world);
    assert_int_equal(world_judge(&world, &trust, &WORLD_ASK, &one, &first, &why), ERR_OK);
    world_rotate(&world, drop_snap_b, BY(ROOT_A) | BY(ROOT_B));
    world_publish(&world);
    trust = world_trust(&first);
    assert_int_equal(world_judge(&world, &trust, &WORLD_ASK, &two, &second, &why), ERR_OK);
    judged_free(&second);
    world.snapshot_by = BY(SNAP_B);
    world.epoch--;
    world_publish(&world);
    assert_int_equal(world_judge(&world, &trust, &WORLD_ASK, &two, &second, &why),
                     ERR_SIGNER_UNKNOWN);
    world_free(&world);
}

/* What whoever delivers a bundle can do to the signatures of a version in the middle. */
static void root_with_turned_signature(struct buf *root)
{
    cast_turn(root);
}

static void root_with_stranger(struct buf *root)
{
    CLEANUP(buf_free) struct buf more = {0};

    assert_int_equal(cose_sign_add(buf_slice(root), cast.signers[STRANGER], &more, NULL), ERR_OK);
    buf_free(root);
    *root = buf_take(&more);
}

static void root_with_broken_signature(struct buf *root)
{
    root->ptr[root->len - 1] ^= 1;
}

static const struct {
    const char *name;
    void (*change)(struct buf *root);
    err_code want;
} DELIVERIES[] = {
    {"n - s", root_with_turned_signature, ERR_OK},
    {"a stranger's signature more", root_with_stranger, ERR_OK},
    {"a signature that is not valid", root_with_broken_signature, ERR_SIGNATURE_INVALID},
};

/* The altered bundle first, then the genuine one, both to a gate that knows of version 1 alone and
 * to one that knows of all three. */
static void altered_on_the_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * (sizeof DELIVERIES / sizeof *DELIVERIES); i++) {
        size_t which = i / 2;
        CLEANUP(buf_free) struct buf before = {0}, altered = {0}, next = {0}, kept = {0};
        CLEANUP(judged_free) struct judged knows = {0}, first = {0}, second = {0};
        struct trust trust = {0};
        struct why why = {0};
        err_code err;

        world_make(&world, &cast);
        (void)world_policy(&world, 0, NULL);
        if (i % 2 == 1) {
            world_rotate(&world, NULL, BY(ROOT_A) | BY(ROOT_B));
            world_rotate(&world, NULL, BY(ROOT_A) | BY(ROOT_C));
        }
        world_publish(&world);
        assert_int_equal(world_judge(&world, &trust, &WORLD_ASK, &before, &knows, &why), ERR_OK);
        trust = world_trust(&knows);
        if (i % 2 == 0) {
            world_rotate(&world, NULL, BY(ROOT_A) | BY(ROOT_B));
            world_rotate(&world, NULL, BY(ROOT_A) | BY(ROOT_C));
        }
        world_publish(&world);
        assert_int_equal(buf_add_slice(&kept, buf_slice(&world.roots[1])), ERR_OK);
        DELIVERIES[which].change(&world.roots[1]);
        err = world_judge(&world, &trust, &WORLD_ASK, &altered, &first, &why);
        if (err != DELIVERIES[which].want)
            fail_msg("%s: %s (%s), want %s", DELIVERIES[which].name, err_name(err), why.text,
                     err_name(DELIVERIES[which].want));
        if (err == ERR_OK)
            trust = world_trust(&first);
        buf_free(&world.roots[1]);
        world.roots[1] = buf_take(&kept);
        world_publish(&world);
        err = world_judge(&world, &trust, &WORLD_ASK, &next, &second, &why);
        if (err != ERR_OK)
            fail_msg("after %s: %s (%s)", DELIVERIES[which].name, err_name(err), why.text);
        world_free(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epochs_leap),
        cmocka_unit_test(altered_on_the_way),
        cmocka_unit_test(root_keys_cannot_be_revoked),
    };
    return cmocka_run_group_tests_name("bundle_leap", tests, setup, teardown);
}
