/* SPDX-License-Identifier: Apache-2.0 */
/* text_limits_test.c: policy texts at each limit and one beyond, cut off, and with bytes changed.
 */
#include "gate/cedar/same.h"
#include "gate/cedar/text_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ALL TESTING_ALL

static void repeat(struct buf *text, const char *what, size_t times)
{
    for (size_t i = 0; i < times; i++)
        assert_int_equal(buf_add_str(text, what), ERR_OK);
}

struct limit {
    const char *head, *middle, *after, *tail; /* an opening bracket is closed behind after */
    size_t most;
    err_code err; /* of one more */
};

static void judge(const struct limit *limit, size_t n)
{
    CLEANUP(buf_free) struct buf text = {0}, again = {0};
    CLEANUP(cedar_free) struct cedar_policies *second = NULL;
    err_code want = n <= limit->most ? ERR_OK : limit->err;
    struct outcome o;

    repeat(&text, limit->head, 1);
    repeat(&text, limit->middle, n);
    repeat(&text, limit->after, 1);
    if (strcmp(limit->middle, "(") == 0 || strcmp(limit->middle, "[") == 0)
        repeat(&text, limit->middle[0] == '(' ? ")" : "]", n);
    repeat(&text, limit->tail, 1);
    o = testing_parse(buf_slice(&text));
    if (o.err != want)
        fail_msg("%s%s...%s%s, %zu times: got %s: %s, wanted %s", limit->head, limit->middle,
                 limit->after, limit->tail, n, err_name(o.err), o.why.text, err_name(want));
    if (want == ERR_OK) {
        assert_int_equal(cedar_print(o.policies, &again), ERR_OK);
        if (again.len <= CEDAR_TEXT_MAX) {
            assert_int_equal(cedar_parse(buf_slice(&again), &second, NULL, NULL), ERR_OK);
            assert_true(cedar_policies_same(o.policies, second));
        }
    }
    cedar_free(&o.policies);
}

#define WHEN "permit(principal, action, resource) when { "

static void limits(void **state)
{
    static const struct limit LIMITS[] = {
        {"//", "x", "", "", CEDAR_TEXT_MAX - 2, ERR_CEDAR_TEXT_SIZE},
        {"", ALL, "", "", CEDAR_POLICIES_MAX, ERR_CEDAR_COUNT},
        {"permit(principal, action in [", "Action::\"a\",", "", "], resource);", CEDAR_LIST_MAX,
         ERR_CEDAR_LIST_SIZE},
        {"permit(principal == ", "(", "A::\"\"", ", action, resource);", CEDAR_DEPTH_MAX,
         ERR_CEDAR_NESTING},
        {"permit(principal, action in [", "(", "Action::\"\"", "], resource);", CEDAR_DEPTH_MAX,
         ERR_CEDAR_NESTING},
        /* names */
        {"permit(principal is ", "T", "", ", action, resource);", CEDAR_NAME_MAX,
         ERR_CEDAR_TEXT_SIZE},
        {"permit(principal is T", "::T", "", ", action, resource);", (CEDAR_NAME_MAX - 1) / 3,
         ERR_CEDAR_TEXT_SIZE},
        {"permit(principal is T", ":: T", "", ", action, resource);", (CEDAR_NAME_MAX - 1) / 3,
         ERR_CEDAR_TEXT_SIZE},
        {"permit(principal is A", "a", "::T", ", action, resource);", CEDAR_NAME_MAX - 4,
         ERR_CEDAR_TEXT_SIZE},
        /* lists */
        {WHEN "[", "1,", "", "] };", CEDAR_LIST_MAX, ERR_CEDAR_LIST_SIZE},
        {WHEN "[", "{},", "", "] };", CEDAR_LIST_MAX, ERR_CEDAR_LIST_SIZE},
        {WHEN "ip(", "1,", "", ") };", CEDAR_LIST_MAX, ERR_CEDAR_LIST_SIZE},
        {WHEN "1.isIpv4(", "1,", "", ") };", CEDAR_LIST_MAX - 1, ERR_CEDAR_LIST_SIZE},
        {WHEN "1 has a", ".a", "", "};", CEDAR_LIST_MAX - 1, ERR_CEDAR_LIST_SIZE},
        {"permit(principal, action, resource)", "when { 1 }", "", ";", CEDAR_LIST_MAX,
         ERR_CEDAR_LIST_SIZE},
        /* heights: the constant at the bottom is one level */
        {WHEN, "(", "1", "};", CEDAR_DEPTH_MAX - 1, ERR_CEDAR_NESTING},
        {WHEN, "[", "1", "};", CEDAR_DEPTH_MAX - 1, ERR_CEDAR_NESTING},
        {WHEN "1", " + 1", "", "};", CEDAR_DEPTH_MAX - 1, ERR_CEDAR_NESTING},
        {WHEN "1", " * 1", "", "};", CEDAR_DEPTH_MAX - 1, ERR_CEDAR_NESTING},
        {WHEN "1", " && 1", "", "};", CEDAR_DEPTH_MAX - 1, ERR_CEDAR_NESTING},
        {WHEN "1", " || 1", "", "};", CEDAR_DEPTH_MAX - 1, ERR_CEDAR_NESTING},
        {WHEN "principal", ".a", "", "};", CEDAR_DEPTH_MAX - 1, ERR_CEDAR_NESTING},
        {WHEN "principal", "[\"a\"]", "", "};", CEDAR_DEPTH_MAX - 1, ERR_CEDAR_NESTING},
        {WHEN "principal", ".toDate()", "", "};", CEDAR_DEPTH_MAX - 1, ERR_CEDAR_NESTING},
        {WHEN "principal", ".isEmpty()", "", "};", CEDAR_DEPTH_MAX - 1, ERR_CEDAR_NESTING},
        {WHEN, "if 1 then 1 else ", "1", "};", CEDAR_DEPTH_MAX - 1, ERR_CEDAR_NESTING},
    };
    (void)state;

    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++) {
        judge(&LIMITS[i], LIMITS[i].most);
        judge(&LIMITS[i], LIMITS[i].most + 1);
    }
}

/* All fields of a record and all annotations differ. */
static void limits_of_names(void **state)
{
    (void)state;
    for (size_t n = CEDAR_LIST_MAX; n <= CEDAR_LIST_MAX + 1; n++)
        for (int record = 0; record < 2; record++) {
            CLEANUP(buf_free) struct buf text = {0};
            char one[32];
            struct outcome o;

            repeat(&text, record ? WHEN "{" : "", 1);
            for (size_t i = 0; i < n; i++) {
                snprintf(one, sizeof one, record ? "a%zu:1," : "@a%zu ", i);
                repeat(&text, one, 1);
            }
            repeat(&text, record ? "} };" : ALL, 1);
            o = testing_parse(buf_slice(&text));
            assert_int_equal(o.err, n == CEDAR_LIST_MAX ? ERR_OK : ERR_CEDAR_LIST_SIZE);
            cedar_free(&o.policies);
        }
}

/* ---- damage ---------------------------------------------------------------------------------- */

static const char LONG[] =
    "// a comment \xc3\xa4\n"
    "@id(\"one \\u{1F600}\") @description(\"\\x41\\n\")\n"
    "permit(principal is A::B in G::\"x\\0\", action in [Action::\"a\", "
    "N::Action::\"b\",], resource,);\n"
    "forbid(principal == U::\"\\\"\", action == Action::\"\", resource in "
    "F::\"\xf0\x9f\x98\x80\")\n"
    "when { if principal has a.b then -1 + 2 * context[\"c\"].d > 3 else !{e: [1], \"f\": "
    "ip(\"g\")}\n"
    ".h.isInRange(ip(\"10.0.0.0/8\")) && \"i\" like \"*j\\*\" || principal is K in L::\"m\" }\n"
    "unless { [].containsAll([\"\\u{6e}\", true,]) } ;"
    "permit(principal == ?principal, action in [], resource is T in (?resource)) ;";

static void every_truncation_is_judged(void **state)
{
    size_t accepted = 0;
    (void)state;

    for (size_t n = 0; n < sizeof LONG; n++) {
        struct outcome o = testing_parse((struct slice){(const uint8_t *)LONG, n});

        accepted += o.err == ERR_OK;
        if (o.err != ERR_OK && o.err != ERR_CEDAR_SYNTAX)
            fail_msg("cut at %zu: %s", n, err_name(o.err));
        cedar_free(&o.policies);
    }
    /* the comment and the places behind a whole policy, with the blanks there */
    assert_in_range(accepted, 10, 30);
}

/* Nothing here can tell right from wrong, but the sanitizers see reads outside. */
static void every_changed_byte_is_judged(void **state)
{
    static const uint8_t BYTES[] = {0,   '"', '\\', '\n', '(',  ')',  ':', '[',
                                    ']', '{', '}',  '.',  '-',  '!',  '<', '1',
                                    'a', ' ', ',',  0x80, 0xc3, 0xff, '@', '?'};
    char text[sizeof LONG];
    (void)state;

    for (size_t i = 0; i < sizeof LONG - 1; i++)
        for (size_t j = 0; j < sizeof BYTES; j++) {
            CLEANUP(buf_free) struct buf printed = {0};
            CLEANUP(cedar_free) struct cedar_policies *again = NULL;
            struct outcome o;

            memcpy(text, LONG, sizeof LONG);
            text[i] = (char)BYTES[j];
            o = testing_parse((struct slice){(const uint8_t *)text, sizeof LONG - 1});
            if (o.err == ERR_OK) {
                assert_int_equal(cedar_print(o.policies, &printed), ERR_OK);
                assert_int_equal(cedar_parse(buf_slice(&printed), &again, NULL, NULL), ERR_OK);
                assert_true(cedar_policies_same(o.policies, again));
            }
            cedar_free(&o.policies);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits),
        cmocka_unit_test(limits_of_names),
        cmocka_unit_test(every_truncation_is_judged),
        cmocka_unit_test(every_changed_byte_is_judged),
    };
    return cmocka_run_group_tests_name("cedar_text_limits", tests, NULL, NULL);
}
