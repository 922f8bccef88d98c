/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/cast_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cast cast;

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

static void written_is_read_back(void **state)
{
    struct snapshot_policy policies[] = {{slice_str("b"), 3, {{3}}}, {slice_str("aa"), 1, {{1}}}};
    struct revocation revoked[] = {
        {REVOKED_KEY, {{7}}, 100, slice_str("lost")},
        {REVOKED_OBJECT, {{1}}, 200, slice_str("wrong")},
    };
    struct snapshot snapshot = {.domain = slice_str("example.org"),
                                .epoch = 5,
                                .previous = {true, {{8}}},
                                .root_version = 2,
                                .root = {{9}},
                                .policies = policies,
                                .n_policies = 2,
                                .revoked = {revoked, 2},
                                .iat = 1000,
                                .exp = 9000};
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(snapshot_free) struct snapshot got = {0};
    struct hw_signer *signers[] = {cast.signers[SNAP_A]};
    struct why why = {0};
    (void)state;

    bytes = cast_sign_snapshot(&cast, &snapshot, BY(SNAP_A));
    assert_int_equal(snapshot_parse(buf_slice(&bytes), &got, &why), ERR_OK);
    assert_true(slice_eq_str(got.domain, "example.org"));
    assert_int_equal(got.epoch, 5);
    assert_int_equal(got.previous.digest.bytes[0], 8);
    assert_int_equal(got.root_version, 2);
    assert_int_equal(got.root.bytes[0], 9);
    assert_int_equal(got.n_policies, 2);
    assert_int_equal(got.iat, 1000);
    assert_int_equal(got.exp, 9000);
    assert_int_equal(snapshot_find(&got, slice_str("aa"))->digest.bytes[0], 1);
    assert_int_equal(snapshot_find(&got, slice_str("b"))->version, 3);
    assert_null(snapshot_find(&got, slice_str("a")));
    assert_int_equal(got.revoked.n, 2);
    assert_int_equal(revoked_find(&got.revoked, REVOKED_OBJECT, &revoked[1].id)->since, 200);
    assert_null(revoked_find(&got.revoked, REVOKED_KEY, &revoked[1].id));

    policies[0] = policies[1]; /* an alias twice */
    assert_int_equal(snapshot_make(&snapshot, signers, 1, &bytes, &why), ERR_FORMAT);
}

#define POLICIES "\"policies\": {\"b\": [1, " D "], \"aa\": [2, " D "]}, "
#define D "h'0101010101010101010101010101010101010101010101010101010101010101'"
#define E "h'0202020202020202020202020202020202020202020202020202020202020202'"
#define ROOT "{\"root\": [1, " D "], "
#define EPOCH "\"epoch\": 1, "
#define DOMAIN "\"domain\": \"example.org\", "
#define REVOKED "\"revoked\": [], "
#define PREVIOUS "\"previous\": null}"
#define GONE(kind, id, since, reason)                                                              \
    "{\"id\": " id ", \"kind\": \"" kind "\", \"since\": " since ", \"reason\": \"" reason "\"}"

static const struct {
    const char *name, *payload;
    err_code want;
} PAYLOADS[] = {
    {"good", ROOT EPOCH DOMAIN REVOKED POLICIES PREVIOUS, ERR_OK},
    {"good, without policies", ROOT EPOCH DOMAIN REVOKED "\"policies\": {}, " PREVIOUS, ERR_OK},
    {"good, revoked",
     ROOT EPOCH DOMAIN "\"revoked\": [" GONE("key", D, "5", "x") GONE("key", E, "5", "x")
         GONE("object", D, "5", "x") "], " POLICIES PREVIOUS,
     ERR_OK},
    {"no root", "{" EPOCH DOMAIN REVOKED POLICIES PREVIOUS, ERR_FORMAT},
    {"no epoch", ROOT DOMAIN REVOKED POLICIES PREVIOUS, ERR_FORMAT},
    {"no domain", ROOT EPOCH REVOKED POLICIES PREVIOUS, ERR_FORMAT},
    {"no revoked", ROOT EPOCH DOMAIN POLICIES PREVIOUS, ERR_FORMAT},
    {"no policies", ROOT EPOCH DOMAIN REVOKED PREVIOUS, ERR_FORMAT},
    {"no previous", ROOT EPOCH DOMAIN REVOKED "\"policies\": {}}", ERR_FORMAT},
    {"surplus member", ROOT EPOCH DOMAIN REVOKED POLICIES "\"previous\": null, \"extension\": 1}",
     ERR_FORMAT},
    {"epoch 0", ROOT "\"epoch\": 0, " DOMAIN REVOKED POLICIES PREVIOUS, ERR_FORMAT},
    {"epoch beyond 2^53", ROOT "\"epoch\": 9007199254740992, " DOMAIN REVOKED POLICIES PREVIOUS,
     ERR_FORMAT},
    {"epoch beyond 2^53, with a predecessor",
     ROOT "\"epoch\": 9007199254740992, " DOMAIN REVOKED POLICIES "\"previous\": " D "}",
     ERR_FORMAT},
    {"epoch 1 with a predecessor", ROOT EPOCH DOMAIN REVOKED POLICIES "\"previous\": " D "}",
     ERR_FORMAT},
    {"epoch 2 without", ROOT "\"epoch\": 2, " DOMAIN REVOKED POLICIES PREVIOUS, ERR_FORMAT},
    {"root version 0", "{\"root\": [0, " D "], " EPOCH DOMAIN REVOKED POLICIES PREVIOUS,
     ERR_FORMAT},
    {"root without digest", "{\"root\": [1], " EPOCH DOMAIN REVOKED POLICIES PREVIOUS, ERR_FORMAT},
    {"another domain in the claims",
     ROOT EPOCH "\"domain\": \"example.com\", " REVOKED POLICIES PREVIOUS, ERR_FORMAT},
    {"policy version 0", ROOT EPOCH DOMAIN REVOKED "\"policies\": {\"b\": [0, " D "]}, " PREVIOUS,
     ERR_FORMAT},
    {"short digest", ROOT EPOCH DOMAIN REVOKED "\"policies\": {\"b\": [1, h'01']}, " PREVIOUS,
     ERR_FORMAT},
    {"alias in capitals", ROOT EPOCH DOMAIN REVOKED "\"policies\": {\"B\": [1, " D "]}, " PREVIOUS,
     ERR_FORMAT},
    {"aliases out of order",
     ROOT EPOCH DOMAIN REVOKED "\"policies\": {\"aa\": [1, " D "], \"b\": [1, " D "]}, " PREVIOUS,
     ERR_CBOR_NOT_DETERMINISTIC},
    {"an alias twice",
     ROOT EPOCH DOMAIN REVOKED "\"policies\": {\"b\": [1, " D "], \"b\": [1, " D "]}, " PREVIOUS,
     ERR_CBOR_DUPLICATE_KEY},
    {"unknown kind revoked",
     ROOT EPOCH DOMAIN "\"revoked\": [" GONE("gate", D, "5", "x") "], " POLICIES PREVIOUS,
     ERR_FORMAT},
    {"revoked twice",
     ROOT EPOCH DOMAIN "\"revoked\": [" GONE("key", D, "5", "x")
         GONE("key", D, "6", "x") "], " POLICIES PREVIOUS,
     ERR_FORMAT},
    {"revocations out of order",
     ROOT EPOCH DOMAIN "\"revoked\": [" GONE("object", D, "5", "x")
         GONE("key", D, "6", "x") "], " POLICIES PREVIOUS,
     ERR_FORMAT},
    {"revoked without reason",
     ROOT EPOCH DOMAIN "\"revoked\": [" GONE("key", D, "5", "") "], " POLICIES PREVIOUS,
     ERR_FORMAT},
    {"revoked at a negative time",
     ROOT EPOCH DOMAIN "\"revoked\": [" GONE("key", D, "-5", "x") "], " POLICIES PREVIOUS,
     ERR_FORMAT},
    {"short id revoked",
     ROOT EPOCH DOMAIN "\"revoked\": [" GONE("key", "h'01'", "5", "x") "], " POLICIES PREVIOUS,
     ERR_FORMAT},
};

static void payloads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof PAYLOADS / sizeof *PAYLOADS; i++) {
        CLEANUP(buf_free) struct buf payload = cast_cbor(&cast, PAYLOADS[i].payload);
        CLEANUP(buf_free)
        struct buf bytes =
            cast_sign(&cast, ENVELOPE_SNAPSHOT, "example.org", buf_slice(&payload), BY(SNAP_A));
        CLEANUP(snapshot_free) struct snapshot got = {0};
        struct why why = {0};
        err_code err = snapshot_parse(buf_slice(&bytes), &got, &why);
        if (err != PAYLOADS[i].want)
            fail_msg("%s: %s (%s), want %s", PAYLOADS[i].name, err_name(err), why.text,
                     err_name(PAYLOADS[i].want));
    }
}

/* Issuer and subject are the domain, each of them. */
static void claims(void **state)
{
    static const char *const CASES[][2] = {{"example.org", "example.org"},
                                           {"example.com", "example.org"},
                                           {"example.org", "example.com"}};
    CLEANUP(buf_free) struct buf payload = cast_cbor(&cast, PAYLOADS[0].payload);
    (void)state;

    for (size_t i = 0; i < 3; i++) {
        const struct cose_header_spec spec = {.typ = "application/pawl-snapshot+cose",
                                              .claims = {.iss = slice_str(CASES[i][0]),
                                                         .sub = slice_str(CASES[i][1]),
                                                         .has_iat = true,
                                                         .iat = 1000,
                                                         .has_exp = true,
                                                         .exp = 2000}};
        CLEANUP(buf_free) struct buf bytes = {0};
        CLEANUP(snapshot_free) struct snapshot got = {0};
        assert_int_equal(
            cose_sign_make(&cast.signers[SNAP_A], 1, &spec, buf_slice(&payload), &bytes, NULL),
            ERR_OK);
        assert_int_equal(snapshot_parse(buf_slice(&bytes), &got, NULL),
                         i == 0 ? ERR_OK : ERR_FORMAT);
    }
}

/* The list's own limit, before anything is allocated for it. */
static void too_many_revocations(void **state)
{
    CLEANUP(revoked_free) struct revoked list = {0};
    CLEANUP(buf_free) struct buf bytes = {0};
    struct cbor_writer w = cbor_write(&bytes);
    struct cbor_reader r;
    (void)state;

    cbor_put_array(&w, REVOKED_MAX + 1);
    for (unsigned i = 0; i <= REVOKED_MAX; i++)
        cbor_put_uint(&w, 0);
    assert_int_equal(cbor_written(&w), ERR_OK);
    r = cbor_read(buf_slice(&bytes), CBOR_DETERMINISTIC);
    revoked_get(&r, &list);
    assert_int_equal(r.err, ERR_TOO_LARGE);
    for (unsigned i = 0; i <= REVOKED_MAX; i++) {
        struct revocation item = {
            REVOKED_KEY, {{(uint8_t)(i >> 8), (uint8_t)i}}, i, slice_str("x")};
        assert_int_equal(revoked_add(&list, &item), i < REVOKED_MAX ? ERR_OK : ERR_TOO_LARGE);
    }
    assert_int_equal(list.n, REVOKED_MAX);
}

static void a_full_snapshot_fits(void **state)
{
    static struct snapshot_policy policies[SNAPSHOT_POLICIES_MAX + 1];
    static struct revocation revoked[REVOKED_MAX + 1];
    static char names[SNAPSHOT_POLICIES_MAX + 1][TERM_NAME_MAX + 1];
    struct snapshot snapshot = {.domain = slice_str("example.org"),
                                .epoch = 1,
                                .root_version = 1,
                                .policies = policies,
                                .revoked = {revoked, REVOKED_MAX},
                                .iat = 1000,
                                .exp = 9000};
    struct hw_signer *signers[] = {cast.signers[SNAP_A]};
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(snapshot_free) struct snapshot got = {0};
    struct why why = {0};
    (void)state;

    for (size_t i = 0; i <= SNAPSHOT_POLICIES_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "%0128zu", i);
        policies[i] = (struct snapshot_policy){slice_str(names[i]), TERM_NUMBER_MAX, {{0}}};
        revoked[i] = (struct revocation){REVOKED_KEY, {{0}}, TERM_TIME_MAX, slice_str(names[i])};
        revoked[i].id.bytes[0] = (uint8_t)(i >> 8);
        revoked[i].id.bytes[1] = (uint8_t)i;
    }
    snapshot.n_policies = SNAPSHOT_POLICIES_MAX;
    assert_int_equal(snapshot_make(&snapshot, signers, 1, &bytes, &why), ERR_OK);
    assert_int_equal(snapshot_parse(buf_slice(&bytes), &got, &why), ERR_OK);
    assert_non_null(snapshot_find(&got, slice_str(names[SNAPSHOT_POLICIES_MAX - 1])));
    snapshot.n_policies++;
    assert_int_equal(snapshot_make(&snapshot, signers, 1, &bytes, &why), ERR_TOO_LARGE);
    snapshot.n_policies = 0;
    snapshot.revoked.n++;
    assert_int_equal(snapshot_make(&snapshot, signers, 1, &bytes, &why), ERR_TOO_LARGE);
}

static err_code holds(void *ctx, struct slice bytes)
{
    CLEANUP(snapshot_free) struct snapshot snapshot = {0};

    TRY(snapshot_parse(bytes, &snapshot, NULL));
    return snapshot_verify(&snapshot, ctx, NULL, &JUDGE_SOFT, NULL, NULL);
}

static void every_damage_is_refused(void **state)
{
    CLEANUP(buf_free) struct buf root_bytes = {0}, bytes = {0};
    CLEANUP(root_meta_free) struct root_meta *root = cast_root(&cast, &root_bytes);
    CLEANUP(buf_free) struct buf payload = cast_cbor(&cast, PAYLOADS[2].payload);
    (void)state;

    bytes = cast_sign(&cast, ENVELOPE_SNAPSHOT, "example.org", buf_slice(&payload), BY(SNAP_B));
    cast_damage(buf_slice(&bytes), 1, holds, root);
}

static void its_own_and_earlier_revocations_count(void **state)
{
    struct revocation gone = {REVOKED_KEY, cast.kids[SNAP_A], 5, slice_str("lost")};
    const struct revoked revoked = {&gone, 1};
    struct snapshot snapshot = {.domain = slice_str("example.org"),
                                .epoch = 1,
                                .root_version = 1,
                                .iat = 1000,
                                .exp = 9000};
    CLEANUP(buf_free) struct buf root_bytes = {0}, plain = {0}, listing = {0}, by_b = {0};
    CLEANUP(root_meta_free) struct root_meta *root = cast_root(&cast, &root_bytes);
    CLEANUP(snapshot_free) struct snapshot got = {0};
    (void)state;

    plain = cast_sign_snapshot(&cast, &snapshot, BY(SNAP_A));
    assert_int_equal(snapshot_parse(buf_slice(&plain), &got, NULL), ERR_OK);
    assert_int_equal(snapshot_verify(&got, root, NULL, &JUDGE_SOFT, NULL, NULL), ERR_OK);
    assert_int_equal(snapshot_verify(&got, root, &revoked, &JUDGE_SOFT, NULL, NULL), ERR_REVOKED);

    snapshot.revoked = revoked;
    listing = cast_sign_snapshot(&cast, &snapshot, BY(SNAP_A));
    assert_int_equal(snapshot_parse(buf_slice(&listing), &got, NULL), ERR_OK);
    assert_int_equal(snapshot_verify(&got, root, NULL, &JUDGE_SOFT, NULL, NULL), ERR_REVOKED);
    by_b = cast_sign_snapshot(&cast, &snapshot, BY(SNAP_B));
    assert_int_equal(snapshot_parse(buf_slice(&by_b), &got, NULL), ERR_OK);
    assert_int_equal(snapshot_verify(&got, root, &revoked, &JUDGE_SOFT, NULL, NULL), ERR_OK);
}

static void another_domain_is_refused(void **state)
{
    struct snapshot snapshot = {.domain = slice_str("example.com"),
                                .epoch = 1,
                                .root_version = 1,
                                .iat = 1000,
                                .exp = 9000};
    CLEANUP(buf_free) struct buf root_bytes = {0}, bytes = {0};
    CLEANUP(root_meta_free) struct root_meta *root = cast_root(&cast, &root_bytes);
    CLEANUP(snapshot_free) struct snapshot got = {0};
    struct why why = {0};
    (void)state;

    bytes = cast_sign_snapshot(&cast, &snapshot, BY(SNAP_A));
    assert_int_equal(snapshot_parse(buf_slice(&bytes), &got, &why), ERR_OK);
    assert_int_equal(snapshot_verify(&got, root, NULL, &JUDGE_SOFT, NULL, &why),
                     ERR_SIGNER_UNKNOWN);
    assert_non_null(strstr(why.text, "example.com"));
    assert_non_null(strstr(why.text, "example.org"));
}

static void revocations_are_kept_in_order(void **state)
{
    CLEANUP(revoked_free) struct revoked list = {0};
    (void)state;

    for (unsigned i = 0; i < 200; i++) {
        struct revocation item = {
            i % 2 ? REVOKED_KEY : REVOKED_OBJECT, {{(uint8_t)(i * 37)}}, i, slice_str("x")};
        assert_int_equal(revoked_add(&list, &item), ERR_OK);
        assert_int_equal(revoked_add(&list, &item), ERR_OK); /* once is enough */
    }
    assert_int_equal(list.n, 200);
    assert_int_equal(revoked_check(&list, NULL), ERR_OK);
    for (unsigned i = 0; i < 200; i++) {
        const struct digest id = {{(uint8_t)(i * 37)}};
        assert_int_equal(revoked_find(&list, i % 2 ? REVOKED_KEY : REVOKED_OBJECT, &id)->since, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_is_read_back),
        cmocka_unit_test(payloads),
        cmocka_unit_test(claims),
        cmocka_unit_test(too_many_revocations),
        cmocka_unit_test(a_full_snapshot_fits),
        cmocka_unit_test(every_damage_is_refused),
        cmocka_unit_test(its_own_and_earlier_revocations_count),
        cmocka_unit_test(another_domain_is_refused),
        cmocka_unit_test(revocations_are_kept_in_order),
    };
    return cmocka_run_group_tests_name("snapshot", tests, setup, teardown);
}
