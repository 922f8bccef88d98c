/* SPDX-License-Identifier: Apache-2.0 */
/* take_test.c: whom the round that is being filled takes in, and who waits for the next one. */
#include "gate/daemon/keeper_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)
#define HOUR 3600000

/* The check began 10 s ago by the clock of requests, and so long ago by the clock of checks. */
static const struct {
    const char *name;
    bool filled; /* somebody is in the round */
    bool checks, checked;
    bool asked_before;
    bool judged_before; /* by what is not in force any more */
    uint32_t fresh_ms;
    int64_t age_s;
    size_t n_items; /* 0: one */
    bool malformed; /* all of them */
    bool want;
} CASES[] = {
    {"the first one", .want = true},
    {"the hardware has not been asked yet", .filled = true, .want = true},
    {"asked before the check", .filled = true, .checks = true, .asked_before = true, .want = true},
    {"asked after it", .filled = true, .checks = true, .age_s = 1},
    {"and it is over", .filled = true, .checked = true, .age_s = 1},
    {"asked after it, with a window", .filled = true, .checks = true, .fresh_ms = HOUR, .age_s = 1,
     .want = true},
    {"and it is over, with a window", .filled = true, .checked = true, .fresh_ms = HOUR, .age_s = 1,
     .want = true},
    {"a window that has passed", .filled = true, .checks = true, .fresh_ms = 1000, .age_s = 2},
    {"one that has passed in a suspended machine", .filled = true, .checks = true, .fresh_ms = HOUR,
     .age_s = 3601},
    {"asked before the check, which is old", .filled = true, .checks = true, .asked_before = true,
     .fresh_ms = 1, .age_s = 3601, .want = true},
    {"a check that is yet to come", .filled = true, .checks = true, .fresh_ms = HOUR, .age_s = -60},
    {"the window of what was in force before", .filled = true, .checks = true,
     .judged_before = true, .fresh_ms = HOUR, .age_s = 1},
    {"no room", .filled = true, .checks = true, .fresh_ms = HOUR, .age_s = 1,
     .n_items = KEEPER_BATCH_MAX},
    {"nothing that needs room", .filled = true, .checks = true, .fresh_ms = HOUR, .age_s = 1,
     .n_items = KEEPER_BATCH_MAX, .malformed = true, .want = true},
    {"nothing that needs a check", .filled = true, .checks = true, .age_s = 1, .malformed = true,
     .want = true},
};

static uint64_t boot_ns(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
    return (uint64_t)now.tv_sec * S + (uint64_t)now.tv_nsec;
}

static void taken_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        static char scribe[1];
        static struct keeper k;
        static struct demand_item items[KEEPER_BATCH_MAX];
        struct demand other = {.n_items = 1}, demand = {.n_items = 1, .items = items};

        k = (struct keeper){.scribe = (struct scribe *)scribe, .generation = 2};
        k.open = &k.rounds[0];
        demands_init(&k.open->demands);
        if (CASES[i].filled) {
            demands_put(&k.open->demands, &other);
            k.open->n = 1;
        }
        k.doing = CASES[i].checks ? HAND_CHECKS : HAND_NOTHING;
        k.checked = CASES[i].checked;
        k.checked_ns = 100 * S;
        k.checked_boot_ns = boot_ns() - (uint64_t)(CASES[i].age_s * (int64_t)S);
        demand.arrived_ns = CASES[i].asked_before ? 100 * S : 100 * S + 1;
        demand.generation = CASES[i].judged_before ? 1 : 2;
        demand.fresh_ms = CASES[i].fresh_ms;
        if (CASES[i].n_items > 0)
            demand.n_items = CASES[i].n_items;
        for (size_t j = 0; j < demand.n_items; j++)
            items[j].malformed = CASES[i].malformed ? ERR_AGENT_UNKNOWN : ERR_OK;
        if (keeper_may_take(&k, &demand) != CASES[i].want)
            fail_msg("%s: %s", CASES[i].name, CASES[i].want ? "it waits" : "it is taken");
    }
}

static uint64_t later(void)
{
    return 1000;
}

/* It was judged with a window, and is let in by it; judged as of now it has none. */
static void put_back(void **state)
{
    static char scribe[1];
    struct demand_item item = {.barred = ERR_DENIED};
    struct demand other = {.n_items = 1};
    struct demand demand = {.n_items = 1,
                            .items = &item,
                            .arrived_ns = 100 * S + 1,
                            .due_ns = UINT64_MAX,
                            .generation = 2,
                            .fresh_ms = HOUR};
    static struct keeper k;

    (void)state;
    k = (struct keeper){.scribe = (struct scribe *)scribe, .clock_ms = later, .generation = 2};
    demands_init(&k.judged);
    k.open = &k.rounds[0];
    demands_init(&k.open->demands);
    demands_put(&k.open->demands, &other);
    k.open->n = 1;
    k.checked = true;
    k.checked_ns = 100 * S;
    k.checked_boot_ns = boot_ns() - S;
    assert_true(keeper_may_take(&k, &demand));
    keeper_take(&k, &demand);
    assert_ptr_equal(k.judged.first, &demand);
    assert_int_equal(k.judged.items, 1);
    assert_int_equal(k.open->n, 1);
    assert_int_equal(demand.fresh_ms, 0);
    assert_false(keeper_may_take(&k, &demand));
    assert_ptr_equal(demands_take(&k.judged), &demand);
    assert_null(k.judged.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_or_not),
        cmocka_unit_test(put_back),
    };
    return cmocka_run_group_tests_name("take", tests, NULL, NULL);
}
