/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct why why; /* of the last refusal */

static void add(struct roster *roster, const struct record_agent *agent)
{
    struct enrolled *enrolled = NULL;

    if (roster_admits(roster, agent, &why) != ERR_OK)
        fail_msg("%s", why.text);
    assert_int_equal(roster_room(roster), ERR_OK);
    assert_int_equal(enrolled_make(agent, roster->n, 1000 + roster->n, &enrolled), ERR_OK);
    roster_put(roster, enrolled);
}

static void add_place(struct roster *roster, const char *id, int uid, const char *cgroup)
{
    add(roster, &(struct record_agent){.id = slice_str(id),
                                       .has_uid = uid >= 0,
                                       .uid = uid >= 0 ? (uint64_t)uid : 0,
                                       .cgroup = slice_str(cgroup)});
}

static void remove_one(struct roster *roster, const char *id)
{
    struct enrolled *gone;

    assert_int_equal(roster_releases(roster, slice_str(id), &why), ERR_OK);
    gone = roster_take(roster, slice_str(id));
    assert_true(slice_eq_str(gone->id, id));
    enrolled_free(&gone);
}

/* Which agent a process is. */
static void whose(void **state)
{
    static const struct {
        uint64_t uid;
        const char *cgroup, *want;
    } CASES[] = {
        {7, "", "seven"},
        {8, "", NULL},
        {0, "", "root"},
        {8, "/a", "in a"},
        {7, "/a", "seven in a"}, /* its own uid, before any */
        {7, "/ab", "seven"},     /* not a part of a name */
        {8, "/ab", NULL},
        {8, "/a/x", "in a"},
        {8, "/a/b", "eight in a/b"},
        {8, "/a/b/x/d", "eight in a/b"},
        {7, "/a/b", "seven in a"},   /* eight's is not his: the one around it */
        {7, "/a/b/c/d", "in a/b/c"}, /* the innermost, also of any uid */
        {7, "/", "seven"},
        {7, "/x/y", "seven"},
        {8, "/x/y", NULL},
        {8, "a", NULL},
        {RECORD_UID_MAX, "/a", "in a"},
    };
    CLEANUP(roster_free) struct roster roster = {0};
    (void)state;

    assert_null(roster_whose(&roster, 7, slice_str("/a")));
    add_place(&roster, "seven", 7, "");
    add_place(&roster, "root", 0, "");
    add_place(&roster, "in a", -1, "/a");
    add_place(&roster, "seven in a", 7, "/a");
    add_place(&roster, "eight in a/b", 8, "/a/b");
    add_place(&roster, "in a/b/c", -1, "/a/b/c");
    add_place(&roster, "no process", -1, "");
    add_place(&roster, "nor this", -1, "");
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct enrolled *got =
            roster_whose(&roster, CASES[i].uid, slice_str(CASES[i].cgroup));
        const char *want = CASES[i].want;

        if ((got == NULL) != (want == NULL) || (got != NULL && !slice_eq_str(got->id, want)))
            fail_msg("uid %llu in \"%s\": %.*s", (unsigned long long)CASES[i].uid, CASES[i].cgroup,
                     got == NULL ? 6 : (int)got->id.len,
                     got == NULL ? "nobody" : (const char *)got->id.ptr);
    }
    remove_one(&roster, "seven in a");
    assert_true(slice_eq_str(roster_whose(&roster, 7, slice_str("/a"))->id, "in a"));
    remove_one(&roster, "in a");
    assert_true(slice_eq_str(roster_whose(&roster, 7, slice_str("/a"))->id, "seven"));
    assert_null(roster_whose(&roster, 8, slice_str("/a")));
}

static void refusals(void **state)
{
    static const struct {
        const char *id, *cgroup, *parent;
        int uid;
        err_code want;
    } CASES[] = {
        {"b", "", "", -1, ERR_OK},         {"a", "", "", -1, ERR_EXISTS},
        {"b", "", "", 7, ERR_EXISTS},      {"b", "/x", "", 7, ERR_OK},
        {"b", "/y", "", -1, ERR_EXISTS},   {"b", "/y", "", 7, ERR_OK},
        {"b", "/y", "", 0, ERR_OK},        {"b", "", "a", -1, ERR_OK},
        {"b", "", "c", -1, ERR_NOT_FOUND}, {"b", "", "b", -1, ERR_NOT_FOUND},
        {"b", "", "", 0, ERR_OK},
    };
    CLEANUP(roster_free) struct roster roster = {0};
    (void)state;

    add_place(&roster, "a", 7, "");
    add_place(&roster, "y", -1, "/y");
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct record_agent agent = {
            .id = slice_str(CASES[i].id),
            .has_uid = CASES[i].uid >= 0,
            .uid = CASES[i].uid >= 0 ? (uint64_t)CASES[i].uid : 0,
            .cgroup = slice_str(CASES[i].cgroup),
            .parent = slice_str(CASES[i].parent),
        };
        err_code err = roster_admits(&roster, &agent, &why);
        if (err != CASES[i].want)
            fail_msg("case %zu: %s", i, err_name(err));
    }
    assert_int_equal(roster_releases(&roster, slice_str("b"), &why), ERR_NOT_FOUND);
    add(&roster, &(struct record_agent){.id = slice_str("child"), .parent = slice_str("a")});
    assert_int_equal(roster_releases(&roster, slice_str("a"), &why), ERR_AGENT_PARENT);
    remove_one(&roster, "child");
    remove_one(&roster, "a");
}

/* Beyond either limit. */
static void limits(void **state)
{
    CLEANUP(roster_free) struct roster roster = {0};
    const struct record_agent agent = {.id = slice_str("one more")};
    (void)state;

    roster.bytes = ROSTER_BYTES_MAX - agent.id.len;
    assert_int_equal(roster_admits(&roster, &agent, &why), ERR_OK);
    roster.bytes++;
    assert_int_equal(roster_admits(&roster, &agent, &why), ERR_TOO_LARGE);
    roster.bytes = 0;
    for (size_t i = 0; i < ROSTER_MAX; i++) {
        char id[32];

        (void)snprintf(id, sizeof id, "agent-%zu", i * 40503 % ROSTER_MAX);
        add_place(&roster, id, (int)i, "");
    }
    assert_int_equal(roster_admits(&roster, &agent, &why), ERR_TOO_LARGE);
    for (size_t i = 1; i < roster.n; i++)
        assert_true(slice_cmp(roster.list[i - 1]->id, roster.list[i]->id) < 0);
    for (size_t i = 0; i < ROSTER_MAX; i++) {
        const struct enrolled *found = roster_whose(&roster, i, slice_str("/x/y/z"));
        assert_non_null(found);
        assert_ptr_equal(found, roster_find(&roster, found->id));
    }
    remove_one(&roster, "agent-9");
    assert_int_equal(roster_admits(&roster, &agent, &why), ERR_OK);
}

/* No two enrolments that differ have the same sum. */
static void sums(void **state)
{
    const struct record_agent base = {.id = slice_str("id"),
                                      .name = slice_str("name"),
                                      .has_uid = true,
                                      .uid = 7,
                                      .cgroup = slice_str("/c"),
                                      .zone = slice_str("zone"),
                                      .parent = slice_str("parent"),
                                      .n_aliases = 2,
                                      .aliases = {slice_str("a"), slice_str("b")},
                                      .admin = 9};
    enum { OTHERS = 13 };
    struct enrolled *made[OTHERS];
    (void)state;

    for (int i = 0; i < OTHERS; i++) {
        struct record_agent agent = base;

        agent.id = i == 1 ? slice_str("jd") : agent.id;
        agent.name = i == 2 ? slice_str("") : agent.name;
        agent.has_uid = i != 3;
        agent.uid = i == 4 ? 8 : agent.uid;
        agent.cgroup = i == 5 ? slice_str("/d") : agent.cgroup;
        agent.zone = i == 6 ? slice_str("zon") : agent.zone;
        agent.parent = i == 6 ? slice_str("eparent") : i == 7 ? slice_str("p") : agent.parent;
        agent.n_aliases = i == 8 ? 1 : 2;
        agent.aliases[0] = i == 9 ? slice_str("A") : agent.aliases[0];
        agent.admin = i == 10 ? 0 : agent.admin;
        assert_int_equal(enrolled_make(&agent, i == 11 ? 2 : 1, i == 12 ? 2 : 1, &made[i]), ERR_OK);
        for (int j = 0; j < i; j++)
            if (digest_eq(&made[i]->sum, &made[j]->sum))
                fail_msg("%d and %d", i, j);
    }
    for (int i = 0; i < OTHERS; i++)
        enrolled_free(&made[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whose),
        cmocka_unit_test(refusals),
        cmocka_unit_test(limits),
        cmocka_unit_test(sums),
    };
    return cmocka_run_group_tests_name("roster", tests, NULL, NULL);
}
