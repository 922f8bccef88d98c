/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/text_testing.h"
#include "gate/cedar/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define UNTOUCHED 77

static const struct {
    const char *value;
    err_code err;
    uint32_t ms;
} CASES[] = {
    {"5s", ERR_OK, 5000},
    {"500ms", ERR_OK, 500},
    {"2m", ERR_OK, 120000},
    {"1ms", ERR_OK, 1},
    {"10s", ERR_OK, 10000},
    /* nothing, in every unit */
    {"0s", ERR_OK, 0},
    {"0ms", ERR_OK, 0},
    {"0m", ERR_OK, 0},
    /* the limit, in every unit, and one more */
    {"60m", ERR_OK, 3600000},
    {"3600s", ERR_OK, 3600000},
    {"3600000ms", ERR_OK, 3600000},
    {"61m", ERR_CEDAR_ANNOTATION, 0},
    {"3601s", ERR_CEDAR_ANNOTATION, 0},
    {"3600001ms", ERR_CEDAR_ANNOTATION, 0},
    /* 2^32 and more, in every unit */
    {"4294967296ms", ERR_CEDAR_ANNOTATION, 0},
    {"4294968s", ERR_CEDAR_ANNOTATION, 0},
    {"71583m", ERR_CEDAR_ANNOTATION, 0},
    {"18446744073709551617s", ERR_CEDAR_ANNOTATION, 0},
    {"99999999999999999999999999999999999999s", ERR_CEDAR_ANNOTATION, 0},
    /* no number, no unit */
    {"", ERR_CEDAR_ANNOTATION, 0},
    {"5", ERR_CEDAR_ANNOTATION, 0},
    {"0", ERR_CEDAR_ANNOTATION, 0},
    {"s", ERR_CEDAR_ANNOTATION, 0},
    {"ms", ERR_CEDAR_ANNOTATION, 0},
    /* signs, zeros, points, white space */
    {"+5s", ERR_CEDAR_ANNOTATION, 0},
    {"-5s", ERR_CEDAR_ANNOTATION, 0},
    {"-0s", ERR_CEDAR_ANNOTATION, 0},
    {"05s", ERR_CEDAR_ANNOTATION, 0},
    {"00s", ERR_CEDAR_ANNOTATION, 0},
    {"5.0s", ERR_CEDAR_ANNOTATION, 0},
    {".5s", ERR_CEDAR_ANNOTATION, 0},
    {"5e3ms", ERR_CEDAR_ANNOTATION, 0},
    {"0x5s", ERR_CEDAR_ANNOTATION, 0},
    {" 5s", ERR_CEDAR_ANNOTATION, 0},
    {"5 s", ERR_CEDAR_ANNOTATION, 0},
    {"5s ", ERR_CEDAR_ANNOTATION, 0},
    {"5s\n", ERR_CEDAR_ANNOTATION, 0},
    {"5_000ms", ERR_CEDAR_ANNOTATION, 0},
    /* other units, other letters, two of them */
    {"1h", ERR_CEDAR_ANNOTATION, 0},
    {"1d", ERR_CEDAR_ANNOTATION, 0},
    {"5us", ERR_CEDAR_ANNOTATION, 0},
    {"5S", ERR_CEDAR_ANNOTATION, 0},
    {"5M", ERR_CEDAR_ANNOTATION, 0},
    {"5sec", ERR_CEDAR_ANNOTATION, 0},
    {"5mss", ERR_CEDAR_ANNOTATION, 0},
    {"1m5s", ERR_CEDAR_ANNOTATION, 0},
    {"PT5S", ERR_CEDAR_ANNOTATION, 0},
    {"\xd9\xa5s", ERR_CEDAR_ANNOTATION, 0}, /* U+0665, a digit that is none here */
    {"5\xc5\xbf", ERR_CEDAR_ANNOTATION, 0}, /* U+017F, an s that is none here */
};

static void values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        uint32_t ms = UNTOUCHED;
        const uint32_t want = CASES[i].err == ERR_OK ? CASES[i].ms : UNTOUCHED;
        const err_code err = cedar_window_parse(slice_str(CASES[i].value), &ms);

        if (err != CASES[i].err || ms != want)
            fail_msg("\"%s\": got %s, %u; want %s, %u", CASES[i].value, err_name(err), ms,
                     err_name(CASES[i].err), want);
    }
}

static void a_nul_is_no_end(void **state)
{
    uint32_t ms = UNTOUCHED;

    (void)state;
    assert_int_equal(cedar_window_parse((struct slice){(const uint8_t *)"5s\0", 3}, &ms),
                     ERR_CEDAR_ANNOTATION);
    assert_int_equal(cedar_window_parse((struct slice){(const uint8_t *)"5\0s", 3}, &ms),
                     ERR_CEDAR_ANNOTATION);
    assert_int_equal(cedar_window_parse((struct slice){0}, &ms), ERR_CEDAR_ANNOTATION);
    assert_int_equal(ms, UNTOUCHED);
}

static const struct {
    const char *text;
    uint32_t ms;
} POLICIES[] = {
    {TESTING_ALL, 0},
    {"@freshness(\"5s\") " TESTING_ALL, 5000},
    {"@id(\"a\") @freshness(\"250ms\") @description(\"d\") " TESTING_ALL, 250},
    {"@freshness(\"\\u{35}s\") " TESTING_ALL, 5000},
    {"@freshness(\"0s\") " TESTING_ALL, 0},
    {"@fresh(\"5s\") " TESTING_ALL, 0},
    /* what no gate loads has none, either */
    {"@freshness " TESTING_ALL, 0},
    {"@freshness(\"2h\") " TESTING_ALL, 0},
};

static void of_a_policy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof POLICIES / sizeof *POLICIES; i++) {
        struct outcome o = testing_parse(slice_str(POLICIES[i].text));
        uint32_t ms;

        assert_int_equal(o.err, ERR_OK);
        ms = cedar_window(cedar_at(o.policies, 0));
        if (ms != POLICIES[i].ms)
            fail_msg("%s: got %u, want %u", POLICIES[i].text, ms, POLICIES[i].ms);
        cedar_free(&o.policies);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(a_nul_is_no_end),
        cmocka_unit_test(of_a_policy),
    };
    return cmocka_run_group_tests_name("cedar_window", tests, NULL, NULL);
}
