/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_json.c: reads the JSON schema syntax. Every member that is not known is refused, so that a
 * misspelt one does not pass for one that is left out.
 */
#include "gate/cedar/lex.h"
#include "gate/cedar/schema_tree.h"

#include <string.h>

struct source {
    struct cedar_tree *tree;
    struct slice space;
    unsigned depth; /* of the type that is being read */
};

/* ---- members --------------------------------------------------------------------------------- */

static err_code expected(const struct source *s, const struct cedar_json *json, const char *what)
{
    return cedar_tree_fail(s->tree, json->offset, ERR_CEDAR_SCHEMA, "found %s, expected %s",
                           cedar_json_kind_text(json), what);
}

static err_code need(const struct source *s, const struct cedar_json *json,
                     enum cedar_json_kind kind, const char *what)
{
    return json->kind == kind ? ERR_OK : expected(s, json, what);
}

struct member {
    const char *name;
    const struct cedar_json **value; /* stays NULL when there is none */
};

/* The members of an object, which has no others. */
static err_code members(const struct source *s, const struct cedar_json *json, const char *what,
                        const struct member *known)
{
    TRY(need(s, json, CEDAR_JSON_OBJECT, what));
    for (uint32_t i = 0; i < json->n; i++) {
        const struct member *m = known;

        while (m->name != NULL && !slice_eq_str(json->members[i].name, m->name))
            m++;
        if (m->name == NULL)
            return cedar_tree_fail(s->tree, json->members[i].value.offset, ERR_CEDAR_SCHEMA,
                                   "%s has no member \"%s\"", what,
                                   cedar_quoted(json->members[i].name).text);
        *m->value = &json->members[i].value;
    }
    return ERR_OK;
}

static err_code missing(const struct source *s, const struct cedar_json *json, const char *what)
{
    return cedar_tree_fail(s->tree, json->offset, ERR_CEDAR_SCHEMA, "no member \"%s\"", what);
}

static bool null(const struct cedar_json *json)
{
    return json == NULL || json->kind == CEDAR_JSON_NULL;
}

/* {identifier: string or null}: they say nothing to the validator, but must be in order. */
static err_code annotations(const struct source *s, const struct cedar_json *json)
{
    if (json == NULL)
        return ERR_OK;
    TRY(need(s, json, CEDAR_JSON_OBJECT, "an object of annotations"));
    for (uint32_t i = 0; i < json->n; i++) {
        const struct cedar_json_member *one = &json->members[i];

        if (!cedar_ident_valid(one->name) && !cedar_reserved(one->name))
            return cedar_tree_fail(s->tree, one->value.offset, ERR_CEDAR_SCHEMA,
                                   "\"%s\" is no identifier", cedar_quoted(one->name).text);
        if (!null(&one->value))
            TRY(need(s, &one->value, CEDAR_JSON_STRING, "a string or null"));
    }
    return ERR_OK;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Identifiers joined by "::", without blanks. */
static bool name_valid(struct slice name)
{
    for (;;) {
        const uint8_t *colon = name.len == 0 ? NULL : memchr(name.ptr, ':', name.len);
        size_t n = colon == NULL ? name.len : (size_t)(colon - name.ptr);

        if (!cedar_ident_valid(slice_part(name, 0, n)))
            return false;
        if (colon == NULL)
            return true;
        if (!slice_eq_str(slice_part(name, n, 2), "::"))
            return false;
        name = slice_part(name, n + 2, name.len - n - 2);
    }
}

static err_code check_name(const struct source *s, struct slice name, uint32_t offset)
{
    if (name_valid(name))
        return ERR_OK;
    return cedar_tree_fail(s->tree, offset, ERR_CEDAR_SCHEMA, "\"%s\" is no name",
                           cedar_quoted(name).text);
}

static err_code type_name(const struct source *s, const struct cedar_json *json,
                          struct cedar_tree_name *ret)
{
    TRY(need(s, json, CEDAR_JSON_STRING, "the name of a type"));
    *ret = (struct cedar_tree_name){json->text, json->offset};
    return check_name(s, json->text, json->offset);
}

static err_code entity_id(const struct source *s, const struct cedar_json *json,
                          struct cedar_tree_name *ret)
{
    *ret = (struct cedar_tree_name){json->text, json->offset};
    return need(s, json, CEDAR_JSON_STRING, "the id of an entity");
}

typedef err_code read_name(const struct source *s, const struct cedar_json *json,
                           struct cedar_tree_name *ret);

static err_code names(const struct source *s, const struct cedar_json *json, read_name *read,
                      struct cedar_tree_names *ret)
{
    CLEANUP(cedar_list_free) struct cedar_list list = {0};
    struct cedar_tree_name one = {0};
    const void *kept = NULL;

    TRY(need(s, json, CEDAR_JSON_ARRAY, "an array"));
    for (uint32_t i = 0; i < json->n; i++) {
        TRY(read(s, &json->items[i], &one));
        TRY(cedar_list_add(&list, &one, sizeof one));
    }
    TRY(cedar_tree_keep(s->tree, &list, json->offset, &kept));
    *ret = (struct cedar_tree_names){kept, list.n};
    return ERR_OK;
}

/* The name that a member declares. */
static err_code declared(const struct source *s, const struct cedar_json_member *member,
                         struct cedar_tree_name *ret)
{
    *ret = (struct cedar_tree_name){member->name, member->value.offset};
    return cedar_tree_count(s->tree, member->value.offset);
}

static err_code declared_type(const struct source *s, const struct cedar_json_member *member,
                              struct cedar_tree_name *ret)
{
    if (!cedar_ident_valid(member->name))
        return cedar_tree_fail(s->tree, member->value.offset, ERR_CEDAR_SCHEMA,
                               "\"%s\" is no identifier that may name a type",
                               cedar_quoted(member->name).text);
    return declared(s, member, ret);
}

/* ---- types ----------------------------------------------------------------------------------- */

/* The members of a type; of an attribute, which may be optional, and annotated; of a common type,
 * which may be annotated. */
struct parts {
    const struct cedar_json *type, *element, *attributes, *additional, *name;
    const struct cedar_json *annotations, *required;
};
enum role { ROLE_TYPE = 0, ROLE_COMMON, ROLE_ATTRIBUTE };

static err_code type(struct source *s, const struct cedar_json *json, enum role role,
                     struct cedar_tree_type *ret, bool *ret_required);

static err_code named(const struct source *s, const struct cedar_json *json,
                      const struct parts *parts, enum cedar_form form, struct cedar_tree_type *ret)
{
    struct cedar_tree_name name = {0};

    if (parts->name == NULL)
        return missing(s, json, "name");
    TRY(type_name(s, parts->name, &name));
    ret->form = form;
    ret->name = name.text;
    return ERR_OK;
}

static err_code extension(const struct source *s, const struct cedar_json *json,
                          const struct parts *parts, struct cedar_tree_type *ret)
{
    static const struct {
        const char *name;
        enum cedar_type_kind kind;
    } KNOWN[] = {{"ipaddr", CEDAR_TYPE_IP},
                 {"decimal", CEDAR_TYPE_DECIMAL},
                 {"datetime", CEDAR_TYPE_DATETIME},
                 {"duration", CEDAR_TYPE_DURATION}};

    if (parts->name == NULL)
        return missing(s, json, "name");
    ret->form = CEDAR_FORM_BUILTIN;
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (cedar_json_is(parts->name, KNOWN[i].name)) {
            ret->builtin = KNOWN[i].kind;
            return ERR_OK;
        }
    TRY(need(s, parts->name, CEDAR_JSON_STRING, "the name of an extension type"));
    return cedar_tree_fail(s->tree, parts->name->offset, ERR_CEDAR_SCHEMA,
                           "found \"%s\", expected ipaddr, decimal, datetime or duration",
                           cedar_quoted(parts->name->text).text);
}

static err_code set_of(struct source *s, const struct cedar_json *json, const struct parts *parts,
                       struct cedar_tree_type *ret)
{
    struct cedar_tree_type *element = cedar_arena_take(&s->tree->arena, sizeof *element);

    if (element == NULL)
        return ERR_NO_MEMORY;
    if (parts->element == NULL)
        return missing(s, json, "element");
    TRY(type(s, parts->element, ROLE_TYPE, element, NULL));
    ret->form = CEDAR_FORM_SET;
    ret->element = element;
    return ERR_OK;
}

static err_code record(struct source *s, const struct cedar_json *json, const struct parts *parts,
                       struct cedar_tree_type *ret)
{
    CLEANUP(cedar_list_free) struct cedar_list list = {0};
    const struct cedar_json *attrs = parts->attributes;

    if (attrs == NULL)
        return missing(s, json, "attributes");
    TRY(need(s, attrs, CEDAR_JSON_OBJECT, "an object of attributes"));
    for (uint32_t i = 0; i < attrs->n; i++) {
        const struct cedar_json_member *member = &attrs->members[i];
        struct cedar_tree_attr attr = {.name = member->name, .offset = member->value.offset};

        TRY(type(s, &member->value, ROLE_ATTRIBUTE, &attr.type, &attr.required));
        TRY(cedar_list_add(&list, &attr, sizeof attr));
    }
    if (parts->additional != NULL)
        TRY(need(s, parts->additional, CEDAR_JSON_BOOL, "a boolean"));
    if (parts->additional != NULL && parts->additional->truth)
        return cedar_tree_fail(s->tree, parts->additional->offset, ERR_CEDAR_SCHEMA,
                               "a record has the attributes that are declared, and no others");
    return cedar_tree_record(s->tree, &list, json->offset, ret);
}

/* The members that a type has beside "type". */
enum { HAS_NAME = 1, HAS_ELEMENT = 2, HAS_ATTRIBUTES = 4 };

static const struct known {
    const char *name;
    unsigned has;
    enum cedar_form form;
    enum cedar_type_kind builtin;
} KNOWN_TYPES[] = {
    {"Boolean", 0, CEDAR_FORM_BUILTIN, CEDAR_TYPE_BOOL},
    {"Entity", HAS_NAME, CEDAR_FORM_ENTITY, 0},
    {"EntityOrCommon", HAS_NAME, CEDAR_FORM_NAME, 0},
    {"Extension", HAS_NAME, CEDAR_FORM_BUILTIN, 0},
    {"Long", 0, CEDAR_FORM_BUILTIN, CEDAR_TYPE_LONG},
    {"Record", HAS_ATTRIBUTES, CEDAR_FORM_RECORD, 0},
    {"Set", HAS_ELEMENT, CEDAR_FORM_SET, 0},
    {"String", 0, CEDAR_FORM_BUILTIN, CEDAR_TYPE_STRING},
    {NULL, 0, CEDAR_FORM_COMMON, 0}, /* any other: the name of a common type */
};

static err_code only(const struct source *s, const struct cedar_json *value, bool has,
                     const char *name, const struct parts *parts)
{
    if (value == NULL || has)
        return ERR_OK;
    return cedar_tree_fail(s->tree, value->offset, ERR_CEDAR_SCHEMA,
                           "the type %s has no member \"%s\"", cedar_quoted(parts->type->text).text,
                           name);
}

static err_code build(struct source *s, const struct cedar_json *json, const struct parts *parts,
                      struct cedar_tree_type *ret)
{
    const struct known *known = KNOWN_TYPES;

    while (known->name != NULL && !cedar_json_is(parts->type, known->name))
        known++;
    TRY(only(s, parts->name, (known->has & HAS_NAME) != 0, "name", parts));
    TRY(only(s, parts->element, (known->has & HAS_ELEMENT) != 0, "element", parts));
    TRY(only(s, parts->attributes, (known->has & HAS_ATTRIBUTES) != 0, "attributes", parts));
    TRY(only(s, parts->additional, (known->has & HAS_ATTRIBUTES) != 0, "additionalAttributes",
             parts));
    ret->form = known->form;
    switch (known->form) {
    case CEDAR_FORM_NAME:
    case CEDAR_FORM_ENTITY:
        return named(s, json, parts, known->form, ret);
    case CEDAR_FORM_SET:
        return set_of(s, json, parts, ret);
    case CEDAR_FORM_RECORD:
        return record(s, json, parts, ret);
    case CEDAR_FORM_COMMON:
        ret->name = parts->type->text;
        return check_name(s, ret->name, parts->type->offset);
    case CEDAR_FORM_BUILTIN:
        ret->builtin = known->builtin;
        return known->has == 0 ? ERR_OK : extension(s, json, parts, ret);
    }
    return ERR_INTERNAL;
}

static err_code type(struct source *s, const struct cedar_json *json, enum role role,
                     struct cedar_tree_type *ret, bool *ret_required)
{
    struct parts parts = {0};
    const struct member all[] = {
        {"type", &parts.type},
        {"element", &parts.element},
        {"attributes", &parts.attributes},
        {"additionalAttributes", &parts.additional},
        {"name", &parts.name},
        {role == ROLE_TYPE ? NULL : "annotations", &parts.annotations},
        {role == ROLE_ATTRIBUTE ? "required" : NULL, &parts.required},
        {NULL, NULL},
    };
    err_code err;

    if (++s->depth > CEDAR_DEPTH_MAX)
        return cedar_tree_fail(s->tree, json->offset, ERR_CEDAR_NESTING,
                               "types within each other, more than %d", CEDAR_DEPTH_MAX);
    *ret = (struct cedar_tree_type){.offset = json->offset};
    TRY(members(s, json, "a type", all));
    if (parts.type == NULL)
        return missing(s, json, "type");
    TRY(need(s, parts.type, CEDAR_JSON_STRING, "the name of a type"));
    TRY(annotations(s, parts.annotations));
    if (parts.required != NULL)
        TRY(need(s, parts.required, CEDAR_JSON_BOOL, "a boolean"));
    if (ret_required != NULL)
        *ret_required = parts.required == NULL || parts.required->truth;
    err = build(s, json, &parts, ret);
    s->depth--;
    return err;
}

/* NULL stays NULL. */
static err_code kept_type(struct source *s, const struct cedar_json *json,
                          const struct cedar_tree_type **ret)
{
    struct cedar_tree_type *kept = cedar_arena_take(&s->tree->arena, sizeof *kept);

    if (kept == NULL)
        return ERR_NO_MEMORY;
    if (json == NULL)
        return ERR_OK;
    TRY(type(s, json, ROLE_TYPE, kept, NULL));
    *ret = kept;
    return ERR_OK;
}

/* ---- declarations ---------------------------------------------------------------------------- */

static err_code external(const struct source *s, const struct cedar_json *json)
{
    if (json == NULL)
        return ERR_OK;
    TRY(need(s, json, CEDAR_JSON_BOOL, "a boolean"));
    if (!json->truth)
        return ERR_OK;
    return cedar_tree_fail(s->tree, json->offset, ERR_CEDAR_SCHEMA,
                           "\"external\": what it declares is not defined here, and a schema has "
                           "no other part");
}

static err_code common(struct source *s, const struct cedar_json_member *member)
{
    struct cedar_tree_common made = {.space = s->space};

    TRY(declared_type(s, member, &made.name));
    TRY(type(s, &member->value, ROLE_COMMON, &made.type, NULL));
    return cedar_list_add(&s->tree->commons, &made, sizeof made);
}

static err_code one_name(struct source *s, const struct cedar_tree_name *name,
                         struct cedar_tree_names *ret)
{
    struct cedar_tree_name *kept = cedar_arena_take(&s->tree->arena, sizeof *kept);

    if (kept == NULL)
        return ERR_NO_MEMORY;
    *kept = *name;
    *ret = (struct cedar_tree_names){kept, 1};
    return ERR_OK;
}

static err_code entity(struct source *s, const struct cedar_json_member *member)
{
    struct cedar_tree_entity made = {.space = s->space};
    struct cedar_tree_name name = {0};
    const struct cedar_json *parents = NULL, *shape = NULL, *tags = NULL, *ids = NULL;
    const struct cedar_json *outside = NULL, *notes = NULL;

    TRY(declared_type(s, member, &name));
    TRY(one_name(s, &name, &made.names));
    TRY(members(s, &member->value, "an entity type",
                (const struct member[]){{"memberOfTypes", &parents},
                                        {"shape", &shape},
                                        {"tags", &tags},
                                        {"enum", &ids},
                                        {"external", &outside},
                                        {"annotations", &notes},
                                        {NULL, NULL}}));
    TRY(annotations(s, notes));
    TRY(external(s, outside));
    if (ids != NULL && (parents != NULL || shape != NULL || tags != NULL))
        return cedar_tree_fail(s->tree, ids->offset, ERR_CEDAR_SCHEMA,
                               "an enumeration has no \"%s\"",
                               parents != NULL ? "memberOfTypes"
                               : shape != NULL ? "shape"
                                               : "tags");
    if (ids != NULL)
        TRY(names(s, ids, entity_id, &made.ids));
    if (ids != NULL && made.ids.n == 0)
        return cedar_tree_fail(s->tree, ids->offset, ERR_CEDAR_SCHEMA,
                               "an enumeration has one id at least");
    if (parents != NULL)
        TRY(names(s, parents, type_name, &made.parents));
    TRY(kept_type(s, shape, &made.shape));
    TRY(kept_type(s, tags, &made.tags));
    return cedar_list_add(&s->tree->entities, &made, sizeof made);
}

static err_code action_uid(const struct source *s, const struct cedar_json *json,
                           struct cedar_tree_uid *ret)
{
    const struct cedar_json *id = NULL, *of = NULL;
    struct cedar_tree_name name = {0};

    TRY(members(s, json, "a group of actions",
                (const struct member[]){{"id", &id}, {"type", &of}, {NULL, NULL}}));
    if (id == NULL)
        return missing(s, json, "id");
    TRY(need(s, id, CEDAR_JSON_STRING, "the id of an action"));
    if (!null(of))
        TRY(type_name(s, of, &name));
    *ret = (struct cedar_tree_uid){name.text, id->text, json->offset};
    return ERR_OK;
}

static err_code groups(struct source *s, const struct cedar_json *json,
                       struct cedar_tree_action *action)
{
    CLEANUP(cedar_list_free) struct cedar_list list = {0};
    const void *kept = NULL;

    if (null(json))
        return ERR_OK;
    TRY(need(s, json, CEDAR_JSON_ARRAY, "an array of actions"));
    for (uint32_t i = 0; i < json->n; i++) {
        struct cedar_tree_uid one = {0};

        TRY(action_uid(s, &json->items[i], &one));
        TRY(cedar_list_add(&list, &one, sizeof one));
    }
    TRY(cedar_tree_keep(s->tree, &list, json->offset, &kept));
    action->parents = kept;
    action->n_parents = list.n;
    return ERR_OK;
}

static err_code applies_to(struct source *s, const struct cedar_json *json,
                           struct cedar_tree_action *action)
{
    const struct cedar_json *principals = NULL, *resources = NULL, *context = NULL;

    if (null(json))
        return ERR_OK;
    TRY(members(s, json, "\"appliesTo\"",
                (const struct member[]){{"principalTypes", &principals},
                                        {"resourceTypes", &resources},
                                        {"context", &context},
                                        {NULL, NULL}}));
    if (principals == NULL || resources == NULL)
        return missing(s, json, principals == NULL ? "principalTypes" : "resourceTypes");
    TRY(names(s, principals, type_name, &action->principals));
    TRY(names(s, resources, type_name, &action->resources));
    return kept_type(s, context, &action->context);
}

static err_code action(struct source *s, const struct cedar_json_member *member)
{
    struct cedar_tree_action made = {.space = s->space};
    struct cedar_tree_name name = {0};
    const struct cedar_json *attributes = NULL, *applies = NULL, *parents = NULL;
    const struct cedar_json *outside = NULL, *notes = NULL;

    TRY(declared(s, member, &name));
    TRY(one_name(s, &name, &made.names));
    TRY(members(s, &member->value, "an action",
                (const struct member[]){{"attributes", &attributes},
                                        {"appliesTo", &applies},
                                        {"memberOf", &parents},
                                        {"external", &outside},
                                        {"annotations", &notes},
                                        {NULL, NULL}}));
    TRY(annotations(s, notes));
    if (!null(attributes))
        return cedar_tree_fail(s->tree, attributes->offset, ERR_CEDAR_SCHEMA,
                               "an action has no attributes");
    TRY(external(s, null(outside) ? NULL : outside));
    TRY(groups(s, parents, &made));
    TRY(applies_to(s, applies, &made));
    return cedar_list_add(&s->tree->actions, &made, sizeof made);
}

typedef err_code read_member(struct source *s, const struct cedar_json_member *member);

static err_code each(struct source *s, const struct cedar_json *json, read_member *read)
{
    TRY(need(s, json, CEDAR_JSON_OBJECT, "an object"));
    for (uint32_t i = 0; i < json->n; i++)
        TRY(read(s, &json->members[i]));
    return ERR_OK;
}

static err_code namespace(struct source *s, const struct cedar_json_member *member)
{
    struct cedar_tree_name space = {0};
    const struct cedar_json *commons = NULL, *entities = NULL, *actions = NULL, *notes = NULL;

    TRY(declared(s, member, &space));
    s->space = space.text;
    if (space.text.len > 0) {
        TRY(check_name(s, space.text, space.offset));
        TRY(cedar_list_add(&s->tree->spaces, &space, sizeof space));
    }
    TRY(members(s, &member->value, "a namespace",
                (const struct member[]){{"commonTypes", &commons},
                                        {"entityTypes", &entities},
                                        {"actions", &actions},
                                        {"annotations", &notes},
                                        {NULL, NULL}}));
    if (entities == NULL || actions == NULL)
        return missing(s, &member->value, entities == NULL ? "entityTypes" : "actions");
    TRY(annotations(s, notes));
    if (space.text.len == 0 && notes != NULL && notes->n > 0)
        return cedar_tree_fail(s->tree, notes->offset, ERR_CEDAR_SCHEMA,
                               "the empty namespace has no annotations");
    if (commons != NULL)
        TRY(each(s, commons, common));
    TRY(each(s, entities, entity));
    return each(s, actions, action);
}

err_code cedar_tree_read_json(struct cedar_tree *tree)
{
    struct source s = {.tree = tree};

    return each(&s, tree->json, namespace);
}
