/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/evaluate.h"

#include "gate/cedar/compare.h"

#include <string.h>

static bool fail(struct cedar_run *run, enum cedar_fault fault, const struct cedar_expr *at)
{
    run->fault = fault;
    run->at = at;
    return false;
}

static bool fail_type(struct cedar_run *run, const struct cedar_expr *at, const char *wanted,
                      const struct cedar_value *found)
{
    run->wanted = wanted;
    run->found = *found;
    return fail(run, CEDAR_FAULT_TYPE, at);
}

static bool fail_kind(struct cedar_run *run, const struct cedar_expr *at, enum cedar_kind wanted,
                      const struct cedar_value *found)
{
    return fail_type(run, at, cedar_kind_text(wanted), found);
}

static bool fail_missing(struct cedar_run *run, enum cedar_fault fault, const struct cedar_expr *at,
                         const struct cedar_value *of, struct slice name)
{
    run->found = *of;
    run->missing = name;
    return fail(run, fault, at);
}

/* The steps or the memory are used up. */
static bool stop(struct cedar_run *run)
{
    run->steps = 0;
    return false;
}

/* ---- entities ---- */

static const struct cedar_entity *entity(const struct cedar_run *run, const struct cedar_uid *uid)
{
    if (uid == &run->request->principal)
        return run->known[CEDAR_PRINCIPAL];
    if (uid == &run->request->resource)
        return run->known[CEDAR_RESOURCE];
    if (uid == &run->request->action)
        return run->known[CEDAR_ACTION];
    return cedar_entities_find(run->entities, uid);
}

/* `uid in set`, whose elements are entities: looks for each of the fewer in the other. */
static bool in_any(struct cedar_run *run, const struct cedar_uid *uid,
                   const struct cedar_entity *known, const struct cedar_value *set)
{
    struct cedar_value item = cedar_entity(uid);
    bool found = cedar_set_has_within(set, &item, &run->steps);

    if (known == NULL || known->n_ancestors == 0)
        return found;
    if (set->n <= known->n_ancestors)
        for (uint32_t i = 0; i < set->n && !found && cedar_run_spend(run, 1); i++)
            found = cedar_entity_below(known, set->items[i].uid);
    else
        for (uint32_t i = 0; i < known->n_ancestors && !found && run->steps > 0; i++) {
            item = cedar_entity(known->ancestors[i]);
            found = cedar_set_has_within(set, &item, &run->steps);
        }
    return found;
}

/* a in b. A set is ordered by kind first: its ends tell whether it holds entities only. */
static bool is_in(struct cedar_run *run, const struct cedar_expr *a, const struct cedar_value *x,
                  const struct cedar_expr *b, const struct cedar_value *y, bool *ret)
{
    const struct cedar_entity *known;

    if (x->kind != CEDAR_ENTITY)
        return fail_kind(run, a, CEDAR_ENTITY, x);
    if (y->kind == CEDAR_SET && y->n > 0) {
        if (y->items[0].kind != CEDAR_ENTITY)
            return fail_type(run, b, "a set of entities", &y->items[0]);
        if (y->items[y->n - 1].kind != CEDAR_ENTITY)
            return fail_type(run, b, "a set of entities", &y->items[y->n - 1]);
    } else if (y->kind != CEDAR_ENTITY && y->kind != CEDAR_SET) {
        return fail_type(run, b, "an entity or a set of entities", y);
    }
    known = entity(run, x->uid);
    if (y->kind == CEDAR_SET)
        *ret = in_any(run, x->uid, known, y);
    else
        *ret = cedar_uid_eq(x->uid, y->uid) || cedar_entity_below(known, y->uid);
    return run->steps > 0;
}

/* ---- attributes ---- */

/* The record in which a value has its attributes; NULL if it is an entity that is not there. */
static bool attributes(struct cedar_run *run, const struct cedar_expr *of,
                       const struct cedar_value *value, const struct cedar_value **ret)
{
    const struct cedar_entity *known;

    if (value->kind == CEDAR_RECORD) {
        *ret = value;
        return true;
    }
    if (value->kind != CEDAR_ENTITY)
        return fail_type(run, of, "an entity or a record", value);
    known = entity(run, value->uid);
    *ret = known == NULL ? NULL : &known->attrs;
    return true;
}

static bool get(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret)
{
    const struct cedar_value *record = NULL, *found;
    struct cedar_value of;

    if (!cedar_evaluate(run, e->of, &of) || !attributes(run, e->of, &of, &record))
        return false;
    if (record == NULL)
        return fail_missing(run, CEDAR_FAULT_ENTITY, e, &of, e->name);
    found = cedar_record_get(record, e->name);
    if (found == NULL)
        return fail_missing(run, CEDAR_FAULT_ATTRIBUTE, e, &of, e->name);
    *ret = *found;
    return true;
}

static bool has(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret)
{
    const struct cedar_value *record = NULL;
    struct cedar_value of;

    if (!cedar_evaluate(run, e->of, &of) || !attributes(run, e->of, &of, &record))
        return false;
    *ret = cedar_bool(record != NULL && cedar_record_get(record, e->name) != NULL);
    return true;
}

/* The first word that is missing ends it, before what follows is looked at. */
static bool has_path(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret)
{
    const struct cedar_value *at, *record = NULL;
    struct cedar_value of;

    if (!cedar_evaluate(run, e->items[0], &of))
        return false;
    at = &of;
    for (uint32_t i = 0; i < e->n && at != NULL; i++) {
        if (!cedar_run_spend(run, 1) || !attributes(run, e, at, &record))
            return false;
        at = record == NULL ? NULL : cedar_record_get(record, e->names[i]);
    }
    *ret = cedar_bool(at != NULL);
    return true;
}

static bool tag(struct cedar_run *run, const struct cedar_expr *e, const struct cedar_value *of,
                const struct cedar_value *name, struct cedar_value *ret)
{
    const struct cedar_value *found = NULL;
    const struct cedar_entity *known;

    if (of->kind != CEDAR_ENTITY)
        return fail_kind(run, e->a, CEDAR_ENTITY, of);
    if (name->kind != CEDAR_STRING)
        return fail_kind(run, e->b, CEDAR_STRING, name);
    known = entity(run, of->uid);
    if (known != NULL)
        found = cedar_record_get(&known->tags, cedar_text(name));
    if (e->op == CEDAR_OP_HAS_TAG)
        *ret = cedar_bool(found != NULL);
    else if (known == NULL)
        return fail_missing(run, CEDAR_FAULT_ENTITY, e, of, cedar_text(name));
    else if (found == NULL)
        return fail_missing(run, CEDAR_FAULT_TAG, e, of, cedar_text(name));
    else
        *ret = *found;
    return true;
}

/* ---- operators ---- */

bool cedar_evaluate_bool(struct cedar_run *run, const struct cedar_expr *e, bool *ret)
{
    size_t mark = run->arena->used;
    struct cedar_value value;

    if (!cedar_evaluate(run, e, &value))
        return false;
    if (value.kind != CEDAR_BOOL)
        return fail_kind(run, e, CEDAR_BOOL, &value);
    run->arena->used = mark; /* whatever was made on the way */
    *ret = value.truth;
    return true;
}

static bool is_ordered(enum cedar_kind kind)
{
    return kind == CEDAR_LONG || kind == CEDAR_DATETIME || kind == CEDAR_DURATION;
}

static bool compare(struct cedar_run *run, const struct cedar_expr *e, const struct cedar_value *x,
                    const struct cedar_value *y, struct cedar_value *ret)
{
    if (!is_ordered(x->kind))
        return fail_type(run, e->a, "a long, datetime or duration", x);
    if (y->kind != x->kind)
        return fail_kind(run, e->b, x->kind, y);
    switch ((int)e->op) {
    case CEDAR_OP_LT:
        *ret = cedar_bool(x->number < y->number);
        break;
    case CEDAR_OP_LE:
        *ret = cedar_bool(x->number <= y->number);
        break;
    case CEDAR_OP_GT:
        *ret = cedar_bool(x->number > y->number);
        break;
    default:
        *ret = cedar_bool(x->number >= y->number);
        break;
    }
    return true;
}

static bool compute(struct cedar_run *run, const struct cedar_expr *e, const struct cedar_value *x,
                    const struct cedar_value *y, struct cedar_value *ret)
{
    int64_t number = 0;
    bool beyond;

    if (x->kind != CEDAR_LONG)
        return fail_kind(run, e->a, CEDAR_LONG, x);
    if (y->kind != CEDAR_LONG)
        return fail_kind(run, e->b, CEDAR_LONG, y);
    if (e->op == CEDAR_OP_ADD)
        beyond = __builtin_add_overflow(x->number, y->number, &number);
    else if (e->op == CEDAR_OP_SUB)
        beyond = __builtin_sub_overflow(x->number, y->number, &number);
    else
        beyond = __builtin_mul_overflow(x->number, y->number, &number);
    if (beyond)
        return fail(run, CEDAR_FAULT_OVERFLOW, e);
    *ret = cedar_long(number);
    return true;
}

static bool contains(struct cedar_run *run, const struct cedar_expr *e, const struct cedar_value *x,
                     const struct cedar_value *y, struct cedar_value *ret)
{
    bool found;

    if (x->kind != CEDAR_SET)
        return fail_kind(run, e->a, CEDAR_SET, x);
    if (e->op != CEDAR_OP_CONTAINS && y->kind != CEDAR_SET)
        return fail_kind(run, e->b, CEDAR_SET, y);
    if (e->op == CEDAR_OP_CONTAINS)
        found = cedar_set_has_within(x, y, &run->steps);
    else if (e->op == CEDAR_OP_CONTAINS_ALL)
        found = cedar_set_holds_within(x, y, &run->steps);
    else
        found = cedar_set_meets_within(x, y, &run->steps);
    *ret = cedar_bool(found);
    return run->steps > 0;
}

/* The operators of two values. */
static bool binary(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret)
{
    size_t mark = run->arena->used;
    struct cedar_value x, y;
    bool fine;

    if (!cedar_evaluate(run, e->a, &x) || !cedar_evaluate(run, e->b, &y))
        return false;
    switch ((int)e->op) {
    case CEDAR_OP_EQ:
    case CEDAR_OP_NE:
        *ret = cedar_bool((cedar_value_cmp_within(&x, &y, &run->steps) == 0) ==
                          (e->op == CEDAR_OP_EQ));
        fine = run->steps > 0;
        break;
    case CEDAR_OP_IN:
        *ret = cedar_bool(false);
        fine = is_in(run, e->a, &x, e->b, &y, &ret->truth);
        break;
    case CEDAR_OP_ADD:
    case CEDAR_OP_SUB:
    case CEDAR_OP_MUL:
        fine = compute(run, e, &x, &y, ret);
        break;
    case CEDAR_OP_CONTAINS:
    case CEDAR_OP_CONTAINS_ALL:
    case CEDAR_OP_CONTAINS_ANY:
        fine = contains(run, e, &x, &y, ret);
        break;
    case CEDAR_OP_HAS_TAG:
    case CEDAR_OP_GET_TAG:
        return tag(run, e, &x, &y, ret);
    case CEDAR_OP_LT:
    case CEDAR_OP_LE:
    case CEDAR_OP_GT:
    case CEDAR_OP_GE:
        fine = compare(run, e, &x, &y, ret);
        break;
    default:
        return stop(run);
    }
    run->arena->used = mark; /* none of these gives a set or record that was made here */
    return fine;
}

static bool is(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret)
{
    struct cedar_value x, y;

    if (!cedar_evaluate(run, e->of, &x))
        return false;
    if (x.kind != CEDAR_ENTITY)
        return fail_kind(run, e->of, CEDAR_ENTITY, &x);
    *ret = cedar_bool(slice_eq(x.uid->type, e->name));
    if (!ret->truth || e->in == NULL)
        return true;
    return cedar_evaluate(run, e->in, &y) && is_in(run, e->of, &x, e->in, &y, &ret->truth);
}

static bool like(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret)
{
    struct cedar_value x;

    if (!cedar_evaluate(run, e->of, &x))
        return false;
    if (x.kind != CEDAR_STRING)
        return fail_kind(run, e->of, CEDAR_STRING, &x);
    if (!cedar_run_spend(run, (size_t)x.n / 64 + e->pattern->n))
        return false;
    *ret = cedar_bool(cedar_pattern_matches(e->pattern, cedar_text(&x)));
    return true;
}

static bool unary(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret)
{
    struct cedar_value x;

    if (!cedar_evaluate(run, e->a, &x))
        return false;
    if (e->op == CEDAR_OP_NOT) {
        if (x.kind != CEDAR_BOOL)
            return fail_kind(run, e->a, CEDAR_BOOL, &x);
        *ret = cedar_bool(!x.truth);
        return true;
    }
    if (e->op == CEDAR_OP_IS_EMPTY) {
        if (x.kind != CEDAR_SET)
            return fail_kind(run, e->a, CEDAR_SET, &x);
        *ret = cedar_bool(x.n == 0);
        return true;
    }
    if (x.kind != CEDAR_LONG)
        return fail_kind(run, e->a, CEDAR_LONG, &x);
    *ret = cedar_long(0);
    if (__builtin_sub_overflow(0, x.number, &ret->number))
        return fail(run, CEDAR_FAULT_OVERFLOW, e);
    return true;
}

/* ---- what is made of several values ---- */

static bool make_set(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret)
{
    struct cedar_value *items = cedar_arena_take(run->arena, e->n * sizeof *items);

    if (items == NULL)
        return stop(run);
    for (uint32_t i = 0; i < e->n; i++)
        if (!cedar_evaluate(run, e->items[i], &items[i]))
            return false;
    *ret = cedar_set_of_within(items, e->n, &run->steps);
    return run->steps > 0;
}

static bool make_record(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret)
{
    struct cedar_field *fields = cedar_arena_take(run->arena, e->n * sizeof *fields);
    const struct slice *twice = NULL; /* the readers have seen to it that no name is */

    if (fields == NULL)
        return stop(run);
    for (uint32_t i = 0; i < e->n; i++) {
        fields[i].name = e->names[i];
        if (!cedar_evaluate(run, e->items[i], &fields[i].value))
            return false;
    }
    *ret = cedar_record_of_within(fields, e->n, &twice, &run->steps);
    return run->steps > 0;
}

static bool call(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret)
{
    const struct cedar_fn_info *info = cedar_fn_info(e->fn);
    enum cedar_fault fault = CEDAR_FAULT_NONE;
    struct cedar_value args[2] = {0}, beyond;

    for (uint32_t i = 0; i < e->n; i++)
        if (!cedar_evaluate(run, e->items[i], i < 2 ? &args[i] : &beyond))
            return false;
    if (info == NULL || info->n_args != e->n) {
        run->wanted = NULL; /* no kind is wrong, but the number of arguments */
        return fail(run, CEDAR_FAULT_TYPE, e);
    }
    for (uint32_t i = 0; i < e->n; i++)
        if (args[i].kind != info->args[i])
            return fail_kind(run, e->items[i], info->args[i], &args[i]);
    if (args[0].kind == CEDAR_STRING && !cedar_run_spend(run, args[0].n / 64))
        return false;
    if (cedar_fn_call(e->fn, args, run->arena, &fault, ret) != ERR_OK)
        return stop(run);
    if (fault != CEDAR_FAULT_NONE) {
        run->found = args[0];
        return fail(run, fault, e);
    }
    return true;
}

static bool slot(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret)
{
    const struct cedar_scope *scope =
        e->slot == CEDAR_SLOT_PRINCIPAL ? &run->policy->principal : &run->policy->resource;

    if (run->policy->is_template || scope->slot != e->slot)
        return fail(run, CEDAR_FAULT_SLOT, e);
    *ret = cedar_entity(&scope->uid);
    return true;
}

static void variable(const struct cedar_run *run, enum cedar_var var, struct cedar_value *ret)
{
    switch (var) {
    case CEDAR_PRINCIPAL:
        *ret = cedar_entity(&run->request->principal);
        break;
    case CEDAR_ACTION:
        *ret = cedar_entity(&run->request->action);
        break;
    case CEDAR_RESOURCE:
        *ret = cedar_entity(&run->request->resource);
        break;
    case CEDAR_CONTEXT:
        *ret = run->request->context;
        break;
    }
}

/* if, && and ||: operands that are not needed are not evaluated. */
static bool choose(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret)
{
    bool holds = false;

    if (!cedar_evaluate_bool(run, e->a, &holds))
        return false;
    if (e->op == CEDAR_OP_IF)
        return cedar_evaluate(run, holds ? e->b : e->c, ret);
    if (holds == (e->op == CEDAR_OP_AND) && !cedar_evaluate_bool(run, e->b, &holds))
        return false;
    *ret = cedar_bool(holds);
    return true;
}

static bool make(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret)
{
    if (e->folded != NULL) {
        *ret = *e->folded;
        return true;
    }
    if (e->op == CEDAR_OP_SET)
        return make_set(run, e, ret);
    return e->op == CEDAR_OP_RECORD ? make_record(run, e, ret) : call(run, e, ret);
}

bool cedar_evaluate(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret)
{
    if (!cedar_run_spend(run, 1))
        return false;
    switch (e->op) {
    case CEDAR_OP_LITERAL:
        *ret = e->literal;
        return true;
    case CEDAR_OP_VAR:
        variable(run, e->var, ret);
        return true;
    case CEDAR_OP_SLOT:
        return slot(run, e, ret);
    case CEDAR_OP_IF:
    case CEDAR_OP_AND:
    case CEDAR_OP_OR:
        return choose(run, e, ret);
    case CEDAR_OP_NOT:
    case CEDAR_OP_NEG:
    case CEDAR_OP_IS_EMPTY:
        return unary(run, e, ret);
    case CEDAR_OP_GET:
        return get(run, e, ret);
    case CEDAR_OP_HAS:
        return has(run, e, ret);
    case CEDAR_OP_HAS_PATH:
        return has_path(run, e, ret);
    case CEDAR_OP_LIKE:
        return like(run, e, ret);
    case CEDAR_OP_IS:
        return is(run, e, ret);
    case CEDAR_OP_SET:
    case CEDAR_OP_RECORD:
    case CEDAR_OP_CALL:
        return make(run, e, ret);
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
        return binary(run, e, ret);
    }
    return stop(run);
}
