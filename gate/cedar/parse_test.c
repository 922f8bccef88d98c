/* SPDX-License-Identifier: Apache-2.0 */
/* parse_test.c: which texts are Cedar, and which tree they are. */
#include "gate/cedar/text_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define P(scope) "permit(" scope ");"
#define U(id) P("principal == User::\"" id "\", action, resource")
#define ALL TESTING_ALL

static const struct {
    const char *text;
    size_t n;
} THESE_ARE_CEDAR[] = {
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
    {P("principal==User::\"a\",action in[Action::\"b\",Action::\"b\",],resource in F::\"c\","), 1},
    {P("principal == principal::\"a\", action == permit::Action::\"b\", resource is context"), 1},
    {P("principal == when::unless::\"a\", action == Action::\"b\", resource is __cedarx"), 1},
    {P("principal == U1::_2::\"a\", action, resource"), 1},
    {P("principal == User ::\n// c\n \"a\", action, resource"), 1},
    {P("principal\xc2\xa0== User::\"a\", action, resource"), 1},     /* no-break space */
    {P("principal\xe2\x80\xa8== User::\"a\", action, resource"), 1}, /* line separator */
    {P("principal\xc2\x85,\xe3\x80\x80 action, resource"), 1},
    {"//c\xe2\x80\xa8" ALL, 0}, /* a line separator does not end a comment */
    {"//c\r" ALL, 1},
    /* parentheses around entities */
    {P("principal == (User::\"a\"), action == ((Action::\"b\")), resource in (((F::\"c\")))"), 1},
    {P("principal, action in (([(Action::\"b\"), ((Action::\"c\"))])), resource"), 1},
    {P("principal is User in (G::\"g\"), action in ([]), resource"), 1},
    /* templates */
    {P("principal == ?principal, action, resource"), 1},
    {P("principal in (?principal), action, resource is F in ((?resource))"), 1},
    /* annotations */
    {"@id(\"a\") " ALL, 1},
    {"@ id ( \"a\" )@description(\"\")" ALL, 1},
    {"@risk @if @then(\"\\x41\") @in @__cedar @permit permit(principal, action, resource);", 1},
    {"@permit(\"x\") permit(principal, action, resource);", 1},
    {"@a(\"b\") " ALL " @a(\"b\") " ALL, 2},
    {"@id(\"a\") " ALL " @id(\"a\") " ALL, 2}, /* a gate refuses it, the language does not */
    /* conditions */
    {"permit(principal, action, resource) when{true}unless{false}when { 1 } when { \"a\" };", 1},
};

static void these_are_cedar(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof THESE_ARE_CEDAR / sizeof *THESE_ARE_CEDAR; i++) {
        struct outcome o = testing_parse(slice_str(THESE_ARE_CEDAR[i].text));

        if (o.err != ERR_OK)
            fail_msg("%s: refused: %s: %s", THESE_ARE_CEDAR[i].text, err_name(o.err), o.why.text);
        if (cedar_count(o.policies) != THESE_ARE_CEDAR[i].n)
            fail_msg("%s: %zu policies, wanted %zu", THESE_ARE_CEDAR[i].text,
                     cedar_count(o.policies), THESE_ARE_CEDAR[i].n);
        assert_null(cedar_at(o.policies, THESE_ARE_CEDAR[i].n));
        cedar_free(&o.policies);
        assert_null(o.policies);
    }
}

/* ---- expressions ----------------------------------------------------------------------------- */

static const struct {
    const char *text, *tree;
} TREES[] = {
    /* literals and names */
    {"true", "true"},
    {"0012", "12"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"- 1", "-1"},
    {"--9223372036854775808", "(neg -9223372036854775808)"},
    {"-(1)", "(neg 1)"},
    {"-(-1)", "(neg -1)"},
    {"-000000000000000000000000000000001", "-1"},
    {"-1.a", "(neg (. 1 a))"}, /* the number belongs to what is accessed */
    {"-1[\"a\"]", "(neg (. 1 a))"},
    {"----1", "(neg (neg (neg -1)))"},
    {"----context", "(neg (neg (neg (neg context))))"},
    {"!!!!true", "(! (! (! (! true))))"},
    {"\"a\\u{41}\\\"\"", "'aA\"'"},
    {"\"\"", "''"},
    {"User::\"a\"", "User'a'"},
    {"A :: B\n::\"\\0\"", NULL}, /* holds a NUL: see escapes */
    {"A :: // c\n B::\"x\"", "A::B'x'"},
    {"principal::\"a\"", "principal'a'"},
    {"context::if_::\"a\"", "context::if_'a'"},
    {"principal", "principal"},
    {"context", "context"},
    {"(((action)))", "action"},
    /* what binds how */
    {"1 + 2 * 3", "(+ 1 (* 2 3))"},
    {"1 * 2 + 3", "(+ (* 1 2) 3)"},
    {"1 - 2 - 3 + 4", "(+ (- (- 1 2) 3) 4)"},
    {"1 - (2 - 3)", "(- 1 (- 2 3))"},
    {"1 * 2 * 3", "(* (* 1 2) 3)"},
    {"1--1", "(- 1 -1)"},
    {"1 - - - 2", "(- 1 (neg -2))"},
    {"-1 + -context", "(+ -1 (neg context))"},
    {"1 + 2 == 3 * 4", "(== (+ 1 2) (* 3 4))"},
    {"1 < 2 && 3 >= 4 || 5 != 6", "(|| (&& (< 1 2) (>= 3 4)) (!= 5 6))"},
    {"true || false && true || false", "(|| (|| true (&& false true)) false)"},
    {"true && (false && true)", "(&& true (&& false true))"},
    {"1 <= 2", "(<= 1 2)"},
    {"1 > 2", "(> 1 2)"},
    {"(1 == 2) == true", "(== (== 1 2) true)"},
    {"!principal.a", "(! (. principal a))"},
    {"!principal in resource", "(in (! principal) resource)"},
    {"principal in [A::\"a\", A::\"b\",]", "(in principal (set A'a' A'b'))"},
    {"if true then 1 else 2 + 3", "(if true 1 (+ 2 3))"},
    {"if if true then true else false then if true then 1 else 2 else 3",
     "(if (if true true false) (if true 1 2) 3)"},
    {"(if true then 1 else 2) + 3", "(+ (if true 1 2) 3)"},
    /* attributes */
    {"principal.a.b[\"c d\"].e", "(. (. (. (. principal a) b) c d) e)"},
    {"principal.principal.permit.when", "(. (. (. principal principal) permit) when)"},
    {"principal[\"if\"]", "(. principal if)"},
    {"principal[\"\\x41\"]", "(. principal A)"},
    {"\"a\".b", "(. 'a' b)"},
    {"true.b", "(. true b)"},
    {"1 .a", "(. 1 a)"},
    {"{}.a", "(. (record) a)"},
    {"principal.contains", "(. principal contains)"},
    {"principal.ip", "(. principal ip)"},
    {"-principal.a", "(neg (. principal a))"},
    /* has, like, is */
    {"principal has a", "(has principal a)"},
    {"principal has \"a b\"", "(has principal a b)"},
    {"principal has \"if\"", "(has principal if)"},
    {"principal has a.b.c", "(has-path principal a b c)"},
    {"principal has a . b", "(has-path principal a b)"},
    {"principal has principal.action.context", "(has-path principal principal action context)"},
    {"1 + 1 has a && true", "(&& (has (+ 1 1) a) true)"},
    {"(principal has a) has b.c", "(has-path (has principal a) b c)"},
    {"\"a\" like \"\"", "(like 'a')"},
    {"\"a\" like \"*\"", "(like 'a' *)"},
    {"\"a\" like \"a***b*\"", "(like 'a' 'a' * 'b' *)"},
    {"\"a\" like \"\\*\"", "(like 'a' '*')"},
    {"\"a\" like \"\\**\\*\"", "(like 'a' '*' * '*')"},
    {"\"a\" like \"\\x2a\\u{2a}\"", "(like 'a' *)"}, /* as in Rust: an escaped star is a star */
    {"\"a\" like \"\\x41\\\\*\\\"\"", "(like 'a' 'A\\' * '\"')"},
    {"principal is A::B", "(is principal A::B)"},
    {"principal is A :: B", "(is principal A::B)"},
    {"principal is principal", "(is principal principal)"},
    {"principal is A in 1 + 2", "(is principal A (+ 1 2))"},
    {"principal is A in [resource] && true", "(&& (is principal A (set resource)) true)"},
    /* sets and records */
    {"[]", "(set)"},
    {"[1, [], [1, 1]]", "(set 1 (set) (set 1 1))"},
    {"{}", "(record)"},
    {"{a: 1, \"b c\": {principal: 2,}, permit: 3}",
     "(record a 1 b c (record principal 2) permit 3)"},
    {"{\"\": 1, \"if\": 2, \"__cedar\": 3}", "(record  1 if 2 __cedar 3)"},
    {"{a: if true then 1 else 2}", "(record a (if true 1 2))"},
    /* methods and functions */
    {"[1].contains(1)", "(contains (set 1) 1)"},
    {"[1].containsAll([2,],).containsAny([3])",
     "(containsAny (containsAll (set 1) (set 2)) (set 3))"},
    {"[].isEmpty()", "(isEmpty (set))"},
    {"principal.hasTag(\"a\") && principal.getTag(\"a\") == 1",
     "(&& (hasTag principal 'a') (== (getTag principal 'a') 1))"},
    {"[1].contains(if true then 1 else 2)", "(contains (set 1) (if true 1 2))"},
    {"ip(\"::1\").isInRange(ip(\"::/0\"))", "(call isInRange (call ip '::1') (call ip '::/0'))"},
    {"context.a.b.lessThan(decimal(\"1.0\"))",
     "(call lessThan (. (. context a) b) (call decimal '1.0'))"},
    {"datetime(\"x\").offset(duration(\"y\")).toDate()",
     "(call toDate (call offset (call datetime 'x') (call duration 'y')))"},
    /* their number of arguments is not the parser's business, in Rust neither */
    {"ip()", "(call ip)"},
    {"ip(1, 2, 3,)", "(call ip 1 2 3)"},
    {"1.isIpv4(2, 3)", "(call isIpv4 1 2 3)"},
};

static void trees(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof TREES / sizeof *TREES; i++) {
        CLEANUP(buf_free) struct buf text = {0}, tree = {0};
        struct outcome o;

        assert_int_equal(buf_add_str(&text, "permit(principal, action, resource) when {"), ERR_OK);
        assert_int_equal(buf_add_str(&text, TREES[i].text), ERR_OK);
        assert_int_equal(buf_add_str(&text, "};"), ERR_OK);
        o = testing_parse(buf_slice(&text));
        if (o.err != ERR_OK)
            fail_msg("%s: refused: %s", TREES[i].text, o.why.text);
        testing_tree(cedar_at(o.policies, 0)->conditions[0].body, &tree);
        if (TREES[i].tree != NULL && !slice_eq_str(buf_slice(&tree), TREES[i].tree))
            fail_msg("%s\n got %.*s\nwant %s", TREES[i].text, (int)tree.len, (const char *)tree.ptr,
                     TREES[i].tree);
        cedar_free(&o.policies);
    }
}

/* Where each operation begins; the brackets around a part belong to what it is part of. */
static void offsets(void **state)
{
    static const char TEXT[] =
        TESTING_WHEN("(principal.a) + -1 == !!context[\"b\"] && [1, 2] == 3");
    struct outcome o = testing_parse(slice_str(TEXT));
    const struct cedar_expr *e;
    uint32_t start = TESTING_WHEN_COLUMN - 1;
    (void)state;

    assert_int_equal(o.err, ERR_OK);
    e = cedar_at(o.policies, 0)->conditions[0].body;
    assert_int_equal(e->offset, start);               /* && */
    assert_int_equal(e->a->offset, start);            /* == */
    assert_int_equal(e->a->a->offset, start);         /* + */
    assert_int_equal(e->a->a->a->offset, start + 1);  /* . */
    assert_int_equal(e->a->a->b->offset, start + 16); /* -1 */
    assert_int_equal(e->a->b->offset, start + 22);    /* ! */
    assert_int_equal(e->a->b->a->offset, start + 23); /* ! */
    assert_int_equal(e->a->b->a->a->offset, start + 24);
    assert_int_equal(e->b->offset, start + 40);
    assert_int_equal(e->b->a->items[1]->offset, start + 44);
    assert_int_equal(cedar_at(o.policies, 0)->conditions[0].offset, start - 7);
    cedar_free(&o.policies);
}

/* ---- policies -------------------------------------------------------------------------------- */

static void escapes_have_their_values(void **state)
{
    static const struct {
        const char *text, *value;
        size_t len;
    } CASES[] = {
        {U(""), "", 0},
        {U("a b"), "a b", 3},
        {U("*"), "*", 1},
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
        struct outcome o = testing_parse(slice_str(CASES[i].text));
        const struct cedar_policy *policy;

        if (o.err != ERR_OK)
            fail_msg("%s: %s", CASES[i].text, o.why.text);
        policy = cedar_at(o.policies, 0);
        assert_int_equal(policy->principal.match, CEDAR_EQ);
        assert_int_equal(policy->principal.uid.id.len, CASES[i].len);
        if (CASES[i].len > 0)
            assert_memory_equal(policy->principal.uid.id.ptr, CASES[i].value, CASES[i].len);
        cedar_free(&o.policies);
    }
}

static const char WRITTEN[] =
    "@id(\"first\") @description(\"d\\n\")\n"
    "  permit(principal is A :: B in C::\"c\", action in [Action::\"x\", N::Action::\"y\"],\n"
    "resource == File::\"f\") when { true }\nunless { false };\n"
    "forbid(principal in G::\"g\", action == Action::\"x\", resource is F);\n"
    "@risk @id @x(\"\") forbid(principal in ?principal, action in Action::\"z\", resource == "
    "?resource);";

static void what_was_read_is_what_was_written(void **state)
{
    struct outcome o = testing_parse(slice_str(WRITTEN));
    const struct cedar_policy *p;
    (void)state;

    assert_int_equal(o.err, ERR_OK);
    assert_int_equal(cedar_count(o.policies), 3);
    p = cedar_at(o.policies, 0);
    assert_int_equal(p->effect, CEDAR_EFFECT_PERMIT);
    assert_true(slice_eq_str(p->id, "policy0") && slice_eq_str(p->name, "first"));
    assert_true(slice_eq_str(cedar_annotation(p, "description")->value, "d\n"));
    assert_null(cedar_annotation(p, "descriptio"));
    assert_true(p->place.line == 1 && p->place.column == 1 && p->offset == 0);
    assert_int_equal(p->end, strchr(WRITTEN, ';') + 1 - WRITTEN);
    assert_int_equal(p->principal.match, CEDAR_IS_IN);
    assert_int_equal(p->principal.offset, strstr(WRITTEN, "principal") - WRITTEN);
    assert_true(slice_eq_str(p->principal.type, "A::B"));
    assert_true(slice_eq_str(p->principal.uid.type, "C"));
    assert_true(slice_eq_str(p->principal.uid.id, "c"));
    assert_int_equal(p->action.match, CEDAR_IN_LIST);
    assert_int_equal(p->action.n_list, 2);
    assert_true(slice_eq_str(p->action.list[1].type, "N::Action"));
    assert_true(slice_eq_str(p->action.list[1].id, "y"));
    assert_int_equal(p->resource.match, CEDAR_EQ);
    assert_int_equal(p->n_conditions, 2);
    assert_true(!p->conditions[0].unless && p->conditions[0].body->literal.truth);
    assert_true(p->conditions[1].unless && !p->conditions[1].body->literal.truth);
    assert_int_equal(p->conditions[1].offset, strstr(WRITTEN, "unless") - WRITTEN);
    assert_false(p->is_template);
    p = cedar_at(o.policies, 1);
    assert_int_equal(p->effect, CEDAR_EFFECT_FORBID);
    assert_true(slice_eq_str(p->id, "policy1") && slice_eq_str(p->name, "policy1"));
    assert_int_equal(p->principal.match, CEDAR_IN);
    assert_int_equal(p->action.match, CEDAR_EQ);
    assert_int_equal(p->resource.match, CEDAR_IS);
    assert_true(slice_eq_str(p->resource.type, "F"));
    assert_int_equal(p->n_annotations + p->n_conditions, 0);
    p = cedar_at(o.policies, 2);
    assert_true(p->is_template && p->template == NULL);
    assert_int_equal(p->principal.slot, CEDAR_SLOT_PRINCIPAL);
    assert_int_equal(p->principal.match, CEDAR_IN);
    assert_int_equal(p->action.match, CEDAR_IN);
    assert_int_equal(p->resource.slot, CEDAR_SLOT_RESOURCE);
    assert_int_equal(p->resource.match, CEDAR_EQ);
    assert_true(slice_eq_str(p->name, "policy2")); /* @id alone names nothing */
    assert_int_equal(p->n_annotations, 3);
    assert_true(!p->annotations[0].has_value && p->annotations[2].has_value);
    cedar_free(&o.policies);
}

static void found_by_id_and_place(void **state)
{
    struct outcome o = testing_parse(slice_str(WRITTEN));
    struct cedar_place place;
    (void)state;

    assert_ptr_equal(cedar_find(o.policies, slice_str("policy1")), cedar_at(o.policies, 1));
    assert_null(cedar_find(o.policies, slice_str("first"))); /* a name, no id */
    assert_true(slice_eq_str(cedar_source(o.policies), WRITTEN));
    place = cedar_place_at(o.policies, cedar_at(o.policies, 1)->offset);
    assert_true(place.line == 5 && place.column == 1);
    place = cedar_place_at(o.policies, CEDAR_NOWHERE);
    assert_int_equal(place.line, 0);
    cedar_free(&o.policies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(these_are_cedar),
        cmocka_unit_test(trees),
        cmocka_unit_test(offsets),
        cmocka_unit_test(escapes_have_their_values),
        cmocka_unit_test(what_was_read_is_what_was_written),
        cmocka_unit_test(found_by_id_and_place),
    };
    return cmocka_run_group_tests_name("cedar_parse", tests, NULL, NULL);
}
