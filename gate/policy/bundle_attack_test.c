/* SPDX-License-Identifier: Apache-2.0 */
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

/* Before each case: root 1; deploy and audit at version 1, installed as epoch 1. Then attack()
 * makes what is offered. */
struct attack {
    const char *name;
    void (*make)(void);
    err_code want;
};

static void honest(void)
{
    (void)world_policy(&world, 0, NULL);
    world_publish(&world);
}

static void newer_version_not_listed(void)
{
    struct digest first = world.last[0];

    honest();
    world.last[0] = first;
    world.version[0] = 1;
    world_publish(&world);
}

static void snapshot_by_policy_keys(void)
{
    world.snapshot_by = BY(POLICY_A) | BY(POLICY_B);
    honest();
}

static void snapshot_by_stranger(void)
{
    world.snapshot_by = BY(STRANGER);
    honest();
}

static void policy_by_one(void)
{
    world.policy_by = BY(POLICY_A);
    honest();
}

static void policy_by_snapshot_key(void)
{
    world.policy_by = BY(SNAP_A) | BY(SNAP_B);
    honest();
}

static void new_policy_by_revoked_key(void)
{
    world_revoke(&world, cast.kids[POLICY_A], REVOKED_KEY);
    honest();
}

static void old_policy_by_revoked_key(void)
{
    world_revoke(&world, cast.kids[POLICY_A], REVOKED_KEY);
    world_publish(&world);
}

static void snapshot_revokes_its_signer(void)
{
    world_revoke(&world, cast.kids[SNAP_A], REVOKED_KEY);
    honest();
}

static void object_revoked(void)
{
    world_revoke(&world, world.last[0], REVOKED_OBJECT);
    world_publish(&world);
}

static void two_contents(void)
{
    world.version[0] = 0; /* sign version 1 again */
    buf_free(&world.policies[0]);
    world.policies[0] = world.policies[--world.n_policies];
    world.policies[world.n_policies] = (struct buf){0};
    (void)world_policy(&world, 0, "forbid (principal, action, resource);");
    world_publish(&world);
}

static void fork_below(void)
{
    two_contents();
    honest();
}

static void stray_version(void)
{
    struct digest last = world.last[0];

    honest();
    /* a second version 2, properly signed, that no snapshot lists */
    world.version[0] = 1;
    world.last[0] = last;
    (void)world_policy(&world, 0, "forbid (principal, action, resource);");
}

static void stray_policy(void)
{
    honest();
    (void)world_policy(&world, 2, NULL);
}

static void same_policy_twice(void)
{
    honest();
    world.policies[world.n_policies] = (struct buf){0};
    assert_int_equal(
        buf_add_slice(&world.policies[world.n_policies], buf_slice(&world.policies[0])), ERR_OK);
    world.n_policies++;
}

static void listed_is_missing(void)
{
    honest();
    world_drop(&world, 2);
}

static void predecessor_is_missing(void)
{
    (void)world_policy(&world, 0, NULL);
    honest();
    world_drop(&world, 2);
}

static void predecessor_in_force_is_missing(void)
{
    honest();
    world_drop(&world, 0);
}

static void predecessor_of_a_new_alias_is_missing(void)
{
    (void)world_policy(&world, 2, NULL);
    (void)world_policy(&world, 2, NULL);
    world_publish(&world);
    world_drop(&world, 2);
}

static void version_left_out(void)
{
    world.version[0]++; /* version 3 after version 1 */
    honest();
}

static void predecessor_of_another_alias(void)
{
    world.last[0] = world.last[1];
    honest();
}

static void version_relabelled(void)
{
    world.version[0]++; /* the snapshot calls version 1 version 2 */
    world_publish(&world);
}

static void alias_dropped(void)
{
    world.version[1] = 0;
    world_drop(&world, 1);
    honest();
}

static void alias_swapped(void)
{
    struct digest last = world.last[0];

    world.last[0] = world.last[1];
    world.last[1] = last;
    world_publish(&world);
}

/* Listed as another alias, too, whose own policy is gone. */
static void alias_doubled(void)
{
    world_drop(&world, 1);
    world.last[1] = world.last[0];
    world.version[1]++;
    world_publish(&world);
}

/* In the place of the listed version 1 there is another, which these have signed. */
static void replaced(unsigned by)
{
    struct digest listed = world.last[0];

    world_drop(&world, 0);
    world.version[0] = 0;
    world.policy_by = by;
    (void)world_policy(&world, 0, "forbid (principal, action, resource);");
    world.last[0] = listed;
    world_publish(&world);
}

static void listed_replaced(void)
{
    replaced(BY(POLICY_A) | BY(POLICY_B));
}

static void listed_forged(void)
{
    replaced(BY(POLICY_A));
}

/* An accusation needs signatures that are good. */
static void stray_forged(void)
{
    struct digest last = world.last[0];

    honest();
    world.version[0] = 1;
    world.last[0] = last;
    world.policy_by = BY(POLICY_A);
    (void)world_policy(&world, 0, "forbid (principal, action, resource);");
}

static void gap_between_snapshots(void)
{
    world.last_snapshot.bytes[0] ^= 1;
    honest();
}

static void same_epoch(void)
{
    world.epoch--;
    honest();
}

static void cedar_broken(void)
{
    (void)world_policy(&world, 0, "permit (principal, action);");
    world_publish(&world);
}

static void cedar_unsupported(void)
{
    (void)world_policy(&world, 0, "permit (principal == ?principal, action, resource);");
    world_publish(&world);
}

static void grant_missing(void)
{
    honest();
    world.n_grants--;
}

static void grants_of_the_past(void)
{
    static struct hw_grant old[WORLD_MAX];

    memcpy(old, world.grants, sizeof old);
    honest();
    memcpy(world.grants, old, sizeof old);
}

static void root_two_unsigned(void)
{
    world_rotate(&world, NULL, BY(ROOT_A));
    honest();
}

static void root_two_by_strangers(void)
{
    world_rotate(&world, NULL, BY(STRANGER) | BY(LATECOMER));
    honest();
}

static void root_two(void)
{
    world_rotate(&world, NULL, BY(ROOT_A) | BY(ROOT_C));
    honest();
}

static void skip_version(struct root_meta *next)
{
    next->version++;
}

static void root_missing(void)
{
    world_rotate(&world, skip_version, BY(ROOT_A) | BY(ROOT_B));
    honest();
}

static void root_newer_than_snapshot(void)
{
    honest();
    world_rotate(&world, NULL, BY(ROOT_A) | BY(ROOT_B));
}

static void root_older_than_snapshot(void)
{
    world_rotate(&world, NULL, BY(ROOT_A) | BY(ROOT_B));
    honest();
    buf_free(&world.roots[--world.n_roots]);
}

static void another_root_one(void)
{
    struct root_meta *meta = cast_root_meta(&cast);

    meta->iat++;
    buf_free(&world.roots[0]);
    world.roots[0] = cast_sign_root(&cast, meta, BY(ROOT_A) | BY(ROOT_B));
    root_meta_free(&meta);
    honest();
}

static void another_root_named(void)
{
    world.names_another_root = true;
    honest();
}

static void another_root_two_named(void)
{
    world_rotate(&world, NULL, BY(ROOT_A) | BY(ROOT_B));
    world.names_another_root = true;
    honest();
}

static void drop_policy_a(struct root_meta *next)
{
    assert_int_equal(root_take(next, ROLE_POLICY, &cast.kids[POLICY_A], NULL), ERR_OK);
}

static void policy_key_dropped(void)
{
    world_rotate(&world, drop_policy_a, BY(ROOT_A) | BY(ROOT_B));
    world_publish(&world); /* audit and deploy still stand on POLICY_A */
}

static const struct attack ATTACKS[] = {
    {"none", honest, ERR_OK},
    {"a root rotation", root_two, ERR_OK},
    {"a newer version that is not listed", newer_version_not_listed, ERR_FORMAT},
    {"snapshot by policy keys", snapshot_by_policy_keys, ERR_SIGNER_UNKNOWN},
    {"snapshot by a stranger", snapshot_by_stranger, ERR_SIGNER_UNKNOWN},
    {"policy by one of two", policy_by_one, ERR_THRESHOLD},
    {"policy by snapshot keys", policy_by_snapshot_key, ERR_SIGNER_UNKNOWN},
    {"new policy by a revoked key", new_policy_by_revoked_key, ERR_REVOKED},
    {"policy in force by a revoked key", old_policy_by_revoked_key, ERR_OK},
    {"snapshot revokes its signer", snapshot_revokes_its_signer, ERR_REVOKED},
    {"policy in force revoked", object_revoked, ERR_OK},
    {"two contents for version 1", two_contents, ERR_EQUIVOCATION},
    {"version 2 on another version 1", fork_below, ERR_EQUIVOCATION},
    {"a second version 2", stray_version, ERR_EQUIVOCATION},
    {"a policy that is not listed", stray_policy, ERR_FORMAT},
    {"a policy twice", same_policy_twice, ERR_FORMAT},
    {"a listed policy is missing", listed_is_missing, ERR_SUCCESSION},
    {"a predecessor is missing", predecessor_is_missing, ERR_SUCCESSION},
    {"the version in force is missing", predecessor_in_force_is_missing, ERR_SUCCESSION},
    {"a new alias begins at 2", predecessor_of_a_new_alias_is_missing, ERR_SUCCESSION},
    {"a version is left out", version_left_out, ERR_SUCCESSION},
    {"another alias as predecessor", predecessor_of_another_alias, ERR_SUCCESSION},
    {"version 1 listed as version 2", version_relabelled, ERR_POLICY_ROLLBACK},
    {"an alias is dropped", alias_dropped, ERR_SUCCESSION},
    {"aliases swapped", alias_swapped, ERR_EQUIVOCATION},
    {"one policy as two aliases", alias_doubled, ERR_FORMAT},
    {"another version 1 than is listed", listed_replaced, ERR_EQUIVOCATION},
    {"a forged one instead", listed_forged, ERR_THRESHOLD},
    {"a forged second version 2", stray_forged, ERR_THRESHOLD},
    {"another snapshot before", gap_between_snapshots, ERR_SUCCESSION},
    {"another snapshot of epoch 1", same_epoch, ERR_EQUIVOCATION},
    {"not Cedar", cedar_broken, ERR_CEDAR_SYNTAX},
    {"too much Cedar", cedar_unsupported, ERR_CEDAR_UNSUPPORTED},
    {"a grant is missing", grant_missing, ERR_GRANT_INVALID},
    {"the grants of epoch 1", grants_of_the_past, ERR_GRANT_INVALID},
    {"root 2 below the threshold", root_two_unsigned, ERR_THRESHOLD},
    {"root 2 by strangers", root_two_by_strangers, ERR_SIGNER_UNKNOWN},
    {"root 2 is missing", root_missing, ERR_ROOT_SEQUENCE},
    {"root newer than the snapshot's", root_newer_than_snapshot, ERR_ROOT_SEQUENCE},
    {"root older than the snapshot's", root_older_than_snapshot, ERR_ROOT_SEQUENCE},
    {"another root 1", another_root_one, ERR_ROOT_UNTRUSTED},
    {"the snapshot names another root 1", another_root_named, ERR_ROOT_UNTRUSTED},
    {"the snapshot names another root 2", another_root_two_named, ERR_ROOT_EQUIVOCATION},
    {"a policy key dropped", policy_key_dropped, ERR_THRESHOLD},
};

static void attacks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ATTACKS / sizeof *ATTACKS; i++) {
        CLEANUP(buf_free) struct buf first = {0}, second = {0};
        CLEANUP(judged_free) struct judged installed = {0}, got = {0};
        struct trust trust = {0};
        struct why why = {0};
        err_code err;

        world_make(&world, &cast);
        (void)world_policy(&world, 0, NULL);
        (void)world_policy(&world, 1, NULL);
        world_publish(&world);
        assert_int_equal(world_judge(&world, &trust, &WORLD_ASK, &first, &installed, &why), ERR_OK);
        trust = world_trust(&installed);
        ATTACKS[i].make();
        err = world_judge(&world, &trust, &WORLD_ASK, &second, &got, &why);
        if (err != ATTACKS[i].want)
            fail_msg("%s: %s (%s), want %s", ATTACKS[i].name, err_name(err), why.text,
                     err_name(ATTACKS[i].want));
        if (err != ERR_OK && (got.first != NULL || got.has_snapshot || why.text[0] == '\0'))
            fail_msg("%s: something was given back, or nothing was said", ATTACKS[i].name);
        world_free(&world);
    }
}

/* Each needs a gate that is further than epoch 1. */
static void going_back(void **state)
{
    CLEANUP(buf_free) struct buf one = {0}, two = {0}, three = {0};
    CLEANUP(judged_free) struct judged first = {0}, second = {0}, none = {0};
    struct trust trust = {0};
    struct bundle_ask ask = WORLD_ASK;
    struct digest v1;
    struct why why = {0};
    (void)state;

    world_make(&world, &cast);
    (void)world_policy(&world, 0, NULL);
    v1 = world.last[0];
    world_publish(&world);
    assert_int_equal(world_judge(&world, &trust, &ask, &one, &first, &why), ERR_OK);
    (void)world_policy(&world, 0, NULL);
    world_rotate(&world, NULL, BY(ROOT_A) | BY(ROOT_B));
    world_publish(&world);
    assert_int_equal(world_judge(&world, &trust, &ask, &two, &second, &why), ERR_OK);
    trust = world_trust(&second);

    /* epoch 3 puts version 1 back */
    world.version[0] = 1;
    world.last[0] = v1;
    world_publish(&world);
    assert_int_equal(world_judge(&world, &trust, &ask, &three, &none, &why), ERR_POLICY_ROLLBACK);

    /* what gates are enrolled with, from before the rotation */
    {
        CLEANUP(buf_free) struct buf early = {0};
        struct buf snapshot = buf_take(&world.snapshot);
        size_t n_policies = world.n_policies;
        world.n_roots = 1;
        world.n_policies = 0;
        assert_int_equal(world_judge(&world, &trust, &ask, &early, &none, &why), ERR_ROLLBACK);
        world.n_roots = 2;
        world.n_policies = n_policies;
        world.snapshot = snapshot;
    }

    /* epoch 1 once more, root metadata up to version 1: its chain is shorter than what is known */
    assert_int_equal(bundle_judge(buf_slice(&one), &trust, &ask, &none, &why), ERR_ROLLBACK);
    /* the old snapshot with the new chain */
    {
        CLEANUP(buf_free) struct buf mixed = {0};
        buf_free(&world.snapshot);
        assert_int_equal(buf_add_slice(&world.snapshot, first.bundle.snapshot), ERR_OK);
        assert_int_equal(world_judge(&world, &trust, &ask, &mixed, &none, &why), ERR_ROLLBACK);
    }
    world_free(&world);
}

static void roots_fork(void **state)
{
    CLEANUP(buf_free) struct buf one = {0}, two = {0};
    CLEANUP(judged_free) struct judged first = {0}, none = {0};
    struct trust trust = {0};
    struct why why = {0};
    (void)state;

    world_make(&world, &cast);
    world_rotate(&world, NULL, BY(ROOT_A) | BY(ROOT_B));
    (void)world_policy(&world, 0, NULL);
    world_publish(&world);
    assert_int_equal(world_judge(&world, &trust, &WORLD_ASK, &one, &first, &why), ERR_OK);
    trust = world_trust(&first);

    /* another version 2: an equivocation if it is signed, else just badly signed */
    buf_free(&world.roots[--world.n_roots]);
    world_rotate(&world, drop_policy_a, BY(ROOT_A) | BY(ROOT_B));
    world_publish(&world);
    assert_int_equal(world_judge(&world, &trust, &WORLD_ASK, &two, &none, &why),
                     ERR_ROOT_EQUIVOCATION);
    buf_free(&world.roots[--world.n_roots]);
    world_rotate(&world, drop_policy_a, BY(ROOT_A));
    assert_int_equal(world_judge(&world, &trust, &WORLD_ASK, &two, &none, &why), ERR_THRESHOLD);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attacks),
        cmocka_unit_test(going_back),
        cmocka_unit_test(roots_fork),
    };
    return cmocka_run_group_tests_name("bundle_attack", tests, setup, teardown);
}
