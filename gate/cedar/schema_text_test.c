/* SPDX-License-Identifier: Apache-2.0 */
/* schema_text_test.c: schemas in the human syntax that are read, and what they mean. Each meaning
 * is the one that the Rust implementation gives to it. */
#include "gate/cedar/schema_testing.h"

static const struct {
    const char *text, *want;
} READ[] = {
    {"", ""},
    {" // nothing\n", ""},
    {"entity A;", "entity A; "},
    {"entity A, B;", "entity A; entity B; "},
    {"entity A = {};", "entity A; "},
    {"entity A {};", "entity A; "},
    {"@a entity A;//", "entity A; "},
    {"@if(\"x\\u{41}\") @in entity A { @a @b(\"c\") x: Long };", "entity A {\"x\": Long}; "},
    {"@a namespace N { @b entity A; @c action x; @d type T = Long; }",
     "entity N::A; action N::Action::\"x\"; "},
    {"entity namespace, external, entity, type, Set, appliesTo, principal;",
     "entity Set; entity appliesTo; entity entity; entity external; entity namespace; entity "
     "principal; entity type; "},
    {"entity action, resource, context, attributes, tags, enum;",
     "entity action; entity attributes; entity context; entity enum; entity resource; entity "
     "tags; "},
    {"action namespace, Set, Long; action \"in\" in [Set, \"Long\"];",
     "action Action::\"Long\"; action Action::\"Set\"; action Action::\"in\" in Action::\"Long\", "
     "Action::\"Set\"; action Action::\"namespace\"; "},
    {"type type = Long; entity type2 { type: type, \"entity\"?: Set<type>, };",
     "entity type2 {\"entity\"?: Set<Long>, \"type\": Long}; "},
    {"entity Set { x: Set, y: Set<Set> };", "entity Set {\"x\": &Set, \"y\": Set<&Set>}; "},
    {"entity A { Long: Long, in_: Bool, __cedar: String };",
     "entity A {\"Long\": Long, \"__cedar\": String, \"in_\": Bool}; "},
    {"entity A { \"\": Long, \"a b\"?: Long, \"\\u{1f600}\\0\": Long };",
     "entity A {\"\": Long, \"a b\"?: Long, \"\\u{1f600}\\u{0}\": Long}; "},
    {"entity A { a ? : Long, b?:Long };", "entity A {\"a\"?: Long, \"b\"?: Long}; "},
    {"entity A { a: Undeclared, a?: Long };", "entity A {\"a\"?: Long}; "},
    {"entity A { a: Long, \"\\x61\": String };", "entity A {\"a\": String}; "},
    {"type T = {a: {b?: Set<Set<{}>>}}; entity A { x: T } tags T;",
     "entity A {\"x\": {\"a\": {\"b\"?: Set<Set<{}>>}}} tags {\"a\": {\"b\"?: Set<Set<{}>>}}; "},
    {"entity A { a: ipaddr, b: decimal, c: datetime, d: duration };",
     "entity A {\"a\": ipaddr, \"b\": decimal, \"c\": datetime, \"d\": duration}; "},
    {"entity A { a: __cedar::Long, b: __cedar :: ipaddr };",
     "entity A {\"a\": Long, \"b\": ipaddr}; "},
    {"type T = U; type U = V; type V = String; entity A tags T;", "entity A tags String; "},
    {"entity A tags Set<String>;", "entity A tags Set<String>; "},
    {"entity B; entity A in B tags A;", "entity A in B tags &A; entity B; "},
    {"entity A in [B, C]={x:Long}tags Long;entity B,C;",
     "entity A in B, C {\"x\": Long} tags Long; entity B; entity C; "},
    {"entity A; type A = Long; entity B in A { x: A } tags Set<A>;",
     "entity A; entity B in A {\"x\": Long} tags Set<Long>; "},
    {"namespace N { entity A; type A = {a: Long}; } entity B { x: N::A };",
     "entity B {\"x\": {\"a\": Long}}; entity N::A; "},
    {"entity A; type T = A; entity B { x: T };", "entity A; entity B {\"x\": &A}; "},
    {"entity A; type A = {x: Long}; action a appliesTo { principal: A, resource: A, context: "
     "A };",
     "entity A; action Action::\"a\" by A on A with {\"x\": Long}; "},
    {"entity Long; entity A { x: Long, y: __cedar::Long };",
     "entity A {\"x\": &Long, \"y\": Long}; entity Long; "},
    {"entity ipaddr; entity A { x: ipaddr, y: __cedar::ipaddr };",
     "entity A {\"x\": &ipaddr, \"y\": ipaddr}; entity ipaddr; "},
    {"type ipaddr = __cedar::decimal; entity A { x: ipaddr };", "entity A {\"x\": decimal}; "},
    {"namespace N { entity String; entity A { x: String }; } entity B { x: String };",
     "entity B {\"x\": String}; entity N::A {\"x\": &N::String}; entity N::String; "},
    {"namespace N { type decimal = Long; entity A { x: decimal }; } entity B { x: decimal };",
     "entity B {\"x\": decimal}; entity N::A {\"x\": Long}; "},
    {"namespace N {}", ""},
    {"namespace A::B :: C { entity D; }", "entity A::B::C::D; "},
    {"namespace N { entity A { x: B }; } entity B;", "entity B; entity N::A {\"x\": &B}; "},
    {"namespace N { entity A { x: M::B }; } namespace M { entity B; }",
     "entity M::B; entity N::A {\"x\": &M::B}; "},
    {"namespace N { entity B; entity A { x: B, y: N::B }; } namespace M { entity B; }",
     "entity M::B; entity N::A {\"x\": &N::B, \"y\": &N::B}; entity N::B; "},
    {"namespace N::M { entity A { x: B }; entity B; } namespace N { entity C; }",
     "entity N::C; entity N::M::A {\"x\": &N::M::B}; entity N::M::B; "},
    {"namespace N { type T = U; } type U = Long; entity A { x: N::T };",
     "entity A {\"x\": Long}; "},
    {"entity A; namespace A { entity B; }", "entity A; entity A::B; "},
    {"namespace N { entity A; } entity B in N::A; namespace M { action a; } action b;",
     "entity B in N::A; entity N::A; action Action::\"b\"; action M::Action::\"a\"; "},
    {"entity A in A;", "entity A in A; "},
    {"entity A in []; entity B in [A, A];", "entity A; entity B in A; "},
    {"entity A in B; entity B in C; entity C in D; entity D;",
     "entity A in B, C, D; entity B in C, D; entity C in D; entity D; "},
    {"entity A in B; entity B in C; entity C in B;",
     "entity A in B, C; entity B in B, C; entity C in B, C; "},
    {"entity A in [B, C]; entity B, C in D; entity D;",
     "entity A in B, C, D; entity B in D; entity C in D; entity D; "},
    {"entity E enum [\"x\", \"\\u{41}\", \"x\"]; entity A in E { e: E };",
     "entity A in E {\"e\": &E}; entity E enum \"x\", \"A\", \"x\"; "},
    {"entity E, F enum [\"\"];", "entity E enum \"\"; entity F enum \"\"; "},
    {"action a; action b in a; action c in [b, \"a\"];",
     "action Action::\"a\"; action Action::\"b\" in Action::\"a\"; action Action::\"c\" in "
     "Action::\"a\", Action::\"b\"; "},
    {"action a in b; action b in Action::\"c\"; action c;",
     "action Action::\"a\" in Action::\"b\", Action::\"c\"; action Action::\"b\" in Action::\"c\"; "
     "action Action::\"c\"; "},
    {"action a, b in [c, d]; action c in d; action d;",
     "action Action::\"a\" in Action::\"c\", Action::\"d\"; action Action::\"b\" in Action::\"c\", "
     "Action::\"d\"; action Action::\"c\" in Action::\"d\"; action Action::\"d\"; "},
    {"namespace N { action a in b; action b; }",
     "action N::Action::\"a\" in N::Action::\"b\"; action N::Action::\"b\"; "},
    {"namespace N { action a in b; } action b;",
     "action Action::\"b\"; action N::Action::\"a\" in Action::\"b\"; "},
    {"namespace N { action a in [b, M::Action::\"b\", Action::\"c\"]; action b, c; } namespace "
     "M { action b; }",
     "action M::Action::\"b\"; action N::Action::\"a\" in M::Action::\"b\", N::Action::\"b\", "
     "N::Action::\"c\"; action N::Action::\"b\"; action N::Action::\"c\"; "},
    {"action a in [b, b]; action b;",
     "action Action::\"a\" in Action::\"b\"; action Action::\"b\"; "},
    {"action a in Action :: \"b\"; action b;",
     "action Action::\"a\" in Action::\"b\"; action Action::\"b\"; "},
    {"entity A, B; action \"\", \"x y\", z appliesTo { principal: A, resource: [B, A, B] };",
     "entity A; entity B; action Action::\"\" by A on A, B; action Action::\"x y\" by A on "
     "A, B; action Action::\"z\" by A on A, B; "},
    {"entity A; action a appliesTo { resource: A, context: {}, principal: [A], } attributes "
     "{};",
     "entity A; action Action::\"a\" by A on A; "},
    {"entity A; type C = {x?: A}; action a appliesTo { principal: A, resource: A, context: "
     "C };",
     "entity A; action Action::\"a\" by A on A with {\"x\"?: &A}; "},
    {"namespace N { entity A; action a appliesTo { principal: A, resource: N::A, context: {x: "
     "B} }; } entity B;",
     "entity B; entity N::A; action N::Action::\"a\" by N::A on N::A with {\"x\": &B}; "},
    {"entity A { x: Action, y: Set<N::Action> }; action a; namespace N { action b; }",
     "entity A {\"x\": &Action, \"y\": Set<&N::Action>}; action Action::\"a\"; action "
     "N::Action::\"b\"; "},
    {"namespace N { entity A { x: Action }; } action a;",
     "entity N::A {\"x\": &Action}; action Action::\"a\"; "},
    {"type Action = Long; entity A { x: Action }; action a; action b in a;",
     "entity A {\"x\": Long}; action Action::\"a\"; action Action::\"b\" in Action::\"a\"; "},
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(READ); i++) {
        CLEANUP(cedar_schema_free) struct cedar_schema *schema = NULL;
        CLEANUP(buf_free) struct buf shown = {0};
        struct why why = {0};

        if (cedar_schema_parse(slice_str(READ[i].text), &schema, NULL, &why) != ERR_OK)
            fail_msg("%s: %s", READ[i].text, why.text);
        shown = show_schema(schema);
        if (strcmp((const char *)shown.ptr, READ[i].want) != 0)
            fail_msg("%s: found %s, expected %s", READ[i].text, (const char *)shown.ptr,
                     READ[i].want);
    }
}

/* What is cut off is refused at a place within it, or it is a shorter schema. */
static void test_cut(void **state)
{
    unsigned refused = 0;

    (void)state;
    for (size_t i = 0; i < N(READ); i++) {
        size_t len = strlen(READ[i].text);

        for (size_t n = 0; n <= len; n++) {
            CLEANUP(cedar_schema_free) struct cedar_schema *schema = NULL;
            uint8_t *cut = malloc(n + 1); /* so that a byte too far is found */
            struct cedar_place where = {0};
            struct why why = {0};
            err_code err;

            assert_non_null(cut);
            memcpy(cut, READ[i].text, n);
            err = cedar_schema_parse((struct slice){cut, n}, &schema, &where, &why);
            free(cut);
            if (err == ERR_OK)
                continue;
            refused++;
            assert_int_equal(err, ERR_CEDAR_SCHEMA);
            assert_null(schema);
            assert_true(where.line > 0 && where.offset <= n && why.text[0] != '\0');
        }
    }
    assert_true(refused > 2000);
}

static void test_look_up(void **state)
{
    CLEANUP(cedar_schema_free) struct cedar_schema *schema = NULL;
    struct cedar_uid a = cedar_uid_of(slice_str("Action"), slice_str("a"));
    struct cedar_uid b = cedar_uid_of(slice_str("Action"), slice_str("b"));

    (void)state;
    assert_int_equal(cedar_schema_parse(slice_str(""), &schema, NULL, NULL), ERR_OK);
    assert_null(cedar_schema_entity(schema, slice_str("A")));
    assert_null(cedar_schema_action(schema, &a));
    cedar_schema_free(&schema);
    assert_int_equal(cedar_schema_parse(slice_str("entity A; action a;"), &schema, NULL, NULL),
                     ERR_OK);
    assert_non_null(cedar_schema_entity(schema, slice_str("A")));
    assert_null(cedar_schema_entity(schema, slice_str("B")));
    assert_non_null(cedar_schema_action(schema, &a));
    assert_null(cedar_schema_action(schema, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_look_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
