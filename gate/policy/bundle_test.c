/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/bundle_judge.h"

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

static const struct bundle_ask ASK = {.judge = &JUDGE_SOFT,
                                      .now = 5000,
                                      .needs_grants = true,
                                      .index = WORLD_INDEX,
                                      .base = WORLD_BASE};

/* ---- the container --------------------------------------------------------------------------- */

static const struct {
    const char *name, *notation;
    err_code want;
} CONTAINERS[] = {
    {"good", "{\"roots\": [h'01'], \"grants\": [], \"policies\": [], \"snapshot\": h'02'}", ERR_OK},
    {"good, to enrol", "{\"roots\": [h'01', h'02'], \"grants\": [], \"policies\": []}", ERR_OK},
    {"no roots", "{\"grants\": [], \"policies\": [], \"snapshot\": h'02'}", ERR_FORMAT},
    {"empty roots", "{\"roots\": [], \"grants\": [], \"policies\": []}", ERR_FORMAT},
    {"no grants", "{\"roots\": [h'01'], \"policies\": []}", ERR_FORMAT},
    {"no policies", "{\"roots\": [h'01'], \"grants\": []}", ERR_FORMAT},
    {"empty snapshot", "{\"roots\": [h'01'], \"grants\": [], \"policies\": [], \"snapshot\": h''}",
     ERR_FORMAT},
    {"surplus member",
     "{\"roots\": [h'01'], \"grants\": [], \"policies\": [], \"snapshot\": h'02', \"extension\": "
     "1}",
     ERR_FORMAT},
    {"roots are text", "{\"roots\": [\"a\"], \"grants\": [], \"policies\": []}", ERR_CBOR_TYPE},
    {"grants are bytes", "{\"roots\": [h'01'], \"grants\": [h'01'], \"policies\": []}",
     ERR_CBOR_TYPE},
    {"out of order", "{\"grants\": [], \"roots\": [h'01'], \"policies\": []}",
     ERR_CBOR_NOT_DETERMINISTIC},
    {"a list", "[]", ERR_CBOR_TYPE},
};

static void containers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CONTAINERS / sizeof *CONTAINERS; i++) {
        CLEANUP(buf_free) struct buf bytes = cast_cbor(&cast, CONTAINERS[i].notation);
        CLEANUP(bundle_free) struct bundle bundle = {0};
        struct why why = {0};
        err_code err = bundle_parse(buf_slice(&bytes), &bundle, &why);
        if (err != CONTAINERS[i].want)
            fail_msg("%s: %s (%s), want %s", CONTAINERS[i].name, err_name(err), why.text,
                     err_name(CONTAINERS[i].want));
    }
}

static void container_limits(void **state)
{
    static uint8_t byte[1] = {1};
    struct slice *many = calloc(BUNDLE_POLICIES_MAX + 1, sizeof *many);
    CLEANUP(buf_free) struct buf bytes = {0}, payload = {0};
    CLEANUP(bundle_free) struct bundle got = {0};
    struct bundle bundle = {.roots = many, .n_roots = 1, .policies = many};
    struct cbor_writer w = cbor_write(&payload);
    struct why why = {0};
    (void)state;

    assert_non_null(many);
    for (size_t i = 0; i <= BUNDLE_POLICIES_MAX; i++)
        many[i] = SLICE_OF(byte);
    bundle.n_policies = BUNDLE_POLICIES_MAX;
    bundle.n_roots = BUNDLE_ROOTS_MAX;
    assert_int_equal(bundle_write(&bundle, &bytes, &why), ERR_OK);
    assert_int_equal(bundle_parse(buf_slice(&bytes), &got, &why), ERR_OK);
    assert_int_equal(got.n_policies, BUNDLE_POLICIES_MAX);
    bundle.n_policies++;
    assert_int_equal(bundle_write(&bundle, &bytes, &why), ERR_TOO_LARGE);
    bundle.n_policies = 0;
    bundle.n_roots++;
    assert_int_equal(bundle_write(&bundle, &bytes, &why), ERR_TOO_LARGE);

    cbor_put_map(&w, 3);
    cbor_put_text(&w, "roots");
    cbor_put_array(&w, BUNDLE_ROOTS_MAX + 1);
    for (size_t i = 0; i <= BUNDLE_ROOTS_MAX; i++)
        cbor_put_bytes(&w, SLICE_OF(byte));
    cbor_put_text(&w, "grants");
    cbor_put_array(&w, 0);
    cbor_put_text(&w, "policies");
    cbor_put_array(&w, 0);
    assert_int_equal(cbor_written(&w), ERR_OK);
    assert_int_equal(bundle_parse(buf_slice(&payload), &got, &why), ERR_TOO_LARGE);
    free(many);
}

/* ---- honest bundles -------------------------------------------------------------------------- */

static err_code judge_world(const struct trust *trust, const struct bundle_ask *ask,
                            struct buf *ret_bytes, struct judged *ret, struct why *why)
{
    buf_free(ret_bytes);
    *ret_bytes = world_bundle(&world);
    return bundle_judge(buf_slice(ret_bytes), trust, ask, ret, why);
}

static struct trust trust_of(const struct judged *judged)
{
    return (struct trust){.roots = judged->roots,
                          .n_roots = judged->bundle.n_roots,
                          .snapshot = judged->has_snapshot ? &judged->snapshot : NULL};
}

static void enrolment_bundle(void **state)
{
    struct bundle_ask ask = ASK;
    CLEANUP(buf_free) struct buf bytes = {0}, more = {0};
    CLEANUP(judged_free) struct judged judged = {0}, none = {0};
    struct trust trust = {0};
    struct why why = {0};
    (void)state;

    world_make(&world, &cast);
    ask.enrolling = true;
    assert_int_equal(judge_world(&trust, &ask, &bytes, &judged, &why), ERR_OK);
    assert_false(judged.has_snapshot);
    assert_null(judged.mandate);
    assert_ptr_equal(judged.first, judged.newest);
    assert_int_equal(judged.n_enrol_grants, 2);
    assert_int_equal(judged.n_grants, 0);

    ask.index++;
    assert_int_equal(judge_world(&trust, &ask, &more, &none, &why), ERR_GRANT_INVALID);
    ask.needs_grants = false;
    assert_int_equal(judge_world(&trust, &ask, &more, &none, &why), ERR_OK);
    judged_free(&none);

    (void)world_policy(&world, 0, NULL); /* an object without a snapshot that lists it */
    assert_int_equal(judge_world(&trust, &ask, &more, &none, &why), ERR_FORMAT);
    world_free(&world);
}

static void from_epoch_to_epoch(void **state)
{
    struct bundle_ask ask = ASK;
    CLEANUP(buf_free) struct buf one = {0}, two = {0}, again = {0};
    CLEANUP(judged_free) struct judged first = {0}, second = {0}, same = {0};
    struct digest pin;
    struct trust trust = {.roots = &pin, .n_roots = 1};
    struct why why = {0};
    (void)state;

    world_make(&world, &cast);
    assert_int_equal(hash_sha256(buf_slice(&world.roots[0]), &pin), ERR_OK);
    (void)world_policy(&world, 0, NULL);
    (void)world_policy(&world, 1, NULL);
    world_publish(&world);
    assert_int_equal(judge_world(&trust, &ask, &one, &first, &why), ERR_OK);
    assert_true(first.has_snapshot && !first.known);
    assert_int_equal(first.snapshot.epoch, 1);
    assert_int_equal(first.snapshot.n_policies, 2);
    assert_true(slice_eq_str(first.policies[0].alias, "audit"));
    assert_true(slice_eq_str(first.policies[1].alias, "deploy"));
    assert_int_equal(first.mandate->epoch, 1);
    assert_true(digest_eq(&first.mandate->snapshot, &world.last_snapshot));
    assert_int_equal(first.mandate->n_statements, 1);
    assert_int_equal(hw_verify_soft(&first.mandate->statements[0], &why), ERR_OK);
    assert_true(hw_pubkey_eq(&first.mandate->statements[0].key, &cast.signers[SNAP_A]->key));
    assert_int_equal(first.mandate->n_grants, 3);
    assert_ptr_equal(first.mandate->grants, first.grants);

    /* the very same bundle once more */
    trust = trust_of(&first);
    assert_int_equal(judge_world(&trust, &ask, &again, &same, &why), ERR_OK);
    assert_true(same.known);

    /* away for two epochs, a root version and three policy versions */
    (void)world_policy(&world, 0, NULL);
    world_publish(&world);
    (void)world_policy(&world, 0, NULL);
    (void)world_policy(&world, 2, NULL);
    world_rotate(&world, NULL, BY(ROOT_B) | BY(ROOT_C));
    world_publish(&world);
    assert_int_equal(judge_world(&trust, &ask, &two, &second, &why), ERR_OK);
    assert_int_equal(second.snapshot.epoch, 3);
    assert_int_equal(second.bundle.n_roots, 2);
    assert_int_equal(second.newest->version, 2);
    assert_int_equal(second.first->version, 1);
    assert_int_equal(second.policies[2].version, 3);

    /* and the old one again */
    judged_free(&same);
    trust = trust_of(&second);
    assert_int_equal(bundle_judge(buf_slice(&one), &trust, &ask, &same, &why), ERR_ROLLBACK);
    world_free(&world);
}

/* ---- dishonest ones -------------------------------------------------------------------------- */

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

static void revoke(struct digest id, enum revoked_kind kind)
{
    const struct revocation item = {kind, id, 4000, slice_str("lost")};

    assert_int_equal(revoked_add(&world.revoked, &item), ERR_OK);
}

static void new_policy_by_revoked_key(void)
{
    revoke(cast.kids[POLICY_A], REVOKED_KEY);
    honest();
}

static void old_policy_by_revoked_key(void)
{
    revoke(cast.kids[POLICY_A], REVOKED_KEY);
    world_publish(&world);
}

static void snapshot_revokes_its_signer(void)
{
    revoke(cast.kids[SNAP_A], REVOKED_KEY);
    honest();
}

static void object_revoked(void)
{
    revoke(world.last[0], REVOKED_OBJECT);
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

static void drop(size_t at)
{
    buf_free(&world.policies[at]);
    world.policies[at] = world.policies[--world.n_policies];
    world.policies[world.n_policies] = (struct buf){0};
}

static void listed_is_missing(void)
{
    honest();
    drop(2);
}

static void predecessor_is_missing(void)
{
    (void)world_policy(&world, 0, NULL);
    honest();
    drop(2);
}

static void predecessor_in_force_is_missing(void)
{
    honest();
    drop(0);
}

static void predecessor_of_a_new_alias_is_missing(void)
{
    (void)world_policy(&world, 2, NULL);
    (void)world_policy(&world, 2, NULL);
    world_publish(&world);
    drop(2);
}

static void alias_dropped(void)
{
    world.version[1] = 0;
    drop(1);
    honest();
}

static void alias_swapped(void)
{
    struct digest last = world.last[0];

    world.last[0] = world.last[1];
    world.last[1] = last;
    world_publish(&world);
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
    (void)world_policy(&world, 0, "permit (principal, action, resource) when { true };");
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
    {"an alias is dropped", alias_dropped, ERR_SUCCESSION},
    {"aliases swapped", alias_swapped, ERR_EQUIVOCATION},
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
        assert_int_equal(judge_world(&trust, &ASK, &first, &installed, &why), ERR_OK);
        trust = trust_of(&installed);
        ATTACKS[i].make();
        err = judge_world(&trust, &ASK, &second, &got, &why);
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
    struct bundle_ask ask = ASK;
    struct digest v1;
    struct why why = {0};
    (void)state;

    world_make(&world, &cast);
    (void)world_policy(&world, 0, NULL);
    v1 = world.last[0];
    world_publish(&world);
    assert_int_equal(judge_world(&trust, &ask, &one, &first, &why), ERR_OK);
    (void)world_policy(&world, 0, NULL);
    world_rotate(&world, NULL, BY(ROOT_A) | BY(ROOT_B));
    world_publish(&world);
    assert_int_equal(judge_world(&trust, &ask, &two, &second, &why), ERR_OK);
    trust = trust_of(&second);

    /* epoch 3 puts version 1 back */
    world.version[0] = 1;
    world.last[0] = v1;
    world_publish(&world);
    assert_int_equal(judge_world(&trust, &ask, &three, &none, &why), ERR_POLICY_ROLLBACK);

    /* what gates are enrolled with, from before the rotation */
    {
        CLEANUP(buf_free) struct buf early = {0};
        struct buf snapshot = buf_take(&world.snapshot);
        size_t n_policies = world.n_policies;
        world.n_roots = 1;
        world.n_policies = 0;
        assert_int_equal(judge_world(&trust, &ask, &early, &none, &why), ERR_ROLLBACK);
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
        assert_int_equal(judge_world(&trust, &ask, &mixed, &none, &why), ERR_ROLLBACK);
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
    assert_int_equal(judge_world(&trust, &ASK, &one, &first, &why), ERR_OK);
    trust = trust_of(&first);

    /* another version 2: an equivocation if it is signed, else just badly signed */
    buf_free(&world.roots[--world.n_roots]);
    world_rotate(&world, drop_policy_a, BY(ROOT_A) | BY(ROOT_B));
    world_publish(&world);
    assert_int_equal(judge_world(&trust, &ASK, &two, &none, &why), ERR_ROOT_EQUIVOCATION);
    buf_free(&world.roots[--world.n_roots]);
    world_rotate(&world, drop_policy_a, BY(ROOT_A));
    assert_int_equal(judge_world(&trust, &ASK, &two, &none, &why), ERR_THRESHOLD);
    world_free(&world);
}

static void revoked_root_keys(void **state)
{
    CLEANUP(buf_free) struct buf one = {0}, two = {0};
    CLEANUP(judged_free) struct judged first = {0}, second = {0};
    struct trust trust = {0};
    struct why why = {0};
    (void)state;

    world_make(&world, &cast);
    (void)world_policy(&world, 0, NULL);
    revoke(cast.kids[ROOT_A], REVOKED_KEY);
    world_publish(&world);
    assert_int_equal(judge_world(&trust, &ASK, &one, &first, &why), ERR_OK);
    world_rotate(&world, NULL, BY(ROOT_A) | BY(ROOT_B));
    world_publish(&world);
    /* a gate that has heard of the revocation refuses; one that meets the chain for the first time
     * cannot know when the rotation was signed */
    trust = trust_of(&first);
    assert_int_equal(judge_world(&trust, &ASK, &two, &second, &why), ERR_REVOKED);
    trust.n_roots = 1;
    trust.snapshot = NULL;
    assert_int_equal(judge_world(&trust, &ASK, &two, &second, &why), ERR_OK);
    world_free(&world);
}

static void set_exp(struct root_meta *next)
{
    next->has_exp = true;
    next->exp = 4000;
}

static void times(void **state)
{
    static const struct {
        int64_t now;
        err_code want, want_again;
    } CASES[] = {
        {500, ERR_NOT_YET_VALID, ERR_OK}, /* iat 1000, skew 300 */
        {700, ERR_OK, ERR_OK},
        {8999, ERR_OK, ERR_OK},
        {9000, ERR_SNAPSHOT_STALE, ERR_OK},
    };
    struct bundle_ask ask = ASK;
    struct trust trust = {0};
    (void)state;

    world_make(&world, &cast);
    (void)world_policy(&world, 0, NULL);
    (void)world_policy(&world, 0, NULL);
    world_publish(&world);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        CLEANUP(judged_free) struct judged judged = {0};
        struct why why = {0};
        ask.now = CASES[i].now;
        trust.installed_before = false;
        assert_int_equal(judge_world(&trust, &ask, &bytes, &judged, &why), CASES[i].want);
        trust.installed_before = true;
        assert_int_equal(judge_world(&trust, &ask, &bytes, &judged, &why), CASES[i].want_again);
    }
    {
        CLEANUP(buf_free) struct buf bytes = {0};
        CLEANUP(judged_free) struct judged judged = {0};
        struct why why = {0};
        drop(0); /* what was installed before needs no predecessors, but its signatures hold */
        ask.now = 5000;
        assert_int_equal(judge_world(&trust, &ask, &bytes, &judged, &why), ERR_OK);
        trust.installed_before = false;
        judged_free(&judged);
        assert_int_equal(judge_world(&trust, &ask, &bytes, &judged, &why), ERR_SUCCESSION);
        world_rotate(&world, set_exp, BY(ROOT_A) | BY(ROOT_B));
        world_publish(&world);
        assert_int_equal(judge_world(&trust, &ask, &bytes, &judged, &why), ERR_EXPIRED);
        trust.installed_before = true;
        assert_int_equal(judge_world(&trust, &ask, &bytes, &judged, &why), ERR_OK);
    }
    world_free(&world);
}

static err_code holds(void *ctx, struct slice bytes)
{
    const struct digest *pin = ctx;
    const struct trust trust = {.roots = pin, .n_roots = 1};
    CLEANUP(judged_free) struct judged judged = {0};

    return bundle_judge(bytes, &trust, &ASK, &judged, NULL);
}

/* Objects and snapshots have tests of their own for every single bit. Two ratchet keys, one of
 * which is enough, would hide damage to the other's grants; so would the grants to enrol, which are
 * not asked for here. */
static void every_damage_is_refused(void **state)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    struct digest pin;
    (void)state;

    world_make(&world, &cast);
    assert_int_equal(hash_sha256(buf_slice(&world.roots[0]), &pin), ERR_OK);
    (void)world_policy(&world, 0, NULL);
    world_publish(&world);
    for (size_t i = 0; i < 3; i++)
        world.grants[i] = world.grants[i + 2];
    world.n_grants = 3;
    bytes = world_bundle(&world);
    cast_damage(buf_slice(&bytes), 9, holds, &pin);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(containers),
        cmocka_unit_test(container_limits),
        cmocka_unit_test(enrolment_bundle),
        cmocka_unit_test(from_epoch_to_epoch),
        cmocka_unit_test(attacks),
        cmocka_unit_test(going_back),
        cmocka_unit_test(roots_fork),
        cmocka_unit_test(revoked_root_keys),
        cmocka_unit_test(times),
        cmocka_unit_test(every_damage_is_refused),
    };
    return cmocka_run_group_tests_name("bundle", tests, setup, teardown);
}
