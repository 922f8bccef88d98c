/* SPDX-License-Identifier: Apache-2.0 */
/* parse_word.c: words, names and strings of a policy text, and how it is refused. */
#include "gate/cedar/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- refusals -------------------------------------------------------------------------------- */

err_code cedar_parse_refuse(struct cedar_parser *p, const struct cedar_place *place, err_code code,
                            const char *format, ...)
{
    char text[300];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    p->where = *place;
    return why_say(p->why, code, "%u:%u: %s", place->line, place->column, text);
}

struct cedar_place cedar_parse_place(const struct cedar_parser *p, uint32_t offset)
{
    struct cedar_place place = {.line = 1, .column = 1};

    cedar_place_skip(&place, slice_part(p->lex.text, 0, offset));
    return place;
}

err_code cedar_parse_unexpected(struct cedar_parser *p, const char *expected)
{
    char found[100];

    cedar_token_name(&p->token, found, sizeof found);
    return cedar_parse_refuse(p, &p->token.place, ERR_CEDAR_SYNTAX, "found %s, expected %s", found,
                              expected);
}

err_code cedar_parse_no_memory(struct cedar_parser *p)
{
    return cedar_parse_refuse(p, &p->token.place, ERR_NO_MEMORY, "out of memory");
}

/* ---- words ----------------------------------------------------------------------------------- */

struct cedar_token cedar_parse_take(struct cedar_parser *p)
{
    struct cedar_token token = p->token;

    p->end = token.place.offset + token.text.len;
    p->token = cedar_lex_next(&p->lex);
    return token;
}

uint32_t cedar_parse_offset(const struct cedar_parser *p)
{
    return (uint32_t)p->token.place.offset;
}

bool cedar_parse_at(const struct cedar_parser *p, const char *word)
{
    return p->token.kind == CEDAR_T_IDENT && slice_eq_str(p->token.text, word);
}

err_code cedar_parse_expect(struct cedar_parser *p, enum cedar_token_kind kind,
                            const char *expected)
{
    if (p->token.kind != kind)
        return cedar_parse_unexpected(p, expected);
    cedar_parse_take(p);
    return ERR_OK;
}

err_code cedar_parse_string(struct cedar_parser *p, struct slice *ret)
{
    struct cedar_token token = cedar_parse_take(p);
    struct cedar_unescaped out = {0};
    struct cedar_place where = token.place;
    const char *what = "";

    if (memchr(token.text.ptr, '\\', token.text.len) == NULL &&
        memchr(token.text.ptr, '\r', token.text.len) == NULL) {
        *ret = slice_part(token.text, 1, token.text.len - 2);
        return ERR_OK;
    }
    out.bytes = cedar_arena_take(&p->out->arena, token.text.len);
    if (out.bytes == NULL)
        return cedar_parse_no_memory(p);
    if (cedar_unescape(&token, &out, &where, &what) != ERR_OK)
        return cedar_parse_refuse(p, &where, ERR_CEDAR_SYNTAX, "bad escape: %s", what);
    *ret = (struct slice){out.bytes, out.len};
    return ERR_OK;
}

err_code cedar_parse_ident(struct cedar_parser *p, const char *expected, struct slice *ret)
{
    if (p->token.kind != CEDAR_T_IDENT)
        return cedar_parse_unexpected(p, expected);
    if (cedar_reserved(p->token.text) || slice_eq_str(p->token.text, "__cedar"))
        return cedar_parse_refuse(
            p, &p->token.place, ERR_CEDAR_SYNTAX, "found the reserved word `%.*s`, expected %s",
            (int)p->token.text.len, (const char *)p->token.text.ptr, expected);
    *ret = cedar_parse_take(p).text;
    return ERR_OK;
}

/* ---- names with namespaces ------------------------------------------------------------------- */

/* Puts a part behind what is there already, which borrows from the text as long as it can. */
static err_code longer(struct cedar_parser *p, const struct cedar_place *start, struct slice part,
                       struct slice *name)
{
    size_t len = name->len + 2 + part.len;
    uint8_t *joined;

    if (len > CEDAR_NAME_MAX)
        return cedar_parse_refuse(p, start, ERR_CEDAR_TEXT_SIZE, "a name of more than %d bytes",
                                  CEDAR_NAME_MAX);
    if (slice_eq(slice_part(p->lex.text, start->offset, name->len), *name) &&
        slice_eq_str(slice_part(p->lex.text, start->offset + name->len, 2), "::") &&
        slice_eq(slice_part(p->lex.text, start->offset + name->len + 2, part.len), part)) {
        *name = slice_part(p->lex.text, start->offset, len);
        return ERR_OK;
    }
    joined = cedar_arena_take(&p->out->arena, len);
    if (joined == NULL)
        return cedar_parse_no_memory(p);
    memcpy(joined, name->ptr, name->len);
    memcpy(joined + name->len, "::", 2);
    memcpy(joined + name->len + 2, part.ptr, part.len);
    *name = (struct slice){joined, len};
    return ERR_OK;
}

err_code cedar_parse_path(struct cedar_parser *p, const char *expected, struct cedar_path *ret)
{
    struct cedar_place start = p->token.place;

    *ret = (struct cedar_path){0};
    TRY(cedar_parse_ident(p, expected, &ret->type));
    if (ret->type.len > CEDAR_NAME_MAX)
        return cedar_parse_refuse(p, &start, ERR_CEDAR_TEXT_SIZE, "a name of more than %d bytes",
                                  CEDAR_NAME_MAX);
    while (p->token.kind == CEDAR_T_PATH) {
        struct slice part = {0};

        cedar_parse_take(p);
        if (p->token.kind == CEDAR_T_STRING) {
            ret->has_id = true;
            return cedar_parse_string(p, &ret->id);
        }
        TRY(cedar_parse_ident(p, "an identifier or a string behind `::`", &part));
        TRY(longer(p, &start, part, &ret->type));
    }
    return ERR_OK;
}

err_code cedar_parse_type(struct cedar_parser *p, struct slice *ret)
{
    struct cedar_place start = p->token.place;
    struct cedar_path path;

    TRY(cedar_parse_path(p, "an entity type", &path));
    if (path.has_id)
        return cedar_parse_refuse(p, &start, ERR_CEDAR_SYNTAX,
                                  "found an entity, expected an entity type");
    *ret = path.type;
    return ERR_OK;
}

/* ---- lists ----------------------------------------------------------------------------------- */

err_code cedar_parse_push(struct cedar_parser *p, size_t base, const struct cedar_item *item)
{
    if (p->n_items - base == CEDAR_LIST_MAX) {
        struct cedar_place place = cedar_parse_place(p, item->offset);

        return cedar_parse_refuse(p, &place, ERR_CEDAR_LIST_SIZE, "a list of more than %d",
                                  CEDAR_LIST_MAX);
    }
    if (p->n_items == p->cap_items) {
        size_t cap = p->cap_items == 0 ? 64 : 2 * p->cap_items;
        struct cedar_item *items = reallocarray(p->items, cap, sizeof *items);

        if (items == NULL)
            return cedar_parse_no_memory(p);
        p->items = items;
        p->cap_items = cap;
    }
    p->items[p->n_items++] = *item;
    return ERR_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct cedar_item *const *x = a, *const *y = b;
    int order = slice_cmp((*x)->name, (*y)->name);

    return order != 0 ? order : ((*x)->offset > (*y)->offset) - ((*x)->offset < (*y)->offset);
}

static void pointers_free(const struct cedar_item ***pointers)
{
    free((void *)*pointers);
}

err_code cedar_parse_distinct(struct cedar_parser *p, size_t base, const char *what)
{
    size_t n = p->n_items - base;
    CLEANUP(pointers_free)
    const struct cedar_item **sorted = reallocarray(NULL, n + 1, sizeof *sorted);
    const struct cedar_item *twice = NULL;
    struct cedar_place place;
    char name[64];

    if (sorted == NULL)
        return cedar_parse_no_memory(p);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &p->items[base + i];
    qsort((void *)sorted, n, sizeof *sorted, by_name);
    for (size_t i = 1; i < n; i++)
        if (slice_eq(sorted[i - 1]->name, sorted[i]->name) &&
            (twice == NULL || sorted[i]->offset < twice->offset))
            twice = sorted[i];
    if (twice == NULL)
        return ERR_OK;
    place = cedar_parse_place(p, twice->offset);
    cedar_quote(twice->name, name, sizeof name);
    return cedar_parse_refuse(p, &place, ERR_CEDAR_SYNTAX,
                              "found the %s `%s` twice, expected it once", what, name);
}
