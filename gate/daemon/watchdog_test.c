/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/watchdog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_due(void **state)
{
    static const struct {
        uint64_t now, answered;
        bool want;
    } STEPS[] = {
        {1000, 0, false},    /* the hardware never answered */
        {1000, 900, true},   /* the first answer */
        {1200, 1100, false}, /* half of the time is not over */
        {1500, 1100, true},  /* now it is */
        {2500, 1500, false}, /* no answer since */
        {9999, 1500, false}, /* nor later */
        {9999, 9000, true},  /* it answers again */
        {10498, 10400, false}, {10499, 10400, true},
        {20000, 10499, false}, /* older than the last time */
    };
    struct watchdog watchdog = {.every_ns = 500}, none = {0};

    (void)state;
    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++) {
        if (watchdog_due(&watchdog, STEPS[i].now, STEPS[i].answered) != STEPS[i].want)
            fail_msg("step %zu: not %d", i, STEPS[i].want);
        assert_false(watchdog_due(&none, STEPS[i].now, STEPS[i].answered));
    }
}

static void test_wanted(void **state)
{
    static const struct {
        const char *text;
        uint64_t want;
    } CASES[] = {
        {NULL, 0}, {"2000000", 1000000000}, {"0", 0}, {"x", 0}, {"18446744073709551614", 0},
    };

    (void)state;
    (void)unsetenv("WATCHDOG_PID");
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct watchdog got;
        (void)unsetenv("WATCHDOG_USEC");
        if (CASES[i].text != NULL)
            assert_int_equal(setenv("WATCHDOG_USEC", CASES[i].text, 1), 0);
        got = watchdog_wanted();
        assert_int_equal(got.every_ns, CASES[i].want);
        assert_int_equal(watchdog_ping_ns(&got), CASES[i].want / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
