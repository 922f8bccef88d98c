/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/text.h"
#include "gate/decide/jcs.h"
#include "gate/decide/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define GOOD_SUBJECT "\"subject\":{\"type\":\"agent\",\"id\":\"build-7\"}"
#define GOOD_ACTION "\"action\":{\"name\":\"exec\",\"properties\":{\"class\":\"execute\"}}"
#define GOOD_RESOURCE "\"resource\":{\"type\":\"program\",\"id\":\"/usr/bin/git\"}"
#define GOOD "{" GOOD_SUBJECT "," GOOD_ACTION "," GOOD_RESOURCE

static const struct {
    const char *name, *json;
    err_code want;
} CASES[] = {
    {"minimal", GOOD "}", ERR_OK},
    {"empty context", GOOD ",\"context\":{}}", ERR_OK},
    {"aliases", GOOD ",\"context\":{\"aliases\":[\"a\",\"b\"]}}", ERR_OK},
    {"unknown members are ignored", GOOD ",\"options\":{\"x\":[1,true,\"y\"]}}", ERR_OK},
    {"empty", "", ERR_JSON_MALFORMED},
    {"trailing", GOOD "} {}", ERR_JSON_MALFORMED},
    {"duplicate member", "{" GOOD_SUBJECT "," GOOD_SUBJECT "," GOOD_ACTION "," GOOD_RESOURCE "}",
     ERR_JSON_MALFORMED},
    {"not an object", "[]", ERR_REQUEST_MALFORMED},
    {"no subject", "{" GOOD_ACTION "," GOOD_RESOURCE "}", ERR_REQUEST_MALFORMED},
    {"no action", "{" GOOD_SUBJECT "," GOOD_RESOURCE "}", ERR_REQUEST_MALFORMED},
    {"no resource", "{" GOOD_SUBJECT "," GOOD_ACTION "}", ERR_REQUEST_MALFORMED},
    {"subject is text", "{\"subject\":\"x\"," GOOD_ACTION "," GOOD_RESOURCE "}",
     ERR_REQUEST_MALFORMED},
    {"no id", "{\"subject\":{\"type\":\"agent\"}," GOOD_ACTION "," GOOD_RESOURCE "}",
     ERR_REQUEST_MALFORMED},
    {"empty id", "{\"subject\":{\"type\":\"agent\",\"id\":\"\"}," GOOD_ACTION "," GOOD_RESOURCE "}",
     ERR_REQUEST_MALFORMED},
    {"number id", "{\"subject\":{\"type\":\"agent\",\"id\":7}," GOOD_ACTION "," GOOD_RESOURCE "}",
     ERR_REQUEST_MALFORMED},
    {"no subject.type", "{\"subject\":{\"id\":\"build-7\"}," GOOD_ACTION "," GOOD_RESOURCE "}",
     ERR_REQUEST_MALFORMED},
    {"no action.name",
     "{" GOOD_SUBJECT ",\"action\":{\"properties\":{\"class\":\"execute\"}}," GOOD_RESOURCE "}",
     ERR_REQUEST_MALFORMED},
    {"no resource.type", "{" GOOD_SUBJECT "," GOOD_ACTION ",\"resource\":{\"id\":\"x\"}}",
     ERR_REQUEST_MALFORMED},
    {"no resource.id", "{" GOOD_SUBJECT "," GOOD_ACTION ",\"resource\":{\"type\":\"x\"}}",
     ERR_REQUEST_MALFORMED},
    {"no class", "{" GOOD_SUBJECT ",\"action\":{\"name\":\"exec\"}," GOOD_RESOURCE "}",
     ERR_REQUEST_MALFORMED},
    {"unknown class",
     "{" GOOD_SUBJECT
     ",\"action\":{\"name\":\"e\",\"properties\":{\"class\":\"Execute\"}}," GOOD_RESOURCE "}",
     ERR_REQUEST_MALFORMED},
    {"context.gate", GOOD ",\"context\":{\"gate\":{}}}", ERR_REQUEST_MALFORMED},
    {"context is text", GOOD ",\"context\":\"x\"}", ERR_REQUEST_MALFORMED},
    {"aliases is text", GOOD ",\"context\":{\"aliases\":\"a\"}}", ERR_REQUEST_MALFORMED},
    {"alias is a number", GOOD ",\"context\":{\"aliases\":[1]}}", ERR_REQUEST_MALFORMED},
    {"alias is empty", GOOD ",\"context\":{\"aliases\":[\"\"]}}", ERR_REQUEST_MALFORMED},
    {"null", GOOD ",\"context\":{\"x\":null}}", ERR_REQUEST_MALFORMED},
    {"fraction", GOOD ",\"context\":{\"x\":1.5}}", ERR_REQUEST_MALFORMED},
    {"null in an array", GOOD ",\"context\":{\"x\":[null]}}", ERR_REQUEST_MALFORMED},
    {"2^53 - 1", GOOD ",\"context\":{\"x\":9007199254740991}}", ERR_OK},
    {"2^53", GOOD ",\"context\":{\"x\":9007199254740992}}", ERR_REQUEST_MALFORMED},
    {"-(2^53 - 1)", GOOD ",\"context\":{\"x\":-9007199254740991}}", ERR_OK},
    {"-2^53", GOOD ",\"context\":{\"x\":-9007199254740992}}", ERR_REQUEST_MALFORMED},
    {"bad UTF-8",
     "{\"subject\":{\"type\":\"agent\",\"id\":\"\xff\"}," GOOD_ACTION "," GOOD_RESOURCE "}",
     ERR_JSON_MALFORMED},
    {"a second line",
     "{\"subject\":{\"type\":\"agent\",\"id\":\"x\\nPERMIT\"}," GOOD_ACTION "," GOOD_RESOURCE "}",
     ERR_REQUEST_MALFORMED},
    {"an escape sequence",
     "{" GOOD_SUBJECT "," GOOD_ACTION ",\"resource\":{\"type\":\"x\",\"id\":\"\\u001b[2K\"}}",
     ERR_REQUEST_MALFORMED},
    {"next line in a type",
     "{\"subject\":{\"type\":\"a\xc2\x85\",\"id\":\"x\"}," GOOD_ACTION "," GOOD_RESOURCE "}",
     ERR_REQUEST_MALFORMED},
    {"a line separator in a type",
     "{" GOOD_SUBJECT "," GOOD_ACTION ",\"resource\":{\"type\":\"x\\u2028\",\"id\":\"x\"}}",
     ERR_REQUEST_MALFORMED},
    {"another direction in an action",
     "{" GOOD_SUBJECT ",\"action\":{\"name\":\"e\\u202e\",\"properties\":{\"class\":\"execute\"}"
     "}," GOOD_RESOURCE "}",
     ERR_REQUEST_MALFORMED},
    {"a second line in an alias", GOOD ",\"context\":{\"aliases\":[\"a\\nb\"]}}",
     ERR_REQUEST_MALFORMED},
    {"lines in what is only bound", GOOD ",\"context\":{\"x\":\"a\\nb\"}}", ERR_OK},
    {"NUL in a string",
     "{\"subject\":{\"type\":\"agent\",\"id\":\"a\\u0000b\"}," GOOD_ACTION "," GOOD_RESOURCE "}",
     ERR_JSON_MALFORMED},
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(request_free) struct request request = {0};
        struct why why = {0};
        err_code got = request_parse(slice_str(CASES[i].json), &request, &why);
        if (got != CASES[i].want)
            fail_msg("%s: %s, wanted %s (%s)", CASES[i].name, err_name(got),
                     err_name(CASES[i].want), why.text);
        if (got != ERR_OK)
            assert_true(strlen(why.text) > 0);
    }
}

static void the_place_is_named(void **state)
{
    CLEANUP(request_free) struct request request = {0};
    struct why why = {0};
    (void)state;

    assert_int_equal(
        request_parse(slice_str("{\"subject\":{\"type\":\"agent\",\"id\":\"bui\\nld\"}," GOOD_ACTION
                                "," GOOD_RESOURCE "}"),
                      &request, &why),
        ERR_REQUEST_MALFORMED);
    assert_string_equal(why.text, "subject.id is not plain text at offset 3");
}

/* Before, n times the filling, after. */
static err_code parse_filled(const char *before, const char *filling, size_t n, const char *after)
{
    CLEANUP(request_free) struct request request = {0};
    CLEANUP(buf_free) struct buf text = {0};

    assert_int_equal(buf_add_str(&text, before), ERR_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(buf_add_str(&text, filling), ERR_OK);
    assert_int_equal(buf_add_str(&text, after), ERR_OK);
    return request_parse(buf_slice(&text), &request, NULL);
}

/* Each at its limit, and one more. */
static void limits(void **state)
{
    static const char ALIASES[] = GOOD ",\"context\":{\"aliases\":[\"a\"";
    static const char ALIAS[] = GOOD ",\"context\":{\"aliases\":[\"";
    static const char LIST[] = GOOD ",\"context\":{\"x\":";
    static const char ID[] =
        "{" GOOD_ACTION "," GOOD_RESOURCE ",\"subject\":{\"type\":\"t\",\"id\":\"";

    (void)state;
    assert_int_equal(parse_filled(ALIASES, ",\"a\"", REQUEST_ALIASES_MAX - 1, "]}}"), ERR_OK);
    assert_int_equal(parse_filled(ALIASES, ",\"a\"", REQUEST_ALIASES_MAX, "]}}"),
                     ERR_REQUEST_MALFORMED);
    assert_int_equal(parse_filled(ALIAS, "a", REQUEST_TEXT_MAX, "\"]}}"), ERR_OK);
    assert_int_equal(parse_filled(ALIAS, "a", REQUEST_TEXT_MAX + 1, "\"]}}"),
                     ERR_REQUEST_MALFORMED);
    assert_int_equal(parse_filled(ID, "a", REQUEST_TEXT_MAX, "\"}}"), ERR_OK);
    assert_int_equal(parse_filled(ID, "a", REQUEST_TEXT_MAX + 1, "\"}}"), ERR_REQUEST_MALFORMED);
    assert_int_equal(parse_filled(GOOD "}", " ", REQUEST_SIZE_MAX - strlen(GOOD "}"), ""), ERR_OK);
    assert_int_equal(parse_filled(GOOD "}", " ", REQUEST_SIZE_MAX - strlen(GOOD), ""),
                     ERR_TOO_LARGE);
    /* The request is of depth 0, context 1, x 2; what is in 31 arrays is of depth 33. */
    for (size_t depth = 30; depth <= 31; depth++) {
        CLEANUP(buf_free) struct buf end = {0};
        assert_int_equal(buf_add_str(&end, "1"), ERR_OK);
        for (size_t i = 0; i < depth; i++)
            assert_int_equal(buf_add_u8(&end, ']'), ERR_OK);
        assert_int_equal(buf_add_str(&end, "}}"), ERR_OK);
        assert_int_equal(buf_terminate(&end), ERR_OK);
        assert_int_equal(parse_filled(LIST, "[", depth, (const char *)end.ptr),
                         depth == 30 ? ERR_OK : ERR_TOO_LARGE);
    }
}

static void truncated_at_every_length(void **state)
{
    static const char FULL[] = GOOD ",\"context\":{\"aliases\":[\"a\"]}}";
    (void)state;
    for (size_t n = 0; n < sizeof FULL - 1; n++) {
        CLEANUP(request_free) struct request request = {0};
        assert_int_not_equal(
            request_parse((struct slice){(const uint8_t *)FULL, n}, &request, NULL), ERR_OK);
    }
}

static void canonical_form(void **state)
{
    static const struct {
        const char *json, *want;
    } FORMS[] = {
        {"{\"b\":1,\"a\":[true,false,\"x\"]}", "{\"a\":[true,false,\"x\"],\"b\":1}"},
        {"{ \"a\" : \"\\u0041\\u000a\\u001f\\u007f\\/\\\"\\\\\" }",
         "{\"a\":\"A\\n\\u001f\x7f/\\\"\\\\\"}"},
        {"{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,"
         "\"\\u00f6\":7}",
         "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,\"\xf0\x9f\x98\x80\":"
         "5,"
         "\"\xef\xac\xb3\":3}"}, /* RFC 8785 3.2.3 */
        {"[\"\\u0001\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u001f \"]",
         "[\"\\u0001\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u001f \"]"}, /* RFC 8785 3.2.2.2 */
        {"{\"ab\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"ab\":1}"},
        {"[0,-0,9007199254740991,-9007199254740991]", "[0,0,9007199254740991,-9007199254740991]"},
        {"{}", "{}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
        CLEANUP(buf_free) struct buf got = {0};
        json_t *json = json_loads(FORMS[i].json, 0, NULL);
        assert_non_null(json);
        assert_int_equal(jcs_put(json, &got), ERR_OK);
        assert_int_equal(buf_terminate(&got), ERR_OK);
        assert_string_equal((const char *)got.ptr, FORMS[i].want);
        json_decref(json);
    }
}

static void the_digest_ignores_order_and_foreign_members(void **state)
{
    CLEANUP(request_free) struct request a = {0}, b = {0}, c = {0}, d = {0}, e = {0}, f = {0};
    static const char *const NONE[] = {NULL}, *const TWO[] = {"a", "b", NULL};
    struct request_flags flags = {"agent",        "build-7", "exec", "execute", "program",
                                  "/usr/bin/git", NULL,      NULL,   NULL};
    (void)state;
    assert_int_equal(request_parse(slice_str(GOOD "}"), &a, NULL), ERR_OK);
    assert_int_equal(
        request_parse(slice_str("{\"x\":1," GOOD_RESOURCE "," GOOD_ACTION "," GOOD_SUBJECT "}"), &b,
                      NULL),
        ERR_OK);
    assert_true(digest_eq(&a.digest, &b.digest));
    assert_int_equal(request_parse(slice_str(GOOD ",\"context\":{}}"), &c, NULL), ERR_OK);
    assert_false(digest_eq(&a.digest, &c.digest));
    assert_int_equal(request_from_flags(&flags, &d, NULL), ERR_OK);
    assert_true(digest_eq(&a.digest, &d.digest));
    flags.aliases = NONE;
    request_free(&d);
    assert_int_equal(request_from_flags(&flags, &d, NULL), ERR_OK);
    assert_true(digest_eq(&a.digest, &d.digest));
    flags.aliases = TWO;
    assert_int_equal(request_from_flags(&flags, &e, NULL), ERR_OK);
    assert_int_equal(
        request_parse(slice_str(GOOD ",\"context\":{\"aliases\":[\"a\",\"b\"]}}"), &f, NULL),
        ERR_OK);
    assert_true(digest_eq(&e.digest, &f.digest));
    assert_int_equal(e.n_aliases, 2);
}

/* A flag that cannot be said in JSON must not be left unsaid: a policy that was asked for and got
 * lost would be one requirement less. */
static void flags_are_utf8(void **state)
{
    static const char *const ALIASES[][4] = {
        {"\xff"}, {"strict\xff"}, {"a", "\xc3"}, {"\xc0\x80", "a"}};
    static const struct request_flags GOOD_FLAGS = {
        "agent", "build-7", "exec", "execute", "program", "/usr/bin/git", NULL, NULL, NULL};
    (void)state;

    for (size_t i = 0; i < 6 + sizeof ALIASES / sizeof *ALIASES; i++) {
        CLEANUP(request_free) struct request request = {0};
        struct request_flags flags = GOOD_FLAGS;
        const char **const texts[] = {&flags.subject_type,  &flags.subject_id,
                                      &flags.action,        &flags.class_,
                                      &flags.resource_type, &flags.resource_id};
        struct why why = {0};
        if (i < 6)
            *texts[i] = "x\xff";
        else
            flags.aliases = ALIASES[i - 6];
        if (request_from_flags(&flags, &request, &why) != ERR_REQUEST_MALFORMED)
            fail_msg("case %zu was taken", i);
        assert_non_null(strstr(why.text, "UTF-8"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(the_place_is_named),
        cmocka_unit_test(limits),
        cmocka_unit_test(truncated_at_every_length),
        cmocka_unit_test(canonical_form),
        cmocka_unit_test(flags_are_utf8),
        cmocka_unit_test(the_digest_ignores_order_and_foreign_members),
    };
    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
