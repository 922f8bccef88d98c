/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/print.h"

#include "gate/cedar/same.h"
#include "gate/cedar/text_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Expressions; want NULL: printed as it was written. */
static const struct {
    const char *text, *want;
} EXPRS[] = {
    {"true", NULL},
    {"0001", "1"},
    {"-9223372036854775808", NULL},
    {"- 1", "-1"},
    {"--1", "-(-1)"}, /* the same tree */
    {"-(1)", NULL},
    {"---context", NULL},
    {"-(----context)", "----(-context)"},
    {"!!!!(!context)", NULL},
    {"!(-1)", NULL},
    {"-(!context)", NULL},
    {"1 - -1", NULL},
    {"-1.a", "-1.a"},
    {"(-1).a", NULL},
    {"(1).a", "1.a"},
    {"((principal))", "principal"},
    {"(1 + 2) + 3", "1 + 2 + 3"},
    {"1 + (2 + 3)", NULL},
    {"1 - (2 - 3)", NULL},
    {"(1 * 2) + 3", "1 * 2 + 3"},
    {"(1 + 2) * 3", NULL},
    {"1 * (2 * 3)", NULL},
    {"(true && true) && true", "true && true && true"},
    {"true && (true && true)", NULL},
    {"true || (true || true)", NULL},
    {"true || (true && true)", "true || true && true"},
    {"(true || true) && true", NULL},
    {"(1 == 2) == true", NULL},
    {"true == (1 == 2)", NULL},
    {"(1 == 2) && true", "1 == 2 && true"},
    {"!(1 == 2)", NULL},
    {"!(principal has a)", NULL},
    {"(!principal).a", NULL},
    {"(principal has a) has b", NULL},
    {"(if true then 1 else 2) + 1", NULL},
    {"1 == (if true then 1 else 2)", NULL},
    {"if (if true then true else true) then (1) else (2 + 3)",
     "if if true then true else true then 1 else 2 + 3"},
    {"(if true then 1 else 2).a", NULL},
    {"[if true then 1 else 2]", NULL},
    {"principal[\"a\"]", "principal.a"},
    {"principal[\"if\"]", NULL},
    {"principal[\"__cedar\"]", NULL},
    {"principal[\"\"]", NULL},
    {"principal[\"a b\"].c", NULL},
    {"principal has \"a\"", "principal has a"},
    {"principal has \"a.b\"", NULL},
    {"principal has a . b", "principal has a.b"},
    {"(principal + 1) has a.b", "principal + 1 has a.b"},
    {"{\"a\": 1, \"if\": 2, b: {}}", "{a: 1, \"if\": 2, b: {}}"},
    {"[1, 2,]", "[1, 2]"},
    {"\"a\" like \"***\"", "\"a\" like \"*\""},
    {"\"a\" like \"\\*\\\\*\\x41\"", "\"a\" like \"\\*\\\\*A\""},
    {"(\"a\" like \"b\") == true", NULL},
    {"principal is A :: B in (C::\"d\")", "principal is A::B in C::\"d\""},
    {"(principal is A) in resource", NULL},
    {"principal is A in (1 == 2)", NULL},
    {"ip( \"a\" , )", "ip(\"a\")"},
    {"ip()", NULL},
    {"(1 + 2).lessThan(3, 4)", NULL},
    {"principal.contains(1 == 2)", NULL},
    {"[].isEmpty()", NULL},
    {"principal.a.hasTag(\"a\") == principal.getTag(\"b\")", NULL},
    /* strings */
    {"\"\\u{41}\\x42\\n\\r\\t\\0\\\"\\\\\\'\"", "\"AB\\n\\r\\t\\0\\\"\\\\'\""},
    {"\"\\u{1}\\u{7f}\\u{85}\\u{202e}\\u{feff}\"", NULL},
    {"\"\\u{e4}\\u{1f600}\"", "\"\xc3\xa4\xf0\x9f\x98\x80\""},
    {"\"a\nb\"", "\"a\\nb\""},
    {"A::\"\\u{200b}*\"", NULL},
};

static void expressions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof EXPRS / sizeof *EXPRS; i++) {
        CLEANUP(buf_free) struct buf text = {0}, printed = {0};
        const char *want = EXPRS[i].want != NULL ? EXPRS[i].want : EXPRS[i].text;
        struct outcome o;

        assert_int_equal(buf_add_str(&text, "permit(principal, action, resource) when { "), ERR_OK);
        assert_int_equal(buf_add_str(&text, EXPRS[i].text), ERR_OK);
        assert_int_equal(buf_add_str(&text, " };"), ERR_OK);
        o = testing_parse(buf_slice(&text));
        if (o.err != ERR_OK)
            fail_msg("%s: %s", EXPRS[i].text, o.why.text);
        assert_int_equal(cedar_print_expr(cedar_at(o.policies, 0)->conditions[0].body, &printed),
                         ERR_OK);
        if (!slice_eq_str(buf_slice(&printed), want))
            fail_msg("%s\n got %.*s\nwant %s", EXPRS[i].text, (int)printed.len,
                     (const char *)printed.ptr, want);
        cedar_free(&o.policies);
    }
}

static void policies(void **state)
{
    static const char TEXT[] =
        "@id ( \"a\\n\" ) @risk @note(\"\")\n"
        "permit(principal is A in (B::\"c\"), action in [Action::\"d\",Action::\"e\",], "
        "resource == F::\"g\",)unless{1}when{(2)};"
        "forbid(principal == ?principal, action == N :: Action::\"x\", resource in ?resource);"
        "permit(principal in A::\"b\", action in Action::\"c\", resource is D in ?resource);"
        "permit(principal is A, action in [], resource);";
    static const char WANT[] =
        "@id(\"a\\n\")\n@risk\n@note(\"\")\n"
        "permit (principal is A in B::\"c\", action in [Action::\"d\", Action::\"e\"], "
        "resource == F::\"g\")\nunless { 1 }\nwhen { 2 };\n\n"
        "forbid (principal == ?principal, action == N::Action::\"x\", resource in ?resource);\n\n"
        "permit (principal in A::\"b\", action in Action::\"c\", resource is D in ?resource);\n\n"
        "permit (principal is A, action in [], resource);\n";
    CLEANUP(buf_free) struct buf printed = {0};
    CLEANUP(cedar_free) struct cedar_policies *again = NULL;
    struct outcome o = testing_parse(slice_str(TEXT));
    (void)state;

    assert_int_equal(o.err, ERR_OK);
    assert_int_equal(cedar_print(o.policies, &printed), ERR_OK);
    if (!slice_eq_str(buf_slice(&printed), WANT))
        fail_msg("got:\n%.*s", (int)printed.len, (const char *)printed.ptr);
    assert_int_equal(cedar_parse(buf_slice(&printed), &again, NULL, NULL), ERR_OK);
    assert_true(cedar_policies_same(o.policies, again));
    cedar_free(&o.policies);
}

/* ---- what only JSON can say ------------------------------------------------------------------ */

static void print(const struct cedar_expr *e, err_code err, const char *want)
{
    CLEANUP(buf_free) struct buf printed = {0};

    assert_int_equal(cedar_print_expr(e, &printed), err);
    if (err == ERR_OK && !slice_eq_str(buf_slice(&printed), want))
        fail_msg("got %.*s, wanted %s", (int)printed.len, (const char *)printed.ptr, want);
}

static void not_from_a_text(void **state)
{
    static const struct cedar_expr CONTEXT = {.op = CEDAR_OP_VAR, .var = CEDAR_CONTEXT},
                                   SLOT = {.op = CEDAR_OP_SLOT, .slot = CEDAR_SLOT_PRINCIPAL},
                                   METHOD = {.op = CEDAR_OP_CALL, .fn = CEDAR_FN_IS_IPV4};
    const struct cedar_expr *const items[] = {&CONTEXT};
    struct slice names[] = {slice_str("a"), slice_str("b c"), slice_str("d")};
    struct cedar_expr path = {.op = CEDAR_OP_HAS_PATH, .items = items, .names = names, .n = 3};
    struct cedar_expr not = {.op = CEDAR_OP_NOT, .a = &path};
    (void)state;

    print(&SLOT, ERR_CEDAR_SYNTAX, NULL);
    print(&METHOD, ERR_CEDAR_SYNTAX, NULL);
    print(&path, ERR_OK, "context has a && context.a has \"b c\" && context.a[\"b c\"] has d");
    print(&not, ERR_OK, "!(context has a && context.a has \"b c\" && context.a[\"b c\"] has d)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions),
        cmocka_unit_test(policies),
        cmocka_unit_test(not_from_a_text),
    };
    return cmocka_run_group_tests_name("cedar_print", tests, NULL, NULL);
}
