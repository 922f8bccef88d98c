/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_types.c: makes the types of a model. A common type is made once and shared by all who use
 * it, so that a schema takes no more memory than its text allows; how much there is to walk is
 * counted and limited.
 */
#include "gate/cedar/schema_resolve.h"

/* Types without parts are the same everywhere. */
static const struct cedar_type PLAIN[] = {
    [CEDAR_TYPE_BOOL] = {.kind = CEDAR_TYPE_BOOL},
    [CEDAR_TYPE_LONG] = {.kind = CEDAR_TYPE_LONG},
    [CEDAR_TYPE_STRING] = {.kind = CEDAR_TYPE_STRING},
    [CEDAR_TYPE_RECORD] = {.kind = CEDAR_TYPE_RECORD}, /* the empty one */
    [CEDAR_TYPE_IP] = {.kind = CEDAR_TYPE_IP},
    [CEDAR_TYPE_DECIMAL] = {.kind = CEDAR_TYPE_DECIMAL},
    [CEDAR_TYPE_DATETIME] = {.kind = CEDAR_TYPE_DATETIME},
    [CEDAR_TYPE_DURATION] = {.kind = CEDAR_TYPE_DURATION},
};

/* Where a type is being made. */
struct site {
    struct slice space;
    uint32_t level; /* types and common types around it */
};

static struct site within(struct site site, struct slice space)
{
    return (struct site){space, site.level + 1};
}

static err_code make(struct cedar_resolve *r, struct site site, const struct cedar_tree_type *type,
                     struct cedar_made *ret);

static err_code too_deep(const struct cedar_resolve *r, uint32_t offset)
{
    return cedar_tree_fail(r->tree, offset, ERR_CEDAR_NESTING,
                           "types within each other, more than %d", CEDAR_DEPTH_MAX);
}

/* Counts a part within a whole. */
static err_code add(const struct cedar_resolve *r, const struct cedar_made *part, uint32_t offset,
                    struct cedar_made *whole)
{
    whole->size += part->size;
    if (whole->size > CEDAR_TYPE_MAX)
        return cedar_tree_fail(r->tree, offset, ERR_CEDAR_LIST_SIZE,
                               "a type of more than %u types, with all that its names stand for",
                               CEDAR_TYPE_MAX);
    if (part->depth >= whole->depth)
        whole->depth = part->depth + 1;
    return ERR_OK;
}

static err_code make_common(struct cedar_resolve *r, struct site site,
                            const struct cedar_symbol *symbol, uint32_t offset,
                            struct cedar_made *ret)
{
    const struct cedar_tree_common *decls = (const void *)r->tree->commons.bytes.ptr;
    const struct cedar_tree_common *decl = &decls[symbol->decl];
    struct cedar_made *made = &r->made[symbol->decl];

    if (made->busy)
        return cedar_tree_fail(r->tree, offset, ERR_CEDAR_SCHEMA,
                               "the common type `%s`, declared at %s, is part of itself",
                               cedar_quoted(symbol->name).text,
                               cedar_tree_spot(r->tree, symbol->offset).text);
    if (made->type == NULL) {
        made->busy = true;
        TRY(make(r, within(site, decl->space), &decl->type, ret));
        *made = *ret;
        made->depth++;
    }
    if (site.level + made->depth > CEDAR_DEPTH_MAX)
        return too_deep(r, offset);
    *ret = *made;
    return ERR_OK;
}

static err_code make_named(struct cedar_resolve *r, struct site site,
                           const struct cedar_tree_type *type, struct cedar_made *ret)
{
    const struct cedar_tree_name name = {type->name, type->offset};
    struct cedar_target target = {0};
    struct cedar_type *entity;

    TRY(cedar_resolve_name(r, site.space, type->form, &name, &target));
    if (target.meaning == CEDAR_MEANS_COMMON)
        return make_common(r, site, target.symbol, type->offset, ret);
    if (target.meaning == CEDAR_MEANS_BUILTIN) {
        ret->type = &PLAIN[target.builtin];
        return ERR_OK;
    }
    entity = cedar_arena_take(r->keep, sizeof *entity);
    if (entity == NULL)
        return ERR_NO_MEMORY;
    entity->kind = CEDAR_TYPE_ENTITY;
    if (target.meaning == CEDAR_MEANS_ACTION_TYPE)
        TRY(cedar_arena_copy(r->keep, target.action_type, &entity->name));
    else
        entity->name = r->names[target.symbol - r->entities.at];
    ret->type = entity;
    return ERR_OK;
}

static err_code make_set(struct cedar_resolve *r, struct site site,
                         const struct cedar_tree_type *type, struct cedar_made *ret)
{
    struct cedar_type *set = cedar_arena_take(r->keep, sizeof *set);
    struct cedar_made element = {0};

    if (set == NULL)
        return ERR_NO_MEMORY;
    TRY(make(r, within(site, site.space), type->element, &element));
    TRY(add(r, &element, type->offset, ret));
    set->kind = CEDAR_TYPE_SET;
    set->element = element.type;
    ret->type = set;
    return ERR_OK;
}

static err_code make_record(struct cedar_resolve *r, struct site site,
                            const struct cedar_tree_type *type, struct cedar_made *ret)
{
    struct cedar_type *record = cedar_arena_take(r->keep, sizeof *record);
    struct cedar_attr_type *attrs = cedar_arena_take(r->keep, type->n * sizeof *attrs);

    if (record == NULL || attrs == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < type->n; i++) {
        struct cedar_made made = {0};

        TRY(cedar_arena_copy(r->keep, type->attrs[i].name, &attrs[i].name));
        TRY(make(r, within(site, site.space), &type->attrs[i].type, &made));
        TRY(add(r, &made, type->attrs[i].offset, ret));
        attrs[i].type = made.type;
        attrs[i].required = type->attrs[i].required;
    }
    record->kind = CEDAR_TYPE_RECORD;
    record->n = type->n;
    record->attrs = attrs;
    ret->type = record;
    return ERR_OK;
}

static err_code make(struct cedar_resolve *r, struct site site, const struct cedar_tree_type *type,
                     struct cedar_made *ret)
{
    if (site.level == CEDAR_DEPTH_MAX)
        return too_deep(r, type->offset);
    *ret = (struct cedar_made){.size = 1, .depth = 1};
    switch (type->form) {
    case CEDAR_FORM_NAME:
    case CEDAR_FORM_COMMON:
    case CEDAR_FORM_ENTITY:
        return make_named(r, site, type, ret);
    case CEDAR_FORM_SET:
        return make_set(r, site, type, ret);
    case CEDAR_FORM_RECORD:
        return make_record(r, site, type, ret);
    case CEDAR_FORM_BUILTIN:
        ret->type = &PLAIN[type->builtin];
        return ERR_OK;
    }
    return ERR_INTERNAL;
}

err_code cedar_resolve_commons(struct cedar_resolve *r)
{
    r->made = cedar_arena_take(&r->scratch, r->tree->commons.n * sizeof *r->made);
    if (r->made == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < r->commons.n; i++) {
        struct cedar_made made = {0};

        TRY(make_common(r, (struct site){0}, &r->commons.at[i], r->commons.at[i].offset, &made));
    }
    return ERR_OK;
}

err_code cedar_resolve_type(struct cedar_resolve *r, struct slice space,
                            const struct cedar_tree_type *type, const struct cedar_type **ret)
{
    struct cedar_made made = {0};

    TRY(make(r, (struct site){.space = space}, type, &made));
    *ret = made.type;
    return ERR_OK;
}

err_code cedar_resolve_record(struct cedar_resolve *r, struct slice space,
                              const struct cedar_tree_type *type, const char *what,
                              const struct cedar_type **ret)
{
    const struct cedar_type *made = &PLAIN[CEDAR_TYPE_RECORD];

    if (type != NULL)
        TRY(cedar_resolve_type(r, space, type, &made));
    if (made->kind != CEDAR_TYPE_RECORD)
        return cedar_tree_fail(r->tree, type->offset, ERR_CEDAR_SCHEMA, "%s must be a record",
                               what);
    *ret = made;
    return ERR_OK;
}
