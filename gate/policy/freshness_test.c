/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/freshness.h"

#include "gate/policy/cast_testing.h"
#include "gate/policy/succession.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cast cast;
static struct root_meta *root;
static struct buf root_bytes;

static int setup(void **state)
{
    (void)state;
    cast_make(&cast);
    root = cast_root(&cast, &root_bytes);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cast_free(&cast);
    root_meta_free(&root);
    buf_free(&root_bytes);
    return 0;
}

static void root_metadata_may_expire(void **state)
{
    struct root_meta *meta = cast_root_meta(&cast);
    struct why why = {0};
    (void)state;

    assert_int_equal(fresh_root(meta, INT64_MAX, &why), ERR_OK);
    meta->has_exp = true;
    meta->exp = 5000;
    assert_int_equal(fresh_root(meta, 4999, &why), ERR_OK);
    assert_int_equal(fresh_root(meta, 5000, &why), ERR_EXPIRED);
    assert_non_null(strstr(why.text, "1970-01-01T01:23:20Z"));
    root_meta_free(&meta);
}

static void snapshots_go_stale(void **state)
{
    static const struct {
        int64_t now;
        err_code want;
    } CASES[] = {
        {INT64_MIN, ERR_NOT_YET_VALID},
        {0, ERR_NOT_YET_VALID},
        {10000 - FRESH_SKEW - 1, ERR_NOT_YET_VALID},
        {10000 - FRESH_SKEW, ERR_OK},
        {10000, ERR_OK},
        {19999, ERR_OK},
        {20000, ERR_SNAPSHOT_STALE},
        {INT64_MAX, ERR_SNAPSHOT_STALE},
    };
    const struct snapshot snapshot = {.epoch = 3, .iat = 10000, .exp = 20000};
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct why why = {0};
        err_code got = fresh_snapshot(&snapshot, CASES[i].now, &why);
        if (got != CASES[i].want)
            fail_msg("at %lld: %s (%s), want %s", (long long)CASES[i].now, err_name(got), why.text,
                     err_name(CASES[i].want));
    }
}

/* ---- one object in one snapshot -------------------------------------------------------------- */

static const struct {
    const char *name;
    uint64_t version; /* that the snapshot lists; the object is version 2 */
    bool other_digest, other_alias, revoke_object;
    unsigned revoke; /* keys; POLICY_A and POLICY_B have signed, two of three are needed */
    int64_t now;     /* valid from 1000 until 9000 */
    err_code want;
} OBJECTS[] = {
    {"in force", 2, false, false, false, 0, 1000, ERR_OK},
    {"in force, last second", 2, false, false, false, 0, 8999, ERR_OK},
    {"too early", 2, false, false, false, 0, 999, ERR_NOT_YET_VALID},
    {"too late", 2, false, false, false, 0, 9000, ERR_EXPIRED},
    {"replaced", 3, false, false, false, 0, 1000, ERR_POLICY_ROLLBACK},
    {"ahead of the snapshot", 1, false, false, false, 0, 1000, ERR_SUCCESSION},
    {"another content", 2, true, false, false, 0, 1000, ERR_EQUIVOCATION},
    {"not listed", 2, false, true, false, 0, 1000, ERR_ALIAS_UNKNOWN},
    {"revoked", 2, false, false, true, 0, 1000, ERR_REVOKED},
    {"revoked and expired", 2, false, false, true, 0, 9000, ERR_REVOKED},
    {"a signer revoked", 2, false, false, false, BY(POLICY_B), 1000, ERR_REVOKED},
    {"another key of the role revoked", 2, false, false, false, BY(POLICY_C), 1000, ERR_OK},
};

static void objects(void **state)
{
    struct policy_object made = cast_policy();
    CLEANUP(policy_free) struct policy_object object = {0};
    CLEANUP(buf_free) struct buf bytes = {0};
    (void)state;

    made.version = 2;
    made.previous.present = true;
    bytes = cast_sign_policy(&cast, &made, BY(POLICY_A) | BY(POLICY_B));
    assert_int_equal(policy_parse(buf_slice(&bytes), &object, NULL), ERR_OK);
    for (size_t i = 0; i < sizeof OBJECTS / sizeof *OBJECTS; i++) {
        struct snapshot_policy listed = {slice_str("deploy"), OBJECTS[i].version, object.digest};
        CLEANUP(revoked_free) struct revoked revoked = {0};
        struct snapshot snapshot = {.epoch = 4, .policies = &listed, .n_policies = 1};
        struct fresh_state now = {root, &snapshot, OBJECTS[i].now};
        struct revocation item = {REVOKED_OBJECT, object.digest, 5, slice_str("wrong")};
        struct why why = {0};
        err_code got;

        if (OBJECTS[i].other_digest)
            listed.digest.bytes[0] ^= 1;
        if (OBJECTS[i].other_alias)
            listed.alias = slice_str("deploy2");
        if (OBJECTS[i].revoke_object)
            assert_int_equal(revoked_add(&revoked, &item), ERR_OK);
        for (int k = 0; k < CAST_END; k++) {
            item = (struct revocation){REVOKED_KEY, cast.kids[k], 5, slice_str("lost")};
            if ((OBJECTS[i].revoke & BY(k)) != 0)
                assert_int_equal(revoked_add(&revoked, &item), ERR_OK);
        }
        snapshot.revoked = revoked;
        got = fresh_object(&now, &object, &why);
        if (got != OBJECTS[i].want)
            fail_msg("%s: %s (%s), want %s", OBJECTS[i].name, err_name(got), why.text,
                     err_name(OBJECTS[i].want));
    }
}

/* ---- one snapshot after another -------------------------------------------------------------- */

/* Installed: epoch 4, digest 04.., root version 2 (digest 02..), a at 3, b at 1; the keys POLICY_A
 * and ROOT_A, a key that is in no root metadata, and b's object (digest b1..) are revoked. */
static const struct {
    const char *name;
    uint64_t epoch, root, a, b; /* 0: the alias is missing */
    uint8_t digest, previous, root_digest, a_digest;
    const char *revoked; /* k: POLICY_A, r: ROOT_A, f: the foreign key, o: the object */
    err_code want;
} NEXT[] = {
    {"the same", 4, 2, 3, 1, 0x04, 0x03, 0x02, 0xa3, "krfo", ERR_OK},
    {"the next", 5, 2, 3, 1, 0x05, 0x04, 0x02, 0xa3, "krfo", ERR_OK},
    {"epochs skipped", 9, 2, 3, 1, 0x09, 0x08, 0x02, 0xa3, "krfo", ERR_OK},
    {"newer policies and root", 5, 3, 4, 2, 0x05, 0x04, 0x03, 0xa4, "krfo", ERR_OK},
    {"an older epoch", 3, 2, 3, 1, 0x03, 0x02, 0x02, 0xa3, "krfo", ERR_ROLLBACK},
    {"the same epoch, another content", 4, 2, 3, 1, 0x44, 0x03, 0x02, 0xa3, "krfo",
     ERR_EQUIVOCATION},
    {"the next after another", 5, 2, 3, 1, 0x05, 0x44, 0x02, 0xa3, "krfo", ERR_SUCCESSION},
    {"older root metadata", 5, 1, 3, 1, 0x05, 0x04, 0x01, 0xa3, "krfo", ERR_ROLLBACK},
    {"another root metadata", 5, 2, 3, 1, 0x05, 0x04, 0x22, 0xa3, "krfo", ERR_ROOT_EQUIVOCATION},
    {"an older policy", 5, 2, 2, 1, 0x05, 0x04, 0x02, 0xa2, "krfo", ERR_POLICY_ROLLBACK},
    {"an older policy far ahead", 90, 2, 2, 1, 0x05, 0x04, 0x02, 0xa2, "krfo", ERR_POLICY_ROLLBACK},
    {"another policy of the version", 5, 2, 3, 1, 0x05, 0x04, 0x02, 0xaa, "krfo", ERR_EQUIVOCATION},
    {"an alias has gone", 5, 2, 0, 1, 0x05, 0x04, 0x02, 0xa3, "krfo", ERR_SUCCESSION},
    {"an alias has gone far ahead", 90, 2, 0, 1, 0x05, 0x04, 0x02, 0xa3, "krfo", ERR_SUCCESSION},
    {"a foreign key is forgotten", 5, 2, 3, 1, 0x05, 0x04, 0x02, 0xa3, "kro", ERR_OK},
    {"a root key is forgotten", 5, 2, 3, 1, 0x05, 0x04, 0x02, 0xa3, "kfo", ERR_OK},
    {"a listed key is forgotten", 5, 2, 3, 1, 0x05, 0x04, 0x02, 0xa3, "rfo", ERR_REVOKED},
    {"an object in force is forgotten", 5, 2, 3, 1, 0x05, 0x04, 0x02, 0xa3, "krf", ERR_REVOKED},
    {"an object that was replaced is forgotten", 5, 2, 3, 2, 0x05, 0x04, 0x02, 0xa3, "krf", ERR_OK},
};

static struct revoked list_of(const char *which)
{
    struct revoked list = {0};

    for (; *which != '\0'; which++) {
        struct revocation item = {REVOKED_KEY, {{0xf0}}, 5, slice_str("lost")};
        if (*which == 'k')
            item.id = cast.kids[POLICY_A];
        if (*which == 'r')
            item.id = cast.kids[ROOT_A];
        if (*which == 'o')
            item = (struct revocation){REVOKED_OBJECT, {{0xb1}}, 5, slice_str("wrong")};
        assert_int_equal(revoked_add(&list, &item), ERR_OK);
    }
    return list;
}

static void snapshots_follow_each_other(void **state)
{
    struct snapshot_policy ours[] = {{slice_str("a"), 3, {{0xa3}}}, {slice_str("b"), 1, {{0xb1}}}};
    struct snapshot installed = {.digest = {{0x04}},
                                 .epoch = 4,
                                 .previous = {true, {{0x03}}},
                                 .root_version = 2,
                                 .root = {{0x02}},
                                 .policies = ours,
                                 .n_policies = 2,
                                 .revoked = list_of("krfo")};
    (void)state;

    for (size_t i = 0; i < sizeof NEXT / sizeof *NEXT; i++) {
        struct snapshot_policy theirs[2];
        struct snapshot next = {.digest = {{NEXT[i].digest}},
                                .epoch = NEXT[i].epoch,
                                .previous = {true, {{NEXT[i].previous}}},
                                .root_version = NEXT[i].root,
                                .root = {{NEXT[i].root_digest}},
                                .policies = theirs,
                                .revoked = list_of(NEXT[i].revoked)};
        struct why why = {0};
        err_code got;

        if (NEXT[i].a != 0)
            theirs[next.n_policies++] =
                (struct snapshot_policy){slice_str("a"), NEXT[i].a, {{NEXT[i].a_digest}}};
        theirs[next.n_policies++] = (struct snapshot_policy){
            slice_str("b"), NEXT[i].b, {{(uint8_t)(NEXT[i].b == 1 ? 0xb1 : 0xb2)}}};
        got = snapshot_follows(&installed, &next, root, &why);
        if (got != NEXT[i].want)
            fail_msg("%s: %s (%s), want %s", NEXT[i].name, err_name(got), why.text,
                     err_name(NEXT[i].want));
        revoked_free(&next.revoked);
    }
    revoked_free(&installed.revoked);
}

static void epochs_are_in_reach(void **state)
{
    static const struct {
        uint64_t from, epoch;
        err_code want;
    } CASES[] = {
        {0, 1, ERR_OK},
        {0, 1048576, ERR_OK},
        {0, 1048577, ERR_SUCCESSION},
        {7, 7, ERR_OK},
        {7, 3, ERR_OK}, /* that is for others to refuse */
        {7, 1048583, ERR_OK},
        {7, 1048584, ERR_SUCCESSION},
        {7, TERM_NUMBER_MAX, ERR_SUCCESSION},
        {TERM_NUMBER_MAX - 1, TERM_NUMBER_MAX, ERR_OK},
    };
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct snapshot next = {.epoch = CASES[i].epoch};
        struct why why = {0};
        err_code got = snapshot_in_reach(CASES[i].from, &next, &why);
        if (got != CASES[i].want)
            fail_msg("%llu after %llu: %s", (unsigned long long)CASES[i].epoch,
                     (unsigned long long)CASES[i].from, err_name(got));
        if (got != ERR_OK && (strstr(why.text, "epoch 7;") == NULL) == (CASES[i].from == 7))
            fail_msg("%s", why.text);
        if (got != ERR_OK && strstr(why.text, "limit is 1048576") == NULL)
            fail_msg("%s", why.text);
    }
}

/* Anybody can drop a signature from a published snapshot; that says nothing about the keys. */
static void only_signatures_differ(void **state)
{
    struct snapshot snapshot = {.domain = slice_str("example.org"),
                                .epoch = 1,
                                .root_version = 1,
                                .iat = 1000,
                                .exp = 9000};
    CLEANUP(buf_free)
    struct buf two = cast_sign_snapshot(&cast, &snapshot, BY(SNAP_A) | BY(SNAP_B));
    CLEANUP(buf_free) struct buf one = cast_sign_snapshot(&cast, &snapshot, BY(SNAP_A));
    CLEANUP(buf_free) struct buf other = {0};
    CLEANUP(snapshot_free) struct snapshot a = {0}, b = {0}, c = {0};
    struct why why = {0};
    (void)state;

    snapshot.exp = 9001;
    other = cast_sign_snapshot(&cast, &snapshot, BY(SNAP_A));
    assert_int_equal(snapshot_parse(buf_slice(&two), &a, &why), ERR_OK);
    assert_int_equal(snapshot_parse(buf_slice(&one), &b, &why), ERR_OK);
    assert_int_equal(snapshot_parse(buf_slice(&other), &c, &why), ERR_OK);
    assert_true(digest_eq(&a.digest, &b.digest)); /* other signatures, the same snapshot */
    assert_int_equal(snapshot_follows(&a, &b, root, &why), ERR_OK);
    assert_int_equal(snapshot_follows(&a, &c, root, &why), ERR_EQUIVOCATION);
}

static void policies_follow_each_other(void **state)
{
    struct policy_object one = cast_policy(), two = cast_policy();
    struct why why = {0};
    (void)state;

    one.digest.bytes[0] = 1;
    two.version = 2;
    two.previous = (struct term_link){true, {{1}}};
    assert_int_equal(policy_follows(&one, &two, &why), ERR_OK);
    two.previous.digest.bytes[5] = 1;
    assert_int_equal(policy_follows(&one, &two, &why), ERR_SUCCESSION);
    two.previous.digest.bytes[5] = 0;
    two.version = 3;
    assert_int_equal(policy_follows(&one, &two, &why), ERR_SUCCESSION);
    two.version = 2;
    two.alias = slice_str("other");
    assert_int_equal(policy_follows(&one, &two, &why), ERR_SUCCESSION);
    two.alias = one.alias;
    two.domain = slice_str("example.com");
    assert_int_equal(policy_follows(&one, &two, &why), ERR_SUCCESSION);
    two.domain = one.domain;
    two.previous.present = false;
    two.previous.digest = one.digest;
    assert_int_equal(policy_follows(&one, &two, &why), ERR_SUCCESSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_metadata_may_expire),
        cmocka_unit_test(snapshots_go_stale),
        cmocka_unit_test(objects),
        cmocka_unit_test(snapshots_follow_each_other),
        cmocka_unit_test(epochs_are_in_reach),
        cmocka_unit_test(only_signatures_differ),
        cmocka_unit_test(policies_follow_each_other),
    };
    return cmocka_run_group_tests_name("freshness", tests, setup, teardown);
}
