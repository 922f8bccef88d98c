/* SPDX-License-Identifier: Apache-2.0 */
/* typecheck_attr.c: attributes and tags: what may be absent must have been asked for before. */
#include "gate/cedar/typecheck.h"

#include <stdio.h>

static const struct cedar_wanted HAS = {CEDAR_KINDS_OBJECT, "has"};

/* ---- attributes ------------------------------------------------------------------------------ */

/* NULL if there is none. An action has none. */
static const struct cedar_attr_type *attr_of(const struct cedar_checker *c,
                                             const struct cedar_type *type, struct slice name)
{
    const struct cedar_entity_type *entity;

    if (type->kind == CEDAR_TYPE_RECORD)
        return cedar_type_attr(type, name);
    entity = cedar_schema_entity(c->schema, type->name);
    return entity == NULL || entity->attrs == NULL ? NULL : cedar_type_attr(entity->attrs, name);
}

static err_code tell_attr(struct cedar_checker *c, const struct cedar_expr *e,
                          const struct cedar_type *of, bool declared)
{
    struct cedar_violation spot = {declared ? "UNSAFE_ATTRIBUTE" : "UNKNOWN_ATTRIBUTE", e,
                                   e->offset};
    char name[64], type[72];

    cedar_quote(e->name, name, sizeof name);
    if (e->of->op == CEDAR_OP_VAR && e->of->var == CEDAR_CONTEXT)
        snprintf(type, sizeof type, "context");
    else
        cedar_type_print(of, type, sizeof type);
    if (!declared)
        return cedar_tell(c, &spot, "%s has no attribute \"%s\"", type, name);
    return cedar_tell(c, &spot, "\"%s\" of %s is optional: ask with has before reading it", name,
                      type);
}

static err_code get(struct cedar_checker *c, const struct cedar_caps *prior,
                    const struct cedar_expr *e, struct cedar_typed *ret)
{
    static const struct cedar_wanted GET = {CEDAR_KINDS_OBJECT, "reading an attribute"};
    const struct cedar_caps cap = {.on = e->of, .name = e->name};
    const struct cedar_attr_type *attr;
    struct cedar_typed of;

    TRY(cedar_typecheck_as(c, prior, e->of, &GET, &of));
    *ret = (struct cedar_typed){0};
    if (of.type == NULL)
        return ERR_OK;
    attr = attr_of(c, of.type, e->name);
    if (attr == NULL || (!attr->required && !cedar_caps_have(c, prior, &cap)))
        return tell_attr(c, e, of.type, attr != NULL);
    ret->type = attr->type;
    return ERR_OK;
}

/* An entity may be missing from the store, so that even a required attribute may be absent. */
static err_code has_one(struct cedar_checker *c, const struct cedar_caps *prior,
                        const struct cedar_type *of, const struct cedar_caps *cap,
                        struct cedar_typed *ret)
{
    const struct cedar_attr_type *attr = attr_of(c, of, cap->name);
    bool sure = attr != NULL && ((attr->required && of->kind == CEDAR_TYPE_RECORD) ||
                                 cedar_caps_have(c, prior, cap));

    if (attr == NULL)
        return cedar_typed_as(ret, CEDAR_TYPE_FALSE);
    TRY(cedar_typed_as(ret, sure ? CEDAR_TYPE_TRUE : CEDAR_TYPE_BOOL));
    return cedar_caps_one(c, cap, &ret->caps);
}

static err_code has(struct cedar_checker *c, const struct cedar_caps *prior,
                    const struct cedar_expr *e, struct cedar_typed *ret)
{
    struct cedar_typed of;

    TRY(cedar_typecheck_as(c, prior, e->of, &HAS, &of));
    if (of.type == NULL)
        return cedar_typed_as(ret, CEDAR_TYPE_BOOL);
    return has_one(c, prior, of.type, &(struct cedar_caps){.on = e->of, .name = e->name}, ret);
}

/* on.name */
static err_code get_expr(struct cedar_checker *c, const struct cedar_expr *on, struct slice name,
                         const struct cedar_expr **ret)
{
    struct cedar_expr *get;
    void *memory;

    TRY(cedar_work_take(c->work, sizeof *get, &memory));
    get = memory;
    get->op = CEDAR_OP_GET;
    get->offset = on->offset;
    get->of = on;
    get->name = name;
    *ret = get;
    return ERR_OK;
}

/* `x has a.b.c` is x has a && x.a has b && x.a.b has c. */
static err_code has_path(struct cedar_checker *c, const struct cedar_caps *prior,
                         const struct cedar_expr *e, struct cedar_typed *ret)
{
    const struct cedar_expr *on = e->items[0];
    enum cedar_type_kind kind = CEDAR_TYPE_TRUE;
    const struct cedar_caps *caps = NULL;
    struct cedar_typed of, one;

    TRY(cedar_typecheck_as(c, prior, on, &HAS, &of));
    for (uint32_t i = 0; of.type != NULL && i < e->n; i++) {
        if (of.type->kind != CEDAR_TYPE_ENTITY && of.type->kind != CEDAR_TYPE_RECORD) {
            TRY(cedar_tell_type(c, e, &HAS, of.type));
            return cedar_typed_as(ret, CEDAR_TYPE_BOOL);
        }
        TRY(has_one(c, prior, of.type, &(struct cedar_caps){.on = on, .name = e->names[i]}, &one));
        if (one.type->kind == CEDAR_TYPE_FALSE)
            return cedar_typed_as(ret, CEDAR_TYPE_FALSE);
        if (one.type->kind == CEDAR_TYPE_BOOL)
            kind = CEDAR_TYPE_BOOL;
        TRY(cedar_caps_both(c, caps, one.caps, &caps));
        of.type = attr_of(c, of.type, e->names[i])->type;
        TRY(get_expr(c, on, e->names[i], &on));
    }
    TRY(cedar_typed_as(ret, of.type == NULL ? CEDAR_TYPE_BOOL : kind));
    ret->caps = caps;
    return ERR_OK;
}

/* ---- tags ------------------------------------------------------------------------------------ */

/* NULL if entities of this type have none. */
static const struct cedar_type *tags_of(const struct cedar_checker *c,
                                        const struct cedar_type *type)
{
    const struct cedar_entity_type *entity = cedar_schema_entity(c->schema, type->name);

    return entity == NULL ? NULL : entity->tags;
}

static err_code tell_tag(struct cedar_checker *c, const struct cedar_expr *e,
                         const struct cedar_type *of, bool declared)
{
    struct cedar_violation spot = {declared ? "UNSAFE_TAG" : "NO_TAGS", e, e->offset};
    char type[72];

    cedar_type_print(of, type, sizeof type);
    if (!declared)
        return cedar_tell(c, &spot, "%s has no tags", type);
    return cedar_tell(c, &spot, "a tag of %s may be absent: ask with hasTag before getTag", type);
}

static err_code tag(struct cedar_checker *c, const struct cedar_caps *prior,
                    const struct cedar_expr *e, struct cedar_typed *ret)
{
    bool asks = e->op == CEDAR_OP_HAS_TAG;
    struct cedar_wanted entity = {CEDAR_KIND(CEDAR_TYPE_ENTITY), asks ? "hasTag" : "getTag"};
    struct cedar_wanted string = {CEDAR_KIND(CEDAR_TYPE_STRING), entity.by};
    const struct cedar_caps cap = {.on = e->a, .tag = e->b};
    const struct cedar_type *tags;
    struct cedar_typed of, name;
    bool sure;

    TRY(cedar_typecheck_as(c, prior, e->a, &entity, &of));
    TRY(cedar_typecheck_as(c, prior, e->b, &string, &name));
    *ret = (struct cedar_typed){0};
    if (of.type == NULL)
        return asks ? cedar_typed_as(ret, CEDAR_TYPE_BOOL) : ERR_OK;
    tags = tags_of(c, of.type);
    sure = cedar_caps_have(c, prior, &cap);
    if (!asks && (tags == NULL || !sure))
        return tell_tag(c, e, of.type, tags != NULL);
    if (!asks) {
        ret->type = tags;
        return ERR_OK;
    }
    if (tags == NULL)
        TRY(cedar_typed_as(ret, CEDAR_TYPE_FALSE));
    else
        TRY(cedar_typed_as(ret, sure ? CEDAR_TYPE_TRUE : CEDAR_TYPE_BOOL));
    return cedar_caps_one(c, &cap, &ret->caps);
}

err_code cedar_typecheck_attr(struct cedar_checker *c, const struct cedar_caps *prior,
                              const struct cedar_expr *e, struct cedar_typed *ret)
{
    switch ((int)e->op) {
    case CEDAR_OP_GET:
        return get(c, prior, e, ret);
    case CEDAR_OP_HAS:
        return has(c, prior, e, ret);
    case CEDAR_OP_HAS_PATH:
        return has_path(c, prior, e, ret);
    default:
        return tag(c, prior, e, ret);
    }
}
