/* SPDX-License-Identifier: Apache-2.0 */
/* est_expr.c: expressions from JSON. */
#include "gate/cedar/est.h"

#include <string.h>

const struct cedar_est_form cedar_est_forms[] = {
    {CEDAR_EST_VALUE, "Value", CEDAR_OP_LITERAL},
    {CEDAR_EST_WORD, "Var", CEDAR_OP_VAR},
    {CEDAR_EST_UNARY, "!", CEDAR_OP_NOT},
    {CEDAR_EST_UNARY, "neg", CEDAR_OP_NEG},
    {CEDAR_EST_UNARY, "isEmpty", CEDAR_OP_IS_EMPTY},
    {CEDAR_EST_BINARY, "&&", CEDAR_OP_AND},
    {CEDAR_EST_BINARY, "||", CEDAR_OP_OR},
    {CEDAR_EST_BINARY, "==", CEDAR_OP_EQ},
    {CEDAR_EST_BINARY, "!=", CEDAR_OP_NE},
    {CEDAR_EST_BINARY, "<", CEDAR_OP_LT},
    {CEDAR_EST_BINARY, "<=", CEDAR_OP_LE},
    {CEDAR_EST_BINARY, ">", CEDAR_OP_GT},
    {CEDAR_EST_BINARY, ">=", CEDAR_OP_GE},
    {CEDAR_EST_BINARY, "in", CEDAR_OP_IN},
    {CEDAR_EST_BINARY, "+", CEDAR_OP_ADD},
    {CEDAR_EST_BINARY, "-", CEDAR_OP_SUB},
    {CEDAR_EST_BINARY, "*", CEDAR_OP_MUL},
    {CEDAR_EST_BINARY, "contains", CEDAR_OP_CONTAINS},
    {CEDAR_EST_BINARY, "containsAll", CEDAR_OP_CONTAINS_ALL},
    {CEDAR_EST_BINARY, "containsAny", CEDAR_OP_CONTAINS_ANY},
    {CEDAR_EST_BINARY, "hasTag", CEDAR_OP_HAS_TAG},
    {CEDAR_EST_BINARY, "getTag", CEDAR_OP_GET_TAG},
    {CEDAR_EST_GET, ".", CEDAR_OP_GET},
    {CEDAR_EST_HAS, "has", CEDAR_OP_HAS},
    {CEDAR_EST_HAS, "has", CEDAR_OP_HAS_PATH},
    {CEDAR_EST_LIKE, "like", CEDAR_OP_LIKE},
    {CEDAR_EST_IS, "is", CEDAR_OP_IS},
    {CEDAR_EST_IF, "if-then-else", CEDAR_OP_IF},
    {CEDAR_EST_SET, "Set", CEDAR_OP_SET},
    {CEDAR_EST_RECORD, "Record", CEDAR_OP_RECORD},
    {CEDAR_EST_NONE, NULL, CEDAR_OP_CALL},
};

/* How a part of an expression is read: cedar_est_expr, or a constant within "Value". */
typedef err_code part_reader(const struct cedar_json_reader *r, const struct cedar_json *json,
                             unsigned depth, const struct cedar_expr **ret);

static err_code make(const struct cedar_json_reader *r, enum cedar_op op, struct cedar_expr **ret)
{
    struct cedar_expr *e = cedar_arena_take(r->arena, sizeof *e);

    if (e == NULL)
        return ERR_NO_MEMORY;
    e->op = op;
    e->offset = CEDAR_NOWHERE;
    *ret = e;
    return ERR_OK;
}

/* The child that is a member of this name. */
static err_code child(const struct cedar_json_reader *r, const struct cedar_json *json,
                      const char *name, unsigned depth, const struct cedar_expr **ret)
{
    const struct cedar_json *member;

    TRY(cedar_json_need(r, json, name, &member));
    return cedar_est_expr(r, member, depth + 1, ret);
}

/* ---- lists ---- */

struct parts {
    const struct cedar_json *json; /* an array or an object, or the first of n on their own */
    uint32_t n;
    part_reader *read;
};

static const struct cedar_json *part_at(const struct parts *parts, uint32_t i)
{
    return parts->json->kind == CEDAR_JSON_OBJECT ? &parts->json->members[i].value
                                                  : &parts->json->items[i];
}

/* A set, record or call of these parts. */
static err_code list(const struct cedar_json_reader *r, const struct parts *parts, unsigned depth,
                     enum cedar_op op, struct cedar_expr **ret)
{
    const struct cedar_expr **items = cedar_arena_take(r->arena, parts->n * sizeof *items);
    struct slice *names = NULL;

    if (op == CEDAR_OP_RECORD)
        names = cedar_arena_take(r->arena, parts->n * sizeof *names);
    if (items == NULL || (op == CEDAR_OP_RECORD && names == NULL))
        return ERR_NO_MEMORY;
    TRY(make(r, op, ret));
    for (uint32_t i = 0; i < parts->n; i++) {
        TRY(parts->read(r, part_at(parts, i), depth + 1, &items[i]));
        if (names != NULL)
            TRY(cedar_arena_copy(r->arena, parts->json->members[i].name, &names[i]));
    }
    (*ret)->items = items;
    (*ret)->names = names;
    (*ret)->n = parts->n;
    return ERR_OK;
}

static err_code expr_list(const struct cedar_json_reader *r, const struct cedar_json *json,
                          unsigned depth, enum cedar_op op, struct cedar_expr **ret)
{
    enum cedar_json_kind kind = op == CEDAR_OP_RECORD ? CEDAR_JSON_OBJECT : CEDAR_JSON_ARRAY;
    struct parts parts = {json, json->n, cedar_est_expr};

    if (json->kind != kind)
        return cedar_json_refuse(r, r->refusal, json, "%s, not %s", cedar_json_kind_text(json),
                                 kind == CEDAR_JSON_OBJECT ? "an object" : "an array");
    TRY(cedar_json_few(r, json, "expressions"));
    return list(r, &parts, depth, op, ret);
}

/* ---- constants ---- */

static err_code constant(const struct cedar_json_reader *r, const struct cedar_json *json,
                         unsigned depth, const struct cedar_expr **ret);

/* The parts of a call, which are an array or one on its own. */
static err_code constant_call(const struct cedar_json_reader *r, const struct cedar_escape *escape,
                              unsigned depth, struct cedar_expr **ret)
{
    struct cedar_json array = {
        .kind = CEDAR_JSON_ARRAY, .n = escape->n_args, .offset = 0, .items = escape->args};
    struct parts parts = {&array, escape->n_args, constant};

    if (escape->n_args > CEDAR_LIST_MAX)
        return cedar_json_refuse(r, ERR_CEDAR_LIST_SIZE, escape->args,
                                 "%u arguments; the limit is %d", escape->n_args, CEDAR_LIST_MAX);
    TRY(list(r, &parts, depth, CEDAR_OP_CALL, ret));
    (*ret)->fn = escape->fn;
    return ERR_OK;
}

/* What stands in "Value": the same as for entities, but it is not worked out yet. */
static err_code constant(const struct cedar_json_reader *r, const struct cedar_json *json,
                         unsigned depth, const struct cedar_expr **ret)
{
    struct parts parts = {json, json->n, constant};
    struct cedar_escape escape;
    struct cedar_expr *e;

    if (depth >= CEDAR_DEPTH_MAX)
        return cedar_json_refuse(r, ERR_CEDAR_NESTING, json, "nested deeper than %d",
                                 CEDAR_DEPTH_MAX);
    TRY(cedar_json_escape(r, json, &escape));
    if (escape.kind == CEDAR_ESCAPE_EXTN) {
        TRY(constant_call(r, &escape, depth, &e));
    } else if (json->kind == CEDAR_JSON_ARRAY) {
        TRY(cedar_json_few(r, json, "elements of a set"));
        TRY(list(r, &parts, depth, CEDAR_OP_SET, &e));
    } else if (json->kind == CEDAR_JSON_OBJECT && escape.kind == CEDAR_ESCAPE_NONE) {
        TRY(cedar_json_few(r, json, "fields of a record"));
        TRY(list(r, &parts, depth, CEDAR_OP_RECORD, &e));
    } else {
        TRY(make(r, CEDAR_OP_LITERAL, &e));
        TRY(cedar_json_value(r, json, depth, &e->literal));
    }
    *ret = e;
    return ERR_OK;
}

/* ---- the forms ---- */

static err_code variable(const struct cedar_json_reader *r, const struct cedar_json *json,
                         struct cedar_expr *e)
{
    for (e->var = CEDAR_PRINCIPAL; e->var <= CEDAR_CONTEXT; e->var++)
        if (cedar_json_is(json, cedar_var_name(e->var)))
            return ERR_OK;
    return cedar_json_refuse(r, r->refusal, json,
                             "not one of \"principal\", \"action\", \"resource\", \"context\"");
}

static err_code binary(const struct cedar_json_reader *r, const struct cedar_json *json,
                       unsigned depth, struct cedar_expr *e)
{
    TRY(child(r, json, "left", depth, &e->a));
    TRY(child(r, json, "right", depth, &e->b));
    return cedar_json_only(r, json, (const char *const[]){"left", "right", NULL});
}

static err_code conditional(const struct cedar_json_reader *r, const struct cedar_json *json,
                            unsigned depth, struct cedar_expr *e)
{
    TRY(child(r, json, "if", depth, &e->a));
    TRY(child(r, json, "then", depth, &e->b));
    TRY(child(r, json, "else", depth, &e->c));
    return cedar_json_only(r, json, (const char *const[]){"if", "then", "else", NULL});
}

static err_code get(const struct cedar_json_reader *r, const struct cedar_json *json,
                    unsigned depth, struct cedar_expr *e)
{
    const struct cedar_json *attr;

    TRY(child(r, json, "left", depth, &e->of));
    TRY(cedar_json_need_kind(r, json, "attr", CEDAR_JSON_STRING, &attr));
    TRY(cedar_arena_copy(r->arena, attr->text, &e->name));
    return cedar_json_only(r, json, (const char *const[]){"left", "attr", NULL});
}

/* The words of `a has b.c`, of which there is at least one. */
static err_code has_path(const struct cedar_json_reader *r, const struct cedar_json *path,
                         const struct cedar_expr *of, struct cedar_expr *e)
{
    const struct cedar_expr **items = cedar_arena_take(r->arena, sizeof *items);
    struct slice *names = cedar_arena_take(r->arena, path->n * sizeof *names);

    if (items == NULL || names == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < path->n; i++) {
        if (path->items[i].kind != CEDAR_JSON_STRING)
            return cedar_json_refuse(r, r->refusal, &path->items[i], "%s, not a string",
                                     cedar_json_kind_text(&path->items[i]));
        TRY(cedar_arena_copy(r->arena, path->items[i].text, &names[i]));
    }
    if (path->n == 1) {
        e->of = of;
        e->name = names[0];
        return ERR_OK;
    }
    items[0] = of;
    e->op = CEDAR_OP_HAS_PATH;
    e->items = items;
    e->names = names;
    e->n = path->n;
    return ERR_OK;
}

/* Other members mean nothing, as in the Rust implementation. */
static err_code has(const struct cedar_json_reader *r, const struct cedar_json *json,
                    unsigned depth, struct cedar_expr *e)
{
    const struct cedar_json *attr;
    const struct cedar_expr *of;

    TRY(child(r, json, "left", depth, &of));
    TRY(cedar_json_need(r, json, "attr", &attr));
    if (attr->kind == CEDAR_JSON_ARRAY && attr->n > 0) {
        TRY(cedar_json_few(r, attr, "attributes"));
        return has_path(r, attr, of, e);
    }
    if (attr->kind != CEDAR_JSON_STRING)
        return cedar_json_refuse(r, r->refusal, attr,
                                 "not an attribute: a string, or an array of some");
    e->of = of;
    return cedar_arena_copy(r->arena, attr->text, &e->name);
}

/* "Wildcard", or {"Literal": string}, whose text *ret is; NULL for the star. */
static err_code pattern_part(const struct cedar_json_reader *r, const struct cedar_json *json,
                             const struct slice **ret)
{
    const struct cedar_json *literal = cedar_json_get(json, "Literal");

    *ret = NULL;
    if (cedar_json_is(json, "Wildcard"))
        return ERR_OK;
    if (literal == NULL || json->n != 1 || literal->kind != CEDAR_JSON_STRING)
        return cedar_json_refuse(r, r->refusal, json, "not \"Wildcard\" or {\"Literal\": string}");
    *ret = &literal->text;
    return ERR_OK;
}

/* Stars and texts side by side become one; empty texts nothing. */
static err_code pattern(const struct cedar_json_reader *r, const struct cedar_json *json,
                        struct cedar_pattern *ret)
{
    struct cedar_pattern_part *parts = cedar_arena_take(r->arena, json->n * sizeof *parts);
    const struct slice *text;
    size_t total = 0, len = 0;
    uint8_t *bytes;

    for (uint32_t i = 0; i < json->n; i++) {
        TRY(pattern_part(r, &json->items[i], &text));
        total += text == NULL ? 0 : text->len;
    }
    bytes = cedar_arena_take(r->arena, total);
    if (parts == NULL || bytes == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < json->n; i++) {
        struct cedar_pattern_part *last = ret->n > 0 ? &parts[ret->n - 1] : NULL;

        TRY(pattern_part(r, &json->items[i], &text));
        if (text != NULL && text->len == 0)
            continue;
        if (last == NULL || last->star != (text == NULL)) {
            last = &parts[ret->n++];
            *last = (struct cedar_pattern_part){text == NULL, {0}};
        }
        if (text == NULL)
            continue;
        last->text = (struct slice){last->text.len == 0 ? bytes + len : last->text.ptr,
                                    last->text.len + text->len};
        memcpy(bytes + len, text->ptr, text->len);
        len += text->len;
    }
    ret->parts = parts;
    return ERR_OK;
}

static err_code like(const struct cedar_json_reader *r, const struct cedar_json *json,
                     unsigned depth, struct cedar_expr *e)
{
    struct cedar_pattern *ret = cedar_arena_take(r->arena, sizeof *ret);
    const struct cedar_json *parts;

    if (ret == NULL)
        return ERR_NO_MEMORY;
    TRY(child(r, json, "left", depth, &e->of));
    TRY(cedar_json_need_kind(r, json, "pattern", CEDAR_JSON_ARRAY, &parts));
    TRY(pattern(r, parts, ret));
    e->pattern = ret;
    return cedar_json_only(r, json, (const char *const[]){"left", "pattern", NULL});
}

static err_code is(const struct cedar_json_reader *r, const struct cedar_json *json, unsigned depth,
                   struct cedar_expr *e)
{
    const struct cedar_json *type, *in;

    TRY(child(r, json, "left", depth, &e->of));
    TRY(cedar_json_need(r, json, "entity_type", &type));
    TRY(cedar_json_type(r, type, &e->name));
    in = cedar_json_get(json, "in");
    if (in != NULL && in->kind != CEDAR_JSON_NULL)
        TRY(cedar_est_expr(r, in, depth + 1, &e->in));
    return cedar_json_only(r, json, (const char *const[]){"left", "entity_type", "in", NULL});
}

/* ---- all ---- */

static err_code form(const struct cedar_json_reader *r, const struct cedar_est_form *form,
                     const struct cedar_json *json, unsigned depth, struct cedar_expr *e)
{
    switch (form->shape) {
    case CEDAR_EST_WORD:
        return variable(r, json, e);
    case CEDAR_EST_UNARY:
        TRY(child(r, json, "arg", depth, &e->a));
        return cedar_json_only(r, json, (const char *const[]){"arg", NULL});
    case CEDAR_EST_BINARY:
        return binary(r, json, depth, e);
    case CEDAR_EST_GET:
        return get(r, json, depth, e);
    case CEDAR_EST_HAS:
        return has(r, json, depth, e);
    case CEDAR_EST_LIKE:
        return like(r, json, depth, e);
    case CEDAR_EST_IS:
        return is(r, json, depth, e);
    case CEDAR_EST_IF:
        return conditional(r, json, depth, e);
    case CEDAR_EST_NONE:
    case CEDAR_EST_VALUE:
    case CEDAR_EST_SET:
    case CEDAR_EST_RECORD:
        break;
    }
    return ERR_INTERNAL;
}

static err_code named(const struct cedar_json_reader *r, const struct cedar_json_member *member,
                      unsigned depth, const struct cedar_expr **ret)
{
    const struct cedar_est_form *found = cedar_est_forms;
    struct cedar_expr *e;
    char name[64];

    while (found->name != NULL && !slice_eq_str(member->name, found->name))
        found++;
    if (found->shape == CEDAR_EST_NONE) {
        cedar_quote(member->name, name, sizeof name);
        return cedar_json_refuse(r, r->refusal, &member->value, "there is no operation \"%s\"%s",
                                 name, slice_eq_str(member->name, "Slot") ? " in a condition" : "");
    }
    if (found->shape == CEDAR_EST_VALUE)
        return constant(r, &member->value, depth, ret);
    if (found->shape == CEDAR_EST_SET || found->shape == CEDAR_EST_RECORD) {
        TRY(expr_list(r, &member->value, depth, found->op, &e));
    } else {
        TRY(make(r, found->op, &e));
        TRY(form(r, found, &member->value, depth, e));
    }
    *ret = e;
    return ERR_OK;
}

err_code cedar_est_expr(const struct cedar_json_reader *r, const struct cedar_json *json,
                        unsigned depth, const struct cedar_expr **ret)
{
    struct cedar_expr *e;
    enum cedar_fn fn;

    if (depth >= CEDAR_DEPTH_MAX)
        return cedar_json_refuse(r, ERR_CEDAR_NESTING, json, "nested deeper than %d",
                                 CEDAR_DEPTH_MAX);
    if (json->kind != CEDAR_JSON_OBJECT || json->n != 1)
        return cedar_json_refuse(r, r->refusal, json,
                                 "not an expression: an object with one member");
    fn = cedar_fn_from(json->members[0].name);
    if (fn == CEDAR_FN_NONE)
        return named(r, &json->members[0], depth, ret);
    TRY(expr_list(r, &json->members[0].value, depth, CEDAR_OP_CALL, &e));
    e->fn = fn;
    *ret = e;
    return ERR_OK;
}
