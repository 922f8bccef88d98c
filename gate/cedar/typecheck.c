/* SPDX-License-Identifier: Apache-2.0 */
/* typecheck.c: literals, variables and logic; and how findings are told. */
#include "gate/cedar/typecheck.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- findings -------------------------------------------------------------------------------- */

static bool told(struct cedar_checker *c, const struct cedar_violation *spot)
{
    for (size_t i = 0; i < c->n_told; i++)
        if (c->told[i].what == spot->what && strcmp(c->told[i].code, spot->code) == 0)
            return true;
    return false;
}

/* " (principal User, action Action::"view", resource Photo)" */
static void print_environment(const struct cedar_checker *c, char *ret, size_t size)
{
    char principal[40], type[40], id[40], resource[40];

    ret[0] = '\0';
    if (!c->many || c->action == NULL)
        return;
    cedar_quote(c->principal_type.name, principal, sizeof principal);
    cedar_quote(c->action->uid.type, type, sizeof type);
    cedar_quote(c->action->uid.id, id, sizeof id);
    cedar_quote(c->resource_type.name, resource, sizeof resource);
    snprintf(ret, size, " (principal %s, action %s::\"%s\", resource %s)", principal, type, id,
             resource);
}

/* A policy without a place is named. */
static void print_policy(const struct cedar_checker *c, const struct cedar_place *place, char *ret,
                         size_t size)
{
    char id[48];

    ret[0] = '\0';
    if (place->line != 0)
        return;
    cedar_quote(c->policy->id, id, sizeof id);
    snprintf(ret, size, "policy \"%s\": ", id);
}

err_code cedar_tell(struct cedar_checker *c, const struct cedar_violation *spot, const char *format,
                    ...)
{
    struct cedar_place place = {0};
    char text[256], before[64], behind[224];
    va_list args;

    if (told(c, spot) || c->n_told == CEDAR_TOLD_MAX)
        return ERR_OK;
    c->told[c->n_told].code = spot->code;
    c->told[c->n_told++].what = spot->what;
    if (spot->offset != CEDAR_NOWHERE)
        place = cedar_place_at(c->policies, spot->offset);
    print_policy(c, &place, before, sizeof before);
    print_environment(c, behind, sizeof behind);
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return cedar_findings_add(c->findings, CEDAR_ERROR, spot->code, &place, "%s%s%s", before, text,
                              behind);
}

static const char *kinds_text(unsigned kinds)
{
    if ((kinds & ~CEDAR_KINDS_BOOL) == 0)
        return "Bool";
    if (kinds == CEDAR_KINDS_OBJECT)
        return "an entity or a record";
    if (kinds == CEDAR_KINDS_ORDER)
        return "Long, datetime or duration";
    if (kinds == CEDAR_KIND(CEDAR_TYPE_ENTITY))
        return "an entity";
    if (kinds == CEDAR_KIND(CEDAR_TYPE_SET))
        return "a set";
    if (kinds == (CEDAR_KIND(CEDAR_TYPE_ENTITY) | CEDAR_KIND(CEDAR_TYPE_SET)))
        return "an entity or a set of entities";
    for (int kind = CEDAR_TYPE_LONG; kind <= CEDAR_TYPE_DURATION; kind++) {
        static const char *const NAMES[] = {
            [CEDAR_TYPE_LONG] = "Long",         [CEDAR_TYPE_STRING] = "String",
            [CEDAR_TYPE_ENTITY] = "an entity",  [CEDAR_TYPE_SET] = "a set",
            [CEDAR_TYPE_RECORD] = "a record",   [CEDAR_TYPE_IP] = "ipaddr",
            [CEDAR_TYPE_DECIMAL] = "decimal",   [CEDAR_TYPE_DATETIME] = "datetime",
            [CEDAR_TYPE_DURATION] = "duration",
        };
        if (kinds == 1u << kind)
            return NAMES[kind];
    }
    return "another type";
}

err_code cedar_tell_type(struct cedar_checker *c, const struct cedar_expr *e,
                         const struct cedar_wanted *wanted, const struct cedar_type *found)
{
    struct cedar_violation spot = {"UNEXPECTED_TYPE", e, e->offset};
    char type[96];

    cedar_type_print(found, type, sizeof type);
    return cedar_tell(c, &spot, "%s needs %s, not %s", wanted->by, kinds_text(wanted->kinds), type);
}

err_code cedar_tell_two(struct cedar_checker *c, const struct cedar_expr *e, const char *what,
                        const struct cedar_type *a, const struct cedar_type *b)
{
    struct cedar_violation spot = {"INCOMPATIBLE_TYPES", e, e->offset};
    char first[72], second[72];

    cedar_type_print(a, first, sizeof first);
    cedar_type_print(b, second, sizeof second);
    return cedar_tell(c, &spot, "%s must be of one type, but are of types %s and %s", what, first,
                      second);
}

err_code cedar_typecheck_as(struct cedar_checker *c, const struct cedar_caps *prior,
                            const struct cedar_expr *e, const struct cedar_wanted *wanted,
                            struct cedar_typed *ret)
{
    struct cedar_typed typed;

    TRY(cedar_typecheck(c, prior, e, &typed));
    if (typed.type != NULL && (wanted->kinds & 1u << typed.type->kind) == 0 &&
        typed.type->kind != CEDAR_TYPE_NEVER) {
        TRY(cedar_tell_type(c, e, wanted, typed.type));
        typed = (struct cedar_typed){0};
    }
    *ret = typed;
    return ERR_OK;
}

err_code cedar_typed_as(struct cedar_typed *ret, enum cedar_type_kind kind)
{
    *ret = (struct cedar_typed){cedar_type_plain(kind), NULL};
    return ERR_OK;
}

/* ---- literals and variables ------------------------------------------------------------------ */

const struct cedar_value *cedar_constant(const struct cedar_expr *e, struct cedar_value *spare)
{
    struct cedar_value inner;
    const struct cedar_value *a, *b;
    bool truth;

    if (e->op == CEDAR_OP_LITERAL)
        return &e->literal;
    if (e->op != CEDAR_OP_AND && e->op != CEDAR_OP_OR)
        return NULL;
    b = cedar_constant(e->b, &inner);
    if (b == NULL || b->kind != CEDAR_BOOL)
        return NULL;
    truth = b->truth;
    a = cedar_constant(e->a, &inner);
    if (a == NULL || a->kind != CEDAR_BOOL)
        return NULL;
    *spare = cedar_bool(e->op == CEDAR_OP_AND ? a->truth && truth : a->truth || truth);
    return spare;
}

/* An entity that the schema does not know has no type; its finding is made elsewhere. */
static err_code literal_entity(struct cedar_checker *c, const struct cedar_uid *uid,
                               const struct cedar_type **ret)
{
    struct cedar_type *type;
    void *memory;

    *ret = NULL;
    if (cedar_type_is_action(uid->type) ? cedar_schema_action(c->schema, uid) == NULL
                                        : cedar_schema_entity(c->schema, uid->type) == NULL)
        return ERR_OK;
    TRY(cedar_work_take(c->work, sizeof *type, &memory));
    type = memory;
    *type = (struct cedar_type){.kind = CEDAR_TYPE_ENTITY, .name = uid->type};
    *ret = type;
    return ERR_OK;
}

static err_code literal(struct cedar_checker *c, const struct cedar_value *value,
                        const struct cedar_type **ret)
{
    if (value->kind == CEDAR_ENTITY)
        return literal_entity(c, value->uid, ret);
    if (value->kind == CEDAR_BOOL)
        *ret = cedar_type_plain(value->truth ? CEDAR_TYPE_TRUE : CEDAR_TYPE_FALSE);
    else
        *ret = cedar_type_plain(cedar_type_kind_of(value->kind));
    return ERR_OK;
}

static const struct cedar_type *variable(const struct cedar_checker *c, enum cedar_var var)
{
    switch (var) {
    case CEDAR_PRINCIPAL:
        return &c->principal_type;
    case CEDAR_ACTION:
        return &c->action_type;
    case CEDAR_RESOURCE:
        return &c->resource_type;
    case CEDAR_CONTEXT:
        return c->action->context;
    }
    return NULL;
}

/* ---- logic ----------------------------------------------------------------------------------- */

static bool is(const struct cedar_typed *typed, enum cedar_type_kind kind)
{
    return typed->type != NULL && typed->type->kind == kind;
}

static err_code logic_and(struct cedar_checker *c, const struct cedar_caps *prior,
                          const struct cedar_expr *e, struct cedar_typed *ret)
{
    static const struct cedar_wanted WANTED = {CEDAR_KINDS_BOOL, "&&"};
    struct cedar_typed l, r;

    TRY(cedar_typecheck_as(c, prior, e->a, &WANTED, &l));
    if (is(&l, CEDAR_TYPE_FALSE)) { /* the right side is never looked at */
        *ret = (struct cedar_typed){l.type, NULL};
        return ERR_OK;
    }
    TRY(cedar_caps_both(c, prior, l.caps, &prior));
    TRY(cedar_typecheck_as(c, prior, e->b, &WANTED, &r));
    if (is(&r, CEDAR_TYPE_FALSE)) {
        *ret = (struct cedar_typed){r.type, NULL};
        return ERR_OK;
    }
    ret->type = is(&r, CEDAR_TYPE_TRUE) ? l.type : cedar_type_plain(CEDAR_TYPE_BOOL);
    return cedar_caps_both(c, l.caps, r.caps, &ret->caps);
}

static err_code logic_or(struct cedar_checker *c, const struct cedar_caps *prior,
                         const struct cedar_expr *e, struct cedar_typed *ret)
{
    static const struct cedar_wanted WANTED = {CEDAR_KINDS_BOOL, "||"};
    struct cedar_typed l, r;

    TRY(cedar_typecheck_as(c, prior, e->a, &WANTED, &l));
    if (is(&l, CEDAR_TYPE_TRUE)) {
        *ret = l;
        return ERR_OK;
    }
    TRY(cedar_typecheck_as(c, prior, e->b, &WANTED, &r));
    if (is(&r, CEDAR_TYPE_TRUE) || is(&l, CEDAR_TYPE_FALSE)) {
        *ret = r;
        return ERR_OK;
    }
    if (is(&r, CEDAR_TYPE_FALSE)) {
        *ret = l;
        return ERR_OK;
    }
    ret->type = cedar_type_plain(CEDAR_TYPE_BOOL);
    return cedar_caps_common(c, l.caps, r.caps, &ret->caps);
}

static err_code logic_not(struct cedar_checker *c, const struct cedar_caps *prior,
                          const struct cedar_expr *e, struct cedar_typed *ret)
{
    static const struct cedar_wanted WANTED = {CEDAR_KINDS_BOOL, "!"};
    enum cedar_type_kind kind = CEDAR_TYPE_BOOL;
    struct cedar_typed a;

    TRY(cedar_typecheck_as(c, prior, e->a, &WANTED, &a));
    if (is(&a, CEDAR_TYPE_TRUE))
        kind = CEDAR_TYPE_FALSE;
    else if (is(&a, CEDAR_TYPE_FALSE))
        kind = CEDAR_TYPE_TRUE;
    return cedar_typed_as(ret, kind);
}

/* Neither branch is switched off. */
static err_code both_branches(struct cedar_checker *c, const struct cedar_expr *e,
                              const struct cedar_typed *then, const struct cedar_typed *otherwise,
                              struct cedar_typed *ret)
{
    *ret = (struct cedar_typed){0};
    if (then->type == NULL || otherwise->type == NULL)
        return ERR_OK;
    TRY(cedar_type_join(c->work, then->type, otherwise->type, &ret->type));
    if (ret->type == NULL)
        return cedar_tell_two(c, e, "the branches of if", then->type, otherwise->type);
    return cedar_caps_common(c, otherwise->caps, then->caps, &ret->caps);
}

static err_code branch(struct cedar_checker *c, const struct cedar_caps *prior,
                       const struct cedar_expr *e, struct cedar_typed *ret)
{
    static const struct cedar_wanted WANTED = {CEDAR_KINDS_BOOL, "if"};
    struct cedar_typed test, then = {0}, otherwise = {0};

    TRY(cedar_typecheck_as(c, prior, e->a, &WANTED, &test));
    if (!is(&test, CEDAR_TYPE_FALSE)) {
        const struct cedar_caps *more;

        TRY(cedar_caps_both(c, prior, test.caps, &more));
        TRY(cedar_typecheck(c, more, e->b, &then));
        TRY(cedar_caps_both(c, then.caps, test.caps, &then.caps));
    }
    if (!is(&test, CEDAR_TYPE_TRUE))
        TRY(cedar_typecheck(c, prior, e->c, &otherwise));
    if (is(&test, CEDAR_TYPE_TRUE))
        *ret = then;
    else if (is(&test, CEDAR_TYPE_FALSE))
        *ret = otherwise;
    else
        return both_branches(c, e, &then, &otherwise, ret);
    return ERR_OK;
}

static err_code slot(struct cedar_checker *c, const struct cedar_expr *e, struct cedar_typed *ret)
{
    struct cedar_violation spot = {"UNEXPECTED_TYPE", e, e->offset};

    *ret = (struct cedar_typed){0};
    return cedar_tell(c, &spot, "a slot stands in the scope only");
}

err_code cedar_typecheck(struct cedar_checker *c, const struct cedar_caps *prior,
                         const struct cedar_expr *e, struct cedar_typed *ret)
{
    TRY(cedar_work_step(c->work, 1));
    *ret = (struct cedar_typed){0};
    switch ((int)e->op) {
    case CEDAR_OP_LITERAL:
        return literal(c, &e->literal, &ret->type);
    case CEDAR_OP_VAR:
        ret->type = variable(c, e->var);
        return ERR_OK;
    case CEDAR_OP_SLOT:
        return slot(c, e, ret);
    case CEDAR_OP_IF:
        return branch(c, prior, e, ret);
    case CEDAR_OP_AND:
        return logic_and(c, prior, e, ret);
    case CEDAR_OP_OR:
        return logic_or(c, prior, e, ret);
    case CEDAR_OP_NOT:
        return logic_not(c, prior, e, ret);
    case CEDAR_OP_GET:
    case CEDAR_OP_HAS:
    case CEDAR_OP_HAS_PATH:
    case CEDAR_OP_GET_TAG:
    case CEDAR_OP_HAS_TAG:
        return cedar_typecheck_attr(c, prior, e, ret);
    case CEDAR_OP_SET:
    case CEDAR_OP_RECORD:
    case CEDAR_OP_CALL:
        return cedar_typecheck_make(c, prior, e, ret);
    default:
        return cedar_typecheck_op(c, prior, e, ret);
    }
}
