/* SPDX-License-Identifier: Apache-2.0 */
/* fold_test.c: which parts of a policy are worked out when it is loaded, and that it makes no
 * difference to any decision. */
#include "gate/cedar/set.h"
#include "gate/cedar/world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool has_items(const struct cedar_expr *e)
{
    return e->op == CEDAR_OP_SET || e->op == CEDAR_OP_RECORD || e->op == CEDAR_OP_CALL;
}

/* Takes back what cedar_finish has worked out, in this operand and in what it consists of. */
static void unfold(const struct cedar_expr *e)
{
    if (!has_items(e))
        return;
    ((struct cedar_expr *)(uintptr_t)e)->folded = NULL;
    for (uint32_t i = 0; i < e->n; i++)
        unfold(e->items[i]);
}

/* Each is one side of an equation. */
static void what_is_constant_is_folded(void **state)
{
    static const struct {
        const char *text;
        bool folded;
    } ROWS[] = {
        {"[]", true},
        {"[1, 2]", true},
        {"[2, 1, 2]", true},
        {"[[1], {a: [2]}]", true},
        {"[1, context.n]", false},
        {"[[context.n]]", false},
        {"[1 + 1]", false},
        {"{}", true},
        {"{a: 1, b: \"x\"}", true},
        {"{b: 1, a: [ip(\"1.2.3.4\")]}", true},
        {"{a: context.n}", false},
        {"{a: principal}", false},
        {"ip(\"1.2.3.4\")", true},
        {"ip(\"1.2.3.4\").isInRange(ip(\"1.0.0.0/8\"))", true},
        {"decimal(\"1.5\").lessThan(decimal(\"1.6\"))", true},
        {"datetime(\"2024-01-01\").offset(duration(\"1d\")).toDate()", true},
        {"ip(\"bad\")", false},
        {"[ip(\"bad\")]", false},
        {"decimal(\"1.5\").lessThan(1)", false},
        {"datetime(\"2024-01-01\").offset(duration(\"9223372036854775807ms\"))", false},
        {"ip(context.s)", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        char text[512], with[WORLD_LINE], without[WORLD_LINE];
        struct world world;
        const struct cedar_expr *e;

        snprintf(text, sizeof text, "permit(principal, action, resource) when { %s == %s };",
                 ROWS[i].text, ROWS[i].text);
        world_open(&world, &(struct world_texts){.policies = text,
                                                 .context = "{\"n\":1,\"s\":\"1.2.3.4\"}"});
        e = cedar_at(world.policies, 0)->conditions[0].body;
        assert_int_equal(e->op, CEDAR_OP_EQ);
        assert_true(has_items(e->a));
        if ((e->a->folded != NULL) != ROWS[i].folded || (e->b->folded != NULL) != ROWS[i].folded)
            fail_msg("%s: folded %d", ROWS[i].text, e->a->folded != NULL);
        world_decide(&world, CEDAR_MODE_CEDAR, with);
        unfold(e->a);
        world_decide(&world, CEDAR_MODE_CEDAR, without);
        assert_string_equal(with, without);
        unfold(e->b);
        world_decide(&world, CEDAR_MODE_CEDAR, without);
        assert_string_equal(with, without);
        world_close(&world);
    }
}

/* True if the set [9] is somewhere below, and has its value. */
static bool nine_is_folded(const struct cedar_expr *e)
{
    switch ((int)e->op) {
    case CEDAR_OP_LITERAL:
    case CEDAR_OP_VAR:
    case CEDAR_OP_SLOT:
        return false;
    case CEDAR_OP_IF:
        return nine_is_folded(e->a) || nine_is_folded(e->b) || nine_is_folded(e->c);
    case CEDAR_OP_NOT:
    case CEDAR_OP_NEG:
    case CEDAR_OP_IS_EMPTY:
        return nine_is_folded(e->a);
    case CEDAR_OP_GET:
    case CEDAR_OP_HAS:
    case CEDAR_OP_LIKE:
        return nine_is_folded(e->of);
    case CEDAR_OP_IS:
        return nine_is_folded(e->of) || (e->in != NULL && nine_is_folded(e->in));
    case CEDAR_OP_HAS_PATH:
        return nine_is_folded(e->items[0]);
    case CEDAR_OP_SET:
        if (e->folded != NULL && e->folded->n == 1 && e->folded->items[0].number == 9)
            return true;
        [[fallthrough]];
    case CEDAR_OP_RECORD:
    case CEDAR_OP_CALL:
        for (uint32_t i = 0; i < e->n; i++)
            if (nine_is_folded(e->items[i]))
                return true;
        return false;
    default:
        return nine_is_folded(e->a) || nine_is_folded(e->b);
    }
}

/* Every operator's operands are looked into. */
static void constants_are_found_everywhere(void **state)
{
    static const char *const BODIES[] = {
        "if [9] == 1 then true else true",
        "if true then [9] == 1 else true",
        "if true then true else [9] == 1",
        "true && [9] == 1",
        "[9] == 1 && true",
        "[9] == 1 || true",
        "![9].isEmpty()",
        "-[9] == 1",
        "[9] != 1",
        "1 < [9]",
        "[9] <= 1",
        "1 > [9]",
        "[9] >= 1",
        "principal in [9]",
        "1 + [9] == 1",
        "[9] - 1 == 1",
        "1 * [9] == 1",
        "[9].contains(1)",
        "context.contains([9])",
        "context.containsAll([9])",
        "[9].containsAny([1])",
        "[9].hasTag(\"a\")",
        "principal.getTag([9])",
        "[9].a",
        "[9] has a",
        "[9] has a.b",
        "[9] like \"*\"",
        "[9] is User",
        "principal is User in [9]",
        "[context.n, [9]] == 1",
        "{a: context.n, b: [9]} == 1",
        "ip([9]).isLoopback()",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(BODIES); i++) {
        char text[512];
        struct world world;

        snprintf(text, sizeof text, "permit(principal, action, resource) when { %s };", BODIES[i]);
        world_open(&world, &(struct world_texts){.policies = text});
        if (!nine_is_folded(cedar_at(world.policies, 0)->conditions[0].body))
            fail_msg("%s", BODIES[i]);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_constant_is_folded),
        cmocka_unit_test(constants_are_found_everywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
