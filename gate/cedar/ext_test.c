/* SPDX-License-Identifier: Apache-2.0 */
/* ext_test.c: which texts are addresses and decimals, what they mean, and what the extension
 * functions take. */
#include "gate/cedar/ext_testing.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MIN INT64_MIN
#define MAX INT64_MAX

static const struct {
    const char *text, *again;
} ADDRESSES[] = {
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
    {"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789/127", "abcd:ef01:2345:6789:abcd:ef01:2345:6789/127"},
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

static void addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ADDRESSES / sizeof *ADDRESSES; i++) {
        struct cedar_value value = ext_must(CEDAR_FN_IP, ADDRESSES[i].text), again;

        ext_written(&value, ADDRESSES[i].again);
        again = ext_must(CEDAR_FN_IP, ADDRESSES[i].again);
        assert_true(cedar_value_eq(&value, &again));
    }
}

static const char *const NO_ADDRESSES[] = {
    "",
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
    NULL,
};

static void no_addresses(void **state)
{
    (void)state;
    ext_refused(CEDAR_FN_IP, NO_ADDRESSES);
}

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

static void networks(void **state)
{
    struct cedar_value got = {0}, none = {0};

    (void)state;
    for (size_t i = 0; i < sizeof RANGES / sizeof *RANGES; i++) {
        ext_call(CEDAR_FN_IS_IN_RANGE, ext_must(CEDAR_FN_IP, RANGES[i].ip),
                 ext_must(CEDAR_FN_IP, RANGES[i].range), &got);
        if (got.truth != RANGES[i].in)
            fail_msg("%s in %s: %d", RANGES[i].ip, RANGES[i].range, got.truth);
    }
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        struct cedar_value ip = ext_must(CEDAR_FN_IP, KINDS[i].ip);

        ext_call(CEDAR_FN_IS_IPV4, ip, none, &got);
        assert_int_equal(got.truth, !KINDS[i].v6);
        ext_call(CEDAR_FN_IS_IPV6, ip, none, &got);
        assert_int_equal(got.truth, KINDS[i].v6);
        ext_call(CEDAR_FN_IS_LOOPBACK, ip, none, &got);
        if (got.truth != KINDS[i].loopback)
            fail_msg("%s loopback: %d", KINDS[i].ip, got.truth);
        ext_call(CEDAR_FN_IS_MULTICAST, ip, none, &got);
        if (got.truth != KINDS[i].multicast)
            fail_msg("%s multicast: %d", KINDS[i].ip, got.truth);
    }
}

static void addresses_are_compared_as_written(void **state)
{
    struct cedar_value a = ext_must(CEDAR_FN_IP, "10.0.0.1/8"),
                       b = ext_must(CEDAR_FN_IP, "10.0.0.2/8");
    struct cedar_value c = ext_must(CEDAR_FN_IP, "10.0.0.1/32"),
                       d = ext_must(CEDAR_FN_IP, "10.0.0.1");
    struct cedar_value v4 = ext_must(CEDAR_FN_IP, "0.0.0.0"), v6 = ext_must(CEDAR_FN_IP, "::/32");

    (void)state;
    assert_false(cedar_value_eq(&a, &b)); /* one network, two hosts */
    assert_false(cedar_value_eq(&a, &c));
    assert_true(cedar_value_eq(&c, &d));
    assert_false(cedar_value_eq(&v4, &v6));
}

static const struct {
    const char *text;
    int64_t value;
    const char *again;
} DECIMALS[] = {
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

static const char *const NO_DECIMALS[] = {
    "",
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
    NULL,
};

static void decimals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof DECIMALS / sizeof *DECIMALS; i++) {
        struct cedar_value value = ext_must(CEDAR_FN_DECIMAL, DECIMALS[i].text);

        if (value.number != DECIMALS[i].value)
            fail_msg("%s is %" PRId64, DECIMALS[i].text, value.number);
        ext_written(&value, DECIMALS[i].again);
    }
    ext_refused(CEDAR_FN_DECIMAL, NO_DECIMALS);
}

static void decimals_are_compared(void **state)
{
    static const char *const TEXTS[] = {"-1.5", "1.0", "1.0001"};
    struct cedar_value got = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            struct cedar_value a = ext_must(CEDAR_FN_DECIMAL, TEXTS[i]);
            struct cedar_value b = ext_must(CEDAR_FN_DECIMAL, TEXTS[j]);

            ext_call(CEDAR_FN_LESS_THAN, a, b, &got);
            assert_int_equal(got.truth, i < j);
            ext_call(CEDAR_FN_LESS_THAN_OR_EQUAL, a, b, &got);
            assert_int_equal(got.truth, i <= j);
            ext_call(CEDAR_FN_GREATER_THAN, a, b, &got);
            assert_int_equal(got.truth, i > j);
            ext_call(CEDAR_FN_GREATER_THAN_OR_EQUAL, a, b, &got);
            assert_int_equal(got.truth, i >= j);
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
                enum cedar_fault fault = ext_call(fn, kinds[a], kinds[b], &got);

                if ((fault == CEDAR_FAULT_TYPE) == right)
                    fail_msg("%s of kinds %zu, %zu: fault %d", info->name, a, b, (int)fault);
            }
    }
    assert_null(cedar_fn_info(CEDAR_FN_NONE));
    assert_null(cedar_fn_info(CEDAR_FN_END));
    assert_int_equal(cedar_fn_from(slice_str("isipv4")), CEDAR_FN_NONE);
    assert_int_equal(cedar_fn_from(slice_str("")), CEDAR_FN_NONE);
}

/* What stands behind the end of a text has no say: each text is cut everywhere, and read with
 * different bytes behind the cut. */
static void a_text_ends_at_its_end(void **state)
{
    static const char *const texts[] = {
        "1.2.3.4/32",
        "1:2:3:4:5:6:7:8/128",
        "::ffff/12",
        "1::2",
        "-12.3456",
        "2024-02-29T12:34:56.789+0130",
        "2024-02-29T12:34:56Z",
        "-1d2h3m4s5ms",
    };
    static const char *const behind[] = {"111111", ".1.1.1", ":1:1:1", "::::::", "/1/1/1",
                                         "-01-01", "ZZZZZZ", "msmsms", "dddddd", "T00:00"};
    static const enum cedar_fn fns[] = {CEDAR_FN_IP, CEDAR_FN_DECIMAL, CEDAR_FN_DATETIME,
                                        CEDAR_FN_DURATION};
    char text[64];

    (void)state;
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
        for (size_t len = 0; len <= strlen(texts[t]); len++)
            for (size_t f = 0; f < sizeof fns / sizeof *fns; f++) {
                struct cedar_value value, first = {0};
                enum cedar_fault fault, want;

                memset(text, 0, sizeof text);
                memcpy(text, texts[t], len);
                want = ext_make(fns[f], text, &first);
                for (size_t b = 0; b < sizeof behind / sizeof *behind; b++) {
                    struct slice cut = {(const uint8_t *)text, len};

                    memcpy(text + len, behind[b], 6);
                    fault = ext_call(fns[f], cedar_string(cut), (struct cedar_value){0}, &value);
                    if (fault != want || (fault == 0 && !cedar_value_eq(&value, &first)))
                        fail_msg("%.*s, with %s behind it: fault %d, not %d", (int)len, texts[t],
                                 behind[b], (int)fault, (int)want);
                }
            }
}

/* Addresses that differ in one bit differ, whichever it is. */
static void every_bit_of_an_address_counts(void **state)
{
    char text[64];

    (void)state;
    for (unsigned bit = 0; bit < 128; bit++) {
        struct cedar_value zero = ext_must(CEDAR_FN_IP, "::"), one;
        unsigned group[8] = {0};

        group[bit / 16] = 1U << bit % 16;
        snprintf(text, sizeof text, "%x:%x:%x:%x:%x:%x:%x:%x", group[0], group[1], group[2],
                 group[3], group[4], group[5], group[6], group[7]);
        one = ext_must(CEDAR_FN_IP, text);
        assert_false(cedar_value_eq(&zero, &one));
        assert_true(cedar_value_cmp(&zero, &one) < 0 && cedar_value_cmp(&one, &zero) > 0);
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        struct cedar_value zero = ext_must(CEDAR_FN_IP, "0.0.0.0"), one;
        unsigned octet[4] = {0};

        octet[bit / 8] = 1U << bit % 8;
        snprintf(text, sizeof text, "%u.%u.%u.%u", octet[0], octet[1], octet[2], octet[3]);
        one = ext_must(CEDAR_FN_IP, text);
        assert_false(cedar_value_eq(&zero, &one));
        assert_true(cedar_value_cmp(&zero, &one) < 0 && cedar_value_cmp(&one, &zero) > 0);
    }
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
        cmocka_unit_test(every_function_wants_its_kinds),
        cmocka_unit_test(a_text_ends_at_its_end),
        cmocka_unit_test(every_bit_of_an_address_counts),
    };

    return cmocka_run_group_tests(tests, NULL, ext_teardown);
}
