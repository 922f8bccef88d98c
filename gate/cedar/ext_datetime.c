/* SPDX-License-Identifier: Apache-2.0 */
/* ext_datetime.c: points in time and spans of time, in milliseconds. */
#include "gate/cedar/ext.h"

#include <inttypes.h>
#include <stdio.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* The calendar repeats after 400 years. */
#define ERA_DAYS 146097
/* From 1 March of the year 0 to 1 January 1970. */
#define EPOCH_DAYS 719468

static bool is_digit(struct slice text, size_t i)
{
    return i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9';
}

/* Takes exactly n digits from the front. */
static bool take_digits(struct slice *rest, size_t n, int *ret)
{
    int value = 0;

    for (size_t i = 0; i < n; i++) {
        if (!is_digit(*rest, i))
            return false;
        value = value * 10 + rest->ptr[i] - '0';
    }
    *rest = slice_part(*rest, n, rest->len - n);
    *ret = value;
    return true;
}

static bool take(struct slice *rest, char c)
{
    if (rest->len == 0 || rest->ptr[0] != (uint8_t)c)
        return false;
    *rest = slice_part(*rest, 1, rest->len - 1);
    return true;
}

static bool leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_of(int year, int month)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && leap(year) ? 29 : DAYS[month - 1];
}

/* Days since 1970 of a day in the Gregorian calendar, years 0 to 9999. Years are counted from
 * March, so that the leap day comes last. */
static int64_t days_from(int year, int month, int day)
{
    int y = year + 400 - (month <= 2); /* an era too many, so that it is not negative */
    int m = (month + 9) % 12;
    int of_year = (153 * m + 2) / 5 + day - 1;

    return 365 * y + y / 4 - y / 100 + y / 400 + of_year - ERA_DAYS - EPOCH_DAYS;
}

static bool take_date(struct slice *rest, int64_t *ret)
{
    int year, month, day;

    if (!take_digits(rest, 4, &year) || !take(rest, '-') || !take_digits(rest, 2, &month) ||
        !take(rest, '-') || !take_digits(rest, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_of(year, month))
        return false;
    *ret = days_from(year, month, day) * DAY;
    return true;
}

static bool take_time(struct slice *rest, int64_t *ret)
{
    int hour, minute, second, ms = 0;

    if (!take(rest, 'T') || !take_digits(rest, 2, &hour) || !take(rest, ':') ||
        !take_digits(rest, 2, &minute) || !take(rest, ':') || !take_digits(rest, 2, &second))
        return false;
    if (take(rest, '.') && !take_digits(rest, 3, &ms))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *ret = hour * HOUR + minute * MINUTE + second * SECOND + ms;
    return true;
}

static bool take_offset(struct slice *rest, int64_t *ret)
{
    int hour, minute, sign = 1;

    if (take(rest, 'Z')) {
        *ret = 0;
        return true;
    }
    if (take(rest, '-'))
        sign = -1;
    else if (!take(rest, '+'))
        return false;
    if (!take_digits(rest, 2, &hour) || !take_digits(rest, 2, &minute) || hour > 23 || minute > 59)
        return false;
    *ret = sign * (hour * HOUR + minute * MINUTE);
    return true;
}

bool cedar_datetime_parse(struct slice text, int64_t *ret)
{
    int64_t date, time = 0, offset = 0;

    if (!take_date(&text, &date))
        return false;
    if (text.len > 0 && (!take_time(&text, &time) || !take_offset(&text, &offset) || text.len > 0))
        return false;
    *ret = date + time - offset;
    return true;
}

bool cedar_datetime_date(int64_t value, int64_t *ret)
{
    return !__builtin_sub_overflow(value, cedar_datetime_time(value), ret);
}

int64_t cedar_datetime_time(int64_t value)
{
    int64_t rest = value % DAY;

    return rest < 0 ? rest + DAY : rest;
}

void cedar_datetime_text(int64_t value, char ret[static CEDAR_EXT_TEXT])
{
    int64_t time = cedar_datetime_time(value);
    int64_t days = value / DAY - (value % DAY < 0) + EPOCH_DAYS;
    int64_t era = (days >= 0 ? days : days - (ERA_DAYS - 1)) / ERA_DAYS;
    int64_t of_era = days - era * ERA_DAYS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA_DAYS - 1)) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t m = (5 * of_year + 2) / 153;
    int64_t day = of_year - (153 * m + 2) / 5 + 1;
    int64_t month = m < 10 ? m + 3 : m - 9;

    year += era * 400 + (month <= 2);
    snprintf(ret, CEDAR_EXT_TEXT,
             year < 0 || year > 9999 ? "%+05" PRId64 "-%02d-%02dT%02d:%02d:%02d.%03dZ"
                                     : "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d.%03dZ",
             year, (int)month, (int)day, (int)(time / HOUR), (int)(time / MINUTE % 60),
             (int)(time / SECOND % 60), (int)(time % SECOND));
}

/* Takes digits and this unit, and adds them on the side of the sign. Leaves the rest alone when
 * they are not there; false when they are too many. */
static bool take_unit(struct slice *rest, const char *unit, int64_t ms, int64_t *sum)
{
    struct slice name = slice_str(unit);
    int64_t value = 0;
    size_t n = 0;

    while (is_digit(*rest, n))
        n++;
    if (n == 0 || !slice_eq(slice_part(*rest, n, name.len), name))
        return true;
    if (name.len == 1 && *unit == 'm' && slice_eq_str(slice_part(*rest, n, 2), "ms"))
        return true;
    for (size_t i = 0; i < n; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, rest->ptr[i] - '0', &value))
            return false;
    *rest = slice_part(*rest, n + name.len, rest->len - n - name.len);
    return !__builtin_mul_overflow(value, ms, &value) && !__builtin_add_overflow(*sum, value, sum);
}

bool cedar_duration_parse(struct slice text, int64_t *ret)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    struct slice rest = negative ? slice_part(text, 1, text.len - 1) : text;
    int64_t sum = 0; /* negative: the most negative number has no positive one */

    if (rest.len == 0 || !take_unit(&rest, "d", DAY, &sum) || !take_unit(&rest, "h", HOUR, &sum) ||
        !take_unit(&rest, "m", MINUTE, &sum) || !take_unit(&rest, "s", SECOND, &sum) ||
        !take_unit(&rest, "ms", 1, &sum) || rest.len > 0)
        return false;
    if (!negative && __builtin_sub_overflow(0, sum, &sum))
        return false;
    *ret = sum;
    return true;
}

void cedar_duration_text(int64_t value, char ret[static CEDAR_EXT_TEXT])
{
    snprintf(ret, CEDAR_EXT_TEXT, "%" PRId64 "ms", value);
}
