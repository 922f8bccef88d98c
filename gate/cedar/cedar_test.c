/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/cedar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void entity_types(void **state)
{
    static const struct {
        const char *type;
        bool valid;
    } CASES[] = {
        {"User", true},      {"A::B::C", true},     {"_", true},           {"a1", true},
        {"principal", true}, {"N::Action", true},   {"", false},           {"1a", false},
        {"A::", false},      {"::A", false},        {"A:B", false},        {"A:::B", false},
        {"A::::B", false},   {"A B", false},        {" A", false},         {"A ", false},
        {"A:: B", false},    {"if", false},         {"A::true", false},    {"in::A", false},
        {"__cedar", false},  {"__cedar::A", false}, {"A::__cedar", false}, {"__cedarx", true},
        {"\xc3\x9c", false}, {"A-B", false},        {"A\"", false},        {"A::B:", false},
    };
    char name[CEDAR_NAME_MAX + 2];
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        if (cedar_type_valid(slice_str(CASES[i].type)) != CASES[i].valid)
            fail_msg("\"%s\": wanted %d", CASES[i].type, CASES[i].valid);
    assert_false(cedar_type_valid((struct slice){(const uint8_t *)"A\0", 2}));
    memset(name, 'T', sizeof name);
    assert_true(cedar_type_valid((struct slice){(uint8_t *)name, CEDAR_NAME_MAX}));
    assert_false(cedar_type_valid((struct slice){(uint8_t *)name, CEDAR_NAME_MAX + 1}));
}

static void quoting(void **state)
{
    char out[12];
    (void)state;

    cedar_quote(slice_str("a\x1b\xc3\xa4"), out, sizeof out);
    assert_string_equal(out, "a\\u{1b}...");
    cedar_quote(slice_str("abcdefgh"), out, sizeof out);
    assert_string_equal(out, "abcdefgh");
    cedar_quote(slice_str("abcdefghi"), out, sizeof out);
    assert_string_equal(out, "abcdefgh...");
    cedar_quote(slice_str("\xff"), out, sizeof out);
    assert_string_equal(out, "\\u{fffd}");
    cedar_quote((struct slice){0}, out, sizeof out);
    assert_string_equal(out, "");
}

static void names(void **state)
{
    struct cedar_uid a = cedar_uid_of(slice_str("A"), slice_str("b")),
                     same = cedar_uid_of(slice_str("A"), slice_str("b")),
                     other = cedar_uid_of(slice_str("Ab"), slice_str(""));
    (void)state;

    assert_true(cedar_uid_eq(&a, &same) && cedar_uid_cmp(&a, &same) == 0);
    assert_false(cedar_uid_eq(&a, &other));
    assert_int_equal(cedar_uid_cmp(&a, &other), -cedar_uid_cmp(&other, &a));
    other.hash = a.hash; /* names may collide */
    assert_false(cedar_uid_eq(&a, &other));
    assert_int_equal(cedar_uid_cmp(&a, &other) > 0, cedar_uid_cmp(&other, &a) < 0);
    assert_true(cedar_type_is_action(slice_str("Action")));
    assert_true(cedar_type_is_action(slice_str("A::Action")));
    assert_false(cedar_type_is_action(slice_str("XAction")));
    assert_false(cedar_type_is_action(slice_str("Action::A")));
    assert_false(cedar_type_is_action(slice_str("")));
    assert_true(cedar_ident_valid(slice_str("a1")) && cedar_ident_valid(slice_str("_")));
    assert_false(cedar_ident_valid(slice_str("")) || cedar_ident_valid(slice_str("1a")) ||
                 cedar_ident_valid(slice_str("if")) || cedar_ident_valid(slice_str("a b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entity_types),
        cmocka_unit_test(quoting),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests_name("cedar", tests, NULL, NULL);
}
