/* SPDX-License-Identifier: Apache-2.0 */
/* strangers_test.c: the rate at which callers that nobody enrolled get on record, how many in a
 * day, and what is told of the others. */
#include "gate/base/dir_testing.h"
#include "gate/base/file.h"
#include "gate/daemon/strangers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define BEGIN (5 * SECOND)

static struct stranger_rates *rates;

static size_t taken(uid_t uid, size_t tries, uint64_t now_ns)
{
    size_t n = 0;

    for (size_t i = 0; i < tries; i++)
        n += stranger_rate_take(rates, uid, now_ns);
    return n;
}

static int begin(void **state)
{
    (void)state;
    rates = calloc(1, sizeof *rates);
    return rates == NULL;
}

static int end(void **state)
{
    (void)state;
    free(rates);
    return 0;
}

static void of_one(void **state)
{
    (void)state;
    assert_int_equal(taken(1, 100, BEGIN), STRANGER_BURST);
    assert_int_equal(taken(1, 100, BEGIN + SECOND - 1), 0);
    assert_int_equal(taken(1, 100, BEGIN + SECOND), STRANGER_PER_SECOND);
    assert_int_equal(taken(1, 100, BEGIN + 4 * SECOND), 3 * STRANGER_PER_SECOND);
    assert_int_equal(taken(1, 100, BEGIN), 0); /* a clock that goes back gives nothing */
    assert_int_equal(taken(1, 100, UINT64_MAX), STRANGER_BURST); /* nor does it overflow */
}

static void of_all(void **state)
{
    size_t n = 0;

    (void)state;
    for (uid_t uid = 0; uid < 100; uid++)
        n += taken(uid, 100, BEGIN);
    assert_int_equal(n, STRANGERS_BURST);
    n = 0;
    for (uid_t uid = 100; uid < 200; uid++)
        n += taken(uid, 100, BEGIN + SECOND);
    assert_int_equal(n, STRANGERS_PER_SECOND);
}

/* Many users do not make one forgotten who has used up what is his. */
static void crowd(void **state)
{
    uint64_t now_ns = BEGIN;

    (void)state;
    assert_int_equal(taken(1, 100, now_ns), STRANGER_BURST);
    for (uid_t uid = 1000; uid < 1000 + 4 * STRANGERS_KNOWN; uid++)
        (void)taken(uid, 1, now_ns);
    assert_int_equal(taken(1, 100, now_ns), 0);
    now_ns += STRANGERS_BURST * SECOND; /* all are as new */
    assert_int_equal(taken(1, 100, now_ns), STRANGER_BURST);
    for (uid_t uid = 5000; uid < 5000 + 3; uid++)
        assert_int_equal(taken(uid, 100, now_ns), STRANGER_BURST);
}

/* Whoever is told of: those with most, and how many there were beside. */
static void told(void **state)
{
    char text[512];

    (void)state;
    stranger_rates_tell(rates, 0, text, sizeof text);
    assert_string_equal(text, "");
    stranger_rates_tell(rates, 3, text, sizeof text);
    assert_string_equal(text, "others: 3");
    for (uid_t uid = 1; uid <= 3; uid++)
        (void)taken(uid, 1, BEGIN);
    stranger_rate_miss(rates, 1, 5);
    stranger_rate_miss(rates, 3, 70);
    stranger_rate_miss(rates, 9, 1000); /* not known */
    stranger_rates_tell(rates, 80, text, sizeof text);
    assert_string_equal(text, "uid:3: 70, uid:1: 5, others: 5");
    for (uid_t uid = 1; uid <= 30; uid++) {
        (void)taken(uid, 1, BEGIN);
        stranger_rate_miss(rates, uid, 100 - uid);
    }
    stranger_rates_tell(rates, 2535, text, sizeof text);
    assert_string_equal(text, "uid:1: 99, uid:2: 98, uid:3: 97, uid:4: 96, uid:5: 95, uid:6: 94, "
                              "uid:7: 93, uid:8: 92, others: 1771");
    stranger_rates_tell(rates, UINT64_MAX, text, sizeof text); /* all were told */
    assert_string_equal(text, "others: 18446744073709551615");
}

/* ---- days ------------------------------------------------------------------------------------ */

#define HOUR_MS STRANGERS_TOGETHER_MS
#define DAY_MS (24 * HOUR_MS)

static size_t taken_in(struct strangers_day *day, uint64_t now_ms)
{
    size_t n = 0;

    while (n < 2 * STRANGERS_PER_DAY && strangers_day_take(day, now_ms))
        n++;
    return n;
}

static void days(void **state)
{
    struct strangers_day day = {0};

    (void)state;
    assert_true(strangers_day_take(&day, 3 * DAY_MS));
    assert_int_equal(taken_in(&day, 4 * DAY_MS - 1), STRANGERS_PER_DAY - 1);
    assert_int_equal(taken_in(&day, 4 * DAY_MS), STRANGERS_PER_DAY);
    assert_int_equal(taken_in(&day, 3 * DAY_MS), 0); /* a clock that is set back */
    assert_int_equal(taken_in(&day, 5 * DAY_MS - 1), 0);
    assert_int_equal(taken_in(&day, 9 * DAY_MS), STRANGERS_PER_DAY);
}

static void together(void **state)
{
    struct strangers_day day = {0};

    (void)state;
    assert_int_equal(strangers_day_due(&day, DAY_MS), 0);
    strangers_day_miss(&day, 0, DAY_MS);
    assert_int_equal(strangers_day_due(&day, 2 * DAY_MS), 0);
    strangers_day_miss(&day, 3, 2 * DAY_MS);
    strangers_day_miss(&day, 4, 2 * DAY_MS + HOUR_MS - 1);
    assert_int_equal(strangers_day_due(&day, 2 * DAY_MS + HOUR_MS - 1), 0);
    assert_int_equal(strangers_day_due(&day, 2 * DAY_MS + HOUR_MS), 7);
    strangers_day_miss(&day, 2, 2 * DAY_MS + HOUR_MS + 1);
    assert_int_equal(strangers_day_due(&day, 2 * DAY_MS + 2 * HOUR_MS - 1), 0); /* once an hour */
    strangers_day_told(&day, 7);
    assert_int_equal(strangers_day_due(&day, 2 * DAY_MS + 2 * HOUR_MS), 2);
    assert_int_equal(strangers_day_due(&day, 2 * DAY_MS + 3 * HOUR_MS), 2); /* was not recorded */
    assert_int_equal(strangers_day_due(&day, DAY_MS), 0); /* a clock that is set back */
    assert_int_equal(strangers_day_due(&day, DAY_MS + HOUR_MS), 2);
    strangers_day_told(&day, 2);
    assert_int_equal(strangers_day_due(&day, 9 * DAY_MS), 0);
}

static char dir[64], path[80];

static int make_dir(void **state)
{
    testing_dir(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/strangers.json", dir);
    return begin(state);
}

static int remove_dir(void **state)
{
    testing_remove(dir);
    return end(state);
}

static struct strangers_day load(err_code want_said)
{
    struct strangers_day day;
    struct why why = {0};

    assert_int_equal(strangers_day_load(path, 7 * DAY_MS, &day, &why), ERR_OK);
    assert_int_equal(why.code, want_said);
    return day;
}

/* The same after a start. */
static void kept(void **state)
{
    struct strangers_day day = load(ERR_OK), again;

    (void)state;
    assert_int_equal(taken_in(&day, 7 * DAY_MS), STRANGERS_PER_DAY);
    strangers_day_miss(&day, UINT64_C(1) << 40, 7 * DAY_MS + 1);
    assert_int_equal(strangers_day_save(path, &day, NULL), ERR_OK);
    again = load(ERR_OK);
    assert_memory_equal(&again, &day, sizeof day);
    assert_int_equal(taken_in(&again, 7 * DAY_MS + 2), 0);
    assert_int_equal(strangers_day_due(&again, 7 * DAY_MS + 1 + HOUR_MS), UINT64_C(1) << 40);
    strangers_day_told(&again, UINT64_C(1) << 40);
    assert_int_equal(strangers_day_save(path, &again, NULL), ERR_OK); /* what is shorter */
    assert_int_equal(load(ERR_OK).unrecorded, 0);
    assert_int_equal(strangers_day_save("/nowhere/strangers.json", &again, NULL), ERR_NOT_FOUND);
}

/* What is no count gives nobody a record by itself, and is counted on from there. */
static void damaged(void **state)
{
    static const char *const TEXTS[] = {
        "",
        "{}",
        "x",
        "[1]",
        "{\"schema\":\"pawl/1\",\"day\":-1,\"recorded\":0,\"unrecorded\":0,\"since_ms\":0}",
        "{\"schema\":\"pawl/1\",\"day\":1,\"recorded\":-5,\"unrecorded\":0,\"since_ms\":0}",
        "{\"schema\":\"pawl/2\",\"day\":1,\"recorded\":0,\"unrecorded\":0,\"since_ms\":0}",
        "{\"schema\":\"pawl/1\",\"day\":1,\"recorded\":0,\"unrecorded\":0}",
        "{\"schema\":\"pawl/1\",\"day\":1,\"recorded\":0,\"unrecorded\":0,\"since_ms\":0,\"x\":1}",
        "{\"schema\":\"pawl/1\",\"day\":1,\"day\":2,\"recorded\":0,\"unrecorded\":0}",
        "{\"schema\":\"pawl/1\",\"day\":1,\"recorded\":0,\"unrecorded\":0,\"since_ms\":0}}",
    };
    struct strangers_day day = {.day = 7};
    struct why why = {0};

    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        assert_int_equal(file_write(path, slice_str(TEXTS[i]), 0600, &why), ERR_OK);
        day = load(ERR_FORMAT);
        if (taken_in(&day, 7 * DAY_MS) != 0)
            fail_msg("%s: is read as a count", TEXTS[i]);
        assert_int_equal(taken_in(&day, 8 * DAY_MS), STRANGERS_PER_DAY);
    }
    assert_int_equal(strangers_day_save(path, &day, NULL), ERR_OK);
    assert_int_equal(load(ERR_OK).day, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_one, begin, end),
        cmocka_unit_test_setup_teardown(of_all, begin, end),
        cmocka_unit_test_setup_teardown(crowd, begin, end),
        cmocka_unit_test_setup_teardown(told, begin, end),
        cmocka_unit_test(days),
        cmocka_unit_test(together),
        cmocka_unit_test_setup_teardown(kept, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(damaged, make_dir, remove_dir),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
