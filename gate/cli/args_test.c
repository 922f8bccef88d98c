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

static err_code parse(int argc, const char *const *argv, struct args *ret, struct why *why)
{
    return args_parse(argc, (char *const *)(uintptr_t)argv, OWN, GLOBAL, ret, why);
}

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
        {"a letter with no value", {"-a"}, 1, ERR_USAGE, NULL, NULL},
        {"an empty value", {"--agent="}, 1, ERR_OK, "", NULL},
        {"a value like an option", {"--agent", "--json"}, 2, ERR_OK, "--json", NULL},
        {"flags do not join", {"-jj"}, 1, ERR_USAGE, NULL, NULL},
        {"after two dashes, two more", {"--", "--"}, 2, ERR_OK, NULL, "--"},
        {"empty", {""}, 1, ERR_OK, NULL, ""},
        {"unknown", {"--bgent", "x"}, 2, ERR_USAGE, NULL, NULL},
        {"unknown, with a value", {"--bgent=x"}, 1, ERR_USAGE, NULL, NULL},
        {"the beginning of a name", {"--agen=x"}, 1, ERR_USAGE, NULL, NULL},
        {"more than a name", {"--agentx=x"}, 1, ERR_USAGE, NULL, NULL},
        {"unknown letter", {"-b"}, 1, ERR_USAGE, NULL, NULL},
    };
    static struct args args;

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct why why = {0};
        const char *got;
        print_message("%s\n", CASES[i].name);
        assert_int_equal(parse(CASES[i].argc, CASES[i].argv, &args, &why), CASES[i].want);
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

/* As many as there is room for, and one more. */
static void too_many(void **state)
{
    static const char *words[ARGS_MAX + 1];
    static struct args args;
    struct why why = {0};

    (void)state;
    for (int i = 0; i <= ARGS_MAX; i++)
        words[i] = "x";
    assert_int_equal(parse(ARGS_MAX, words, &args, &why), ERR_OK);
    assert_int_equal(args.n_plain, ARGS_MAX);
    assert_int_equal(parse(ARGS_MAX + 1, words, &args, &why), ERR_USAGE);
    for (int i = 0; i <= ARGS_MAX; i++)
        words[i] = "-j";
    assert_int_equal(parse(ARGS_MAX, words, &args, &why), ERR_OK);
    assert_int_equal(args.n_given, ARGS_MAX);
    assert_int_equal(parse(ARGS_MAX + 1, words, &args, &why), ERR_USAGE);
}

static void what_was_given(void **state)
{
    static const char *const WORDS[] = {"--policy", "a", "--agent=x", "--policy=b", "-j"};
    static struct args args;
    struct why why = {0};

    (void)state;
    assert_int_equal(parse(5, WORDS, &args, &why), ERR_OK);
    assert_string_equal(args_list(&args, "policy", 0), "a");
    assert_string_equal(args_list(&args, "policy", 1), "b");
    assert_null(args_list(&args, "policy", 2));
    assert_null(args_list(&args, "none", 0));
    assert_string_equal(args_value(&args, "none", "fallback"), "fallback");
    assert_true(args_flag(&args, "json"));
    assert_false(args_flag(&args, "none"));
    assert_int_equal(parse(3, WORDS, &args, &why), ERR_OK);
    assert_false(args_flag(&args, "json"));
}

/* A near name is offered, in either table; what is farther off is not guessed at. */
static void names_offered(void **state)
{
    static const struct {
        const char *word, *want;
    } CASES[] = {
        {"--bgent", "unknown option \"--bgent\"; did you mean --agent?"},
        {"--jsn", "unknown option \"--jsn\"; did you mean --json?"},
        {"--plcy", "unknown option \"--plcy\"; did you mean --policy?"},
        {"--plc", "unknown option \"--plc\""},
        {"-x", "unknown option \"-x\""},
        {"--a-name-that-is-longer-than-thirty-one",
         "unknown option \"--a-name-that-is-longer-than-thirty-one\""},
    };
    static struct args args;

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct why why = {0};
        assert_int_equal(parse(1, &CASES[i].word, &args, &why), ERR_USAGE);
        assert_string_equal(why.text, CASES[i].want);
    }
}

static void distances(void **state)
{
    (void)state;
    assert_int_equal(args_distance("lint", "lint"), 0);
    assert_int_equal(args_distance("lnt", "lint"), 1);
    assert_int_equal(args_distance("", "lint"), 4);
    assert_int_equal(
        args_distance("abcdefghijklmnopqrstuvwxyz01234", "abcdefghijklmnopqrstuvwxyz0123"), 1);
    assert_int_equal(
        args_distance("abcdefghijklmnopqrstuvwxyz0123", "abcdefghijklmnopqrstuvwxyz01234"), 1);
    assert_int_equal(args_distance("abcdefghijklmnopqrstuvwxyz012345", "x"), 99); /* 32 */
    assert_int_equal(args_distance("x", "abcdefghijklmnopqrstuvwxyz012345"), 99);
    assert_ptr_equal(args_known("--json", GLOBAL), GLOBAL);
    assert_ptr_equal(args_known("-j", GLOBAL), GLOBAL);
    assert_null(args_known("-", OWN)); /* has one without a letter */
    assert_null(args_known("json", GLOBAL));
    assert_null(args_known("xj", GLOBAL));
    assert_null(args_known("", GLOBAL));
    assert_false(args_bare("--state=x"));
    assert_true(args_bare("--state"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_or_read), cmocka_unit_test(too_many),
        cmocka_unit_test(what_was_given),  cmocka_unit_test(names_offered),
        cmocka_unit_test(distances),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
