/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format.c: policy texts in one form. It works on words, so that parentheses, escapes and numbers
 * stay as they were written; only blanks change, comments may move behind or before a comma, and
 * the comma before a closing bracket goes. Whatever it makes of a text is read back and compared.
 */
#include "gate/cedar/format.h"

#include "gate/cedar/policies.h"
#include "gate/cedar/same.h"

#include <stdlib.h>

struct format {
    struct cedar_words *words;
    struct cedar_pieces pieces;
    size_t next; /* word */
};

/* ---- words ----------------------------------------------------------------------------------- */

static const struct cedar_word *word(const struct format *f)
{
    return &f->words->list[f->next];
}

static bool at(const struct format *f, enum cedar_token_kind kind)
{
    return word(f)->kind == kind;
}

static bool at_word(const struct format *f, const char *text)
{
    return at(f, CEDAR_T_IDENT) && slice_eq_str(cedar_word_text(f->words, word(f)), text);
}

static err_code add(struct format *f, enum cedar_piece_kind kind, uint32_t of)
{
    struct cedar_pieces *p = &f->pieces;

    if (p->n == p->cap) {
        size_t cap = p->cap == 0 ? 256 : 2 * p->cap;
        struct cedar_piece *list = reallocarray(p->list, cap, sizeof *list);

        if (list == NULL)
            return ERR_NO_MEMORY;
        p->list = list;
        p->cap = cap;
    }
    p->list[p->n++] = (struct cedar_piece){kind, of};
    return ERR_OK;
}

static err_code put(struct format *f, enum cedar_piece_kind kind)
{
    return add(f, kind, 0);
}

/* The next word. The end of the text stays the next one for ever. */
static err_code take(struct format *f)
{
    TRY(add(f, CEDAR_P_WORD, (uint32_t)f->next));
    f->next += f->next + 1 < f->words->n;
    return ERR_OK;
}

/* The text was parsed before, so another word is here only if this is not the same grammar. */
static err_code expect(struct format *f, enum cedar_token_kind kind)
{
    return at(f, kind) ? take(f) : ERR_INTERNAL;
}

static err_code begin(struct format *f, size_t *ret)
{
    *ret = f->pieces.n;
    return put(f, CEDAR_P_BEGIN);
}

static err_code end(struct format *f, size_t begun)
{
    f->pieces.list[begun].of = (uint32_t)f->pieces.n;
    return put(f, CEDAR_P_END);
}

/* ---- brackets -------------------------------------------------------------------------------- */

/* Leaves out a comma. Its comments go to the word before it or behind it. */
static void drop_comma(struct format *f)
{
    struct cedar_word *comma = &f->words->list[f->next], *before = comma - 1, *behind = comma + 1;

    f->next++;
    if (comma->n == 0 && comma->behind == 0)
        return;
    if (comma->n == 0 && before->behind == 0) {
        before->behind = comma->behind;
        return;
    }
    /* all of them stand next to each other in the list of comments */
    behind->n += comma->n + (comma->behind != 0);
    behind->first = comma->first;
}

static err_code expr(struct format *f);

static err_code element(struct format *f)
{
    if (at(f, CEDAR_T_IDENT) || at(f, CEDAR_T_STRING)) {
        if (f->words->list[f->next + 1].kind == CEDAR_T_COLON) {
            TRY(take(f));
            TRY(take(f));
            TRY(put(f, CEDAR_P_SPACE));
        }
    }
    return expr(f);
}

/* A list in brackets of any kind, its elements read by one. */
static err_code bracketed(struct format *f, enum cedar_token_kind close,
                          err_code (*one)(struct format *f))
{
    size_t group = 0;

    TRY(begin(f, &group));
    TRY(take(f));
    TRY(put(f, CEDAR_P_IN));
    for (bool first = true; !at(f, close); first = false) {
        TRY(put(f, first ? CEDAR_P_SOFT : CEDAR_P_LINE));
        TRY(one(f));
        if (!at(f, CEDAR_T_COMMA))
            break;
        if (f->words->list[f->next + 1].kind == close)
            drop_comma(f);
        else
            TRY(take(f));
    }
    TRY(put(f, CEDAR_P_OUT));
    TRY(put(f, CEDAR_P_SOFT));
    TRY(expect(f, close));
    return end(f, group);
}

/* ---- expressions ----------------------------------------------------------------------------- */

/* Names, "::", and perhaps a string. */
static err_code path(struct format *f)
{
    TRY(take(f));
    while (at(f, CEDAR_T_PATH)) {
        TRY(take(f));
        TRY(take(f));
    }
    return ERR_OK;
}

static err_code access(struct format *f)
{
    for (;;) {
        if (at(f, CEDAR_T_DOT)) {
            TRY(take(f));
            TRY(take(f));
        } else if (at(f, CEDAR_T_LBRACKET)) {
            TRY(take(f));
            TRY(take(f));
            TRY(expect(f, CEDAR_T_RBRACKET));
        } else if (at(f, CEDAR_T_LPAREN)) {
            TRY(bracketed(f, CEDAR_T_RPAREN, expr));
        } else {
            return ERR_OK;
        }
    }
}

static err_code unary(struct format *f)
{
    while (at(f, CEDAR_T_NOT) || at(f, CEDAR_T_MINUS))
        TRY(take(f));
    if (at(f, CEDAR_T_LPAREN))
        TRY(bracketed(f, CEDAR_T_RPAREN, expr));
    else if (at(f, CEDAR_T_LBRACKET))
        TRY(bracketed(f, CEDAR_T_RBRACKET, expr));
    else if (at(f, CEDAR_T_LBRACE))
        TRY(bracketed(f, CEDAR_T_RBRACE, element));
    else if (at(f, CEDAR_T_IDENT))
        TRY(path(f));
    else
        TRY(take(f));
    return access(f);
}

/* operand {operator operand}; the operators, a or b, stand at the ends of lines. */
struct chain {
    enum cedar_token_kind a, b;
    err_code (*operand)(struct format *f);
    bool indented;
};

static err_code chain(struct format *f, const struct chain *chain)
{
    size_t group = 0;

    TRY(begin(f, &group));
    TRY(chain->operand(f));
    if (chain->indented)
        TRY(put(f, CEDAR_P_IN));
    while (at(f, chain->a) || at(f, chain->b)) {
        TRY(put(f, CEDAR_P_SPACE));
        TRY(take(f));
        TRY(put(f, CEDAR_P_LINE));
        TRY(chain->operand(f));
    }
    if (chain->indented)
        TRY(put(f, CEDAR_P_OUT));
    return end(f, group);
}

static err_code product(struct format *f)
{
    return chain(f, &(struct chain){CEDAR_T_TIMES, CEDAR_T_TIMES, unary, true});
}

static err_code sum(struct format *f)
{
    return chain(f, &(struct chain){CEDAR_T_PLUS, CEDAR_T_MINUS, product, true});
}

static bool at_bracket(const struct format *f)
{
    return at(f, CEDAR_T_LPAREN) || at(f, CEDAR_T_LBRACKET) || at(f, CEDAR_T_LBRACE);
}

/* An operator, and behind it a sum that may stand on the next line, unless it begins with a
 * bracket, behind which the line may end. */
static err_code operator_sum(struct format *f)
{
    size_t group = 0;

    TRY(put(f, CEDAR_P_SPACE));
    TRY(take(f));
    if (at_bracket(f)) {
        TRY(put(f, CEDAR_P_SPACE));
        return sum(f);
    }
    TRY(begin(f, &group));
    TRY(put(f, CEDAR_P_IN));
    TRY(put(f, CEDAR_P_LINE));
    TRY(sum(f));
    TRY(put(f, CEDAR_P_OUT));
    return end(f, group);
}

/* An operator, and behind it names or a string. */
static err_code operator_name(struct format *f)
{
    TRY(put(f, CEDAR_P_SPACE));
    TRY(take(f));
    TRY(put(f, CEDAR_P_SPACE));
    TRY(path(f));
    while (at(f, CEDAR_T_DOT)) {
        TRY(take(f));
        TRY(take(f));
    }
    return ERR_OK;
}

static bool at_comparison(const struct format *f)
{
    return at(f, CEDAR_T_EQ) || at(f, CEDAR_T_NE) || at(f, CEDAR_T_LT) || at(f, CEDAR_T_LE) ||
           at(f, CEDAR_T_GT) || at(f, CEDAR_T_GE) || at_word(f, "in");
}

static err_code relation(struct format *f)
{
    size_t group = 0;

    TRY(begin(f, &group));
    TRY(sum(f));
    if (at_word(f, "has") || at_word(f, "like") || at_word(f, "is"))
        TRY(operator_name(f));
    if (at_comparison(f))
        TRY(operator_sum(f));
    return end(f, group);
}

static err_code and (struct format * f)
{
    return chain(f, &(struct chain){CEDAR_T_AND, CEDAR_T_AND, relation, false});
}

/* if, then or else, and the expression behind it. What is broken anyway, by brackets or by another
 * if, is not moved to the right for it. */
static err_code branch(struct format *f)
{
    bool indented;

    TRY(take(f));
    TRY(put(f, CEDAR_P_SPACE));
    indented = !at_bracket(f) && !at_word(f, "if");
    if (indented)
        TRY(put(f, CEDAR_P_IN));
    TRY(expr(f));
    return indented ? put(f, CEDAR_P_OUT) : ERR_OK;
}

static err_code conditional(struct format *f)
{
    size_t group = 0;

    TRY(begin(f, &group));
    TRY(branch(f));
    TRY(put(f, CEDAR_P_LINE));
    TRY(branch(f));
    TRY(put(f, CEDAR_P_LINE));
    TRY(branch(f));
    return end(f, group);
}

static err_code expr(struct format *f)
{
    if (at_word(f, "if"))
        return conditional(f);
    return chain(f, &(struct chain){CEDAR_T_OR, CEDAR_T_OR, and, false});
}

/* ---- policies -------------------------------------------------------------------------------- */

/* principal, action or resource, and what is demanded of it. */
static err_code variable(struct format *f)
{
    TRY(take(f));
    if (at_word(f, "is"))
        TRY(operator_name(f));
    if (!at(f, CEDAR_T_EQ) && !at_word(f, "in"))
        return ERR_OK;
    TRY(put(f, CEDAR_P_SPACE));
    TRY(take(f));
    TRY(put(f, CEDAR_P_SPACE));
    return unary(f);
}

static err_code annotation(struct format *f)
{
    TRY(take(f));
    TRY(take(f));
    if (at(f, CEDAR_T_LPAREN)) {
        TRY(take(f));
        TRY(take(f));
        TRY(take(f));
    }
    return put(f, CEDAR_P_HARD);
}

static err_code condition(struct format *f)
{
    size_t group = 0;

    TRY(put(f, CEDAR_P_HARD));
    TRY(take(f));
    TRY(put(f, CEDAR_P_SPACE));
    TRY(begin(f, &group));
    TRY(expect(f, CEDAR_T_LBRACE));
    TRY(put(f, CEDAR_P_IN));
    TRY(put(f, CEDAR_P_LINE));
    TRY(expr(f));
    TRY(put(f, CEDAR_P_OUT));
    TRY(put(f, CEDAR_P_LINE));
    TRY(expect(f, CEDAR_T_RBRACE));
    return end(f, group);
}

static err_code policy(struct format *f)
{
    size_t first = f->pieces.n;

    while (at(f, CEDAR_T_AT))
        TRY(annotation(f));
    TRY(take(f));
    TRY(put(f, CEDAR_P_SPACE));
    TRY(bracketed(f, CEDAR_T_RPAREN, variable));
    while (at_word(f, "when") || at_word(f, "unless"))
        TRY(condition(f));
    f->pieces.list[first].kind = CEDAR_P_TOP;
    return expect(f, CEDAR_T_SEMICOLON);
}

static err_code policies(struct format *f)
{
    const struct cedar_word *last = &f->words->list[f->words->n - 1];

    for (bool first = true; !at(f, CEDAR_T_END); first = false) {
        if (!first)
            TRY(put(f, CEDAR_P_BLANK));
        TRY(policy(f));
    }
    if (last->n > 0 && f->words->n > 1)
        TRY(put(f, CEDAR_P_BLANK));
    TRY(add(f, CEDAR_P_TOP, (uint32_t)f->next));
    if (last->n > 0 || f->words->n > 1)
        TRY(put(f, CEDAR_P_HARD));
    return ERR_OK;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void format_free(struct format *f)
{
    free(f->pieces.list);
}

static err_code rewrite(struct slice text, struct buf *ret)
{
    CLEANUP(cedar_words_free) struct cedar_words words = {0};
    CLEANUP(format_free) struct format f = {.words = &words};

    TRY(cedar_words_read(text, &words));
    TRY(policies(&f));
    return cedar_layout(&words, &f.pieces, ret);
}

/* The same comments in the same order. */
static err_code same_comments(struct slice a, struct slice b, bool *ret)
{
    CLEANUP(cedar_words_free) struct cedar_words x = {0}, y = {0};

    TRY(cedar_words_read(a, &x));
    TRY(cedar_words_read(b, &y));
    *ret = x.n_comments == y.n_comments;
    for (size_t i = 0; *ret && i < x.n_comments; i++)
        *ret = slice_eq(cedar_comment_text(&x, &x.comments[i]),
                        cedar_comment_text(&y, &y.comments[i]));
    return ERR_OK;
}

/* Reads the result back. */
static err_code check(const struct cedar_policies *before, struct slice result, struct why *why)
{
    CLEANUP(cedar_free) struct cedar_policies *after = NULL;
    bool same = false;
    err_code err;

    if (result.len > CEDAR_TEXT_MAX)
        return why_say(why, ERR_CEDAR_TEXT_SIZE, "formatted it has %zu bytes, at most %zu",
                       result.len, CEDAR_TEXT_MAX);
    err = cedar_parse(result, &after, NULL, NULL);
    if (err == ERR_NO_MEMORY)
        return err;
    if (err != ERR_OK || !cedar_policies_same(before, after))
        return why_say(why, ERR_INTERNAL, "formatting would have changed what the policies say");
    TRY(same_comments(cedar_source(before), result, &same));
    if (!same)
        return why_say(why, ERR_INTERNAL, "formatting would have lost a comment");
    return ERR_OK;
}

err_code cedar_format(struct slice text, struct buf *ret, struct cedar_place *where,
                      struct why *why)
{
    CLEANUP(cedar_free) struct cedar_policies *before = NULL;
    CLEANUP(buf_free) struct buf result = {0};
    err_code err;

    if (where != NULL)
        *where = (struct cedar_place){0};
    TRY(cedar_parse(text, &before, where, why));
    err = rewrite(text, &result);
    if (err == ERR_TOO_LARGE)
        return why_say(why, ERR_CEDAR_TEXT_SIZE, "formatted it has more than %zu bytes",
                       CEDAR_TEXT_MAX);
    if (err != ERR_OK)
        return why_say(why, err, "the text could not be formatted");
    TRY(check(before, buf_slice(&result), why));
    return buf_add_slice(ret, buf_slice(&result));
}
