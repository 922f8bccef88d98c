/* SPDX-License-Identifier: Apache-2.0 */
/* schema_json_test.c: schemas in the JSON syntax. In the tables ' stands for ", and is read as it.
 */
#include "gate/cedar/schema_testing.h"

#define ENTITIES(list) "{'':{'entityTypes':{" list "},'actions':{}}}"
#define ACTIONS(list) "{'':{'entityTypes':{},'actions':{" list "}}}"
#define COMMON(list) "{'':{'commonTypes':{" list "},'entityTypes':{},'actions':{}}}"

static const struct {
    const char *json, *want;
} READ[] = {
    {"{}", ""},
    {ENTITIES(""), ""},
    {"{'N::M':{'annotations':{'if':'b','c':null},'entityTypes':{'A':{}},'actions':{}}}",
     "entity N::M::A; "},
    {ENTITIES("'A':{},'B':{'memberOfTypes':['A'],'shape':{'type':'Record','attributes':{}},'tags':{"
              "'type':'Long'},'external':false,'annotations':{'a':'b'}}"),
     "entity A; entity B in A tags Long; "},
    {ENTITIES("'A':{'shape':{'type':'Record','additionalAttributes':false,'attributes':{'b':{'type'"
              ":'Boolean'},'a':{'type':'Long','required':false,'annotations':{'x':'y'}},'':{'type':"
              "'String','required':true}}}}"),
     "entity A {\"\": String, \"a\"?: Long, \"b\": Bool}; "},
    {ENTITIES("'A':{'tags':{'type':'Set','element':{'type':'Set','element':{'type':'Entity','name':"
              "'A'}}}}"),
     "entity A tags Set<Set<&A>>; "},
    {ENTITIES(
         "'A':{'tags':{'type':'Record','attributes':{'a':{'type':'Extension','name':'ipaddr'},'b':{"
         "'type':'Extension','name':'decimal'},'c':{'type':'Extension','name':'datetime'},'d':{'"
         "type':'Extension','name':'duration'},'e':{'type':'ipaddr'},'f':{'type':'__cedar::decimal'"
         "},'g':{'type':'Bool'},'h':{'type':'EntityOrCommon','name':'Long'}}}}"),
     "entity A tags {\"a\": ipaddr, \"b\": decimal, \"c\": datetime, \"d\": duration, \"e\": "
     "ipaddr, \"f\": decimal, \"g\": Bool, \"h\": Long}; "},
    {ENTITIES("'E':{'enum':['x','y','x']},'F':{'memberOfTypes':['E']}"),
     "entity E enum \"x\", \"y\", \"x\"; entity F in E; "},
    {"{'':{'commonTypes':{'S':{'type':'Record','attributes':{'x':{'type':'T'}}},'T':{'type':'"
     "EntityOrCommon','name':'A','annotations':{'a':'b'}}},'entityTypes':{'A':{'shape':{'type':'S'}"
     ",'tags':{'type':'T'}}},'actions':{}}}",
     "entity A {\"x\": &A} tags &A; "},
    {"{'':{'commonTypes':{'A':{'type':'Record','attributes':{'x':{'type':'Entity','name':'A'}}}},'"
     "entityTypes':{'A':{'shape':{'type':'EntityOrCommon','name':'A'}}},'actions':{}}}",
     "entity A {\"x\": &A}; "},
    {"{'N':{'entityTypes':{'A':{'memberOfTypes':['N::B','B','A']},'B':{}},'actions':{}}}",
     "entity N::A in N::A, N::B; entity N::B; "},
    {ACTIONS("'a':{},'b':{'attributes':null,'appliesTo':null,'memberOf':null,'external':null,'"
             "annotations':{}},'\\u0000c':{'memberOf':[]}"),
     "action Action::\"\\u{0}c\"; action Action::\"a\"; action Action::\"b\"; "},
    {"{'N':{'entityTypes':{},'actions':{'a':{},'b':{'memberOf':[{'id':'a'}]},'c':{'memberOf':[{'id'"
     ":'b','type':null}]},'d':{'memberOf':[{'id':'c','type':'N::Action'},{'id':'c','type':'Action'}"
     "]}}}}",
     "action N::Action::\"a\"; action N::Action::\"b\" in N::Action::\"a\"; action "
     "N::Action::\"c\" in N::Action::\"a\", N::Action::\"b\"; action N::Action::\"d\" in "
     "N::Action::\"a\", N::Action::\"b\", N::Action::\"c\"; "},
    {"{'':{'commonTypes':{'C':{'type':'Record','attributes':{'x':{'type':'Entity','name':'Action'}}"
     "}},'entityTypes':{'A':{},'B':{}},'actions':{'a':{'appliesTo':{'principalTypes':[],'"
     "resourceTypes':['A']}},'b':{'appliesTo':{'principalTypes':['B','A','B'],'resourceTypes':['A']"
     ",'context':{'type':'C'}}}}}}",
     "entity A; entity B; action Action::\"a\" on A; action Action::\"b\" by A, B on A with "
     "{\"x\": &Action}; "},
    {"{'':{'entityTypes':{'A':{}},'actions':{'a':{}}},'N':{'entityTypes':{'B':{'memberOfTypes':['A'"
     "]}},'actions':{'b':{'memberOf':[{'id':'a'}]}}}}",
     "entity A; entity N::B in A; action Action::\"a\"; action N::Action::\"b\" in "
     "Action::\"a\"; "},
    {"{'N':{'entityTypes':{'A':{'tags':{'type':'Entity','name':'M::A'}}},'actions':{}},'M':{'"
     "entityTypes':{'A':{}},'actions':{}}}",
     "entity M::A; entity N::A tags &M::A; "},
};

static const struct {
    const char *json;
    err_code err;
    const char *why;
} REFUSED[] = {
    {"", ERR_JSON_MALFORMED, "1:1: expected a value, found the end"},
    {"[]", ERR_CEDAR_SCHEMA, "1:1: found an array, expected an object"},
    {"null", ERR_CEDAR_SCHEMA, "1:1: found null, expected an object"},
    {"{", ERR_JSON_MALFORMED, "1:2: expected a member's name, found the end"},
    {"{'':{'entityTypes':{},'actions':{}},'':{'entityTypes':{},'actions':{}}}", ERR_JSON_MALFORMED,
     "1:40: the second member \"\" of one object"},
    {ENTITIES("'A':{},'A':{}"), ERR_JSON_MALFORMED, "1:32: the second member \"A\" of one object"},
    {"{}x", ERR_JSON_MALFORMED, "1:3: expected the end, found 'x'"},
    {"{'':null}", ERR_CEDAR_SCHEMA, "1:5: found null, expected a namespace"},
    {"{'':[]}", ERR_CEDAR_SCHEMA, "1:5: found an array, expected a namespace"},
    {"{'':{'actions':{}}}", ERR_CEDAR_SCHEMA, "1:5: no member \"entityTypes\""},
    {"{'':{'entityTypes':{}}}", ERR_CEDAR_SCHEMA, "1:5: no member \"actions\""},
    {"{'':{'x':1,'entityTypes':{},'actions':{}}}", ERR_CEDAR_SCHEMA,
     "1:10: x: a namespace has no member \"x\""},
    {"{'':{'commonTypes':null,'entityTypes':{},'actions':{}}}", ERR_CEDAR_SCHEMA,
     "1:20: commonTypes: found null, expected an object"},
    {"{'N ':{'entityTypes':{},'actions':{}}}", ERR_CEDAR_SCHEMA, "1:7: N : \"N \" is no name"},
    {"{'if':{'entityTypes':{},'actions':{}}}", ERR_CEDAR_SCHEMA, "1:7: if: \"if\" is no name"},
    {"{'__cedar':{'entityTypes':{},'actions':{}}}", ERR_CEDAR_SCHEMA,
     "1:12: __cedar: `__cedar` is reserved: nothing is declared in it, or as it"},
    {"{'A::':{'entityTypes':{},'actions':{}}}", ERR_CEDAR_SCHEMA, "1:8: A::: \"A::\" is no name"},
    {"{'A:B':{'entityTypes':{},'actions':{}}}", ERR_CEDAR_SCHEMA, "1:8: A:B: \"A:B\" is no name"},
    {"{'N':{'annotations':{'a':1},'entityTypes':{},'actions':{}}}", ERR_CEDAR_SCHEMA,
     "1:26: N.annotations.a: found an integer, expected a string or null"},
    {"{'N':{'annotations':{'a b':'c'},'entityTypes':{},'actions':{}}}", ERR_CEDAR_SCHEMA,
     "1:28: N.annotations.a b: \"a b\" is no identifier"},
    {"{'':{'annotations':{'a':'b'},'entityTypes':{},'actions':{}}}", ERR_CEDAR_SCHEMA,
     "1:20: annotations: the empty namespace has no annotations"},
    {ENTITIES("'A':null"), ERR_CEDAR_SCHEMA,
     "1:25: entityTypes.A: found null, expected an entity type"},
    {ENTITIES("'A':[]"), ERR_CEDAR_SCHEMA,
     "1:25: entityTypes.A: found an array, expected an entity type"},
    {ENTITIES("'A B':{}"), ERR_CEDAR_SCHEMA,
     "1:27: entityTypes.A B: \"A B\" is no identifier that may name a type"},
    {ENTITIES("'in':{}"), ERR_CEDAR_SCHEMA,
     "1:26: entityTypes.in: \"in\" is no identifier that may name a type"},
    {ENTITIES("'__cedar':{}"), ERR_CEDAR_SCHEMA,
     "1:31: entityTypes.__cedar: `__cedar` is reserved: nothing is declared in it, or as it"},
    {ENTITIES("'Action':{}"), ERR_CEDAR_SCHEMA,
     "1:30: entityTypes.Action: `Action` is the type of actions, no entity type"},
    {ENTITIES("'A':{'x':1}"), ERR_CEDAR_SCHEMA,
     "1:30: entityTypes.A.x: an entity type has no member \"x\""},
    {ENTITIES("'A':{'memberOfTypes':'A'}"), ERR_CEDAR_SCHEMA,
     "1:42: entityTypes.A.memberOfTypes: found a string, expected an array"},
    {ENTITIES("'A':{'memberOfTypes':[1]}"), ERR_CEDAR_SCHEMA,
     "1:43: entityTypes.A.memberOfTypes[0]: found an integer, expected the name of a type"},
    {ENTITIES("'A':{'memberOfTypes':['B']}"), ERR_CEDAR_SCHEMA,
     "1:43: entityTypes.A.memberOfTypes[0]: `B` is not declared as an entity type"},
    {ENTITIES("'A':{'memberOfTypes':[' A']}"), ERR_CEDAR_SCHEMA,
     "1:43: entityTypes.A.memberOfTypes[0]: \" A\" is no name"},
    {ENTITIES("'A':{'memberOfTypes':['Long']}"), ERR_CEDAR_SCHEMA,
     "1:43: entityTypes.A.memberOfTypes[0]: `Long` is not declared as an entity type"},
    {ENTITIES("'A':{'memberOfTypes':null}"), ERR_CEDAR_SCHEMA,
     "1:42: entityTypes.A.memberOfTypes: found null, expected an array"},
    {ENTITIES("'A':{'shape':null}"), ERR_CEDAR_SCHEMA,
     "1:34: entityTypes.A.shape: found null, expected a type"},
    {ENTITIES("'A':{'shape':{}}"), ERR_CEDAR_SCHEMA,
     "1:34: entityTypes.A.shape: no member \"type\""},
    {ENTITIES("'A':{'shape':{'type':1}}"), ERR_CEDAR_SCHEMA,
     "1:42: entityTypes.A.shape.type: found an integer, expected the name of a type"},
    {ENTITIES("'A':{'shape':{'type':'Long'}}"), ERR_CEDAR_SCHEMA,
     "1:34: entityTypes.A.shape: the shape of an entity type must be a record"},
    {ENTITIES("'A':{'shape':{'type':'Entity','name':'A'}}"), ERR_CEDAR_SCHEMA,
     "1:34: entityTypes.A.shape: the shape of an entity type must be a record"},
    {ENTITIES("'A':{'tags':null}"), ERR_CEDAR_SCHEMA,
     "1:33: entityTypes.A.tags: found null, expected a type"},
    {ENTITIES("'A':{'enum':[]}"), ERR_CEDAR_SCHEMA,
     "1:33: entityTypes.A.enum: an enumeration has one id at least"},
    {ENTITIES("'A':{'enum':['x',1]}"), ERR_CEDAR_SCHEMA,
     "1:38: entityTypes.A.enum[1]: found an integer, expected the id of an entity"},
    {ENTITIES("'A':{'enum':null}"), ERR_CEDAR_SCHEMA,
     "1:33: entityTypes.A.enum: found null, expected an array"},
    {ENTITIES("'A':{'enum':['x'],'memberOfTypes':[]}"), ERR_CEDAR_SCHEMA,
     "1:33: entityTypes.A.enum: an enumeration has no \"memberOfTypes\""},
    {ENTITIES("'A':{'enum':['x'],'shape':{'type':'Record','attributes':{}}}"), ERR_CEDAR_SCHEMA,
     "1:33: entityTypes.A.enum: an enumeration has no \"shape\""},
    {ENTITIES("'A':{'enum':['x'],'tags':{'type':'Long'}}"), ERR_CEDAR_SCHEMA,
     "1:33: entityTypes.A.enum: an enumeration has no \"tags\""},
    {ENTITIES("'A':{'external':true}"), ERR_CEDAR_SCHEMA,
     "1:37: entityTypes.A.external: \"external\": what it declares is not defined here, and a "
     "schema has no other part"},
    {ENTITIES("'A':{'external':null}"), ERR_CEDAR_SCHEMA,
     "1:37: entityTypes.A.external: found null, expected a boolean"},
    {ENTITIES("'A':{'annotations':null}"), ERR_CEDAR_SCHEMA,
     "1:40: entityTypes.A.annotations: found null, expected an object of annotations"},
    {COMMON("'T':{'type':'Long','name':'x'}"), ERR_CEDAR_SCHEMA,
     "1:47: commonTypes.T.name: the type Long has no member \"name\""},
    {COMMON("'T':{'type':'Long','required':true}"), ERR_CEDAR_SCHEMA,
     "1:51: commonTypes.T.required: a type has no member \"required\""},
    {COMMON("'T':{'type':'Set'}"), ERR_CEDAR_SCHEMA, "1:25: commonTypes.T: no member \"element\""},
    {COMMON("'T':{'type':'Set','element':'Long'}"), ERR_CEDAR_SCHEMA,
     "1:49: commonTypes.T.element: found a string, expected a type"},
    {COMMON("'T':{'type':'Set','element':{'type':'Long','annotations':{}}}"), ERR_CEDAR_SCHEMA,
     "1:78: commonTypes.T.element.annotations: a type has no member \"annotations\""},
    {COMMON("'T':{'type':'Set','element':{'type':'Long'},'name':'x'}"), ERR_CEDAR_SCHEMA,
     "1:72: commonTypes.T.name: the type Set has no member \"name\""},
    {COMMON("'T':{'type':'Record'}"), ERR_CEDAR_SCHEMA,
     "1:25: commonTypes.T: no member \"attributes\""},
    {COMMON("'T':{'type':'Record','attributes':[]}"), ERR_CEDAR_SCHEMA,
     "1:55: commonTypes.T.attributes: found an array, expected an object of attributes"},
    {COMMON("'T':{'type':'Record','attributes':{},'additionalAttributes':true}"), ERR_CEDAR_SCHEMA,
     "1:81: commonTypes.T.additionalAttributes: a record has the attributes that are declared, and "
     "no others"},
    {COMMON("'T':{'type':'Record','attributes':{},'additionalAttributes':1}"), ERR_CEDAR_SCHEMA,
     "1:81: commonTypes.T.additionalAttributes: found an integer, expected a boolean"},
    {COMMON("'T':{'type':'Record','attributes':{},'element':{'type':'Long'}}"), ERR_CEDAR_SCHEMA,
     "1:68: commonTypes.T.element: the type Record has no member \"element\""},
    {COMMON("'T':{'type':'Record','attributes':{'a':{'type':'Long','required':null}}}"),
     ERR_CEDAR_SCHEMA, "1:86: commonTypes.T.attributes.a.required: found null, expected a boolean"},
    {COMMON("'T':{'type':'Record','attributes':{'a':{'type':'Long'},'a':{'type':'Long'}}}"),
     ERR_JSON_MALFORMED, "1:80: the second member \"a\" of one object"},
    {COMMON("'T':{'type':'Entity'}"), ERR_CEDAR_SCHEMA, "1:25: commonTypes.T: no member \"name\""},
    {COMMON("'T':{'type':'Entity','name':'T'}"), ERR_CEDAR_SCHEMA,
     "1:25: commonTypes.T: `T` is not declared as an entity type"},
    {COMMON("'T':{'type':'Entity','name':1}"), ERR_CEDAR_SCHEMA,
     "1:49: commonTypes.T.name: found an integer, expected the name of a type"},
    {COMMON("'T':{'type':'EntityOrCommon','name':'U'}"), ERR_CEDAR_SCHEMA,
     "1:25: commonTypes.T: `U` is not declared as a common type or an entity type"},
    {COMMON("'T':{'type':'EntityOrCommon','name':'A::1'}"), ERR_CEDAR_SCHEMA,
     "1:57: commonTypes.T.name: \"A::1\" is no name"},
    {COMMON("'T':{'type':'Extension'}"), ERR_CEDAR_SCHEMA,
     "1:25: commonTypes.T: no member \"name\""},
    {COMMON("'T':{'type':'Extension','name':'ip'}"), ERR_CEDAR_SCHEMA,
     "1:52: commonTypes.T.name: found \"ip\", expected ipaddr, decimal, datetime or duration"},
    {COMMON("'T':{'type':'A B'}"), ERR_CEDAR_SCHEMA,
     "1:33: commonTypes.T.type: \"A B\" is no name"},
    {COMMON("'T':{'type':'U'}"), ERR_CEDAR_SCHEMA,
     "1:25: commonTypes.T: `U` is not declared as a common type"},
    {"{'':{'commonTypes':{'T':{'type':'A'}},'entityTypes':{'A':{}},'actions':{}}}",
     ERR_CEDAR_SCHEMA, "1:25: commonTypes.T: `A` is not declared as a common type"},
    {COMMON("'T':{'type':'T'}"), ERR_CEDAR_SCHEMA,
     "1:25: commonTypes.T: the common type `T`, declared at 1:25, is part of itself"},
    {COMMON("'T':{'type':'EntityOrCommon','name':'T'}"), ERR_CEDAR_SCHEMA,
     "1:25: commonTypes.T: the common type `T`, declared at 1:25, is part of itself"},
    {COMMON("'Set':{'type':'Long'}"), ERR_CEDAR_SCHEMA,
     "1:27: commonTypes.Set: `Set` is reserved: no common type has this name"},
    {COMMON("'T x':{'type':'Long'}"), ERR_CEDAR_SCHEMA,
     "1:27: commonTypes.T x: \"T x\" is no identifier that may name a type"},
    {ACTIONS("'a':null"), ERR_CEDAR_SCHEMA, "1:38: actions.a: found null, expected an action"},
    {ACTIONS("'a':{'x':1}"), ERR_CEDAR_SCHEMA, "1:43: actions.a.x: an action has no member \"x\""},
    {ACTIONS("'a':{'attributes':{}}"), ERR_CEDAR_SCHEMA,
     "1:52: actions.a.attributes: an action has no attributes"},
    {ACTIONS("'a':{'external':true}"), ERR_CEDAR_SCHEMA,
     "1:50: actions.a.external: \"external\": what it declares is not defined here, and a schema "
     "has no other part"},
    {ACTIONS("'a':{'memberOf':{}}"), ERR_CEDAR_SCHEMA,
     "1:50: actions.a.memberOf: found an object, expected an array of actions"},
    {ACTIONS("'a':{'memberOf':['b']}"), ERR_CEDAR_SCHEMA,
     "1:51: actions.a.memberOf[0]: found a string, expected a group of actions"},
    {ACTIONS("'a':{'memberOf':[{}]}"), ERR_CEDAR_SCHEMA,
     "1:51: actions.a.memberOf[0]: no member \"id\""},
    {ACTIONS("'a':{'memberOf':[{'id':1}]}"), ERR_CEDAR_SCHEMA,
     "1:57: actions.a.memberOf[0].id: found an integer, expected the id of an action"},
    {ACTIONS("'a':{'memberOf':[{'id':'b','x':1}]}"), ERR_CEDAR_SCHEMA,
     "1:65: actions.a.memberOf[0].x: a group of actions has no member \"x\""},
    {ACTIONS("'a':{'memberOf':[{'id':'a','type':1}]}"), ERR_CEDAR_SCHEMA,
     "1:68: actions.a.memberOf[0].type: found an integer, expected the name of a type"},
    {ACTIONS("'a':{'memberOf':[{'id':'a','type':'A:'}]}"), ERR_CEDAR_SCHEMA,
     "1:68: actions.a.memberOf[0].type: \"A:\" is no name"},
    {ACTIONS("'a':{'memberOf':[{'id':'b'}]}"), ERR_CEDAR_SCHEMA,
     "1:51: actions.a.memberOf[0]: `Action::\"b\"` is not declared as an action"},
    {ACTIONS("'a':{'memberOf':[{'id':'a'}]}"), ERR_CEDAR_SCHEMA,
     "1:38: actions.a: the action `a` is in itself, directly or through others"},
    {ACTIONS("'a':{'appliesTo':{}}"), ERR_CEDAR_SCHEMA,
     "1:51: actions.a.appliesTo: no member \"principalTypes\""},
    {ACTIONS("'a':{'appliesTo':{'principalTypes':[]}}"), ERR_CEDAR_SCHEMA,
     "1:51: actions.a.appliesTo: no member \"resourceTypes\""},
    {ACTIONS("'a':{'appliesTo':{'principalTypes':[],'resourceTypes':[],'x':1}}"), ERR_CEDAR_SCHEMA,
     "1:95: actions.a.appliesTo.x: \"appliesTo\" has no member \"x\""},
    {ACTIONS("'a':{'appliesTo':{'principalTypes':null,'resourceTypes':[]}}"), ERR_CEDAR_SCHEMA,
     "1:69: actions.a.appliesTo.principalTypes: found null, expected an array"},
    {ACTIONS("'a':{'appliesTo':{'principalTypes':[],'resourceTypes':['A']}}"), ERR_CEDAR_SCHEMA,
     "1:89: actions.a.appliesTo.resourceTypes[0]: `A` is not declared as an entity type"},
    {ACTIONS("'a':{'appliesTo':{'principalTypes':[],'resourceTypes':[],'context':null}}"),
     ERR_CEDAR_SCHEMA, "1:101: actions.a.appliesTo.context: found null, expected a type"},
    {ACTIONS(
         "'a':{'appliesTo':{'principalTypes':[],'resourceTypes':[],'context':{'type':'Long'}}}"),
     ERR_CEDAR_SCHEMA, "1:101: actions.a.appliesTo.context: a context must be a record"},
    {"{'':{'entityTypes':{'A':{}},'actions':{}},'N':{'entityTypes':{'A':{}},'actions':{}}}",
     ERR_CEDAR_SCHEMA,
     "1:67: N.entityTypes.A: `A` within a namespace would hide that of the empty namespace, "
     "declared at 1:25"},
    {"{'':{'entityTypes':{},'actions':{'a':{}}},'N':{'entityTypes':{},'actions':{'a':{}}}}",
     ERR_CEDAR_SCHEMA,
     "1:80: N.actions.a: `a` within a namespace would hide that of the empty namespace, declared "
     "at 1:38"},
    {"{'N':{'entityTypes':{'A':{'tags':{'type':'EntityOrCommon','name':'B'}}},'actions':{}}}",
     ERR_CEDAR_SCHEMA,
     "1:34: N.entityTypes.A.tags: neither `N::B` nor `B` is declared as a common type or an entity "
     "type"},
};

/* The same text in both syntaxes. */
static const struct {
    const char *json, *text;
} SAME[] = {
    {"{'N':{'commonTypes':{'T':{'type':'Set','element':{'type':'EntityOrCommon','name':'A'}}},"
     "'entityTypes':{'A':{'shape':{'type':'Record','attributes':{'x':{'type':'T','required':"
     "false}}},'tags':{'type':'String'}},'B':{'memberOfTypes':['A']},'E':{'enum':['e']}},"
     "'actions':{'a':{'appliesTo':{'principalTypes':['B'],'resourceTypes':['A','B'],'context':"
     "{'type':'Record','attributes':{'d':{'type':'Extension','name':'decimal'}}}},'memberOf':"
     "[{'id':'g'}]},'g':{}}}}",
     "namespace N { type T = Set<A>; entity A { x?: T } tags String; entity B in A;"
     "entity E enum [\"e\"]; action a in g appliesTo { principal: B, resource: [A, B],"
     "context: { d: decimal } }; action g; }"},
    {"{'':{'entityTypes':{},'actions':{}}}", ""},
};

/* Owns: the caller frees. */
static struct buf with_quotes(const char *text)
{
    struct buf json = {0};

    for (const char *c = text; *c != '\0'; c++)
        assert_int_equal(buf_add_u8(&json, (uint8_t)(*c == '\'' ? '"' : *c)), ERR_OK);
    return json;
}

static err_code parse(const char *text, struct cedar_schema **ret, struct why *why)
{
    CLEANUP(buf_free) struct buf json = with_quotes(text);

    return cedar_schema_parse_json(buf_slice(&json), ret, why);
}

static void expect(const char *text, const struct cedar_schema *schema, const char *want)
{
    CLEANUP(buf_free) struct buf shown = show_schema(schema);

    if (strcmp((const char *)shown.ptr, want) != 0)
        fail_msg("%s: found %s, expected %s", text, (const char *)shown.ptr, want);
}

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(READ); i++) {
        CLEANUP(cedar_schema_free) struct cedar_schema *schema = NULL;
        struct why why = {0};

        if (parse(READ[i].json, &schema, &why) != ERR_OK)
            fail_msg("%s: %s", READ[i].json, why.text);
        expect(READ[i].json, schema, READ[i].want);
    }
}

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(REFUSED); i++) {
        CLEANUP(cedar_schema_free) struct cedar_schema *schema = NULL;
        struct why why = {0};
        err_code err = parse(REFUSED[i].json, &schema, &why);

        if (err != REFUSED[i].err || strcmp(why.text, REFUSED[i].why) != 0)
            fail_msg("%s: found %s %s, expected %s %s", REFUSED[i].json, err_name(err), why.text,
                     err_name(REFUSED[i].err), REFUSED[i].why);
        assert_null(schema);
    }
}

static void test_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(SAME); i++) {
        CLEANUP(cedar_schema_free) struct cedar_schema *schema = NULL;
        CLEANUP(cedar_schema_free) struct cedar_schema *other = NULL;
        CLEANUP(buf_free) struct buf shown = {0};
        struct why why = {0};

        if (parse(SAME[i].json, &schema, &why) != ERR_OK ||
            cedar_schema_parse(slice_str(SAME[i].text), &other, NULL, &why) != ERR_OK)
            fail_msg("%s: %s", SAME[i].json, why.text);
        shown = show_schema(other);
        expect(SAME[i].json, schema, (const char *)shown.ptr);
    }
}

static void test_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(READ); i++) {
        CLEANUP(buf_free) struct buf json = with_quotes(READ[i].json);

        for (size_t n = 0; n < json.len; n++) {
            struct cedar_schema *schema = NULL;
            uint8_t *cut = malloc(n + 1); /* so that a byte too far is found */
            struct why why = {0};

            assert_non_null(cut);
            memcpy(cut, json.ptr, n);
            assert_int_equal(cedar_schema_parse_json((struct slice){cut, n}, &schema, &why),
                             ERR_JSON_MALFORMED);
            free(cut);
            assert_null(schema);
        }
    }
}

static const struct {
    const char *text, *refusal; /* NULL: it is read */
} EITHER[] = {
    {"entity a;", NULL},
    {" \t\r\n{'': {'entityTypes': {'a': {}}, 'actions': {}}}", NULL},
    {"", NULL},
    {" \n ", NULL},
    {"// {\nentity a;", NULL},
    {"{", "1:2: expected a member's name, found the end"},
    {"[]", "1:1: found `[`, expected `namespace`, `entity`, `action` or `type`"},
};

static void test_either(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(EITHER); i++) {
        CLEANUP(buf_free) struct buf text = with_quotes(EITHER[i].text);
        CLEANUP(cedar_schema_free) struct cedar_schema *schema = NULL;
        struct why why = {0};
        err_code err = cedar_schema_read(buf_slice(&text), &schema, NULL, &why);

        if ((err == ERR_OK) != (EITHER[i].refusal == NULL) ||
            (err != ERR_OK && strcmp(why.text, EITHER[i].refusal) != 0))
            fail_msg("%s: %s", EITHER[i].text, why.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read), cmocka_unit_test(test_refused), cmocka_unit_test(test_same),
        cmocka_unit_test(test_cut),  cmocka_unit_test(test_either),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
