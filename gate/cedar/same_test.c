/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/same.h"

#include "gate/cedar/text_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define WHEN(e) TESTING_WHEN(e)

/* Each of them says something else than every other one. */
static const char *const TEXTS[] = {
    "",
    TESTING_ALL,
    TESTING_ALL TESTING_ALL,
    "forbid(principal, action, resource);",
    "permit(principal == A::\"a\", action, resource);",
    "permit(principal == A::\"b\", action, resource);",
    "permit(principal == B::\"a\", action, resource);",
    "permit(principal in A::\"a\", action, resource);",
    "permit(principal is A, action, resource);",
    "permit(principal is B, action, resource);",
    "permit(principal is A in A::\"a\", action, resource);",
    "permit(principal == ?principal, action, resource);",
    "permit(principal, action, resource == A::\"a\");",
    "permit(principal, action, resource == ?resource);",
    "permit(principal, action == Action::\"a\", resource);",
    "permit(principal, action in Action::\"a\", resource);",
    "permit(principal, action in [Action::\"a\"], resource);",
    "permit(principal, action in [Action::\"b\"], resource);",
    "permit(principal, action in [Action::\"a\", Action::\"b\"], resource);",
    "@a " TESTING_ALL,
    "@a(\"\") " TESTING_ALL,
    "@a(\"b\") " TESTING_ALL,
    "@b(\"b\") " TESTING_ALL,
    "@a @b " TESTING_ALL,
    WHEN("true"),
    WHEN("false"),
    WHEN("1"),
    WHEN("-1"),
    WHEN("-(1)"),
    WHEN("\"1\""),
    WHEN("A::\"1\""),
    WHEN("principal"),
    WHEN("context"),
    WHEN("true } when { true"),
    WHEN("true } unless { true"),
    WHEN("[]"),
    WHEN("[1]"),
    WHEN("[2]"),
    WHEN("[1, 1]"),
    WHEN("{}"),
    WHEN("{a: 1}"),
    WHEN("{b: 1}"),
    WHEN("{a: 2}"),
    WHEN("{a: 1, b: 2}"),
    WHEN("{b: 2, a: 1}"),
    WHEN("context.a"),
    WHEN("context.b"),
    WHEN("principal.a"),
    WHEN("context has a"),
    WHEN("context has b"),
    WHEN("context has a.b"),
    WHEN("context has a.c"),
    WHEN("context has a.b.c"),
    WHEN("principal has a.b"),
    WHEN("context like \"a\""),
    WHEN("context like \"b\""),
    WHEN("context like \"*\""),
    WHEN("context like \"\\*\""),
    WHEN("context like \"a*\""),
    WHEN("principal like \"a\""),
    WHEN("context is A"),
    WHEN("context is B"),
    WHEN("principal is A"),
    WHEN("context is A in principal"),
    WHEN("context is A in resource"),
    WHEN("ip()"),
    WHEN("decimal()"),
    WHEN("ip(1)"),
    WHEN("if true then 1 else 2"),
    WHEN("if true then 1 else 3"),
    WHEN("if true then 3 else 2"),
    WHEN("if false then 1 else 2"),
    WHEN("1 < 2"),
    WHEN("2 > 1"),
    WHEN("1 <= 2"),
    WHEN("!true"),
    WHEN("!!true"),
    WHEN("[].isEmpty()"),
    WHEN("[].contains(1)"),
    WHEN("[].contains(2)"),
};

static void only_what_is_the_same(void **state)
{
    enum { N = sizeof TEXTS / sizeof *TEXTS };
    static struct outcome all[N];
    (void)state;

    for (size_t i = 0; i < N; i++) {
        all[i] = testing_parse(slice_str(TEXTS[i]));
        if (all[i].err != ERR_OK)
            fail_msg("%s: %s", TEXTS[i], all[i].why.text);
    }
    for (size_t i = 0; i < N; i++) {
        struct outcome again = testing_parse(slice_str(TEXTS[i]));

        for (size_t k = 0; k < N; k++)
            if (cedar_policies_same(again.policies, all[k].policies) != (i == k))
                fail_msg("%s\n%s", TEXTS[i], TEXTS[k]);
        cedar_free(&again.policies);
    }
    for (size_t i = 0; i < N; i++)
        cedar_free(&all[i].policies);
}

static void blanks_and_brackets_make_no_difference(void **state)
{
    struct outcome a = testing_parse(slice_str(WHEN("1 + 2 * 3 == 4 && A::\"\\u{41}\" has \"b\""))),
                   b = testing_parse(slice_str("permit(principal,action,resource,)//c\n"
                                               "when{(((1)+(2*3))==04)&&(A :: \"A\"has b)};"));
    (void)state;

    assert_true(a.err == ERR_OK && b.err == ERR_OK);
    assert_true(cedar_policies_same(a.policies, b.policies));
    cedar_free(&a.policies);
    cedar_free(&b.policies);
}

static void names(void **state)
{
    struct outcome o =
        testing_parse(slice_str("@id(\"a\")" TESTING_ALL TESTING_ALL "@id(\"a\")" TESTING_ALL
                                "@id(\"policy1\")" TESTING_ALL "@id(\"a\")" TESTING_ALL));
    const struct cedar_policy *before[5];
    (void)state;

    assert_int_equal(o.err, ERR_OK);
    assert_int_equal(cedar_same_names(o.policies, before), ERR_OK);
    assert_true(before[0] == NULL && before[1] == NULL);
    assert_ptr_equal(before[2], cedar_at(o.policies, 0));
    assert_ptr_equal(before[3], cedar_at(o.policies, 1));
    assert_ptr_equal(before[4], cedar_at(o.policies, 2));
    cedar_free(&o.policies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_the_same),
        cmocka_unit_test(blanks_and_brackets_make_no_difference),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests_name("cedar_same", tests, NULL, NULL);
}
