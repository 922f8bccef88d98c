/* SPDX-License-Identifier: Apache-2.0 */
/* fold.c: what is done once to a complete policy set, so that decisions need not: constant sets,
 * records and extension calls get their value. */
#include "gate/cedar/set.h"

#include "gate/cedar/compare.h"
#include "gate/cedar/index.h"

#include <stdlib.h>

/* Expressions looked at in one set; a text cannot hold more. A tree may share its parts, and
 * walking through it may take longer than its size: what is left then stays without its value,
 * which is computed by each decision, with the same result. */
#define VISITS_MAX CEDAR_TEXT_MAX

struct fold {
    struct cedar_arena *arena;
    size_t visits;
};

/* The value of an expression that needs no evaluation, or NULL. */
static const struct cedar_value *constant(const struct cedar_expr *e)
{
    switch ((int)e->op) {
    case CEDAR_OP_LITERAL:
        return &e->literal;
    case CEDAR_OP_SET:
    case CEDAR_OP_RECORD:
    case CEDAR_OP_CALL:
        return e->folded;
    default:
        return NULL;
    }
}

static err_code fold_set(struct cedar_arena *arena, const struct cedar_expr *e,
                         struct cedar_value *ret)
{
    struct cedar_value *items = cedar_arena_take(arena, (e->n + 1) * sizeof *items);

    if (items == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < e->n; i++)
        items[i] = *constant(e->items[i]);
    *ret = cedar_set_of(items, e->n);
    return ERR_OK;
}

static err_code fold_record(struct cedar_arena *arena, const struct cedar_expr *e,
                            struct cedar_value *ret)
{
    struct cedar_field *fields = cedar_arena_take(arena, (e->n + 1) * sizeof *fields);
    const struct slice *twice = NULL;

    if (fields == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < e->n; i++)
        fields[i] = (struct cedar_field){e->names[i], *constant(e->items[i])};
    *ret = cedar_record_of(fields, e->n, &twice);
    return twice == NULL ? ERR_OK : ERR_INTERNAL;
}

static err_code fold_call(struct cedar_arena *arena, const struct cedar_expr *e,
                          enum cedar_fault *fault, struct cedar_value *ret)
{
    const struct cedar_fn_info *info = cedar_fn_info(e->fn);
    struct cedar_value args[2] = {0};

    if (info == NULL || info->n_args != e->n) {
        *fault = CEDAR_FAULT_TYPE;
        return ERR_OK;
    }
    for (uint32_t i = 0; i < e->n; i++)
        args[i] = *constant(e->items[i]);
    return cedar_fn_call(e->fn, args, arena, fault, ret);
}

/* Computes the value if all items have one and nothing fails. */
static err_code fold_items(struct cedar_arena *arena, const struct cedar_expr *e)
{
    enum cedar_fault fault = CEDAR_FAULT_NONE;
    struct cedar_value value = {0}, *kept;

    for (uint32_t i = 0; i < e->n; i++)
        if (constant(e->items[i]) == NULL)
            return ERR_OK;
    if (e->op == CEDAR_OP_SET)
        TRY(fold_set(arena, e, &value));
    else if (e->op == CEDAR_OP_RECORD)
        TRY(fold_record(arena, e, &value));
    else
        TRY(fold_call(arena, e, &fault, &value));
    if (fault != CEDAR_FAULT_NONE)
        return ERR_OK;
    kept = cedar_arena_take(arena, sizeof *kept);
    if (kept == NULL)
        return ERR_NO_MEMORY;
    *kept = value;
    /* the one change of a tree that is made: the reader took its memory from the same arena */
    ((struct cedar_expr *)(uintptr_t)e)->folded = kept;
    return ERR_OK;
}

static err_code fold(struct cedar_arena *arena, const struct cedar_expr *e)
{
    if (e == NULL)
        return ERR_OK;
    switch (e->op) {
    case CEDAR_OP_LITERAL:
    case CEDAR_OP_VAR:
    case CEDAR_OP_SLOT:
        return ERR_OK;
    case CEDAR_OP_IF:
        TRY(fold(arena, e->a));
        TRY(fold(arena, e->b));
        return fold(arena, e->c);
    case CEDAR_OP_NOT:
    case CEDAR_OP_NEG:
    case CEDAR_OP_IS_EMPTY:
        return fold(arena, e->a);
    case CEDAR_OP_AND:
    case CEDAR_OP_OR:
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
    case CEDAR_OP_HAS_TAG:
    case CEDAR_OP_GET_TAG:
        TRY(fold(arena, e->a));
        return fold(arena, e->b);
    case CEDAR_OP_GET:
    case CEDAR_OP_HAS:
    case CEDAR_OP_LIKE:
        return fold(arena, e->of);
    case CEDAR_OP_HAS_PATH:
        return fold(arena, e->items[0]);
    case CEDAR_OP_IS:
        TRY(fold(arena, e->of));
        return fold(arena, e->in);
    case CEDAR_OP_SET:
    case CEDAR_OP_RECORD:
    case CEDAR_OP_CALL:
        if (e->folded != NULL)
            return ERR_OK;
        for (uint32_t i = 0; i < e->n; i++)
            TRY(fold(arena, e->items[i]));
        return fold_items(arena, e);
    }
    return ERR_INTERNAL;
}

static void free_table(const struct cedar_policy ***table)
{
    free(*table);
}

static err_code check_ids(const struct cedar_policies *policies, struct why *why)
{
    CLEANUP(free_table) const struct cedar_policy **table = NULL;
    size_t size = 16;

    while (size < 2 * policies->n)
        size *= 2;
    table = calloc(size, sizeof(void *));
    if (table == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < policies->n; i++) {
        struct slice id = policies->list[i].id;
        size_t at = cedar_uid_of((struct slice){0}, id).hash & (size - 1);
        char shown[80];

        for (; table[at] != NULL; at = (at + 1) & (size - 1)) {
            if (!slice_eq(table[at]->id, id))
                continue;
            cedar_quote(id, shown, sizeof shown);
            return why_say(why, ERR_CEDAR_SYNTAX, "two policies have the id \"%s\"", shown);
        }
        table[at] = &policies->list[i];
    }
    return ERR_OK;
}

err_code cedar_finish(struct cedar_policies *policies, struct why *why)
{
    TRY(check_ids(policies, why));
    for (size_t i = 0; i < policies->n; i++)
        for (uint32_t k = 0; k < policies->list[i].n_conditions; k++)
            TRY(fold(&policies->arena, policies->list[i].conditions[k].body));
    return cedar_index_make(policies);
}
