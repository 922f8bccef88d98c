/* SPDX-License-Identifier: Apache-2.0 */
/* typecheck_ops.c: operators whose result is a boolean or a number. None grants capabilities. */
#include "gate/cedar/typecheck.h"

#include <stdio.h>

static err_code tell_sides(struct cedar_checker *c, const struct cedar_expr *e,
                           const struct cedar_type *a, const struct cedar_type *b)
{
    char what[32];

    snprintf(what, sizeof what, "both sides of %s", cedar_op_word(e->op));
    return cedar_tell_two(c, e, what, a, b);
}

/* ---- == and < -------------------------------------------------------------------------------- */

/* The value of a literal, or of action, which the environment knows. */
static const struct cedar_value *known(const struct cedar_checker *c, const struct cedar_expr *e,
                                       struct cedar_value *spare)
{
    if (e->op != CEDAR_OP_VAR || e->var != CEDAR_ACTION)
        return cedar_constant(e, spare);
    *spare = cedar_entity(&c->action->uid);
    return spare;
}

static err_code equal(struct cedar_checker *c, const struct cedar_caps *prior,
                      const struct cedar_expr *e, enum cedar_type_kind *ret)
{
    struct cedar_value spare[2];
    const struct cedar_value *x, *y;
    const struct cedar_type *both;
    struct cedar_typed a, b;

    *ret = CEDAR_TYPE_BOOL;
    TRY(cedar_typecheck(c, prior, e->a, &a));
    TRY(cedar_typecheck(c, prior, e->b, &b));
    if (a.type == NULL || b.type == NULL)
        return ERR_OK;
    x = known(c, e->a, &spare[0]);
    y = known(c, e->b, &spare[1]);
    if (x != NULL && y != NULL) {
        *ret = cedar_value_eq(x, y) ? CEDAR_TYPE_TRUE : CEDAR_TYPE_FALSE;
        return ERR_OK;
    }
    TRY(cedar_type_join(c->work, a.type, b.type, &both));
    if (both != NULL)
        return ERR_OK;
    if (a.type->kind != CEDAR_TYPE_ENTITY || b.type->kind != CEDAR_TYPE_ENTITY)
        return tell_sides(c, e, a.type, b.type);
    *ret = CEDAR_TYPE_FALSE; /* entities of different types are never equal */
    return ERR_OK;
}

static err_code not_equal(struct cedar_checker *c, const struct cedar_caps *prior,
                          const struct cedar_expr *e, enum cedar_type_kind *ret)
{
    TRY(equal(c, prior, e, ret));
    if (*ret != CEDAR_TYPE_BOOL)
        *ret = *ret == CEDAR_TYPE_TRUE ? CEDAR_TYPE_FALSE : CEDAR_TYPE_TRUE;
    return ERR_OK;
}

static err_code order(struct cedar_checker *c, const struct cedar_caps *prior,
                      const struct cedar_expr *e, struct cedar_typed *ret)
{
    struct cedar_wanted wanted = {CEDAR_KINDS_ORDER, cedar_op_word(e->op)};
    struct cedar_typed a, b;

    TRY(cedar_typecheck_as(c, prior, e->a, &wanted, &a));
    TRY(cedar_typecheck_as(c, prior, e->b, &wanted, &b));
    if (a.type != NULL && b.type != NULL && a.type->kind != b.type->kind)
        TRY(tell_sides(c, e, a.type, b.type));
    return cedar_typed_as(ret, CEDAR_TYPE_BOOL);
}

/* ---- in, is ---------------------------------------------------------------------------------- */

static bool is_entity(const struct cedar_type *type)
{
    return type != NULL && type->kind == CEDAR_TYPE_ENTITY;
}

/* The entities that e names: one, or a set of them. What is not known is no entity. */
static const struct cedar_uid *named(const struct cedar_checker *c, const struct cedar_expr *e)
{
    struct cedar_value spare;
    const struct cedar_value *value = known(c, e, &spare);

    return value != NULL && value->kind == CEDAR_ENTITY ? value->uid : NULL;
}

static bool all_named(const struct cedar_checker *c, const struct cedar_expr *e)
{
    if (e->op != CEDAR_OP_SET)
        return named(c, e) != NULL;
    for (uint32_t i = 0; i < e->n; i++)
        if (named(c, e->items[i]) == NULL)
            return false;
    return true;
}

/* Whether an action is in others can be read from the schema, so it is certain. */
static err_code action_in(struct cedar_checker *c, const struct cedar_action_type *action,
                          const struct cedar_expr *groups, struct cedar_typed *ret)
{
    uint32_t n = groups->op == CEDAR_OP_SET ? groups->n : 1;

    TRY(cedar_work_step(c->work, n));
    for (uint32_t i = 0; i < n; i++)
        if (cedar_action_in(action,
                            named(c, groups->op == CEDAR_OP_SET ? groups->items[i] : groups)))
            return cedar_typed_as(ret, CEDAR_TYPE_TRUE);
    return cedar_typed_as(ret, CEDAR_TYPE_FALSE);
}

/* a.type is that of the left side, which has been checked. */
static err_code in(struct cedar_checker *c, const struct cedar_caps *prior,
                   const struct cedar_expr *const sides[2], const struct cedar_typed *a,
                   struct cedar_typed *ret)
{
    static const struct cedar_wanted RIGHT = {
        CEDAR_KIND(CEDAR_TYPE_ENTITY) | CEDAR_KIND(CEDAR_TYPE_SET), "the right side of in"};
    const struct cedar_uid *left = named(c, sides[0]);
    const struct cedar_action_type *action;
    const struct cedar_type *group;
    struct cedar_typed b;
    bool may;

    TRY(cedar_typecheck_as(c, prior, sides[1], &RIGHT, &b));
    group = b.type;
    if (group != NULL && group->kind == CEDAR_TYPE_SET) {
        group = group->element;
        if (group->kind != CEDAR_TYPE_ENTITY && group->kind != CEDAR_TYPE_NEVER)
            TRY(cedar_tell_type(c, sides[1], &RIGHT, b.type));
    }
    TRY(cedar_typed_as(ret, CEDAR_TYPE_BOOL));
    if (!is_entity(a->type) || !is_entity(group))
        return ERR_OK;
    action = left == NULL ? NULL : cedar_schema_action(c->schema, left);
    if (action != NULL && all_named(c, sides[1]))
        return action_in(c, action, sides[1], ret);
    TRY(cedar_type_descends(c->work, c->schema, a->type->name, group->name, &may));
    return cedar_typed_as(ret, may ? CEDAR_TYPE_BOOL : CEDAR_TYPE_FALSE);
}

static err_code member(struct cedar_checker *c, const struct cedar_caps *prior,
                       const struct cedar_expr *e, struct cedar_typed *ret)
{
    static const struct cedar_wanted LEFT = {CEDAR_KIND(CEDAR_TYPE_ENTITY), "the left side of in"};
    const struct cedar_expr *sides[] = {e->a, e->b};
    struct cedar_typed a;

    TRY(cedar_typecheck_as(c, prior, e->a, &LEFT, &a));
    return in(c, prior, sides, &a, ret);
}

static err_code is(struct cedar_checker *c, const struct cedar_caps *prior,
                   const struct cedar_expr *e, struct cedar_typed *ret)
{
    static const struct cedar_wanted WANTED = {CEDAR_KIND(CEDAR_TYPE_ENTITY), "is"};
    const struct cedar_expr *sides[] = {e->of, e->in};
    struct cedar_typed of;

    TRY(cedar_typecheck_as(c, prior, e->of, &WANTED, &of));
    if (of.type != NULL && !slice_eq(of.type->name, e->name))
        return cedar_typed_as(ret, CEDAR_TYPE_FALSE);
    if (e->in != NULL)
        return in(c, prior, sides, &of, ret);
    return cedar_typed_as(ret, of.type == NULL ? CEDAR_TYPE_BOOL : CEDAR_TYPE_TRUE);
}

/* ---- numbers, sets and strings --------------------------------------------------------------- */

static err_code arithmetic(struct cedar_checker *c, const struct cedar_caps *prior,
                           const struct cedar_expr *e, struct cedar_typed *ret)
{
    struct cedar_wanted wanted = {CEDAR_KIND(CEDAR_TYPE_LONG), cedar_op_word(e->op)};
    struct cedar_typed a, b;

    TRY(cedar_typecheck_as(c, prior, e->a, &wanted, &a));
    b = a;
    if (e->op != CEDAR_OP_NEG)
        TRY(cedar_typecheck_as(c, prior, e->b, &wanted, &b));
    *ret = (struct cedar_typed){a.type == NULL ? NULL : b.type, NULL};
    return ERR_OK;
}

static err_code contains(struct cedar_checker *c, const struct cedar_caps *prior,
                         const struct cedar_expr *e, struct cedar_typed *ret)
{
    static const struct cedar_wanted WANTED = {CEDAR_KIND(CEDAR_TYPE_SET), "contains"};
    const struct cedar_type *both;
    struct cedar_typed a, b;

    TRY(cedar_typecheck_as(c, prior, e->a, &WANTED, &a));
    TRY(cedar_typecheck(c, prior, e->b, &b));
    if (a.type != NULL && b.type != NULL) {
        TRY(cedar_type_join(c->work, a.type->element, b.type, &both));
        if (both == NULL)
            TRY(cedar_tell_two(c, e, "the elements of the set and the argument of contains",
                               a.type->element, b.type));
    }
    return cedar_typed_as(ret, CEDAR_TYPE_BOOL);
}

static err_code contains_many(struct cedar_checker *c, const struct cedar_caps *prior,
                              const struct cedar_expr *e, struct cedar_typed *ret)
{
    struct cedar_wanted wanted = {CEDAR_KIND(CEDAR_TYPE_SET), cedar_op_word(e->op)};
    const struct cedar_type *both;
    struct cedar_typed a, b;

    TRY(cedar_typecheck_as(c, prior, e->a, &wanted, &a));
    TRY(cedar_typecheck_as(c, prior, e->b, &wanted, &b));
    if (a.type != NULL && b.type != NULL) {
        TRY(cedar_type_join(c->work, a.type, b.type, &both));
        if (both == NULL)
            TRY(tell_sides(c, e, a.type, b.type));
    }
    return cedar_typed_as(ret, CEDAR_TYPE_BOOL);
}

err_code cedar_typecheck_op(struct cedar_checker *c, const struct cedar_caps *prior,
                            const struct cedar_expr *e, struct cedar_typed *ret)
{
    static const struct cedar_wanted SET = {CEDAR_KIND(CEDAR_TYPE_SET), "isEmpty"};
    static const struct cedar_wanted STRING = {CEDAR_KIND(CEDAR_TYPE_STRING), "like"};
    enum cedar_type_kind kind = CEDAR_TYPE_BOOL;

    switch ((int)e->op) {
    case CEDAR_OP_EQ:
        TRY(equal(c, prior, e, &kind));
        return cedar_typed_as(ret, kind);
    case CEDAR_OP_NE:
        TRY(not_equal(c, prior, e, &kind));
        return cedar_typed_as(ret, kind);
    case CEDAR_OP_IN:
        return member(c, prior, e, ret);
    case CEDAR_OP_IS:
        return is(c, prior, e, ret);
    case CEDAR_OP_NEG:
    case CEDAR_OP_ADD:
    case CEDAR_OP_SUB:
    case CEDAR_OP_MUL:
        return arithmetic(c, prior, e, ret);
    case CEDAR_OP_CONTAINS:
        return contains(c, prior, e, ret);
    case CEDAR_OP_CONTAINS_ALL:
    case CEDAR_OP_CONTAINS_ANY:
        return contains_many(c, prior, e, ret);
    case CEDAR_OP_IS_EMPTY:
        TRY(cedar_typecheck_as(c, prior, e->a, &SET, ret));
        return cedar_typed_as(ret, kind);
    case CEDAR_OP_LIKE:
        TRY(cedar_typecheck_as(c, prior, e->of, &STRING, ret));
        return cedar_typed_as(ret, kind);
    case CEDAR_OP_LT:
    case CEDAR_OP_LE:
    case CEDAR_OP_GT:
    case CEDAR_OP_GE:
        return order(c, prior, e, ret);
    default:
        return ERR_INTERNAL;
    }
}
