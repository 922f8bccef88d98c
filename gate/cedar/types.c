/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- work ------------------------------------------------------------------------------------ */

#define MEMORY_MAX ((size_t)64 << 20)
#define MEMORY_KEPT ((size_t)1 << 20) /* less is not worth giving back */

struct cedar_work cedar_work_make(void)
{
    return (struct cedar_work){.steps = CEDAR_CHECK_MAX, .memory = MEMORY_MAX};
}

err_code cedar_work_step(struct cedar_work *work, size_t n)
{
    if (n > work->steps) {
        work->steps = 0;
        return ERR_CEDAR_STEPS;
    }
    work->steps -= (uint32_t)n;
    return ERR_OK;
}

err_code cedar_work_take(struct cedar_work *work, size_t size, void **ret)
{
    void *memory;

    if (size > work->memory)
        return ERR_CEDAR_STEPS;
    TRY(cedar_work_step(work, 1 + size / 64));
    memory = cedar_arena_take(&work->arena, size);
    if (memory == NULL)
        return ERR_NO_MEMORY;
    work->memory -= size;
    *ret = memory;
    return ERR_OK;
}

void cedar_work_reset(struct cedar_work *work)
{
    if (MEMORY_MAX - work->memory <= MEMORY_KEPT)
        return;
    cedar_arena_free(&work->arena);
    work->memory = MEMORY_MAX;
}

/* ---- types ----------------------------------------------------------------------------------- */

const struct cedar_type *cedar_type_plain(enum cedar_type_kind kind)
{
    static const struct cedar_type TYPES[] = {
        [CEDAR_TYPE_NEVER] = {.kind = CEDAR_TYPE_NEVER},
        [CEDAR_TYPE_TRUE] = {.kind = CEDAR_TYPE_TRUE},
        [CEDAR_TYPE_FALSE] = {.kind = CEDAR_TYPE_FALSE},
        [CEDAR_TYPE_BOOL] = {.kind = CEDAR_TYPE_BOOL},
        [CEDAR_TYPE_LONG] = {.kind = CEDAR_TYPE_LONG},
        [CEDAR_TYPE_STRING] = {.kind = CEDAR_TYPE_STRING},
        [CEDAR_TYPE_IP] = {.kind = CEDAR_TYPE_IP},
        [CEDAR_TYPE_DECIMAL] = {.kind = CEDAR_TYPE_DECIMAL},
        [CEDAR_TYPE_DATETIME] = {.kind = CEDAR_TYPE_DATETIME},
        [CEDAR_TYPE_DURATION] = {.kind = CEDAR_TYPE_DURATION},
    };
    return &TYPES[kind];
}

enum cedar_type_kind cedar_type_kind_of(enum cedar_kind kind)
{
    static const enum cedar_type_kind KINDS[] = {
        [CEDAR_BOOL] = CEDAR_TYPE_BOOL,
        [CEDAR_LONG] = CEDAR_TYPE_LONG,
        [CEDAR_STRING] = CEDAR_TYPE_STRING,
        [CEDAR_ENTITY] = CEDAR_TYPE_NEVER,
        [CEDAR_SET] = CEDAR_TYPE_NEVER,
        [CEDAR_RECORD] = CEDAR_TYPE_NEVER,
        [CEDAR_IP] = CEDAR_TYPE_IP,
        [CEDAR_DECIMAL] = CEDAR_TYPE_DECIMAL,
        [CEDAR_DATETIME] = CEDAR_TYPE_DATETIME,
        [CEDAR_DURATION] = CEDAR_TYPE_DURATION,
    };
    return KINDS[kind];
}

static bool boolean(const struct cedar_type *type)
{
    return type->kind == CEDAR_TYPE_TRUE || type->kind == CEDAR_TYPE_FALSE ||
           type->kind == CEDAR_TYPE_BOOL;
}

static err_code join_sets(struct cedar_work *work, const struct cedar_type *a,
                          const struct cedar_type *b, const struct cedar_type **ret)
{
    const struct cedar_type *element;
    struct cedar_type *set;
    void *memory;

    TRY(cedar_type_join(work, a->element, b->element, &element));
    if (element == NULL || element == a->element || element == b->element) {
        *ret = element == NULL ? NULL : element == a->element ? a : b;
        return ERR_OK;
    }
    TRY(cedar_work_take(work, sizeof *set, &memory));
    set = memory;
    *set = (struct cedar_type){.kind = CEDAR_TYPE_SET, .element = element};
    *ret = set;
    return ERR_OK;
}

/* Same names, required in both or in neither. */
static bool alike(const struct cedar_type *a, const struct cedar_type *b)
{
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (a->attrs[i].required != b->attrs[i].required ||
            !slice_eq(a->attrs[i].name, b->attrs[i].name))
            return false;
    return true;
}

static err_code join_records(struct cedar_work *work, const struct cedar_type *a,
                             const struct cedar_type *b, const struct cedar_type **ret)
{
    struct cedar_attr_type *attrs;
    struct cedar_type *record;
    bool same = true;
    void *memory;

    TRY(cedar_work_step(work, a->n));
    *ret = NULL;
    if (!alike(a, b))
        return ERR_OK;
    TRY(cedar_work_take(work, sizeof *record + a->n * sizeof *attrs, &memory));
    record = memory;
    attrs = (struct cedar_attr_type *)(record + 1);
    for (uint32_t i = 0; i < a->n; i++) {
        attrs[i] = a->attrs[i];
        TRY(cedar_type_join(work, a->attrs[i].type, b->attrs[i].type, &attrs[i].type));
        if (attrs[i].type == NULL)
            return ERR_OK;
        same = same && attrs[i].type == a->attrs[i].type;
    }
    *record = (struct cedar_type){.kind = CEDAR_TYPE_RECORD, .n = a->n, .attrs = attrs};
    *ret = same ? a : record;
    return ERR_OK;
}

err_code cedar_type_join(struct cedar_work *work, const struct cedar_type *a,
                         const struct cedar_type *b, const struct cedar_type **ret)
{
    TRY(cedar_work_step(work, 1));
    *ret = NULL;
    if (a == b || b->kind == CEDAR_TYPE_NEVER)
        *ret = a;
    else if (a->kind == CEDAR_TYPE_NEVER)
        *ret = b;
    else if (boolean(a) && boolean(b))
        *ret = a->kind == b->kind ? a : cedar_type_plain(CEDAR_TYPE_BOOL);
    else if (a->kind != b->kind)
        return ERR_OK;
    else if (a->kind == CEDAR_TYPE_SET)
        return join_sets(work, a, b, ret);
    else if (a->kind == CEDAR_TYPE_RECORD)
        return join_records(work, a, b, ret);
    else if (a->kind != CEDAR_TYPE_ENTITY || slice_eq(a->name, b->name))
        *ret = a;
    return ERR_OK;
}

/* ---- hierarchies ----------------------------------------------------------------------------- */

static int name_cmp(const void *key, const void *name)
{
    const struct slice *a = key, *b = name;

    return slice_cmp(*a, *b);
}

bool cedar_names_have(const struct slice *names, size_t n, struct slice name)
{
    return n > 0 && bsearch(&name, names, n, sizeof *names, name_cmp) != NULL;
}

static int uid_cmp(const void *key, const void *uid)
{
    return cedar_uid_cmp(key, uid);
}

bool cedar_action_in(const struct cedar_action_type *action, const struct cedar_uid *group)
{
    return cedar_uid_eq(&action->uid, group) ||
           (action->n_ancestors > 0 && bsearch(group, action->ancestors, action->n_ancestors,
                                               sizeof *action->ancestors, uid_cmp) != NULL);
}

/* Some action of this type is in an action of that one. */
static err_code actions_descend(struct cedar_work *work, const struct cedar_schema *schema,
                                struct slice type, struct slice ancestor, bool *ret)
{
    *ret = false;
    for (size_t i = 0; i < schema->n_actions; i++) {
        const struct cedar_action_type *action = &schema->actions[i];

        TRY(cedar_work_step(work, 1));
        if (!slice_eq(action->uid.type, type))
            continue;
        TRY(cedar_work_step(work, action->n_ancestors));
        for (uint32_t k = 0; k < action->n_ancestors; k++)
            if (slice_eq(action->ancestors[k].type, ancestor)) {
                *ret = true;
                return ERR_OK;
            }
    }
    return ERR_OK;
}

err_code cedar_type_descends(struct cedar_work *work, const struct cedar_schema *schema,
                             struct slice type, struct slice ancestor, bool *ret)
{
    const struct cedar_entity_type *entity = cedar_schema_entity(schema, type);

    *ret = slice_eq(type, ancestor) ||
           (entity != NULL && cedar_names_have(entity->ancestors, entity->n_ancestors, ancestor));
    if (*ret || !cedar_type_is_action(type) || !cedar_type_is_action(ancestor))
        return ERR_OK;
    return actions_descend(work, schema, type, ancestor, ret);
}

err_code cedar_type_has_id(struct cedar_work *work, const struct cedar_entity_type *type,
                           struct slice id, bool *ret)
{
    *ret = type->ids == NULL;
    for (uint32_t i = 0; !*ret && i < type->n_ids; i++) {
        TRY(cedar_work_step(work, 1));
        *ret = slice_eq(type->ids[i], id);
    }
    return ERR_OK;
}

/* ---- printing -------------------------------------------------------------------------------- */

struct out {
    char *text;
    size_t len, size;
};

static void put(struct out *out, const char *text)
{
    for (; *text != '\0' && out->len + 1 < out->size; text++)
        out->text[out->len++] = *text;
    if (*text != '\0' && out->size > 4)
        memcpy(&out->text[out->size - 4], "...", 3);
}

static bool full(const struct out *out)
{
    return out->len + 1 >= out->size;
}

static void put_slice(struct out *out, struct slice text)
{
    char quoted[128];

    cedar_quote(text, quoted, sizeof quoted);
    put(out, quoted);
}

static void put_type(struct out *out, const struct cedar_type *type);

static void put_record(struct out *out, const struct cedar_type *record)
{
    put(out, "{");
    for (uint32_t i = 0; i < record->n && !full(out); i++) {
        const struct cedar_attr_type *attr = &record->attrs[i];
        bool plain = cedar_ident_valid(attr->name);

        put(out, i == 0 ? "" : ", ");
        put(out, plain ? "" : "\"");
        put_slice(out, attr->name);
        put(out, plain ? "" : "\"");
        put(out, attr->required ? ": " : "?: ");
        put_type(out, attr->type);
    }
    put(out, "}");
}

static void put_type(struct out *out, const struct cedar_type *type)
{
    static const char *const NAMES[] = {
        [CEDAR_TYPE_NEVER] = "nothing",     [CEDAR_TYPE_TRUE] = "Bool",
        [CEDAR_TYPE_FALSE] = "Bool",        [CEDAR_TYPE_BOOL] = "Bool",
        [CEDAR_TYPE_LONG] = "Long",         [CEDAR_TYPE_STRING] = "String",
        [CEDAR_TYPE_IP] = "ipaddr",         [CEDAR_TYPE_DECIMAL] = "decimal",
        [CEDAR_TYPE_DATETIME] = "datetime", [CEDAR_TYPE_DURATION] = "duration",
    };

    switch ((int)type->kind) {
    case CEDAR_TYPE_ENTITY:
        put_slice(out, type->name);
        break;
    case CEDAR_TYPE_SET:
        put(out, "Set<");
        put_type(out, type->element);
        put(out, ">");
        break;
    case CEDAR_TYPE_RECORD:
        put_record(out, type);
        break;
    default:
        put(out, NAMES[type->kind]);
    }
}

void cedar_type_print(const struct cedar_type *type, char *ret, size_t size)
{
    struct out out = {ret, 0, size};

    put_type(&out, type);
    ret[out.len] = '\0';
}
