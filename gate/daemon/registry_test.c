/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/identify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

static struct why why; /* of the last refusal */

static void enrol(struct roster *roster, const char *id, uint64_t uid, const char *parent)
{
    const struct record_agent agent = {.id = slice_str(id),
                                       .has_uid = true,
                                       .uid = uid,
                                       .zone = slice_str("lab"),
                                       .parent = slice_str(parent),
                                       .n_aliases = 1,
                                       .aliases = {slice_str("base")}};
    struct enrolled *enrolled = NULL;

    assert_int_equal(roster_admits(roster, &agent, &why), ERR_OK);
    assert_int_equal(roster_room(roster), ERR_OK);
    assert_int_equal(enrolled_make(&agent, roster->n, 7000, &enrolled), ERR_OK);
    roster_put(roster, enrolled);
}

static void let_go(struct roster *roster, const char *id)
{
    struct enrolled *gone = roster_take(roster, slice_str(id));

    enrolled_free(&gone);
}

static void who_it_is(void **state)
{
    CLEANUP(registry_free) struct registry *registry = NULL;
    CLEANUP(roster_free) struct roster roster = {0};
    CLEANUP(known_free) struct known a = {0}, none = {0};
    struct caller caller = {.kind = CALLER_AGENT, .uid = 7, .cgroup = "/x/y"};
    (void)state;

    assert_int_equal(registry_new(&registry), ERR_OK);
    assert_int_equal(registry_whose(registry, &caller, &none, &why), ERR_AGENT_UNKNOWN);
    enrol(&roster, "part", 9, "");
    enrol(&roster, "a", 7, "part"); /* before its parent in the order */
    assert_int_equal(registry_whose(registry, &caller, &none, &why), ERR_AGENT_UNKNOWN);
    assert_int_equal(registry_update(registry, &roster), ERR_OK);
    assert_int_equal(registry_update(registry, &roster), ERR_OK);
    assert_int_equal(registry_whose(registry, &caller, &a, &why), ERR_OK);
    let_go(&roster, "a");
    assert_int_equal(registry_update(registry, &roster), ERR_OK);
    assert_int_equal(registry_whose(registry, &caller, &none, &why), ERR_AGENT_UNKNOWN);
    assert_int_equal(registry_named(registry, slice_str("a"), &none, &why), ERR_AGENT_UNKNOWN);
    assert_null(none.enrolled);
    registry_free(&registry); /* what was found stays */
    assert_true(slice_eq_str(a.facts.id, "a") && slice_eq_str(a.facts.parent, "part"));
    assert_true(slice_eq_str(a.facts.zone, "lab") && a.facts.n_aliases == 1);
    assert_true(slice_eq_str(a.facts.aliases[0], "base"));
    assert_int_equal(a.enrolled->since_ms, 7000);
}

/* A question that came before the roster did, and one that outlives who asked it. */
static void looked_at_again(void **state)
{
    CLEANUP(registry_free) struct registry *registry = NULL;
    CLEANUP(roster_free) struct roster roster = {0};
    CLEANUP(demand_free) struct demand *demand = NULL;
    struct demand_item *items;

    (void)state;
    assert_int_equal(registry_new(&registry), ERR_OK);
    assert_int_equal(demand_new(2, &demand), ERR_OK);
    items = demand->items;
    demand->who = (struct caller){.kind = CALLER_AGENT, .uid = 7};
    items[0].request.subject_id = slice_str("a");
    items[1].malformed = ERR_REQUEST_MALFORMED;
    identify_all(registry, demand);
    assert_true(demand->roster == 0 && items[0].known.enrolled == NULL);
    assert_int_equal(items[0].malformed, ERR_OK);

    assert_int_equal(registry_update(registry, &roster), ERR_OK); /* there is one: it is empty */
    assert_true(registry_version(registry) > 0);
    enrol(&roster, "a", 7, "");
    assert_int_equal(registry_update(registry, &roster), ERR_OK);
    identify_all(registry, demand);
    assert_true(demand->roster == registry_version(registry));
    assert_true(slice_eq_str(items[0].known.facts.id, "a"));
    assert_null(items[1].known.enrolled);

    let_go(&roster, "a");
    assert_int_equal(registry_update(registry, &roster), ERR_OK);
    assert_true(demand->roster < registry_version(registry));
    identify_all(registry, demand);
    assert_int_equal(items[0].malformed, ERR_AGENT_UNKNOWN);
    assert_int_equal(items[1].malformed, ERR_REQUEST_MALFORMED);
    assert_null(items[0].known.enrolled);
}

/* Readers beside a roster that changes: whoever is found is found whole. */
static void *read_on(void *context)
{
    struct registry *registry = context;
    size_t found = 0;

    for (int i = 0; i < 3000; i++) {
        CLEANUP(known_free) struct known known = {0};
        struct caller caller = {.kind = CALLER_AGENT, .uid = (uid_t)(i % 20)};

        if (registry_whose(registry, &caller, &known, NULL) == ERR_OK)
            found +=
                slice_eq_str(known.facts.aliases[0], "base") && known.enrolled->uid == caller.uid;
        else if (caller.uid == 0)
            return NULL; /* who is there all the time */
    }
    return found > 0 ? context : NULL;
}

static void beside_readers(void **state)
{
    CLEANUP(registry_free) struct registry *registry = NULL;
    CLEANUP(roster_free) struct roster roster = {0};
    pthread_t readers[2];
    (void)state;

    assert_int_equal(registry_new(&registry), ERR_OK);
    enrol(&roster, "agent-0", 0, "");
    assert_int_equal(registry_update(registry, &roster), ERR_OK);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, registry), 0);
    for (uint64_t i = 0; i < 400; i++) {
        char id[32];

        (void)snprintf(id, sizeof id, "agent-%d", (int)(1 + i % 19));
        if (roster_find(&roster, slice_str(id)) != NULL)
            let_go(&roster, id);
        else
            enrol(&roster, id, 1 + i % 19, "agent-0");
        assert_int_equal(registry_update(registry, &roster), ERR_OK);
    }
    for (size_t i = 0; i < 2; i++) {
        void *good = NULL;
        assert_int_equal(pthread_join(readers[i], &good), 0);
        assert_non_null(good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_it_is),
        cmocka_unit_test(looked_at_again),
        cmocka_unit_test(beside_readers),
    };
    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
