/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/term.h"

#include "gate/policy/cast_testing.h"
#include "gate/policy/grant.h"

#include <setjmp.h>
#include <stdarg.h>
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

static struct slice letters(size_t n)
{
    static uint8_t text[512];

    memset(text, 'a', sizeof text);
    return (struct slice){text, n};
}

/* Each octet in first and later place; each length. */
static void names(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        const uint8_t first[] = {(uint8_t)c, 'a'}, later[] = {'a', (uint8_t)c};
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        assert_int_equal(term_name_ok(SLICE_OF(first)), plain);
        assert_int_equal(term_name_ok(SLICE_OF(later)), plain || c == '.' || c == '_' || c == '-');
    }
    for (size_t n = 0; n < 300; n++)
        assert_int_equal(term_name_ok(letters(n)), n >= 1 && n <= TERM_NAME_MAX);
}

static void texts(void **state)
{
    static const char *const GOOD[] = {" ", "~", "\xc3\xa4", "a b", "\xf0\x9f\x98\x80"};
    static const char *const BAD[] = {
        "",     "\x1f",         "a\n",      "\x7f",         "\xff",
        "\xc3", "\xed\xa0\x80", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xae"};

    (void)state;
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++)
        assert_true(term_text_ok(slice_str(GOOD[i])));
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        assert_false(term_text_ok(slice_str(BAD[i])));
    for (size_t n = 0; n < 300; n++)
        assert_int_equal(term_text_ok(letters(n)), n >= 1 && n <= TERM_TEXT_MAX);
}

static void numbers_and_times(void **state)
{
    (void)state;
    assert_int_equal(term_number_check("x", 0, NULL), ERR_FORMAT);
    assert_int_equal(term_number_check("x", 1, NULL), ERR_OK);
    assert_int_equal(term_number_check("x", TERM_NUMBER_MAX, NULL), ERR_OK);
    assert_int_equal(term_number_check("x", TERM_NUMBER_MAX + 1, NULL), ERR_FORMAT);
    assert_int_equal(term_time_check("x", -1, NULL), ERR_FORMAT);
    assert_int_equal(term_time_check("x", 0, NULL), ERR_OK);
    assert_int_equal(term_time_check("x", TERM_TIME_MAX, NULL), ERR_OK);
    assert_int_equal(term_time_check("x", TERM_TIME_MAX + 1, NULL), ERR_FORMAT);
}

/* An array of so many texts of one letter. */
static err_code read_list(size_t n)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(term_list_free) struct term_list list = {0};
    struct cbor_writer w = cbor_write(&bytes);
    struct cbor_reader r;

    cbor_put_array(&w, n);
    for (size_t i = 0; i < n; i++)
        cbor_put_text(&w, "a");
    assert_int_equal(cbor_written(&w), ERR_OK);
    r = cbor_read(buf_slice(&bytes), CBOR_DETERMINISTIC);
    term_list_get(&r, &list);
    assert_int_equal(list.n, r.err == ERR_OK ? n : 0);
    return r.err;
}

static void lists(void **state)
{
    struct slice items[] = {slice_str("a"), slice_str("ab"), slice_str("b")};
    struct term_list list = {items, 3};

    (void)state;
    assert_int_equal(read_list(0), ERR_FORMAT);
    assert_int_equal(read_list(1), ERR_OK);
    assert_int_equal(read_list(TERM_LIST_MAX), ERR_OK);
    assert_int_equal(read_list(TERM_LIST_MAX + 1), ERR_TOO_LARGE);
    assert_int_equal(term_list_check("x", &list, NULL), ERR_OK);
    assert_true(term_list_has(&list, slice_str("ab")));
    assert_false(term_list_has(&list, slice_str("aa")));
    assert_false(term_list_has(&(struct term_list){0}, (struct slice){0}));
    items[2] = slice_str("ab");
    assert_int_equal(term_list_check("x", &list, NULL), ERR_FORMAT);
    items[2] = slice_str("aa");
    assert_int_equal(term_list_check("x", &list, NULL), ERR_FORMAT);
    items[2] = letters(TERM_TEXT_MAX + 1);
    assert_int_equal(term_list_check("x", &list, NULL), ERR_FORMAT);
    list.n = TERM_LIST_MAX + 1;
    assert_int_equal(term_list_check("x", &list, NULL), ERR_TOO_LARGE);
}

static err_code read_key(struct slice bytes, struct hw_pubkey *ret)
{
    struct cbor_reader r = cbor_read(bytes, CBOR_DETERMINISTIC);

    return term_key_get(&r, ret, NULL);
}

/* A key that says more of itself is the same key in other bytes. */
static void keys(void **state)
{
    CLEANUP(buf_free) struct buf plain = cast_cbor(&cast, "key(0)"), more = {0};
    struct hw_pubkey got = {0};

    (void)state;
    assert_int_equal(read_key(buf_slice(&plain), &got), ERR_OK);
    assert_true(hw_pubkey_eq(&got, &cast.signers[0]->key));
    assert_int_equal(plain.ptr[0], 0xa5); /* {1: 2, 3: -7, -1: 1, -2: x, -3: y}, and 2: kid */
    assert_int_equal(buf_add_u8(&more, 0xa6), ERR_OK);
    assert_int_equal(buf_add(&more, plain.ptr + 1, 2), ERR_OK);
    assert_int_equal(buf_add(&more, "\x02\x41x", 3), ERR_OK);
    assert_int_equal(buf_add(&more, plain.ptr + 3, plain.len - 3), ERR_OK);
    got = (struct hw_pubkey){0};
    assert_int_equal(read_key(buf_slice(&more), &got), ERR_FORMAT);
    assert_int_not_equal(read_key(slice_part(buf_slice(&plain), 0, plain.len - 1), &got), ERR_OK);
    assert_int_equal(got.alg, HW_ALG_NONE);
}

static void links(void **state)
{
    const struct term_link none = {0}, some = {.present = true};

    (void)state;
    assert_int_equal(term_link_check("x", 1, &none, NULL), ERR_OK);
    assert_int_equal(term_link_check("x", 1, &some, NULL), ERR_FORMAT);
    assert_int_equal(term_link_check("x", 2, &none, NULL), ERR_FORMAT);
    assert_int_equal(term_link_check("x", 2, &some, NULL), ERR_OK);
}

/* What a gate's Names are made from is version 1, whatever version is in force. */
static void plans_are_of_version_1(void **state)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(root_meta_free) struct root_meta *root = cast_root(&cast, &bytes);
    struct tpm_plan plan;

    (void)state;
    assert_int_equal(grant_plan(root, 0x01800100, 64, &plan, NULL), ERR_OK);
    root->version = 2;
    assert_int_equal(grant_plan(root, 0x01800100, 64, &plan, NULL), ERR_ROOT_SEQUENCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(texts),
        cmocka_unit_test(numbers_and_times),
        cmocka_unit_test(lists),
        cmocka_unit_test(keys),
        cmocka_unit_test(links),
        cmocka_unit_test(plans_are_of_version_1),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
