/* SPDX-License-Identifier: Apache-2.0 */
/* ext_test.c: which texts are addresses, decimals, datetimes and durations, what they mean, and
 * what the extension functions make of them. */
#include "gate/cedar/ext.h"

#include "gate/cedar/arena.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIN INT64_MIN
#define MAX INT64_MAX
#define DAY INT64_C(86400000)

static struct cedar_arena arena;

/* Calls with up to two arguments; the result kind is checked against the table. */
static enum cedar_fault call(enum cedar_fn fn, struct cedar_value a, struct cedar_value b,
                             struct cedar_value *ret)
{
    struct cedar_value args[2] = {a, b}, got = {.kind = CEDAR_RECORD};
    enum cedar_fault fault = CEDAR_FAULT_SLOT;

    assert_int_equal(cedar_fn_call(fn, args, &arena, &fault, &got), ERR_OK);
    if (fault == CEDAR_FAULT_NONE)
        assert_int_equal(got.kind, cedar_fn_info(fn)->result);
    else
        assert_int_equal(got.kind, CEDAR_RECORD);
    *ret = got;
    return fault;
}

static enum cedar_fault make(enum cedar_fn fn, const char *text, struct cedar_value *ret)
{
    /* a copy of its exact size, so that reading beyond the end is seen */
    size_t len = strlen(text);
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    enum cedar_fault fault;

    assert_non_null(copy);
    memcpy(copy, text, len);
    fault = call(fn, cedar_string((struct slice){copy, len}), cedar_bool(false), ret);
    free(copy);
    return fault;
}

static struct cedar_value must(enum cedar_fn fn, const char *text)
{
    struct cedar_value value = {0};

    if (make(fn, text, &value) != CEDAR_FAULT_NONE)
        fail_msg("\"%s\" was refused", text);
    return value;
}

static void check_text(const struct cedar_value *value, const char *want)
{
    CLEANUP(buf_free) struct buf text = {0};

    assert_int_equal(cedar_ext_text(value, &text), ERR_OK);
    assert_int_equal(buf_terminate(&text), ERR_OK);
    if (strcmp((const char *)text.ptr, want) != 0)
        fail_msg("written as \"%s\", want \"%s\"", (const char *)text.ptr, want);
}

static void refused(enum cedar_fn fn, const char *const *texts)
{
    struct cedar_value value;

    for (; *texts != NULL; texts++)
        if (make(fn, *texts, &value) != CEDAR_FAULT_EXTENSION)
            fail_msg("%s(\"%s\") was taken", cedar_fn_info(fn)->name, *texts);
}

static void addresses(void **state)
{
    static const struct {
        const char *text, *again;
    } TEXTS[] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"10.0.0.1/32", "10.0.0.1"},
        {"10.0.0.1/8", "10.0.0.1/8"},
        {"10.0.0.1/0", "10.0.0.1/0"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"::/0", "::/0"},
        {"::1/128", "::1"},
        {"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789/127",
         "abcd:ef01:2345:6789:abcd:ef01:2345:6789/127"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"1:2:3::5:6:7:8", "1:2:3:0:5:6:7:8"},
        {"0001:0:0:0:00:000:0000:00f", "1::f"},
        {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
        {"1:0:0:2:0:0:3:4", "1::2:0:0:3:4"},
        {"0:0:1::", "0:0:1::"},
        {"::ffff:102:304", "::ffff:102:304"},
        {"ffee::/64", "ffee::/64"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        struct cedar_value value = must(CEDAR_FN_IP, TEXTS[i].text), again;

        check_text(&value, TEXTS[i].again);
        again = must(CEDAR_FN_IP, TEXTS[i].again);
        assert_true(cedar_value_eq(&value, &again));
    }
}

static void no_addresses(void **state)
{
    static const char *const TEXTS[] = {"",
                                        " ",
                                        "1",
                                        "1.2.3",
                                        "1.2.3.",
                                        "1.2.3.4.",
                                        "1.2.3.4.5",
                                        ".1.2.3.4",
                                        "1..2.3",
                                        "1.2.3.256",
                                        "1.2.3.1000",
                                        "01.2.3.4",
                                        "1.2.3.04",
                                        "1.2.3.00",
                                        "+1.2.3.4",
                                        "-1.2.3.4",
                                        "1.2.3.4 ",
                                        " 1.2.3.4",
                                        "1.2.3.4/",
                                        "1.2.3.4/33",
                                        "1.2.3.4/032",
                                        "1.2.3.4/00",
                                        "1.2.3.4/08",
                                        "1.2.3.4/+8",
                                        "1.2.3.4/-1",
                                        "1.2.3.4/8/8",
                                        "1.2.3.4/8 ",
                                        "1.2.3.4:80",
                                        "0x1.2.3.4",
                                        "a.b.c.d",
                                        "1.2.3.4/a",
                                        "/8",
                                        ":",
                                        ":::",
                                        "::::",
                                        "1",
                                        "1:",
                                        ":1",
                                        "1:2:3:4:5:6:7",
                                        "1:2:3:4:5:6:7:8:9",
                                        "1:2:3:4:5:6:7:8::",
                                        "::1:2:3:4:5:6:7:8",
                                        "1:2:3:4::5:6:7:8",
                                        "1::2::3",
                                        "1:::2",
                                        "12345::",
                                        "::g",
                                        "::1%eth0",
                                        "[::1]",
                                        "::1/129",
                                        "::1/0128",
                                        "::1/00",
                                        "::1/064",
                                        "::1/",
                                        "::1.2.3.4",
                                        "::ffff:192.168.0.1",
                                        "64:ff9b::1.2.3.4",
                                        "1:2:3:4:5:6:1.2.3.4",
                                        "::ffff:1.2.3.4/96",
                                        "1:2:3:4:5:6:7:8.",
                                        "0:0:0:0:0:0:0:1/128/1",
                                        "127.0.0.1\n",
                                        "::1\n",
                                        "\xd9\xa1.2.3.4",
                                        NULL};

    (void)state;
    refused(CEDAR_FN_IP, TEXTS);
}

static void networks(void **state)
{
    static const struct {
        const char *ip, *range;
        bool in;
    } RANGES[] = {
        {"10.0.0.1", "10.0.0.0/8", true},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.1/8", "10.0.0.0/8", true},
        {"10.0.0.0/7", "10.0.0.0/8", false},
        {"10.0.0.0/9", "10.128.0.0/9", false},
        {"10.255.0.0/9", "10.128.0.0/9", true},
        {"11.0.0.1", "10.0.0.0/7", true},
        {"12.0.0.1", "10.0.0.0/7", false},
        {"1.2.3.4", "9.9.9.9/0", true},
        {"1.2.3.4/0", "9.9.9.9/0", true},
        {"1.2.3.4/0", "9.9.9.9/1", false},
        {"::1", "0.0.0.0/0", false},
        {"1.2.3.4", "::/0", false},
        {"::ffff:102:304", "::/0", true},
        {"ffee:1::1", "ffee::/16", true},
        {"ffef::1", "ffee::/16", false},
        {"ffef::1", "ffee::/15", true},
        {"::1", "::2/127", false},
        {"::3", "::2/127", true},
        {"::1", "::1/128", true},
    };
    static const struct {
        const char *ip;
        bool v6, loopback, multicast;
    } KINDS[] = {
        {"127.0.0.1", false, true, false},    {"127.255.0.1/8", false, true, false},
        {"127.0.0.1/7", false, false, false}, {"128.0.0.1", false, false, false},
        {"::1", true, true, false},           {"::1/127", true, false, false},
        {"::2", true, false, false},          {"::ffff:7f00:1", true, false, false},
        {"224.0.0.1", false, false, true},    {"239.255.255.255", false, false, true},
        {"240.0.0.0", false, false, false},   {"223.0.0.1", false, false, false},
        {"224.0.0.0/4", false, false, true},  {"224.0.0.0/3", false, false, false},
        {"ff00::", true, false, true},        {"ff12::1/8", true, false, true},
        {"ff00::/7", true, false, false},     {"fe00::", true, false, false},
    };
    struct cedar_value got = {0}, none = {0};

    (void)state;
    for (size_t i = 0; i < sizeof RANGES / sizeof *RANGES; i++) {
        call(CEDAR_FN_IS_IN_RANGE, must(CEDAR_FN_IP, RANGES[i].ip),
             must(CEDAR_FN_IP, RANGES[i].range), &got);
        if (got.truth != RANGES[i].in)
            fail_msg("%s in %s: %d", RANGES[i].ip, RANGES[i].range, got.truth);
    }
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        struct cedar_value ip = must(CEDAR_FN_IP, KINDS[i].ip);

        call(CEDAR_FN_IS_IPV4, ip, none, &got);
        assert_int_equal(got.truth, !KINDS[i].v6);
        call(CEDAR_FN_IS_IPV6, ip, none, &got);
        assert_int_equal(got.truth, KINDS[i].v6);
        call(CEDAR_FN_IS_LOOPBACK, ip, none, &got);
        if (got.truth != KINDS[i].loopback)
            fail_msg("%s loopback: %d", KINDS[i].ip, got.truth);
        call(CEDAR_FN_IS_MULTICAST, ip, none, &got);
        if (got.truth != KINDS[i].multicast)
            fail_msg("%s multicast: %d", KINDS[i].ip, got.truth);
    }
}

static void addresses_are_compared_as_written(void **state)
{
    struct cedar_value a = must(CEDAR_FN_IP, "10.0.0.1/8"), b = must(CEDAR_FN_IP, "10.0.0.2/8");
    struct cedar_value c = must(CEDAR_FN_IP, "10.0.0.1/32"), d = must(CEDAR_FN_IP, "10.0.0.1");
    struct cedar_value v4 = must(CEDAR_FN_IP, "0.0.0.0"), v6 = must(CEDAR_FN_IP, "::/32");

    (void)state;
    assert_false(cedar_value_eq(&a, &b)); /* one network, two hosts */
    assert_false(cedar_value_eq(&a, &c));
    assert_true(cedar_value_eq(&c, &d));
    assert_false(cedar_value_eq(&v4, &v6));
}

static void decimals(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
        const char *again;
    } TEXTS[] = {
        {"0.0", 0, "0.0000"},
        {"-0.0", 0, "0.0000"},
        {"1.5", 15000, "1.5000"},
        {"-1.5", -15000, "-1.5000"},
        {"-0.5", -5000, "-0.5000"},
        {"0.0001", 1, "0.0001"},
        {"-0.0001", -1, "-0.0001"},
        {"12.34", 123400, "12.3400"},
        {"00012.340", 123400, "12.3400"},
        {"0000000000000000000000000000000000001.0", 10000, "1.0000"},
        {"922337203685477.5807", MAX, "922337203685477.5807"},
        {"-922337203685477.5808", MIN, "-922337203685477.5808"},
        {"-922337203685477.5807", -MAX, "-922337203685477.5807"},
    };
    static const char *const NOT[] = {"",
                                      "1",
                                      "1.",
                                      ".5",
                                      "-.5",
                                      "-",
                                      "-1",
                                      ".",
                                      "-.",
                                      "+1.0",
                                      "1.+5",
                                      "1.-5",
                                      "--1.0",
                                      "1.0.0",
                                      "1.00000",
                                      "1.12345",
                                      " 1.0",
                                      "1.0 ",
                                      "1,0",
                                      "1.0e1",
                                      "0x1.0",
                                      "1.0\n",
                                      "a.b",
                                      "922337203685477.5808",
                                      "-922337203685477.5809",
                                      "922337203685478.0",
                                      "-922337203685478.0",
                                      "9223372036854775808.0",
                                      "99999999999999999999999999.0",
                                      "\xd9\xa1.0",
                                      "1.\xd9\xa1",
                                      NULL};

    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        struct cedar_value value = must(CEDAR_FN_DECIMAL, TEXTS[i].text);

        if (value.number != TEXTS[i].value)
            fail_msg("%s is %" PRId64, TEXTS[i].text, value.number);
        check_text(&value, TEXTS[i].again);
    }
    refused(CEDAR_FN_DECIMAL, NOT);
}

static void decimals_are_compared(void **state)
{
    static const char *const TEXTS[] = {"-1.5", "1.0", "1.0001"};
    struct cedar_value got = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            struct cedar_value a = must(CEDAR_FN_DECIMAL, TEXTS[i]);
            struct cedar_value b = must(CEDAR_FN_DECIMAL, TEXTS[j]);

            call(CEDAR_FN_LESS_THAN, a, b, &got);
            assert_int_equal(got.truth, i < j);
            call(CEDAR_FN_LESS_THAN_OR_EQUAL, a, b, &got);
            assert_int_equal(got.truth, i <= j);
            call(CEDAR_FN_GREATER_THAN, a, b, &got);
            assert_int_equal(got.truth, i > j);
            call(CEDAR_FN_GREATER_THAN_OR_EQUAL, a, b, &got);
            assert_int_equal(got.truth, i >= j);
        }
}

static void datetimes(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
        const char *again;
    } TEXTS[] = {
        {"1970-01-01", 0, "1970-01-01T00:00:00.000Z"},
        {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z"},
        {"1970-01-02", DAY, "1970-01-02T00:00:00.000Z"},
        {"1969-12-31", -DAY, "1969-12-31T00:00:00.000Z"},
        {"1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z"},
        {"2024-10-15", INT64_C(1728950400000), "2024-10-15T00:00:00.000Z"},
        {"2024-10-15T11:38:02Z", INT64_C(1728992282000), "2024-10-15T11:38:02.000Z"},
        {"2024-10-15T11:38:02.101Z", INT64_C(1728992282101), "2024-10-15T11:38:02.101Z"},
        {"2024-10-15T11:38:02.101-1134", INT64_C(1729033922101), "2024-10-15T23:12:02.101Z"},
        {"2024-10-15T11:38:02.101+1134", INT64_C(1728950642101), "2024-10-15T00:04:02.101Z"},
        {"2024-10-15T11:38:02+1134", INT64_C(1728950642000), "2024-10-15T00:04:02.000Z"},
        {"2024-01-01T00:00:00+0000", INT64_C(1704067200000), "2024-01-01T00:00:00.000Z"},
        {"2024-01-01T00:00:00-0000", INT64_C(1704067200000), "2024-01-01T00:00:00.000Z"},
        {"2024-02-29", INT64_C(1709164800000), "2024-02-29T00:00:00.000Z"},
        {"2000-02-29", INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
        {"2000-03-01", INT64_C(951868800000), "2000-03-01T00:00:00.000Z"},
        {"1900-03-01", INT64_C(-2203891200000), "1900-03-01T00:00:00.000Z"},
        {"0000-01-01", INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z"},
        {"0000-02-29", INT64_C(-62162121600000), "0000-02-29T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
        {"9999-12-31T23:59:59.999-2359", INT64_C(253402387139999), "+10000-01-01T23:58:59.999Z"},
        {"0000-01-01T00:00:00+2359", INT64_C(-62167305540000), "-0001-12-31T00:01:00.000Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        struct cedar_value value = must(CEDAR_FN_DATETIME, TEXTS[i].text);

        if (value.number != TEXTS[i].value)
            fail_msg("%s is %" PRId64, TEXTS[i].text, value.number);
        check_text(&value, TEXTS[i].again);
    }
}

static void no_datetimes(void **state)
{
    static const char *const TEXTS[] = {"",
                                        "2024",
                                        "2024-10",
                                        "2024-10-",
                                        "2024-1-01",
                                        "2024-10-1",
                                        "24-10-15",
                                        "20240-10-15",
                                        "+2024-10-15",
                                        "-2024-10-15",
                                        "+002024-10-15",
                                        "2024/10/15",
                                        "2024-10-15 ",
                                        " 2024-10-15",
                                        "2024-00-01",
                                        "2024-13-01",
                                        "2024-01-00",
                                        "2024-01-32",
                                        "2024-04-31",
                                        "2023-02-29",
                                        "1900-02-29",
                                        "2024-02-30",
                                        "2024-10-15T",
                                        "2024-10-15t00:00:00Z",
                                        "2024-10-15 00:00:00Z",
                                        "2024-10-15T00:00Z",
                                        "2024-10-15T00:00:00",
                                        "2024-10-15T00:00:00z",
                                        "2024-10-15T0:00:00Z",
                                        "2024-10-15T24:00:00Z",
                                        "2024-10-15T23:60:00Z",
                                        "2024-10-15T23:59:60Z",
                                        "2016-12-31T23:59:60Z",
                                        "2024-10-15T23:59:61Z",
                                        "2024-10-15T00:00:00.Z",
                                        "2024-10-15T00:00:00.1Z",
                                        "2024-10-15T00:00:00.12Z",
                                        "2024-10-15T00:00:00.1234Z",
                                        "2024-10-15T00:00:00.123",
                                        "2024-10-15T00:00:00,123Z",
                                        "2024-10-15T00:00:00+01:00",
                                        "2024-10-15T00:00:00+01",
                                        "2024-10-15T00:00:00+2400",
                                        "2024-10-15T00:00:00-2400",
                                        "2024-10-15T00:00:00+0060",
                                        "2024-10-15T00:00:00+2360",
                                        "2024-10-15T00:00:00ZZ",
                                        "2024-10-15T00:00:00Z ",
                                        "2024-10-15T00:00:00+01000",
                                        "2024-10-15T-1:00:00Z",
                                        "2024-10-15T00:00:00+-100",
                                        "2024-10-15Z",
                                        "2024-10-15+0100",
                                        "2024-10-15\n",
                                        "0000-00-00",
                                        "10000-01-01",
                                        "\xd9\xa1"
                                        "024-10-15",
                                        NULL};

    (void)state;
    refused(CEDAR_FN_DATETIME, TEXTS);
}

static void durations(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } TEXTS[] = {
        {"0ms", 0},
        {"-0ms", 0},
        {"0d0s", 0},
        {"1ms", 1},
        {"1s", 1000},
        {"1m", 60000},
        {"1h", 3600000},
        {"1d", DAY},
        {"1d2h3m4s5ms", DAY + 2 * 3600000 + 3 * 60000 + 4000 + 5},
        {"-1d2h3m4s5ms", -(DAY + 2 * 3600000 + 3 * 60000 + 4000 + 5)},
        {"1m5ms", 60005},
        {"5ms", 5},
        {"1d1ms", DAY + 1},
        {"100h", 360000000},
        {"00000000000000000000000000001d", DAY},
        {"9223372036854775807ms", MAX},
        {"-9223372036854775807ms", -MAX},
        {"-9223372036854775808ms", MIN},
        {"9223372036854775s807ms", MAX},
        {"-9223372036854775s808ms", MIN},
        {"106751991167d7h12m55s807ms", MAX},
        {"-106751991167d7h12m55s808ms", MIN},
        {"-106751991167d", -106751991167 * DAY},
    };
    static const char *const NOT[] = {"",
                                      "-",
                                      "1",
                                      "-1",
                                      "d",
                                      "ms",
                                      "-d",
                                      "1D",
                                      "1 d",
                                      " 1d",
                                      "1d ",
                                      "+1d",
                                      "--1d",
                                      "1d-1h",
                                      "1.5d",
                                      "1h1d",
                                      "1ms1s",
                                      "1m1h",
                                      "1s1m",
                                      "1d1d",
                                      "1ms1ms",
                                      "1d1",
                                      "d1",
                                      "1dh",
                                      "1y",
                                      "1w",
                                      "1us",
                                      "1mss",
                                      "1sm",
                                      "1d\n",
                                      "1m s",
                                      "9223372036854775808ms",
                                      "-9223372036854775809ms",
                                      "9223372036854775s808ms",
                                      "-9223372036854775s809ms",
                                      "9223372036854776s",
                                      "106751991167d7h12m55s808ms",
                                      "106751991168d",
                                      "-106751991168d",
                                      "18446744073709551616ms",
                                      "18446744073709551616d",
                                      "99999999999999999999999999999999h",
                                      "\xd9\xa1"
                                      "d",
                                      NULL};

    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        struct cedar_value value = must(CEDAR_FN_DURATION, TEXTS[i].text), again;
        CLEANUP(buf_free) struct buf text = {0};

        if (value.number != TEXTS[i].value)
            fail_msg("%s is %" PRId64, TEXTS[i].text, value.number);
        assert_int_equal(cedar_ext_text(&value, &text), ERR_OK);
        assert_int_equal(buf_terminate(&text), ERR_OK);
        again = must(CEDAR_FN_DURATION, (const char *)text.ptr);
        assert_true(cedar_value_eq(&value, &again));
    }
    refused(CEDAR_FN_DURATION, NOT);
}

#define T(ms)                                                                                      \
    {                                                                                              \
        .kind = CEDAR_DATETIME, .number = (ms)                                                     \
    }
#define D(ms)                                                                                      \
    {                                                                                              \
        .kind = CEDAR_DURATION, .number = (ms)                                                     \
    }

static void arithmetic_of_time(void **state)
{
    static const struct {
        enum cedar_fn fn;
        struct cedar_value a, b;
        enum cedar_fault fault;
        int64_t want;
    } CASES[] = {
        {CEDAR_FN_OFFSET, T(5), D(-7), 0, -2},
        {CEDAR_FN_OFFSET, T(MAX), D(0), 0, MAX},
        {CEDAR_FN_OFFSET, T(MAX), D(1), CEDAR_FAULT_EXTENSION, 0},
        {CEDAR_FN_OFFSET, T(MIN), D(-1), CEDAR_FAULT_EXTENSION, 0},
        {CEDAR_FN_DURATION_SINCE, T(5), T(7), 0, -2},
        {CEDAR_FN_DURATION_SINCE, T(0), T(MIN), CEDAR_FAULT_EXTENSION, 0},
        {CEDAR_FN_DURATION_SINCE, T(-1), T(MIN), 0, MAX},
        {CEDAR_FN_DURATION_SINCE, T(MIN), T(1), CEDAR_FAULT_EXTENSION, 0},
        {CEDAR_FN_TO_DATE, T(0), {0}, 0, 0},
        {CEDAR_FN_TO_DATE, T(1), {0}, 0, 0},
        {CEDAR_FN_TO_DATE, T(DAY - 1), {0}, 0, 0},
        {CEDAR_FN_TO_DATE, T(DAY), {0}, 0, DAY},
        {CEDAR_FN_TO_DATE, T(-1), {0}, 0, -DAY},
        {CEDAR_FN_TO_DATE, T(-DAY), {0}, 0, -DAY},
        {CEDAR_FN_TO_DATE, T(-DAY - 1), {0}, 0, -2 * DAY},
        {CEDAR_FN_TO_DATE, T(MAX), {0}, 0, MAX / DAY * DAY},
        {CEDAR_FN_TO_DATE, T(MIN / DAY * DAY), {0}, 0, MIN / DAY * DAY},
        {CEDAR_FN_TO_DATE, T(MIN / DAY * DAY - 1), {0}, CEDAR_FAULT_EXTENSION, 0},
        {CEDAR_FN_TO_DATE, T(MIN), {0}, CEDAR_FAULT_EXTENSION, 0},
        {CEDAR_FN_TO_TIME, T(0), {0}, 0, 0},
        {CEDAR_FN_TO_TIME, T(DAY + 5), {0}, 0, 5},
        {CEDAR_FN_TO_TIME, T(-1), {0}, 0, DAY - 1},
        {CEDAR_FN_TO_TIME, T(-DAY), {0}, 0, 0},
        {CEDAR_FN_TO_TIME, T(MIN), {0}, 0, DAY + MIN % DAY},
        {CEDAR_FN_TO_MILLISECONDS, D(MIN), {0}, 0, MIN},
        {CEDAR_FN_TO_SECONDS, D(1999), {0}, 0, 1},
        {CEDAR_FN_TO_SECONDS, D(-1999), {0}, 0, -1},
        {CEDAR_FN_TO_MINUTES, D(-60000), {0}, 0, -1},
        {CEDAR_FN_TO_MINUTES, D(-59999), {0}, 0, 0},
        {CEDAR_FN_TO_HOURS, D(7199999), {0}, 0, 1},
        {CEDAR_FN_TO_DAYS, D(-DAY), {0}, 0, -1},
        {CEDAR_FN_TO_DAYS, D(MIN), {0}, 0, -106751991167},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct cedar_value got = {0};
        enum cedar_fault fault = call(CASES[i].fn, CASES[i].a, CASES[i].b, &got);

        if (fault != CASES[i].fault || (fault == CEDAR_FAULT_NONE && got.number != CASES[i].want))
            fail_msg("case %zu (%s): fault %d, %" PRId64, i, cedar_fn_info(CASES[i].fn)->name,
                     (int)fault, got.number);
    }
}

static void every_function_wants_its_kinds(void **state)
{
    static const struct cedar_ip HOME = {.prefix = 32, .octets = {127, 0, 0, 1}};
    static const struct cedar_uid UID = {0};
    const struct cedar_value kinds[] = {
        cedar_bool(true),
        cedar_long(1),
        cedar_string(slice_str("1d")),
        cedar_entity(&UID),
        {.kind = CEDAR_SET},
        {.kind = CEDAR_RECORD},
        {.kind = CEDAR_IP, .ip = &HOME},
        {.kind = CEDAR_DECIMAL},
        {.kind = CEDAR_DATETIME},
        {.kind = CEDAR_DURATION},
    };

    (void)state;
    for (enum cedar_fn fn = CEDAR_FN_IP; fn < CEDAR_FN_END; fn++) {
        const struct cedar_fn_info *info = cedar_fn_info(fn);

        assert_int_equal(cedar_fn_from(slice_str(info->name)), fn);
        assert_int_equal(info->method, fn > CEDAR_FN_DURATION);
        for (size_t a = 0; a < 10; a++)
            for (size_t b = 0; b < 10; b++) {
                bool right = kinds[a].kind == info->args[0] &&
                             (info->n_args == 1 || kinds[b].kind == info->args[1]);
                struct cedar_value got;
                enum cedar_fault fault = call(fn, kinds[a], kinds[b], &got);

                if ((fault == CEDAR_FAULT_TYPE) == right)
                    fail_msg("%s of kinds %zu, %zu: fault %d", info->name, a, b, (int)fault);
            }
    }
    assert_null(cedar_fn_info(CEDAR_FN_NONE));
    assert_null(cedar_fn_info(CEDAR_FN_END));
    assert_int_equal(cedar_fn_from(slice_str("isipv4")), CEDAR_FN_NONE);
    assert_int_equal(cedar_fn_from(slice_str("")), CEDAR_FN_NONE);
}

/* Every day of the calendar, against a count that knows nothing of eras. */
static void every_day(void **state)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t want = INT64_C(-62167219200000);

    (void)state;
    for (int year = 0; year <= 9999; year++)
        for (int month = 1; month <= 12; month++) {
            bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            int n = DAYS[month - 1] + (month == 2 && leap);

            for (int day = 1; day <= n + 1; day++) {
                char text[64], again[CEDAR_EXT_TEXT];
                int64_t got = 0;

                snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
                if (cedar_datetime_parse(slice_str(text), &got) != (day <= n))
                    fail_msg("%s", text);
                if (day > n)
                    continue;
                if (got != want)
                    fail_msg("%s is %" PRId64 ", want %" PRId64, text, got, want);
                cedar_datetime_text(got, again);
                assert_memory_equal(again, text, 10);
                want += DAY;
            }
        }
}

static int teardown(void **state)
{
    (void)state;
    cedar_arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(no_addresses),
        cmocka_unit_test(networks),
        cmocka_unit_test(addresses_are_compared_as_written),
        cmocka_unit_test(decimals),
        cmocka_unit_test(decimals_are_compared),
        cmocka_unit_test(datetimes),
        cmocka_unit_test(no_datetimes),
        cmocka_unit_test(durations),
        cmocka_unit_test(arithmetic_of_time),
        cmocka_unit_test(every_function_wants_its_kinds),
        cmocka_unit_test(every_day),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}
