/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_test.c: keeper_test tpm|token: the service's core on a software TPM or token: many
 * requests in few rounds, installs under load, hardware that goes and comes back, and the end.
 */
#include "gate/daemon/desk_testing.h"
#include "gate/decide/gate_ledger.h"
#include "gate/decide/install.h"
#include "gate/decide/site_testing.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define NEVER UINT64_MAX

static enum site_kind kind; /* of this process: its first argument */
static struct site *site;
static struct keeper *keeper;

static void start(void)
{
    const struct keeper_options options = {
        .state_dir = site->state, .clock_ms = desk_clock_ms, .judges = 2};
    struct why why = {0};

    site_close(site);
    SITE_OK(keeper_start(&options, &keeper, &why));
    desk_ask_of(keeper);
}

/* Gives a demand of n requests away; *place has it when it comes back. */
static void ask(struct demand **place, const char *caller, size_t n, uint64_t due_ns)
{
    const char *agents[DEMAND_ITEMS_MAX];
    struct demand *demand;

    for (size_t i = 0; i < n; i++)
        agents[i] = caller;
    demand = desk_demand(caller, agents, n);
    demand->due_ns = due_ns;
    desk_give(demand, place);
}

static uint64_t number(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* Decided, with a permit that proves it. Returns the epoch that it was decided under. */
static uint64_t expect_permit(struct demand *demand)
{
    const struct demand_item *item = &demand->items[0];
    struct why why = demand->refused_why;

    SITE_OK(demand->refused);
    assert_true(item->recorded);
    assert_true(item->permit);
    assert_true(item->permit_file.len > 0);
    return number(item->context, "epoch");
}

static void expect_reason(const struct demand *demand, const char *reason)
{
    assert_int_equal(demand->refused, ERR_OK);
    assert_false(demand->items[0].permit);
    assert_string_equal(json_string_value(json_object_get(demand->items[0].context, "reason")),
                        reason);
}

enum { MANY = 96 };
static struct demand *many[2 * MANY];

static void free_all(void)
{
    for (size_t i = 0; i < 2 * MANY; i++)
        demand_free(&many[i]);
}

/* Every one gets a permit of its own, and far fewer rounds than requests are made. */
static void many_at_once(void **state)
{
    struct keeper_state now;
    bool seen[16 * MANY] = {false};
    char name[16];

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "build-%zu", i % 7);
        ask(&many[i], name, 1, NEVER);
    }
    desk_collect(0);
    for (size_t i = 0; i < MANY; i++) {
        const json_t *ledger;
        uint64_t index;

        (void)expect_permit(many[i]);
        ledger = json_object_get(many[i]->items[0].context, "ledger");
        index = number(ledger, "index");
        assert_in_range(index, 1, sizeof seen - 1);
        assert_false(seen[index]);
        seen[index] = true;
    }
    keeper_look(keeper, &now);
    assert_true(now.serving);
    assert_int_equal(now.waiting, 0); /* whoever is answered does not */
    assert_int_equal(now.decided, MANY);
    assert_int_equal(now.permitted, MANY);
    assert_true(now.rounds <= MANY);
    free_all();
}

/* A batch is answered in order, and as far as its semantic goes. */
static void batches(void **state)
{
    (void)state;
    ask(&many[0], "build-1", 5, NEVER);
    desk_collect(0);
    for (size_t i = 0; i < 5; i++)
        assert_true(many[0]->items[i].permit);
    free_all();
}

static void too_late(void **state)
{
    (void)state;
    ask(&many[0], "build-1", 1, 1);
    ask(&many[1], "build-1", 1, NEVER);
    desk_collect(0);
    assert_int_equal(many[0]->refused, ERR_DEADLINE);
    assert_false(many[0]->items[0].recorded);
    (void)expect_permit(many[1]);
    free_all();
}

static err_code install(struct errand *errand, struct gate *gate, struct scribe *scribe,
                        struct why *why)
{
    struct install_result result;
    uint64_t index;

    TRY(gate_install(gate, errand->ctx, &result, why));
    return scribe == NULL ? ERR_OK : scribe_install(scribe, gate->now_ms, &index, why);
}

/* Nothing that was asked after an install was acknowledged is decided under the epoch before. */
static void install_under_load(void **state)
{
    struct buf bundle;
    struct errand errand = {.run = install, .ctx = &bundle};
    struct why why;
    uint64_t before, after;

    (void)state;
    site_policy(site, "builds", "permit (principal, action == Action::\"exec\", resource);");
    bundle = site_publish(site);
    ask(&many[0], "build-1", 1, NEVER);
    desk_collect(0);
    before = expect_permit(many[0]);
    demand_free(&many[0]);
    for (size_t i = 0; i < MANY; i++)
        ask(&many[i], "build-1", 1, NEVER);
    desk_send(&errand);
    desk_collect(0);
    why = errand.why;
    SITE_OK(errand.err);
    for (size_t i = 0; i < MANY; i++)
        ask(&many[MANY + i], "build-1", 1, NEVER);
    desk_collect(0);
    for (size_t i = 0; i < MANY; i++) {
        after = expect_permit(many[i]);
        assert_in_range(after, before, before + 1);
        assert_int_equal(expect_permit(many[MANY + i]), before + 1);
    }
    buf_free(&bundle);
    free_all();
}

/* A service that does not stop folds its journal as it goes: it would be full in the end. */
static void long_at_work(void **state)
{
    struct stat before, after;
    char path[96];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/ledger/journal", site->state);
    assert_int_equal(stat(path, &before), 0);
    for (size_t i = 0; i < 8; i++) {
        ask(&many[i], "build-1", DEMAND_ITEMS_MAX, NEVER);
        desk_collect(0); /* no caller may let 8 of them wait */
    }
    desk_do(desk_nothing); /* behind what follows the answers */
    for (size_t i = 0; i < 8; i++)
        (void)expect_permit(many[i]);
    assert_int_equal(stat(path, &after), 0);
    assert_true(after.st_ino != before.st_ino); /* begun anew */
    free_all();
}

/* Denied with a reason while the TPM is away, served again when it is back. */
static void tpm_goes(void **state)
{
    bool served = false;

    (void)state;
    if (kind != SITE_TPM)
        return; /* SoftHSM lives in this process: it cannot go */
    swtpm_stop(&site->tpm);
    for (size_t i = 0; i < 8; i++)
        ask(&many[i], "build-1", 1, NEVER);
    desk_collect(0);
    for (size_t i = 0; i < 8; i++) {
        assert_int_not_equal(many[i]->refused, ERR_OK);
        assert_false(many[i]->items[0].permit);
        assert_null(many[i]->items[0].permit_file.ptr);
    }
    free_all();
    swtpm_run(&site->tpm);
    while (!served) { /* without a restart: when, is the keeper's pause */
        ask(&many[0], "build-1", 1, NEVER);
        desk_collect(0);
        served = many[0]->refused == ERR_OK;
        if (served)
            (void)expect_permit(many[0]);
        demand_free(&many[0]);
        (void)poll(NULL, 0, 20);
    }
}

/* What a policy denies is on record, too. */
static void denied(void **state)
{
    struct buf bundle;
    struct errand errand = {.run = install, .ctx = &bundle};
    struct why why = {0};

    (void)state;
    site_policy(site, "builds", "permit (principal, action == Action::\"other\", resource);");
    bundle = site_publish(site);
    desk_send(&errand);
    desk_collect(0);
    SITE_OK(errand.err);
    ask(&many[0], "build-1", 1, NEVER);
    desk_collect(0);
    expect_reason(many[0], "DENIED");
    assert_true(many[0]->items[0].recorded);
    assert_true(many[0]->items[0].permit_file.len > 0);
    buf_free(&bundle);
    free_all();
}

/* What waits at the end is served, and the end is on record. */
static void the_end(void **state)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(buf_free) struct buf entry = {0};
    static struct record record;
    struct demand *late = NULL;
    struct why why = {0};

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        ask(&many[i], "build-1", 1, NEVER);
    SITE_OK(keeper_stop(keeper, "signal", &why));
    desk_collect(0);
    for (size_t i = 0; i < MANY; i++) {
        why = many[i]->refused_why;
        SITE_OK(many[i]->refused);
        assert_true(many[i]->items[0].recorded);
    }
    SITE_OK(demand_new(1, &late));
    late->caller = strdup("late");
    SITE_EXPECT(keeper_submit(keeper, late, &why), ERR_STOPPING);
    demand_free(&late);
    free_all();
    keeper_free(&keeper);
    SITE_OK(gate_ledger_open(site->state, LEDGER_READ, &ledger, &why));
    SITE_OK(ledger_entry(ledger, ledger_size(ledger) - 1, &entry, &why));
    SITE_OK(record_parse(buf_slice(&entry), &record, &why));
    assert_int_equal(record.kind, RECORD_STOP);
    assert_true(slice_eq_str(record.stop.reason, "signal"));
}

static int make_site(void **state)
{
    (void)state;
    site = site_new(kind, NULL);
    site_policy(site, "builds", "permit (principal, action, resource);");
    site_install(site, NULL);
    start();
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
        cmocka_unit_test(many_at_once), cmocka_unit_test(batches),
        cmocka_unit_test(too_late),     cmocka_unit_test(install_under_load),
        cmocka_unit_test(long_at_work), cmocka_unit_test(tpm_goes),
        cmocka_unit_test(denied),       cmocka_unit_test(the_end),
    };

    if (argc != 2)
        return 2;
    kind = strcmp(argv[1], "tpm") == 0 ? SITE_TPM : SITE_TOKEN;
    return cmocka_run_group_tests(tests, make_site, remove_site);
}
