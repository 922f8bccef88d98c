/* SPDX-License-Identifier: Apache-2.0 */
/* args_test.c: command lines and what is read from them. */
#include "gate/cli/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct opt OWN[] = {
    {"agent", 'a', OPT_VALUE, "ID", ""}, {"policy", 0, OPT_LIST, "ALIAS", ""}, {0}};
static const struct opt GLOBAL[] = {{"json", 'j', OPT_FLAG, NULL, ""}, {0}};

static void refused_or_read(void **state)
{
    static const struct {
        const char *name, *argv[4];
        int argc;
        err_code want;
        const char *agent, *plain;
    } CASES[] = {
        {"two words", {"--agent", "x"}, 2, ERR_OK, "x", NULL},
        {"one word", {"--agent=x=y"}, 1, ERR_OK, "x=y", NULL},
        {"letter", {"-ax"}, 1, ERR_OK, "x", NULL},
        {"the last counts", {"-a", "x", "-ay"}, 3, ERR_OK, "y", NULL},
        {"a dash is an argument", {"-"}, 1, ERR_OK, NULL, "-"},
        {"after two dashes", {"--", "--agent"}, 2, ERR_OK, NULL, "--agent"},
        {"no value", {"--agent"}, 1, ERR_USAGE, NULL, NULL},
        {"a value too many", {"--json=1"}, 1, ERR_USAGE, NULL, NULL},
        {"unknown", {"--bgent", "x"}, 2, ERR_USAGE, NULL, NULL},
    };
    static struct args args;

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct why why = {0};
        const char *got;
        print_message("%s\n", CASES[i].name);
        assert_int_equal(args_parse(CASES[i].argc, (char *const *)(uintptr_t)CASES[i].argv, OWN,
                                    GLOBAL, &args, &why),
                         CASES[i].want);
        if (CASES[i].want != ERR_OK)
            continue;
        got = args_value(&args, "agent", NULL);
        assert_int_equal(got == NULL, CASES[i].agent == NULL);
        if (got != NULL)
            assert_string_equal(got, CASES[i].agent);
        assert_int_equal(args.n_plain, CASES[i].plain != NULL);
        if (CASES[i].plain != NULL)
            assert_string_equal(args.plain[0], CASES[i].plain);
    }
}

static void distances(void **state)
{
    (void)state;
    assert_int_equal(args_distance("lint", "lint"), 0);
    assert_int_equal(args_distance("lnt", "lint"), 1);
    assert_int_equal(args_distance("", "lint"), 4);
    assert_ptr_equal(args_known("--json", GLOBAL), GLOBAL);
    assert_ptr_equal(args_known("-j", GLOBAL), GLOBAL);
    assert_null(args_known("-", GLOBAL));
    assert_null(args_known("json", GLOBAL));
    assert_false(args_bare("--state=x"));
    assert_true(args_bare("--state"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(refused_or_read),
                                       cmocka_unit_test(distances)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
