/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/copy.h"

#include <stdlib.h>
#include <string.h>

/* Memory for n elements, and what they are now. */
static err_code copy_of(struct cedar_arena *arena, const void *from, size_t size, void *ret)
{
    void *to = cedar_arena_take(arena, size);

    if (to == NULL)
        return ERR_NO_MEMORY;
    if (size > 0)
        memcpy(to, from, size);
    memcpy(ret, &to, sizeof to);
    return ERR_OK;
}

static err_code own(struct cedar_arena *arena, struct slice *text)
{
    return cedar_arena_copy(arena, *text, text);
}

static err_code own_uid(struct cedar_arena *arena, struct cedar_uid *uid)
{
    TRY(own(arena, &uid->type));
    return own(arena, &uid->id);
}

/* ---- expressions ----------------------------------------------------------------------------- */

static err_code expr(struct cedar_arena *arena, const struct cedar_expr **e);

static err_code literal(struct cedar_arena *arena, struct cedar_value *value)
{
    struct cedar_uid *uid;

    if (value->kind == CEDAR_STRING) {
        struct slice text = cedar_text(value);

        TRY(own(arena, &text));
        value->text = text.ptr;
    } else if (value->kind == CEDAR_ENTITY) {
        TRY(copy_of(arena, value->uid, sizeof *uid, &uid));
        TRY(own_uid(arena, uid));
        value->uid = uid;
    }
    return ERR_OK;
}

static err_code pattern(struct cedar_arena *arena, const struct cedar_pattern **pattern)
{
    struct cedar_pattern *copy;
    struct cedar_pattern_part *parts;

    TRY(copy_of(arena, *pattern, sizeof *copy, &copy));
    TRY(copy_of(arena, copy->parts, copy->n * sizeof *parts, &parts));
    for (uint32_t i = 0; i < copy->n; i++)
        TRY(own(arena, &parts[i].text));
    copy->parts = parts;
    *pattern = copy;
    return ERR_OK;
}

static err_code names(struct cedar_arena *arena, struct cedar_expr *e)
{
    struct slice *copy;

    TRY(copy_of(arena, e->names, e->n * sizeof *copy, &copy));
    for (uint32_t i = 0; i < e->n; i++)
        TRY(own(arena, &copy[i]));
    e->names = copy;
    return ERR_OK;
}

static err_code items(struct cedar_arena *arena, struct cedar_expr *e, uint32_t n)
{
    const struct cedar_expr **copy;

    TRY(copy_of(arena, (const void *)e->items, n * sizeof *copy, &copy));
    for (uint32_t i = 0; i < n; i++)
        TRY(expr(arena, &copy[i]));
    e->items = copy;
    e->folded = NULL;
    return ERR_OK;
}

static err_code parts(struct cedar_arena *arena, struct cedar_expr *e)
{
    switch (e->op) {
    case CEDAR_OP_LITERAL:
        return literal(arena, &e->literal);
    case CEDAR_OP_VAR:
    case CEDAR_OP_SLOT:
        return ERR_OK;
    case CEDAR_OP_GET:
    case CEDAR_OP_HAS:
        TRY(own(arena, &e->name));
        return expr(arena, &e->of);
    case CEDAR_OP_IS:
        TRY(own(arena, &e->name));
        TRY(expr(arena, &e->of));
        return expr(arena, &e->in);
    case CEDAR_OP_LIKE:
        TRY(pattern(arena, &e->pattern));
        return expr(arena, &e->of);
    case CEDAR_OP_HAS_PATH:
        TRY(names(arena, e));
        return items(arena, e, 1);
    case CEDAR_OP_RECORD:
        TRY(names(arena, e));
        return items(arena, e, e->n);
    case CEDAR_OP_SET:
    case CEDAR_OP_CALL:
        return items(arena, e, e->n);
    case CEDAR_OP_IF:
    case CEDAR_OP_AND:
    case CEDAR_OP_OR:
    case CEDAR_OP_NOT:
    case CEDAR_OP_NEG:
    case CEDAR_OP_EQ:
    case CEDAR_OP_NE:
    case CEDAR_OP_LT:
    case CEDAR_OP_LE:
    case CEDAR_OP_GT:
    case CEDAR_OP_GE:
    case CEDAR_OP_IN:
    case CEDAR_OP_ADD:
    case CEDAR_OP_SUB:
    case CEDAR_OP_MUL:
    case CEDAR_OP_CONTAINS:
    case CEDAR_OP_CONTAINS_ALL:
    case CEDAR_OP_CONTAINS_ANY:
    case CEDAR_OP_IS_EMPTY:
    case CEDAR_OP_HAS_TAG:
    case CEDAR_OP_GET_TAG:
        TRY(expr(arena, &e->a));
        TRY(expr(arena, &e->b));
        return expr(arena, &e->c);
    }
    return ERR_INTERNAL;
}

/* Puts a copy in the place of *e, which may be NULL. */
static err_code expr(struct cedar_arena *arena, const struct cedar_expr **e)
{
    struct cedar_expr *copy;

    if (*e == NULL)
        return ERR_OK;
    TRY(copy_of(arena, *e, sizeof *copy, &copy));
    TRY(parts(arena, copy));
    *e = copy;
    return ERR_OK;
}

/* ---- policies -------------------------------------------------------------------------------- */

static err_code scope(struct cedar_arena *arena, struct cedar_scope *scope)
{
    struct cedar_uid *list;

    TRY(own(arena, &scope->type));
    TRY(own_uid(arena, &scope->uid));
    TRY(copy_of(arena, scope->list, scope->n_list * sizeof *list, &list));
    for (uint32_t i = 0; i < scope->n_list; i++)
        TRY(own_uid(arena, &list[i]));
    scope->list = list;
    return ERR_OK;
}

/* Replaces whatever a copied policy still borrows from its first set. */
static err_code policy(struct cedar_arena *arena, struct cedar_policy *policy)
{
    struct cedar_condition *conditions;
    struct cedar_annotation *annotations;

    TRY(own(arena, &policy->id));
    TRY(own(arena, &policy->name));
    TRY(scope(arena, &policy->principal));
    TRY(scope(arena, &policy->action));
    TRY(scope(arena, &policy->resource));
    if (policy->template != NULL) { /* copied before */
        policy->conditions = policy->template->conditions;
        policy->annotations = policy->template->annotations;
        return ERR_OK;
    }
    TRY(copy_of(arena, policy->conditions, policy->n_conditions * sizeof *conditions, &conditions));
    for (uint32_t i = 0; i < policy->n_conditions; i++)
        TRY(expr(arena, &conditions[i].body));
    policy->conditions = conditions;
    TRY(copy_of(arena, policy->annotations, policy->n_annotations * sizeof *annotations,
                &annotations));
    for (uint32_t i = 0; i < policy->n_annotations; i++) {
        TRY(own(arena, &annotations[i].name));
        TRY(own(arena, &annotations[i].value));
    }
    policy->annotations = annotations;
    return ERR_OK;
}

static err_code all(const struct cedar_policies *from, size_t more, struct cedar_policies *to)
{
    to->source = from->source;
    to->hidden = from->hidden;
    TRY(own(&to->arena, &to->source));
    to->list = cedar_arena_take(&to->arena, (from->n + more) * sizeof *to->list);
    if (to->list == NULL)
        return ERR_NO_MEMORY;
    for (; to->n < from->n; to->n++) {
        struct cedar_policy *copy = &to->list[to->n];

        *copy = from->list[to->n];
        if (copy->template != NULL)
            copy->template = &to->list[copy->template - from->list];
        TRY(policy(&to->arena, copy));
    }
    return ERR_OK;
}

err_code cedar_copy(const struct cedar_policies *policies, size_t more, struct cedar_policies **ret)
{
    CLEANUP(cedar_free) struct cedar_policies *copy = calloc(1, sizeof *copy);

    if (copy == NULL)
        return ERR_NO_MEMORY;
    TRY(all(policies, more, copy));
    *ret = copy;
    copy = NULL;
    return ERR_OK;
}
