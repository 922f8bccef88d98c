/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strangers_ledger_test.c: strangers_ledger_test tpm|token: what strangers leave in the ledger of a
 * gate in a day, over starts of the service, and what it says of the rest.
 */
#include "gate/daemon/desk_testing.h"
#include "gate/daemon/strangers.h"
#include "gate/decide/site_testing.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_MS STRANGERS_TOGETHER_MS

static enum site_kind kind; /* of this process: its first argument */
static struct site *site;
static struct keeper *keeper;
static struct strangers *strangers;
static char path[256];

/* A minute after the other: no rate stands in the way. */
static uint64_t minutes(void)
{
    static uint64_t now_ns;

    return now_ns += UINT64_C(60000000000);
}

/* What is in the file now is all that is known then: the one before was killed. */
static void start(void)
{
    const struct strangers_options options = {
        .keeper = keeper, .clock_ms = desk_clock_ms, .now_ns = minutes, .path = path};
    struct strangers *killed = strangers;
    struct why why = {0};

    SITE_OK(strangers_new(&options, &strangers, &why));
    strangers_free(&killed);
}

static uint64_t recorded_today(void)
{
    struct strangers_day day;
    struct why why = {0};

    SITE_OK(strangers_day_load(path, desk_clock_ms(), &day, &why));
    return day.recorded;
}

static void ask(uid_t uid, size_t times)
{
    const char *agent = "whoever";

    for (size_t i = 0; i < times; i++) {
        struct caller caller = {.kind = CALLER_AGENT, .uid = uid, .key = "1 uid"};
        CLEANUP(demand_free) struct demand *demand = desk_demand("1 uid", &agent, 1);
        demand->items[0].malformed = ERR_AGENT_UNKNOWN;
        strangers_record(strangers, &caller, demand);
    }
}

/* Until so many are on record by themselves, and so many are to be told. */
static void collect(uint64_t recorded, uint64_t untold)
{
    struct pollfd fd = {.fd = keeper_fd(keeper), .events = POLLIN};

    while (strangers_count(strangers).recorded < recorded ||
           strangers_count(strangers).untold > untold) {
        assert_int_equal(poll(&fd, 1, -1), 1);
        keeper_collect(keeper);
    }
    assert_int_equal(strangers_count(strangers).recorded, recorded);
    assert_int_equal(strangers_count(strangers).untold, untold);
}

static uint64_t entries(void)
{
    struct keeper_state state;

    desk_do(desk_nothing);
    keeper_look(keeper, &state);
    return state.ledger_size;
}

static void a_day(void **state)
{
    uint64_t before;

    (void)state;
    start();
    ask(4001, 1);
    assert_int_equal(recorded_today(), 1); /* before it is */
    collect(1, 0);
    before = entries();
    ask(4001, STRANGERS_PER_DAY + 44 - 1);
    collect(STRANGERS_PER_DAY, 44);
    assert_int_equal(entries(), before + 2 * (STRANGERS_PER_DAY - 1));
    before = entries();
    desk_pass_ms(1000);
    strangers_tick(strangers);
    start(); /* who can have the service end gains nothing */
    ask(4002, 10);
    strangers_tick(strangers);
    collect(0, 54);
    assert_int_equal(entries(), before);
    desk_pass_ms(HOUR_MS);
    strangers_tick(strangers); /* one record of all */
    strangers_tick(strangers);
    collect(0, 0);
    assert_int_equal(entries(), before + 2);
    ask(4001, 1000);
    strangers_tick(strangers);
    collect(0, 1000);
    desk_pass_ms(HOUR_MS);
    strangers_tick(strangers);
    collect(0, 0);
    assert_int_equal(entries(), before + 4);
    desk_pass_ms(24 * HOUR_MS);
    strangers_tick(strangers);
    ask(4001, 1);
    collect(1, 0);
    assert_int_equal(entries(), before + 6);
}

/* A count that cannot be kept lets nobody on record by himself. */
static void not_kept(void **state)
{
    uint64_t before = entries();

    (void)state;
    (void)snprintf(path, sizeof path, "%s/nowhere/strangers.json", site->state);
    start();
    ask(4001, 3);
    collect(0, 3);
    assert_int_equal(entries(), before);
}

static int make_site(void **state)
{
    const char *agent = "build-1";
    struct keeper_options options = {.clock_ms = desk_clock_ms, .judges = 2};
    struct demand *back;
    struct why why = {0};

    (void)state;
    site = site_new(kind, NULL);
    site_policy(site, "builds", "permit (principal, action, resource);");
    site_install(site, NULL);
    site_close(site);
    (void)snprintf(path, sizeof path, "%s/strangers.json", site->state);
    options.state_dir = site->state;
    SITE_OK(keeper_start(&options, &keeper, &why));
    desk_ask_of(keeper);
    desk_give(desk_demand("build", &agent, 1), &back); /* the session's own first round */
    desk_collect(0);
    demand_free(&back);
    return 0;
}

static int remove_site(void **state)
{
    (void)state;
    keeper_free(&keeper);
    strangers_free(&strangers);
    site_free(&site);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day),
        cmocka_unit_test(not_kept),
    };

    if (argc != 2)
        return 2;
    kind = strcmp(argv[1], "tpm") == 0 ? SITE_TPM : SITE_TOKEN;
    return cmocka_run_group_tests(tests, make_site, remove_site);
}
