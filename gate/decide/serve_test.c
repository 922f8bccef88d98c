/* SPDX-License-Identifier: Apache-2.0 */
/* serve_test.c: what is called serving: only what could permit something. */
#include "gate/decide/serve.h"

#include "gate/decide/stand_testing.h"
#include "gate/ledger/ledger_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct stand stand;

static int setup(void **state)
{
    (void)state;
    stand_make(&stand);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    stand_free(&stand);
    return 0;
}

static void expect_with(const char *name, const struct ledger *ledger, err_code want)
{
    struct why why = {0};
    struct hw_kept kept;
    err_code got = serve_state(stand.gate, ledger, &kept, &why);

    if (got != want)
        fail_msg("%s: gave %s (%s), wanted %s", name, err_name(got), why.text, err_name(want));
    if (want != ERR_OK)
        assert_int_equal(why.code, want);
}

static void expect(const char *name, err_code want)
{
    expect_with(name, NULL, want);
}

static void in_order(void **state)
{
    (void)state;
    expect("nothing", ERR_NOTHING_INSTALLED);
    stand_go_on(&stand);
    expect("no policy", ERR_NO_POLICY);
    (void)world_policy(&stand.world, 0, NULL);
    stand_go_on(&stand);
    expect("one policy", ERR_OK);
    stand.gate->now = 8999;
    expect("the last second", ERR_OK);
    stand.gate->now = 9000;
    expect("the snapshot's end", ERR_SNAPSHOT_STALE);
    stand.gate->now = STAND_NOW;
    stand.gate->installed.judged.newest->has_exp = true;
    stand.gate->installed.judged.newest->exp = STAND_NOW;
    expect("the root metadata's end", ERR_EXPIRED);
    stand.gate->installed.judged.newest->exp = STAND_NOW + 1;
    expect("a second before", ERR_OK);
    hw_fake_fail(stand.nv, HW_FAKE_BEGIN, ERR_TPM_TIMEOUT, false);
    expect("no round", ERR_TPM_TIMEOUT);
    hw_fake_fail(stand.nv, HW_FAKE_BEGIN, ERR_OK, false);
    hw_fake_set_epoch(stand.nv, 3);
    expect("stepped by another", ERR_ROLLBACK);
    stand.gate->epoch = 3;
    expect("an old disk", ERR_ROLLBACK);
    stand.gate->blocked = ERR_ROOT_SEQUENCE;
    (void)why_say(&stand.gate->blocked_why, ERR_ROOT_SEQUENCE, "blocked");
    expect("blocked", ERR_ROOT_SEQUENCE);
}

static err_code any_head(struct hw_root *root, const struct hw_head *heads, size_t n,
                         struct hw_kept *ret, struct why *why)
{
    (void)root;
    (void)heads;
    (void)n;
    (void)why;
    *ret = (struct hw_kept){0};
    return ERR_OK;
}

/* A ledger of later times, and one of a later epoch; the hardware has nothing against them. */
static void what_the_ledger_refuses(void **state)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    const struct hw_root_ops *true_ops = stand.gate->hw->ops;
    struct hw_root_ops lenient = *true_ops;
    struct testing testing;
    struct why why = {0};
    char dir[96];

    (void)state;
    (void)world_policy(&stand.world, 0, NULL);
    stand_go_on(&stand);
    testing_init(&testing);
    (void)snprintf(dir, sizeof dir, "%s/other", stand.dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    testing_ledger(&testing, dir, 3);
    assert_int_equal(ledger_open(dir, LEDGER_READ, &ledger, &why), ERR_OK);
    expect_with("of another receipt key", ledger, ERR_LEDGER_INCONSISTENT);
    stand.gate->enrolment.hw.receipt = testing.hardware->key;
    expect_with("not this hardware's", ledger, ERR_HEAD_MISSING);
    lenient.head_check = any_head;
    stand.gate->hw->ops = &lenient;
    expect_with("later", ledger, ERR_CLOCK_BACK);
    stand.gate->now_ms = UINT64_MAX / 2;
    expect_with("of epoch 7", ledger, ERR_LEDGER_INCONSISTENT);
    stand.gate->hw->ops = true_ops;
    testing_free(&testing);
}

static void revoked(void **state)
{
    (void)state;
    (void)world_policy(&stand.world, 0, NULL);
    stand_go_on(&stand);
    world_revoke(&stand.world, stand.world.last[0], REVOKED_OBJECT);
    stand_go_on(&stand);
    expect("the only one", ERR_REVOKED);
    (void)world_policy(&stand.world, 0, NULL);
    stand_go_on(&stand);
    expect("its successor", ERR_OK);
    world_revoke(&stand.world, stand.cast.kids[POLICY_B], REVOKED_KEY);
    stand_go_on(&stand);
    expect("one of its keys", ERR_REVOKED);
}

/* ---- one that would deny beside one that would not ------------------------------------------- */

/* Lists of one or two letters each; "": any. */
struct part {
    const char *agents, *zones;
    bool actions[ACTION_END];
    int64_t nbf, exp;
};
#define FRESH 1000, 9000
#define OLD 1000, STAND_NOW
#define EARLY STAND_NOW + 1, 9000
#define EXECUTE                                                                                    \
    {                                                                                              \
        [ACTION_EXECUTE] = true                                                                    \
    }
#define MUTATE                                                                                     \
    {                                                                                              \
        [ACTION_MUTATE] = true                                                                     \
    }
#define TWO_ACTIONS                                                                                \
    {                                                                                              \
        [ACTION_EXECUTE] = true, [ACTION_MUTATE] = true                                            \
    }

static const struct {
    const char *name, *zone;
    struct part parts[2];
    err_code want;
} CASES[] = {
    {"both", "", {{"", "", EXECUTE, FRESH}, {"", "", EXECUTE, FRESH}}, ERR_OK},
    {"old", "", {{"", "", EXECUTE, OLD}, {"", "", EXECUTE, FRESH}}, ERR_EXPIRED},
    {"early", "", {{"", "", EXECUTE, EARLY}, {"", "", EXECUTE, FRESH}}, ERR_NOT_YET_VALID},
    {"the first says why",
     "",
     {{"", "", EXECUTE, EARLY}, {"", "", EXECUTE, OLD}},
     ERR_NOT_YET_VALID},
    {"old, second", "", {{"", "", EXECUTE, FRESH}, {"", "", EXECUTE, OLD}}, ERR_EXPIRED},
    {"another class", "", {{"", "", MUTATE, OLD}, {"", "", EXECUTE, FRESH}}, ERR_OK},
    {"a class left", "", {{"", "", MUTATE, OLD}, {"", "", TWO_ACTIONS, FRESH}}, ERR_OK},
    {"no class left", "", {{"", "", TWO_ACTIONS, OLD}, {"", "", MUTATE, FRESH}}, ERR_EXPIRED},
    {"old for one", "", {{"a", "", EXECUTE, OLD}, {"", "", EXECUTE, FRESH}}, ERR_OK},
    {"old for any", "", {{"", "", EXECUTE, OLD}, {"a", "", EXECUTE, FRESH}}, ERR_EXPIRED},
    {"the same one", "", {{"a", "", EXECUTE, OLD}, {"a", "", EXECUTE, FRESH}}, ERR_EXPIRED},
    {"another one", "", {{"b", "", EXECUTE, OLD}, {"a", "", EXECUTE, FRESH}}, ERR_OK},
    {"one of two", "", {{"a", "", EXECUTE, OLD}, {"ab", "", EXECUTE, FRESH}}, ERR_OK},
    {"both of two", "", {{"ab", "", EXECUTE, OLD}, {"ab", "", EXECUTE, FRESH}}, ERR_EXPIRED},
    {"elsewhere", "", {{"", "x", EXECUTE, FRESH}, {"", "y", EXECUTE, FRESH}}, ERR_NO_POLICY},
    {"elsewhere, and old", "", {{"", "x", EXECUTE, OLD}, {"", "y", EXECUTE, OLD}}, ERR_NO_POLICY},
    {"here", "x", {{"", "x", EXECUTE, FRESH}, {"", "y", EXECUTE, FRESH}}, ERR_OK},
    {"old elsewhere", "x", {{"", "y", EXECUTE, OLD}, {"", "x", EXECUTE, FRESH}}, ERR_OK},
    {"old here", "x", {{"", "x", EXECUTE, OLD}, {"", "y", EXECUTE, FRESH}}, ERR_EXPIRED},
    {"old here, for one", "x", {{"a", "x", EXECUTE, OLD}, {"", "y", EXECUTE, FRESH}}, ERR_EXPIRED},
};

static void put_list(const char *letters, struct slice *items, struct term_list *ret)
{
    *ret = (struct term_list){strlen(letters) > 0 ? items : NULL, strlen(letters)};
    for (size_t i = 0; i < ret->n; i++)
        items[i] = (struct slice){(const uint8_t *)letters + i, 1};
}

static void scopes(void **state)
{
    struct judged *judged = &stand.gate->installed.judged;

    (void)state;
    (void)world_policy(&stand.world, 0, NULL);
    (void)world_policy(&stand.world, 1, NULL);
    stand_go_on(&stand);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct slice items[4][2];
        for (size_t k = 0; k < 2; k++) {
            const struct part *part = &CASES[i].parts[k];
            struct policy_object *object = &judged->policies[k];
            put_list(part->agents, items[2 * k], &object->agents);
            put_list(part->zones, items[2 * k + 1], &object->zones);
            memcpy(object->actions, part->actions, sizeof object->actions);
            object->nbf = part->nbf;
            object->exp = part->exp;
        }
        stand.gate->enrolment.zone = slice_str(CASES[i].zone);
        expect(CASES[i].name, CASES[i].want);
    }
    for (size_t k = 0; k < 2; k++) /* not on the heap */
        judged->policies[k].agents = judged->policies[k].zones = (struct term_list){0};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_ledger_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(revoked, setup, teardown),
        cmocka_unit_test_setup_teardown(scopes, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
