/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c: from text to policies: annotations, conditions, and the whole. */
#include "gate/cedar/parse.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- a policy -------------------------------------------------------------------------------- */

/* "@" name ["(" string ")"]; every identifier may be the name, also a reserved one. */
static err_code annotation(struct cedar_parser *p)
{
    struct cedar_item item = {.offset = cedar_parse_offset(p)};
    struct cedar_annotation *annotation = cedar_arena_take(&p->out->arena, sizeof *annotation);

    if (annotation == NULL)
        return cedar_parse_no_memory(p);
    cedar_parse_take(p);
    if (p->token.kind != CEDAR_T_IDENT)
        return cedar_parse_unexpected(p, "the name of an annotation");
    *annotation =
        (struct cedar_annotation){.name = cedar_parse_take(p).text, .offset = item.offset};
    if (p->token.kind == CEDAR_T_LPAREN) {
        cedar_parse_take(p);
        if (p->token.kind != CEDAR_T_STRING)
            return cedar_parse_unexpected(p, "a string");
        TRY(cedar_parse_string(p, &annotation->value));
        annotation->has_value = true;
        TRY(cedar_parse_expect(p, CEDAR_T_RPAREN, "`)`"));
    }
    item.name = annotation->name;
    item.annotation = annotation;
    return cedar_parse_push(p, 0, &item);
}

static err_code annotations(struct cedar_parser *p, struct cedar_policy *ret)
{
    struct cedar_annotation *list;

    while (p->token.kind == CEDAR_T_AT)
        TRY(annotation(p));
    if (p->n_items == 0)
        return ERR_OK;
    TRY(cedar_parse_distinct(p, 0, "annotation"));
    list = cedar_arena_take(&p->out->arena, p->n_items * sizeof *list);
    if (list == NULL)
        return cedar_parse_no_memory(p);
    ret->annotations = list;
    ret->n_annotations = (uint32_t)p->n_items;
    for (size_t i = 0; i < p->n_items; i++)
        list[i] = *p->items[i].annotation;
    p->n_items = 0;
    return ERR_OK;
}

/* {("when" | "unless") "{" expression "}"}, and the semicolon. */
static err_code conditions(struct cedar_parser *p, struct cedar_policy *ret)
{
    struct cedar_condition *list;

    while (cedar_parse_at(p, "when") || cedar_parse_at(p, "unless")) {
        struct cedar_item item = {.offset = cedar_parse_offset(p),
                                  .unless = cedar_parse_at(p, "unless")};
        struct cedar_parsed tree;

        cedar_parse_take(p);
        TRY(cedar_parse_expect(p, CEDAR_T_LBRACE, "`{`"));
        TRY(cedar_parse_expr(p, &tree));
        TRY(cedar_parse_expect(p, CEDAR_T_RBRACE, "an operator or `}`"));
        item.expr = tree.expr;
        TRY(cedar_parse_push(p, 0, &item));
    }
    TRY(cedar_parse_expect(p, CEDAR_T_SEMICOLON, "`when`, `unless` or `;`"));
    list = cedar_arena_take(&p->out->arena, p->n_items * sizeof *list);
    if (list == NULL)
        return cedar_parse_no_memory(p);
    ret->conditions = list;
    ret->n_conditions = (uint32_t)p->n_items;
    for (size_t i = 0; i < p->n_items; i++)
        list[i] =
            (struct cedar_condition){p->items[i].unless, p->items[i].expr, p->items[i].offset};
    p->n_items = 0;
    return ERR_OK;
}

static err_code name(struct cedar_parser *p, struct cedar_policy *ret)
{
    char text[32];

    snprintf(text, sizeof text, "policy%zu", p->out->n);
    if (cedar_arena_copy(&p->out->arena, slice_str(text), &ret->id) != ERR_OK)
        return cedar_parse_no_memory(p);
    ret->name = cedar_policy_name(ret);
    return ERR_OK;
}

static err_code policy(struct cedar_parser *p, struct cedar_policy *ret)
{
    ret->place = p->token.place;
    ret->offset = cedar_parse_offset(p);
    TRY(annotations(p, ret));
    if (cedar_parse_at(p, "permit"))
        ret->effect = CEDAR_EFFECT_PERMIT;
    else if (!cedar_parse_at(p, "forbid"))
        return cedar_parse_unexpected(p, ret->n_annotations > 0
                                             ? "`permit`, `forbid` or `@`"
                                             : "`permit`, `forbid`, `@` or the end");
    cedar_parse_take(p);
    TRY(cedar_parse_scope(p, ret));
    TRY(conditions(p, ret));
    ret->end = (uint32_t)p->end;
    return name(p, ret);
}

/* ---- the text -------------------------------------------------------------------------------- */

static err_code policies(struct cedar_parser *p)
{
    size_t most = 0;

    /* Each policy ends with a semicolon of its own, so there are no more than these. */
    for (size_t i = 0; i < p->lex.text.len && most < CEDAR_POLICIES_MAX; i++)
        most += p->lex.text.ptr[i] == ';';
    p->out->list = cedar_arena_take(&p->out->arena, (most + 1) * sizeof *p->out->list);
    if (p->out->list == NULL)
        return cedar_parse_no_memory(p);
    while (p->token.kind != CEDAR_T_END) {
        if (p->out->n == CEDAR_POLICIES_MAX)
            return cedar_parse_refuse(p, &p->token.place, ERR_CEDAR_COUNT, "more than %d policies",
                                      CEDAR_POLICIES_MAX);
        TRY(policy(p, &p->out->list[p->out->n]));
        p->out->n++;
    }
    return ERR_OK;
}

static err_code parse(struct cedar_parser *p, struct slice text)
{
    struct cedar_place bad = {.line = 1, .column = 1};

    if (text.len > CEDAR_TEXT_MAX)
        return cedar_parse_refuse(p, &bad, ERR_CEDAR_TEXT_SIZE, "a text of %zu bytes, at most %zu",
                                  text.len, CEDAR_TEXT_MAX);
    if (cedar_arena_copy(&p->out->arena, text, &p->out->source) != ERR_OK)
        return cedar_parse_no_memory(p);
    if (cedar_lex_start(p->out->source, &p->lex, &bad, &p->out->hidden) != ERR_OK)
        return cedar_parse_refuse(p, &bad, ERR_CEDAR_SYNTAX, "found byte 0x%02x, expected UTF-8",
                                  text.ptr[bad.offset]);
    cedar_parse_take(p);
    TRY(policies(p));
    return cedar_finish(p->out, p->why);
}

static void parser_free(struct cedar_parser **p)
{
    if (*p != NULL)
        free((*p)->items);
    free(*p);
}

err_code cedar_parse(struct slice text, struct cedar_policies **ret, struct cedar_place *where,
                     struct why *why)
{
    CLEANUP(cedar_free) struct cedar_policies *out = calloc(1, sizeof *out);
    CLEANUP(parser_free) struct cedar_parser *p = calloc(1, sizeof *p);
    err_code err;

    if (out == NULL || p == NULL)
        return why_say(why, ERR_NO_MEMORY, "out of memory");
    p->out = out;
    p->why = why;
    err = parse(p, text);
    if (err != ERR_OK) {
        if (where != NULL)
            *where = p->where;
        return err;
    }
    *ret = out;
    out = NULL;
    return ERR_OK;
}
