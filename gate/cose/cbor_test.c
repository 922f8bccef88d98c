/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/hash.h"
#include "gate/cose/cbor.h"
#include "gate/cose/cose_testing.h"

/* ---- reader ---------------------------------------------------------------------------------- */

static void each_type_is_read(void **state)
{
    CLEANUP(buf_free)
    struct buf bytes = unhex("8c"
                             "1903e8"
                             "3903e7"
                             "4401020304"
                             "6449455446"
                             "f5"
                             "f6"
                             "d86401"
                             "820102"
                             "a10102"
                             "f93c00"
                             "f7"
                             "00");
    struct cbor_reader r = cbor_read(buf_slice(&bytes), CBOR_DETERMINISTIC);
    (void)state;

    assert_int_equal(cbor_get_array(&r), 12);
    assert_false(cbor_get_null(&r));
    assert_int_equal(cbor_peek(&r), CBOR_UINT);
    assert_int_equal(cbor_get_uint(&r), 1000);
    assert_int_equal(cbor_peek(&r), CBOR_NEGATIVE);
    assert_int_equal(cbor_get_int(&r), -1000);
    assert_int_equal(cbor_peek(&r), CBOR_BYTES);
    assert_int_equal(cbor_get_bytes(&r).len, 4);
    assert_int_equal(cbor_peek(&r), CBOR_TEXT);
    assert_true(slice_eq_str(cbor_get_text(&r), "IETF"));
    assert_int_equal(cbor_peek(&r), CBOR_BOOL);
    assert_true(cbor_get_bool(&r));
    assert_int_equal(cbor_peek(&r), CBOR_NULL);
    assert_true(cbor_get_null(&r));
    assert_int_equal(cbor_peek(&r), CBOR_TAG);
    assert_int_equal(cbor_get_tag(&r), 100);
    assert_int_equal(cbor_get_int(&r), 1);
    assert_int_equal(cbor_peek(&r), CBOR_ARRAY);
    assert_int_equal(cbor_get_item(&r).len, 3);
    assert_int_equal(cbor_peek(&r), CBOR_MAP);
    assert_int_equal(cbor_get_map(&r), 1);
    assert_int_equal(cbor_get_uint(&r) + cbor_get_uint(&r), 3);
    assert_int_equal(cbor_peek(&r), CBOR_FLOAT);
    assert_int_equal(cbor_get_item(&r).len, 3);
    assert_int_equal(cbor_peek(&r), CBOR_SIMPLE);
    assert_int_equal(cbor_get_item(&r).len, 1);
    assert_int_equal(cbor_done(&r), ERR_CBOR_TRAILING);
    assert_int_equal(cbor_get_uint(&r), 0);
    assert_int_equal(cbor_done(&r), ERR_OK);
    assert_int_equal(cbor_peek(&r), CBOR_NONE);
    assert_int_equal(cbor_get_item(&r).len, 0);
    assert_int_equal(cbor_done(&r), ERR_CBOR_TYPE);
}

static void the_first_failure_sticks(void **state)
{
    CLEANUP(buf_free)
    struct buf bytes = unhex("820161"
                             "61");
    struct cbor_reader r = cbor_read(buf_slice(&bytes), CBOR_DETERMINISTIC);
    struct digest digest;
    (void)state;

    assert_int_equal(cbor_get_array(&r), 2);
    assert_int_equal(cbor_get_text(&r).len, 0);
    assert_int_equal(r.err, ERR_CBOR_TYPE);
    cbor_fail(&r, ERR_FORMAT);
    assert_int_equal(cbor_get_uint(&r), 0);
    assert_int_equal(cbor_get_int(&r), 0);
    assert_int_equal(cbor_get_item(&r).len, 0);
    assert_int_equal(cbor_get_array(&r), 0);
    assert_false(cbor_get_null(&r));
    assert_int_equal(cbor_peek(&r), CBOR_NONE);
    memset(&digest, 0xee, sizeof digest);
    cbor_get_digest(&r, &digest);
    assert_int_equal(digest.bytes[0], 0);
    assert_int_equal(cbor_done(&r), ERR_CBOR_TYPE);
    r = cbor_read((struct slice){bytes.ptr, 1}, CBOR_DETERMINISTIC);
    assert_int_equal(cbor_get_array(&r), 0);
    assert_int_equal(cbor_done(&r), ERR_CBOR_MALFORMED);
}

static const struct {
    const char *hex;
    int64_t value;
    err_code want;
} INTS[] = {
    {"1b7fffffffffffffff", INT64_MAX, ERR_OK},
    {"3b7fffffffffffffff", INT64_MIN, ERR_OK},
    {"1b8000000000000000", 0, ERR_CBOR_TYPE},
    {"3b8000000000000000", 0, ERR_CBOR_TYPE},
    {"20", -1, ERR_OK},
    {"f4", 0, ERR_CBOR_TYPE},
    {"6130", 0, ERR_CBOR_TYPE},
};

static void integers_stay_in_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(INTS); i++) {
        CLEANUP(buf_free) struct buf bytes = unhex(INTS[i].hex);
        struct cbor_reader r = cbor_read(buf_slice(&bytes), CBOR_DETERMINISTIC);
        int64_t got = cbor_get_int(&r);

        if (got != INTS[i].value || r.err != INTS[i].want)
            fail_msg("%s: got %lld and %s", INTS[i].hex, (long long)got, err_name(r.err));
    }
}

static void a_digest_has_32_bytes(void **state)
{
    (void)state;
    for (size_t len = 31; len <= 33; len++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct cbor_writer w = cbor_write(&bytes);
        struct cbor_reader r;
        struct digest digest, want;
        uint8_t content[33];

        memset(content, 7, sizeof content);
        memset(&want, len == 32 ? 7 : 0, sizeof want);
        cbor_put_bytes(&w, (struct slice){content, len});
        assert_int_equal(cbor_written(&w), ERR_OK);
        r = cbor_read(buf_slice(&bytes), CBOR_DETERMINISTIC);
        cbor_get_digest(&r, &digest);
        assert_int_equal(cbor_done(&r), len == 32 ? ERR_OK : ERR_FORMAT);
        assert_memory_equal(&digest, &want, sizeof want);
    }
}

/* A reader over octets that nobody checked must not leave them, nor promise more items than can be
 * there. */
static void getters_look_at_bounds_themselves(void **state)
{
    static const struct {
        const char *hex;
        enum cbor_type type; /* what the head says that it is */
    } CASES[] = {
        {"5bffffffffffffffff", CBOR_BYTES},
        {"7affffffff00", CBOR_TEXT},
        {"9bffffffffffffffff00", CBOR_ARRAY},
        {"830000", CBOR_ARRAY},
        {"bb8000000000000001", CBOR_MAP},
        {"bb800000000000000100", CBOR_MAP},
        {"a20000f4", CBOR_MAP},
        {"c1", CBOR_TAG},
        {"d8", CBOR_NONE},
        {"5f", CBOR_NONE},
        {"", CBOR_NONE},
    };
    (void)state;
    for (size_t i = 0; i < N(CASES); i++) {
        CLEANUP(buf_free) struct buf bytes = unhex(CASES[i].hex);
        struct cbor_reader base = {.rest = buf_slice(&bytes)}, item = base, got = base;
        size_t n = 0;

        assert_int_equal(cbor_peek(&base), CASES[i].type);
        assert_int_equal(cbor_get_item(&item).len, 0);
        if (CASES[i].type == CBOR_BYTES)
            n = cbor_get_bytes(&got).len;
        else if (CASES[i].type == CBOR_TEXT)
            n = cbor_get_text(&got).len;
        else if (CASES[i].type == CBOR_ARRAY)
            n = cbor_get_array(&got);
        else if (CASES[i].type == CBOR_MAP)
            n = cbor_get_map(&got);
        else
            got.err = ERR_CBOR_MALFORMED;
        if (item.err != ERR_CBOR_MALFORMED && item.err != ERR_CBOR_TYPE)
            fail_msg("%s: item: %s", CASES[i].hex, err_name(item.err));
        if (n != 0 || got.err != ERR_CBOR_MALFORMED)
            fail_msg("%s: %zu, %s", CASES[i].hex, n, err_name(got.err));
    }
}

struct person {
    struct slice name;
    int64_t age;
    bool has_age;
    int64_t five;
};

static err_code person_read(const char *hex, struct person *ret)
{
    CLEANUP(buf_free) struct buf bytes = unhex(hex);
    struct cbor_reader r = cbor_read(buf_slice(&bytes), CBOR_DETERMINISTIC);
    struct cbor_map map = cbor_open_map(&r);

    *ret = (struct person){0};
    if (cbor_key_int(&map, 5))
        ret->five = cbor_get_int(&r);
    if (cbor_key(&map, "age")) {
        ret->age = cbor_get_int(&r);
        ret->has_age = true;
    }
    cbor_need(&map, "name");
    (void)cbor_get_text(&r);
    cbor_close_map(&map);
    return cbor_done(&r);
}

static void maps_with_known_keys_are_read(void **state)
{
    struct person p;
    (void)state;

    assert_int_equal(person_read("a2"
                                 "63616765"
                                 "182a"
                                 "646e616d65"
                                 "6141",
                                 &p),
                     ERR_OK);
    assert_true(p.has_age && p.age == 42 && p.five == 0);
    assert_int_equal(person_read("a1"
                                 "646e616d65"
                                 "6141",
                                 &p),
                     ERR_OK);
    assert_false(p.has_age);
    assert_int_equal(person_read("a2"
                                 "05"
                                 "09"
                                 "646e616d65"
                                 "6141",
                                 &p),
                     ERR_OK);
    assert_int_equal(p.five, 9);
    assert_int_equal(person_read("a1"
                                 "63616765"
                                 "01",
                                 &p),
                     ERR_FORMAT); /* name is missing */
    assert_int_equal(person_read("a2"
                                 "6161"
                                 "01"
                                 "646e616d65"
                                 "6141",
                                 &p),
                     ERR_FORMAT); /* unknown */
    assert_int_equal(person_read("a2"
                                 "646e616d65"
                                 "6141"
                                 "657a7a7a7a7a"
                                 "01",
                                 &p),
                     ERR_FORMAT);
    assert_int_equal(person_read("a1"
                                 "646e616d65"
                                 "01",
                                 &p),
                     ERR_CBOR_TYPE);
    assert_int_equal(person_read("80", &p), ERR_CBOR_TYPE);
    assert_int_equal(person_read("a0", &p), ERR_FORMAT);
    assert_int_equal(person_read("a1f401", &p), ERR_FORMAT);
}

/* What follows a map looks like one more key of it. */
static void a_map_ends_where_it_ends(void **state)
{
    CLEANUP(buf_free)
    struct buf bytes = unhex("86"
                             "a0"
                             "6161"
                             "05"
                             "a10001"
                             "6161"
                             "05");
    struct cbor_reader r = cbor_read(buf_slice(&bytes), CBOR_DETERMINISTIC);
    struct cbor_map map;
    (void)state;

    assert_int_equal(cbor_get_array(&r), 6);
    map = cbor_open_map(&r);
    assert_false(cbor_key(&map, "a"));
    cbor_close_map(&map);
    assert_true(slice_eq_str(cbor_get_text(&r), "a"));
    assert_false(cbor_key_int(&map, 5));
    assert_int_equal(cbor_get_uint(&r), 5);
    map = cbor_open_map(&r);
    assert_true(cbor_key_int(&map, 0));
    assert_int_equal(cbor_get_uint(&r), 1);
    assert_false(cbor_key(&map, "a"));
    cbor_close_map(&map);
    assert_true(slice_eq_str(cbor_get_text(&r), "a"));
    assert_int_equal(cbor_done(&r), ERR_CBOR_TRAILING);
    assert_int_equal(cbor_get_uint(&r), 5);
    assert_int_equal(cbor_done(&r), ERR_OK);
}

/* ---- writer ---------------------------------------------------------------------------------- */

static void the_writer_writes(void **state)
{
    CLEANUP(buf_free) struct buf out = {0};
    CLEANUP(buf_free)
    struct buf want = unhex("d28aa3012002432001ff"
                            "6161"
                            "a0"
                            "f5f4f680"
                            "3b7fffffffffffffff"
                            "1bffffffffffffffff"
                            "c1"
                            "00"
                            "8101"
                            "626162"
                            "60");
    struct cbor_writer w = cbor_write(&out);
    static const uint8_t BYTES[] = {0x20, 1, 0xff}, ITEM[] = {0x81, 1};
    (void)state;

    cbor_put_tag(&w, 18);
    cbor_put_array(&w, 10);
    cbor_put_map(&w, 3);
    cbor_put_uint(&w, 1);
    cbor_put_int(&w, -1);
    cbor_put_int(&w, 2);
    cbor_put_bytes(&w, SLICE_OF(BYTES));
    cbor_put_text(&w, "a");
    cbor_put_map(&w, 0);
    cbor_put_bool(&w, true);
    cbor_put_bool(&w, false);
    cbor_put_null(&w);
    cbor_put_array(&w, 0);
    cbor_put_int(&w, INT64_MIN);
    cbor_put_uint(&w, UINT64_MAX);
    cbor_put_tag(&w, 1);
    cbor_put_int(&w, 0);
    cbor_put_item(&w, SLICE_OF(ITEM));
    assert_int_equal(cbor_written(&w), ERR_INTERNAL); /* one is missing */
    cbor_put_text_slice(&w, slice_str("ab"));
    assert_int_equal(cbor_written(&w), ERR_OK);
    cbor_put_text(&w, ""); /* one too many */
    assert_int_equal(cbor_written(&w), ERR_INTERNAL);
    buf_cut(&want, want.len - 1);
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.ptr, want.ptr, want.len);
    assert_int_equal(cbor_check(buf_slice(&out), CBOR_DETERMINISTIC), ERR_OK);
}

static void put_keys(struct cbor_writer *w, const char *a, const char *b)
{
    cbor_put_map(w, 2);
    cbor_put_text(w, a);
    cbor_put_null(w);
    cbor_put_text(w, b);
    cbor_put_null(w);
}

static void the_writer_finds_the_caller_s_mistakes(void **state)
{
    static const uint8_t LONG_ZERO[] = {0x18, 0}, TWO[] = {0, 0}, BAD_TEXT[] = {0xff};
    static const struct {
        const char *a, *b;
        err_code want;
    } KEYS[] = {
        {"a", "b", ERR_OK},  {"b", "a", ERR_INTERNAL},  {"a", "a", ERR_INTERNAL},
        {"b", "aa", ERR_OK}, {"aa", "b", ERR_INTERNAL}, {"", "a", ERR_OK},
    };
    struct slice bad_items[] = {SLICE_OF(LONG_ZERO), SLICE_OF(TWO), {0}};
    CLEANUP(buf_free) struct buf out = {0};
    struct cbor_writer w;
    (void)state;

    for (size_t i = 0; i < N(KEYS); i++) {
        w = cbor_write(&out);
        put_keys(&w, KEYS[i].a, KEYS[i].b);
        if (cbor_written(&w) != KEYS[i].want)
            fail_msg("%s, %s: %s", KEYS[i].a, KEYS[i].b, err_name(cbor_written(&w)));
    }
    for (size_t i = 0; i < N(bad_items); i++) {
        w = cbor_write(&out);
        cbor_put_item(&w, bad_items[i]);
        assert_int_equal(cbor_written(&w), ERR_INTERNAL);
    }
    w = cbor_write(&out);
    cbor_put_text_slice(&w, SLICE_OF(BAD_TEXT));
    assert_int_equal(cbor_written(&w), ERR_INTERNAL);
    w = cbor_write(&out);
    assert_int_equal(cbor_written(&w), ERR_INTERNAL);
    cbor_put_map(&w, SIZE_MAX / 2 + 2); /* twice that is two */
    cbor_put_null(&w);
    cbor_put_null(&w);
    assert_int_equal(cbor_written(&w), ERR_INTERNAL);
    w = cbor_write(&out);
    for (int i = 0; i < CBOR_DEPTH_MAX; i++)
        cbor_put_array(&w, 1);
    cbor_put_null(&w);
    assert_int_equal(cbor_written(&w), ERR_OK);
    w = cbor_write(&out);
    for (int i = 0; i <= CBOR_DEPTH_MAX; i++)
        cbor_put_array(&w, 1);
    cbor_put_null(&w);
    assert_int_equal(cbor_written(&w), ERR_INTERNAL);
}

/* A map as key and as value: the outer level must not forget where its last key was. */
static void the_writer_orders_nested_keys(void **state)
{
    static const struct {
        int64_t first, second;
        err_code want;
    } CASES[] = {{1, 2, ERR_OK}, {2, 1, ERR_INTERNAL}, {2, 2, ERR_INTERNAL}};
    (void)state;
    for (size_t i = 0; i < N(CASES); i++) {
        CLEANUP(buf_free) struct buf out = {0};
        struct cbor_writer w = cbor_write(&out);

        cbor_put_map(&w, 2);
        for (int k = 0; k < 2; k++) {
            cbor_put_array(&w, 1);
            cbor_put_int(&w, k == 0 ? CASES[i].first : CASES[i].second);
            cbor_put_map(&w, 1);
            cbor_put_int(&w, 9 - k);
            cbor_put_null(&w);
        }
        assert_int_equal(cbor_written(&w), CASES[i].want);
    }
}

static void text_keys_sort_as_encoded(void **state)
{
    (void)state;
    assert_true(cbor_text_key_cmp(slice_str("b"), slice_str("aa")) < 0);
    assert_true(cbor_text_key_cmp(slice_str("ab"), slice_str("aa")) > 0);
    assert_true(cbor_text_key_cmp(slice_str("aa"), slice_str("b")) > 0);
    assert_int_equal(cbor_text_key_cmp(slice_str("aa"), slice_str("aa")), 0);
    assert_int_equal(cbor_text_key_cmp(slice_str(""), slice_str("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_is_read),
        cmocka_unit_test(the_first_failure_sticks),
        cmocka_unit_test(integers_stay_in_range),
        cmocka_unit_test(a_digest_has_32_bytes),
        cmocka_unit_test(getters_look_at_bounds_themselves),
        cmocka_unit_test(maps_with_known_keys_are_read),
        cmocka_unit_test(a_map_ends_where_it_ends),
        cmocka_unit_test(the_writer_writes),
        cmocka_unit_test(the_writer_finds_the_caller_s_mistakes),
        cmocka_unit_test(the_writer_orders_nested_keys),
        cmocka_unit_test(text_keys_sort_as_encoded),
    };
    return cmocka_run_group_tests_name("cbor", tests, NULL, NULL);
}
