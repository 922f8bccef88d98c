/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/entities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENTITY(type, id) "{\"__entity\":{\"type\":\"" type "\",\"id\":\"" id "\"}}"
#define CALL(fn, arg) "{\"__extn\":{\"fn\":\"" fn "\",\"arg\":" arg "}}"
#define CALL2(fn, a, b) "{\"__extn\":{\"fn\":\"" fn "\",\"args\":[" a "," b "]}}"
#define DAY1 CALL("datetime", "\"2024-01-01T00:00:00.000Z\"")

/* What is read, and how it is written again; want NULL: as it was. */
static const struct {
    const char *json, *want;
} READ[] = {
    {"true", NULL},
    {"false", NULL},
    {"-9223372036854775808", NULL},
    {"\"a\\u0000\\n\xc3\xa9\"", NULL},
    {"[]", NULL},
    {"{}", NULL},
    {"[3,3,1]", "[1,3]"},
    {"{\"b\":1,\"\":2,\"a\\u0000\":3}", "{\"\":2,\"a\\u0000\":3,\"b\":1}"},
    {ENTITY("U", "x"), NULL},
    {ENTITY("A::B", "\\\"\\u0000"), NULL},
    {ENTITY("principal", ""), NULL},
    {"{\"__entity\":{\"type\":\"U\",\"z\":null,\"id\":\"x\"}}", ENTITY("U", "x")},
    {CALL("ip", "\"1.2.3.4\""), NULL},
    {CALL("ip", "\"10.0.0.1/8\""), NULL},
    {CALL("decimal", "\"01.5\""), CALL("decimal", "\"1.5000\"")},
    {CALL("datetime", "\"2024-01-01\""), DAY1},
    {"{\"__extn\":{\"fn\":\"ip\",\"args\":[\"1.2.3.4\"]}}", CALL("ip", "\"1.2.3.4\"")},
    {"{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::1\",\"args\":[\"no\"]}}", CALL("ip", "\"::1\"")},
    {"{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::1\",\"x\":null}}", CALL("ip", "\"::1\"")},
    {CALL("isIpv4", CALL("ip", "\"1.2.3.4\"")), "true"},
    {CALL2("lessThan", CALL("decimal", "\"1.0\""), CALL("decimal", "\"2.0\"")), "true"},
    {CALL2("offset", DAY1, CALL("duration", "\"1d\"")),
     CALL("datetime", "\"2024-01-02T00:00:00.000Z\"")},
    {CALL2("offset", CALL("datetime", "\"1970-01-01\""),
           CALL("duration", "\"9223372036854775807ms\"")),
     CALL2("offset", CALL("datetime", "\"1970-01-01\""),
           CALL("duration", "\"9223372036854775807ms\""))},
    /* no escapes, however they look: records */
    {"{\"__entity\":1,\"b\":2}", NULL},
    {"{\"__entity\":" ENTITY("U", "x") ",\"b\":2}", NULL},
    {"{\"__extn\":{\"arg\":\"no\",\"fn\":\"ip\"},\"b\":2}", NULL},
    {"{\"__expr\":\"1\",\"b\":2}", NULL},
};

static err_code parse(const char *json, struct cedar_owned_value **ret, struct why *why)
{
    size_t len = strlen(json);
    uint8_t *copy = malloc(len + 1);
    err_code err;

    assert_non_null(copy);
    memcpy(copy, json, len);
    err = cedar_value_parse((struct slice){copy, len}, ret, why);
    free(copy); /* nothing of it is kept */
    return err;
}

static void values_are_read_and_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof READ / sizeof *READ; i++) {
        CLEANUP(cedar_owned_free) struct cedar_owned_value *owned = NULL, *again = NULL;
        CLEANUP(buf_free) struct buf got = {0};
        const char *want = READ[i].want == NULL ? READ[i].json : READ[i].want;
        struct cedar_value value, back;
        struct why why = {0};

        if (parse(READ[i].json, &owned, &why) != ERR_OK)
            fail_msg("%s: %s", READ[i].json, why.text);
        value = cedar_owned(owned);
        assert_int_equal(cedar_value_json(&value, &got), ERR_OK);
        if (value.kind != CEDAR_SET && !slice_eq_str(buf_slice(&got), want))
            fail_msg("%s: got %.*s, want %s", READ[i].json, (int)got.len, (const char *)got.ptr,
                     want);
        assert_int_equal(cedar_value_parse(buf_slice(&got), &again, NULL), ERR_OK);
        back = cedar_owned(again);
        assert_true(cedar_value_eq(&value, &back));
    }
}

/* These are records, too, but would read back as something else. */
static const char *const NOT_WRITTEN[] = {
    "{\"__entity\":{\"type\":\"U\"}}",
    "{\"__entity\":{\"type\":\"U\",\"id\":1}}",
    "{\"__entity\":[\"U\",\"x\"]}",
    "{\"__entity\":\"U\"}",
    "{\"__extn\":{\"fn\":\"ip\"}}",
    "{\"__extn\":{\"fn\":1,\"arg\":\"x\"}}",
    "{\"__extn\":{\"arg\":\"x\"}}",
    "{\"__extn\":{\"fn\":\"ip\",\"args\":\"x\"}}",
    "{\"__extn\":\"ip\"}",
    "{\"__expr\":1}",
    "[{\"a\":{\"__expr\":1}}]",
};

static void what_only_looks_like_an_escape_is_a_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof NOT_WRITTEN / sizeof *NOT_WRITTEN; i++) {
        CLEANUP(cedar_owned_free) struct cedar_owned_value *owned = NULL;
        CLEANUP(buf_free) struct buf got = {0};
        struct cedar_value value;
        struct why why = {0};

        if (parse(NOT_WRITTEN[i], &owned, &why) != ERR_OK)
            fail_msg("%s: %s", NOT_WRITTEN[i], why.text);
        value = cedar_owned(owned);
        if (cedar_value_json(&value, &got) != ERR_CEDAR_ENTITY)
            fail_msg("%s was written", NOT_WRITTEN[i]);
    }
}

static const struct {
    const char *json;
    err_code err;
    const char *why;
} REFUSED[] = {
    {"", ERR_JSON_MALFORMED, "1:1: expected a value, found the end"},
    {"{\"a\":1,\"a\":1}", ERR_JSON_MALFORMED, "1:12: the second member \"a\" of one object"},
    {"null", ERR_CEDAR_ENTITY, "1:1: null is no value of Cedar"},
    {"{\"a\":[1,{\"b c\":null}]}", ERR_CEDAR_ENTITY, "1:16: a[1].b c: null is no value of Cedar"},
    {"1.5", ERR_CEDAR_ENTITY, "1:1: a number that is no whole one of 64 bits"},
    {"[-0]", ERR_CEDAR_ENTITY, "1:2: [0]: a number that is no whole one of 64 bits"},
    {"1e2", ERR_CEDAR_ENTITY, "1:1: a number that is no whole one of 64 bits"},
    {"9223372036854775808", ERR_CEDAR_ENTITY, "1:1: a number that is no whole one of 64 bits"},
    {"{\"__expr\":\"1\"}", ERR_CEDAR_ENTITY, "1:1: the escape __expr is no longer taken"},
    /* what means nothing is read all the same */
    {"{\"__entity\":{\"type\":\"U\",\"id\":\"x\",\"z\":1.5}}", ERR_CEDAR_ENTITY,
     "1:38: __entity.z: a number that is no whole one of 64 bits"},
    {"{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::1\",\"args\":[{\"a\":-0}]}}", ERR_CEDAR_ENTITY,
     "1:47: __extn.args[0].a: a number that is no whole one of 64 bits"},
    {ENTITY("U ::V", "x"), ERR_CEDAR_ENTITY, "1:21: __entity.type: \"U ::V\" is no name of a type"},
    {ENTITY("", "x"), ERR_CEDAR_ENTITY, "1:21: __entity.type: \"\" is no name of a type"},
    {ENTITY("if", "x"), ERR_CEDAR_ENTITY, "1:21: __entity.type: \"if\" is no name of a type"},
    {ENTITY("A::__cedar", "x"), ERR_CEDAR_ENTITY,
     "1:21: __entity.type: \"A::__cedar\" is no name of a type"},
    {CALL("ip", "\"no\""), ERR_CEDAR_ENTITY, "1:1: ip(no) has no value"},
    {CALL("ip", "1"), ERR_CEDAR_ENTITY, "1:1: an argument of ip is of another type"},
    {CALL("ip", "null"), ERR_CEDAR_ENTITY, "1:28: __extn.arg: null is no value of Cedar"},
    {CALL("nope", "1"), ERR_CEDAR_ENTITY, "1:17: __extn.fn: there is no function \"nope\""},
    {CALL("unknown", "\"x\""), ERR_CEDAR_ENTITY,
     "1:17: __extn.fn: there is no function \"unknown\""},
    {CALL("", "1"), ERR_CEDAR_ENTITY, "1:17: __extn.fn: there is no function \"\""},
    {CALL2("ip", "\"::1\"", "\"::2\""), ERR_CEDAR_ENTITY, "1:1: ip takes 1 arguments, not 2"},
    {"{\"__extn\":{\"fn\":\"ip\",\"args\":[]}}", ERR_CEDAR_ENTITY,
     "1:1: ip takes 1 arguments, not 0"},
    {CALL("offset", DAY1), ERR_CEDAR_ENTITY, "1:1: offset takes 2 arguments, not 1"},
};

static void what_is_no_value_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        CLEANUP(cedar_owned_free) struct cedar_owned_value *owned = NULL;
        struct why why = {0};
        err_code err = parse(REFUSED[i].json, &owned, &why);

        if (err != REFUSED[i].err || strcmp(why.text, REFUSED[i].why) != 0)
            fail_msg("%s: got %d %s, want %d %s", REFUSED[i].json, err, why.text, REFUSED[i].err,
                     REFUSED[i].why);
        assert_null(owned);
    }
}

static void the_limits_hold(void **state)
{
    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        CLEANUP(cedar_owned_free) struct cedar_owned_value *deep = NULL, *long_list = NULL;
        CLEANUP(buf_free) struct buf text = {0};
        unsigned depth = CEDAR_DEPTH_MAX + over;

        for (unsigned i = 0; i < 2 * depth; i++)
            assert_int_equal(buf_add_str(&text, i < depth ? "[" : "]"), ERR_OK);
        assert_int_equal(cedar_value_parse(buf_slice(&text), &deep, NULL),
                         over ? ERR_CEDAR_NESTING : ERR_OK);
        buf_cut(&text, 0);
        for (unsigned i = 0; i < CEDAR_LIST_MAX + over; i++)
            assert_int_equal(buf_add_str(&text, i == 0 ? "[1" : ",1"), ERR_OK);
        assert_int_equal(buf_add_str(&text, "]"), ERR_OK);
        assert_int_equal(cedar_value_parse(buf_slice(&text), &long_list, NULL),
                         over ? ERR_CEDAR_LIST_SIZE : ERR_OK);
    }
}

static void a_record_too_long_is_refused(void **state)
{
    CLEANUP(cedar_owned_free) struct cedar_owned_value *owned = NULL;
    CLEANUP(buf_free) struct buf text = {0};
    char field[32];

    (void)state;
    for (unsigned i = 0; i <= CEDAR_LIST_MAX; i++) {
        snprintf(field, sizeof field, "%s\"%u\":1", i == 0 ? "{" : ",", i);
        assert_int_equal(buf_add_str(&text, field), ERR_OK);
    }
    assert_int_equal(buf_add_str(&text, "}"), ERR_OK);
    assert_int_equal(cedar_value_parse(buf_slice(&text), &owned, NULL), ERR_CEDAR_LIST_SIZE);
}

static void the_name_of_a_type_has_a_limit(void **state)
{
    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        CLEANUP(cedar_owned_free) struct cedar_owned_value *owned = NULL;
        char name[CEDAR_NAME_MAX + 2] = {0}, json[CEDAR_NAME_MAX + 64];

        memset(name, 'a', CEDAR_NAME_MAX + over);
        snprintf(json, sizeof json, "{\"__entity\":{\"type\":\"%s\",\"id\":\"\"}}", name);
        assert_int_equal(parse(json, &owned, NULL), over ? ERR_CEDAR_TEXT_SIZE : ERR_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_and_written),
        cmocka_unit_test(what_only_looks_like_an_escape_is_a_record),
        cmocka_unit_test(what_is_no_value_is_refused),
        cmocka_unit_test(the_limits_hold),
        cmocka_unit_test(a_record_too_long_is_refused),
        cmocka_unit_test(the_name_of_a_type_has_a_limit),
    };
    return cmocka_run_group_tests_name("cedar values in JSON", tests, NULL, NULL);
}
