/* SPDX-License-Identifier: Apache-2.0 */
/* parse_item.c: what operators are applied to: literals, variables, calls, sets and records; and
 * the attributes and methods of them. */
#include "gate/cedar/parse.h"

#include <stdio.h>

/* ---- lists of expressions -------------------------------------------------------------------- */

/* {expression ","} [expression], then the closing bracket. *height: of the highest of them. */
static err_code expressions(struct cedar_parser *p, enum cedar_token_kind close,
                            const char *expected, size_t base, unsigned *height)
{
    while (p->token.kind != close) {
        struct cedar_item item = {.offset = cedar_parse_offset(p)};
        struct cedar_parsed tree;

        TRY(cedar_parse_expr(p, &tree));
        item.expr = tree.expr;
        *height = tree.height > *height ? tree.height : *height;
        TRY(cedar_parse_push(p, base, &item));
        if (p->token.kind != CEDAR_T_COMMA)
            break;
        cedar_parse_take(p);
    }
    return cedar_parse_expect(p, close, expected);
}

/* Moves the innermost list into an expression. */
static err_code keep(struct cedar_parser *p, size_t base, bool named, struct cedar_expr *ret)
{
    size_t n = p->n_items - base;
    const struct cedar_expr **items = cedar_arena_take(&p->out->arena, n * sizeof *items);
    struct slice *names = NULL;

    if (named)
        names = cedar_arena_take(&p->out->arena, n * sizeof *names);
    if (items == NULL || (named && names == NULL))
        return cedar_parse_no_memory(p);
    for (size_t i = 0; i < n; i++) {
        items[i] = p->items[base + i].expr;
        if (named)
            names[i] = p->items[base + i].name;
    }
    ret->items = items;
    ret->names = names;
    ret->n = (uint32_t)n;
    p->n_items = base;
    return ERR_OK;
}

/* "[" ... "]" */
static err_code set(struct cedar_parser *p, struct cedar_parsed *ret)
{
    uint32_t start = cedar_parse_offset(p);
    size_t base = p->n_items;
    unsigned height = 0;

    cedar_parse_take(p);
    TRY(expressions(p, CEDAR_T_RBRACKET, "an operator, `,` or `]`", base, &height));
    TRY(cedar_parse_make(p, CEDAR_OP_SET, start, height, ret));
    return keep(p, base, false, ret->expr);
}

/* "{" name ":" expression, ... "}" */
static err_code record(struct cedar_parser *p, struct cedar_parsed *ret)
{
    uint32_t start = cedar_parse_offset(p);
    size_t base = p->n_items;
    unsigned height = 0;

    cedar_parse_take(p);
    while (p->token.kind != CEDAR_T_RBRACE) {
        struct cedar_item item = {.offset = cedar_parse_offset(p)};
        struct cedar_parsed tree;

        if (p->token.kind == CEDAR_T_STRING)
            TRY(cedar_parse_string(p, &item.name));
        else
            TRY(cedar_parse_ident(p, "a field as a name or a string, or `}`", &item.name));
        TRY(cedar_parse_expect(p, CEDAR_T_COLON, "`:`"));
        TRY(cedar_parse_expr(p, &tree));
        item.expr = tree.expr;
        height = tree.height > height ? tree.height : height;
        TRY(cedar_parse_push(p, base, &item));
        if (p->token.kind != CEDAR_T_COMMA)
            break;
        cedar_parse_take(p);
    }
    TRY(cedar_parse_expect(p, CEDAR_T_RBRACE, "an operator, `,` or `}`"));
    TRY(cedar_parse_distinct(p, base, "field"));
    TRY(cedar_parse_make(p, CEDAR_OP_RECORD, start, height, ret));
    return keep(p, base, true, ret->expr);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static const struct method {
    enum cedar_op op;
    size_t n_args;
} METHODS[] = {
    {CEDAR_OP_CONTAINS, 1}, {CEDAR_OP_CONTAINS_ALL, 1}, {CEDAR_OP_CONTAINS_ANY, 1},
    {CEDAR_OP_IS_EMPTY, 0}, {CEDAR_OP_HAS_TAG, 1},      {CEDAR_OP_GET_TAG, 1},
};

static const struct method *method_of(struct slice name)
{
    for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++)
        if (slice_eq_str(name, cedar_op_word(METHODS[i].op)))
            return &METHODS[i];
    return NULL;
}

struct call {
    struct cedar_place place; /* of the name */
    struct slice name;
    struct cedar_parsed *of; /* NULL: a function */
};

static err_code unknown(struct cedar_parser *p, const struct call *call)
{
    enum cedar_fn fn = cedar_fn_from(call->name);
    char name[64];
    bool other = call->of == NULL ? method_of(call->name) != NULL || fn != CEDAR_FN_NONE
                                  : fn != CEDAR_FN_NONE;

    cedar_quote(call->name, name, sizeof name);
    if (other)
        return cedar_parse_refuse(p, &call->place, ERR_CEDAR_SYNTAX, "found `%s` as a %s, %s", name,
                                  call->of == NULL ? "function" : "method",
                                  call->of == NULL ? "expected it as a method: value.name(...)"
                                                   : "expected it as a function: name(...)");
    return cedar_parse_refuse(p, &call->place, ERR_CEDAR_SYNTAX,
                              "found `%s`, expected a %s that Cedar has", name,
                              call->of == NULL ? "function" : "method");
}

/* A method of the language itself. */
static err_code method(struct cedar_parser *p, const struct call *call, const struct method *method)
{
    struct cedar_parsed of = *call->of;
    size_t base = p->n_items, n;
    unsigned height = of.height;

    TRY(expressions(p, CEDAR_T_RPAREN, "an operator, `,` or `)`", base, &height));
    n = p->n_items - base;
    if (n != method->n_args)
        return cedar_parse_refuse(p, &call->place, ERR_CEDAR_SYNTAX,
                                  "found `%s` with %zu arguments, expected %zu",
                                  cedar_op_word(method->op), n, method->n_args);
    TRY(cedar_parse_make(p, method->op, of.start, height, call->of));
    call->of->expr->a = of.expr;
    call->of->expr->b = n == 0 ? NULL : p->items[base].expr;
    p->n_items = base;
    return ERR_OK;
}

/* An extension function. Behind the opening parenthesis. */
static err_code extension(struct cedar_parser *p, const struct call *call, uint32_t start,
                          struct cedar_parsed *ret)
{
    enum cedar_fn fn = cedar_fn_from(call->name);
    struct cedar_parsed *of = call->of;
    size_t base = p->n_items;
    unsigned height = 0;

    if (fn == CEDAR_FN_NONE || cedar_fn_info(fn)->method != (of != NULL))
        return unknown(p, call);
    if (of != NULL) {
        struct cedar_item item = {.expr = of->expr, .offset = of->start};

        height = of->height;
        TRY(cedar_parse_push(p, base, &item));
    }
    TRY(expressions(p, CEDAR_T_RPAREN, "an operator, `,` or `)`", base, &height));
    TRY(cedar_parse_make(p, CEDAR_OP_CALL, start, height, ret));
    ret->expr->fn = fn;
    return keep(p, base, false, ret->expr);
}

/* ---- what is accessed ------------------------------------------------------------------------ */

static err_code attribute(struct cedar_parser *p, struct slice name, struct cedar_parsed *ret)
{
    struct cedar_parsed of = *ret;

    TRY(cedar_parse_make(p, CEDAR_OP_GET, of.start, of.height, ret));
    ret->expr->of = of.expr;
    ret->expr->name = name;
    return ERR_OK;
}

err_code cedar_parse_access(struct cedar_parser *p, struct cedar_parsed *ret)
{
    for (;;) {
        struct call call = {.of = ret};

        if (p->token.kind == CEDAR_T_LPAREN)
            return cedar_parse_unexpected(p, "an operator: only functions and methods are called");
        if (p->token.kind == CEDAR_T_LBRACKET) {
            cedar_parse_take(p);
            if (p->token.kind != CEDAR_T_STRING)
                return cedar_parse_unexpected(p, "an attribute as a string");
            TRY(cedar_parse_string(p, &call.name));
            TRY(cedar_parse_expect(p, CEDAR_T_RBRACKET, "`]`"));
            TRY(attribute(p, call.name, ret));
            continue;
        }
        if (p->token.kind != CEDAR_T_DOT)
            return ERR_OK;
        cedar_parse_take(p);
        call.place = p->token.place;
        TRY(cedar_parse_ident(p, "the name of an attribute or a method", &call.name));
        if (p->token.kind != CEDAR_T_LPAREN) {
            TRY(attribute(p, call.name, ret));
            continue;
        }
        cedar_parse_take(p);
        if (method_of(call.name) != NULL)
            TRY(method(p, &call, method_of(call.name)));
        else
            TRY(extension(p, &call, ret->start, ret));
    }
}

/* ---- the items ------------------------------------------------------------------------------- */

err_code cedar_parse_number(struct cedar_parser *p, uint64_t max, uint64_t *ret)
{
    struct cedar_token token = cedar_parse_take(p);
    uint64_t number = 0;

    for (size_t i = 0; i < token.text.len; i++)
        if (__builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(token.text.ptr[i] - '0'), &number) ||
            number > max)
            return cedar_parse_refuse(p, &token.place, ERR_CEDAR_SYNTAX,
                                      "found a number of more than 64 bits, expected at most %llu",
                                      (unsigned long long)max);
    *ret = number;
    return ERR_OK;
}

static err_code literal(struct cedar_parser *p, struct cedar_parsed *ret)
{
    struct cedar_value value = {.kind = CEDAR_BOOL};
    uint32_t start = cedar_parse_offset(p);

    if (p->token.kind == CEDAR_T_NUMBER) {
        uint64_t number = 0;

        TRY(cedar_parse_number(p, INT64_MAX, &number));
        value = (struct cedar_value){.kind = CEDAR_LONG, .number = (int64_t)number};
    } else if (p->token.kind == CEDAR_T_STRING) {
        struct slice text = {0};

        TRY(cedar_parse_string(p, &text));
        value =
            (struct cedar_value){.kind = CEDAR_STRING, .n = (uint32_t)text.len, .text = text.ptr};
    } else {
        value.truth = cedar_parse_at(p, "true");
        cedar_parse_take(p);
    }
    TRY(cedar_parse_make(p, CEDAR_OP_LITERAL, start, 0, ret));
    ret->expr->literal = value;
    return ERR_OK;
}

static err_code variable(struct cedar_parser *p, struct slice name, const struct cedar_place *place,
                         struct cedar_parsed *ret)
{
    char quoted[64];

    for (enum cedar_var var = CEDAR_PRINCIPAL; var <= CEDAR_CONTEXT; var++) {
        if (!slice_eq_str(name, cedar_var_name(var)))
            continue;
        TRY(cedar_parse_make(p, CEDAR_OP_VAR, (uint32_t)place->offset, 0, ret));
        ret->expr->var = var;
        return ERR_OK;
    }
    cedar_quote(name, quoted, sizeof quoted);
    return cedar_parse_refuse(p, place, ERR_CEDAR_SYNTAX,
                              "found the name `%s`, expected principal, action, resource, context, "
                              "an entity or a function",
                              quoted);
}

/* An entity, a variable, or a function with its arguments. */
static err_code named(struct cedar_parser *p, struct cedar_parsed *ret)
{
    struct cedar_place place = p->token.place;
    struct cedar_uid *uid;
    struct cedar_path path;

    TRY(cedar_parse_path(p, "an expression", &path));
    if (path.has_id) {
        uid = cedar_arena_take(&p->out->arena, sizeof *uid);
        if (uid == NULL)
            return cedar_parse_no_memory(p);
        *uid = cedar_uid_of(path.type, path.id);
        TRY(cedar_parse_make(p, CEDAR_OP_LITERAL, (uint32_t)place.offset, 0, ret));
        ret->expr->literal = (struct cedar_value){.kind = CEDAR_ENTITY, .uid = uid};
        return ERR_OK;
    }
    if (p->token.kind == CEDAR_T_LPAREN) {
        struct call call = {.place = place, .name = path.type};

        cedar_parse_take(p);
        return extension(p, &call, (uint32_t)place.offset, ret);
    }
    return variable(p, path.type, &place, ret);
}

err_code cedar_parse_member(struct cedar_parser *p, struct cedar_parsed *ret)
{
    uint32_t start = cedar_parse_offset(p);

    if (p->token.kind == CEDAR_T_NUMBER || p->token.kind == CEDAR_T_STRING ||
        cedar_parse_at(p, "true") || cedar_parse_at(p, "false"))
        TRY(literal(p, ret));
    else if (cedar_parse_at(p, "if"))
        return cedar_parse_unexpected(p, "an expression: here `if` needs parentheses");
    else if (p->token.kind == CEDAR_T_IDENT)
        TRY(named(p, ret));
    else if (p->token.kind == CEDAR_T_LBRACKET)
        TRY(set(p, ret));
    else if (p->token.kind == CEDAR_T_LBRACE)
        TRY(record(p, ret));
    else if (p->token.kind == CEDAR_T_SLOT)
        return cedar_parse_unexpected(p, "an expression: slots stand in the scope only");
    else if (p->token.kind != CEDAR_T_LPAREN)
        return cedar_parse_unexpected(p, "an expression");
    else {
        cedar_parse_take(p);
        TRY(cedar_parse_expr(p, ret));
        TRY(cedar_parse_expect(p, CEDAR_T_RPAREN, "an operator or `)`"));
        ret->start = start;
    }
    return cedar_parse_access(p, ret);
}
