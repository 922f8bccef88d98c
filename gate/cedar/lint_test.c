/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/cedar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BOB "permit(principal == U::\"bob\", action == Action::\"a\", resource == F::\"f\");\n"

/* Findings, one a line: "line:column: level: text [code]". */
static const struct {
    const char *text, *want;
} CASES[] = {
    {BOB, ""},
    {"", "1:1: warning: there is no permit, so everything is denied [NO_PERMIT]\n"},
    {"forbid(principal == U::\"a\", action, resource);",
     "1:1: warning: there is no permit, so everything is denied [NO_PERMIT]\n"},
    {"\n permit(principal, action, resource);",
     "2:2: warning: this permits everything that nothing forbids [PERMITS_ALL]\n"},
    {BOB "forbid(principal, action, resource);",
     "1:1: warning: this can never permit: the forbid at 2:1 covers it [NEVER_PERMITS]\n"
     "2:1: warning: this forbids everything: the whole set can never permit [FORBIDS_ALL]\n"},
    {"permit(principal, action in [], resource);",
     "1:1: warning: `action in []` can never match [NEVER_MATCHES]\n"},
    {"permit(principal in G::\"g\", action == Action::\"a\", resource is F in F::\"f\");",
     "1:1: note: `principal in` matches that one entity only: there is no entity hierarchy "
     "[NO_HIERARCHY]\n"
     "1:1: note: `resource in` matches that one entity only: there is no entity hierarchy "
     "[NO_HIERARCHY]\n"},
    {"permit(principal is U, action in Action::\"a\", resource);",
     "1:1: note: `action in` matches that one action only: there is no entity hierarchy "
     "[NO_HIERARCHY]\n"},
    {"permit(principal is U in G::\"g\", action, resource);",
     "1:1: warning: `principal is ... in ...` names two types, and there is no entity hierarchy: "
     "it "
     "can never match [NEVER_MATCHES]\n"},
    {"@id(\"x\")" BOB "@id(\"x\") permit(principal is U, action, resource is D);",
     "2:10: error: the id \"x\" is already that of 1:9 [DUPLICATE_ID]\n"},
    {"@id(\"policy1\")" BOB "permit(principal is U, action, resource is D);",
     "2:1: error: the id \"policy1\" is already that of 1:15 [DUPLICATE_ID]\n"},
    {BOB BOB, "2:1: note: this adds nothing: the policy at 1:1 covers it [REDUNDANT]\n"},
    {BOB "permit(principal is U, action, resource);",
     "1:1: note: this adds nothing: the policy at 2:1 covers it [REDUNDANT]\n"},
    {BOB "forbid(principal is U, action in [Action::\"a\", Action::\"b\"], resource in F::\"f\");",
     "1:1: warning: this can never permit: the forbid at 2:1 covers it [NEVER_PERMITS]\n"
     "2:1: note: `resource in` matches that one entity only: there is no entity hierarchy "
     "[NO_HIERARCHY]\n"},
    {"permit(principal == U::\"bob\", action in [], resource == F::\"f\");\n" BOB,
     "1:1: warning: `action in []` can never match [NEVER_MATCHES]\n"},
    {BOB "// \xe2\x81\xa6\n", "2:4: warning: an invisible character turns the reading direction: "
                              "the text may not say what it "
                              "shows [HIDDEN_CHARACTER]\n"},
    {"// \xe2\x80\xae\n" BOB "// \xe2\x81\xa6\n", "1:4: warning: an invisible character turns the "
                                                  "reading direction: the text may not say what it "
                                                  "shows [HIDDEN_CHARACTER]\n"},
};

static void findings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
        CLEANUP(cedar_findings_free) struct cedar_findings f = {0};
        CLEANUP(buf_free) struct buf got = {0};
        char line[400];

        assert_int_equal(cedar_parse(slice_str(CASES[i].text), &policies, NULL, NULL), ERR_OK);
        assert_int_equal(cedar_lint(policies, &f), ERR_OK);
        for (size_t j = 0; j < f.n; j++) {
            snprintf(line, sizeof line, "%u:%u: %s: %s [%s]\n", f.list[j].place.line,
                     f.list[j].place.column, cedar_level_name(f.list[j].level), f.list[j].text,
                     f.list[j].code);
            assert_int_equal(buf_add_str(&got, line), ERR_OK);
        }
        if (!slice_eq_str(buf_slice(&got), CASES[i].want))
            fail_msg("%s\n got:\n%.*swant:\n%s", CASES[i].text, (int)got.len,
                     got.ptr == NULL ? "" : (const char *)got.ptr, CASES[i].want);
    }
}

/* Which demand on the resource covers which: row covers column. */
static void covering(void **state)
{
    static const char *const DEMANDS[] = {"",     "== F::\"f\"",      "in F::\"f\"",
                                          "is F", "is F in F::\"f\"", "is G in F::\"f\"",
                                          "is G", "in F::\"g\""};
    static const char *const COVERS[] = {
        "xxxxxxxx", ".x......", ".xx.xx..", ".x.xx...",
        ".x..x...", ".....x..", ".....xx.", ".......x",
    };
    (void)state;

    for (size_t wide = 0; wide < 8; wide++)
        for (size_t narrow = 0; narrow < 8; narrow++) {
            CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
            CLEANUP(cedar_findings_free) struct cedar_findings f = {0};
            char text[300];
            bool got = false;

            snprintf(text, sizeof text,
                     "permit(principal, action, resource %s);\n"
                     "forbid(principal, action, resource %s);",
                     DEMANDS[narrow], DEMANDS[wide]);
            assert_int_equal(cedar_parse(slice_str(text), &policies, NULL, NULL), ERR_OK);
            assert_int_equal(cedar_lint(policies, &f), ERR_OK);
            for (size_t i = 0; i < f.n; i++)
                got = got || strstr(f.list[i].text, "this can never permit") != NULL;
            if (got != (COVERS[wide][narrow] == 'x'))
                fail_msg("%s\n got %d, wanted %c", text, got, COVERS[wide][narrow]);
        }
}

static void covering_actions(void **state)
{
    static const char *const DEMANDS[] = {"", "== Action::\"a\"", "in Action::\"a\"",
                                          "in [Action::\"a\"]",
                                          "in [Action::\"b\", Action::\"a\"]"};
    static const char *const COVERS[] = {"xxxxx", ".x...", ".xxx.", ".xxx.", ".xxxx"};
    (void)state;

    for (size_t wide = 0; wide < 5; wide++)
        for (size_t narrow = 0; narrow < 5; narrow++) {
            CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
            CLEANUP(cedar_findings_free) struct cedar_findings f = {0};
            char text[300];
            bool got = false;

            snprintf(text, sizeof text,
                     "permit(principal, action %s, resource);\n"
                     "forbid(principal, action %s, resource);",
                     DEMANDS[narrow], DEMANDS[wide]);
            assert_int_equal(cedar_parse(slice_str(text), &policies, NULL, NULL), ERR_OK);
            assert_int_equal(cedar_lint(policies, &f), ERR_OK);
            for (size_t i = 0; i < f.n; i++)
                got = got || strstr(f.list[i].text, "this can never permit") != NULL;
            if (got != (COVERS[wide][narrow] == 'x'))
                fail_msg("%s\n got %d, wanted %c", text, got, COVERS[wide][narrow]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings),
        cmocka_unit_test(covering),
        cmocka_unit_test(covering_actions),
    };
    return cmocka_run_group_tests_name("cedar_lint", tests, NULL, NULL);
}
