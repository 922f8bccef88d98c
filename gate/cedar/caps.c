/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caps.c: sets of capabilities, and when two expressions are the same: a capability that was
 * granted for one expression holds for every other that reads the same, wherever it stands.
 */
#include "gate/cedar/same.h"
#include "gate/cedar/typecheck.h"

/* ---- the same expression --------------------------------------------------------------------- */

static bool same(struct cedar_work *work, const struct cedar_expr *a, const struct cedar_expr *b);

/* a != b is !(a == b), a > b is !(a <= b), and a >= b is !(a < b). */
struct shape {
    enum cedar_op op;
    bool negated;
    const struct cedar_expr *e; /* whose operands they are */
};

static struct shape shape_of(const struct cedar_expr *e)
{
    switch ((int)e->op) {
    case CEDAR_OP_NE:
        return (struct shape){CEDAR_OP_EQ, true, e};
    case CEDAR_OP_GT:
        return (struct shape){CEDAR_OP_LE, true, e};
    case CEDAR_OP_GE:
        return (struct shape){CEDAR_OP_LT, true, e};
    case CEDAR_OP_NOT:
        if (e->a->op == CEDAR_OP_EQ || e->a->op == CEDAR_OP_LE || e->a->op == CEDAR_OP_LT)
            return (struct shape){e->a->op, true, e->a};
        return (struct shape){CEDAR_OP_NOT, false, e};
    default:
        return (struct shape){e->op, false, e};
    }
}

/* The order of a record's fields does not matter. */
static bool same_record(struct cedar_work *work, const struct cedar_expr *a,
                        const struct cedar_expr *b)
{
    if (a->n != b->n || cedar_work_step(work, (size_t)a->n * b->n) != ERR_OK)
        return false;
    for (uint32_t i = 0; i < a->n; i++) {
        uint32_t k = 0;

        while (k < b->n && !slice_eq(a->names[i], b->names[k]))
            k++;
        if (k == b->n || !same(work, a->items[i], b->items[k]))
            return false;
    }
    return true;
}

/* `x is T in y` is `x is T && x in y`. */
static bool same_is_in(struct cedar_work *work, const struct cedar_expr *is,
                       const struct cedar_expr *and)
{
    const struct cedar_expr *l = and->a, *r = and->b;

    return l->op == CEDAR_OP_IS && l->in == NULL && r->op == CEDAR_OP_IN &&
           slice_eq(is->name, l->name) && same(work, is->of, l->of) && same(work, is->of, r->a) &&
           same(work, is->in, r->b);
}

static bool same_node(struct cedar_work *work, const struct cedar_expr *a,
                      const struct cedar_expr *b)
{
    const struct cedar_expr *x, *y;

    if (a->op == CEDAR_OP_RECORD)
        return same_record(work, a, b);
    if (!cedar_expr_alike(a, b))
        return false;
    for (uint32_t i = 0;; i++) {
        x = cedar_expr_part(a, i);
        y = cedar_expr_part(b, i);
        if (x == NULL || y == NULL)
            return x == y;
        if (!same(work, x, y))
            return false;
    }
}

static bool same(struct cedar_work *work, const struct cedar_expr *a, const struct cedar_expr *b)
{
    struct shape x, y;
    struct cedar_value spare[2];
    const struct cedar_value *u, *v;

    if (cedar_work_step(work, 1) != ERR_OK)
        return false;
    if (a == b)
        return true;
    u = cedar_constant(a, &spare[0]);
    v = cedar_constant(b, &spare[1]);
    if (u != NULL || v != NULL)
        return u != NULL && v != NULL && cedar_value_eq(u, v);
    if (a->op == CEDAR_OP_IS && a->in != NULL && b->op == CEDAR_OP_AND)
        return same_is_in(work, a, b);
    if (b->op == CEDAR_OP_IS && b->in != NULL && a->op == CEDAR_OP_AND)
        return same_is_in(work, b, a);
    x = shape_of(a);
    y = shape_of(b);
    return x.op == y.op && x.negated == y.negated && same_node(work, x.e, y.e);
}

/* ---- capabilities ---------------------------------------------------------------------------- */

err_code cedar_caps_one(struct cedar_checker *c, const struct cedar_caps *cap,
                        const struct cedar_caps **ret)
{
    void *memory;
    struct cedar_caps *copy;

    TRY(cedar_work_take(c->work, sizeof *copy, &memory));
    copy = memory;
    *copy = *cap;
    *ret = copy;
    return ERR_OK;
}

err_code cedar_caps_both(struct cedar_checker *c, const struct cedar_caps *a,
                         const struct cedar_caps *b, const struct cedar_caps **ret)
{
    if (a == NULL || b == NULL || a == b) {
        *ret = a == NULL ? b : a;
        return ERR_OK;
    }
    return cedar_caps_one(c, &(struct cedar_caps){.a = a, .b = b}, ret);
}

bool cedar_caps_have(struct cedar_checker *c, const struct cedar_caps *caps,
                     const struct cedar_caps *cap)
{
    for (; caps != NULL; caps = caps->a) {
        if (cedar_work_step(c->work, 1) != ERR_OK)
            return false;
        if (caps->on == NULL) {
            if (cedar_caps_have(c, caps->b, cap))
                return true;
            continue;
        }
        return (caps->tag == NULL) == (cap->tag == NULL) && slice_eq(caps->name, cap->name) &&
               (cap->tag == NULL || same(c->work, caps->tag, cap->tag)) &&
               same(c->work, caps->on, cap->on);
    }
    return false;
}

err_code cedar_caps_common(struct cedar_checker *c, const struct cedar_caps *a,
                           const struct cedar_caps *b, const struct cedar_caps **ret)
{
    *ret = NULL;
    for (; a != NULL && b != NULL; a = a->a) {
        const struct cedar_caps *more = NULL;

        TRY(cedar_work_step(c->work, 1));
        if (a->on == NULL)
            TRY(cedar_caps_common(c, a->b, b, &more));
        else if (cedar_caps_have(c, b, a))
            more = a;
        TRY(cedar_caps_both(c, *ret, more, ret));
    }
    return ERR_OK;
}
