/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/text.h"
#include "gate/cose/cose_key.h"
#include "gate/policy/cast_testing.h"
#include "gate/policy/root_chain.h"

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
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(&cast), *got = NULL;
    CLEANUP(buf_free) struct buf bytes = {0}, payload = {0}, again = {0};
    struct digest digest;
    struct why why = {0};
    (void)state;

    meta->has_exp = true;
    meta->exp = 5000;
    bytes = cast_sign_root(&cast, meta, BY(ROOT_A));
    assert_int_equal(root_meta_parse(buf_slice(&bytes), &got, &why), ERR_OK);
    assert_int_equal(hash_sha256(buf_slice(&bytes), &digest), ERR_OK);
    assert_true(digest_eq(&got->digest, &digest));
    assert_true(slice_eq_str(got->domain, "example.org"));
    assert_int_equal(got->version, 1);
    assert_int_equal(got->iat, 1000);
    assert_true(got->has_exp && got->exp == 5000);
    assert_int_equal(got->n_keys, 10);
    assert_int_equal(got->roles[ROLE_ROOT].threshold, 2);
    assert_int_equal(got->roles[ROLE_OVERRIDE].n, 0);
    for (enum person who = ROOT_A; who <= RATCHET_B; who++)
        assert_true(
            hw_pubkey_eq(&root_key_find(got, &cast.kids[who])->key, &cast.signers[who]->key));
    assert_null(root_key_find(got, &cast.kids[STRANGER]));
    assert_true(root_holds(got, ROLE_RATCHET, &cast.kids[RATCHET_B]));
    assert_false(root_holds(got, ROLE_POLICY, &cast.kids[RATCHET_B]));
    /* the ratchet keeps its order: the primary key is the first branch in the hardware */
    assert_true(digest_eq(&got->keys[got->roles[ROLE_RATCHET].keys[0]].kid, &cast.kids[RATCHET_A]));

    assert_int_equal(root_meta_payload(meta, &payload, &why), ERR_OK);
    assert_int_equal(root_meta_payload(got, &again, &why), ERR_OK);
    assert_true(slice_eq(buf_slice(&payload), buf_slice(&again)));
}

/* Replaces every % in the pattern by the text. */
static void fill(const char *pattern, const char *text, char *ret, size_t size)
{
    size_t n = 0;

    for (; *pattern != '\0'; pattern++) {
        size_t len = *pattern == '%' ? strlen(text) : 1;
        assert_true(n + len < size);
        memcpy(ret + n, *pattern == '%' ? text : pattern, len);
        n += len;
    }
    ret[n] = '\0';
}

/* The keys of five people in the order of their kids, as the format wants them. */
static void sorted_keys(const enum person *who, size_t n, bool reverse, char *ret, size_t size)
{
    enum person order[CAST_END];
    char one[64];

    memcpy(order, who, n * sizeof *who);
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0; k--) {
            int cmp = slice_cmp(digest_slice(&cast.kids[order[k - 1]]),
                                digest_slice(&cast.kids[order[k]]));
            if ((cmp > 0) != reverse) {
                enum person swap = order[k];
                order[k] = order[k - 1];
                order[k - 1] = swap;
            }
        }
    ret[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(one, sizeof one, "kid(%d) key(%d) ", (int)order[i], (int)order[i]);
        assert_true(strlen(ret) + strlen(one) < size);
        memcpy(ret + strlen(ret), one, strlen(one) + 1);
    }
}

#define TAIL "\"domain\": \"example.org\", \"version\": 1}"
#define ROOT_ROLE "\"root\": [1, [kid(0)]]"
#define POLICY_ROLE ", \"policy\": [1, [kid(3)]]"
#define RATCHET_ROLE ", \"ratchet\": [1, [kid(8), kid(9)]]"
#define SNAPSHOT_ROLE ", \"snapshot\": [1, [kid(6)]]"
#define ROLES ROOT_ROLE POLICY_ROLE RATCHET_ROLE SNAPSHOT_ROLE

static const struct {
    const char *name, *payload; /* % stands for the five keys */
    err_code want;
} PAYLOADS[] = {
    {"good", "{\"keys\": {%}, \"roles\": {" ROLES "}, " TAIL, ERR_OK},
    {"not a map", "[1]", ERR_CBOR_TYPE},
    {"no keys", "{\"keys\": {}, \"roles\": {" ROLES "}, " TAIL, ERR_FORMAT},
    {"keys missing", "{\"roles\": {" ROLES "}, " TAIL, ERR_FORMAT},
    {"roles missing", "{\"keys\": {%}, " TAIL, ERR_FORMAT},
    {"domain missing", "{\"keys\": {%}, \"roles\": {" ROLES "}, \"version\": 1}", ERR_FORMAT},
    {"version missing", "{\"keys\": {%}, \"roles\": {" ROLES "}, \"domain\": \"example.org\"}",
     ERR_FORMAT},
    {"surplus member", "{\"keys\": {%}, \"more\": 1, \"roles\": {" ROLES "}, " TAIL, ERR_FORMAT},
    {"another domain in the claims",
     "{\"keys\": {%}, \"roles\": {" ROLES "}, \"domain\": \"example.com\", \"version\": 1}",
     ERR_FORMAT},
    {"domain in capitals",
     "{\"keys\": {%}, \"roles\": {" ROLES "}, \"domain\": \"Example.org\", \"version\": 1}",
     ERR_FORMAT},
    {"version 0",
     "{\"keys\": {%}, \"roles\": {" ROLES "}, \"domain\": \"example.org\", \"version\": 0}",
     ERR_FORMAT},
    {"version beyond 2^53",
     "{\"keys\": {%}, \"roles\": {" ROLES
     "}, \"domain\": \"example.org\", \"version\": 9007199254740992}",
     ERR_FORMAT},
    {"unknown role",
     "{\"keys\": {%}, \"roles\": {" ROOT_ROLE
     ", \"owner\": [1, [kid(0)]]" POLICY_ROLE RATCHET_ROLE SNAPSHOT_ROLE "}, " TAIL,
     ERR_FORMAT},
    {"no root role",
     "{\"keys\": {%}, \"roles\": {\"policy\": [1, [kid(0), kid(3)]]" RATCHET_ROLE SNAPSHOT_ROLE
     "}, " TAIL,
     ERR_FORMAT},
    {"no policy role",
     "{\"keys\": {%}, \"roles\": {\"root\": [1, [kid(0), kid(3)]]" RATCHET_ROLE SNAPSHOT_ROLE
     "}, " TAIL,
     ERR_FORMAT},
    {"no snapshot role",
     "{\"keys\": {%}, \"roles\": {\"root\": [1, [kid(0), kid(6)]]" POLICY_ROLE RATCHET_ROLE
     "}, " TAIL,
     ERR_FORMAT},
    {"no ratchet role",
     "{\"keys\": {%}, \"roles\": {\"root\": [1, [kid(0), kid(8), kid(9)]]" POLICY_ROLE SNAPSHOT_ROLE
     "}, " TAIL,
     ERR_FORMAT},
    {"threshold 0",
     "{\"keys\": {%}, \"roles\": {\"root\": [0, [kid(0)]]" POLICY_ROLE RATCHET_ROLE SNAPSHOT_ROLE
     "}, " TAIL,
     ERR_FORMAT},
    {"threshold above the keys",
     "{\"keys\": {%}, \"roles\": {\"root\": [2, [kid(0)]]" POLICY_ROLE RATCHET_ROLE SNAPSHOT_ROLE
     "}, " TAIL,
     ERR_FORMAT},
    {"one key twice for a threshold of 2",
     "{\"keys\": {%}, \"roles\": {\"root\": [2, [kid(0), kid(0)]]" POLICY_ROLE RATCHET_ROLE
         SNAPSHOT_ROLE "}, " TAIL,
     ERR_FORMAT},
    {"a role without keys",
     "{\"keys\": {%}, \"roles\": {\"root\": [1, [kid(0)]]" POLICY_ROLE RATCHET_ROLE
     ", \"approver\": [0, []]" SNAPSHOT_ROLE "}, " TAIL,
     ERR_FORMAT},
    {"a role names a key that is not listed",
     "{\"keys\": {%}, \"roles\": {\"root\": [1, [kid(0), kid(10)]]" POLICY_ROLE RATCHET_ROLE
         SNAPSHOT_ROLE "}, " TAIL,
     ERR_FORMAT},
    {"a key without a role",
     "{\"keys\": {%}, \"roles\": {\"root\": [1, [kid(3)]]" POLICY_ROLE RATCHET_ROLE SNAPSHOT_ROLE
     "}, " TAIL,
     ERR_FORMAT},
    {"one ratchet key",
     "{\"keys\": {%}, \"roles\": {\"root\": [1, [kid(0), kid(9)]]" POLICY_ROLE
     ", \"ratchet\": [1, [kid(8)]]" SNAPSHOT_ROLE "}, " TAIL,
     ERR_FORMAT},
    {"ratchet threshold 2",
     "{\"keys\": {%}, \"roles\": {" ROOT_ROLE POLICY_ROLE
     ", \"ratchet\": [2, [kid(8), kid(9)]]" SNAPSHOT_ROLE "}, " TAIL,
     ERR_FORMAT},
    {"threshold is text",
     "{\"keys\": {%}, \"roles\": {\"root\": [\"1\", [kid(0)]]" POLICY_ROLE RATCHET_ROLE
         SNAPSHOT_ROLE "}, " TAIL,
     ERR_CBOR_TYPE},
    {"three members in a role",
     "{\"keys\": {%}, \"roles\": {\"root\": [1, [kid(0)], 1]" POLICY_ROLE RATCHET_ROLE SNAPSHOT_ROLE
     "}, " TAIL,
     ERR_FORMAT},
    {"roles out of order",
     "{\"keys\": {%}, \"roles\": {" ROOT_ROLE SNAPSHOT_ROLE POLICY_ROLE RATCHET_ROLE "}, " TAIL,
     ERR_CBOR_NOT_DETERMINISTIC},
    {"kid of 31 bytes",
     "{\"keys\": {h'00000000000000000000000000000000000000000000000000000000000000' key(0)}, "
     "\"roles\": {" ROLES "}, " TAIL,
     ERR_FORMAT},
};

static err_code parse_payload(const char *notation, const char *keys, struct why *why)
{
    CLEANUP(buf_free) struct buf payload = {0}, bytes = {0};
    CLEANUP(root_meta_free) struct root_meta *meta = NULL;
    char text[2048];

    fill(notation, keys, text, sizeof text);
    payload = cast_cbor(&cast, text);
    bytes = cast_sign(&cast, ENVELOPE_ROOT, "example.org", buf_slice(&payload), BY(ROOT_A));
    return root_meta_parse(buf_slice(&bytes), &meta, why);
}

static void payloads(void **state)
{
    static const enum person FIVE[] = {ROOT_A, POLICY_A, SNAP_A, RATCHET_A, RATCHET_B};
    char keys[512], reversed[512];
    struct why why = {0};
    (void)state;

    sorted_keys(FIVE, 5, false, keys, sizeof keys);
    sorted_keys(FIVE, 5, true, reversed, sizeof reversed);
    for (size_t i = 0; i < sizeof PAYLOADS / sizeof *PAYLOADS; i++) {
        err_code got = parse_payload(PAYLOADS[i].payload, keys, &why);
        if (got != PAYLOADS[i].want)
            fail_msg("%s: %s (%s), want %s", PAYLOADS[i].name, err_name(got), why.text,
                     err_name(PAYLOADS[i].want));
    }
    assert_int_equal(parse_payload(PAYLOADS[0].payload, reversed, &why),
                     ERR_CBOR_NOT_DETERMINISTIC);
    /* a key under another key's id */
    assert_int_equal(
        parse_payload("{\"keys\": {kid(0) key(3)}, \"roles\": {" ROLES "}, " TAIL, keys, &why),
        ERR_FORMAT);
    assert_non_null(strstr(why.text, "thumbprint"));
}

/* One key has one encoding: a member more (here a kid, as COSE_Key may have) is refused, although
 * the thumbprint is the same. */
static void keys_stand_in_their_plain_form(void **state)
{
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(&cast), *got = NULL;
    CLEANUP(buf_free) struct buf payload = {0}, plain = {0}, longer = {0};
    struct cbor_writer w = cbor_write(&plain);
    uint8_t *at;
    struct why why = {0};
    (void)state;

    cose_key_put(&w, &cast.signers[ROOT_A]->key);
    assert_int_equal(cbor_written(&w), ERR_OK);
    assert_int_equal(root_meta_payload(meta, &payload, &why), ERR_OK);
    at = memmem(payload.ptr, payload.len, plain.ptr, plain.len);
    assert_non_null(at);
    assert_int_equal(plain.ptr[0], 0xa5); /* {1: 2, 3: -7, -1, -2, -3}; 2: h'00' goes second */
    assert_int_equal(buf_add(&longer, payload.ptr, (size_t)(at - payload.ptr)), ERR_OK);
    assert_int_equal(buf_add(&longer, "\xa6\x01\x02\x02\x41\x00", 6), ERR_OK);
    assert_int_equal(buf_add(&longer, at + 3, payload.len - (size_t)(at + 3 - payload.ptr)),
                     ERR_OK);
    assert_int_equal(root_meta_parse_payload(buf_slice(&payload), &got, &why), ERR_OK);
    assert_int_equal(root_meta_parse_payload(buf_slice(&longer), &got, &why), ERR_FORMAT);
    assert_non_null(strstr(why.text, "plain form"));
}

static void ratchet_keys_must_suit_a_tpm(void **state)
{
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(&cast), *got = NULL;
    CLEANUP(hw_signer_close) struct hw_signer *rsa = NULL;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct why why = {0};
    (void)state;

    assert_int_equal(root_give(meta, ROLE_RATCHET, &cast.signers[LATECOMER]->key, &why), ERR_OK);
    assert_int_equal(root_meta_check(meta, &why), ERR_FORMAT);
    assert_non_null(strstr(why.text, "ES384"));
    assert_int_equal(root_take(meta, ROLE_RATCHET, &cast.kids[LATECOMER], &why), ERR_OK);
    assert_int_equal(root_give(meta, ROLE_POLICY, &cast.signers[LATECOMER]->key, &why), ERR_OK);
    assert_int_equal(root_meta_check(meta, &why), ERR_OK);
    assert_int_equal(hw_signer_generate(HW_PS256, &rsa, &why), ERR_OK);
    assert_int_equal(root_give(meta, ROLE_RATCHET, &rsa->key, &why), ERR_OK);
    bytes = cast_sign_root(&cast, meta, BY(ROOT_A) | BY(ROOT_B));
    assert_int_equal(root_meta_parse(buf_slice(&bytes), &got, &why), ERR_OK);
    assert_true(hw_pubkey_eq(&got->keys[got->roles[ROLE_RATCHET].keys[2]].key, &rsa->key));
    assert_int_equal(root_verify_first(got, &JUDGE_SOFT, &why), ERR_OK);
}

static void roles_are_given_and_taken(void **state)
{
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(&cast);
    struct why why = {0};
    size_t before = meta->n_keys;
    (void)state;

    assert_int_equal(root_give(meta, ROLE_POLICY, &cast.signers[POLICY_A]->key, &why), ERR_EXISTS);
    assert_int_equal(root_give(meta, ROLE_SNAPSHOT, &cast.signers[POLICY_A]->key, &why), ERR_OK);
    assert_int_equal(meta->n_keys, before); /* one key, two roles */
    assert_int_equal(root_take(meta, ROLE_POLICY, &cast.kids[POLICY_A], &why), ERR_OK);
    assert_int_equal(meta->n_keys, before);
    assert_int_equal(root_take(meta, ROLE_SNAPSHOT, &cast.kids[POLICY_A], &why), ERR_OK);
    assert_int_equal(meta->n_keys, before - 1);
    assert_int_equal(root_take(meta, ROLE_SNAPSHOT, &cast.kids[POLICY_A], &why), ERR_NOT_FOUND);
    for (enum person who = ROOT_A; who <= RATCHET_B; who++)
        assert_true((root_key_find(meta, &cast.kids[who]) != NULL) == (who != POLICY_A));
    assert_true(root_holds(meta, ROLE_ROOT, &cast.kids[ROOT_C]));
    assert_true(root_holds(meta, ROLE_POLICY, &cast.kids[POLICY_C]));
    assert_true(root_holds(meta, ROLE_SNAPSHOT, &cast.kids[SNAP_B]));
    assert_true(root_holds(meta, ROLE_RATCHET, &cast.kids[RATCHET_A]));
    assert_int_equal(root_meta_check(meta, &why), ERR_OK);
    assert_int_equal(root_take(meta, ROLE_POLICY, &cast.kids[POLICY_B], &why), ERR_OK);
    assert_int_equal(root_meta_check(meta, &why), ERR_FORMAT); /* 2 of 1 */
}

static err_code first_holds(void *ctx, struct slice bytes)
{
    CLEANUP(root_meta_free) struct root_meta *meta = NULL;

    (void)ctx;
    TRY(root_meta_parse(bytes, &meta, NULL));
    return root_verify_first(meta, &JUDGE_SOFT, NULL);
}

static void every_damage_is_refused(void **state)
{
    static const enum person MORE[] = {ROOT_B,   ROOT_C, POLICY_A, POLICY_B,
                                       POLICY_C, SNAP_A, SNAP_B};
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(&cast);
    CLEANUP(buf_free) struct buf bytes = {0};
    (void)state;

    /* as small as it can be: every input costs a check of every point */
    for (size_t i = 0; i < sizeof MORE / sizeof *MORE; i++)
        for (enum root_role role = ROLE_ROOT; role < ROLE_END; role++)
            if (root_holds(meta, role, &cast.kids[MORE[i]]))
                assert_int_equal(root_take(meta, role, &cast.kids[MORE[i]], NULL), ERR_OK);
    assert_int_equal(root_give(meta, ROLE_POLICY, &cast.signers[ROOT_A]->key, NULL), ERR_OK);
    assert_int_equal(root_give(meta, ROLE_SNAPSHOT, &cast.signers[ROOT_A]->key, NULL), ERR_OK);
    meta->roles[ROLE_ROOT].threshold = 1;
    bytes = cast_sign_root(&cast, meta, BY(ROOT_A));
    cast_damage(buf_slice(&bytes), 1, first_holds, NULL);
}

/* Version 2 as made by change(), signed by these. */
struct step {
    const char *name;
    void (*change)(struct root_meta *next);
    unsigned by;
    err_code want;
};

static void nothing(struct root_meta *next)
{
    (void)next;
}

static void replace_all_root_keys(struct root_meta *next)
{
    for (enum person who = ROOT_A; who <= ROOT_C; who++)
        assert_int_equal(root_take(next, ROLE_ROOT, &cast.kids[who], NULL), ERR_OK);
    assert_int_equal(root_give(next, ROLE_ROOT, &cast.signers[STRANGER]->key, NULL), ERR_OK);
    assert_int_equal(root_give(next, ROLE_ROOT, &cast.signers[LATECOMER]->key, NULL), ERR_OK);
    next->roles[ROLE_ROOT].threshold = 2;
}

static void require_three(struct root_meta *next)
{
    next->roles[ROLE_ROOT].threshold = 3;
}

static void require_one(struct root_meta *next)
{
    next->roles[ROLE_ROOT].threshold = 1;
}

static void skip_one(struct root_meta *next)
{
    next->version = 3;
}

static void repeat(struct root_meta *next)
{
    next->version = 1;
}

static void move_domain(struct root_meta *next)
{
    next->domain = slice_str("example.com");
}

static const struct step STEPS[] = {
    {"two of the same three", nothing, BY(ROOT_A) | BY(ROOT_C), ERR_OK},
    {"one of three", nothing, BY(ROOT_A), ERR_THRESHOLD},
    {"policy keys", nothing, BY(POLICY_A) | BY(POLICY_B), ERR_SIGNER_UNKNOWN},
    {"one root key and policy keys", nothing, BY(ROOT_A) | BY(POLICY_A) | BY(POLICY_B),
     ERR_THRESHOLD},
    {"new keys, old and new signed", replace_all_root_keys,
     BY(ROOT_A) | BY(ROOT_B) | BY(STRANGER) | BY(LATECOMER), ERR_OK},
    {"new keys, only new signed", replace_all_root_keys, BY(STRANGER) | BY(LATECOMER),
     ERR_SIGNER_UNKNOWN},
    {"new keys, only old signed", replace_all_root_keys, BY(ROOT_A) | BY(ROOT_B),
     ERR_SIGNER_UNKNOWN},
    {"new keys, one old", replace_all_root_keys, BY(ROOT_A) | BY(STRANGER) | BY(LATECOMER),
     ERR_THRESHOLD},
    {"new keys, one new", replace_all_root_keys, BY(ROOT_A) | BY(ROOT_B) | BY(STRANGER),
     ERR_THRESHOLD},
    {"higher threshold, not met", require_three, BY(ROOT_A) | BY(ROOT_B), ERR_THRESHOLD},
    {"higher threshold, met", require_three, BY(ROOT_A) | BY(ROOT_B) | BY(ROOT_C), ERR_OK},
    {"lower threshold does not help", require_one, BY(ROOT_A), ERR_THRESHOLD},
    {"a version is missing", skip_one, BY(ROOT_A) | BY(ROOT_B), ERR_ROOT_SEQUENCE},
    {"a version is repeated", repeat, BY(ROOT_A) | BY(ROOT_B), ERR_ROOT_SEQUENCE},
    {"another domain", move_domain, BY(ROOT_A) | BY(ROOT_B), ERR_ROOT_UNTRUSTED},
};

static void chain(void **state)
{
    CLEANUP(root_meta_free) struct root_meta *first = NULL;
    CLEANUP(buf_free) struct buf first_bytes = {0};
    struct why why = {0};
    (void)state;

    first = cast_root(&cast, &first_bytes);
    assert_int_equal(root_verify_first(first, &JUDGE_SOFT, &why), ERR_OK);
    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++) {
        CLEANUP(root_meta_free) struct root_meta *made = cast_root_meta(&cast), *next = NULL;
        CLEANUP(buf_free) struct buf bytes = {0};
        err_code got;

        made->version = 2;
        STEPS[i].change(made);
        bytes = cast_sign_root(&cast, made, STEPS[i].by);
        assert_int_equal(root_meta_parse(buf_slice(&bytes), &next, &why), ERR_OK);
        got = root_verify_next(first, next, &JUDGE_SOFT, &why);
        if (got != STEPS[i].want)
            fail_msg("%s: %s (%s), want %s", STEPS[i].name, err_name(got), why.text,
                     err_name(STEPS[i].want));
        if (next->version != 1)
            assert_int_equal(root_verify_first(next, &JUDGE_SOFT, &why), ERR_ROOT_SEQUENCE);
    }
}

static struct digest digest_by(struct slice bytes)
{
    CLEANUP(root_meta_free) struct root_meta *meta = NULL;
    struct why why = {0};

    if (root_meta_parse(bytes, &meta, &why) != ERR_OK)
        fail_msg("%s", why.text);
    return meta->digest;
}

/* tag, 00, length of the protected header, header, payload: written out from docs/formats.md. */
static struct digest digest_by_hand(struct slice bytes)
{
    CLEANUP(buf_free) struct buf text = {0};
    struct cbor_reader r = cbor_read(bytes, CBOR_DETERMINISTIC);
    struct slice head, payload;
    struct digest digest;

    assert_int_equal(cbor_get_tag(&r), 98);
    assert_int_equal(cbor_get_array(&r), 4);
    head = cbor_get_bytes(&r);
    (void)cbor_get_item(&r);
    payload = cbor_get_bytes(&r);
    assert_int_equal(r.err, ERR_OK);
    assert_int_equal(buf_add(&text, "pawl-root-v1", 13), ERR_OK);
    assert_int_equal(buf_add_u64(&text, head.len), ERR_OK);
    assert_int_equal(buf_add_slice(&text, head), ERR_OK);
    assert_int_equal(buf_add_slice(&text, payload), ERR_OK);
    assert_int_equal(hash_sha256(buf_slice(&text), &digest), ERR_OK);
    return digest;
}

static void later_versions_are_told_by_what_is_signed(void **state)
{
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(&cast);
    (void)state;

    for (uint64_t version = 1; version <= 3; version++) {
        CLEANUP(buf_free) struct buf one = {0}, two = {0}, more = {0}, other = {0};
        struct digest want, plain;
        meta->version = version;
        one = cast_sign_root(&cast, meta, BY(ROOT_A) | BY(ROOT_B));
        two = cast_sign_root(&cast, meta, BY(ROOT_C));
        meta->iat++; /* a claim is signed, too */
        other = cast_sign_root(&cast, meta, BY(ROOT_A) | BY(ROOT_B));
        assert_int_equal(cose_sign_add(buf_slice(&one), cast.signers[STRANGER], &more, NULL),
                         ERR_OK);
        assert_int_equal(hash_sha256(buf_slice(&one), &plain), ERR_OK);
        want = version == 1 ? plain : digest_by_hand(buf_slice(&one));
        const struct digest got[] = {digest_by(buf_slice(&one)), digest_by(buf_slice(&two)),
                                     digest_by(buf_slice(&more)), digest_by(buf_slice(&other))};
        assert_true(digest_eq(&got[0], &want));
        assert_true(digest_eq(&got[1], &want) == (version > 1));
        assert_true(digest_eq(&got[2], &want) == (version > 1));
        assert_false(digest_eq(&got[3], &want));
        assert_true(digest_eq(&plain, &want) == (version == 1));
    }
}

static void one_version_has_one_digest(void **state)
{
    struct digest a = {{1}}, b = {{2}};
    struct why why = {0};
    (void)state;

    assert_int_equal(root_same(1, &a, &a, &why), ERR_OK);
    assert_int_equal(root_same(1, &a, &b, &why), ERR_ROOT_UNTRUSTED);
    assert_int_equal(root_same(2, &a, &b, &why), ERR_ROOT_EQUIVOCATION);
    assert_non_null(strstr(why.text, "sha256:01"));
    assert_non_null(strstr(why.text, "sha256:02"));
}

static void owner_takes_ratchet_of_the_first_and_anchors_of_the_newest(void **state)
{
    CLEANUP(root_meta_free) struct root_meta *first = NULL, *made = cast_root_meta(&cast);
    CLEANUP(buf_free) struct buf bytes = {0};
    struct hw_owner *owner = calloc(1, sizeof *owner);
    struct why why = {0};
    (void)state;

    assert_non_null(owner);
    first = cast_root(&cast, &bytes);
    made->version = 2;
    assert_int_equal(root_take(made, ROLE_POLICY, &cast.kids[POLICY_C], &why), ERR_OK);
    assert_int_equal(root_owner(first, made, slice_str("edge-7"), owner, &why), ERR_OK);
    assert_string_equal(owner->domain, "example.org");
    assert_string_equal(owner->gate, "edge-7");
    assert_true(digest_eq(&owner->root, &first->digest));
    assert_int_equal(owner->n_ratchet, 2);
    assert_true(hw_pubkey_eq(&owner->ratchet[0], &cast.signers[RATCHET_A]->key));
    assert_int_equal(owner->n_anchors, 9);
    assert_int_equal(root_take(made, ROLE_ROOT, &cast.kids[ROOT_C], &why), ERR_OK);
    assert_int_equal(root_owner(first, made, slice_str("edge-7"), owner, &why), ERR_OK);
    assert_int_equal(owner->n_anchors, 9); /* it has signed version 2, perhaps */
    assert_true(hw_pubkey_eq(&owner->anchors[8], &cast.signers[ROOT_C]->key));
    assert_int_equal(root_owner(first, made, slice_str("../x"), owner, &why), ERR_FORMAT);
    assert_int_equal(root_owner(made, made, slice_str("edge-7"), owner, &why), ERR_ROOT_UNTRUSTED);
    free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_is_read_back),
        cmocka_unit_test(payloads),
        cmocka_unit_test(keys_stand_in_their_plain_form),
        cmocka_unit_test(ratchet_keys_must_suit_a_tpm),
        cmocka_unit_test(roles_are_given_and_taken),
        cmocka_unit_test(every_damage_is_refused),
        cmocka_unit_test(chain),
        cmocka_unit_test(later_versions_are_told_by_what_is_signed),
        cmocka_unit_test(one_version_has_one_digest),
        cmocka_unit_test(owner_takes_ratchet_of_the_first_and_anchors_of_the_newest),
    };
    return cmocka_run_group_tests_name("root_meta", tests, setup, teardown);
}
