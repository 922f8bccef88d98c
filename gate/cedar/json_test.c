/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* From memory that ends where the text does. */
static err_code parse(struct slice text, struct cedar_arena *arena, const struct cedar_json **ret,
                      struct why *why)
{
    uint8_t *copy = malloc(text.len > 0 ? text.len : 1);
    err_code err;

    assert_non_null(copy);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    *ret = NULL;
    err = cedar_json_parse((struct slice){copy, text.len}, arena, ret, why);
    free(copy);
    return err;
}

/* The tree as text again, so that one comparison sees all of it. */
static void show(const struct cedar_json *json, struct buf *ret)
{
    char number[32];

    switch (json->kind) {
    case CEDAR_JSON_NULL:
        assert_int_equal(buf_add_str(ret, "null"), ERR_OK);
        break;
    case CEDAR_JSON_BOOL:
        assert_int_equal(buf_add_str(ret, json->truth ? "true" : "false"), ERR_OK);
        break;
    case CEDAR_JSON_INT:
        snprintf(number, sizeof number, "%lld", (long long)json->number);
        assert_int_equal(buf_add_str(ret, number), ERR_OK);
        break;
    case CEDAR_JSON_NUMBER:
        assert_int_equal(buf_add_str(ret, "~"), ERR_OK);
        assert_int_equal(buf_add_slice(ret, json->text), ERR_OK);
        break;
    case CEDAR_JSON_STRING:
        assert_int_equal(cedar_json_quote(json->text, ret), ERR_OK);
        break;
    case CEDAR_JSON_ARRAY:
    case CEDAR_JSON_OBJECT:
        assert_int_equal(buf_add_str(ret, json->kind == CEDAR_JSON_ARRAY ? "[" : "{"), ERR_OK);
        for (uint32_t i = 0; i < json->n; i++) {
            if (i > 0)
                assert_int_equal(buf_add_str(ret, ","), ERR_OK);
            if (json->kind == CEDAR_JSON_OBJECT) {
                assert_int_equal(cedar_json_quote(json->members[i].name, ret), ERR_OK);
                assert_int_equal(buf_add_str(ret, ":"), ERR_OK);
            }
            show(json->kind == CEDAR_JSON_OBJECT ? &json->members[i].value : &json->items[i], ret);
        }
        assert_int_equal(buf_add_str(ret, json->kind == CEDAR_JSON_ARRAY ? "]" : "}"), ERR_OK);
        break;
    }
}

static const struct {
    const char *text, *want;
} READ[] = {
    {"null", "null"},
    {" true\n", "true"},
    {"false", "false"},
    {"0", "0"},
    {"-1", "-1"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"9223372036854775808", "~9223372036854775808"},
    {"-9223372036854775809", "~-9223372036854775809"},
    {"18446744073709551617", "~18446744073709551617"},
    {"-0", "~-0"},
    {"1.0", "~1.0"},
    {"1e0", "~1e0"},
    {"-0.5E+10", "~-0.5E+10"},
    {"2E-3", "~2E-3"},
    {"\"\"", "\"\""},
    {"\"\\u0000\\u001f\\u00e9\\u20ac\\ud83d\\uDE00\"",
     "\"\\u0000\\u001f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
    {"\"\x7f\xc2\x80\"", "\"\x7f\xc2\x80\""},
    {"[]", "[]"},
    {"[ ]", "[]"},
    {"[1 , [2], \"3\"]", "[1,[2],\"3\"]"},
    {"{}", "{}"},
    {"\t{ \"b\" : 1 ,\r\n\"a\":[{}] }", "{\"b\":1,\"a\":[{}]}"},
    {"{\"a\":1,\"a\\u0000\":2,\"\":3,\"A\":4}", "{\"a\":1,\"a\\u0000\":2,\"\":3,\"A\":4}"},
};

static void values_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof READ / sizeof *READ; i++) {
        CLEANUP(cedar_arena_free) struct cedar_arena arena = {0};
        CLEANUP(buf_free) struct buf got = {0};
        const struct cedar_json *json;
        struct why why = {0};

        if (parse(slice_str(READ[i].text), &arena, &json, &why) != ERR_OK)
            fail_msg("%s: %s", READ[i].text, why.text);
        show(json, &got);
        if (!slice_eq_str(buf_slice(&got), READ[i].want))
            fail_msg("%s: got %.*s, want %s", READ[i].text, (int)got.len, (const char *)got.ptr,
                     READ[i].want);
    }
}

static const struct {
    const char *text, *want;
} REFUSED[] = {
    {"", "1:1: expected a value, found the end"},
    {" \n ", "2:2: expected a value, found the end"},
    {"nul", "1:1: expected a value, found 'n'"},
    {"True", "1:1: expected a value, found 'T'"},
    {"nulll", "1:5: expected the end, found 'l'"},
    {"1 2", "1:3: expected the end, found '2'"},
    {"01", "1:2: expected the end, found '1'"},
    {"-", "1:2: expected a digit, found the end"},
    {"-a", "1:2: expected a digit, found 'a'"},
    {"-01", "1:3: expected the end, found '1'"},
    {"+1", "1:1: expected a value, found '+'"},
    {".5", "1:1: expected a value, found '.'"},
    {"1.", "1:3: expected a digit, found the end"},
    {"1.e1", "1:3: expected a digit, found 'e'"},
    {"1e", "1:3: expected a digit, found the end"},
    {"1e+", "1:4: expected a digit, found the end"},
    {"0x10", "1:2: expected the end, found 'x'"},
    {"NaN", "1:1: expected a value, found 'N'"},
    {"'a'", "1:1: expected a value, found '''"},
    {"\"a", "1:1: a string without an end"},
    {"\"a\\\"", "1:1: a string without an end"},
    {"\"a\\", "1:1: a string without an end"},
    {"\"a\tb\"", "1:3: a control character in a string"},
    {"\"a\nb\"", "1:3: a control character in a string"},
    {"\"\\a\"", "1:2: not an escape"},
    {"\"\\u12g4\"", "1:2: \\u needs four hexadecimal digits"},
    {"\"\\u123\"", "1:2: \\u needs four hexadecimal digits"},
    {"\"\\U0041\"", "1:2: not an escape"},
    {"\"\\ud800\"", "1:2: half of a surrogate pair"},
    {"\"\\udc00\\ud800\"", "1:2: half of a surrogate pair"},
    {"\"\\ud800\\ud800\"", "1:2: half of a surrogate pair"},
    {"\"\\ud800\\n\"", "1:2: half of a surrogate pair"},
    {"\"\xc3\xa9\xff\"", "1:3: not UTF-8"},
    {"\"\xed\xa0\x80\"", "1:2: not UTF-8"},
    {"\"\xc0\x80\"", "1:2: not UTF-8"},
    {"\xef\xbb\xbf{}", "1:1: expected a value, found '\\u{feff}'"},
    {"[", "1:2: expected a value, found the end"},
    {"[1", "1:3: expected ',' or ']', found the end"},
    {"[1 2]", "1:4: expected ',' or ']', found '2'"},
    {"[1,]", "1:4: expected a value, found ']'"},
    {"[,1]", "1:2: expected a value, found ','"},
    {"[1}", "1:3: expected ',' or ']', found '}'"},
    {"{", "1:2: expected a member's name, found the end"},
    {"{\"a\"}", "1:5: expected ':', found '}'"},
    {"{\"a\":}", "1:6: expected a value, found '}'"},
    {"{\"a\":1,}", "1:8: expected a member's name, found '}'"},
    {"{a:1}", "1:2: expected a member's name, found 'a'"},
    {"{\"\xc3\xa9\":1,\n \"\\u00e9\":2}", "2:11: the second member \"\\u{e9}\" of one object"},
    {"[{\"a\":1,\"b\":{\"c\":1,\"c\":1}}]", "1:24: the second member \"c\" of one object"},
    {"/**/1", "1:1: expected a value, found '/'"},
    {"\f1", "1:1: expected a value, found '\\u{c}'"},
};

static void malformed_text_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        CLEANUP(cedar_arena_free) struct cedar_arena arena = {0};
        const struct cedar_json *json;
        struct why why = {0};
        err_code err = parse(slice_str(REFUSED[i].text), &arena, &json, &why);

        if (err != ERR_JSON_MALFORMED || strcmp(why.text, REFUSED[i].want) != 0)
            fail_msg("%s: got %d %s, want %s", REFUSED[i].text, err, why.text, REFUSED[i].want);
        assert_null(json);
    }
}

static void truncated_text_is_refused(void **state)
{
    static const char TEXT[] =
        "{\"a\\n\":[1,-2.5e1,true,null,\"\\ud83d\\ude00\xc3\xa9\"],\"b\":{}}";

    (void)state;
    for (size_t n = 0; n < sizeof TEXT; n++) {
        CLEANUP(cedar_arena_free) struct cedar_arena arena = {0};
        const struct cedar_json *json;
        err_code err = parse((struct slice){(const uint8_t *)TEXT, n}, &arena, &json, NULL);

        assert_int_equal(err, n < sizeof TEXT - 1 ? ERR_JSON_MALFORMED : ERR_OK);
    }
}

static void a_null_byte_ends_nothing(void **state)
{
    static const uint8_t AFTER[] = {'1', 0}, INSIDE[] = {'"', 0, '"'}, NAME[] = "\"a\\u0000b\"";
    CLEANUP(cedar_arena_free) struct cedar_arena arena = {0};
    const struct cedar_json *json;

    (void)state;
    assert_int_equal(parse(SLICE_OF(AFTER), &arena, &json, NULL), ERR_JSON_MALFORMED);
    assert_int_equal(parse(SLICE_OF(INSIDE), &arena, &json, NULL), ERR_JSON_MALFORMED);
    assert_int_equal(parse(slice_str((const char *)NAME), &arena, &json, NULL), ERR_OK);
    assert_int_equal(json->text.len, 3);
    assert_memory_equal(json->text.ptr, "a\0b", 3);
}

/* `n` times `open`, then as many times `close`. */
static struct buf nested(unsigned n, const char *open, const char *close)
{
    struct buf text = {0};

    for (unsigned i = 0; i < 2 * n; i++)
        assert_int_equal(buf_add_str(&text, i < n ? open : close), ERR_OK);
    return text;
}

static void the_limits_hold(void **state)
{
    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        CLEANUP(cedar_arena_free) struct cedar_arena arena = {0};
        CLEANUP(buf_free) struct buf deep = nested(CEDAR_JSON_DEPTH_MAX + over, "[", "]");
        CLEANUP(buf_free) struct buf many = nested((CEDAR_JSON_VALUES_MAX - 2) / 2, "0,", "0,");
        CLEANUP(buf_free) struct buf list = {0};
        const struct cedar_json *json;
        uint8_t *space;

        assert_int_equal(parse(buf_slice(&deep), &arena, &json, NULL),
                         over ? ERR_CEDAR_NESTING : ERR_OK);
        assert_int_equal(buf_add_str(&list, "["), ERR_OK);
        assert_int_equal(buf_add_slice(&list, buf_slice(&many)), ERR_OK);
        assert_int_equal(buf_add_str(&list, over ? "0,0]" : "0]"), ERR_OK);
        assert_int_equal(parse(buf_slice(&list), &arena, &json, NULL),
                         over ? ERR_CEDAR_LIST_SIZE : ERR_OK);
        buf_cut(&list, 0);
        assert_int_equal(buf_add_space(&list, CEDAR_TEXT_MAX + over, &space), ERR_OK);
        memset(space, ' ', CEDAR_TEXT_MAX + over);
        space[0] = '1';
        assert_int_equal(parse(buf_slice(&list), &arena, &json, NULL),
                         over ? ERR_CEDAR_TEXT_SIZE : ERR_OK);
    }
}

static void a_repeated_name_is_found_among_many(void **state)
{
    (void)state;
    for (unsigned twice = 0; twice < 2; twice++) {
        CLEANUP(cedar_arena_free) struct cedar_arena arena = {0};
        CLEANUP(buf_free) struct buf text = {0};
        const struct cedar_json *json;
        char member[32];

        for (unsigned i = 0; i < 100000; i++) {
            snprintf(member, sizeof member, "%s\"k%u\":0", i == 0 ? "{" : ",", i);
            assert_int_equal(buf_add_str(&text, member), ERR_OK);
        }
        assert_int_equal(buf_add_str(&text, twice ? ",\"k5\":1}" : ",\"K5\":1}"), ERR_OK);
        assert_int_equal(parse(buf_slice(&text), &arena, &json, NULL),
                         twice ? ERR_JSON_MALFORMED : ERR_OK);
        if (!twice)
            assert_int_equal(cedar_json_get(json, "K5")->number, 1);
    }
}

static void members_are_found(void **state)
{
    CLEANUP(cedar_arena_free) struct cedar_arena arena = {0};
    const struct cedar_json *json;
    const char *text = "{\"a\": 1,\n  \"b\": \"x\"}";
    struct cedar_place place;

    (void)state;
    assert_int_equal(parse(slice_str(text), &arena, &json, NULL), ERR_OK);
    assert_true(cedar_json_is(cedar_json_get(json, "b"), "x"));
    assert_false(cedar_json_is(cedar_json_get(json, "a"), "1"));
    assert_null(cedar_json_get(json, "c"));
    assert_null(cedar_json_get(cedar_json_get(json, "a"), "a"));
    assert_string_equal(cedar_json_kind_text(json), "an object");
    place = cedar_json_place(slice_str(text), cedar_json_get(json, "b")->offset);
    assert_int_equal(place.line, 2);
    assert_int_equal(place.column, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(malformed_text_is_refused),
        cmocka_unit_test(truncated_text_is_refused),
        cmocka_unit_test(a_null_byte_ends_nothing),
        cmocka_unit_test(the_limits_hold),
        cmocka_unit_test(a_repeated_name_is_found_among_many),
        cmocka_unit_test(members_are_found),
    };
    return cmocka_run_group_tests_name("cedar json", tests, NULL, NULL);
}
