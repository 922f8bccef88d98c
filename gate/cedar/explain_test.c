/* SPDX-License-Identifier: Apache-2.0 */
/* explain_test.c: of each policy, the outcome, the place that decided, and the words for it. */
#include "gate/cedar/world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char ENTITIES[] =
    "[{\"uid\":{\"type\":\"User\",\"id\":\"alice\"},\"attrs\":{\"age\":30},\"parents\":[],"
    "\"tags\":{\"t\":1}}]";
static const char CONTEXT[] = "{\"yes\":true,\"no\":false,\"n\":5,\"s\":\"text\",\"r\":{}}";

/* One policy whose place of interest is marked with a ^ before it. */
static void check(const char *marked, enum cedar_outcome outcome, const char *detail)
{
    CLEANUP(cedar_explanation_free) struct cedar_explanation explanation = {0};
    char text[1024];
    size_t mark = strcspn(marked, "^");
    struct world world;
    const struct cedar_reason *got;

    snprintf(text, sizeof text, "%.*s%s", (int)mark, marked,
             marked[mark] == '\0' ? "" : marked + mark + 1);
    world_open(&world,
               &(struct world_texts){.policies = text, .entities = ENTITIES, .context = CONTEXT});
    assert_int_equal(cedar_explain(world.policies, world.entities, &world.request, &explanation),
                     ERR_OK);
    assert_int_equal(explanation.n, 1);
    got = &explanation.list[0];
    if (got->outcome != outcome)
        fail_msg("%s: outcome %d, want %d", marked, (int)got->outcome, (int)outcome);
    if (got->offset != (marked[mark] == '\0' ? CEDAR_NOWHERE : mark))
        fail_msg("%s: at %u", marked, got->offset);
    if (strcmp(got->detail, detail) != 0)
        fail_msg("%s: \"%s\", want \"%s\"", marked, got->detail, detail);
    assert_int_equal(got->fault != CEDAR_FAULT_NONE, outcome == CEDAR_FAILED);
    world_close(&world);
}

#define WHEN(body) "permit(principal, action, resource) when { " body " };"
#define UNLESS(body) "permit(principal, action, resource) unless { " body " };"

static void the_smallest_part_is_found(void **state)
{
    static const char *const TEXTS[] = {
        WHEN("^false"),
        WHEN("^context.no"),
        WHEN("true && ^false"),
        WHEN("^false && true"),
        WHEN("true && (^context.no && true)"),
        WHEN("true && true && ^1 == 2 && false"),
        WHEN("(^false || context.no)"),
        WHEN("true && (^false || context.no)"),
        WHEN("if context.yes then ^false else true"),
        WHEN("if context.no then true else true && ^1 == 2"),
        WHEN("^!(true && true)"),
        WHEN("^!(context.no || true)"),
        WHEN("true") " ",
        UNLESS("^true"),
        UNLESS("^true && context.yes"),
        UNLESS("false || ^context.yes"),
        UNLESS("^context.yes || context.missing"),
        UNLESS("if true then ^context.yes else false"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(TEXTS); i++)
        check(TEXTS[i], strchr(TEXTS[i], '^') == NULL ? CEDAR_SATISFIED : CEDAR_NOT_SATISFIED, "");
}

static void a_scope_that_does_not_fit(void **state)
{
    (void)state;
    check("permit(^principal == User::\"bob\", action, resource);", CEDAR_OUT_OF_SCOPE, "");
    check("permit(principal, ^action == Action::\"x\", resource);", CEDAR_OUT_OF_SCOPE, "");
    check("permit(principal, action, ^resource is User);", CEDAR_OUT_OF_SCOPE, "");
    check("permit(^principal is Doc, action in [], resource is User);", CEDAR_OUT_OF_SCOPE, "");
    check("permit(principal, ^action in [], resource is User);", CEDAR_OUT_OF_SCOPE, "");
}

static void failures_are_told(void **state)
{
    static const struct {
        const char *text, *detail;
    } ROWS[] = {
        {WHEN("^1"), "found a long, wanted a bool"},
        {WHEN("true && ^context.s"), "found a string, wanted a bool"},
        {WHEN("1 + ^\"a\" == 1"), "found a string, wanted a long"},
        {WHEN("^context.r < 1"), "found a record, wanted a long, datetime or duration"},
        {WHEN("1 < ^principal"), "found User::\"alice\", wanted a long"},
        {WHEN("datetime(\"2024-01-01\") < ^1"), "found a long, wanted a datetime"},
        {WHEN("^context in principal"), "found a record, wanted an entity"},
        {WHEN("principal in ^[1]"), "found a long, wanted a set of entities"},
        {WHEN("principal in ^1"), "found a long, wanted an entity or a set of entities"},
        {WHEN("^context.n.x == 1"), "found a long, wanted an entity or a record"},
        {WHEN("^1.contains(1)"), "found a long, wanted a set"},
        {WHEN("[1].containsAll(^1)"), "found a long, wanted a set"},
        {WHEN("^1 like \"*\""), "found a long, wanted a string"},
        {WHEN("^ip(\"1.1.1.1\").lessThan(decimal(\"1.0\"))"), "found an ipaddr, wanted a decimal"},
        {WHEN("ip(^1).isIpv4()"), "found a long, wanted a string"},
        {WHEN("^context.missing"), "a record has no attribute \"missing\""},
        {WHEN("true && ^context.missing"), "a record has no attribute \"missing\""},
        {WHEN("context.yes && ^principal.name == 1"), "User::\"alice\" has no attribute \"name\""},
        {WHEN("^resource.owner == 1"), "no entity Doc::\"readme\""},
        {WHEN("^principal.getTag(\"none\") == 1"), "User::\"alice\" has no tag \"none\""},
        {WHEN("^User::\"b\\\"\\u{1f600}\".getTag(\"x\") == 1"),
         "no entity User::\"b\"\\u{1f600}\""},
        {WHEN("^context[\"a\\nb\"] == 1"), "a record has no attribute \"a\\u{a}b\""},
        {WHEN("1 == ^context.n * 9223372036854775807"), "a number beyond 64 bits"},
        {WHEN("^ip(\"1.2.3.256\").isIpv4()"), "\"1.2.3.256\" is not an ipaddr"},
        {WHEN("1 == 2 || ^decimal(context.s) == 1"), "\"text\" is not a decimal"},
        {WHEN("^datetime(\"1970-01-01\").offset(duration(\"-9223372036854775808ms\"))"
              ".offset(duration(\"-1ms\")) == 1"),
         "the result of offset is beyond 64 bits"},
        {UNLESS("^context.missing"), "a record has no attribute \"missing\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(ROWS); i++)
        check(ROWS[i].text, CEDAR_FAILED, ROWS[i].detail);
}

/* Each operand of each operation says what it should have been. */
static void wanted_kinds_are_told(void **state)
{
    static const struct {
        const char *text, *detail;
    } ROWS[] = {
        {WHEN("!^1"), "found a long, wanted a bool"},
        {WHEN("-^\"a\" == 1"), "found a string, wanted a long"},
        {WHEN("^\"a\".isEmpty()"), "found a string, wanted a set"},
        {WHEN("^\"a\" + 1 == 1"), "found a string, wanted a long"},
        {WHEN("^\"a\" - 1 == 1"), "found a string, wanted a long"},
        {WHEN("1 * ^\"a\" == 1"), "found a string, wanted a long"},
        {WHEN("if ^1 then true else true"), "found a long, wanted a bool"},
        {WHEN("^1 || true"), "found a long, wanted a bool"},
        {WHEN("false || ^1"), "found a long, wanted a bool"},
        {WHEN("^1 && true"), "found a long, wanted a bool"},
        {WHEN("duration(\"1d\") < ^1"), "found a long, wanted a duration"},
        {WHEN("duration(\"1d\") < ^datetime(\"2024-01-01\")"),
         "found a datetime, wanted a duration"},
        {WHEN("^\"a\" >= 1"), "found a string, wanted a long, datetime or duration"},
        {WHEN("^1.hasTag(\"t\")"), "found a long, wanted an entity"},
        {WHEN("principal.hasTag(^1)"), "found a long, wanted a string"},
        {WHEN("^context.r.getTag(\"t\") == 1"), "found a record, wanted an entity"},
        {WHEN("principal.getTag(^1) == 1"), "found a long, wanted a string"},
        {WHEN("^1 is User"), "found a long, wanted an entity"},
        {WHEN("^1 is User in principal"), "found a long, wanted an entity"},
        {WHEN("principal is User in ^1"), "found a long, wanted an entity or a set of entities"},
        {WHEN("principal in ^[principal, 1]"), "found a long, wanted a set of entities"},
        {WHEN("principal in ^[principal, \"a\"]"), "found a string, wanted a set of entities"},
        {WHEN("principal in ^[principal, [1]]"), "found a set, wanted a set of entities"},
        {WHEN("^1.containsAny([1])"), "found a long, wanted a set"},
        {WHEN("[1].containsAny(^1)"), "found a long, wanted a set"},
        {WHEN("^1.containsAll([1])"), "found a long, wanted a set"},
        {WHEN("^1 has a"), "found a long, wanted an entity or a record"},
        {WHEN("ip(\"1.1.1.1\").isInRange(^1)"), "found a long, wanted an ipaddr"},
        {WHEN("^1.toDate() == 1"), "found a long, wanted a datetime"},
        {WHEN("datetime(\"2024-01-01\").offset(^1) == 1"), "found a long, wanted a duration"},
        {WHEN("^1.toDays() == 1"), "found a long, wanted a duration"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(ROWS); i++)
        check(ROWS[i].text, CEDAR_FAILED, ROWS[i].detail);
}

static void the_condition_is_counted(void **state)
{
    CLEANUP(cedar_explanation_free) struct cedar_explanation explanation = {0};
    struct world world;

    (void)state;
    world_open(&world,
               &(struct world_texts){
                   .policies = "permit(principal == ?principal, action, resource);"
                               "permit(principal, action, resource) when { true } unless { false } "
                               "when { false } when { true };"
                               "forbid(principal, action, resource) unless { false } "
                               "when { context.missing };"});
    assert_int_equal(cedar_explain(world.policies, NULL, &world.request, &explanation), ERR_OK);
    assert_int_equal(explanation.n, 2);
    assert_ptr_equal(explanation.list[0].policy, cedar_at(world.policies, 1));
    assert_int_equal(explanation.list[0].condition, 2);
    assert_int_equal(explanation.list[1].condition, 1);
    world_close(&world);
}

static void details_fit_and_are_ascii(void **state)
{
    char policy[2048], name[600];
    CLEANUP(cedar_explanation_free) struct cedar_explanation explanation = {0};
    struct world world;

    (void)state;
    for (size_t i = 0; i < sizeof name - 1; i += 2)
        memcpy(name + i, "\xc3\xa9", 2);
    name[598] = '\0';
    snprintf(policy, sizeof policy,
             "permit(principal, action, resource) when { Namespace::Of::Some::Very::Long::Type::%s"
             "::\"%s\"[\"%s\"] == 1 };",
             "ThatNeverEndsThatNeverEndsThatNeverEndsThatNeverEnds", name, name);
    world_open(&world, &(struct world_texts){.policies = policy});
    assert_int_equal(cedar_explain(world.policies, NULL, &world.request, &explanation), ERR_OK);
    assert_true(strlen(explanation.list[0].detail) < sizeof explanation.list[0].detail);
    for (const char *c = explanation.list[0].detail; *c != '\0'; c++)
        assert_in_range(*c, 0x20, 0x7e);
    assert_non_null(strstr(explanation.list[0].detail, "..."));
    world_close(&world);
}

static void every_fault_has_a_text(void **state)
{
    (void)state;
    for (enum cedar_fault fault = CEDAR_FAULT_NONE; fault <= CEDAR_FAULT_SLOT; fault++)
        for (enum cedar_fault other = CEDAR_FAULT_NONE; other < fault; other++)
            assert_string_not_equal(cedar_fault_text(fault), cedar_fault_text(other));
    assert_string_equal(cedar_fault_text((enum cedar_fault)99), "an unknown failure");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_part_is_found), cmocka_unit_test(a_scope_that_does_not_fit),
        cmocka_unit_test(failures_are_told),          cmocka_unit_test(the_condition_is_counted),
        cmocka_unit_test(wanted_kinds_are_told),      cmocka_unit_test(details_fit_and_are_ascii),
        cmocka_unit_test(every_fault_has_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
