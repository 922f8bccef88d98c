/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window_test.c: window_test tpm|token: what @freshness changes for the rounds of a service on a
 * software TPM or token. The hardware's calls are counted, and held on their way.
 */
#include "gate/base/clock.h"
#include "gate/daemon/desk_testing.h"
#include "gate/daemon/held_testing.h"
#include "gate/decide/base.h"
#include "gate/decide/installs.h"
#include "gate/decide/site_testing.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)

/* By agent: an hour, a millisecond, none. */
static const char RULES[] =
    "@freshness(\"60m\") permit (principal == agent::\"long\", action, resource);"
    "@freshness(\"1ms\") permit (principal == agent::\"short\", action, resource);"
    "permit (principal == agent::\"none\", action, resource);";

static enum site_kind kind; /* of this process: its first argument */
static struct site *site;
static struct keeper *keeper;
static char other_state[80]; /* the state of the same gate, for somebody else */

static uint64_t clock_ms(void)
{
    return SITE_MS;
}

/* ---- rounds ---------------------------------------------------------------------------------- */

static unsigned begins, binds; /* of the hardware's calls, those that are forgotten */
static uint64_t forgotten_ns;

static void forget(void)
{
    begins = held_calls(HELD_BEGIN);
    binds = held_calls(HELD_BIND);
    forgotten_ns = clock_steady_ns();
}

/* So many rounds since, of which the hardware was asked before these. An idle service looks after
 * its hardware every 5 s: behind a test that stood still for that long nothing can be told. */
static void expect_rounds(unsigned rounds, unsigned checked)
{
    assert_int_equal(held_calls(HELD_BIND) - binds, rounds);
    if (clock_steady_ns() - forgotten_ns < 4 * S)
        assert_int_equal(held_calls(HELD_BEGIN) - begins, checked);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* One demand of requests by these agents; *place has it when it comes back. */
static void ask(struct demand **place, const char *const *agents, size_t n)
{
    desk_give(desk_demand("somebody", agents, n), place);
}

static void ask_one(struct demand **place, const char *agent)
{
    ask(place, &agent, 1);
}

/* All are permitted; that the check was older is said of those that have a window. */
static void expect_permits(struct demand *demand, bool window)
{
    struct why why = demand->refused_why;

    SITE_OK(demand->refused);
    for (size_t i = 0; i < demand->n_items; i++) {
        const struct demand_item *item = &demand->items[i];
        const json_t *age = json_object_get(item->context, "checked_ms_ago");
        assert_true(item->permit && item->permit_file.len > 0);
        assert_int_equal(json_is_integer(age), window);
    }
}

static void ask_and_collect(const char *agent, bool window)
{
    struct demand *demand;

    ask_one(&demand, agent);
    desk_collect(0);
    expect_permits(demand, window);
    demand_free(&demand);
}

static void wait_until_filled(size_t n)
{
    struct keeper_state now = {0};

    for (; now.filling != n; keeper_look(keeper, &now))
        (void)poll(NULL, 0, 1);
}

/* ---- which round a request comes into -------------------------------------------------------- */

/* The round of `none` is being checked when this agent asks. */
static void ask_behind(const char *agent, bool joins)
{
    struct demand *first, *second;
    struct keeper_state now;

    forget();
    held_hold(HELD_BEGIN);
    ask_one(&first, "none");
    held_wait();
    (void)poll(NULL, 0, 5); /* longer than what `short` takes */
    ask_one(&second, agent);
    if (joins)
        wait_until_filled(2);
    else
        (void)poll(NULL, 0, 50); /* so long it might be taken in by mistake */
    keeper_look(keeper, &now);
    assert_int_equal(now.filling, joins ? 2 : 1);
    held_go(ERR_OK);
    desk_collect(0);
    expect_permits(first, false);
    expect_permits(second, strcmp(agent, "none") != 0);
    demand_free(&first);
    demand_free(&second);
}

static void without_a_window_it_waits(void **state)
{
    (void)state;
    ask_behind("none", false);
    expect_rounds(2, 2);
}

static void with_a_window_it_joins(void **state)
{
    (void)state;
    ask_behind("long", true);
    expect_rounds(1, 1);
}

static void a_window_that_has_passed_is_none(void **state)
{
    (void)state;
    ask_behind("short", false);
    expect_rounds(2, 2);
}

/* ---- rounds without a check ------------------------------------------------------------------ */

static void no_check_within_the_window(void **state)
{
    (void)state;
    forget();
    ask_and_collect("none", false);
    for (int i = 0; i < 3; i++)
        ask_and_collect("long", true);
    expect_rounds(4, 1);
}

static void a_check_behind_the_window(void **state)
{
    (void)state;
    forget();
    ask_and_collect("long", true);
    forget();
    ask_and_collect("none", false);
    (void)poll(NULL, 0, 5);
    ask_and_collect("short", true);
    expect_rounds(2, 2);
}

/* What else used the hardware may have changed what it says. */
static void a_check_behind_an_errand(void **state)
{
    (void)state;
    ask_and_collect("none", false);
    desk_do(desk_nothing);
    forget();
    ask_and_collect("long", true);
    expect_rounds(1, 1);
}

/* Two that are taken into one round while the one before is proved. */
static void together(const char *one, const char *other)
{
    struct demand *first, *second, *third;

    held_hold(HELD_BIND);
    ask_one(&first, "none");
    held_wait();
    forget();
    ask_one(&second, one);
    ask_one(&third, other);
    wait_until_filled(2);
    held_go(ERR_OK);
    desk_collect(0);
    demand_free(&first);
    expect_permits(second, strcmp(one, "none") != 0);
    expect_permits(third, strcmp(other, "none") != 0);
    demand_free(&second);
    demand_free(&third);
}

static void a_mixed_round_is_checked(void **state)
{
    (void)state;
    together("long", "none");
    expect_rounds(1, 1);
    together("none", "long");
    expect_rounds(1, 1);
    together("long", "long");
    expect_rounds(1, 0);
}

static void a_mixed_batch_is_checked(void **state)
{
    static const char *const BATCH[] = {"long", "none", "long"};
    struct demand *demand;

    (void)state;
    ask_and_collect("none", false);
    forget();
    ask(&demand, BATCH, 3);
    desk_collect(0);
    for (size_t i = 0; i < 3; i++)
        assert_true(demand->items[i].permit);
    assert_non_null(json_object_get(demand->items[0].context, "checked_ms_ago"));
    assert_null(json_object_get(demand->items[1].context, "checked_ms_ago"));
    demand_free(&demand);
    expect_rounds(1, 1);
}

/* ---- the epoch moves ------------------------------------------------------------------------- */

static struct buf bundle;

/* Somebody who has a copy of the state steps the hardware, and the service hears nothing of it. */
static void step_elsewhere(void)
{
    CLEANUP(gate_close) struct gate *gate = NULL;
    CLEANUP(installed_free) struct installed next = {0};
    struct trust trust;
    struct why why = {0};

    SITE_OK(gate_open(other_state, SITE_NOW, &gate, &why));
    trust = base_trust(gate);
    SITE_OK(gate_judge_bundle(gate, &bundle, &trust, &next, &why));
    SITE_OK(gate->hw->ops->prepare(gate->hw, next.judged.mandate, &why));
    SITE_OK(base_step(gate, next.judged.mandate, &why));
}

/* The window spares the check, and the hardware refuses all the same. */
static void no_permit_once_the_epoch_moved(void **state)
{
    const err_code says[] = {kind == SITE_TPM ? ERR_TPM_POLICY : ERR_HSM_KEY_MISSING, ERR_ROLLBACK};
    struct demand *demand;

    (void)state;
    bundle = site_publish(site);
    ask_and_collect("none", false);
    forget();
    held_hold(HELD_BIND);
    ask_one(&demand, "long");
    held_wait();
    step_elsewhere();
    held_go(ERR_OK);
    desk_collect(0);
    expect_rounds(1, 0);
    for (size_t i = 0; i < 2; i++) {
        struct why why = demand->refused_why;
        SITE_EXPECT(demand->refused, says[i]);
        assert_false(demand->items[0].recorded || demand->items[0].permit);
        assert_null(demand->items[0].permit_file.ptr);
        demand_free(&demand);
        ask_one(&demand, "long");
        desk_collect(0);
    }
    demand_free(&demand);
    buf_free(&bundle);
}

static int make_site(void **state)
{
    const struct keeper_options options = {.clock_ms = clock_ms, .judges = 2};
    struct keeper_options own = options;
    char copy[200];
    struct why why = {0};

    (void)state;
    site = site_new(kind, NULL);
    site_policy(site, "rules", RULES);
    site_install(site, NULL);
    site_close(site);
    (void)snprintf(other_state, sizeof other_state, "%s/other", site->dir);
    (void)snprintf(copy, sizeof copy, "cp -a %s %s", site->state, other_state);
    assert_int_equal(system(copy), 0);
    own.state_dir = site->state;
    SITE_OK(keeper_start(&own, &keeper, &why));
    desk_ask_of(keeper);
    desk_do(desk_take_hardware);
    ask_and_collect("none", false); /* the session stands */
    return 0;
}

static int remove_site(void **state)
{
    (void)state;
    keeper_free(&keeper);
    site_free(&site);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_window_it_waits),
        cmocka_unit_test(with_a_window_it_joins),
        cmocka_unit_test(a_window_that_has_passed_is_none),
        cmocka_unit_test(no_check_within_the_window),
        cmocka_unit_test(a_check_behind_the_window),
        cmocka_unit_test(a_check_behind_an_errand),
        cmocka_unit_test(a_mixed_round_is_checked),
        cmocka_unit_test(a_mixed_batch_is_checked),
        cmocka_unit_test(no_permit_once_the_epoch_moved),
    };

    if (argc != 2)
        return 2;
    kind = strcmp(argv[1], "tpm") == 0 ? SITE_TPM : SITE_TOKEN;
    return cmocka_run_group_tests(tests, make_site, remove_site);
}
