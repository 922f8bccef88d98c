/* SPDX-License-Identifier: Apache-2.0 */
/* root_limits_test.c: how many keys, of which roles, and who says so: each limit and one more. */
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

/* before, so many digests one after the other with a value each, after. */
static err_code parse_filled(const char *before, const char *value, size_t n, const char *after)
{
    CLEANUP(buf_free) struct buf payload = {0};
    CLEANUP(root_meta_free) struct root_meta *got = NULL;
    static char text[16384];
    size_t len;

    (void)snprintf(text, sizeof text, "%s", before);
    for (size_t i = 0; i < n; i++) {
        len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, "h'%064zx' %s ", i, value);
    }
    len = strlen(text);
    (void)snprintf(text + len, sizeof text - len, "%s", after);
    payload = cast_cbor(&cast, text);
    return root_meta_parse_payload(buf_slice(&payload), &got, NULL);
}

/* Keys go into arrays: refused before the first that has no room. */
static void more_keys_than_there_is_room_for(void **state)
{
    static const char KEYS[] = "{\"keys\": {",
                      ROLE[] = "{\"keys\": {}, \"roles\": {\"root\": [1, [";
    (void)state;

    assert_int_equal(parse_filled(KEYS, "0", ROOT_KEYS_MAX, "}}"), ERR_KEY_MALFORMED);
    assert_int_equal(parse_filled(KEYS, "0", ROOT_KEYS_MAX + 1, "}}"), ERR_TOO_LARGE);
    assert_int_equal(parse_filled(ROLE, "", ROOT_KEYS_MAX, "]]}}"), ERR_FORMAT);
    assert_int_equal(parse_filled(ROLE, "", ROOT_KEYS_MAX + 1, "]]}}"), ERR_TOO_LARGE);
}

/* Structs that no reader makes. */
static void filled_by_hand(void **state)
{
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(&cast);
    struct root_key swap = meta->keys[0];
    size_t n = meta->n_keys;
    (void)state;

    assert_int_equal(root_meta_check(meta, NULL), ERR_OK);
    meta->n_keys = 0;
    assert_int_equal(root_meta_check(meta, NULL), ERR_FORMAT);
    meta->n_keys = ROOT_KEYS_MAX + 1;
    assert_int_equal(root_meta_check(meta, NULL), ERR_FORMAT);
    meta->n_keys = n;
    meta->roles[ROLE_POLICY].keys[0] = (uint8_t)n;
    assert_int_equal(root_meta_check(meta, NULL), ERR_FORMAT);
    root_meta_free(&meta);
    meta = cast_root_meta(&cast);
    meta->keys[0] = meta->keys[1];
    meta->keys[1] = swap; /* each still holds a role, whichever it is */
    for (enum root_role role = ROLE_ROOT; role < ROLE_END; role++)
        for (size_t i = 0; i < meta->roles[role].n; i++)
            if (meta->roles[role].keys[i] < 2)
                meta->roles[role].keys[i] ^= 1;
    assert_int_equal(root_meta_check(meta, NULL), ERR_FORMAT);
}

/* The first n keys hold the role; every key holds some role. */
static err_code check_holders(enum root_role role, size_t threshold, size_t n)
{
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(&cast);
    struct root_holders *all = &meta->roles[ROLE_APPROVER], *h = &meta->roles[role];

    assert_true(n <= meta->n_keys);
    *all = (struct root_holders){.threshold = 1, .n = meta->n_keys};
    *h = (struct root_holders){.threshold = threshold, .n = n};
    for (size_t i = 0; i < ROOT_KEYS_MAX; i++)
        all->keys[i] = h->keys[i] = (uint8_t)i;
    return root_meta_check(meta, NULL);
}

static void how_many_of_how_many(void **state)
{
    (void)state;
    assert_int_equal(check_holders(ROLE_ROOT, ROLE_THRESHOLD_MAX, ROLE_THRESHOLD_MAX + 1), ERR_OK);
    assert_int_equal(check_holders(ROLE_ROOT, ROLE_THRESHOLD_MAX + 1, ROLE_THRESHOLD_MAX + 1),
                     ERR_FORMAT);
    assert_int_equal(check_holders(ROLE_ROOT, 3, 2), ERR_FORMAT);
    assert_int_equal(check_holders(ROLE_ROOT, 0, 2), ERR_FORMAT);
    assert_int_equal(check_holders(ROLE_OVERRIDE, 0, 2), ERR_FORMAT);
    assert_int_equal(check_holders(ROLE_OVERRIDE, 1, 0), ERR_FORMAT);
    assert_int_equal(check_holders(ROLE_OVERRIDE, 0, 0), ERR_OK);
    assert_int_equal(check_holders(ROLE_RATCHET, 1, HW_RATCHET_MAX), ERR_OK);
    assert_int_equal(check_holders(ROLE_RATCHET, 1, HW_RATCHET_MAX + 1), ERR_FORMAT);
    assert_int_equal(check_holders(ROLE_RATCHET, 1, ROOT_RATCHET_MIN), ERR_OK);
    assert_int_equal(check_holders(ROLE_RATCHET, 1, ROOT_RATCHET_MIN - 1), ERR_FORMAT);
    assert_int_equal(check_holders(ROLE_RATCHET, 2, ROOT_RATCHET_MIN), ERR_FORMAT);
}

/* Issuer and subject are the domain, each of them. */
static void claims(void **state)
{
    static const char *const CASES[][2] = {{"example.org", "example.org"},
                                           {"example.com", "example.org"},
                                           {"example.org", "example.com"}};
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(&cast);
    CLEANUP(buf_free) struct buf payload = {0};
    (void)state;

    assert_int_equal(root_meta_payload(meta, &payload, NULL), ERR_OK);
    for (size_t i = 0; i < 3; i++) {
        const struct cose_header_spec spec = {.typ = "application/pawl-root+cose",
                                              .claims = {.iss = slice_str(CASES[i][0]),
                                                         .sub = slice_str(CASES[i][1]),
                                                         .has_iat = true,
                                                         .iat = 1000}};
        CLEANUP(buf_free) struct buf bytes = {0};
        CLEANUP(root_meta_free) struct root_meta *got = NULL;
        assert_int_equal(
            cose_sign_make(&cast.signers[ROOT_A], 1, &spec, buf_slice(&payload), &bytes, NULL),
            ERR_OK);
        assert_int_equal(root_meta_parse(buf_slice(&bytes), &got, NULL),
                         i == 0 ? ERR_OK : ERR_FORMAT);
    }
}

/* One key more than there is room for, and one that is none. */
static void keys_that_are_not_given(void **state)
{
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(&cast);
    const struct hw_pubkey none = {.alg = HW_ES256};
    size_t n = meta->n_keys;
    (void)state;

    assert_int_not_equal(root_give(meta, ROLE_POLICY, &none, NULL), ERR_OK);
    assert_int_equal(meta->n_keys, n);
    for (; meta->n_keys < ROOT_KEYS_MAX; meta->n_keys++)
        memset(meta->keys[meta->n_keys].kid.bytes, 0xff, SHA256_LEN);
    assert_int_equal(root_give(meta, ROLE_POLICY, &cast.signers[STRANGER]->key, NULL), ERR_FORMAT);
    assert_int_equal(meta->n_keys, ROOT_KEYS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_keys_than_there_is_room_for),
        cmocka_unit_test(filled_by_hand),
        cmocka_unit_test(how_many_of_how_many),
        cmocka_unit_test(claims),
        cmocka_unit_test(keys_that_are_not_given),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
