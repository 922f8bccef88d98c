/* SPDX-License-Identifier: Apache-2.0 */
/* est_read.c: policies, templates and links from JSON. */
#include "gate/cedar/copy.h"
#include "gate/cedar/est.h"
#include "gate/cedar/lex.h"

#include <stdlib.h>

/* ---- scopes ---- */

struct subject {
    const char *slot_word; /* NULL: action, which has none */
    enum cedar_slot slot;
};
static const struct subject PRINCIPAL = {"?principal", CEDAR_SLOT_PRINCIPAL};
static const struct subject RESOURCE = {"?resource", CEDAR_SLOT_RESOURCE};
static const struct subject ACTION = {NULL, CEDAR_NO_SLOT};

static err_code action_uid(const struct cedar_json_reader *r, const struct cedar_json *json,
                           struct cedar_uid *ret)
{
    char type[64];

    TRY(cedar_json_uid(r, json, ret));
    cedar_quote(ret->type, type, sizeof type);
    if (!cedar_type_is_action(ret->type))
        return cedar_json_refuse(r, r->refusal, json, "an entity of type %s, not an action", type);
    return ERR_OK;
}

/* {"entity": ...}, or {"slot": ...}; other members mean nothing, as in the Rust implementation. */
static err_code operand(const struct cedar_json_reader *r, const struct cedar_json *json,
                        const struct subject *subject, struct cedar_scope *ret)
{
    const struct cedar_json *entity = cedar_json_get(json, "entity");
    const struct cedar_json *slot = cedar_json_get(json, "slot");

    if (entity != NULL)
        return subject->slot_word == NULL ? action_uid(r, entity, &ret->uid)
                                          : cedar_json_uid(r, entity, &ret->uid);
    if (slot == NULL)
        return cedar_json_refuse(r, r->refusal, json, "no member \"entity\"%s",
                                 subject->slot_word == NULL ? "" : " or \"slot\"");
    if (subject->slot_word == NULL)
        return cedar_json_refuse(r, r->refusal, slot, "a slot for the action");
    if (!cedar_json_is(slot, subject->slot_word))
        return cedar_json_refuse(r, r->refusal, slot, "not the slot \"%s\"", subject->slot_word);
    ret->slot = subject->slot;
    return ERR_OK;
}

static err_code action_list(const struct cedar_json_reader *r, const struct cedar_json *json,
                            struct cedar_scope *ret)
{
    struct cedar_uid *list = cedar_arena_take(r->arena, json->n * sizeof *list);

    if (list == NULL)
        return ERR_NO_MEMORY;
    TRY(cedar_json_few(r, json, "actions"));
    for (uint32_t i = 0; i < json->n; i++)
        TRY(action_uid(r, &json->items[i], &list[i]));
    ret->match = CEDAR_IN_LIST;
    ret->list = list;
    ret->n_list = json->n;
    return ERR_OK;
}

static err_code in(const struct cedar_json_reader *r, const struct cedar_json *json,
                   const struct subject *subject, struct cedar_scope *ret)
{
    const struct cedar_json *entities = cedar_json_get(json, "entities");

    if (subject->slot_word == NULL && cedar_json_get(json, "entity") == NULL && entities != NULL &&
        entities->kind == CEDAR_JSON_ARRAY)
        return action_list(r, entities, ret);
    ret->match = CEDAR_IN;
    return operand(r, json, subject, ret);
}

static err_code is(const struct cedar_json_reader *r, const struct cedar_json *json,
                   const struct subject *subject, struct cedar_scope *ret)
{
    const struct cedar_json *type, *within = cedar_json_get(json, "in");

    TRY(cedar_json_need(r, json, "entity_type", &type));
    TRY(cedar_json_type(r, type, &ret->type));
    TRY(cedar_json_only(r, json, (const char *const[]){"op", "entity_type", "in", NULL}));
    ret->match = CEDAR_IS;
    if (within == NULL || within->kind == CEDAR_JSON_NULL)
        return ERR_OK;
    ret->match = CEDAR_IS_IN;
    return operand(r, within, subject, ret);
}

static err_code scope(const struct cedar_json_reader *r, const struct cedar_json *policy,
                      const char *name, const struct subject *subject, struct cedar_scope *ret)
{
    const struct cedar_json *json, *op;

    TRY(cedar_json_need(r, policy, name, &json));
    TRY(cedar_json_need(r, json, "op", &op));
    ret->offset = CEDAR_NOWHERE;
    if (cedar_json_is(op, "All") || cedar_json_is(op, "all")) {
        ret->match = CEDAR_ANY;
        return ERR_OK;
    }
    if (cedar_json_is(op, "==")) {
        ret->match = CEDAR_EQ;
        return operand(r, json, subject, ret);
    }
    if (cedar_json_is(op, "in"))
        return in(r, json, subject, ret);
    if (cedar_json_is(op, "is") && subject->slot_word != NULL)
        return is(r, json, subject, ret);
    return cedar_json_refuse(r, r->refusal, op, "not one of \"All\", \"==\", \"in\"%s",
                             subject->slot_word == NULL ? "" : ", \"is\"");
}

/* ---- a policy ---- */

static err_code conditions(const struct cedar_json_reader *r, const struct cedar_json *policy,
                           struct cedar_policy *ret)
{
    const struct cedar_json *json, *kind, *body;
    struct cedar_condition *list;

    TRY(cedar_json_need_kind(r, policy, "conditions", CEDAR_JSON_ARRAY, &json));
    TRY(cedar_json_few(r, json, "conditions"));
    list = cedar_arena_take(r->arena, json->n * sizeof *list);
    if (list == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < json->n; i++) {
        TRY(cedar_json_need(r, &json->items[i], "kind", &kind));
        list[i].unless = cedar_json_is(kind, "unless");
        list[i].offset = CEDAR_NOWHERE;
        if (!list[i].unless && !cedar_json_is(kind, "when"))
            return cedar_json_refuse(r, r->refusal, kind, "not \"when\" or \"unless\"");
        TRY(cedar_json_need(r, &json->items[i], "body", &body));
        TRY(cedar_est_expr(r, body, 0, &list[i].body));
        TRY(cedar_json_only(r, &json->items[i], (const char *const[]){"kind", "body", NULL}));
    }
    ret->conditions = list;
    ret->n_conditions = json->n;
    return ERR_OK;
}

/* Every identifier may be the name of an annotation, also a reserved one. */
static bool is_name(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!(i == 0 ? cedar_ident_start : cedar_ident_more)(text.ptr[i]))
            return false;
    return text.len > 0;
}

static err_code annotation(const struct cedar_json_reader *r,
                           const struct cedar_json_member *member, struct cedar_annotation *ret)
{
    char name[64];

    cedar_quote(member->name, name, sizeof name);
    if (!is_name(member->name))
        return cedar_json_refuse(r, r->refusal, &member->value,
                                 "\"%s\" is no name of an annotation", name);
    if (member->value.kind != CEDAR_JSON_STRING && member->value.kind != CEDAR_JSON_NULL)
        return cedar_json_refuse(r, r->refusal, &member->value, "%s, not a string or null",
                                 cedar_json_kind_text(&member->value));
    ret->offset = CEDAR_NOWHERE;
    ret->has_value = member->value.kind == CEDAR_JSON_STRING;
    TRY(cedar_arena_copy(r->arena, member->name, &ret->name));
    if (ret->has_value)
        TRY(cedar_arena_copy(r->arena, member->value.text, &ret->value));
    return ERR_OK;
}

static err_code annotations(const struct cedar_json_reader *r, const struct cedar_json *policy,
                            struct cedar_policy *ret)
{
    const struct cedar_json *json;
    struct cedar_annotation *list;

    if (cedar_json_get(policy, "annotations") == NULL)
        return ERR_OK;
    TRY(cedar_json_need_kind(r, policy, "annotations", CEDAR_JSON_OBJECT, &json));
    TRY(cedar_json_few(r, json, "annotations"));
    list = cedar_arena_take(r->arena, json->n * sizeof *list);
    if (list == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < json->n; i++)
        TRY(annotation(r, &json->members[i], &list[i]));
    ret->annotations = list;
    ret->n_annotations = json->n;
    return ERR_OK;
}

static err_code effect(const struct cedar_json_reader *r, const struct cedar_json *policy,
                       struct cedar_policy *ret)
{
    const struct cedar_json *json;

    TRY(cedar_json_need(r, policy, "effect", &json));
    if (cedar_json_is(json, "permit"))
        ret->effect = CEDAR_EFFECT_PERMIT;
    else if (!cedar_json_is(json, "forbid"))
        return cedar_json_refuse(r, r->refusal, json, "not \"permit\" or \"forbid\"");
    return ERR_OK;
}

static bool has_slot(const struct cedar_policy *policy)
{
    return policy->principal.slot != CEDAR_NO_SLOT || policy->resource.slot != CEDAR_NO_SLOT;
}

static err_code read_policy(const struct cedar_json_reader *r, const struct cedar_json *json,
                            struct slice id, struct cedar_policy *ret)
{
    static const char *const NAMES[] = {"effect",     "principal",   "action", "resource",
                                        "conditions", "annotations", NULL};

    TRY(effect(r, json, ret));
    TRY(scope(r, json, "principal", &PRINCIPAL, &ret->principal));
    TRY(scope(r, json, "action", &ACTION, &ret->action));
    TRY(scope(r, json, "resource", &RESOURCE, &ret->resource));
    TRY(conditions(r, json, ret));
    TRY(annotations(r, json, ret));
    TRY(cedar_json_only(r, json, NAMES));
    TRY(cedar_arena_copy(r->arena, id, &ret->id));
    ret->name = cedar_policy_name(ret);
    ret->offset = ret->end = CEDAR_NOWHERE;
    return ERR_OK;
}

/* ---- links ---- */

static int by_id(const void *a, const void *b)
{
    return slice_cmp((*(const struct cedar_policy *const *)a)->id,
                     (*(const struct cedar_policy *const *)b)->id);
}

/* The templates of a set, ascending by id. */
struct templates {
    const struct cedar_policy **list;
    size_t n;
};

static err_code find_template(const struct cedar_json_reader *r, const struct templates *templates,
                              const struct cedar_json *id, const struct cedar_policy **ret)
{
    struct cedar_policy wanted = {.id = id->text};
    const struct cedar_policy *key = &wanted, **found = NULL;
    char name[64];

    if (templates->n > 0)
        found = bsearch(&key, templates->list, templates->n, sizeof *templates->list, by_id);
    cedar_quote(id->text, name, sizeof name);
    if (found == NULL)
        return cedar_json_refuse(r, r->refusal, id, "there is no template \"%s\"", name);
    *ret = *found;
    return ERR_OK;
}

static err_code link_value(const struct cedar_json_reader *r, const struct cedar_json *values,
                           const struct subject *subject, const struct cedar_uid **ret)
{
    const struct cedar_json *json = cedar_json_get(values, subject->slot_word);
    struct cedar_uid *uid = cedar_arena_take(r->arena, sizeof *uid);

    if (uid == NULL)
        return ERR_NO_MEMORY;
    if (json == NULL)
        return ERR_OK;
    TRY(cedar_json_uid(r, json, uid));
    *ret = uid;
    return ERR_OK;
}

static err_code read_link(const struct cedar_json_reader *r, const struct cedar_json *json,
                          const struct templates *templates, struct cedar_policy *ret)
{
    const struct cedar_json *id, *new_id, *values;
    const struct cedar_policy *template;
    struct cedar_link link = {0};
    struct why what = {0};
    err_code err;

    TRY(cedar_json_need_kind(r, json, "templateId", CEDAR_JSON_STRING, &id));
    TRY(cedar_json_need_kind(r, json, "newId", CEDAR_JSON_STRING, &new_id));
    TRY(cedar_json_need_kind(r, json, "values", CEDAR_JSON_OBJECT, &values));
    TRY(cedar_json_only(r, json, (const char *const[]){"templateId", "newId", "values", NULL}));
    TRY(cedar_json_only(r, values,
                        (const char *const[]){PRINCIPAL.slot_word, RESOURCE.slot_word, NULL}));
    TRY(find_template(r, templates, id, &template));
    TRY(link_value(r, values, &PRINCIPAL, &link.principal));
    TRY(link_value(r, values, &RESOURCE, &link.resource));
    link.id = new_id->text;
    err = cedar_link_make(r->arena, template, &link, ret, &what);
    return err == ERR_CEDAR_SYNTAX ? cedar_json_refuse(r, err, values, "%s", what.text) : err;
}

/* ---- a set ---- */

static void free_list(struct templates *templates)
{
    free(templates->list);
}

static err_code read_links(const struct cedar_json_reader *r, const struct cedar_json *json,
                           struct cedar_policies *out)
{
    CLEANUP(free_list) struct templates templates = {calloc(out->n + 1, sizeof(void *)), 0};

    if (templates.list == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < out->n; i++)
        if (out->list[i].is_template)
            templates.list[templates.n++] = &out->list[i];
    qsort(templates.list, templates.n, sizeof *templates.list, by_id);
    for (uint32_t i = 0; i < json->n; i++) {
        TRY(read_link(r, &json->items[i], &templates, &out->list[out->n]));
        out->n++;
    }
    return ERR_OK;
}

static err_code read_policies(const struct cedar_json_reader *r, const struct cedar_json *json,
                              bool templates, struct cedar_policies *out)
{
    for (uint32_t i = 0; i < json->n; i++) {
        struct cedar_policy *policy = &out->list[out->n];

        TRY(read_policy(r, &json->members[i].value, json->members[i].name, policy));
        if (!templates && has_slot(policy))
            return cedar_json_refuse(r, r->refusal, &json->members[i].value,
                                     "a slot in what is no template");
        policy->is_template = templates;
        out->n++;
    }
    return ERR_OK;
}

static err_code read_set(const struct cedar_json_reader *r, struct cedar_policies *out)
{
    static const char *const NAMES[] = {"staticPolicies", "templates", "templateLinks", NULL};
    const struct cedar_json *policies, *templates, *links;
    uint64_t n;

    TRY(cedar_json_need_kind(r, r->root, NAMES[0], CEDAR_JSON_OBJECT, &policies));
    TRY(cedar_json_need_kind(r, r->root, NAMES[1], CEDAR_JSON_OBJECT, &templates));
    TRY(cedar_json_need_kind(r, r->root, NAMES[2], CEDAR_JSON_ARRAY, &links));
    TRY(cedar_json_only(r, r->root, NAMES));
    n = (uint64_t)policies->n + templates->n + links->n;
    if (n > CEDAR_POLICIES_MAX)
        return why_say(r->why, ERR_CEDAR_COUNT,
                       "%llu policies, templates and links; the limit is %d", (unsigned long long)n,
                       CEDAR_POLICIES_MAX);
    out->list = cedar_arena_take(r->arena, n * sizeof *out->list);
    if (out->list == NULL)
        return ERR_NO_MEMORY;
    TRY(read_policies(r, policies, false, out));
    TRY(read_policies(r, templates, true, out));
    return read_links(r, links, out);
}

static err_code read_one(const struct cedar_json_reader *r, struct slice id,
                         struct cedar_policies *out)
{
    out->list = cedar_arena_take(r->arena, sizeof *out->list);
    if (out->list == NULL)
        return ERR_NO_MEMORY;
    TRY(read_policy(r, r->root, id, out->list));
    out->list->is_template = has_slot(out->list);
    out->n = 1;
    return ERR_OK;
}

/* id NULL: a whole set. */
static err_code parse(struct slice json, const struct slice *id, struct cedar_policies **ret,
                      struct why *why)
{
    CLEANUP(cedar_arena_free) struct cedar_arena tree = {0};
    CLEANUP(cedar_free) struct cedar_policies *out = calloc(1, sizeof *out);
    struct cedar_json_reader r = {.text = json, .refusal = ERR_CEDAR_SYNTAX, .why = why};

    if (out == NULL)
        return ERR_NO_MEMORY;
    r.arena = &out->arena;
    TRY(cedar_json_parse(json, &tree, &r.root, why));
    TRY(id == NULL ? read_set(&r, out) : read_one(&r, *id, out));
    TRY(cedar_finish(out, why));
    *ret = out;
    out = NULL;
    return ERR_OK;
}

err_code cedar_parse_json(struct slice json, struct cedar_policies **ret, struct why *why)
{
    return parse(json, NULL, ret, why);
}

err_code cedar_parse_json_policy(struct slice json, struct slice id, struct cedar_policies **ret,
                                 struct why *why)
{
    return parse(json, &id, ret, why);
}
