/* SPDX-License-Identifier: Apache-2.0 */
/* strangers_test.c: the rate at which callers that nobody enrolled get on record. */
#include "gate/daemon/strangers.h"

#include <setjmp.h>
#include <stdarg.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_one, begin, end),
        cmocka_unit_test_setup_teardown(of_all, begin, end),
        cmocka_unit_test_setup_teardown(crowd, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
