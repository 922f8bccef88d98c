/* SPDX-License-Identifier: Apache-2.0 */
/* schema_limits_test.c: the limits of a schema, from both sides. */
#include "gate/cedar/schema_testing.h"

static void add(struct buf *text, const char *more)
{
    assert_int_equal(buf_add_str(text, more), ERR_OK);
}

static void repeat(struct buf *text, const char *more, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        add(text, more);
}

/* With $ and & standing for the names of these numbers. */
static void numbered(struct buf *text, const char *pattern, unsigned self, unsigned next)
{
    char one[16];

    for (const char *c = pattern; *c != '\0'; c++) {
        if (*c == '$' || *c == '&')
            snprintf(one, sizeof one, "t%05u", *c == '$' ? self : next);
        else
            snprintf(one, sizeof one, "%c", *c);
        add(text, one);
    }
}

/* "a0, a1, ...": n names. */
static void names(struct buf *text, const char *stem, unsigned n)
{
    char name[32];

    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s%s%u", i == 0 ? "" : ", ", stem, i);
        add(text, name);
    }
}

/* Reads a schema, which is JSON if it begins so, and frees it. */
static void expect(struct buf *text, err_code want)
{
    CLEANUP(cedar_schema_free) struct cedar_schema *schema = NULL;
    struct why why = {0};
    struct slice all = buf_slice(text);
    err_code err = all.len > 0 && all.ptr[0] == '{' ? cedar_schema_parse_json(all, &schema, &why)
                                                    : cedar_schema_parse(all, &schema, NULL, &why);

    if (err != want)
        fail_msg("%.60s...: found %s %s, expected %s", (const char *)all.ptr, err_name(err),
                 why.text, err_name(want));
    buf_free(text);
}

static void test_text(void **state)
{
    struct buf text = {0};

    (void)state;
    repeat(&text, "\n", CEDAR_TEXT_MAX);
    expect(&text, ERR_OK);
    repeat(&text, "\n", CEDAR_TEXT_MAX + 1);
    expect(&text, ERR_CEDAR_TEXT_SIZE);
    add(&text, "{}");
    repeat(&text, "\n", CEDAR_TEXT_MAX - 1);
    expect(&text, ERR_CEDAR_TEXT_SIZE);
}

static void test_nesting(void **state)
{
    static const struct {
        const char *before, *open, *inner, *close, *after;
        err_code want; /* within the limit */
    } FORMS[] = {
        {"entity A tags ", "Set<", "Long", ">", ";", ERR_OK},
        {"entity A tags ", "{a:", "Long", "}", ";", ERR_OK},
        {"entity A tags ", "{a:", "{}", "}", ";", ERR_OK},
        /* the reader itself must not go deeper, whatever comes then */
        {"entity A tags ", "Set<", ";", "", "", ERR_CEDAR_SCHEMA},
        {"{\"\":{\"actions\":{},\"entityTypes\":{\"A\":{\"tags\":",
         "{\"type\":\"Set\",\"element\":", "{\"type\":\"Long\"}", "}", "}}}}", ERR_OK},
        {"{\"\":{\"actions\":{},\"entityTypes\":{\"A\":{\"tags\":",
         "{\"type\":\"Set\",\"element\":", "{}", "}", "}}}}", ERR_CEDAR_SCHEMA},
        {"{\"\":{\"actions\":{},\"entityTypes\":{\"A\":{\"tags\":",
         "{\"type\":\"Record\",\"attributes\":{\"a\":", "{\"type\":\"Long\"}", "}}", "}}}}",
         ERR_OK},
    };

    (void)state;
    for (size_t i = 0; i < N(FORMS); i++)
        for (unsigned n = CEDAR_DEPTH_MAX - 1; n <= CEDAR_DEPTH_MAX; n++) {
            struct buf text = {0};

            add(&text, FORMS[i].before);
            repeat(&text, FORMS[i].open, n);
            add(&text, FORMS[i].inner);
            repeat(&text, FORMS[i].close, n);
            add(&text, FORMS[i].after);
            expect(&text, n < CEDAR_DEPTH_MAX ? FORMS[i].want : ERR_CEDAR_NESTING);
        }
}

/* Common types within each other; the outermost is looked at first, or last. */
static void chain(unsigned n, const char *pattern, bool rising, err_code want)
{
    struct buf text = {0};

    for (unsigned i = 0; i < n; i++) {
        unsigned self = rising ? i : n - 1 - i, next = rising ? i + 1 : n - 2 - i;

        numbered(&text, i + 1 == n ? "type $ = Long;" : pattern, self, next);
    }
    expect(&text, want);
}

static void test_chains(void **state)
{
    (void)state;
    for (int rising = 0; rising < 2; rising++) {
        chain(CEDAR_DEPTH_MAX - 1, "type $ = &;", rising != 0, ERR_OK);
        chain(CEDAR_DEPTH_MAX, "type $ = &;", rising != 0, ERR_CEDAR_NESTING);
        chain(CEDAR_DEPTH_MAX / 2, "type $ = Set<&>;", rising != 0, ERR_OK);
        chain(CEDAR_DEPTH_MAX / 2 + 1, "type $ = Set<&>;", rising != 0, ERR_CEDAR_NESTING);
        chain(CEDAR_ENTITIES_MAX, "type $ = Set<&>;", rising != 0, ERR_CEDAR_NESTING);
    }
}

/* Each type holds the next one twice: 15 of them stand for 65535 types. */
static void test_size(void **state)
{
    (void)state;
    chain(16, "type $ = {a: &, b: &};", true, ERR_OK);
    chain(17, "type $ = {a: &, b: &};", true, ERR_CEDAR_LIST_SIZE);
    chain(17, "type $ = {a: &, b: &};", false, ERR_CEDAR_LIST_SIZE);
}

static void test_lists(void **state)
{
    (void)state;
    for (unsigned n = CEDAR_LIST_MAX; n <= CEDAR_LIST_MAX + 1; n++) {
        err_code want = n == CEDAR_LIST_MAX ? ERR_OK : ERR_CEDAR_LIST_SIZE;
        struct buf text = {0};

        add(&text, "entity ");
        names(&text, "A", n);
        add(&text, ";");
        expect(&text, want);
        add(&text, "action ");
        names(&text, "a", n);
        add(&text, ";");
        expect(&text, want);
        add(&text, "entity A in [A");
        repeat(&text, ", A", n - 1);
        add(&text, "];");
        expect(&text, want);
        add(&text, "action a; action b in [a");
        repeat(&text, ", a", n - 1);
        add(&text, "];");
        expect(&text, want);
        add(&text, "entity A enum [\"a\"");
        repeat(&text, ", \"a\"", n - 1);
        add(&text, "];");
        expect(&text, want);
        add(&text, "{\"\":{\"entityTypes\":{\"A\":{\"memberOfTypes\":[\"A\"");
        repeat(&text, ",\"A\"", n - 1);
        add(&text, "]}},\"actions\":{}}}");
        expect(&text, want);
    }
}

static void test_records(void **state)
{
    (void)state;
    for (unsigned n = CEDAR_LIST_MAX; n <= CEDAR_LIST_MAX + 1; n++) {
        struct buf text = {0};
        char one[32];

        add(&text, "entity A {");
        for (unsigned i = 0; i < n; i++) {
            snprintf(one, sizeof one, "a%u: Long,", i);
            add(&text, one);
        }
        add(&text, "};");
        expect(&text, n == CEDAR_LIST_MAX ? ERR_OK : ERR_CEDAR_LIST_SIZE);
    }
}

static void test_count(void **state)
{
    static const char *const FORMS[] = {"type $ = Long;", "entity $;", "action $;",
                                        "namespace $ {}"};

    (void)state;
    for (size_t i = 0; i < N(FORMS); i++)
        for (unsigned n = CEDAR_ENTITIES_MAX; n <= CEDAR_ENTITIES_MAX + 1; n++) {
            struct buf text = {0};

            for (unsigned j = 0; j < n; j++)
                numbered(&text, FORMS[i], j, 0);
            expect(&text, n == CEDAR_ENTITIES_MAX ? ERR_OK : ERR_CEDAR_COUNT);
        }
}

static void test_names(void **state)
{
    static const struct {
        const char *before, *after;
        unsigned rest; /* bytes of the name that are not repeated */
        err_code want; /* within the limit */
    } FORMS[] = {
        {"entity ", ";", 0, ERR_OK},
        {"type ", " = Long;", 0, ERR_OK},
        {"namespace N { entity ", "; }", 3, ERR_OK},
        {"namespace ", " {}", 0, ERR_OK},
        {"namespace ", "::N {}", 3, ERR_OK},
        {"namespace ", " { action a; }", 8, ERR_OK},
        {"entity A in ", "::N;", 3, ERR_CEDAR_SCHEMA}, /* not declared */
    };

    (void)state;
    for (size_t i = 0; i < N(FORMS); i++)
        for (unsigned n = CEDAR_NAME_MAX; n <= CEDAR_NAME_MAX + 1; n++) {
            struct buf text = {0};

            add(&text, FORMS[i].before);
            repeat(&text, "x", n - FORMS[i].rest);
            add(&text, FORMS[i].after);
            expect(&text, n == CEDAR_NAME_MAX ? FORMS[i].want : ERR_CEDAR_TEXT_SIZE);
        }
}

/* All in all: as many pairs as the square of their number. */
static void test_pairs(void **state)
{
    (void)state;
    for (unsigned n = 1024; n <= 1025; n++) {
        struct buf text = {0};

        add(&text, "entity ");
        names(&text, "e", n);
        add(&text, " in [");
        names(&text, "e", n);
        add(&text, "];");
        expect(&text, n == 1024 ? ERR_OK : ERR_CEDAR_COUNT);
    }
}

/* Few pairs, but long lists in many declarations: each search reads them all. */
static void test_steps(void **state)
{
    (void)state;
    for (unsigned n = 200; n <= 300; n += 100) {
        struct buf text = {0};
        char one[32];

        for (unsigned i = 0; i < n; i++) {
            snprintf(one, sizeof one, "entity e%u in [", i);
            add(&text, one);
            names(&text, "e", n);
            add(&text, "];");
        }
        expect(&text, n == 200 ? ERR_OK : ERR_CEDAR_COUNT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),   cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_chains), cmocka_unit_test(test_size),
        cmocka_unit_test(test_lists),  cmocka_unit_test(test_records),
        cmocka_unit_test(test_count),  cmocka_unit_test(test_names),
        cmocka_unit_test(test_pairs),  cmocka_unit_test(test_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
