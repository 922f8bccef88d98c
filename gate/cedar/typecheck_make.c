/* SPDX-License-Identifier: Apache-2.0 */
/* typecheck_make.c: what makes values: sets, records, and calls of extension functions. */
#include "gate/cedar/typecheck.h"

#include <stdlib.h>

/* ---- sets and records ------------------------------------------------------------------------ */

static err_code set(struct cedar_checker *c, const struct cedar_caps *prior,
                    const struct cedar_expr *e, struct cedar_typed *ret)
{
    struct cedar_violation spot = {"EMPTY_SET", e, e->offset};
    const struct cedar_type *element = cedar_type_plain(CEDAR_TYPE_NEVER);
    struct cedar_type *type;
    bool known = true;
    void *memory;

    for (uint32_t i = 0; i < e->n; i++) {
        const struct cedar_type *both;
        struct cedar_typed item;

        TRY(cedar_typecheck(c, prior, e->items[i], &item));
        known = known && item.type != NULL;
        if (!known)
            continue;
        TRY(cedar_type_join(c->work, element, item.type, &both));
        if (both == NULL) {
            TRY(cedar_tell_two(c, e, "the elements of a set", element, item.type));
            known = false;
        }
        element = both;
    }
    if (e->n == 0)
        return cedar_tell(c, &spot, "a set without elements has no type");
    if (!known)
        return ERR_OK;
    TRY(cedar_work_take(c->work, sizeof *type, &memory));
    type = memory;
    *type = (struct cedar_type){.kind = CEDAR_TYPE_SET, .element = element};
    ret->type = type;
    return ERR_OK;
}

static int attr_cmp(const void *a, const void *b)
{
    const struct cedar_attr_type *x = a, *y = b;

    return slice_cmp(x->name, y->name);
}

static err_code record(struct cedar_checker *c, const struct cedar_caps *prior,
                       const struct cedar_expr *e, struct cedar_typed *ret)
{
    struct cedar_attr_type *attrs;
    struct cedar_type *type;
    bool known = true;
    void *memory;

    TRY(cedar_work_take(c->work, sizeof *type + e->n * sizeof *attrs, &memory));
    type = memory;
    attrs = (struct cedar_attr_type *)(type + 1);
    for (uint32_t i = 0; i < e->n; i++) {
        struct cedar_typed item;

        TRY(cedar_typecheck(c, prior, e->items[i], &item));
        known = known && item.type != NULL;
        attrs[i] = (struct cedar_attr_type){e->names[i], item.type, true};
    }
    if (!known)
        return ERR_OK;
    if (e->n > 1)
        qsort(attrs, e->n, sizeof *attrs, attr_cmp);
    *type = (struct cedar_type){.kind = CEDAR_TYPE_RECORD, .n = e->n, .attrs = attrs};
    ret->type = type;
    return ERR_OK;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* What a constructor is given must be written in the policy, so that it is known to be right. */
static err_code constructor(struct cedar_checker *c, const struct cedar_expr *e, bool *ret_ok)
{
    struct cedar_violation bad = {"BAD_LITERAL", e, e->offset};
    struct cedar_violation computed = {"NOT_LITERAL", e, e->offset};
    const char *name = cedar_fn_info(e->fn)->name;
    enum cedar_fault fault = CEDAR_FAULT_NONE;
    struct cedar_value spare, value;
    const struct cedar_value *arg;
    char text[64];

    *ret_ok = false;
    arg = cedar_constant(e->items[0], &spare);
    if (arg == NULL)
        return cedar_tell(c, &computed, "%s(...) takes a string literal, nothing computed", name);
    if (arg->kind == CEDAR_STRING)
        TRY(cedar_fn_call(e->fn, arg, &c->work->arena, &fault, &value));
    *ret_ok = fault == CEDAR_FAULT_NONE;
    if (*ret_ok)
        return ERR_OK;
    cedar_quote(cedar_text(arg), text, sizeof text);
    return cedar_tell(c, &bad, "%s(\"%s\") is no valid %s", name, text, name);
}

static err_code count(struct cedar_checker *c, const struct cedar_expr *e, bool *ret_ok)
{
    const struct cedar_fn_info *info = cedar_fn_info(e->fn);
    struct cedar_violation spot = {"ARGUMENT_COUNT", e, e->offset};
    uint32_t receiver = info->method && e->n > 0;

    *ret_ok = e->n == info->n_args;
    if (*ret_ok)
        return ERR_OK;
    return cedar_tell(c, &spot, "%s takes %u argument%s, not %u", info->name,
                      (unsigned)(info->n_args - info->method),
                      info->n_args - info->method == 1 ? "" : "s", (unsigned)(e->n - receiver));
}

static err_code call(struct cedar_checker *c, const struct cedar_caps *prior,
                     const struct cedar_expr *e, struct cedar_typed *ret)
{
    const struct cedar_fn_info *info = cedar_fn_info(e->fn);
    bool ok;

    TRY(count(c, e, &ok));
    if (ok && !info->method)
        TRY(constructor(c, e, &ok));
    for (uint32_t i = 0; i < e->n; i++) {
        struct cedar_wanted wanted = {0, info->name};
        struct cedar_typed item;

        if (!ok) {
            TRY(cedar_typecheck(c, prior, e->items[i], &item));
            continue;
        }
        wanted.kinds = 1u << cedar_type_kind_of(info->args[i]);
        TRY(cedar_typecheck_as(c, prior, e->items[i], &wanted, &item));
    }
    ret->type = cedar_type_plain(cedar_type_kind_of(info->result));
    return ERR_OK;
}

err_code cedar_typecheck_make(struct cedar_checker *c, const struct cedar_caps *prior,
                              const struct cedar_expr *e, struct cedar_typed *ret)
{
    *ret = (struct cedar_typed){0};
    switch ((int)e->op) {
    case CEDAR_OP_SET:
        return set(c, prior, e, ret);
    case CEDAR_OP_RECORD:
        return record(c, prior, e, ret);
    default:
        return call(c, prior, e, ret);
    }
}
