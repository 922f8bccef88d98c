/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/same.h"

#include <stdlib.h>

/* ---- expressions ----------------------------------------------------------------------------- */

static bool patterns(const struct cedar_pattern *a, const struct cedar_pattern *b)
{
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (a->parts[i].star != b->parts[i].star || !slice_eq(a->parts[i].text, b->parts[i].text))
            return false;
    return true;
}

static bool names(const struct cedar_expr *a, const struct cedar_expr *b)
{
    for (uint32_t i = 0; i < a->n; i++)
        if (!slice_eq(a->names[i], b->names[i]))
            return false;
    return true;
}

bool cedar_expr_alike(const struct cedar_expr *a, const struct cedar_expr *b)
{
    switch ((int)a->op) {
    case CEDAR_OP_LITERAL:
        return cedar_value_eq(&a->literal, &b->literal);
    case CEDAR_OP_VAR:
        return a->var == b->var;
    case CEDAR_OP_SLOT:
        return a->slot == b->slot;
    case CEDAR_OP_GET:
    case CEDAR_OP_HAS:
    case CEDAR_OP_IS:
        return slice_eq(a->name, b->name);
    case CEDAR_OP_LIKE:
        return patterns(a->pattern, b->pattern);
    case CEDAR_OP_HAS_PATH:
    case CEDAR_OP_RECORD:
        return a->n == b->n && names(a, b);
    case CEDAR_OP_SET:
    case CEDAR_OP_CALL:
        return a->n == b->n && a->fn == b->fn;
    default:
        return true;
    }
}

bool cedar_expr_same(const struct cedar_expr *a, const struct cedar_expr *b)
{
    const struct cedar_expr *x, *y;

    if (a == b)
        return true;
    if (a->op != b->op || !cedar_expr_alike(a, b))
        return false;
    for (uint32_t i = 0;; i++) {
        x = cedar_expr_part(a, i);
        y = cedar_expr_part(b, i);
        if (x == NULL || y == NULL)
            return x == y;
        if (!cedar_expr_same(x, y))
            return false;
    }
}

/* ---- policies -------------------------------------------------------------------------------- */

static bool scopes(const struct cedar_scope *a, const struct cedar_scope *b)
{
    if (a->match != b->match || a->slot != b->slot || !slice_eq(a->type, b->type) ||
        !cedar_uid_eq(&a->uid, &b->uid) || a->n_list != b->n_list)
        return false;
    for (uint32_t i = 0; i < a->n_list; i++)
        if (!cedar_uid_eq(&a->list[i], &b->list[i]))
            return false;
    return true;
}

static bool annotations(const struct cedar_policy *a, const struct cedar_policy *b)
{
    if (a->n_annotations != b->n_annotations)
        return false;
    for (uint32_t i = 0; i < a->n_annotations; i++)
        if (a->annotations[i].has_value != b->annotations[i].has_value ||
            !slice_eq(a->annotations[i].name, b->annotations[i].name) ||
            !slice_eq(a->annotations[i].value, b->annotations[i].value))
            return false;
    return true;
}

bool cedar_conditions_same(const struct cedar_policy *a, const struct cedar_policy *b)
{
    if (a->n_conditions != b->n_conditions)
        return false;
    for (uint32_t i = 0; i < a->n_conditions; i++)
        if (a->conditions[i].unless != b->conditions[i].unless ||
            !cedar_expr_same(a->conditions[i].body, b->conditions[i].body))
            return false;
    return true;
}

bool cedar_policy_same(const struct cedar_policy *a, const struct cedar_policy *b)
{
    return a->effect == b->effect && a->is_template == b->is_template &&
           scopes(&a->principal, &b->principal) && scopes(&a->action, &b->action) &&
           scopes(&a->resource, &b->resource) && annotations(a, b) && cedar_conditions_same(a, b);
}

bool cedar_policies_same(const struct cedar_policies *a, const struct cedar_policies *b)
{
    if (cedar_count(a) != cedar_count(b))
        return false;
    for (size_t i = 0; i < cedar_count(a); i++)
        if (!cedar_policy_same(cedar_at(a, i), cedar_at(b, i)))
            return false;
    return true;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* By name, of equal ones in the order of the set. */
static int by_name(const void *a, const void *b)
{
    const struct cedar_policy *const *x = a, *const *y = b;
    int order = slice_cmp((*x)->name, (*y)->name);

    return order != 0 ? order : (*x > *y) - (*x < *y);
}

static void list_free(const struct cedar_policy ***list)
{
    free((void *)*list);
}

err_code cedar_same_names(const struct cedar_policies *policies, const struct cedar_policy **ret)
{
    size_t n = cedar_count(policies);
    CLEANUP(list_free)
    const struct cedar_policy **sorted = reallocarray(NULL, n + 1, sizeof *sorted);

    if (sorted == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        ret[i] = NULL;
        sorted[i] = cedar_at(policies, i);
    }
    qsort((void *)sorted, n, sizeof *sorted, by_name);
    for (size_t i = 1; i < n; i++)
        if (slice_eq(sorted[i - 1]->name, sorted[i]->name))
            ret[sorted[i] - cedar_at(policies, 0)] = sorted[i - 1];
    return ERR_OK;
}
