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

static void container_size(void **state)
{
    uint8_t *large = calloc(1, BUNDLE_SIZE_MAX + 1);
    const struct slice root = {large, BUNDLE_SIZE_MAX}, whole = {large, BUNDLE_SIZE_MAX + 1};
    const struct bundle bundle = {.roots = (struct slice *)(uintptr_t)&root, .n_roots = 1};
    const struct bundle grants = {
        .roots = (struct slice *)(uintptr_t)&root, .n_roots = 1, .n_grants = BUNDLE_GRANTS_MAX + 1};
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(bundle_free) struct bundle got = {0};
    (void)state;

    assert_non_null(large);
    assert_int_equal(bundle_parse(whole, &got, NULL), ERR_TOO_LARGE);
    assert_int_equal(bundle_write(&bundle, &bytes, NULL), ERR_TOO_LARGE);
    assert_int_equal(bundle_write(&grants, &bytes, NULL), ERR_TOO_LARGE);
    assert_int_equal(bytes.len, 0);
    free(large);
}

/* ---- honest bundles -------------------------------------------------------------------------- */

static void enrolment_bundle(void **state)
{
    struct bundle_ask ask = WORLD_ASK;
    CLEANUP(buf_free) struct buf bytes = {0}, more = {0};
    CLEANUP(judged_free) struct judged judged = {0}, none = {0};
    struct trust trust = {0};
    struct why why = {0};
    (void)state;

    world_make(&world, &cast);
    ask.enrolling = true;
    assert_int_equal(world_judge(&world, &trust, &ask, &bytes, &judged, &why), ERR_OK);
    assert_false(judged.has_snapshot);
    assert_null(judged.mandate);
    assert_ptr_equal(judged.first, judged.newest);
    assert_int_equal(judged.n_enrol_grants, 2);
    assert_int_equal(judged.n_grants, 0);

    ask.index++;
    assert_int_equal(world_judge(&world, &trust, &ask, &more, &none, &why), ERR_GRANT_INVALID);
    ask.needs_grants = false;
    assert_int_equal(world_judge(&world, &trust, &ask, &more, &none, &why), ERR_OK);
    judged_free(&none);

    (void)world_policy(&world, 0, NULL); /* an object without a snapshot that lists it */
    assert_int_equal(world_judge(&world, &trust, &ask, &more, &none, &why), ERR_FORMAT);
    world_free(&world);
}

static void from_epoch_to_epoch(void **state)
{
    struct bundle_ask ask = WORLD_ASK;
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
    assert_int_equal(world_judge(&world, &trust, &ask, &one, &first, &why), ERR_OK);
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
    trust = world_trust(&first);
    assert_int_equal(world_judge(&world, &trust, &ask, &again, &same, &why), ERR_OK);
    assert_true(same.known);

    /* away for two epochs, a root version and three policy versions */
    (void)world_policy(&world, 0, NULL);
    world_publish(&world);
    (void)world_policy(&world, 0, NULL);
    (void)world_policy(&world, 2, NULL);
    world_rotate(&world, NULL, BY(ROOT_B) | BY(ROOT_C));
    world_publish(&world);
    assert_int_equal(world_judge(&world, &trust, &ask, &two, &second, &why), ERR_OK);
    assert_int_equal(second.snapshot.epoch, 3);
    assert_int_equal(second.bundle.n_roots, 2);
    assert_int_equal(second.newest->version, 2);
    assert_int_equal(second.first->version, 1);
    assert_int_equal(second.policies[2].version, 3);

    /* and the old one again */
    judged_free(&same);
    trust = world_trust(&second);
    assert_int_equal(bundle_judge(buf_slice(&one), &trust, &ask, &same, &why), ERR_ROLLBACK);
    world_free(&world);
}

/* STRANGER holds the role root in version 2 alone. */
static void let_in(struct root_meta *next)
{
    struct why why = {0};

    assert_int_equal(root_give(next, ROLE_ROOT, &cast.signers[STRANGER]->key, &why), ERR_OK);
    assert_int_equal(root_take(next, ROLE_ROOT, &cast.kids[ROOT_C], &why), ERR_OK);
}

static void put_out(struct root_meta *next)
{
    struct why why = {0};

    assert_int_equal(root_take(next, ROLE_ROOT, &cast.kids[STRANGER], &why), ERR_OK);
    assert_int_equal(root_give(next, ROLE_ROOT, &cast.signers[ROOT_C]->key, &why), ERR_OK);
}

/* A token can only verify version 2 and 3 with an anchor for who held the role in between. */
static void the_owner_names_the_root_keys_of_every_version(void **state)
{
    struct bundle_ask ask = WORLD_ASK;
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(judged_free) struct judged judged = {0};
    struct hw_owner *owner = calloc(1, sizeof *owner);
    struct trust nothing = {0};
    struct why why = {0};
    size_t found = 0;
    (void)state;

    assert_non_null(owner);
    world_make(&world, &cast);
    (void)world_policy(&world, 0, NULL);
    world_rotate(&world, let_in, BY(ROOT_A) | BY(ROOT_B) | BY(STRANGER));
    world_rotate(&world, put_out, BY(ROOT_A) | BY(ROOT_B) | BY(STRANGER));
    world_publish(&world);
    assert_int_equal(world_judge(&world, &nothing, &ask, &bytes, &judged, &why), ERR_OK);
    assert_int_equal(judged.newest->version, 3);
    assert_null(root_key_find(judged.newest, &cast.kids[STRANGER]));
    assert_int_equal(judged_owner(&judged, slice_str("edge-7"), owner, &why), ERR_OK);
    assert_int_equal(owner->n_anchors, judged.newest->n_keys + 1);
    for (size_t i = 0; i < owner->n_anchors; i++)
        found += hw_pubkey_eq(&owner->anchors[i], &cast.signers[STRANGER]->key);
    assert_int_equal(found, 1);

    owner->n_anchors = HW_ANCHOR_MAX; /* full: what does not fit is left to the token */
    memset(owner->anchors, 0, sizeof owner->anchors);
    root_owner_add(judged.newest, owner);
    assert_int_equal(owner->n_anchors, HW_ANCHOR_MAX);
    free(owner);
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
    struct bundle_ask ask = WORLD_ASK;
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
        assert_int_equal(world_judge(&world, &trust, &ask, &bytes, &judged, &why), CASES[i].want);
        trust.installed_before = true;
        assert_int_equal(world_judge(&world, &trust, &ask, &bytes, &judged, &why),
                         CASES[i].want_again);
    }
    {
        CLEANUP(buf_free) struct buf bytes = {0};
        CLEANUP(judged_free) struct judged judged = {0};
        struct why why = {0};
        world_drop(
            &world,
            0); /* what was installed before needs no predecessors, but its signatures hold */
        ask.now = 5000;
        assert_int_equal(world_judge(&world, &trust, &ask, &bytes, &judged, &why), ERR_OK);
        trust.installed_before = false;
        judged_free(&judged);
        assert_int_equal(world_judge(&world, &trust, &ask, &bytes, &judged, &why), ERR_SUCCESSION);
        world_rotate(&world, set_exp, BY(ROOT_A) | BY(ROOT_B));
        world_publish(&world);
        assert_int_equal(world_judge(&world, &trust, &ask, &bytes, &judged, &why), ERR_EXPIRED);
        trust.installed_before = true;
        assert_int_equal(world_judge(&world, &trust, &ask, &bytes, &judged, &why), ERR_OK);
    }
    world_free(&world);
}

static err_code holds(void *ctx, struct slice bytes)
{
    const struct digest *pin = ctx;
    const struct trust trust = {.roots = pin, .n_roots = 1};
    CLEANUP(judged_free) struct judged judged = {0};

    return bundle_judge(bytes, &trust, &WORLD_ASK, &judged, NULL);
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
    cast_damage(buf_slice(&bytes), 27, holds, &pin);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(containers),
        cmocka_unit_test(container_limits),
        cmocka_unit_test(container_size),
        cmocka_unit_test(enrolment_bundle),
        cmocka_unit_test(from_epoch_to_epoch),
        cmocka_unit_test(the_owner_names_the_root_keys_of_every_version),
        cmocka_unit_test(times),
        cmocka_unit_test(every_damage_is_refused),
    };
    return cmocka_run_group_tests_name("bundle", tests, setup, teardown);
}
