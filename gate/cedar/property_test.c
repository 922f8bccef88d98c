/* SPDX-License-Identifier: Apache-2.0 */
/* property_test.c: what must hold for any set of policies: order and repetition do not matter,
 * forbid wins, nothing is permitted without a permit, and the index changes no answer. The random
 * numbers are the same on every run. */
#include "gate/cedar/world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 1000
#define POLICIES 24
#define POLICY_TEXT 512

static uint64_t seed;

static uint32_t below(uint32_t n)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545f4914f6cdd1d) >> 32) % n;
}

/* A small world, so that scopes often fit: three users in groups in groups, and so on. */
static const char ENTITIES[] =
    "[{\"uid\":{\"type\":\"User\",\"id\":\"0\"},\"attrs\":{\"n\":1},"
    "\"parents\":[{\"type\":\"Group\",\"id\":\"0\"},{\"type\":\"Group\",\"id\":\"1\"}]},"
    "{\"uid\":{\"type\":\"User\",\"id\":\"1\"},\"attrs\":{\"n\":2,\"s\":\"x\"},"
    "\"parents\":[{\"type\":\"Group\",\"id\":\"1\"}],\"tags\":{\"t\":true}},"
    "{\"uid\":{\"type\":\"Group\",\"id\":\"0\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Group\",\"id\":\"2\"}]},"
    "{\"uid\":{\"type\":\"Action\",\"id\":\"0\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Action\",\"id\":\"2\"}]},"
    "{\"uid\":{\"type\":\"Action\",\"id\":\"1\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Action\",\"id\":\"2\"},{\"type\":\"Action\",\"id\":\"3\"}]},"
    "{\"uid\":{\"type\":\"Doc\",\"id\":\"0\"},"
    "\"attrs\":{\"owner\":{\"__entity\":{\"type\":\"User\",\"id\":\"0\"}}},"
    "\"parents\":[{\"type\":\"Folder\",\"id\":\"0\"}]},"
    "{\"uid\":{\"type\":\"Folder\",\"id\":\"0\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Folder\",\"id\":\"1\"}]}]";

static void add(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(char *text, const char *format, ...)
{
    size_t len = strlen(text);
    va_list args;

    va_start(args, format);
    vsnprintf(text + len, POLICY_TEXT - len, format, args);
    va_end(args);
}

/* A demand on principal or resource. */
static void add_scope(char *text, const char *variable, const char *type, const char *group)
{
    uint32_t i = below(3);

    switch (below(8)) {
    case 0:
    case 1:
        add(text, "%s == %s::\"%u\"", variable, type, i);
        break;
    case 2:
        add(text, "%s in %s::\"%u\"", variable, group, i);
        break;
    case 3:
        add(text, "%s is %s", variable, below(4) == 0 ? group : type);
        break;
    case 4:
        add(text, "%s is %s in %s::\"%u\"", variable, type, group, i);
        break;
    case 5:
        add(text, "%s in %s::\"%u\"", variable, type, i);
        break;
    default:
        add(text, "%s", variable);
        break;
    }
}

static void add_action(char *text)
{
    switch (below(5)) {
    case 0:
        add(text, ", action == Action::\"%u\"", below(3));
        break;
    case 1:
        add(text, ", action in Action::\"%u\"", below(4));
        break;
    case 2: {
        uint32_t n = below(4);

        add(text, ", action in [");
        for (uint32_t i = 0; i < n; i++)
            add(text, "%sAction::\"%u\"", i == 0 ? "" : ", ", below(4));
        add(text, "]");
        break;
    }
    default:
        add(text, ", action");
        break;
    }
}

static void make_policy(char text[static POLICY_TEXT], const char *effect)
{
    static const char *const BODIES[] = {
        "true",
        "false",
        "context.n < 3",
        "context.n + 9223372036854775800 > 0",
        "principal.n == 1",
        "principal has s && principal.s like \"x*\"",
        "resource.owner == principal",
        "principal in [Group::\"2\", User::\"1\"]",
        "context.s == \"a\" || context.s",
        "principal.getTag(\"t\")",
        "[1, context.n].contains(2)",
        "ip(context.s).isIpv4()",
    };
    uint32_t n = below(3);

    text[0] = '\0';
    add(text, "%s(", effect != NULL ? effect : below(3) == 0 ? "forbid" : "permit");
    add_scope(text, "principal", "User", "Group");
    add_action(text);
    add(text, ", ");
    add_scope(text, "resource", "Doc", "Folder");
    add(text, ")");
    for (uint32_t i = 0; i < n; i++)
        add(text, " %s { %s }", below(3) == 0 ? "unless" : "when",
            BODIES[below(sizeof BODIES / sizeof *BODIES)]);
    add(text, ";\n");
}

struct round {
    char list[POLICIES + 2][POLICY_TEXT];
    uint32_t n;
    char principal[16], action[16], resource[16], context[64];
};

static void make_round(struct round *round)
{
    round->n = below(POLICIES);
    for (uint32_t i = 0; i < round->n; i++)
        make_policy(round->list[i], NULL);
    snprintf(round->principal, sizeof round->principal, "User::%u", below(3));
    snprintf(round->action, sizeof round->action, "Action::%u", below(3));
    snprintf(round->resource, sizeof round->resource, "%s::%u", below(5) == 0 ? "Folder" : "Doc",
             below(3));
    snprintf(round->context, sizeof round->context, "{\"n\": %u, \"s\": %s}", below(12),
             below(2) == 0 ? "\"a\"" : "\"1.2.3.4\"");
}

/* Decides; ret_line may be NULL. */
static enum cedar_decision decide(const struct round *round, enum cedar_mode mode, char *ret_line)
{
    static char text[(POLICIES + 2) * POLICY_TEXT];
    char line[WORLD_LINE], explained[WORLD_LINE];
    struct world world;
    size_t len = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < round->n; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s", round->list[i]);
    world_open(&world, &(struct world_texts){text, ENTITIES, round->context, round->principal,
                                             round->action, round->resource});
    world_decide(&world, mode, line);
    if (mode == CEDAR_MODE_CEDAR) {
        world_explain(&world, explained);
        if (strcmp(line, explained) != 0)
            fail_msg("%s\nwith the index: %s\nwithout it: %s", text, line, explained);
    }
    if (ret_line != NULL)
        snprintf(ret_line, WORLD_LINE, "%s", line);
    world_close(&world);
    return line[0] == 'p' ? CEDAR_PERMIT : CEDAR_DENY;
}

static bool is_effect(const struct round *round, uint32_t i, const char *effect)
{
    return strncmp(round->list[i], effect, strlen(effect)) == 0;
}

static void swap(struct round *round, uint32_t i, uint32_t j)
{
    char keep[POLICY_TEXT];

    memcpy(keep, round->list[i], POLICY_TEXT);
    memmove(round->list[i], round->list[j], POLICY_TEXT);
    memcpy(round->list[j], keep, POLICY_TEXT);
}

static void take_out(struct round *round, uint32_t i)
{
    for (; i + 1 < round->n; i++)
        memcpy(round->list[i], round->list[i + 1], POLICY_TEXT);
    round->n--;
}

/* Runs a change of a round many times. It tells what the decisions may be, given those before. */
typedef void change_fn(struct round *round);
static void every_round(change_fn *change,
                        bool (*right)(enum cedar_decision before, enum cedar_decision after))
{
    static struct round round, changed;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        make_round(&round);
        changed = round;
        change(&changed);
        for (enum cedar_mode mode = CEDAR_MODE_GATE; mode <= CEDAR_MODE_CEDAR; mode++) {
            enum cedar_decision before = decide(&round, mode, NULL);
            enum cedar_decision after = decide(&changed, mode, NULL);

            if (right(before, after))
                continue;
            for (uint32_t k = 0; k < round.n; k++)
                print_message("%s", round.list[k]);
            fail_msg("round %u, mode %d: %d, then %d", i, (int)mode, (int)before, (int)after);
        }
    }
}

static bool same(enum cedar_decision before, enum cedar_decision after)
{
    return before == after;
}

static bool never_more(enum cedar_decision before, enum cedar_decision after)
{
    return after == CEDAR_DENY || before == CEDAR_PERMIT;
}

static bool denied(enum cedar_decision before, enum cedar_decision after)
{
    (void)before;
    return after == CEDAR_DENY;
}

static void shuffle(struct round *round)
{
    for (uint32_t i = round->n; i > 1; i--)
        swap(round, i - 1, below(i));
}

static void repeat_one(struct round *round)
{
    if (round->n > 0) {
        memcpy(round->list[round->n], round->list[below(round->n)], POLICY_TEXT);
        round->n++;
    }
}

static void add_forbid(struct round *round)
{
    make_policy(round->list[round->n], "forbid");
    swap(round, round->n, below(round->n + 1));
    round->n++;
}

static void add_forbid_all(struct round *round)
{
    snprintf(round->list[round->n], POLICY_TEXT, "forbid(principal, action, resource);");
    swap(round, round->n, below(round->n + 1));
    round->n++;
}

static void remove_permit(struct round *round)
{
    uint32_t start = round->n == 0 ? 0 : below(round->n);

    for (uint32_t i = 0; i < round->n; i++)
        if (is_effect(round, (start + i) % round->n, "permit")) {
            take_out(round, (start + i) % round->n);
            return;
        }
}

static void remove_permits(struct round *round)
{
    for (uint32_t i = round->n; i > 0; i--)
        if (is_effect(round, i - 1, "permit"))
            take_out(round, i - 1);
}

static void order_does_not_matter(void **state)
{
    (void)state;
    seed = 1;
    every_round(shuffle, same);
}

static void repetition_does_not_matter(void **state)
{
    (void)state;
    seed = 2;
    every_round(repeat_one, same);
}

static void one_more_forbid_permits_nothing(void **state)
{
    (void)state;
    seed = 3;
    every_round(add_forbid, never_more);
}

static void forbid_wins(void **state)
{
    (void)state;
    seed = 4;
    every_round(add_forbid_all, denied);
}

/* In a gate, a permit that is taken out may be the one that failed; so only in Cedar's mode. */
static void one_permit_less_permits_nothing(void **state)
{
    static struct round round, less;

    (void)state;
    seed = 5;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        make_round(&round);
        less = round;
        remove_permit(&less);
        if (!never_more(decide(&round, CEDAR_MODE_CEDAR, NULL),
                        decide(&less, CEDAR_MODE_CEDAR, NULL)))
            fail_msg("round %u", i);
    }
}

static void without_a_permit_nothing_is_permitted(void **state)
{
    (void)state;
    seed = 6;
    every_round(remove_permits, denied);
}

/* Any failure denies in a gate; and without one, both modes are the same. */
static void a_gate_denies_what_fails(void **state)
{
    static struct round round;
    uint32_t permits = 0, denied_by_failure = 0;

    (void)state;
    seed = 7;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        char cedar[WORLD_LINE], gate[WORLD_LINE];
        enum cedar_decision in_cedar, in_gate;

        make_round(&round);
        in_cedar = decide(&round, CEDAR_MODE_CEDAR, cedar);
        in_gate = decide(&round, CEDAR_MODE_GATE, gate);
        if (strstr(cedar, "errors") == NULL) {
            assert_string_equal(cedar, gate);
        } else {
            assert_int_equal(in_gate, CEDAR_DENY);
            assert_string_equal(strstr(cedar, "errors"), strstr(gate, "errors"));
        }
        permits += in_gate == CEDAR_PERMIT;
        denied_by_failure += in_cedar != in_gate;
    }
    /* the rounds are worth something */
    assert_in_range(permits, ROUNDS / 10, ROUNDS);
    assert_in_range(denied_by_failure, ROUNDS / 20, ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(repetition_does_not_matter),
        cmocka_unit_test(one_more_forbid_permits_nothing),
        cmocka_unit_test(forbid_wins),
        cmocka_unit_test(one_permit_less_permits_nothing),
        cmocka_unit_test(without_a_permit_nothing_is_permitted),
        cmocka_unit_test(a_gate_denies_what_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
