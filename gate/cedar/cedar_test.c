/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_test.c: which texts are Cedar, and where exactly the others are not. */
#include "gate/cedar/cedar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define P(scope) "permit(" scope ");"
#define U(id) P("principal == User::\"" id "\", action, resource")
#define ALL "permit(principal, action, resource);"

struct outcome {
    err_code err;
    struct cedar_place where;
    struct why why;
    struct cedar_policies *policies;
};

static struct outcome parse(struct slice text)
{
    struct outcome o = {0};
    /* a copy of its exact size, so that reading beyond the end is seen */
    uint8_t *copy = malloc(text.len + 1);

    assert_non_null(copy);
    memcpy(copy, text.ptr, text.len);
    copy = realloc(copy, text.len == 0 ? 1 : text.len);
    assert_non_null(copy);
    o.err = cedar_parse((struct slice){copy, text.len}, &o.policies, &o.where, &o.why);
    free(copy);
    assert_true((o.err == ERR_OK) == (o.policies != NULL));
    if (o.err != ERR_OK && (o.why.code != o.err || o.why.text[0] == '\0'))
        fail_msg("refused with %s, but why says %s", err_name(o.err), err_name(o.why.code));
    return o;
}

static void these_are_cedar(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } TEXTS[] = {
        {"", 0},
        {" \t\r\n\v\f", 0},
        {"// only a comment", 0},
        {"//", 0},
        {ALL, 1},
        {"forbid(principal, action, resource);", 1},
        {"permit(principal,action,resource,);", 1},
        {ALL ALL "// end\n" ALL, 3},
        {"permit//a\n(//b\nprincipal//c\r,action,resource)// ;\n;//", 1},
        {P("principal == User::\"a\", action == Action::\"b\", resource == File::\"c\""), 1},
        {P("principal in User::\"a\", action in Action::\"b\", resource in File::\"c\""), 1},
        {P("principal is User, action in [Action::\"b\"], resource is File"), 1},
        {P("principal is User in G::\"a\", action in [], resource is File in D::\"c\""), 1},
        {P("principal is A::B::C in D::E::\"a\", action in [N::Action::\"b\",], resource"), 1},
        {P("principal==User::\"a\",action in[Action::\"b\",Action::\"b\",],resource in F::\"c\","),
         1},
        {P("principal == principal::\"a\", action == permit::Action::\"b\", resource is context"),
         1},
        {P("principal == when::unless::\"a\", action == Action::\"b\", resource is __cedarx"), 1},
        {P("principal == U1::_2::\"a\", action, resource"), 1},
        {P("principal == User ::\n// c\n \"a\", action, resource"), 1},
        {P("principal\xc2\xa0== User::\"a\", action, resource"), 1},     /* no-break space */
        {P("principal\xe2\x80\xa8== User::\"a\", action, resource"), 1}, /* line separator */
        {P("principal\xc2\x85,\xe3\x80\x80 action, resource"), 1},
        {"//c\xe2\x80\xa8" ALL, 0}, /* a line separator does not end a comment */
        {"//c\r" ALL, 1},
        {"@id(\"a\") " ALL, 1},
        {"@ id ( \"a\" )@description(\"\")" ALL, 1},
        {"@description " ALL, 1},
        {"@description(\"x\")@id(\"y\")" ALL "@description(\"x\")@id(\"y\")" ALL, 2},
    };
    (void)state;

    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        struct outcome o = parse(slice_str(TEXTS[i].text));

        if (o.err != ERR_OK)
            fail_msg("%s: refused: %s: %s", TEXTS[i].text, err_name(o.err), o.why.text);
        if (cedar_count(o.policies) != TEXTS[i].n)
            fail_msg("%s: %zu policies, wanted %zu", TEXTS[i].text, cedar_count(o.policies),
                     TEXTS[i].n);
        assert_null(cedar_at(o.policies, TEXTS[i].n));
        cedar_free(&o.policies);
        assert_null(o.policies);
    }
}

struct refusal {
    const char *text;
    err_code err;
    unsigned line, column;
    const char *says; /* the sentence behind line:column */
};

static const struct refusal REFUSALS[] = {
    /* not this version */
    {ALL "\npermit(principal, action, resource)\nwhen { true };", ERR_CEDAR_UNSUPPORTED, 3, 1,
     "conditions (`when`) are not evaluated by this version"},
    {"forbid(principal, action, resource) unless { # };", ERR_CEDAR_UNSUPPORTED, 1, 37,
     "conditions (`unless`) are not evaluated by this version"},
    {P("principal == ?principal, action, resource"), ERR_CEDAR_UNSUPPORTED, 1, 21,
     "templates (?principal) are not evaluated by this version"},
    {P("principal, action,\n resource is F in ?resource"), ERR_CEDAR_UNSUPPORTED, 2, 19,
     "templates (?resource) are not evaluated by this version"},
    {P("principal == (User::\"a\"), action, resource"), ERR_CEDAR_UNSUPPORTED, 1, 21,
     "parentheses around an entity are not read by this version"},
    {P("principal, action in [(Action::\"a\")], resource"), ERR_CEDAR_UNSUPPORTED, 1, 30,
     "parentheses around an entity are not read by this version"},
    /* annotations */
    {"@ids(\"a\") " ALL, ERR_CEDAR_ANNOTATION, 1, 1,
     "found the annotation @ids, expected @id or @description"},
    {"@id(\"a\")\n  @risk " ALL, ERR_CEDAR_ANNOTATION, 2, 3,
     "found the annotation @risk, expected @id or @description"},
    {"@id " ALL, ERR_CEDAR_ANNOTATION, 1, 1, "@id says nothing, expected a name for the policy"},
    {"@id(\"\") " ALL, ERR_CEDAR_ANNOTATION, 1, 1,
     "@id says nothing, expected a name for the policy"},
    {"@id(\"ab\\nc\") " ALL, ERR_CEDAR_ANNOTATION, 1, 1,
     "@id is not plain text at offset 2, and stands in records"},
    {"@id(\"a\") @id(\"b\") " ALL, ERR_CEDAR_SYNTAX, 1, 10,
     "found the annotation @id twice, expected it once"},
    {"@description @description(\"\") " ALL, ERR_CEDAR_SYNTAX, 1, 14,
     "found the annotation @description twice, expected it once"},
    {"@id() " ALL, ERR_CEDAR_SYNTAX, 1, 5, "found `)`, expected a string"},
    {"@id(a) " ALL, ERR_CEDAR_SYNTAX, 1, 5, "found `a`, expected a string"},
    {"@id(\"a\",) " ALL, ERR_CEDAR_SYNTAX, 1, 8, "found `,`, expected `)`"},
    {"@\"id\" " ALL, ERR_CEDAR_SYNTAX, 1, 2,
     "found the string \"id\", expected the name of an annotation"},
    {"@id(\"a\")", ERR_CEDAR_SYNTAX, 1, 9,
     "found the end of the text, expected `permit`, `forbid` or `@`"},
    /* the frame */
    {"Permit(principal, action, resource);", ERR_CEDAR_SYNTAX, 1, 1,
     "found `Permit`, expected `permit`, `forbid`, `@` or the end"},
    {"permit", ERR_CEDAR_SYNTAX, 1, 7, "found the end of the text, expected `(`"},
    {"permit();", ERR_CEDAR_SYNTAX, 1, 8, "found `)`, expected `principal`"},
    {"permit(,principal, action, resource);", ERR_CEDAR_SYNTAX, 1, 8,
     "found `,`, expected `principal`"},
    {"permit(principal, action);", ERR_CEDAR_SYNTAX, 1, 25,
     "found `)`, expected `,`, `==` or `in`"},
    {"permit(principal, action,);", ERR_CEDAR_SYNTAX, 1, 26, "found `)`, expected `resource`"},
    {"permit(resource, action, principal);", ERR_CEDAR_SYNTAX, 1, 8,
     "found `resource`, expected `principal`"},
    {"permit(principal, resource, action);", ERR_CEDAR_SYNTAX, 1, 19,
     "found `resource`, expected `action`"},
    {"permit(principal, action, resource,,);", ERR_CEDAR_SYNTAX, 1, 36, "found `,`, expected `)`"},
    {"permit(principal, action, resource, context);", ERR_CEDAR_SYNTAX, 1, 37,
     "found `context`, expected `)`"},
    {"permit(principal, action, resource)", ERR_CEDAR_SYNTAX, 1, 36,
     "found the end of the text, expected `;`"},
    {ALL ";", ERR_CEDAR_SYNTAX, 1, 37, "found `;`, expected `permit`, `forbid`, `@` or the end"},
    {"permit(principal, action, resource) when;", ERR_CEDAR_SYNTAX, 1, 41,
     "found `;`, expected `{`"},
    {"permit(principal, action, resource) where { true };", ERR_CEDAR_SYNTAX, 1, 37,
     "found `where`, expected `;`"},
    {"/* c */" ALL, ERR_CEDAR_SYNTAX, 1, 1,
     "found `/`, expected `permit`, `forbid`, `@` or the end"},
    {"#" ALL, ERR_CEDAR_SYNTAX, 1, 1, "found `#`, expected `permit`, `forbid`, `@` or the end"},
    /* demands */
    {P("principal: User, action, resource"), ERR_CEDAR_SYNTAX, 1, 17,
     "found `:`, expected `,`, `==`, `in` or `is`"},
    {P("principal = User::\"a\", action, resource"), ERR_CEDAR_SYNTAX, 1, 18,
     "found `=`, expected `,`, `==`, `in` or `is`"},
    {P("principal != User::\"a\", action, resource"), ERR_CEDAR_SYNTAX, 1, 18,
     "found `!=`, expected `,`, `==`, `in` or `is`"},
    {P("principal isUser, action, resource"), ERR_CEDAR_SYNTAX, 1, 18,
     "found `isUser`, expected `,`, `==`, `in` or `is`"},
    {P("principal is User == User::\"a\", action, resource"), ERR_CEDAR_SYNTAX, 1, 26,
     "found `==`, expected `,` or `in`"},
    {P("principal in G::\"a\" is User, action, resource"), ERR_CEDAR_SYNTAX, 1, 28,
     "found `is`, expected `,`"},
    {P("principal in [User::\"a\"], action, resource"), ERR_CEDAR_SYNTAX, 1, 21,
     "found `[`, expected an entity such as Type::\"id\""},
    {P("principal is ?principal, action, resource"), ERR_CEDAR_SYNTAX, 1, 21,
     "found `?principal`, expected an entity type"},
    {P("principal == ?other, action, resource"), ERR_CEDAR_SYNTAX, 1, 21,
     "found `?other`, expected an entity such as Type::\"id\""},
    {P("principal is User::\"a\", action, resource"), ERR_CEDAR_SYNTAX, 1, 27,
     "found the string \"a\", expected an identifier or a string behind `::`"},
    {P("principal, action is Action, resource"), ERR_CEDAR_SYNTAX, 1, 26,
     "found `is`, expected `,`, `==` or `in`"},
    {P("principal, action == [Action::\"a\"], resource"), ERR_CEDAR_SYNTAX, 1, 29,
     "found `[`, expected an action such as Action::\"name\""},
    {P("principal, action in [,], resource"), ERR_CEDAR_SYNTAX, 1, 30,
     "found `,`, expected an action such as Action::\"name\""},
    {P("principal, action in [Action::\"a\" Action::\"b\"], resource"), ERR_CEDAR_SYNTAX, 1, 42,
     "found `Action`, expected `,` or `]`"},
    {P("principal, action in [Action::\"a\", resource"), ERR_CEDAR_SYNTAX, 1, 51,
     "found `)`, expected `::` and the entity's id as a string"},
    {P("principal, action, resource is File is File"), ERR_CEDAR_SYNTAX, 1, 44,
     "found `is`, expected `)`"},
    {P("principal, action, resource !"), ERR_CEDAR_SYNTAX, 1, 36,
     "found `!`, expected `)`, `==`, `in` or `is`"},
    /* actions are of type Action */
    {P("principal, action == Foo::\"a\", resource"), ERR_CEDAR_SYNTAX, 1, 29,
     "found an entity of type `Foo`, expected type `Action`"},
    {P("principal, action in MyAction::\"a\", resource"), ERR_CEDAR_SYNTAX, 1, 29,
     "found an entity of type `MyAction`, expected type `Action`"},
    {P("principal, action == Action::N::\"a\", resource"), ERR_CEDAR_SYNTAX, 1, 29,
     "found an entity of type `Action::N`, expected type `Action`"},
    {P("principal, action in [Action::\"a\", Foo::\"b\"], resource"), ERR_CEDAR_SYNTAX, 1, 43,
     "found an entity of type `Foo`, expected type `Action`"},
    /* names */
    {P("principal == User, action, resource"), ERR_CEDAR_SYNTAX, 1, 25,
     "found `,`, expected `::` and the entity's id as a string"},
    {P("principal == User::a, action, resource"), ERR_CEDAR_SYNTAX, 1, 28,
     "found `,`, expected `::` and the entity's id as a string"},
    {P("principal == \"a\", action, resource"), ERR_CEDAR_SYNTAX, 1, 21,
     "found the string \"a\", expected an entity such as Type::\"id\""},
    {P("principal == User::{id: 1}, action, resource"), ERR_CEDAR_SYNTAX, 1, 27,
     "found `{`, expected an identifier or a string behind `::`"},
    {P("principal == User::::\"a\", action, resource"), ERR_CEDAR_SYNTAX, 1, 27,
     "found `::`, expected an identifier or a string behind `::`"},
    {P("principal == ::User::\"a\", action, resource"), ERR_CEDAR_SYNTAX, 1, 21,
     "found `::`, expected an entity such as Type::\"id\""},
    {P("principal == User: :\"a\", action, resource"), ERR_CEDAR_SYNTAX, 1, 25,
     "found `:`, expected `::` and the entity's id as a string"},
    {P("principal == 1U::\"a\", action, resource"), ERR_CEDAR_SYNTAX, 1, 21,
     "found `1`, expected an entity such as Type::\"id\""},
    {P("principal == User::\"a\"::\"b\", action, resource"), ERR_CEDAR_SYNTAX, 1, 30,
     "found `::`, expected `,`"},
    {P("principal == A::if::\"a\", action, resource"), ERR_CEDAR_SYNTAX, 1, 24,
     "found the reserved word `if`, expected an identifier or a string behind `::`"},
    {P("principal is like::A, action, resource"), ERR_CEDAR_SYNTAX, 1, 21,
     "found the reserved word `like`, expected an entity type"},
    {P("principal is A::__cedar, action, resource"), ERR_CEDAR_SYNTAX, 1, 24,
     "found the reserved word `__cedar`, expected an identifier or a string behind `::`"},
    /* characters */
    {P("principal == \xc3\x9c::\"a\", action, resource"), ERR_CEDAR_SYNTAX, 1, 21,
     "found `\\u{dc}`, expected an entity such as Type::\"id\""},
    {P("principal == User::\"\xc3\xa4\xf0\x9f\x98\x80\" !"), ERR_CEDAR_SYNTAX, 1, 32,
     "found `!`, expected `,`"},
    {"\xef\xbb\xbf" ALL, ERR_CEDAR_SYNTAX, 1, 1,
     "found `\\u{feff}`, expected `permit`, `forbid`, `@` or the end"},
    {P("principal\xe2\x80\x8b, action, resource"), ERR_CEDAR_SYNTAX, 1, 17,
     "found `\\u{200b}`, expected `,`, `==`, `in` or `is`"},
    {"// \xc3\n" ALL, ERR_CEDAR_SYNTAX, 1, 4, "found byte 0xc3, expected UTF-8"},
    {ALL "\n// \xc3\xa4 \xed\xa0\x80", ERR_CEDAR_SYNTAX, 2, 6, "found byte 0xed, expected UTF-8"},
    {"// \xc0\x80", ERR_CEDAR_SYNTAX, 1, 4, "found byte 0xc0, expected UTF-8"},
    {"// \xf4\x90\x80\x80", ERR_CEDAR_SYNTAX, 1, 4, "found byte 0xf4, expected UTF-8"},
    {"// \x80", ERR_CEDAR_SYNTAX, 1, 4, "found byte 0x80, expected UTF-8"},
    /* strings */
    {"@id(\"a", ERR_CEDAR_SYNTAX, 1, 5, "found a string without an end, expected a string"},
    {P("principal == User::\"a, action, resource"), ERR_CEDAR_SYNTAX, 1, 27,
     "found a string without an end, expected an identifier or a string behind `::`"},
    {U("a\\\nb"), ERR_CEDAR_SYNTAX, 1, 27,
     "found a string without an end, expected an identifier or a string behind `::`"},
    {P("principal == User::'a', action, resource"), ERR_CEDAR_SYNTAX, 1, 27,
     "found `'`, expected an identifier or a string behind `::`"},
    {U("a\nb\rc"), ERR_CEDAR_SYNTAX, 2, 2,
     "bad escape: a carriage return in a string is written \\r"},
    {U("a\\\rb"), ERR_CEDAR_SYNTAX, 1, 29, "bad escape: not an escape"},
    {U("\xc3\xa4\\*"), ERR_CEDAR_SYNTAX, 1, 29, "bad escape: not an escape"},
    {U("\\a"), ERR_CEDAR_SYNTAX, 1, 28, "bad escape: not an escape"},
    {U("\\\xc3\xa4"), ERR_CEDAR_SYNTAX, 1, 28, "bad escape: not an escape"},
    {U("\\x4"), ERR_CEDAR_SYNTAX, 1, 28, "bad escape: \\x needs two hexadecimal digits"},
    {U("\\xg1"), ERR_CEDAR_SYNTAX, 1, 28, "bad escape: \\x needs two hexadecimal digits"},
    {U("\\x1G"), ERR_CEDAR_SYNTAX, 1, 28, "bad escape: \\x needs two hexadecimal digits"},
    {U("\\x80"), ERR_CEDAR_SYNTAX, 1, 28, "bad escape: \\x goes up to \\x7f"},
    {U("\\u0041"), ERR_CEDAR_SYNTAX, 1, 28,
     "bad escape: \\u needs {, one to six hexadecimal digits, }"},
    {U("\\u{}"), ERR_CEDAR_SYNTAX, 1, 28,
     "bad escape: \\u needs {, one to six hexadecimal digits, }"},
    {U("\\u{_41}"), ERR_CEDAR_SYNTAX, 1, 28,
     "bad escape: \\u needs {, one to six hexadecimal digits, }"},
    {U("\\u{4g}"), ERR_CEDAR_SYNTAX, 1, 28,
     "bad escape: \\u needs {, one to six hexadecimal digits, }"},
    {U("\\u{0000041}"), ERR_CEDAR_SYNTAX, 1, 28,
     "bad escape: \\u needs {, one to six hexadecimal digits, }"},
    {U("\\u{41"), ERR_CEDAR_SYNTAX, 1, 28,
     "bad escape: \\u needs {, one to six hexadecimal digits, }"},
    {U("\\u{d800}"), ERR_CEDAR_SYNTAX, 1, 28, "bad escape: \\u{} is no Unicode character"},
    {U("\\u{dfff}"), ERR_CEDAR_SYNTAX, 1, 28, "bad escape: \\u{} is no Unicode character"},
    {U("\\u{110000}"), ERR_CEDAR_SYNTAX, 1, 28, "bad escape: \\u{} is no Unicode character"},
    {"@id(\"\\q\")" ALL, ERR_CEDAR_SYNTAX, 1, 6, "bad escape: not an escape"},
};

static void refused(struct slice text, const struct refusal *want)
{
    struct outcome o = parse(text);
    char said[600];

    snprintf(said, sizeof said, "%u:%u: %s", want->line, want->column, want->says);
    if (o.err != want->err || o.where.line != want->line || o.where.column != want->column ||
        strcmp(o.why.text, said) != 0)
        fail_msg("%.*s\n got %s at %u:%u, \"%s\"\nwant %s, \"%s\"", (int)text.len,
                 (const char *)text.ptr, err_name(o.err), o.where.line, o.where.column, o.why.text,
                 err_name(want->err), said);
}

static void these_are_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REFUSALS / sizeof *REFUSALS; i++)
        refused(slice_str(REFUSALS[i].text), &REFUSALS[i]);
    refused((struct slice){(const uint8_t *)ALL "\0", sizeof ALL},
            &(struct refusal){NULL, ERR_CEDAR_SYNTAX, 1, 37,
                              "found `\\u{0}`, expected `permit`, `forbid`, `@` or the end"});
    /* neither where nor why is required */
    struct cedar_policies *none = NULL;
    assert_int_equal(cedar_parse(slice_str("x"), &none, NULL, NULL), ERR_CEDAR_SYNTAX);
    assert_null(none);
}

static void escapes_have_their_values(void **state)
{
    static const struct {
        const char *text, *value;
        size_t len;
    } CASES[] = {
        {U(""), "", 0},
        {U("a b"), "a b", 3},
        {U("\\n\\r\\t\\\\\\0\\'\\\""), "\n\r\t\\\0'\"", 7},
        {U("\\x41\\x00\\x7f\\x7F"), "A\0\x7f\x7f", 4},
        {U("\\u{41}\\u{000041}\\u{4_1}\\u{41_}\\u{4__1_}"), "AAAAA", 5},
        {U("\\u{e4}\\u{20ac}\\u{1F600}\\u{1f6_00}\\u{10FFFF}"),
         "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf", 17},
        {U("\\u{7f}\\u{80}\\u{7ff}\\u{800}\\u{ffff}\\u{10000}"),
         "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80", 15},
        {U("\\u{0}"), "\0", 1},
        {U("\xc3\xa4\n\t//\\\\\\\""), "\xc3\xa4\n\t//\\\"", 8},
    };
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct outcome o = parse(slice_str(CASES[i].text));
        const struct cedar_policy *policy;

        if (o.err != ERR_OK)
            fail_msg("%s: %s", CASES[i].text, o.why.text);
        policy = cedar_at(o.policies, 0);
        assert_int_equal(policy->principal.match, CEDAR_EQ);
        assert_int_equal(policy->principal.entity.id.len, CASES[i].len);
        if (CASES[i].len > 0)
            assert_memory_equal(policy->principal.entity.id.ptr, CASES[i].value, CASES[i].len);
        cedar_free(&o.policies);
    }
}

static void what_was_read_is_what_was_written(void **state)
{
    static const char TEXT[] =
        "@id(\"first\") @description(\"d\\n\")\n"
        "  permit(principal is A :: B in C::\"c\", action in [Action::\"x\", N::Action::\"y\"],\n"
        "resource == File::\"f\");\n"
        "forbid(principal in G::\"g\", action == Action::\"x\", resource is F);\n"
        "forbid(principal, action in Action::\"z\", resource);\n";
    struct outcome o = parse(slice_str(TEXT));
    const struct cedar_policy *p;
    (void)state;

    assert_int_equal(o.err, ERR_OK);
    assert_int_equal(cedar_count(o.policies), 3);
    p = cedar_at(o.policies, 0);
    assert_int_equal(p->effect, CEDAR_EFFECT_PERMIT);
    assert_true(p->has_id && slice_eq_str(p->id, "first") && slice_eq_str(p->description, "d\n"));
    assert_true(p->place.line == 2 && p->place.column == 3);
    assert_int_equal(p->place.offset, strstr(TEXT, "permit") - TEXT);
    assert_int_equal(p->principal.match, CEDAR_IS_IN);
    assert_true(slice_eq_str(p->principal.type, "A::B"));
    assert_true(slice_eq_str(p->principal.entity.type, "C"));
    assert_true(slice_eq_str(p->principal.entity.id, "c"));
    assert_int_equal(p->action.match, CEDAR_IN_LIST);
    assert_int_equal(p->action.n_list, 2);
    assert_true(slice_eq_str(p->action.list[1].type, "N::Action"));
    assert_true(slice_eq_str(p->action.list[1].id, "y"));
    assert_int_equal(p->resource.match, CEDAR_EQ);
    p = cedar_at(o.policies, 1);
    assert_int_equal(p->effect, CEDAR_EFFECT_FORBID);
    assert_true(!p->has_id && slice_eq_str(p->id, "policy1") && p->description.len == 0);
    assert_int_equal(p->principal.match, CEDAR_IN);
    assert_int_equal(p->action.match, CEDAR_EQ);
    assert_int_equal(p->resource.match, CEDAR_IS);
    assert_true(slice_eq_str(p->resource.type, "F"));
    p = cedar_at(o.policies, 2);
    assert_int_equal(p->principal.match, CEDAR_ANY);
    assert_int_equal(p->action.match, CEDAR_IN);
    assert_int_equal(p->resource.match, CEDAR_ANY);
    cedar_free(&o.policies);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void repeat(struct buf *text, const char *what, size_t times)
{
    for (size_t i = 0; i < times; i++)
        assert_int_equal(buf_add_str(text, what), ERR_OK);
}

/* head, n times middle, tail: accepted for most, refused with TOO_LARGE for one more. */
static void limit(const char *head, const char *middle, const char *tail, size_t most)
{
    for (size_t n = most; n <= most + 1; n++) {
        CLEANUP(buf_free) struct buf text = {0};
        struct outcome o;

        repeat(&text, head, 1);
        repeat(&text, middle, n);
        repeat(&text, tail, 1);
        o = parse(buf_slice(&text));
        if (o.err != (n == most ? ERR_OK : ERR_TOO_LARGE))
            fail_msg("%s%s...%s, %zu times: got %s: %s", head, middle, tail, n, err_name(o.err),
                     o.why.text);
        cedar_free(&o.policies);
    }
}

static void limits(void **state)
{
    (void)state;
    limit("//", "x", "", CEDAR_TEXT_MAX - 2);
    limit("", ALL, "", CEDAR_POLICIES_MAX);
    limit("permit(principal, action in [", "Action::\"a\",", "], resource);", CEDAR_LIST_MAX);
    limit("permit(principal is ", "T", ", action, resource);", CEDAR_NAME_MAX);
    limit("permit(principal is T", "::T", ", action, resource);", (CEDAR_NAME_MAX - 1) / 3);
    limit("permit(principal is A", "a", "::T, action, resource);", CEDAR_NAME_MAX - 4);
    limit("permit(principal == T::\"", "i", "\", action, resource);", CEDAR_STRING_MAX);
    limit("permit(principal == T::\"", "\\u{e4}", "\", action, resource);", CEDAR_STRING_MAX / 2);
    limit("@id(\"", "i", "\")" ALL, CEDAR_ID_MAX);
    limit("@description(\"", "i", "\")" ALL, CEDAR_STRING_MAX);
}

/* ---- truncation ------------------------------------------------------------------------------ */

static const char LONG[] = "// a comment \xc3\xa4\n"
                           "@id(\"one \\u{1F600}\") @description(\"\\x41\\n\")\n"
                           "permit(principal is A::B in G::\"x\\0\", action in [Action::\"a\", "
                           "N::Action::\"b\",], resource,);\n"
                           "forbid(principal == U::\"\\\"\", action == Action::\"\", resource in "
                           "F::\"\xf0\x9f\x98\x80\");\n"
                           "permit(principal, action in [], resource is T) ;";

static void every_truncation_is_judged(void **state)
{
    size_t accepted = 0;
    (void)state;

    for (size_t n = 0; n < sizeof LONG; n++) {
        struct outcome o = parse((struct slice){(const uint8_t *)LONG, n});

        accepted += o.err == ERR_OK;
        if (o.err != ERR_OK && o.err != ERR_CEDAR_SYNTAX && o.err != ERR_CEDAR_ANNOTATION)
            fail_msg("cut at %zu: %s", n, err_name(o.err));
        if (o.err != ERR_OK && o.where.offset > n)
            fail_msg("cut at %zu: refused at offset %zu", n, o.where.offset);
        cedar_free(&o.policies);
    }
    /* the comment and the two places behind a whole policy, with the blanks there */
    assert_in_range(accepted, 10, 30);
}

/* Nothing here can tell right from wrong, but the sanitizers see reads outside. */
static void every_changed_byte_is_judged(void **state)
{
    static const uint8_t BYTES[] = {0, '"', '\\', '\n', '(', ':', '[', 0x80, 0xc3, 0xff, '@', '?'};
    char text[sizeof LONG];
    (void)state;

    for (size_t i = 0; i < sizeof LONG - 1; i++)
        for (size_t j = 0; j < sizeof BYTES; j++) {
            struct outcome o;

            memcpy(text, LONG, sizeof LONG);
            text[i] = (char)BYTES[j];
            o = parse((struct slice){(const uint8_t *)text, sizeof LONG - 1});
            cedar_free(&o.policies);
        }
}

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
        if (cedar_entity_type_valid(slice_str(CASES[i].type)) != CASES[i].valid)
            fail_msg("\"%s\": wanted %d", CASES[i].type, CASES[i].valid);
    assert_false(cedar_entity_type_valid((struct slice){(const uint8_t *)"A\0", 2}));
    memset(name, 'T', sizeof name);
    assert_true(cedar_entity_type_valid((struct slice){(uint8_t *)name, CEDAR_NAME_MAX}));
    assert_false(cedar_entity_type_valid((struct slice){(uint8_t *)name, CEDAR_NAME_MAX + 1}));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(these_are_cedar),
        cmocka_unit_test(these_are_not),
        cmocka_unit_test(escapes_have_their_values),
        cmocka_unit_test(what_was_read_is_what_was_written),
        cmocka_unit_test(limits),
        cmocka_unit_test(every_truncation_is_judged),
        cmocka_unit_test(every_changed_byte_is_judged),
        cmocka_unit_test(entity_types),
        cmocka_unit_test(quoting),
    };
    return cmocka_run_group_tests_name("cedar", tests, NULL, NULL);
}
