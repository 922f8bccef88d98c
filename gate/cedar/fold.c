/* SPDX-License-Identifier: Apache-2.0 */
/* fold.c: constant sets, records and extension calls get their value, so that decisions need not
 * make it. */
#include "gate/cedar/set.h"

static bool is_made(const struct cedar_expr *e)
{
    return e->op == CEDAR_OP_SET || e->op == CEDAR_OP_RECORD || e->op == CEDAR_OP_CALL;
}

/* The value of an expression that needs no evaluation, or NULL. */
static const struct cedar_value *constant(const struct cedar_expr *e)
{
    if (e->op == CEDAR_OP_LITERAL)
        return &e->literal;
    return is_made(e) ? e->folded : NULL;
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
    const struct cedar_expr *part;

    if (is_made(e) && e->folded != NULL)
        return ERR_OK;
    for (uint32_t i = 0; (part = cedar_expr_part(e, i)) != NULL; i++)
        TRY(fold(arena, part));
    return is_made(e) ? fold_items(arena, e) : ERR_OK;
}

err_code cedar_fold(struct cedar_policies *policies)
{
    for (size_t i = 0; i < policies->n; i++) {
        const struct cedar_policy *policy = &policies->list[i];

        if (policy->template != NULL)
            continue; /* its conditions are those of the template, which stands before it */
        for (uint32_t k = 0; k < policy->n_conditions; k++)
            TRY(fold(&policies->arena, policy->conditions[k].body));
    }
    return ERR_OK;
}
