/* SPDX-License-Identifier: Apache-2.0 */
/* print_expr.c: expressions as text. */
#include "gate/cedar/lex.h"
#include "gate/cedar/print.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- strings --------------------------------------------------------------------------------- */

static err_code character(uint32_t c, struct slice bytes, struct buf *ret)
{
    char hex[16];

    switch (c) {
    case '\0':
        return buf_add_str(ret, "\\0");
    case '\n':
        return buf_add_str(ret, "\\n");
    case '\r':
        return buf_add_str(ret, "\\r");
    case '\t':
        return buf_add_str(ret, "\\t");
    case '"':
        return buf_add_str(ret, "\\\"");
    case '\\':
        return buf_add_str(ret, "\\\\");
    default:
        break;
    }
    if (!cedar_is_hidden(c))
        return buf_add_slice(ret, bytes);
    snprintf(hex, sizeof hex, "\\u{%" PRIx32 "}", c);
    return buf_add_str(ret, hex);
}

static err_code escaped(struct slice text, bool in_pattern, struct buf *ret)
{
    for (size_t i = 0, n; i < text.len; i += n) {
        struct slice rest = slice_part(text, i, text.len - i);
        uint32_t c = 0;

        n = cedar_utf8(rest, &c);
        if (n == 0)
            return ERR_CEDAR_SYNTAX;
        if (c == '*' && in_pattern)
            TRY(buf_add_str(ret, "\\*"));
        else
            TRY(character(c, slice_part(rest, 0, n), ret));
    }
    return ERR_OK;
}

err_code cedar_print_string(struct slice text, struct buf *ret)
{
    TRY(buf_add_u8(ret, '"'));
    TRY(escaped(text, false, ret));
    return buf_add_u8(ret, '"');
}

err_code cedar_print_uid(const struct cedar_uid *uid, struct buf *ret)
{
    TRY(buf_add_slice(ret, uid->type));
    TRY(buf_add_str(ret, "::"));
    return cedar_print_string(uid->id, ret);
}

static err_code pattern(const struct cedar_pattern *pattern, struct buf *ret)
{
    TRY(buf_add_u8(ret, '"'));
    for (uint32_t i = 0; i < pattern->n; i++)
        TRY(pattern->parts[i].star ? buf_add_u8(ret, '*')
                                   : escaped(pattern->parts[i].text, true, ret));
    return buf_add_u8(ret, '"');
}

bool cedar_print_bare(struct slice name)
{
    return cedar_ident_valid(name) && !slice_eq_str(name, "__cedar");
}

static err_code name_or_string(struct slice name, struct buf *ret)
{
    return cedar_print_bare(name) ? buf_add_slice(ret, name) : cedar_print_string(name, ret);
}

/* ---- how much an operation binds ------------------------------------------------------------- */

enum level { ANY = 0, OR, AND, RELATION, SUM, PRODUCT, UNARY, MEMBER };

static const struct form {
    enum level level, left, right; /* its own, and what its operands must have at least */
} FORMS[] = {
    [CEDAR_OP_LITERAL] = {.level = MEMBER},
    [CEDAR_OP_VAR] = {.level = MEMBER},
    [CEDAR_OP_SLOT] = {.level = MEMBER},
    [CEDAR_OP_IF] = {.level = ANY},
    [CEDAR_OP_AND] = {AND, AND, RELATION},
    [CEDAR_OP_OR] = {OR, OR, AND},
    [CEDAR_OP_NOT] = {UNARY, MEMBER, MEMBER},
    [CEDAR_OP_NEG] = {UNARY, MEMBER, MEMBER},
    [CEDAR_OP_EQ] = {RELATION, SUM, SUM},
    [CEDAR_OP_NE] = {RELATION, SUM, SUM},
    [CEDAR_OP_LT] = {RELATION, SUM, SUM},
    [CEDAR_OP_LE] = {RELATION, SUM, SUM},
    [CEDAR_OP_GT] = {RELATION, SUM, SUM},
    [CEDAR_OP_GE] = {RELATION, SUM, SUM},
    [CEDAR_OP_IN] = {RELATION, SUM, SUM},
    [CEDAR_OP_ADD] = {SUM, SUM, PRODUCT},
    [CEDAR_OP_SUB] = {SUM, SUM, PRODUCT},
    [CEDAR_OP_MUL] = {PRODUCT, PRODUCT, UNARY},
    [CEDAR_OP_CONTAINS] = {MEMBER, MEMBER, ANY},
    [CEDAR_OP_CONTAINS_ALL] = {MEMBER, MEMBER, ANY},
    [CEDAR_OP_CONTAINS_ANY] = {MEMBER, MEMBER, ANY},
    [CEDAR_OP_IS_EMPTY] = {MEMBER, MEMBER, ANY},
    [CEDAR_OP_HAS_TAG] = {MEMBER, MEMBER, ANY},
    [CEDAR_OP_GET_TAG] = {MEMBER, MEMBER, ANY},
    [CEDAR_OP_GET] = {.level = MEMBER},
    [CEDAR_OP_HAS] = {.level = RELATION},
    [CEDAR_OP_HAS_PATH] = {.level = RELATION},
    [CEDAR_OP_LIKE] = {.level = RELATION},
    [CEDAR_OP_IS] = {.level = RELATION},
    [CEDAR_OP_SET] = {.level = MEMBER},
    [CEDAR_OP_RECORD] = {.level = MEMBER},
    [CEDAR_OP_CALL] = {.level = MEMBER},
};

static bool is_path_bare(const struct cedar_expr *e)
{
    for (uint32_t i = 0; i < e->n; i++)
        if (!cedar_print_bare(e->names[i]))
            return false;
    return true;
}

static enum level level(const struct cedar_expr *e)
{
    if (e->op == CEDAR_OP_LITERAL && e->literal.kind == CEDAR_LONG && e->literal.number < 0)
        return UNARY;
    if (e->op == CEDAR_OP_HAS_PATH && !is_path_bare(e))
        return AND;
    return FORMS[e->op].level;
}

/* ---- operations ------------------------------------------------------------------------------ */

static err_code print(const struct cedar_expr *e, struct buf *ret);

/* In parentheses if it binds less than this. */
static err_code at_least(enum level least, const struct cedar_expr *e, struct buf *ret)
{
    if (level(e) >= least)
        return print(e, ret);
    TRY(buf_add_u8(ret, '('));
    TRY(print(e, ret));
    return buf_add_u8(ret, ')');
}

static err_code literal(const struct cedar_value *value, struct buf *ret)
{
    char digits[32];

    switch (value->kind) {
    case CEDAR_BOOL:
        return buf_add_str(ret, value->truth ? "true" : "false");
    case CEDAR_LONG:
        snprintf(digits, sizeof digits, "%" PRId64, value->number);
        return buf_add_str(ret, digits);
    case CEDAR_STRING:
        return cedar_print_string(cedar_text(value), ret);
    case CEDAR_ENTITY:
        return cedar_print_uid(value->uid, ret);
    case CEDAR_SET:
    case CEDAR_RECORD:
    case CEDAR_IP:
    case CEDAR_DECIMAL:
    case CEDAR_DATETIME:
    case CEDAR_DURATION:
        break;
    }
    return ERR_CEDAR_SYNTAX;
}

/* ! and -: at most four in a row, and a number behind a minus would become one with it. */
static err_code unary(const struct cedar_expr *e, struct buf *ret)
{
    enum cedar_op op = e->op;
    unsigned n = 0;

    for (; e->op == op && n < 4; n++, e = e->a)
        TRY(buf_add_str(ret, cedar_op_word(op)));
    if (e->op == CEDAR_OP_LITERAL && e->literal.kind == CEDAR_LONG) {
        TRY(buf_add_u8(ret, '('));
        TRY(print(e, ret));
        return buf_add_u8(ret, ')');
    }
    return at_least(MEMBER, e, ret);
}

static err_code infix(const struct cedar_expr *e, struct buf *ret)
{
    TRY(at_least(FORMS[e->op].left, e->a, ret));
    TRY(buf_add_u8(ret, ' '));
    TRY(buf_add_str(ret, cedar_op_word(e->op)));
    TRY(buf_add_u8(ret, ' '));
    return at_least(FORMS[e->op].right, e->b, ret);
}

static err_code method(const struct cedar_expr *e, struct buf *ret)
{
    TRY(at_least(MEMBER, e->a, ret));
    TRY(buf_add_u8(ret, '.'));
    TRY(buf_add_str(ret, cedar_op_word(e->op)));
    TRY(buf_add_u8(ret, '('));
    if (e->b != NULL)
        TRY(print(e->b, ret));
    return buf_add_u8(ret, ')');
}

static err_code conditional(const struct cedar_expr *e, struct buf *ret)
{
    TRY(buf_add_str(ret, "if "));
    TRY(print(e->a, ret));
    TRY(buf_add_str(ret, " then "));
    TRY(print(e->b, ret));
    TRY(buf_add_str(ret, " else "));
    return print(e->c, ret);
}

static err_code attribute(struct slice name, struct buf *ret)
{
    if (cedar_print_bare(name)) {
        TRY(buf_add_u8(ret, '.'));
        return buf_add_slice(ret, name);
    }
    TRY(buf_add_u8(ret, '['));
    TRY(cedar_print_string(name, ret));
    return buf_add_u8(ret, ']');
}

static err_code test(const struct cedar_expr *e, struct buf *ret)
{
    TRY(at_least(SUM, e->of, ret));
    if (e->op == CEDAR_OP_HAS) {
        TRY(buf_add_str(ret, " has "));
        return name_or_string(e->name, ret);
    }
    if (e->op == CEDAR_OP_LIKE) {
        TRY(buf_add_str(ret, " like "));
        return pattern(e->pattern, ret);
    }
    TRY(buf_add_str(ret, " is "));
    TRY(buf_add_slice(ret, e->name));
    if (e->in == NULL)
        return ERR_OK;
    TRY(buf_add_str(ret, " in "));
    return at_least(SUM, e->in, ret);
}

/* a has b.c; if a name is no identifier, which only JSON can say, then step by step. */
static err_code has_path(const struct cedar_expr *e, struct buf *ret)
{
    bool bare = is_path_bare(e);

    for (uint32_t i = 0; i < e->n; i++) {
        if (bare && i > 0) {
            TRY(buf_add_u8(ret, '.'));
            TRY(buf_add_slice(ret, e->names[i]));
            continue;
        }
        if (i > 0)
            TRY(buf_add_str(ret, " && "));
        TRY(at_least(i > 0 ? MEMBER : SUM, e->items[0], ret));
        for (uint32_t k = 0; k < i; k++)
            TRY(attribute(e->names[k], ret));
        TRY(buf_add_str(ret, " has "));
        TRY(name_or_string(e->names[i], ret));
    }
    return ERR_OK;
}

static err_code list(const struct cedar_expr *e, uint32_t from, struct buf *ret)
{
    for (uint32_t i = from; i < e->n; i++) {
        if (i > from)
            TRY(buf_add_str(ret, ", "));
        if (e->op == CEDAR_OP_RECORD) {
            TRY(name_or_string(e->names[i], ret));
            TRY(buf_add_str(ret, ": "));
        }
        TRY(print(e->items[i], ret));
    }
    return ERR_OK;
}

static err_code call(const struct cedar_expr *e, struct buf *ret)
{
    const struct cedar_fn_info *info = cedar_fn_info(e->fn);
    uint32_t from = 0;

    if (info == NULL || (info->method && e->n == 0))
        return ERR_CEDAR_SYNTAX;
    if (info->method) {
        from = 1;
        TRY(at_least(MEMBER, e->items[0], ret));
        TRY(buf_add_u8(ret, '.'));
    }
    TRY(buf_add_str(ret, info->name));
    TRY(buf_add_u8(ret, '('));
    TRY(list(e, from, ret));
    return buf_add_u8(ret, ')');
}

static err_code bracketed(const struct cedar_expr *e, struct buf *ret)
{
    bool is_set = e->op == CEDAR_OP_SET;

    TRY(buf_add_u8(ret, is_set ? '[' : '{'));
    TRY(list(e, 0, ret));
    return buf_add_u8(ret, is_set ? ']' : '}');
}

static err_code print(const struct cedar_expr *e, struct buf *ret)
{
    switch (e->op) {
    case CEDAR_OP_LITERAL:
        return literal(&e->literal, ret);
    case CEDAR_OP_VAR:
        return buf_add_str(ret, cedar_var_name(e->var));
    case CEDAR_OP_SLOT:
        return ERR_CEDAR_SYNTAX;
    case CEDAR_OP_IF:
        return conditional(e, ret);
    case CEDAR_OP_NOT:
    case CEDAR_OP_NEG:
        return unary(e, ret);
    case CEDAR_OP_CONTAINS:
    case CEDAR_OP_CONTAINS_ALL:
    case CEDAR_OP_CONTAINS_ANY:
    case CEDAR_OP_IS_EMPTY:
    case CEDAR_OP_HAS_TAG:
    case CEDAR_OP_GET_TAG:
        return method(e, ret);
    case CEDAR_OP_GET:
        TRY(at_least(MEMBER, e->of, ret));
        return attribute(e->name, ret);
    case CEDAR_OP_HAS:
    case CEDAR_OP_LIKE:
    case CEDAR_OP_IS:
        return test(e, ret);
    case CEDAR_OP_HAS_PATH:
        return has_path(e, ret);
    case CEDAR_OP_SET:
    case CEDAR_OP_RECORD:
        return bracketed(e, ret);
    case CEDAR_OP_CALL:
        return call(e, ret);
    case CEDAR_OP_AND:
    case CEDAR_OP_OR:
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
        return infix(e, ret);
    }
    return ERR_INTERNAL;
}

err_code cedar_print_expr(const struct cedar_expr *expr, struct buf *ret)
{
    return print(expr, ret);
}
