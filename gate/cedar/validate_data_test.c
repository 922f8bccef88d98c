/* SPDX-License-Identifier: Apache-2.0 */
/* validate_data_test.c: entities and requests against a schema. Each verdict is also that of
 * Cedar's own implementation. */
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
    "  name?: String, age?: Long, on?: Bool, boss?: User, color?: Color,\n"
    "  home?: {city: String, zip?: String, sub?: {deep?: Set<Color>}},\n"
    "  nets?: Set<ipaddr>, score?: decimal, since?: datetime, grace?: duration, 'a b'?: Long\n"
    "} tags Set<String>;\n"
    "entity Robot {name: Long};\n"
    "entity Color enum ['red', 'green'];\n"
    "entity Doc in Doc;\n"
    "entity Sub in Doc;\n"
    "action all, none;\n"
    "action view in all appliesTo {principal: [User, Robot, Color], resource: Doc,\n"
    "  context: {ip: ipaddr, mfa?: Bool, at: {hour: Long, day?: Long}, who?: Set<Color>}};\n"
    "action edit in [view, all] appliesTo {principal: User, resource: [Doc, Team]};\n"
    "namespace Web {\n"
    "  entity Page = {title?: String};\n"
    "  action read appliesTo {principal: [User, Page], resource: Page};\n"
    "}\n";

#define IP(text) "{'__extn': {'fn': 'ip', 'arg': '" text "'}}"
#define DECIMAL "{'__extn': {'fn': 'decimal', 'arg': '1.0'}}"
#define DATETIME "{'__extn': {'fn': 'datetime', 'arg': '2024-01-01'}}"
#define DURATION "{'__extn': {'fn': 'duration', 'arg': '1h'}}"
#define ENTITY(type, id) "{'__entity': {'type': '" type "', 'id': '" id "'}}"
#define UID(type, id) "{'type': '" type "', 'id': '" id "'}"

struct entity_row {
    const char *type, *id, *attrs, *parents, *tags;
    const char *refusal; /* behind the entity's name */
};
static const struct entity_row ENTITIES[] = {
    {"User", "u", "", "", "", ""},
    {"Team", "t", "", "", "", ""},
    {"Grp", "t", "", "", "", ": the schema has no entity type Grp"},
    {"Page", "t", "", "", "", ": the schema has no entity type Page"},
    {"Web::Page", "t", "'title': 'x'", "", "", ""},
    /* attributes */
    {"User", "u", "'name': 'x'", "", "", ""},
    {"User", "u", "'name': 1", "", "", ".name is Long, but the schema says String"},
    {"User", "u", "'age': 1, 'name': 'x', 'on': true", "", "", ""},
    {"User", "u", "'age': '1'", "", "", ".age is String, but the schema says Long"},
    {"User", "u", "'on': 1", "", "", ".on is Long, but the schema says Bool"},
    {"User", "u", "'age': true", "", "", ".age is Bool, but the schema says Long"},
    {"User", "u", "'a b': 'x'", "", "", "['a b'] is String, but the schema says Long"},
    {"User", "u", "'more': 1", "", "", " has 'more', which the schema does not declare"},
    {"Team", "t", "'more': 1", "", "", " has 'more', which the schema does not declare"},
    {"Robot", "r", "'name': 1", "", "", ""},
    {"Robot", "r", "", "", "", " has no 'name', which the schema requires"},
    {"User", "u", "'boss': " ENTITY("User", "b"), "", "", ""},
    {"User", "u", "'boss': " ENTITY("Team", "b"), "", "",
     ".boss is Team, but the schema says User"},
    {"User", "u", "'boss': 'b'", "", "", ".boss is String, but the schema says User"},
    {"User", "u", "'name': " ENTITY("User", "b"), "", "",
     ".name is User, but the schema says String"},
    {"User", "u", "'color': " ENTITY("Color", "red"), "", "", ""},
    {"User", "u", "'color': " ENTITY("Color", "blue"), "", "",
     ".color: the schema does not list Color::'blue'"},
    {"User", "u", "'home': {'city': 'x'}", "", "", ""},
    {"User", "u", "'home': {'city': 'x', 'zip': 'y'}", "", "", ""},
    {"User", "u", "'home': {}", "", "", ".home has no 'city', which the schema requires"},
    {"User", "u", "'home': {'city': 1}", "", "", ".home.city is Long, but the schema says String"},
    {"User", "u", "'home': {'city': 'x', 'no': 1}", "", "",
     ".home has 'no', which the schema does not declare"},
    {"User", "u", "'home': 'x'", "", "",
     ".home is String, but the schema says "
     "{city: String, sub?: {deep?: Set<Color>}, zip?: String}"},
    {"User", "u", "'home': {'city': 'x', 'sub': {'deep': [" ENTITY("Color", "x") "]}}", "", "",
     ".home.sub.deep: the schema does not list Color::'x'"},
    {"User", "u", "'nets': []", "", "", ""},
    {"User", "u", "'nets': [" IP("::1") ", " IP("::2") "]", "", "", ""},
    {"User", "u", "'nets': [" IP("::1") ", 1]", "", "",
     ".nets is Long, but the schema says ipaddr"},
    {"User", "u", "'nets': {}", "", "", ".nets is a record, but the schema says Set<ipaddr>"},
    {"User", "u", "'home': []", "", "",
     ".home is a set, but the schema says {city: String, sub?: {deep?: Set<Color>}, zip?: String}"},
    {"User", "u", "'score': " DECIMAL ", 'since': " DATETIME ", 'grace': " DURATION, "", "", ""},
    {"User", "u", "'score': " DATETIME, "", "", ".score is datetime, but the schema says decimal"},
    {"User", "u", "'since': " DURATION, "", "", ".since is duration, but the schema says datetime"},
    {"User", "u", "'grace': " DECIMAL, "", "", ".grace is decimal, but the schema says duration"},
    {"User", "u", "'score': 1", "", "", ".score is Long, but the schema says decimal"},
    /* ancestors */
    {"User", "u", "", UID("Team", "t"), "", ""},
    {"User", "u", "", UID("Team", "t") ", " UID("Team", "s"), "", ""},
    {"User", "u", "", UID("User", "t"), "", " is in User::'t', which the schema does not allow"},
    {"Team", "u", "", UID("User", "t"), "", " is in User::'t', which the schema does not allow"},
    {"User", "u", "", UID("Grp", "t"), "", ": the schema has no entity type Grp"},
    {"User", "u", "", UID("Action", "view"), "",
     " is in Action::'view', which the schema does not allow"},
    {"User", "u", "", UID("Action", "x"), "", ": the schema has no action Action::'x'"},
    {"Doc", "d", "", UID("Doc", "e"), "", ""},
    {"Sub", "d", "", UID("Doc", "e"), "", ""},
    {"Doc", "d", "", UID("Sub", "e"), "", " is in Sub::'e', which the schema does not allow"},
    /* tags */
    {"User", "u", "", "", "'t': ['x'], 'u': []", ""},
    {"User", "u", "", "", "'t': 'x'", "tag 't' of | is String, but the schema says Set<String>"},
    {"User", "u", "", "", "'t': [1]", "tag 't' of | is Long, but the schema says String"},
    {"Team", "u", "", "", "'t': 1", " has tags, but its type has none"},
    /* enumerations */
    {"Color", "red", "", "", "", ""},
    {"Color", "blue", "", "", "", ": the schema does not list Color::'blue'"},
    {"Color", "", "", "", "", ": the schema does not list Color::''"},
    {"Color", "red", "'x': 1", "", "", " has 'x', which the schema does not declare"},
    {"Color", "red", "", UID("Color", "green"), "",
     " is in Color::'green', which the schema does not allow"},
    {"Color", "red", "", "", "'t': 1", " has tags, but its type has none"},
    /* actions */
    {"Action", "all", "", "", "", ""},
    {"Action", "view", "", UID("Action", "all"), "", ""},
    {"Action", "edit", "", UID("Action", "all") ", " UID("Action", "view"), "", ""},
    {"Action", "edit", "", UID("Action", "view"), "", " is in other actions than the schema says"},
    {"Action", "view", "", "", "", " is in other actions than the schema says"},
    {"Action", "view", "", UID("Action", "none"), "", " is in other actions than the schema says"},
    {"Action", "all", "", UID("Action", "none"), "", " is in other actions than the schema says"},
    {"Action", "all", "'x': 1", "", "", " has attributes or tags, but is an action"},
    {"Action", "all", "", "", "'x': 1", " has attributes or tags, but is an action"},
    {"Action", "delete", "", "", "", ": the schema has no action Action::'delete'"},
    {"Action", "read", "", "", "", ": the schema has no action Action::'read'"},
    {"Web::Action", "read", "", "", "", ""},
};

/* With ' for ". */
static void unquoted(char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '"')
            *text = '\'';
}

static void entities(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ENTITIES / sizeof *ENTITIES; i++) {
        const struct entity_row *row = &ENTITIES[i];
        const char *bar = strchr(row->refusal, '|');
        char json[1024], want[VALIDATE_LINE] = "", found[VALIDATE_LINE];

        snprintf(json, sizeof json,
                 "[{'uid': {'type': '%s', 'id': '%s'}, 'attrs': {%s}, 'parents': [%s], "
                 "'tags': {%s}}]",
                 row->type, row->id, row->attrs, row->parents, row->tags);
        if (bar != NULL)
            snprintf(want, sizeof want, "%.*s%s::'%s'%s", (int)(bar - row->refusal), row->refusal,
                     row->type, row->id, bar + 1);
        else if (row->refusal[0] != '\0')
            snprintf(want, sizeof want, "%s::'%s'%s", row->type, row->id, row->refusal);
        validate_entities_text(SCHEMA, json, found);
        unquoted(found);
        if (strcmp(found, want) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", json, found, want);
    }
}

/* What an action is in may come through another action of the store; what an entity is in is
 * checked wherever it comes from; the schema's actions need not be there. */
static void stores(void **state)
{
    static const char VIEW[] =
        "{'uid': " UID("Action", "view") ", 'attrs': {}, 'parents': [" UID("Action", "all") "]}";
    static const char EDIT[] =
        "{'uid': " UID("Action", "edit") ", 'attrs': {}, 'parents': [" UID("Action", "view") "]}";
    char json[1024], found[VALIDATE_LINE];

    (void)state;
    validate_entities_text(SCHEMA, "[]", found);
    assert_string_equal(found, "");
    snprintf(json, sizeof json, "[%s, %s]", VIEW, EDIT);
    validate_entities_text(SCHEMA, json, found);
    assert_string_equal(found, "");
    validate_entities_text("", "[]", found);
    assert_string_equal(found, "");
    validate_entities_text("", "[{'uid': " UID("A", "a") ", 'attrs': {}, 'parents': []}]", found);
    assert_string_equal(found, "A::\"a\": the schema has no entity type A");
    /* the second of two */
    validate_entities_text(
        SCHEMA,
        "[{'uid': " UID("Team", "a") ", 'attrs': {}, 'parents': []},"
                                     " {'uid': " UID("Robot", "b") ", 'attrs': {}, 'parents': []}]",
        found);
    assert_string_equal(found, "Robot::\"b\" has no \"name\", which the schema requires");
}

static void add(struct buf *buf, const char *text)
{
    assert_int_equal(buf_add_str(buf, text), ERR_OK);
}

/* Many entities of a long enumeration end with an error of their own. */
static void too_many_ids(void **state)
{
    CLEANUP(buf_free) struct buf text = {0}, json = {0};
    struct cedar_schema *schema = NULL;
    struct cedar_entities *store = NULL;
    struct why why = {0};
    char one[96];

    (void)state;
    add(&text, "entity U {c: Set<C>}; entity C enum [");
    for (int i = 0; i < 8000; i++) {
        snprintf(one, sizeof one, "%s\"%d\"", i == 0 ? "" : ",", i);
        add(&text, one);
    }
    add(&text, "];");
    assert_int_equal(cedar_schema_parse(buf_slice(&text), &schema, NULL, &why), ERR_OK);
    add(&json, "[");
    for (int k = 0; k < 3; k++) {
        snprintf(one, sizeof one, "%s{\"uid\": {\"type\": \"U\", \"id\": \"%d\"},",
                 k == 0 ? "" : ",", k);
        add(&json, one);
        add(&json, "\"parents\": [], \"attrs\": {\"c\": [");
        for (int i = 0; i < 8000; i++) {
            snprintf(one, sizeof one, "%s{\"__entity\": {\"type\": \"C\", \"id\": \"%d\"}}",
                     i == 0 ? "" : ",", i);
            add(&json, one);
        }
        add(&json, "]}}");
    }
    add(&json, "]");
    assert_int_equal(cedar_entities_parse(buf_slice(&json), &store, &why), ERR_OK);
    assert_int_equal(cedar_validate_entities(schema, store, &why), ERR_CEDAR_STEPS);
    assert_string_equal(why.text, "the entities are too many to be validated");
    cedar_entities_free(&store);
    cedar_schema_free(&schema);
}

/* ---- requests -------------------------------------------------------------------------------- */

#define AT "'at': {'hour': 1}"
#define VIEW_CONTEXT "{'ip': " IP("::1") ", " AT "}"

struct request_row {
    const char *names[3], *context, *refusal;
};
static const struct request_row REQUESTS[] = {
    {{"User::u", "Action::view", "Doc::d"}, VIEW_CONTEXT, ""},
    {{"Robot::r", "Action::view", "Doc::d"}, VIEW_CONTEXT, ""},
    {{"Team::t", "Action::view", "Doc::d"},
     VIEW_CONTEXT,
     "action Action::'view' does not apply to a principal of type Team"},
    {{"Grp::t", "Action::view", "Doc::d"},
     VIEW_CONTEXT,
     "principal: the schema has no entity type Grp"},
    {{"Action::view", "Action::view", "Doc::d"}, VIEW_CONTEXT, "principal: an action cannot be it"},
    {{"User::u", "Action::view", "Team::t"},
     VIEW_CONTEXT,
     "action Action::'view' does not apply to a resource of type Team"},
    {{"User::u", "Action::view", "Grp::t"},
     VIEW_CONTEXT,
     "resource: the schema has no entity type Grp"},
    {{"User::u", "Action::view", "Action::view"}, VIEW_CONTEXT, "resource: an action cannot be it"},
    {{"Color::red", "Action::view", "Doc::d"}, VIEW_CONTEXT, ""},
    {{"Color::blue", "Action::view", "Doc::d"},
     VIEW_CONTEXT,
     "principal: the schema does not list Color::'blue'"},
    {{"User::u", "Action::delete", "Doc::d"}, "{}", "the schema has no action Action::'delete'"},
    {{"User::u", "User::view", "Doc::d"}, "{}", "the schema has no action User::'view'"},
    {{"User::u", "Action::all", "Doc::d"},
     "{}",
     "action Action::'all' does not apply to a principal of type User"},
    {{"User::u", "Action::edit", "Doc::d"}, "{}", ""},
    {{"User::u", "Action::edit", "Team::t"}, "{}", ""},
    {{"Robot::r", "Action::edit", "Doc::d"},
     "{}",
     "action Action::'edit' does not apply to a principal of type Robot"},
    {{"User::u", "Action::edit", "Doc::d"},
     "{'x': 1}",
     "context has 'x', which the schema does not declare"},
    {{"User::u", "Web::Action::read", "Web::Page::p"}, "{}", ""},
    {{"Web::Page::q", "Web::Action::read", "Web::Page::p"}, "{}", ""},
    {{"User::u", "Action::read", "Web::Page::p"}, "{}", "the schema has no action Action::'read'"},
    {{"User::u", "Web::Action::read", "Page::p"},
     "{}",
     "resource: the schema has no entity type Page"},
    /* the context */
    {{"User::u", "Action::view", "Doc::d"},
     "{'ip': " IP("::1") "}",
     "context has no 'at', which the schema requires"},
    {{"User::u", "Action::view", "Doc::d"},
     "{'ip': '::1', " AT "}",
     "context.ip is String, but the schema says ipaddr"},
    {{"User::u", "Action::view", "Doc::d"},
     "{'ip': " DECIMAL ", " AT "}",
     "context.ip is decimal, but the schema says ipaddr"},
    {{"User::u", "Action::view", "Doc::d"},
     "{'ip': " IP("::1") ", " AT ", 'mfa': true, 'who': []}",
     ""},
    {{"User::u", "Action::view", "Doc::d"},
     "{'ip': " IP("::1") ", " AT ", 'mfa': 1}",
     "context.mfa is Long, but the schema says Bool"},
    {{"User::u", "Action::view", "Doc::d"},
     "{'ip': " IP("::1") ", " AT ", 'x': 1}",
     "context has 'x', which the schema does not declare"},
    {{"User::u", "Action::view", "Doc::d"},
     "{'ip': " IP("::1") ", 'at': {}}",
     "context.at has no 'hour', which the schema requires"},
    {{"User::u", "Action::view", "Doc::d"},
     "{'ip': " IP("::1") ", 'at': {'hour': 1, 'day': '2'}}",
     "context.at.day is String, but the schema says Long"},
    {{"User::u", "Action::view", "Doc::d"},
     "{'ip': " IP("::1") ", " AT ", 'who': [" ENTITY("Color", "red") "]}",
     ""},
    {{"User::u", "Action::view", "Doc::d"},
     "{'ip': " IP("::1") ", " AT ", 'who': [" ENTITY("Color", "x") "]}",
     "context.who: the schema does not list Color::'x'"},
};

static void requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REQUESTS / sizeof *REQUESTS; i++) {
        const struct request_row *row = &REQUESTS[i];
        char found[VALIDATE_LINE];

        validate_request_text(SCHEMA, row->names, row->context, found);
        unquoted(found);
        if (strcmp(found, row->refusal) != 0)
            fail_msg("row %zu: \"%s\", not \"%s\"", i, found, row->refusal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entities),
        cmocka_unit_test(stores),
        cmocka_unit_test(too_many_ids),
        cmocka_unit_test(requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
