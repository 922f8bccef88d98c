/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/ast.h"

const char *cedar_var_name(enum cedar_var var)
{
    static const char *const NAMES[] = {"principal", "action", "resource", "context"};

    return (size_t)var < sizeof NAMES / sizeof *NAMES ? NAMES[var] : NULL;
}

const char *cedar_slot_name(enum cedar_slot slot)
{
    return slot == CEDAR_SLOT_PRINCIPAL ? "?principal" : "?resource";
}

const char *cedar_op_word(enum cedar_op op)
{
    static const char *const WORDS[] = {
        [CEDAR_OP_AND] = "&&",
        [CEDAR_OP_OR] = "||",
        [CEDAR_OP_NOT] = "!",
        [CEDAR_OP_NEG] = "-",
        [CEDAR_OP_EQ] = "==",
        [CEDAR_OP_NE] = "!=",
        [CEDAR_OP_LT] = "<",
        [CEDAR_OP_LE] = "<=",
        [CEDAR_OP_GT] = ">",
        [CEDAR_OP_GE] = ">=",
        [CEDAR_OP_IN] = "in",
        [CEDAR_OP_ADD] = "+",
        [CEDAR_OP_SUB] = "-",
        [CEDAR_OP_MUL] = "*",
        [CEDAR_OP_CONTAINS] = "contains",
        [CEDAR_OP_CONTAINS_ALL] = "containsAll",
        [CEDAR_OP_CONTAINS_ANY] = "containsAny",
        [CEDAR_OP_IS_EMPTY] = "isEmpty",
        [CEDAR_OP_HAS_TAG] = "hasTag",
        [CEDAR_OP_GET_TAG] = "getTag",
        [CEDAR_OP_CALL] = NULL,
    };

    return WORDS[op];
}

const struct cedar_expr *cedar_expr_part(const struct cedar_expr *e, uint32_t i)
{
    switch (e->op) {
    case CEDAR_OP_LITERAL:
    case CEDAR_OP_VAR:
    case CEDAR_OP_SLOT:
        return NULL;
    case CEDAR_OP_GET:
    case CEDAR_OP_HAS:
    case CEDAR_OP_LIKE:
        return i == 0 ? e->of : NULL;
    case CEDAR_OP_IS:
        return i == 0 ? e->of : i == 1 ? e->in : NULL;
    case CEDAR_OP_HAS_PATH:
        return i == 0 ? e->items[0] : NULL;
    case CEDAR_OP_SET:
    case CEDAR_OP_RECORD:
    case CEDAR_OP_CALL:
        return i < e->n ? e->items[i] : NULL;
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
        return i == 0 ? e->a : i == 1 ? e->b : i == 2 ? e->c : NULL;
    }
    return NULL;
}

const struct cedar_annotation *cedar_annotation(const struct cedar_policy *policy, const char *name)
{
    for (uint32_t i = 0; i < policy->n_annotations; i++)
        if (slice_eq_str(policy->annotations[i].name, name))
            return &policy->annotations[i];
    return NULL;
}

struct slice cedar_policy_name(const struct cedar_policy *policy)
{
    const struct cedar_annotation *given = cedar_annotation(policy, "id");

    return given != NULL && given->value.len > 0 ? given->value : policy->id;
}
