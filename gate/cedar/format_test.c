/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/text_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ALL TESTING_ALL
#define FORMATTED "permit (principal, action, resource);\n"
#define HEAD "permit(principal,action,resource)"
#define FORMATTED_HEAD "permit (principal, action, resource)\n"

static const struct {
    const char *text, *want;
} CASES[] = {
    /* the frame */
    {"", ""},
    {" \n\t\n", ""},
    {ALL, FORMATTED},
    {ALL ALL "\n\n\n" ALL, FORMATTED "\n" FORMATTED "\n" FORMATTED},
    {"forbid\n(\nprincipal\n,\naction\n,\nresource\n,\n)\n;",
     "forbid (principal, action, resource);\n"},
    {"@ id ( \"a\" ) @risk@if(\"\\u{41}\")" ALL, "@id(\"a\")\n@risk\n@if(\"\\u{41}\")\n" FORMATTED},
    {HEAD "when{true}unless{false};", FORMATTED_HEAD "when { true }\nunless { false };\n"},
    {"permit(principal is A :: B in (C ::\"d\"),action in[Action::\"a\",],resource==F::\"g\",);",
     "permit (principal is A::B in (C::\"d\"), action in [Action::\"a\"], resource == "
     "F::\"g\");\n"},
    {"permit(principal==?principal,action==Action::\"a\",resource in?resource);",
     "permit (principal == ?principal, action == Action::\"a\", resource in ?resource);\n"},
    {"permit(principal == User::\"aaaaaaaaaaaaaaaaaaaaaaaaaaa\", action, resource is "
     "Folder in Folder::\"bbbb\");",
     "permit (\n    principal == User::\"aaaaaaaaaaaaaaaaaaaaaaaaaaa\",\n    action,\n"
     "    resource is Folder in Folder::\"bbbb\"\n);\n"},
    {"permit(principal, action in [Action::\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", "
     "Action::\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"], resource);",
     "permit (\n    principal,\n    action in [\n"
     "        Action::\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\n"
     "        Action::\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"\n    ],\n    resource\n);\n"},
    /* expressions keep their parentheses and their spelling */
    {HEAD "when{((1+2))*3==--007&&!!(true)};",
     FORMATTED_HEAD "when { ((1 + 2)) * 3 == --007 && !!(true) };\n"},
    {HEAD "when{principal . a [ \"b\" ] . contains ( 1 , )};",
     FORMATTED_HEAD "when { principal.a[\"b\"].contains(1) };\n"},
    {HEAD "when{if a::\"b\"has c . d then{e:1,\"f\":[ ]}else ip ( \"g\" )};",
     FORMATTED_HEAD "when { if a::\"b\" has c.d then {e: 1, \"f\": []} else ip(\"g\") };\n"},
    {HEAD "when{\"a\"like\"\\x41*\"||principal is A::B in c::\"d\"};",
     FORMATTED_HEAD "when { \"a\" like \"\\x41*\" || principal is A::B in c::\"d\" };\n"},
    {HEAD "when{[1,[2,],{a:{b:3,},},]-1- -1};",
     FORMATTED_HEAD "when { [1, [2], {a: {b: 3}}] - 1 - -1 };\n"},
    {HEAD "when{\"a\nb\"==\"c\"};", FORMATTED_HEAD "when {\n    \"a\nb\" == \"c\"\n};\n"},
    /* long expressions */
    {HEAD "when{context.aaaaaaaaaaaaaaaaaaaaaaa&&context.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb||"
          "context.cccccccccccccccccccccccccccccccccc};",
     FORMATTED_HEAD
     "when {\n    context.aaaaaaaaaaaaaaaaaaaaaaa && context.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb ||\n"
     "    context.cccccccccccccccccccccccccccccccccc\n};\n"},
    {HEAD
     "when{if context.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa then context.bbbbbbbbbbbbbbb else if "
     "true then {cccccccccccccccc:1} else 2};",
     FORMATTED_HEAD "when {\n    if context.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
                    "    then context.bbbbbbbbbbbbbbb\n"
                    "    else if true then {cccccccccccccccc: 1} else 2\n};\n"},
    {HEAD "when{principal in [A::\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", "
          "A::\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]};",
     FORMATTED_HEAD "when {\n    principal in [\n"
                    "        A::\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\n"
                    "        A::\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"\n    ]\n};\n"},
    {HEAD "when{context.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa == "
          "context.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb};",
     FORMATTED_HEAD "when {\n    context.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ==\n"
                    "        context.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n};\n"},
    /* what cannot be parted from a group counts: 100 columns, and 101 */
    {HEAD "when{context."
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa};",
     FORMATTED_HEAD
     "when { "
     "context.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
     "};\n"},
    {HEAD "when{context."
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa};",
     FORMATTED_HEAD
     "when {\n    "
     "context."
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n};\n"},
    /* comments between policies; an empty line between them stays one */
    {"//a", "//a\n"},
    {"\n\n  // a  \n\n\n\n// b\n// c\n", "// a\n\n// b\n// c\n"},
    {"// a\n" ALL, "// a\n" FORMATTED},
    {"// a\n\n\n// b\n" ALL "// c\n// d\n" ALL "\n// e\n\n\n// f",
     "// a\n\n// b\npermit (principal, action, resource); // c\n\n// d\n" FORMATTED
     "\n// e\n\n// f\n"},
    {"// a\r\n\r\n" ALL "\r\n", "// a\n\n" FORMATTED},
    {"// a\r// b\r\r" ALL, "// a\n// b\n\n" FORMATTED},
    /* comments within policies */
    {"@id(\"a\")// b\n// c\n@d// e\n" ALL, "@id(\"a\") // b\n// c\n@d // e\n" FORMATTED},
    {"@// a\nid// b\n(// c\n\"d\"// e\n)" ALL,
     "@ // a\nid // b\n( // c\n\"d\" // e\n)\n" FORMATTED},
    {"permit// a\n(// b\nprincipal// c\n,// d\naction,resource// e\n)// f\n;// g\n",
     "permit // a\n( // b\n    principal // c\n    , // d\n    action,\n    resource // e\n) // f\n"
     "; // g\n"},
    {"permit(\n// a\nprincipal,\n// b\naction,resource\n// c\n)\n// d\n;",
     "permit (\n    // a\n    principal,\n    // b\n    action,\n    resource\n    // c\n)\n// "
     "d\n;\n"},
    {"permit(principal,action,resource,// a\n);",
     "permit (\n    principal,\n    action,\n    resource // a\n);\n"},
    {"permit(principal,action,resource// a\n,// b\n);",
     "permit (\n    principal,\n    action,\n    resource // a\n    // b\n);\n"},
    {"permit(principal,action,resource\n// a\n,// b\n// c\n);",
     "permit (\n    principal,\n    action,\n    resource\n    // a\n    // b\n    // c\n);\n"},
    {HEAD "\n// a\nwhen// b\n{// c\ntrue// d\n}// e\nunless{false\n// f\n};", FORMATTED_HEAD
     "// a\nwhen // b\n{ // c\n    true // d\n} // e\nunless {\n    false\n    // f\n};\n"},
    {HEAD "when{context.a&&// a\n// b\ncontext.b// c\n||context.d};",
     FORMATTED_HEAD "when {\n    context.a && // a\n    // b\n    context.b // c\n    ||\n"
                    "    context.d\n};\n"},
    {HEAD "when{[// a\n1,// b\n2\n// c\n]\n// d\n.contains(3)};", FORMATTED_HEAD
     "when {\n    [ // a\n        1, // b\n        2\n        // c\n    ]\n    // d\n"
     "    .contains(3)\n};\n"},
    {HEAD "when{[\n// a\n1+2]==[]};",
     FORMATTED_HEAD "when {\n    [\n        // a\n        1 + 2\n    ] == []\n};\n"},
    {HEAD "when { context.a == {b: 1 // \xc3\xa4\n} };",
     FORMATTED_HEAD "when {\n    context.a == {\n        b: 1 // \xc3\xa4\n    }\n};\n"},
    {HEAD "when { true } // a // b\n;", FORMATTED_HEAD "when { true } // a // b\n;\n"},
};

static void formatted(struct slice text, struct buf *ret)
{
    struct cedar_place where = {0};
    struct why why = {0};
    err_code err = cedar_format(text, ret, &where, &why);

    if (err != ERR_OK)
        fail_msg("%.*s: %s: %s", (int)text.len, (const char *)text.ptr, err_name(err), why.text);
}

static void one_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(buf_free) struct buf got = {0}, again = {0};

        formatted(slice_str(CASES[i].text), &got);
        if (!slice_eq_str(buf_slice(&got), CASES[i].want))
            fail_msg("%s\n got:\n%.*s\nwant:\n%s", CASES[i].text, (int)got.len,
                     got.ptr == NULL ? "" : (const char *)got.ptr, CASES[i].want);
        formatted(buf_slice(&got), &again);
        if (!slice_eq(buf_slice(&got), buf_slice(&again)))
            fail_msg("%s\nonce:\n%.*s\ntwice:\n%.*s", CASES[i].text, (int)got.len,
                     (const char *)got.ptr, (int)again.len, (const char *)again.ptr);
    }
}

/* ---- comments everywhere --------------------------------------------------------------------- */

static const char *const WORDS[] = {
    "@",     "id",       "(",       "\"a\"",     ")",        "permit", "(",     "principal", "is",
    "A",     "::",       "B",       "in",        "(",        "C",      "::",    "\"d\"",     ")",
    ",",     "action",   "in",      "[",         "Action",   "::",     "\"e\"", ",",         "]",
    ",",     "resource", "==",      "F",         "::",       "\"g\"",  ",",     ")",         "when",
    "{",     "if",       "context", ".",         "h",        "has",    "i",     ".",         "j",
    "then",  "-",        "1",       "+",         "2",        "*",      "3",     "<",         "4",
    "&&",    "!",        "(",       "true",      ")",        "||",     "[",     "5",         ",",
    "6",     ",",        "]",       ".",         "contains", "(",      "7",     ",",         ")",
    "else",  "{",        "k",       ":",         "\"l\"",    "like",   "\"*\"", ",",         "m",
    ":",     "ip",       "(",       "\"n\"",     ")",        "}",      "[",     "\"o\"",     "]",
    "}",     "unless",   "{",       "principal", "is",       "P",      "in",    "q",         "::",
    "\"r\"", "}",        ";"};
#define N_WORDS (sizeof WORDS / sizeof *WORDS)

/* The words with this before the one at each place of which the bit is set, and at the end. */
static void compose(const char *gap, size_t place, struct buf *ret)
{
    for (size_t i = 0; i <= N_WORDS; i++) {
        if (place == i || place == SIZE_MAX)
            assert_int_equal(buf_add_str(ret, gap), ERR_OK);
        if (i < N_WORDS) {
            assert_int_equal(buf_add_str(ret, WORDS[i]), ERR_OK);
            assert_int_equal(buf_add_str(ret, " "), ERR_OK);
        }
    }
}

static size_t count(struct slice text, const char *what)
{
    size_t n = 0, len = strlen(what);

    for (size_t i = 0; i + len <= text.len; i++)
        n += memcmp(text.ptr + i, what, len) == 0;
    return n;
}

static void at_every_place(void **state)
{
    static const char *const GAPS[] = {"// x\n", "\n// x\n", "// x\n// x\n",
                                       "\n\n// x\n\n// x\n\n"};
    (void)state;

    for (size_t g = 0; g < sizeof GAPS / sizeof *GAPS; g++)
        for (size_t i = 0; i <= N_WORDS + 1; i++) {
            CLEANUP(buf_free) struct buf text = {0}, got = {0}, again = {0};

            compose(GAPS[g], i <= N_WORDS ? i : SIZE_MAX, &text);
            formatted(buf_slice(&text), &got);
            formatted(buf_slice(&got), &again);
            if (!slice_eq(buf_slice(&got), buf_slice(&again)))
                fail_msg("gap %zu at %zu\nonce:\n%.*s\ntwice:\n%.*s", g, i, (int)got.len,
                         (const char *)got.ptr, (int)again.len, (const char *)again.ptr);
            assert_int_equal(count(buf_slice(&got), "// x"), count(buf_slice(&text), "// x"));
        }
}

static void what_is_no_cedar_is_refused(void **state)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct cedar_place where = {0};
    struct why why = {0};
    (void)state;

    assert_int_equal(buf_add_str(&out, "before"), ERR_OK);
    assert_int_equal(cedar_format(slice_str(ALL "\n permit"), &out, &where, &why),
                     ERR_CEDAR_SYNTAX);
    assert_true(where.line == 2 && where.column == 8);
    assert_string_equal(why.text, "2:8: found the end of the text, expected `(`");
    assert_true(slice_eq_str(buf_slice(&out), "before"));
    assert_int_equal(cedar_format(slice_str(ALL), &out, NULL, NULL), ERR_OK);
    assert_true(slice_eq_str(buf_slice(&out), "before" FORMATTED));
}

/* A text at the limit that would be beyond it. */
static void too_long(void **state)
{
    CLEANUP(buf_free) struct buf text = {0}, out = {0};
    struct why why = {0};
    (void)state;

    assert_int_equal(buf_add_str(&text, HEAD "when{1};//"), ERR_OK);
    while (text.len < CEDAR_TEXT_MAX)
        assert_int_equal(buf_add_u8(&text, 'x'), ERR_OK);
    assert_int_equal(cedar_format(buf_slice(&text), &out, NULL, &why), ERR_CEDAR_TEXT_SIZE);
    assert_int_equal(out.len, 0);
}

/* Brackets within brackets: indentation has an end, too. */
static void deep(void **state)
{
    CLEANUP(buf_free) struct buf text = {0}, got = {0}, again = {0};
    (void)state;

    assert_int_equal(buf_add_str(&text, HEAD "when{"), ERR_OK);
    for (size_t i = 0; i < CEDAR_DEPTH_MAX - 2; i++)
        assert_int_equal(buf_add_str(&text, i % 2 == 0 ? "([" : ""), ERR_OK);
    assert_int_equal(buf_add_str(&text, "principal// c\n"), ERR_OK);
    for (size_t i = 0; i < CEDAR_DEPTH_MAX - 2; i++)
        assert_int_equal(buf_add_str(&text, i % 2 == 0 ? "])" : ""), ERR_OK);
    assert_int_equal(buf_add_str(&text, "};"), ERR_OK);
    formatted(buf_slice(&text), &got);
    formatted(buf_slice(&got), &again);
    assert_true(slice_eq(buf_slice(&got), buf_slice(&again)));
    assert_true(got.len < 200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_form),
        cmocka_unit_test(at_every_place),
        cmocka_unit_test(what_is_no_cedar_is_refused),
        cmocka_unit_test(too_long),
        cmocka_unit_test(deep),
    };
    return cmocka_run_group_tests_name("cedar_format", tests, NULL, NULL);
}
