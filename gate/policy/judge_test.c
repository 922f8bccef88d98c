/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/cast_testing.h"

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

/* role policy: 2 of POLICY_A, POLICY_B, POLICY_C */
static const struct {
    const char *name;
    unsigned by, revoked;
    err_code want;
    size_t counted;
} COUNTS[] = {
    {"two", BY(POLICY_A) | BY(POLICY_C), 0, ERR_OK, 2},
    {"three", BY(POLICY_A) | BY(POLICY_B) | BY(POLICY_C), 0, ERR_OK, 3},
    {"two and a stranger", BY(POLICY_A) | BY(POLICY_B) | BY(STRANGER), 0, ERR_OK, 2},
    {"one", BY(POLICY_B), 0, ERR_THRESHOLD, 0},
    {"one and a stranger", BY(POLICY_B) | BY(STRANGER), 0, ERR_THRESHOLD, 0},
    {"a stranger", BY(STRANGER), 0, ERR_SIGNER_UNKNOWN, 0},
    {"keys of another role", BY(ROOT_A) | BY(ROOT_B) | BY(SNAP_A), 0, ERR_SIGNER_UNKNOWN, 0},
    {"one, the other of another role", BY(POLICY_A) | BY(ROOT_B), 0, ERR_THRESHOLD, 0},
    {"two, one revoked", BY(POLICY_A) | BY(POLICY_B), BY(POLICY_A), ERR_REVOKED, 0},
    {"two, both revoked", BY(POLICY_A) | BY(POLICY_B), BY(POLICY_A) | BY(POLICY_B), ERR_REVOKED, 0},
    {"three, one revoked", BY(POLICY_A) | BY(POLICY_B) | BY(POLICY_C), BY(POLICY_B), ERR_OK, 2},
    {"one, another revoked", BY(POLICY_A), BY(POLICY_B), ERR_THRESHOLD, 0},
    {"one, revoked itself", BY(POLICY_A), BY(POLICY_A), ERR_THRESHOLD, 0},
};

/* The list of these people, in order. */
static struct revoked revoke(unsigned who)
{
    struct revoked list = {0};

    for (int i = 0; i < CAST_END; i++) {
        const struct revocation item = {
            .kind = REVOKED_KEY, .id = cast.kids[i], .since = 5, .reason = slice_str("lost")};
        if ((who & BY(i)) != 0)
            assert_int_equal(revoked_add(&list, &item), ERR_OK);
    }
    assert_int_equal(revoked_check(&list, NULL), ERR_OK);
    return list;
}

static void counts(void **state)
{
    struct policy_object object = cast_policy();
    struct judge_count *count = calloc(1, sizeof *count);
    (void)state;

    assert_non_null(count);
    for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++) {
        CLEANUP(buf_free) struct buf bytes = cast_sign_policy(&cast, &object, COUNTS[i].by);
        CLEANUP(revoked_free) struct revoked revoked = revoke(COUNTS[i].revoked);
        CLEANUP(policy_free) struct policy_object parsed = {0};
        struct judge_rule rule = {.root = root, .role = ROLE_POLICY, .revoked = {&revoked}};
        struct envelope envelope;
        struct why why = {0};
        err_code got, again;

        count->n = 0;
        assert_int_equal(envelope_open(buf_slice(&bytes), ENVELOPE_POLICY, &envelope, &why),
                         ERR_OK);
        got = judge_object(&JUDGE_SOFT, &envelope, &rule, count, &why);
        if (got != COUNTS[i].want || count->n != COUNTS[i].counted)
            fail_msg("%s: %s (%s), %zu counted; want %s, %zu", COUNTS[i].name, err_name(got),
                     why.text, count->n, err_name(COUNTS[i].want), COUNTS[i].counted);
        for (size_t k = 0; k < count->n; k++)
            assert_int_equal(hw_verify_soft(&count->statements[k], NULL), ERR_OK);

        /* a list in the other place counts the same, and so does a count without signatures */
        rule.revoked[1] = rule.revoked[0];
        rule.revoked[0] = NULL;
        assert_int_equal(policy_parse(buf_slice(&bytes), &parsed, &why), ERR_OK);
        again = judge_again(parsed.signers, parsed.n_signers, &rule, "policy object", &why);
        assert_int_equal(again, COUNTS[i].want);
        assert_int_equal(policy_verify(&parsed, root, &revoked, &JUDGE_SOFT, &why), COUNTS[i].want);
    }
    free(count);
}

/* A role that the root metadata does not have needs no keys, but nobody holds it either. */
static void a_role_that_is_not_there(void **state)
{
    struct policy_object object = cast_policy();
    CLEANUP(buf_free)
    struct buf bytes = cast_sign_policy(&cast, &object, BY(POLICY_A) | BY(POLICY_B));
    const struct judge_rule rule = {.root = root, .role = ROLE_OVERRIDE};
    struct envelope envelope;
    (void)state;

    assert_int_equal(root->roles[ROLE_OVERRIDE].threshold, 0);
    assert_int_equal(envelope_open(buf_slice(&bytes), ENVELOPE_POLICY, &envelope, NULL), ERR_OK);
    assert_int_equal(judge_object(&JUDGE_SOFT, &envelope, &rule, NULL, NULL), ERR_SIGNER_UNKNOWN);
    assert_int_equal(judge_again(&cast.kids[POLICY_A], 1, &rule, "x", NULL), ERR_SIGNER_UNKNOWN);
    assert_int_equal(judge_again(NULL, 0, &rule, "x", NULL), ERR_SIGNER_UNKNOWN);
}

static void refusals_name_both_numbers(void **state)
{
    struct policy_object object = cast_policy();
    CLEANUP(buf_free) struct buf bytes = cast_sign_policy(&cast, &object, BY(POLICY_A));
    CLEANUP(policy_free) struct policy_object parsed = {0};
    struct why why = {0};
    (void)state;

    assert_int_equal(policy_parse(buf_slice(&bytes), &parsed, &why), ERR_OK);
    assert_int_equal(policy_verify(&parsed, root, NULL, &JUDGE_SOFT, &why), ERR_THRESHOLD);
    assert_non_null(strstr(why.text, "1 keys of the role policy have signed, 2 are needed"));
    assert_non_null(strstr(why.text, "policy object \"deploy\""));
}

/* Writes the message anew with one signature repeated n times, which no writer of ours does. */
static struct buf repeat_signature(struct slice message, size_t n)
{
    struct cbor_reader r = cbor_read(message, CBOR_DETERMINISTIC);
    struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);
    struct slice one;

    cbor_put_tag(&w, cbor_get_tag(&r));
    cbor_put_array(&w, cbor_get_array(&r));
    for (int i = 0; i < 3; i++)
        cbor_put_item(&w, cbor_get_item(&r));
    assert_int_equal(cbor_get_array(&r), 1);
    one = cbor_get_item(&r);
    cbor_put_array(&w, n);
    for (size_t i = 0; i < n; i++)
        cbor_put_item(&w, one);
    assert_int_equal(cbor_written(&w), ERR_OK);
    return out;
}

static void one_key_that_signs_twice_counts_once(void **state)
{
    struct policy_object object = cast_policy();
    CLEANUP(buf_free) struct buf once = cast_sign_policy(&cast, &object, BY(POLICY_A));
    CLEANUP(buf_free) struct buf twice = repeat_signature(buf_slice(&once), 2);
    CLEANUP(buf_free) struct buf often = repeat_signature(buf_slice(&once), COSE_SIGNATURES_MAX);
    CLEANUP(policy_free) struct policy_object parsed = {0};
    CLEANUP(revoked_free) struct revoked revoked = revoke(BY(POLICY_A));
    struct why why = {0};
    (void)state;

    assert_int_equal(policy_parse(buf_slice(&twice), &parsed, &why), ERR_OK);
    assert_int_equal(parsed.n_signers, 1);
    assert_int_equal(policy_verify(&parsed, root, NULL, &JUDGE_SOFT, &why), ERR_THRESHOLD);
    /* as a revoked one it counts once, too: two would not have been enough */
    assert_int_equal(policy_verify(&parsed, root, &revoked, &JUDGE_SOFT, &why), ERR_THRESHOLD);
    assert_int_equal(policy_parse(buf_slice(&often), &parsed, &why), ERR_OK);
    assert_int_equal(policy_verify(&parsed, root, NULL, &JUDGE_SOFT, &why), ERR_THRESHOLD);
}

/* Takes the signatures of one message and the rest of another. */
static struct buf graft(struct slice body, struct slice signatures)
{
    struct cbor_reader from = cbor_read(body, CBOR_DETERMINISTIC);
    struct cbor_reader sigs = cbor_read(signatures, CBOR_DETERMINISTIC);
    struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);

    cbor_put_tag(&w, cbor_get_tag(&from));
    cbor_put_array(&w, cbor_get_array(&from));
    (void)cbor_get_tag(&sigs);
    (void)cbor_get_array(&sigs);
    for (int i = 0; i < 3; i++) {
        cbor_put_item(&w, cbor_get_item(&from));
        (void)cbor_get_item(&sigs);
    }
    cbor_put_item(&w, cbor_get_item(&sigs));
    assert_int_equal(cbor_written(&w), ERR_OK);
    return out;
}

static void one_bad_signature_of_the_role_refuses_all(void **state)
{
    struct policy_object object = cast_policy(), other = cast_policy();
    CLEANUP(buf_free)
    struct buf good = cast_sign_policy(&cast, &object, BY(POLICY_A) | BY(POLICY_B) | BY(POLICY_C));
    CLEANUP(policy_free) struct policy_object parsed = {0};
    CLEANUP(buf_free) struct buf bad = {0}, strangers = {0};
    struct hw_signer *stranger[] = {cast.signers[STRANGER]};
    struct why why = {0};
    (void)state;

    other.text.policies = slice_str("forbid (principal, action, resource);");
    /* enough would be valid, but the third one is not */
    assert_int_equal(buf_add_slice(&bad, buf_slice(&good)), ERR_OK);
    bad.ptr[bad.len - 1] ^= 1;
    assert_int_equal(policy_parse(buf_slice(&bad), &parsed, &why), ERR_OK);
    assert_int_equal(policy_verify(&parsed, root, NULL, &JUDGE_SOFT, &why), ERR_SIGNATURE_INVALID);
    assert_non_null(strstr(why.text, "signature 3 of 3"));

    /* a stranger's bad signature is nobody's */
    assert_int_equal(cose_sign_add(buf_slice(&good), stranger[0], &strangers, &why), ERR_OK);
    strangers.ptr[strangers.len - 1] ^= 1;
    assert_int_equal(policy_parse(buf_slice(&strangers), &parsed, &why), ERR_OK);
    assert_int_equal(policy_verify(&parsed, root, NULL, &JUDGE_SOFT, &why), ERR_OK);

    /* signatures of one content under another */
    {
        CLEANUP(buf_free)
        struct buf body = cast_sign_policy(&cast, &other, BY(POLICY_A) | BY(POLICY_B));
        CLEANUP(buf_free) struct buf mixed = graft(buf_slice(&body), buf_slice(&good));
        assert_int_equal(policy_parse(buf_slice(&mixed), &parsed, &why), ERR_OK);
        assert_int_equal(policy_verify(&parsed, root, NULL, &JUDGE_SOFT, &why),
                         ERR_SIGNATURE_INVALID);
    }
}

/* One key may hold two roles. What it signed in the one must not pass in the other. */
static void a_signature_is_of_one_type(void **state)
{
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(&cast), *both = NULL;
    struct snapshot snapshot = {.domain = slice_str("example.org"),
                                .epoch = 1,
                                .root_version = 1,
                                .iat = 1000,
                                .exp = 9000};
    CLEANUP(buf_free) struct buf meta_bytes = {0}, as_snapshot = {0}, as_root = {0}, mixed = {0};
    CLEANUP(snapshot_free) struct snapshot parsed = {0};
    CLEANUP(root_meta_free) struct root_meta *none = NULL;
    struct policy_object policy = {0};
    struct envelope envelope;
    struct why why = {0};
    (void)state;

    assert_int_equal(root_give(meta, ROLE_SNAPSHOT, &cast.signers[ROOT_A]->key, &why), ERR_OK);
    meta_bytes = cast_sign_root(&cast, meta, BY(ROOT_A) | BY(ROOT_B));
    assert_int_equal(root_meta_parse(buf_slice(&meta_bytes), &both, &why), ERR_OK);

    as_snapshot = cast_sign_snapshot(&cast, &snapshot, BY(ROOT_A));
    assert_int_equal(snapshot_parse(buf_slice(&as_snapshot), &parsed, &why), ERR_OK);
    assert_int_equal(snapshot_verify(&parsed, both, NULL, &JUDGE_SOFT, NULL, &why), ERR_OK);

    /* the whole message as another type */
    assert_int_equal(root_meta_parse(buf_slice(&as_snapshot), &none, &why), ERR_FORMAT);
    assert_non_null(strstr(why.text, "application/pawl-snapshot+cose"));
    assert_non_null(strstr(why.text, "application/pawl-root+cose"));
    assert_int_equal(policy_parse(buf_slice(&as_snapshot), &policy, &why), ERR_FORMAT);

    /* the payload of a snapshot, signed as root metadata by the same key, under a snapshot's body
     */
    assert_int_equal(envelope_open(buf_slice(&as_snapshot), ENVELOPE_SNAPSHOT, &envelope, &why),
                     ERR_OK);
    as_root = cast_sign(&cast, ENVELOPE_ROOT, "example.org", envelope.cose.payload, BY(ROOT_A));
    mixed = graft(buf_slice(&as_snapshot), buf_slice(&as_root));
    assert_int_equal(snapshot_parse(buf_slice(&mixed), &parsed, &why), ERR_OK);
    assert_int_equal(snapshot_verify(&parsed, both, NULL, &JUDGE_SOFT, NULL, &why),
                     ERR_SIGNATURE_INVALID);
}

static err_code hardware_is_gone(void *ctx, const struct hw_statement *statement, struct why *why)
{
    (void)statement;
    (*(int *)ctx)++;
    return why_say(why, ERR_TPM_FAILED, "the cable is out");
}

static void what_the_hardware_says_is_passed_on(void **state)
{
    struct policy_object object = cast_policy();
    CLEANUP(buf_free)
    struct buf bytes = cast_sign_policy(&cast, &object, BY(POLICY_A) | BY(POLICY_B));
    CLEANUP(policy_free) struct policy_object parsed = {0};
    int asked = 0;
    const struct judge judge = {hardware_is_gone, &asked};
    struct why why = {0};
    (void)state;

    assert_int_equal(policy_parse(buf_slice(&bytes), &parsed, &why), ERR_OK);
    assert_int_equal(policy_verify(&parsed, root, NULL, &judge, &why), ERR_TPM_FAILED);
    assert_string_equal(why.text, "the cable is out");
    assert_int_equal(asked, 1);
}

static void a_wrong_algorithm_under_a_listed_kid_is_refused(void **state)
{
    struct policy_object object = cast_policy();
    CLEANUP(buf_free) struct buf bytes = cast_sign_policy(&cast, &object, BY(LATECOMER));
    CLEANUP(policy_free) struct policy_object parsed = {0};
    uint8_t *kid;
    (void)state;

    /* ES384 in the header, the kid of an ES256 key */
    kid = memmem(bytes.ptr, bytes.len, cast.kids[LATECOMER].bytes, SHA256_LEN);
    assert_non_null(kid);
    memcpy(kid, cast.kids[POLICY_A].bytes, SHA256_LEN);
    assert_int_equal(policy_parse(buf_slice(&bytes), &parsed, NULL), ERR_OK);
    assert_int_equal(policy_verify(&parsed, root, NULL, &JUDGE_SOFT, NULL), ERR_COSE_ALG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(a_role_that_is_not_there),
        cmocka_unit_test(refusals_name_both_numbers),
        cmocka_unit_test(one_key_that_signs_twice_counts_once),
        cmocka_unit_test(one_bad_signature_of_the_role_refuses_all),
        cmocka_unit_test(a_signature_is_of_one_type),
        cmocka_unit_test(what_the_hardware_says_is_passed_on),
        cmocka_unit_test(a_wrong_algorithm_under_a_listed_kid_is_refused),
    };
    return cmocka_run_group_tests_name("judge", tests, setup, teardown);
}
