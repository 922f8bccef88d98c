/* SPDX-License-Identifier: Apache-2.0 */
/* validate_test.c: whole policies: scopes, environments, templates, names, messages and limits. */
#include "gate/cedar/authorize.h"
#include "gate/cedar/validate_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char SCHEMA[] =
    "entity Team;\n"
    "entity User in Team {\n"
    "  name: String, age?: Long, boss?: User, home: {city: String, zip?: String}\n"
    "} tags Set<String>;\n"
    "entity Robot {name: Long};\n"
    "entity Color enum ['red', 'green'];\n"
    "entity Doc in Doc {owner: User, level: Long, color: Color, public: Bool, by?: Team};\n"
    "action all, none;\n"
    "action view in all appliesTo {principal: [User, Robot], resource: Doc,\n"
    "  context: {mfa?: Bool, at: {hour: Long, day?: Long}}};\n"
    "action edit in [view, all] appliesTo {principal: User, resource: [Doc, Team], context: {}};\n"
    "namespace Web {\n"
    "  entity Page = {title: String};\n"
    "  action read appliesTo {principal: User, resource: Page};\n"
    "}\n";

/* The column and code of each finding. Each verdict is also that of Cedar's own implementation. */
struct row {
    const char *policy, *found;
};
static const struct row ROWS[] = {
    {"permit(principal, action, resource);", ""},
    {"permit(principal == User::'a', action, resource);", ""},
    {"permit(principal == Usr::'a', action, resource);", "8 UNKNOWN_TYPE"},
    {"permit(principal == Page::'a', action, resource);", "8 UNKNOWN_TYPE"},
    {"permit(principal in Team::'t', action, resource);", ""},
    {"permit(principal in Usr::'t', action, resource);", "8 UNKNOWN_TYPE"},
    {"permit(principal is Usr, action, resource);", "8 UNKNOWN_TYPE"},
    {"permit(principal is Usr in Grp::'g', action, resource);", "8 UNKNOWN_TYPE, 8 UNKNOWN_TYPE"},
    {"permit(principal is Robot, action == Action::'edit', resource);", "NEVER_APPLIES"},
    {"permit(principal is Robot, action == Action::'view', resource);", ""},
    {"permit(principal == Action::'view', action, resource);", "NEVER_APPLIES"},
    {"permit(principal, action == Action::'delete', resource);", "19 UNKNOWN_ACTION"},
    {"permit(principal, action == Action::'read', resource);", "19 UNKNOWN_ACTION"},
    {"permit(principal, action == Web::Action::'read', resource);", ""},
    {"permit(principal, action in [], resource);", "19 EMPTY_SET"},
    {"permit(principal is Team, action in [], resource);", "NEVER_APPLIES"},
    {"permit(principal, action in [], resource is Color);", "19 EMPTY_SET"},
    {"permit(principal, action in [Action::'view', Web::Action::'read'], resource);",
     "19 INCOMPATIBLE_TYPES"},
    {"permit(principal, action in [Action::'view', Action::'edit', Web::Action::'read'], resource "
     "is Color);",
     "19 INCOMPATIBLE_TYPES"},
    {"permit(principal is Robot, action in [Action::'edit', Web::Action::'read'], resource);",
     "28 INCOMPATIBLE_TYPES"},
    {"permit(principal is Team, action in [Action::'edit', Web::Action::'read'], resource);",
     "NEVER_APPLIES"},
    {"permit(principal, action in [Action::'view', Action::'delete'], resource);",
     "19 UNKNOWN_ACTION"},
    {"permit(principal, action in Action::'all', resource);", ""},
    {"permit(principal, action in Action::'none', resource);", "NEVER_APPLIES"},
    {"permit(principal, action in [Action::'none'], resource);", "NEVER_APPLIES"},
    {"permit(principal, action == Action::'all', resource);", "NEVER_APPLIES"},
    {"permit(principal, action, resource is Doc in Doc::'d');", ""},
    {"permit(principal, action, resource is Doc in Team::'t');", "NEVER_APPLIES"},
    {"permit(principal, action, resource in Team::'t');", ""},
    {"permit(principal, action, resource == Color::'red');", "NEVER_APPLIES"},
    {"permit(principal, action, resource == Color::'blue');", "27 UNKNOWN_ID"},
    {"permit(principal == ?principal, action, resource);", ""},
    {"permit(principal in ?principal, action, resource in ?resource);", ""},
    {"permit(principal is User in ?principal, action, resource == ?resource);", ""},
    {"permit(principal is Robot in ?principal, action == Action::'edit', resource == ?resource);",
     "NEVER_APPLIES"},
    {"permit(principal in ?principal, action, resource) when {principal.nothing};",
     "57 UNKNOWN_ATTRIBUTE"},
    {"permit(principal is Usr in ?principal, action, resource);", "8 UNKNOWN_TYPE"},
    {"permit(principal, action, resource) when {principal.name == 'x'};", "43 INCOMPATIBLE_TYPES"},
    {"permit(principal is User, action, resource) when {principal.name == 'x'};", ""},
    {"permit(principal, action, resource) when {principal is User && principal.name == 'x'};", ""},
    {"permit(principal is User, action, resource) when {resource.level == 1};",
     "51 UNKNOWN_ATTRIBUTE"},
    {"permit(principal is User, action, resource is Doc) when {resource.level == 1};", ""},
    {"permit(principal is User, action, resource) when {resource has level && resource.level == "
     "1};",
     ""},
    {"permit(principal, action == Action::'view', resource) when {context.at.hour == 1};", ""},
    {"permit(principal, action, resource) when {context.at.hour == 1};", "43 UNKNOWN_ATTRIBUTE"},
    {"permit(principal, action, resource) when {context has at && context.at.hour == 1};", ""},
    {"permit(principal, action, resource) when {action == Action::'view' && context.at.hour == 1};",
     ""},
    {"permit(principal, action, resource) when {action in Action::'all' && context.at.hour == 1};",
     "70 UNKNOWN_ATTRIBUTE"},
    {"permit(principal is User, action, resource) when {principal has age} when {principal.age > "
     "1};",
     ""},
    {"permit(principal is User, action, resource) when {principal.age > 1} when {principal has "
     "age};",
     "51 UNSAFE_ATTRIBUTE"},
    {"permit(principal is User, action, resource) unless {principal has age} when {principal.age > "
     "1};",
     "78 UNSAFE_ATTRIBUTE"},
    {"permit(principal is User, action, resource) unless {!(principal has age)} when "
     "{principal.age > 1};",
     "81 UNSAFE_ATTRIBUTE"},
    {"permit(principal, action, resource) unless {true} when {principal.nothing};",
     "NEVER_APPLIES"},
    {"permit(principal, action, resource) unless {false} when {principal.nothing};",
     "58 UNKNOWN_ATTRIBUTE"},
    {"permit(principal, action, resource) when {false} when {principal.nothing};", "NEVER_APPLIES"},
    {"permit(principal, action, resource) when {true} when {principal.nothing};",
     "55 UNKNOWN_ATTRIBUTE"},
    {"permit(principal, action, resource) when {true} unless {1};", "57 UNEXPECTED_TYPE"},
    {"forbid(principal, action, resource) when {1};", "43 UNEXPECTED_TYPE"},
    {"permit(principal, action, resource is Web::Page) when {resource.title == 'x'};", ""},
    {"permit(principal, action, resource) when {false && Usr::'a' == principal};",
     "52 UNKNOWN_TYPE"},
    {"permit(principal is Robot, action == Action::'edit', resource) when {principal is Usr};",
     "70 UNKNOWN_TYPE"},
    {"permit(principal, action, resource) when {[Usr::'a', {x: Action::'y'}.x, "
     "ip(Usr::'b')].isEmpty()};",
     "44 UNKNOWN_TYPE, 58 UNKNOWN_ACTION, 77 UNKNOWN_TYPE"},
    {"permit(principal, action, resource) when {(if Usr::'a' == Usr::'a' then -Usr::'a' else "
     "!Usr::'a') has b.c};",
     "47 UNKNOWN_TYPE, 59 UNKNOWN_TYPE, 74 UNKNOWN_TYPE, 89 UNKNOWN_TYPE"},
    {"permit(principal, action, resource) when {Usr::'a' like 'x' && Usr::'a' is Usr in Usr::'a'};",
     "43 UNKNOWN_TYPE, 64 UNKNOWN_TYPE, 64 UNKNOWN_TYPE, 83 UNKNOWN_TYPE"},
};

static void policies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        char found[VALIDATE_LINE];

        validate_line(SCHEMA, ROWS[i].policy, 1, found);
        if (strcmp(found, ROWS[i].found) != 0)
            fail_msg("%s: found %s, not %s", ROWS[i].policy, found, ROWS[i].found);
    }
}

static void whole_sets(void **state)
{
    char found[VALIDATE_LINE];

    (void)state;
    validate_line(SCHEMA, "", 1, found);
    assert_string_equal(found, "");
    validate_line("", "permit(principal, action, resource);", 1, found);
    assert_string_equal(found, "NEVER_APPLIES");
    validate_line(SCHEMA,
                  "permit(principal is User, action, resource) when {principal.no};\n"
                  "permit(principal, action, resource);\n"
                  "@id('x')\n"
                  "forbid(principal is User, action, resource)\n"
                  "  when {principal.name > 1}\n"
                  "  unless {principal.age > 1 || Usr::'a' == principal};\n",
                  1, found);
    assert_string_equal(found, "51 UNKNOWN_ATTRIBUTE, 6:32 UNKNOWN_TYPE, 5:9 UNEXPECTED_TYPE, "
                               "6:11 UNSAFE_ATTRIBUTE");
}

/* ---- messages -------------------------------------------------------------------------------- */

static const struct row TEXTS[] = {
    {"permit(principal == Page::'a', action, resource);",
     "the schema has no entity type Page; there is Web::Page"},
    {"permit(principal, action == Action::'read', resource);",
     "the schema has no action Action::'read'; there is Web::Action::'read'"},
    {"permit(principal, action, resource == Color::'blue');",
     "Color::'blue' is none of the ids that the schema lists for its type"},
    {"permit(principal is User, action == Action::'view', resource) when {principal.no};",
     "User has no attribute 'no'"},
    {"permit(principal is User, action == Action::'view', resource) when {principal.home.no};",
     "{city: String, zip?: String} has no attribute 'no'"},
    {"permit(principal is User, action == Action::'view', resource) when {context.no};",
     "context has no attribute 'no'"},
    {"permit(principal is User, action, resource) when {principal.no};",
     "User has no attribute 'no' (principal User, action Action::'view', resource Doc)"},
    {"permit(principal is User, action == Action::'view', resource) when {context.mfa};",
     "'mfa' of context is optional: ask with has before reading it"},
    {"permit(principal is User, action == Action::'view', resource)"
     " when {principal.getTag('x').isEmpty()};",
     "a tag of User may be absent: ask with hasTag before getTag"},
    {"permit(principal is User, action == Action::'view', resource)"
     " when {resource.getTag('x').isEmpty()};",
     "Doc has no tags"},
    {"permit(principal is User, action == Action::'view', resource) when {1 && true};",
     "&& needs Bool, not Long"},
    {"permit(principal is User, action == Action::'view', resource) when {1.x};",
     "reading an attribute needs an entity or a record, not Long"},
    {"permit(principal is User, action == Action::'view', resource) when {1 in principal};",
     "the left side of in needs an entity, not Long"},
    {"permit(principal is User, action == Action::'view', resource) when {principal in 1};",
     "the right side of in needs an entity or a set of entities, not Long"},
    {"permit(principal is User, action == Action::'view', resource) when {'x'.isEmpty()};",
     "isEmpty needs a set, not String"},
    {"permit(principal is User, action == Action::'view', resource) when {principal like 'x'};",
     "like needs String, not User"},
    {"permit(principal is User, action == Action::'view', resource) when {ip('::1') + 1 == 2};",
     "+ needs Long, not ipaddr"},
    {"permit(principal is User, action == Action::'view', resource) when {[1].isIpv4()};",
     "isIpv4 needs ipaddr, not Set<Long>"},
    {"permit(principal is User, action == Action::'view', resource) when {decimal('1.0').toDays() "
     "== 1};",
     "toDays needs duration, not decimal"},
    {"permit(principal is User, action == Action::'view', resource) when {duration('1h').toDate() "
     "== 1};",
     "toDate needs datetime, not duration"},
    {"permit(principal is User, action == Action::'view', resource) when {{x: "
     "datetime('2024-01-01')}.lessThan(1)};",
     "lessThan needs decimal, not {x: datetime}"},
    {"permit(principal is User, action == Action::'view', resource) when {principal.name >= 1};",
     ">= needs Long, datetime or duration, not String"},
    {"permit(principal is User, action == Action::'view', resource) when {principal.name == 1};",
     "both sides of == must be of one type, but are of types String and Long"},
    {"permit(principal is User, action == Action::'view', resource) when {[] == [1]};",
     "a set without elements has no type"},
    {"permit(principal is User, action == Action::'view', resource) when {ip('a', 'b').isIpv4()};",
     "ip takes 1 argument, not 2"},
    {"permit(principal is User, action == Action::'view', resource)"
     " when {ip('a').isInRange()};",
     "isInRange takes 1 argument, not 0"},
    {"permit(principal is User, action == Action::'view', resource) when {ip('a').isIpv4()};",
     "ip('a') is no valid ip"},
    {"permit(principal is User, action == Action::'view', resource)"
     " when {ip(principal.name).isIpv4()};",
     "ip(...) takes a string literal, nothing computed"},
    {"permit(principal is Robot, action == Action::'edit', resource);",
     "no request that the schema allows satisfies this policy"},
};

static void texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        char found[VALIDATE_LINE];

        validate_text(SCHEMA, TEXTS[i].policy, found);
        for (char *at = found; *at != '\0'; at++)
            if (*at == '"')
                *at = '\'';
        if (strcmp(found, TEXTS[i].found) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", TEXTS[i].policy, found, TEXTS[i].found);
    }
}

/* Names of others are cut and made printable. */
static void long_names(void **state)
{
    char policy[2048] = "permit(principal is User, action == Action::'view', resource)"
                        " when {principal['";
    char found[VALIDATE_LINE];
    size_t len = strlen(policy);

    (void)state;
    memset(policy + len, 'x', 500);
    memcpy(policy + len + 500, "\xc3\xa4']};", sizeof "\xc3\xa4']};");
    validate_text(SCHEMA, policy, found);
    assert_true(strlen(found) < 256);
    assert_non_null(strstr(found, "xxx..."));
    validate_text(SCHEMA,
                  "permit(principal is User, action == Action::'view', resource)"
                  " when {principal['\xc3\xa4\\n']};",
                  found);
    assert_string_equal(found, "User has no attribute \"\\u{e4}\\u{a}\"");
}

/* ---- actions ---- */

/* `action in ...` switches off what could not be evaluated, so the store must know it, too. */
static void actions(void **state)
{
    static const char POLICY[] =
        "permit(principal, action, resource) when {action in Action::\"all\" || principal.no};";
    static const char SCHEMA_TEXT[] =
        "entity U; action all, other; action mid in [all]; action view in [mid]"
        " appliesTo {principal: U, resource: U}; namespace N { action two, three; }";
    struct cedar_uid uid = cedar_uid_of(slice_str("U"), slice_str("a"));
    struct cedar_uid view = cedar_uid_of(slice_str("Action"), slice_str("view"));
    struct cedar_uid all = cedar_uid_of(slice_str("Action"), slice_str("all"));
    struct cedar_uid other = cedar_uid_of(slice_str("Action"), slice_str("other"));
    struct cedar_request request = {uid, view, uid, {.kind = CEDAR_RECORD}};
    struct cedar_schema *schema = validate_schema(SCHEMA_TEXT);
    struct cedar_policies *policies = NULL;
    struct cedar_entities *base = NULL, *store = NULL;
    struct cedar_findings findings = {0};
    struct cedar_worker *worker = NULL;
    struct cedar_answer answer;
    struct why why = {0};

    (void)state;
    assert_int_equal(cedar_parse(slice_str(POLICY), &policies, NULL, &why), ERR_OK);
    assert_int_equal(cedar_validate(schema, policies, &findings), ERR_OK);
    assert_int_equal(findings.n, 0);
    assert_int_equal(cedar_entities_parse(slice_str("[{\"uid\": {\"type\": \"U\", \"id\": \"b\"},"
                                                    " \"attrs\": {}, \"parents\": []}]"),
                                          &base, &why),
                     ERR_OK);
    assert_int_equal(cedar_worker_make(&worker), ERR_OK);
    assert_int_equal(cedar_authorize(policies, base, &request, CEDAR_MODE_CEDAR, worker, &answer),
                     ERR_OK);
    assert_int_equal(answer.n_errors, 1);

    assert_int_equal(cedar_schema_actions(schema, base, &store), ERR_OK);
    assert_int_equal(cedar_authorize(policies, store, &request, CEDAR_MODE_CEDAR, worker, &answer),
                     ERR_OK);
    assert_int_equal(answer.decision, CEDAR_PERMIT);
    assert_int_equal(cedar_entities_count(store), 6);
    assert_int_equal(cedar_validate_entities(schema, store, &why), ERR_OK);
    assert_true(cedar_entity_in(store, &view, &all));
    assert_false(cedar_entity_in(store, &view, &other));
    assert_false(cedar_entity_in(store, &all, &view));
    uid = cedar_uid_of(slice_str("U"), slice_str("b"));
    assert_non_null(cedar_entities_find(store, &uid));
    uid = cedar_uid_of(slice_str("N::Action"), slice_str("two"));
    assert_non_null(cedar_entities_find(store, &uid));
    uid = cedar_uid_of(slice_str("N::Action"), slice_str("mid"));
    assert_null(cedar_entities_find(store, &uid));

    cedar_worker_free(&worker);
    cedar_entities_free(&store);
    cedar_entities_free(&base);
    cedar_free(&policies);
    cedar_schema_free(&schema);
}

/* A schema without actions. */
static void no_actions(void **state)
{
    struct cedar_schema *schema = validate_schema("entity U;");
    struct cedar_uid uid = cedar_uid_of(slice_str("U"), slice_str("a"));
    struct cedar_entities *store = NULL;

    (void)state;
    assert_int_equal(cedar_schema_actions(schema, NULL, &store), ERR_OK);
    assert_int_equal(cedar_entities_count(store), 0);
    assert_null(cedar_entities_find(store, &uid));
    cedar_entities_free(&store);
    cedar_schema_free(&schema);
}

/* What has no place is named. */
static void from_json(void **state)
{
    static const char JSON[] =
        "{\"staticPolicies\": {\"the first\": {\"effect\": \"permit\", \"principal\":"
        " {\"op\": \"is\", \"entity_type\": \"User\"}, \"action\": {\"op\": \"==\", \"entity\":"
        " {\"type\": \"Action\", \"id\": \"view\"}}, \"resource\": {\"op\": \"All\"}, "
        "\"conditions\":"
        " [{\"kind\": \"when\", \"body\": {\".\": {\"left\": {\"Var\": \"principal\"}, \"attr\":"
        " \"no\"}}}]}}, \"templates\": {}, \"templateLinks\": []}";
    struct cedar_schema *schema = validate_schema(SCHEMA);
    struct cedar_policies *policies = NULL;
    struct cedar_findings findings = {0};
    struct why why = {0};

    (void)state;
    if (cedar_parse_json(slice_str(JSON), &policies, &why) != ERR_OK)
        fail_msg("%s", why.text);
    assert_int_equal(cedar_validate(schema, policies, &findings), ERR_OK);
    assert_int_equal(findings.n, 1);
    assert_int_equal(findings.list[0].place.line, 0);
    assert_string_equal(findings.list[0].text,
                        "policy \"the first\": User has no attribute \"no\"");
    cedar_findings_free(&findings);
    cedar_free(&policies);
    cedar_schema_free(&schema);
}

/* ---- links ----------------------------------------------------------------------------------- */

/* A link is checked for the types of what it was given, and no more. */
static void links(void **state)
{
    static const struct {
        const char *type, *id, *found;
    } CASES[] = {
        {"User", "a", ""},
        {"Team", "a", ""},
        {"Color", "no such", ""},
        {"Usr", "a", "policy \"l\": the schema has no entity type Usr"},
        {"Page", "a", "policy \"l\": the schema has no entity type Page; there is Web::Page"},
        {"Action", "no such", ""},
    };
    struct cedar_schema *schema = validate_schema(SCHEMA);
    struct cedar_policies *policies = NULL;
    struct why why = {0};

    (void)state;
    assert_int_equal(cedar_parse(slice_str("permit(principal in ?principal, action, resource);"),
                                 &policies, NULL, &why),
                     ERR_OK);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct cedar_uid uid = cedar_uid_of(slice_str(CASES[i].type), slice_str(CASES[i].id));
        struct cedar_link link = {slice_str("policy0"), slice_str("l"), &uid, NULL};
        struct cedar_policies *linked = NULL;
        struct cedar_findings findings = {0};

        assert_int_equal(cedar_link(policies, &link, &linked, &why), ERR_OK);
        assert_int_equal(cedar_validate(schema, linked, &findings), ERR_OK);
        assert_int_equal(findings.n, CASES[i].found[0] != '\0');
        if (findings.n > 0)
            assert_string_equal(findings.list[0].text, CASES[i].found);
        cedar_findings_free(&findings);
        cedar_free(&linked);
    }
    cedar_free(&policies);
    cedar_schema_free(&schema);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void add(struct buf *buf, const char *text)
{
    assert_int_equal(buf_add_str(buf, text), ERR_OK);
}

static err_code validate(struct buf *schema_text, struct buf *policies_text,
                         struct cedar_findings *ret)
{
    struct cedar_schema *schema = NULL;
    struct cedar_policies *policies = NULL;
    struct why why = {0};
    err_code err;

    if (cedar_schema_parse(buf_slice(schema_text), &schema, NULL, &why) != ERR_OK ||
        cedar_parse(buf_slice(policies_text), &policies, NULL, &why) != ERR_OK)
        fail_msg("%s", why.text);
    err = cedar_validate(schema, policies, ret);
    cedar_free(&policies);
    cedar_schema_free(&schema);
    buf_free(schema_text);
    buf_free(policies_text);
    return err;
}

/* Many policies times many actions times many types end with an error of their own. */
static void too_many_environments(void **state)
{
    struct buf schema = {0}, policies = {0};
    struct cedar_findings findings = {0};
    char text[64];

    (void)state;
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "entity E%d {a: Long};\n", i);
        add(&schema, text);
    }
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof text, "action a%d appliesTo {principal: [", i);
        add(&schema, text);
        for (int side = 0; side < 2; side++) {
            for (int k = 0; k < 300; k++) {
                snprintf(text, sizeof text, "%sE%d", k == 0 ? "" : ",", k);
                add(&schema, text);
            }
            add(&schema, side == 0 ? "], resource: [" : "]};\n");
        }
    }
    for (int i = 0; i < 10; i++)
        add(&policies, "permit(principal, action, resource)"
                       " when {principal.a + principal.a + principal.a + principal.a == 1};\n");
    assert_int_equal(validate(&schema, &policies, &findings), ERR_CEDAR_STEPS);
    assert_int_equal(findings.n, 0);
}

/* A long text with as many capabilities as conditions. */
static void too_many_capabilities(void **state)
{
    struct buf schema = {0}, policies = {0};
    struct cedar_findings findings = {0};
    char text[96];

    (void)state;
    add(&schema, "entity U {\n");
    for (int i = 0; i < 8000; i++) {
        snprintf(text, sizeof text, "a%d?: Bool,\n", i);
        add(&schema, text);
    }
    add(&schema, "};\naction x appliesTo {principal: U, resource: U};\n");
    add(&policies, "permit(principal, action, resource)\n");
    for (int i = 0; i < 8000; i++) {
        snprintf(text, sizeof text, "when {principal has a%d && principal.a0 && principal.a0}\n",
                 i);
        add(&policies, text);
    }
    add(&policies, ";");
    assert_int_equal(validate(&schema, &policies, &findings), ERR_CEDAR_STEPS);
}

/* Warnings, however many, do not keep an error behind them from being found. */
static void many_warnings(void **state)
{
    struct buf schema = {0}, policies = {0};
    struct cedar_findings findings = {0};

    (void)state;
    add(&schema, "entity U; action x appliesTo {principal: U, resource: U};");
    for (int i = 0; i < 1100; i++)
        add(&policies, "permit(principal, action, resource) when {false};\n");
    add(&policies, "permit(principal, action, resource) when {principal.b};\n");
    assert_int_equal(validate(&schema, &policies, &findings), ERR_OK);
    assert_int_equal(findings.n, 1001);
    assert_int_equal(findings.list[999].level, CEDAR_WARNING);
    assert_int_equal(findings.list[1000].level, CEDAR_ERROR);
    cedar_findings_free(&findings);
}

/* Of one policy there are 16 findings; no policy is looked at after a thousand of them. */
static void many_findings(void **state)
{
    struct buf schema = {0}, policies = {0};
    struct cedar_findings findings = {0};

    (void)state;
    add(&schema, "entity U; action x appliesTo {principal: U, resource: U};");
    for (int i = 0; i < 100; i++) {
        add(&policies, "permit(principal, action, resource) when {principal.b");
        for (int k = 0; k < 20; k++)
            add(&policies, " || principal.b");
        add(&policies, "};\n");
    }
    assert_int_equal(validate(&schema, &policies, &findings), ERR_OK);
    assert_int_equal(findings.n, 63 * 16);
    assert_int_equal(findings.list[16].place.line, 2);
    cedar_findings_free(&findings);
}

/* The deepest expression that is read is validated. */
static void deep(void **state)
{
    struct buf schema = {0}, policies = {0};
    struct cedar_findings findings = {0};

    (void)state;
    add(&schema, "entity U {u: U, b: Bool}; action x appliesTo {principal: U, resource: U};");
    add(&policies, "permit(principal, action, resource) when {principal");
    for (int i = 0; i < 1000; i++)
        add(&policies, ".u");
    add(&policies, ".b};\npermit(principal, action, resource) when {false");
    for (int i = 0; i < 1000; i++)
        add(&policies, " || true");
    add(&policies, "};\npermit(principal, action, resource) when {principal.b");
    for (int i = 0; i < 1000; i++)
        add(&policies, " && true");
    add(&policies, "};\n");
    assert_int_equal(validate(&schema, &policies, &findings), ERR_OK);
    assert_int_equal(findings.n, 0);
    cedar_findings_free(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies),
        cmocka_unit_test(whole_sets),
        cmocka_unit_test(texts),
        cmocka_unit_test(long_names),
        cmocka_unit_test(from_json),
        cmocka_unit_test(actions),
        cmocka_unit_test(no_actions),
        cmocka_unit_test(links),
        cmocka_unit_test(too_many_environments),
        cmocka_unit_test(too_many_capabilities),
        cmocka_unit_test(many_warnings),
        cmocka_unit_test(many_findings),
        cmocka_unit_test(deep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
