/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/print.h"

#include "gate/cedar/policies.h"

static err_code entity(const struct cedar_scope *scope, struct buf *ret)
{
    if (scope->slot == CEDAR_NO_SLOT)
        return cedar_print_uid(&scope->uid, ret);
    return buf_add_str(ret, cedar_slot_name(scope->slot));
}

static err_code list(const struct cedar_scope *scope, struct buf *ret)
{
    TRY(buf_add_u8(ret, '['));
    for (uint32_t i = 0; i < scope->n_list; i++) {
        if (i > 0)
            TRY(buf_add_str(ret, ", "));
        TRY(cedar_print_uid(&scope->list[i], ret));
    }
    return buf_add_u8(ret, ']');
}

static err_code scope(const struct cedar_scope *scope, const char *word, struct buf *ret)
{
    TRY(buf_add_str(ret, word));
    switch (scope->match) {
    case CEDAR_NEVER:
        return ERR_CEDAR_SYNTAX;
    case CEDAR_ANY:
        return ERR_OK;
    case CEDAR_EQ:
        TRY(buf_add_str(ret, " == "));
        return entity(scope, ret);
    case CEDAR_IN:
        TRY(buf_add_str(ret, " in "));
        return entity(scope, ret);
    case CEDAR_IS:
    case CEDAR_IS_IN:
        TRY(buf_add_str(ret, " is "));
        TRY(buf_add_slice(ret, scope->type));
        if (scope->match == CEDAR_IS)
            return ERR_OK;
        TRY(buf_add_str(ret, " in "));
        return entity(scope, ret);
    case CEDAR_IN_LIST:
        TRY(buf_add_str(ret, " in "));
        return list(scope, ret);
    }
    return ERR_INTERNAL;
}

static err_code annotations(const struct cedar_policy *policy, struct buf *ret)
{
    for (uint32_t i = 0; i < policy->n_annotations; i++) {
        const struct cedar_annotation *a = &policy->annotations[i];

        TRY(buf_add_u8(ret, '@'));
        TRY(buf_add_slice(ret, a->name));
        if (a->has_value) {
            TRY(buf_add_u8(ret, '('));
            TRY(cedar_print_string(a->value, ret));
            TRY(buf_add_u8(ret, ')'));
        }
        TRY(buf_add_u8(ret, '\n'));
    }
    return ERR_OK;
}

static err_code policy(const struct cedar_policy *policy, struct buf *ret)
{
    TRY(annotations(policy, ret));
    TRY(buf_add_str(ret, policy->effect == CEDAR_EFFECT_PERMIT ? "permit (" : "forbid ("));
    TRY(scope(&policy->principal, "principal", ret));
    TRY(buf_add_str(ret, ", "));
    TRY(scope(&policy->action, "action", ret));
    TRY(buf_add_str(ret, ", "));
    TRY(scope(&policy->resource, "resource", ret));
    TRY(buf_add_u8(ret, ')'));
    for (uint32_t i = 0; i < policy->n_conditions; i++) {
        TRY(buf_add_str(ret, policy->conditions[i].unless ? "\nunless { " : "\nwhen { "));
        TRY(cedar_print_expr(policy->conditions[i].body, ret));
        TRY(buf_add_str(ret, " }"));
    }
    return buf_add_str(ret, ";\n");
}

/* In JSON a template may have no slots. In text it would be in force. */
static bool only_json(const struct cedar_policy *policy)
{
    return policy->is_template && policy->principal.slot == CEDAR_NO_SLOT &&
           policy->resource.slot == CEDAR_NO_SLOT;
}

err_code cedar_print(const struct cedar_policies *policies, struct buf *ret)
{
    bool first = true;

    for (size_t i = 0; i < cedar_count(policies); i++) {
        if (cedar_at(policies, i)->template != NULL)
            continue;
        if (only_json(cedar_at(policies, i)))
            return ERR_CEDAR_SYNTAX;
        if (!first)
            TRY(buf_add_u8(ret, '\n'));
        first = false;
        TRY(policy(cedar_at(policies, i), ret));
    }
    return ERR_OK;
}
