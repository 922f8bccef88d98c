/* SPDX-License-Identifier: Apache-2.0 */
/* ext_time_test.c: which texts are datetimes and durations, what they mean, and what the extension
 * functions make of them. */
#include "gate/cedar/ext_testing.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MIN INT64_MIN
#define MAX INT64_MAX
#define DAY INT64_C(86400000)

static const struct {
    const char *text;
    int64_t value;
    const char *again;
} DATETIMES[] = {
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

static void datetimes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof DATETIMES / sizeof *DATETIMES; i++) {
        struct cedar_value value = ext_must(CEDAR_FN_DATETIME, DATETIMES[i].text);

        if (value.number != DATETIMES[i].value)
            fail_msg("%s is %" PRId64, DATETIMES[i].text, value.number);
        ext_written(&value, DATETIMES[i].again);
    }
}

static const char *const NO_DATETIMES[] = {
    "",
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
    NULL,
};

static void no_datetimes(void **state)
{
    (void)state;
    ext_refused(CEDAR_FN_DATETIME, NO_DATETIMES);
}

static const struct {
    const char *text;
    int64_t value;
} DURATIONS[] = {
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

static const char *const NO_DURATIONS[] = {
    "",
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
    NULL,
};

static void durations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof DURATIONS / sizeof *DURATIONS; i++) {
        struct cedar_value value = ext_must(CEDAR_FN_DURATION, DURATIONS[i].text), again;
        CLEANUP(buf_free) struct buf text = {0};

        if (value.number != DURATIONS[i].value)
            fail_msg("%s is %" PRId64, DURATIONS[i].text, value.number);
        assert_int_equal(cedar_ext_text(&value, &text), ERR_OK);
        assert_int_equal(buf_terminate(&text), ERR_OK);
        again = ext_must(CEDAR_FN_DURATION, (const char *)text.ptr);
        assert_true(cedar_value_eq(&value, &again));
    }
    ext_refused(CEDAR_FN_DURATION, NO_DURATIONS);
}

#define T(ms)                                                                                      \
    {                                                                                              \
        .kind = CEDAR_DATETIME, .number = (ms)                                                     \
    }
#define D(ms)                                                                                      \
    {                                                                                              \
        .kind = CEDAR_DURATION, .number = (ms)                                                     \
    }

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
    {CEDAR_FN_TO_DATE, T(MAX), {0}, 0, MAX / DAY *DAY},
    {CEDAR_FN_TO_DATE, T(MIN / DAY * DAY), {0}, 0, MIN / DAY *DAY},
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

static void arithmetic_of_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct cedar_value got = {0};
        enum cedar_fault fault = ext_call(CASES[i].fn, CASES[i].a, CASES[i].b, &got);

        if (fault != CASES[i].fault || (fault == CEDAR_FAULT_NONE && got.number != CASES[i].want))
            fail_msg("case %zu (%s): fault %d, %" PRId64, i, cedar_fn_info(CASES[i].fn)->name,
                     (int)fault, got.number);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datetimes), cmocka_unit_test(no_datetimes),
        cmocka_unit_test(durations), cmocka_unit_test(arithmetic_of_time),
        cmocka_unit_test(every_day),
    };

    return cmocka_run_group_tests(tests, NULL, ext_teardown);
}
