/* SPDX-License-Identifier: Apache-2.0 */
/* parse_expr.c: operators, from those that bind least to those that bind most. */
#include "gate/cedar/parse.h"

err_code cedar_parse_make(struct cedar_parser *p, enum cedar_op op, uint32_t start,
                          unsigned height_below, struct cedar_parsed *ret)
{
    struct cedar_expr *expr;

    if (height_below >= CEDAR_DEPTH_MAX) {
        struct cedar_place place = cedar_parse_place(p, start);

        return cedar_parse_refuse(p, &place, ERR_CEDAR_NESTING,
                                  "an expression of more than %d levels", CEDAR_DEPTH_MAX);
    }
    expr = cedar_arena_take(&p->out->arena, sizeof *expr);
    if (expr == NULL)
        return cedar_parse_no_memory(p);
    expr->op = op;
    expr->offset = start;
    *ret = (struct cedar_parsed){expr, height_below + 1, start};
    return ERR_OK;
}

static unsigned higher(const struct cedar_parsed *a, const struct cedar_parsed *b)
{
    return a->height > b->height ? a->height : b->height;
}

/* Makes left the operation over both. */
static err_code join(struct cedar_parser *p, enum cedar_op op, struct cedar_parsed *left,
                     const struct cedar_parsed *right)
{
    struct cedar_parsed whole;

    TRY(cedar_parse_make(p, op, left->start, higher(left, right), &whole));
    whole.expr->a = left->expr;
    whole.expr->b = right->expr;
    *left = whole;
    return ERR_OK;
}

/* ---- ! - * + --------------------------------------------------------------------------------- */

#define UNARY_MAX 4 /* as in Cedar's grammar */

/* A number behind a minus, which belongs to it unless something is accessed of the number. */
static err_code negative(struct cedar_parser *p, uint32_t minus, struct cedar_parsed *ret,
                         bool *ret_taken)
{
    uint32_t start = cedar_parse_offset(p);
    struct cedar_place place = p->token.place;
    uint64_t number = 0;

    TRY(cedar_parse_number(p, (uint64_t)INT64_MAX + 1, &number));
    *ret_taken = p->token.kind != CEDAR_T_DOT && p->token.kind != CEDAR_T_LBRACKET &&
                 p->token.kind != CEDAR_T_LPAREN;
    if (!*ret_taken && number > INT64_MAX)
        return cedar_parse_refuse(p, &place, ERR_CEDAR_SYNTAX,
                                  "found a number of more than 64 bits, expected at most %lld",
                                  (long long)INT64_MAX);
    TRY(cedar_parse_make(p, CEDAR_OP_LITERAL, *ret_taken ? minus : start, 0, ret));
    ret->expr->literal = (struct cedar_value){.kind = CEDAR_LONG, .number = (int64_t)number};
    if (*ret_taken)
        ret->expr->literal.number = (int64_t)(0 - number);
    return cedar_parse_access(p, ret);
}

static err_code unary(struct cedar_parser *p, struct cedar_parsed *ret)
{
    struct cedar_token first = p->token;
    uint32_t offsets[UNARY_MAX] = {0};
    size_t n = 0;
    bool taken = false;

    for (;
         (first.kind == CEDAR_T_NOT || first.kind == CEDAR_T_MINUS) && p->token.kind == first.kind;
         n++) {
        if (n == UNARY_MAX)
            return cedar_parse_refuse(p, &p->token.place, ERR_CEDAR_SYNTAX,
                                      "found a fifth `%c`, expected at most %d in a row",
                                      first.text.ptr[0], UNARY_MAX);
        offsets[n] = cedar_parse_offset(p);
        cedar_parse_take(p);
    }
    if (n > 0 && first.kind == CEDAR_T_MINUS && p->token.kind == CEDAR_T_NUMBER)
        TRY(negative(p, offsets[n - 1], ret, &taken));
    else
        TRY(cedar_parse_member(p, ret));
    for (n -= taken; n > 0; n--) {
        struct cedar_parsed whole;

        TRY(cedar_parse_make(p, first.kind == CEDAR_T_NOT ? CEDAR_OP_NOT : CEDAR_OP_NEG,
                             offsets[n - 1], ret->height, &whole));
        whole.expr->a = ret->expr;
        *ret = whole;
    }
    return ERR_OK;
}

static err_code product(struct cedar_parser *p, struct cedar_parsed *ret)
{
    struct cedar_parsed right;

    TRY(unary(p, ret));
    while (p->token.kind == CEDAR_T_TIMES) {
        cedar_parse_take(p);
        TRY(unary(p, &right));
        TRY(join(p, CEDAR_OP_MUL, ret, &right));
    }
    if (p->token.kind == CEDAR_T_DIVIDE || p->token.kind == CEDAR_T_MODULO)
        return cedar_parse_unexpected(p, "another operator: Cedar does not divide");
    return ERR_OK;
}

static err_code sum(struct cedar_parser *p, struct cedar_parsed *ret)
{
    struct cedar_parsed right;

    TRY(product(p, ret));
    while (p->token.kind == CEDAR_T_PLUS || p->token.kind == CEDAR_T_MINUS) {
        enum cedar_token_kind kind = cedar_parse_take(p).kind;

        TRY(product(p, &right));
        TRY(join(p, kind == CEDAR_T_PLUS ? CEDAR_OP_ADD : CEDAR_OP_SUB, ret, &right));
    }
    return ERR_OK;
}

/* ---- relations ------------------------------------------------------------------------------- */

/* Behind `has`: a string, or names joined by dots. */
static err_code has(struct cedar_parser *p, struct cedar_parsed *ret)
{
    struct cedar_parsed of = *ret;
    size_t base = p->n_items;
    struct slice *names;

    if (p->token.kind == CEDAR_T_STRING) {
        TRY(cedar_parse_make(p, CEDAR_OP_HAS, of.start, of.height, ret));
        ret->expr->of = of.expr;
        return cedar_parse_string(p, &ret->expr->name);
    }
    do {
        struct cedar_item item = {.offset = cedar_parse_offset(p)};

        if (p->n_items > base)
            cedar_parse_take(p);
        TRY(cedar_parse_ident(p, "an attribute as a name or a string", &item.name));
        TRY(cedar_parse_push(p, base, &item));
    } while (p->token.kind == CEDAR_T_DOT);
    if (p->n_items - base == 1) {
        TRY(cedar_parse_make(p, CEDAR_OP_HAS, of.start, of.height, ret));
        ret->expr->of = of.expr;
        ret->expr->name = p->items[base].name;
        p->n_items = base;
        return ERR_OK;
    }
    TRY(cedar_parse_make(p, CEDAR_OP_HAS_PATH, of.start, of.height, ret));
    names = cedar_arena_take(&p->out->arena, (p->n_items - base) * sizeof *names);
    const struct cedar_expr **items = cedar_arena_take(&p->out->arena, sizeof *items);
    if (names == NULL || items == NULL)
        return cedar_parse_no_memory(p);
    items[0] = of.expr;
    ret->expr->items = items;
    ret->expr->names = names;
    ret->expr->n = (uint32_t)(p->n_items - base);
    for (size_t i = 0; i < ret->expr->n; i++)
        names[i] = p->items[base + i].name;
    p->n_items = base;
    return ERR_OK;
}

/* The parts of a pattern that was unescaped; ret NULL: only counts them. */
static uint32_t pattern_parts(const struct cedar_unescaped *in, struct cedar_pattern_part *ret)
{
    struct slice all = {in->bytes, in->len};
    uint32_t n = 0;

    for (size_t i = 0, next; i < in->len; i = next, n++) {
        bool star = in->stars[i];

        for (next = i; next < in->len && in->stars[next] == star;)
            next++;
        if (ret != NULL)
            ret[n] = (struct cedar_pattern_part){star, star ? (struct slice){0}
                                                            : slice_part(all, i, next - i)};
    }
    return n;
}

static err_code like(struct cedar_parser *p, struct cedar_parsed *ret)
{
    struct cedar_arena *arena = &p->out->arena;
    struct cedar_token token = p->token;
    struct cedar_place where = token.place;
    struct cedar_parsed of = *ret;
    struct cedar_pattern *pattern = cedar_arena_take(arena, sizeof *pattern);
    struct cedar_pattern_part *parts;
    struct cedar_unescaped out = {.bytes = cedar_arena_take(arena, token.text.len),
                                  .stars = cedar_arena_take(arena, token.text.len)};
    const char *what = "";

    TRY(cedar_parse_expect(p, CEDAR_T_STRING, "a pattern as a string"));
    if (pattern == NULL || out.bytes == NULL || out.stars == NULL)
        return cedar_parse_no_memory(p);
    if (cedar_unescape(&token, &out, &where, &what) != ERR_OK)
        return cedar_parse_refuse(p, &where, ERR_CEDAR_SYNTAX, "bad escape: %s", what);
    pattern->n = pattern_parts(&out, NULL);
    parts = cedar_arena_take(arena, pattern->n * sizeof *parts);
    if (parts == NULL)
        return cedar_parse_no_memory(p);
    pattern_parts(&out, parts);
    pattern->parts = parts;
    TRY(cedar_parse_make(p, CEDAR_OP_LIKE, of.start, of.height, ret));
    ret->expr->of = of.expr;
    ret->expr->pattern = pattern;
    return ERR_OK;
}

static err_code is(struct cedar_parser *p, struct cedar_parsed *ret)
{
    struct cedar_parsed of = *ret, in = {0};
    struct slice type = {0};

    TRY(cedar_parse_type(p, &type));
    if (cedar_parse_at(p, "in")) {
        cedar_parse_take(p);
        TRY(sum(p, &in));
    }
    TRY(cedar_parse_make(p, CEDAR_OP_IS, of.start, higher(&of, &in), ret));
    ret->expr->of = of.expr;
    ret->expr->name = type;
    ret->expr->in = in.expr;
    return ERR_OK;
}

/* LITERAL: the next word is no relation between two sums. */
static enum cedar_op relation_op(const struct cedar_parser *p)
{
    static const struct {
        enum cedar_token_kind kind;
        enum cedar_op op;
    } OPS[] = {{CEDAR_T_EQ, CEDAR_OP_EQ}, {CEDAR_T_NE, CEDAR_OP_NE}, {CEDAR_T_LT, CEDAR_OP_LT},
               {CEDAR_T_LE, CEDAR_OP_LE}, {CEDAR_T_GT, CEDAR_OP_GT}, {CEDAR_T_GE, CEDAR_OP_GE}};

    for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++)
        if (p->token.kind == OPS[i].kind)
            return OPS[i].op;
    return cedar_parse_at(p, "in") ? CEDAR_OP_IN : CEDAR_OP_LITERAL;
}

static err_code relation(struct cedar_parser *p, struct cedar_parsed *ret)
{
    enum cedar_op op;
    struct cedar_parsed right;

    TRY(sum(p, ret));
    op = relation_op(p);
    if (op != CEDAR_OP_LITERAL) {
        cedar_parse_take(p);
        TRY(sum(p, &right));
        TRY(join(p, op, ret, &right));
    } else if (cedar_parse_at(p, "has")) {
        cedar_parse_take(p);
        TRY(has(p, ret));
    } else if (cedar_parse_at(p, "like")) {
        cedar_parse_take(p);
        TRY(like(p, ret));
    } else if (cedar_parse_at(p, "is")) {
        cedar_parse_take(p);
        TRY(is(p, ret));
    } else if (p->token.kind == CEDAR_T_ASSIGN) {
        return cedar_parse_unexpected(p, "`==`");
    } else {
        return ERR_OK;
    }
    if (relation_op(p) != CEDAR_OP_LITERAL || cedar_parse_at(p, "has") ||
        cedar_parse_at(p, "like") || cedar_parse_at(p, "is"))
        return cedar_parse_unexpected(p, "parentheses around one of two relations");
    return ERR_OK;
}

/* ---- && || if -------------------------------------------------------------------------------- */

static err_code and (struct cedar_parser * p, struct cedar_parsed *ret)
{
    struct cedar_parsed right;

    TRY(relation(p, ret));
    while (p->token.kind == CEDAR_T_AND) {
        cedar_parse_take(p);
        TRY(relation(p, &right));
        TRY(join(p, CEDAR_OP_AND, ret, &right));
    }
    return ERR_OK;
}

static err_code or (struct cedar_parser * p, struct cedar_parsed *ret)
{
    struct cedar_parsed right;

    TRY(and(p, ret));
    while (p->token.kind == CEDAR_T_OR) {
        cedar_parse_take(p);
        TRY(and(p, &right));
        TRY(join(p, CEDAR_OP_OR, ret, &right));
    }
    return ERR_OK;
}

static err_code word(struct cedar_parser *p, const char *word, const char *expected)
{
    if (!cedar_parse_at(p, word))
        return cedar_parse_unexpected(p, expected);
    cedar_parse_take(p);
    return ERR_OK;
}

static err_code conditional(struct cedar_parser *p, struct cedar_parsed *ret)
{
    uint32_t start = cedar_parse_offset(p);
    struct cedar_parsed a, b, c;
    unsigned height;

    cedar_parse_take(p);
    TRY(cedar_parse_expr(p, &a));
    TRY(word(p, "then", "an operator or `then`"));
    TRY(cedar_parse_expr(p, &b));
    TRY(word(p, "else", "an operator or `else`"));
    TRY(cedar_parse_expr(p, &c));
    height = higher(&a, &b);
    TRY(cedar_parse_make(p, CEDAR_OP_IF, start, height > c.height ? height : c.height, ret));
    ret->expr->a = a.expr;
    ret->expr->b = b.expr;
    ret->expr->c = c.expr;
    return ERR_OK;
}

err_code cedar_parse_expr(struct cedar_parser *p, struct cedar_parsed *ret)
{
    if (p->depth == CEDAR_DEPTH_MAX)
        return cedar_parse_refuse(p, &p->token.place, ERR_CEDAR_NESTING,
                                  "more than %d expressions within each other", CEDAR_DEPTH_MAX);
    p->depth++;
    if (cedar_parse_at(p, "if"))
        TRY(conditional(p, ret));
    else
        TRY(or (p, ret));
    p->depth--;
    return ERR_OK;
}
