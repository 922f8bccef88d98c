/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BOB "permit(principal == U::\"bob\", action == Action::\"a\", resource == F::\"f\");\n"
#define ALL "(principal, action, resource)"
#define HIDDEN                                                                                     \
    "warning: an invisible character: the text may not say what it shows [HIDDEN_CHARACTER]\n"
#define WHEN(e) "permit(principal is U, action, resource) when { " e " };"

/* Findings, one a line: "line:column: level: text [code]". */
static const struct {
    const char *text, *want;
} CASES[] = {
    {BOB, ""},
    {"", "1:1: warning: there is no permit, so everything is denied [NO_PERMIT]\n"},
    {"forbid(principal == U::\"a\", action, resource);",
     "1:1: warning: there is no permit, so everything is denied [NO_PERMIT]\n"},
    {"permit(principal == ?principal, action, resource);",
     "1:1: warning: there is no permit, so everything is denied [NO_PERMIT]\n"},
    {"\n permit(principal, action, resource);",
     "2:2: warning: this permits everything that nothing forbids [PERMITS_ALL]\n"},
    {"permit" ALL " when { true } unless { false || !true };",
     "1:1: warning: this permits everything that nothing forbids [PERMITS_ALL]\n"},
    {"permit" ALL " when { context.a };", ""},
    {BOB "forbid(principal, action, resource);",
     "1:1: warning: this can never permit: the forbid at 2:1 covers it [NEVER_PERMITS]\n"
     "2:1: warning: this forbids everything: the whole set can never permit [FORBIDS_ALL]\n"},
    {BOB "forbid" ALL " when { context.a };", ""},
    {BOB "forbid" ALL " unless { true };",
     "2:37: warning: this condition never holds, so the policy can never match [NEVER_MATCHES]\n"},
    {"permit(principal, action in [], resource);",
     "1:1: warning: `action in []` can never match [NEVER_MATCHES]\n"},
    /* there is a hierarchy, so nothing is said about `in` */
    {"permit(principal in G::\"g\", action == Action::\"a\", resource is F in F::\"f\");", ""},
    {"permit(principal is U in G::\"g\", action in Action::\"a\", resource);", ""},
    /* conditions */
    {WHEN("true"), ""},
    {WHEN("false"),
     "1:42: warning: this condition never holds, so the policy can never match [NEVER_MATCHES]\n"},
    {WHEN("context.a && false"), ""},
    {WHEN("true && (false || !true)"),
     "1:42: warning: this condition never holds, so the policy can never match [NEVER_MATCHES]\n"},
    {WHEN("\"a\""),
     "1:42: warning: this condition always fails: it is no truth value [ALWAYS_FAILS]\n"},
    {WHEN("[true]"),
     "1:42: warning: this condition always fails: it is no truth value [ALWAYS_FAILS]\n"},
    {WHEN("true && 1"),
     "1:42: warning: this condition always fails: it is no truth value [ALWAYS_FAILS]\n"},
    {WHEN("1 && context.a"),
     "1:42: warning: this condition always fails: it is no truth value [ALWAYS_FAILS]\n"},
    {WHEN("context.a || 1"), ""},
    {"permit(principal is U, action, resource) when { context.a }\nunless { 1 };",
     "2:1: warning: this condition never holds, so the policy can never match [NEVER_MATCHES]\n"},
    /* calls */
    {WHEN("ip(\"10.0.0.0/8\").isIpv4()"), ""},
    {WHEN("ip(\"10.0.0.256\").isIpv4()"),
     "1:49: warning: `ip(\"10.0.0.256\")` always fails: this is no IP address or range "
     "[ALWAYS_FAILS]\n"},
    {WHEN("[{a: decimal(\"1\")}].contains(context)"),
     "1:54: warning: `decimal(\"1\")` always fails: this is no number with one to four digits "
     "after the point [ALWAYS_FAILS]\n"},
    {WHEN("datetime(\"2024-13-01\") == context.a"),
     "1:49: warning: `datetime(\"2024-13-01\")` always fails: this is no date, or date and time, "
     "such as 2024-10-15T11:35:00Z [ALWAYS_FAILS]\n"},
    {WHEN("duration(\"1x\") == context.a"),
     "1:49: warning: `duration(\"1x\")` always fails: this is no duration such as 1d2h30m "
     "[ALWAYS_FAILS]\n"},
    {WHEN("ip(1) == context.a"),
     "1:49: warning: `ip` always fails: it needs a string [ALWAYS_FAILS]\n"},
    {WHEN("ip() == context.a"),
     "1:49: warning: `ip` always fails: the number of its arguments is wrong [ALWAYS_FAILS]\n"},
    {WHEN("context.a.isInRange()"), "1:49: warning: `isInRange` always fails: the number of its "
                                    "arguments is wrong [ALWAYS_FAILS]\n"},
    {WHEN("ip(context.a) == context.b"), ""},
    {WHEN("if principal has a.b then context.c like \"*\" else principal is U in "
          "U::\"\""),
     ""},
    /* several */
    {BOB BOB, "2:1: note: this adds nothing: the policy at 1:1 covers it [REDUNDANT]\n"},
    {BOB "permit(principal is U, action, resource);",
     "1:1: note: this adds nothing: the policy at 2:1 covers it [REDUNDANT]\n"},
    {WHEN("context.a") BOB, ""},
    {WHEN("context.a") "permit(principal is U, action, resource);", ""},
    {WHEN("context.a") WHEN("context.b"), ""},
    {WHEN("context.a") "\npermit(principal == U::\"a\", action, resource) when { context.a };",
     "2:1: note: this adds nothing: the policy at 1:1 covers it [REDUNDANT]\n"},
    {WHEN("context.a") "permit(principal is U, action, resource) unless { context.a };", ""},
    {BOB "forbid(principal is U, action in [Action::\"a\", Action::\"b\"], resource in F::\"f\");",
     "1:1: warning: this can never permit: the forbid at 2:1 covers it [NEVER_PERMITS]\n"},
    {WHEN("context.a") "\nforbid(principal is U, action, resource);",
     "1:1: warning: this can never permit: the forbid at 2:1 covers it [NEVER_PERMITS]\n"},
    {"permit(principal == U::\"bob\", action in [], resource == F::\"f\");\n" BOB,
     "1:1: warning: `action in []` can never match [NEVER_MATCHES]\n"},
    {BOB "permit(principal == ?principal, action, resource);", ""},
    {BOB "forbid(principal, action, resource == ?resource);", ""},
    {BOB "// \xe2\x81\xa6\n", "2:4: " HIDDEN},
    {"// \xe2\x80\xae\n" BOB "// \xe2\x81\xa6\n", "1:4: " HIDDEN},
    {BOB "// here is one line, or are there two?\r// \n", "2:39: " HIDDEN},
    {BOB "// \xe2\x80\xa8 still the comment\n", "2:4: " HIDDEN},
    {BOB "// \xc2\x9b"
         "2K\n",
     "2:4: " HIDDEN},
    {BOB "// \x1b[2K\n", "2:4: " HIDDEN},
    {WHEN("context.a == \"b\xe2\x80\x8b"
          "ob\""),
     "1:64: " HIDDEN},
    {BOB "//\ta tab, and the end of a line of Windows\r\n", ""},
};

static void lines(const struct cedar_findings *f, struct buf *ret)
{
    char line[400];

    for (size_t i = 0; i < f->n; i++) {
        snprintf(line, sizeof line, "%u:%u: %s: %s [%s]\n", f->list[i].place.line,
                 f->list[i].place.column, cedar_level_name(f->list[i].level), f->list[i].text,
                 f->list[i].code);
        assert_int_equal(buf_add_str(ret, line), ERR_OK);
    }
}

static void findings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
        CLEANUP(cedar_findings_free) struct cedar_findings f = {0};
        CLEANUP(buf_free) struct buf got = {0};
        struct why why = {0};

        if (cedar_parse(slice_str(CASES[i].text), &policies, NULL, &why) != ERR_OK)
            fail_msg("%s: %s", CASES[i].text, why.text);
        assert_int_equal(cedar_lint(policies, &f), ERR_OK);
        lines(&f, &got);
        if (!slice_eq_str(buf_slice(&got), CASES[i].want))
            fail_msg("%s\n got:\n%.*swant:\n%s", CASES[i].text, (int)got.len,
                     got.ptr == NULL ? "" : (const char *)got.ptr, CASES[i].want);
    }
}

/* Lists within lists of other policies take work of the square; the work has an end. */
static void too_many_to_compare(void **state)
{
    CLEANUP(buf_free) struct buf text = {0}, got = {0};
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
    CLEANUP(cedar_findings_free) struct cedar_findings f = {0};
    char action[32];
    (void)state;

    for (unsigned i = 0; i < 12; i++) {
        assert_int_equal(buf_add_str(&text, "permit(principal, action in ["), ERR_OK);
        for (unsigned k = 0; k < CEDAR_LIST_MAX; k++) {
            snprintf(action, sizeof action, "Action::\"%u-%u\",", k == 0 ? i : 99, k);
            assert_int_equal(buf_add_str(&text, action), ERR_OK);
        }
        assert_int_equal(buf_add_str(&text, "], resource);"), ERR_OK);
    }
    assert_int_equal(cedar_parse(buf_slice(&text), &policies, NULL, NULL), ERR_OK);
    assert_int_equal(cedar_lint(policies, &f), ERR_OK);
    lines(&f, &got);
    assert_true(slice_eq_str(buf_slice(&got),
                             "1:1: note: there are too many policies to compare each with every "
                             "other [INCOMPLETE]\n"));
}

static void too_many_calls(void **state)
{
    CLEANUP(buf_free) struct buf text = {0};
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
    CLEANUP(cedar_findings_free) struct cedar_findings f = {0};
    (void)state;

    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(buf_add_str(&text, "permit(principal is U, action, resource) when { ["),
                         ERR_OK);
        for (unsigned k = 0; k < 100; k++)
            assert_int_equal(buf_add_str(&text, "ip(\"x\"),"), ERR_OK);
        assert_int_equal(buf_add_str(&text, i == 0 ? "] == 1 };" : "] == 2 };"), ERR_OK);
    }
    assert_int_equal(cedar_parse(buf_slice(&text), &policies, NULL, NULL), ERR_OK);
    assert_int_equal(cedar_lint(policies, &f), ERR_OK);
    assert_int_equal(f.n, 32);
}

static void levels_have_names(void **state)
{
    (void)state;
    assert_string_equal(cedar_level_name(CEDAR_NOTE), "note");
    assert_string_equal(cedar_level_name(CEDAR_WARNING), "warning");
    assert_string_equal(cedar_level_name(CEDAR_ERROR), "error");
    assert_string_equal(cedar_level_name((enum cedar_level)7), "error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings),
        cmocka_unit_test(too_many_to_compare),
        cmocka_unit_test(too_many_calls),
        cmocka_unit_test(levels_have_names),
    };
    return cmocka_run_group_tests_name("cedar_lint", tests, NULL, NULL);
}
