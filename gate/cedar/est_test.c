/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/policies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALL "{\"op\":\"All\"}"
#define UID(id) "{\"type\":\"U\",\"id\":\"" id "\"}"
#define POLICY(principal, action, resource, rest)                                                  \
    "{\"effect\":\"permit\",\"principal\":" principal ",\"action\":" action                        \
    ",\"resource\":" resource ",\"conditions\":[" rest "}"
#define PLAIN POLICY(ALL, ALL, ALL, "]")
#define WHEN(body) POLICY(ALL, ALL, ALL, "{\"kind\":\"when\",\"body\":" body "}]")
#define SET(policies, templates, links)                                                            \
    "{\"staticPolicies\":{" policies "},\"templates\":{" templates "},\"templateLinks\":[" links   \
    "]}"
#define P "{\"Var\":\"principal\"}"
#define TRUE "{\"Value\":true}"
#define BINARY(op) "{\"" op "\":{\"left\":" P ",\"right\":{\"Value\":1}}}"

static err_code parse_policy(const char *json, struct cedar_policies **ret, struct why *why)
{
    size_t len = strlen(json);
    uint8_t *copy = malloc(len + 1);
    err_code err;

    assert_non_null(copy);
    memcpy(copy, json, len);
    err = cedar_parse_json_policy((struct slice){copy, len}, slice_str("policy0"), ret, why);
    free(copy); /* nothing of it is kept */
    return err;
}

static void assert_json(const char *what, const struct cedar_policies *policies, const char *want)
{
    CLEANUP(buf_free) struct buf got = {0};

    assert_int_equal(cedar_print_json_policy(cedar_at(policies, 0), &got), ERR_OK);
    if (!slice_eq_str(buf_slice(&got), want))
        fail_msg("%s: got %.*s, want %s", what, (int)got.len, (const char *)got.ptr, want);
}

/* ---- text and JSON ---- */

/* The condition of a policy in both forms. */
static const struct {
    const char *text, *json;
} EXPRESSIONS[] = {
    {"true", TRUE},
    {"-9223372036854775808", "{\"Value\":-9223372036854775808}"},
    {"\"a\\0\\\"\"", "{\"Value\":\"a\\u0000\\\"\"}"},
    {"A::U::\"x\"", "{\"Value\":{\"__entity\":{\"type\":\"A::U\",\"id\":\"x\"}}}"},
    {"principal", P},
    {"action", "{\"Var\":\"action\"}"},
    {"resource", "{\"Var\":\"resource\"}"},
    {"context", "{\"Var\":\"context\"}"},
    {"!true", "{\"!\":{\"arg\":" TRUE "}}"},
    {"-principal", "{\"neg\":{\"arg\":" P "}}"},
    {"principal == 1", BINARY("==")},
    {"principal != 1", BINARY("!=")},
    {"principal < 1", BINARY("<")},
    {"principal <= 1", BINARY("<=")},
    {"principal > 1", BINARY(">")},
    {"principal >= 1", BINARY(">=")},
    {"principal in 1", BINARY("in")},
    {"principal && 1", BINARY("&&")},
    {"principal || 1", BINARY("||")},
    {"principal + 1", BINARY("+")},
    {"principal - 1", BINARY("-")},
    {"principal * 1", BINARY("*")},
    {"principal.contains(1)", BINARY("contains")},
    {"principal.containsAll(1)", BINARY("containsAll")},
    {"principal.containsAny(1)", BINARY("containsAny")},
    {"principal.hasTag(1)", BINARY("hasTag")},
    {"principal.getTag(1)", BINARY("getTag")},
    {"principal.isEmpty()", "{\"isEmpty\":{\"arg\":" P "}}"},
    {"principal.a", "{\".\":{\"left\":" P ",\"attr\":\"a\"}}"},
    {"principal[\"a b\\0\"]", "{\".\":{\"left\":" P ",\"attr\":\"a b\\u0000\"}}"},
    {"principal has a", "{\"has\":{\"left\":" P ",\"attr\":\"a\"}}"},
    {"principal has \"\"", "{\"has\":{\"left\":" P ",\"attr\":\"\"}}"},
    {"principal has a.b.c", "{\"has\":{\"left\":" P ",\"attr\":[\"a\",\"b\",\"c\"]}}"},
    {"principal like \"\"", "{\"like\":{\"left\":" P ",\"pattern\":[]}}"},
    {"principal like \"*a\\*b*\"",
     "{\"like\":{\"left\":" P ",\"pattern\":[\"Wildcard\",{\"Literal\":\"a*b\"},\"Wildcard\"]}}"},
    {"principal is A::U", "{\"is\":{\"left\":" P ",\"entity_type\":\"A::U\"}}"},
    {"principal is U in resource",
     "{\"is\":{\"left\":" P ",\"entity_type\":\"U\",\"in\":{\"Var\":\"resource\"}}}"},
    {"if true then 1 else principal",
     "{\"if-then-else\":{\"if\":" TRUE ",\"then\":{\"Value\":1},\"else\":" P "}}"},
    {"[]", "{\"Set\":[]}"},
    {"[1, 1, principal]", "{\"Set\":[{\"Value\":1},{\"Value\":1}," P "]}"},
    {"{}", "{\"Record\":{}}"},
    {"{b: 1, \"a b\": principal}", "{\"Record\":{\"b\":{\"Value\":1},\"a b\":" P "}}"},
    {"{\"__entity\": 1}", "{\"Record\":{\"__entity\":{\"Value\":1}}}"},
    {"ip(\"::1\")", "{\"ip\":[{\"Value\":\"::1\"}]}"},
    {"ip(\"no\").isInRange(principal)", "{\"isInRange\":[{\"ip\":[{\"Value\":\"no\"}]}," P "]}"},
    {"ip()", "{\"ip\":[]}"},
    {"decimal(1, 2)", "{\"decimal\":[{\"Value\":1},{\"Value\":2}]}"},
};

static void expressions_are_the_same_in_text_and_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof EXPRESSIONS / sizeof *EXPRESSIONS; i++) {
        CLEANUP(cedar_free) struct cedar_policies *from_text = NULL, *from_json = NULL;
        CLEANUP(cedar_free) struct cedar_policies *again = NULL;
        CLEANUP(buf_free) struct buf printed = {0};
        char text[512], json[1024];
        struct why why = {0};

        snprintf(text, sizeof text, "permit(principal, action, resource) when { %s };",
                 EXPRESSIONS[i].text);
        snprintf(json, sizeof json, WHEN("%s"), EXPRESSIONS[i].json);
        if (cedar_parse(slice_str(text), &from_text, NULL, &why) != ERR_OK ||
            parse_policy(json, &from_json, &why) != ERR_OK)
            fail_msg("%s: %s", EXPRESSIONS[i].text, why.text);
        assert_json(EXPRESSIONS[i].text, from_text, json);
        assert_json(EXPRESSIONS[i].json, from_json, json);
        assert_int_equal(cedar_print(from_json, &printed), ERR_OK);
        assert_int_equal(cedar_parse(buf_slice(&printed), &again, NULL, NULL), ERR_OK);
        assert_json("text of JSON", again, json);
    }
}

/* Whole policies in both forms. */
static const struct {
    const char *text, *json;
} POLICIES[] = {
    {"permit(principal, action, resource);", PLAIN},
    {"permit(principal == U::\"x\", action == Action::\"a\", resource in U::\"y\");",
     POLICY("{\"op\":\"==\",\"entity\":" UID("x") "}",
            "{\"op\":\"==\",\"entity\":{\"type\":\"Action\",\"id\":\"a\"}}",
            "{\"op\":\"in\",\"entity\":" UID("y") "}", "]")},
    {"permit(principal is U, action in Action::\"a\", resource is A::U in U::\"y\");",
     POLICY("{\"op\":\"is\",\"entity_type\":\"U\"}",
            "{\"op\":\"in\",\"entity\":{\"type\":\"Action\",\"id\":\"a\"}}",
            "{\"op\":\"is\",\"entity_type\":\"A::U\",\"in\":{\"entity\":" UID("y") "}}", "]")},
    {"permit(principal, action in [Action::\"a\", N::Action::\"b\"], resource);",
     POLICY(ALL,
            "{\"op\":\"in\",\"entities\":[{\"type\":\"Action\",\"id\":\"a\"},"
            "{\"type\":\"N::Action\",\"id\":\"b\"}]}",
            ALL, "]")},
    {"permit(principal, action in [], resource);",
     POLICY(ALL, "{\"op\":\"in\",\"entities\":[]}", ALL, "]")},
    {"permit(principal, action in [Action::\"a\"], resource);",
     POLICY(ALL, "{\"op\":\"in\",\"entity\":{\"type\":\"Action\",\"id\":\"a\"}}", ALL, "]")},
    {"permit(principal == ?principal, action, resource is U in ?resource);",
     POLICY("{\"op\":\"==\",\"slot\":\"?principal\"}", ALL,
            "{\"op\":\"is\",\"entity_type\":\"U\",\"in\":{\"slot\":\"?resource\"}}", "]")},
    {"permit(principal in ?principal, action, resource) when { true } unless { principal };",
     POLICY("{\"op\":\"in\",\"slot\":\"?principal\"}", ALL, ALL,
            "{\"kind\":\"when\",\"body\":" TRUE "},{\"kind\":\"unless\",\"body\":" P "}]")},
    {"@a @if(\"\") @id(\"x\\0\") permit(principal, action, resource);",
     POLICY(ALL, ALL, ALL, "],\"annotations\":{\"a\":null,\"if\":\"\",\"id\":\"x\\u0000\"}")},
};

static void policies_are_the_same_in_text_and_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof POLICIES / sizeof *POLICIES; i++) {
        CLEANUP(cedar_free) struct cedar_policies *from_text = NULL, *from_json = NULL;
        struct why why = {0};

        if (cedar_parse(slice_str(POLICIES[i].text), &from_text, NULL, &why) != ERR_OK ||
            parse_policy(POLICIES[i].json, &from_json, &why) != ERR_OK)
            fail_msg("%s: %s", POLICIES[i].text, why.text);
        assert_json(POLICIES[i].text, from_text, POLICIES[i].json);
        assert_json(POLICIES[i].json, from_json, POLICIES[i].json);
        assert_int_equal(cedar_at(from_text, 0)->is_template, cedar_at(from_json, 0)->is_template);
        assert_true(slice_eq(cedar_at(from_text, 0)->name, cedar_at(from_json, 0)->name));
    }
}

/* Other ways to write it in JSON. */
static const struct {
    const char *json, *want;
} SPELLINGS[] = {
    {POLICY("{\"op\":\"all\"}", "{\"op\":\"all\",\"x\":1}", "{\"op\":\"All\",\"entity\":1}", "]"),
     PLAIN},
    {POLICY(ALL, ALL, ALL, "],\"annotations\":{}"), PLAIN},
    {POLICY("{\"entity\":{\"__entity\":" UID("x") "},\"x\":1,\"op\":\"==\"}", ALL,
            "{\"op\":\"in\",\"slot\":\"?resource\",\"entity\":" UID("y") "}", "]"),
     POLICY("{\"op\":\"==\",\"entity\":" UID("x") "}", ALL,
            "{\"op\":\"in\",\"entity\":" UID("y") "}", "]")},
    {POLICY("{\"op\":\"is\",\"entity_type\":\"U\",\"in\":null}",
            "{\"op\":\"in\",\"entity\":{\"type\":\"Action\",\"id\":\"a\"},\"entities\":[]}",
            "{\"op\":\"is\",\"entity_type\":\"U\",\"in\":{\"entity\":" UID("y") ",\"x\":1}}", "]"),
     POLICY("{\"op\":\"is\",\"entity_type\":\"U\"}",
            "{\"op\":\"in\",\"entity\":{\"type\":\"Action\",\"id\":\"a\"}}",
            "{\"op\":\"is\",\"entity_type\":\"U\",\"in\":{\"entity\":" UID("y") "}}", "]")},
    {WHEN("{\"Value\":[1,[\"a\"],{\"__entity\":" UID("x") "}]}"),
     WHEN("{\"Set\":[{\"Value\":1},{\"Set\":[{\"Value\":\"a\"}]},{\"Value\":{\"__entity\":" UID(
         "x") "}}]}")},
    {WHEN("{\"Value\":{\"a\":{},\"__entity\":1}}"),
     WHEN("{\"Record\":{\"a\":{\"Record\":{}},\"__entity\":{\"Value\":1}}}")},
    {WHEN("{\"Value\":{\"__entity\":{\"type\":\"U\"}}}"),
     WHEN("{\"Record\":{\"__entity\":{\"Record\":{\"type\":{\"Value\":\"U\"}}}}}")},
    {WHEN("{\"Value\":{\"__expr\":1}}"), WHEN("{\"Record\":{\"__expr\":{\"Value\":1}}}")},
    {WHEN("{\"Value\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"no\"}}}"),
     WHEN("{\"ip\":[{\"Value\":\"no\"}]}")},
    {WHEN("{\"Value\":{\"__extn\":{\"fn\":\"offset\",\"args\":[1,{\"__extn\":{\"fn\":\"duration\","
          "\"arg\":\"1d\"}},[]]}}}"),
     WHEN("{\"offset\":[{\"Value\":1},{\"duration\":[{\"Value\":\"1d\"}]},{\"Set\":[]}]}")},
    {WHEN("{\"has\":{\"left\":" P ",\"attr\":[\"a b\"],\"x\":1}}"),
     WHEN("{\"has\":{\"left\":" P ",\"attr\":\"a b\"}}")},
    {WHEN("{\"is\":{\"left\":" P ",\"entity_type\":\"U\",\"in\":null}}"),
     WHEN("{\"is\":{\"left\":" P ",\"entity_type\":\"U\"}}")},
    {WHEN(
         "{\"like\":{\"left\":" P ",\"pattern\":[{\"Literal\":\"\"},\"Wildcard\",{\"Literal\":"
         "\"\"},\"Wildcard\",{\"Literal\":\"a\"},{\"Literal\":\"\"},{\"Literal\":\"*\\u0000\"}]}}"),
     WHEN("{\"like\":{\"left\":" P ",\"pattern\":[\"Wildcard\",{\"Literal\":\"a*\\u0000\"}]}}")},
};

static void json_may_be_written_in_other_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SPELLINGS / sizeof *SPELLINGS; i++) {
        CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
        struct why why = {0};

        if (parse_policy(SPELLINGS[i].json, &policies, &why) != ERR_OK)
            fail_msg("%s: %s", SPELLINGS[i].json, why.text);
        assert_json(SPELLINGS[i].json, policies, SPELLINGS[i].want);
    }
}

/* ---- refusals ---- */

/* Conditions that are none, and what is said behind "conditions[0].body". */
static const struct {
    const char *json, *why;
} NO_EXPRESSIONS[] = {
    {"null", ": not an expression: an object with one member"},
    {"[]", ": not an expression: an object with one member"},
    {"{}", ": not an expression: an object with one member"},
    {"{\"Value\":1,\"Var\":\"principal\"}", ": not an expression: an object with one member"},
    {"{\"Slot\":\"?principal\"}", ".Slot: there is no operation \"Slot\" in a condition"},
    {"{\"Unknown\":\"x\"}", ".Unknown: there is no operation \"Unknown\""},
    {"{\"unknown\":[{\"Value\":\"x\"}]}", ".unknown: there is no operation \"unknown\""},
    {"{\"/\":{\"left\":" P ",\"right\":" P "}}", "./: there is no operation \"/\""},
    {"{\"IP\":[]}", ".IP: there is no operation \"IP\""},
    {"{\"Var\":\"Principal\"}",
     ".Var: not one of \"principal\", \"action\", \"resource\", \"context\""},
    {"{\"Var\":{\"principal\":null}}",
     ".Var: not one of \"principal\", \"action\", \"resource\", \"context\""},
    {"{\"Value\":null}", ".Value: null is no value of Cedar"},
    {"{\"Value\":1.5}", ".Value: a number that is no whole one of 64 bits"},
    {"{\"Value\":{\"a\":-0}}", ".Value.a: a number that is no whole one of 64 bits"},
    {"{\"Value\":{\"__expr\":\"1\"}}", ".Value: the escape __expr is no longer taken"},
    {"{\"Value\":{\"__entity\":{\"type\":\"1\",\"id\":\"x\"}}}",
     ".Value.__entity.type: \"1\" is no name of a type"},
    {"{\"Value\":{\"__extn\":{\"fn\":\"nope\",\"arg\":1}}}",
     ".Value.__extn.fn: there is no function \"nope\""},
    {"{\"Value\":{\"__extn\":{\"fn\":\"ip\",\"arg\":null}}}",
     ".Value.__extn.arg: null is no value of Cedar"},
    {"{\"!\":{}}", ".!: no member \"arg\""},
    {"{\"!\":" TRUE "}", ".!: no member \"arg\""},
    {"{\"!\":{\"arg\":" P ",\"x\":1}}", ".!: a member \"x\", which means nothing here"},
    {"{\"neg\":[" P "]}", ".neg: an array, not an object"},
    {"{\"==\":{\"left\":" P "}}", ".==: no member \"right\""},
    {"{\"==\":{\"right\":" P "}}", ".==: no member \"left\""},
    {"{\"==\":{\"left\":" P ",\"right\":" P ",\"x\":1}}",
     ".==: a member \"x\", which means nothing here"},
    {"{\"==\":{\"left\":null,\"right\":" P "}}",
     ".==.left: not an expression: an object with one member"},
    {"{\".\":{\"left\":" P ",\"attr\":1}}", "...attr: an integer, not a string"},
    {"{\".\":{\"left\":" P ",\"attr\":[\"a\"]}}", "...attr: an array, not a string"},
    {"{\".\":{\"left\":" P ",\"attr\":\"a\",\"x\":1}}",
     "..: a member \"x\", which means nothing here"},
    {"{\"has\":{\"left\":" P ",\"attr\":[]}}",
     ".has.attr: not an attribute: a string, or an array of some"},
    {"{\"has\":{\"left\":" P ",\"attr\":[\"a\",1]}}", ".has.attr[1]: an integer, not a string"},
    {"{\"has\":{\"left\":" P "}}", ".has: no member \"attr\""},
    {"{\"like\":{\"left\":" P ",\"pattern\":\"a*\"}}", ".like.pattern: a string, not an array"},
    {"{\"like\":{\"left\":" P ",\"pattern\":[\"a\"]}}",
     ".like.pattern[0]: not \"Wildcard\" or {\"Literal\": string}"},
    {"{\"like\":{\"left\":" P ",\"pattern\":[{\"Wildcard\":null}]}}",
     ".like.pattern[0]: not \"Wildcard\" or {\"Literal\": string}"},
    {"{\"like\":{\"left\":" P ",\"pattern\":[{\"Literal\":\"a\",\"x\":1}]}}",
     ".like.pattern[0]: not \"Wildcard\" or {\"Literal\": string}"},
    {"{\"like\":{\"left\":" P ",\"pattern\":[],\"x\":1}}",
     ".like: a member \"x\", which means nothing here"},
    {"{\"is\":{\"left\":" P ",\"entity_type\":\"U:: V\"}}",
     ".is.entity_type: \"U:: V\" is no name of a type"},
    {"{\"is\":{\"left\":" P ",\"entity_type\":1}}",
     ".is.entity_type: an integer, not the name of a type"},
    {"{\"is\":{\"left\":" P ",\"entity_type\":\"U\",\"x\":1}}",
     ".is: a member \"x\", which means nothing here"},
    {"{\"is\":{\"left\":" P ",\"entity_type\":\"U\",\"in\":{\"Slot\":\"?principal\"}}}",
     ".is.in.Slot: there is no operation \"Slot\" in a condition"},
    {"{\"if-then-else\":{\"if\":" P ",\"then\":" P "}}", ".if-then-else: no member \"else\""},
    {"{\"if-then-else\":{\"if\":" P ",\"then\":" P ",\"else\":" P ",\"x\":1}}",
     ".if-then-else: a member \"x\", which means nothing here"},
    {"{\"Set\":{}}", ".Set: an object, not an array"},
    {"{\"Set\":[1]}", ".Set[0]: not an expression: an object with one member"},
    {"{\"Record\":[]}", ".Record: an array, not an object"},
    {"{\"Record\":{\"a\":null}}", ".Record.a: not an expression: an object with one member"},
    {"{\"ip\":" TRUE "}", ".ip: an object, not an array"},
    {"{\"ip\":[1]}", ".ip[0]: not an expression: an object with one member"},
};

/* got, behind "line:column: ", is the path of a condition and what. */
static bool says(const char *got, const char *path, const char *what)
{
    const char *at = strstr(got, ": ");

    return at != NULL && strncmp(at + 2, path, strlen(path)) == 0 &&
           strcmp(at + 2 + strlen(path), what) == 0;
}

static void what_is_no_expression_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof NO_EXPRESSIONS / sizeof *NO_EXPRESSIONS; i++) {
        CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
        char json[1024];
        struct why why = {0};
        err_code err;

        snprintf(json, sizeof json, WHEN("%s"), NO_EXPRESSIONS[i].json);
        err = parse_policy(json, &policies, &why);
        if (err != ERR_CEDAR_SYNTAX || !says(why.text, "conditions[0].body", NO_EXPRESSIONS[i].why))
            fail_msg("%s: got %d %s, want %s", NO_EXPRESSIONS[i].json, err, why.text,
                     NO_EXPRESSIONS[i].why);
        assert_null(policies);
    }
}

static const struct {
    const char *json, *why; /* behind "line:column: " */
} NO_POLICIES[] = {
    {"null", "null, not an object"},
    {"[]", "an array, not an object"},
    {"{}", "no member \"effect\""},
    {"{\"effect\":\"Permit\"}", "effect: not \"permit\" or \"forbid\""},
    {"{\"effect\":{\"permit\":null}}", "effect: not \"permit\" or \"forbid\""},
    {"{\"effect\":\"forbid\"}", "no member \"principal\""},
    {"{\"effect\":\"forbid\",\"principal\":" ALL "}", "no member \"action\""},
    {"{\"effect\":\"forbid\",\"principal\":" ALL ",\"action\":" ALL "}", "no member \"resource\""},
    {"{\"effect\":\"forbid\",\"principal\":" ALL ",\"action\":" ALL ",\"resource\":" ALL "}",
     "no member \"conditions\""},
    {POLICY(ALL, ALL, ALL, "],\"x\":1"), "a member \"x\", which means nothing here"},
    {POLICY("\"All\"", ALL, ALL, "]"), "principal: a string, not an object"},
    {POLICY("{}", ALL, ALL, "]"), "principal: no member \"op\""},
    {POLICY("{\"op\":\"ALL\"}", ALL, ALL, "]"),
     "principal.op: not one of \"All\", \"==\", \"in\", \"is\""},
    {POLICY(ALL, "{\"op\":\"is\",\"entity_type\":\"Action\"}", ALL, "]"),
     "action.op: not one of \"All\", \"==\", \"in\""},
    {POLICY("{\"op\":\"==\"}", ALL, ALL, "]"), "principal: no member \"entity\" or \"slot\""},
    {POLICY(ALL, "{\"op\":\"==\"}", ALL, "]"), "action: no member \"entity\""},
    {POLICY(ALL, "{\"op\":\"==\",\"slot\":\"?action\"}", ALL, "]"),
     "action.slot: a slot for the action"},
    {POLICY("{\"op\":\"==\",\"slot\":\"?resource\"}", ALL, ALL, "]"),
     "principal.slot: not the slot \"?principal\""},
    {POLICY("{\"op\":\"==\",\"slot\":\"principal\"}", ALL, ALL, "]"),
     "principal.slot: not the slot \"?principal\""},
    {POLICY(ALL, ALL, "{\"op\":\"in\",\"slot\":\"?principal\"}", "]"),
     "resource.slot: not the slot \"?resource\""},
    {POLICY("{\"op\":\"==\",\"slot\":\"?principal\",\"entity\":null}", ALL, ALL, "]"),
     "principal.entity: not the name of an entity: {\"type\": string, \"id\": string}"},
    {POLICY("{\"op\":\"==\",\"entity\":[\"U\",\"x\"]}", ALL, ALL, "]"),
     "principal.entity: not the name of an entity: {\"type\": string, \"id\": string}"},
    {POLICY("{\"op\":\"==\",\"entity\":{\"__expr\":\"U\"}}", ALL, ALL, "]"),
     "principal.entity: the escape __expr is no longer taken"},
    {POLICY("{\"op\":\"==\",\"entity\":{\"type\":\"if\",\"id\":\"\"}}", ALL, ALL, "]"),
     "principal.entity.type: \"if\" is no name of a type"},
    {POLICY("{\"op\":\"in\",\"entities\":[" UID("x") "]}", ALL, ALL, "]"),
     "principal: no member \"entity\" or \"slot\""},
    {POLICY(ALL, "{\"op\":\"==\",\"entity\":" UID("x") "}", ALL, "]"),
     "action.entity: an entity of type U, not an action"},
    {POLICY(ALL, "{\"op\":\"in\",\"entities\":[{\"type\":\"Action\",\"id\":\"a\"}," UID("x") "]}",
            ALL, "]"),
     "action.entities[1]: an entity of type U, not an action"},
    {POLICY(ALL, "{\"op\":\"in\",\"entities\":{}}", ALL, "]"), "action: no member \"entity\""},
    {POLICY("{\"op\":\"is\"}", ALL, ALL, "]"), "principal: no member \"entity_type\""},
    {POLICY("{\"op\":\"is\",\"entity_type\":\"U\",\"in\":{}}", ALL, ALL, "]"),
     "principal.in: no member \"entity\" or \"slot\""},
    {POLICY("{\"op\":\"is\",\"entity_type\":\"U\",\"entity\":" UID("x") "}", ALL, ALL, "]"),
     "principal: a member \"entity\", which means nothing here"},
    {POLICY(ALL, ALL, ALL, "1]"), "conditions[0]: an integer, not an object"},
    {POLICY(ALL, ALL, ALL, "{\"body\":" TRUE "}]"), "conditions[0]: no member \"kind\""},
    {POLICY(ALL, ALL, ALL, "{\"kind\":\"when\"}]"), "conditions[0]: no member \"body\""},
    {POLICY(ALL, ALL, ALL, "{\"kind\":\"When\",\"body\":" TRUE "}]"),
     "conditions[0].kind: not \"when\" or \"unless\""},
    {POLICY(ALL, ALL, ALL, "{\"kind\":\"when\",\"body\":" TRUE ",\"x\":1}]"),
     "conditions[0]: a member \"x\", which means nothing here"},
    {POLICY(ALL, ALL, ALL, "],\"annotations\":null"), "annotations: null, not an object"},
    {POLICY(ALL, ALL, ALL, "],\"annotations\":{\"a\":1}"),
     "annotations.a: an integer, not a string or null"},
    {POLICY(ALL, ALL, ALL, "],\"annotations\":{\"a b\":\"\"}"),
     "annotations.a b: \"a b\" is no name of an annotation"},
    {POLICY(ALL, ALL, ALL, "],\"annotations\":{\"\":\"\"}"),
     "annotations.: \"\" is no name of an annotation"},
    {POLICY(ALL, ALL, ALL, "],\"annotations\":{\"1a\":\"\"}"),
     "annotations.1a: \"1a\" is no name of an annotation"},
};

static void what_is_no_policy_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof NO_POLICIES / sizeof *NO_POLICIES; i++) {
        CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
        struct why why = {0};
        err_code err = parse_policy(NO_POLICIES[i].json, &policies, &why);

        if (err != ERR_CEDAR_SYNTAX || !says(why.text, "", NO_POLICIES[i].why))
            fail_msg("%s: got %d %s, want %s", NO_POLICIES[i].json, err, why.text,
                     NO_POLICIES[i].why);
        assert_null(policies);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_are_the_same_in_text_and_json),
        cmocka_unit_test(policies_are_the_same_in_text_and_json),
        cmocka_unit_test(json_may_be_written_in_other_ways),
        cmocka_unit_test(what_is_no_expression_is_refused),
        cmocka_unit_test(what_is_no_policy_is_refused),
    };
    return cmocka_run_group_tests_name("cedar policies in JSON", tests, NULL, NULL);
}
