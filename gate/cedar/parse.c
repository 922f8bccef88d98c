/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c: from text to policies, by recursive descent with one word of look-ahead. */
#include "gate/base/text.h"
#include "gate/cedar/arena.h"
#include "gate/cedar/lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    struct cedar_lex lex;
    struct cedar_token token; /* the word that is to be read next */
    struct cedar_policies *out;
    struct cedar_entity list[CEDAR_LIST_MAX]; /* the action list that is being read */
    struct cedar_place where;
    struct why *why;
};

/* ---- refusals -------------------------------------------------------------------------------- */

[[gnu::format(printf, 4, 5)]] static err_code
refuse(struct parser *p, const struct cedar_place *place, err_code code, const char *format, ...)
{
    char text[300];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    p->where = *place;
    return why_say(p->why, code, "%u:%u: %s", place->line, place->column, text);
}

/* The word as a person would name it. */
static void name_token(const struct cedar_token *token, char *ret, size_t size)
{
    char quoted[64];

    cedar_quote(token->text, quoted, sizeof quoted);
    if (token->kind == CEDAR_T_END)
        snprintf(ret, size, "the end of the text");
    else if (token->kind == CEDAR_T_STRING)
        snprintf(ret, size, "the string %s", quoted);
    else if (token->kind == CEDAR_T_BAD && slice_eq_str(token->text, "\""))
        snprintf(ret, size, "a string without an end");
    else
        snprintf(ret, size, "`%s`", quoted);
}

static err_code unexpected(struct parser *p, const struct cedar_token *token, const char *expected)
{
    char found[100];

    name_token(token, found, sizeof found);
    return refuse(p, &token->place, ERR_CEDAR_SYNTAX, "found %s, expected %s", found, expected);
}

static err_code no_memory(struct parser *p)
{
    return refuse(p, &p->token.place, ERR_NO_MEMORY, "out of memory");
}

/* ---- words ----------------------------------------------------------------------------------- */

static struct cedar_token take(struct parser *p)
{
    struct cedar_token token = p->token;

    p->token = cedar_lex_next(&p->lex);
    return token;
}

static bool at_word(const struct parser *p, const char *word)
{
    return p->token.kind == CEDAR_T_IDENT && slice_eq_str(p->token.text, word);
}

static err_code expect(struct parser *p, enum cedar_token_kind kind, const char *expected)
{
    if (p->token.kind != kind)
        return unexpected(p, &p->token, expected);
    take(p);
    return ERR_OK;
}

static err_code string(struct parser *p, size_t max, struct slice *ret)
{
    struct cedar_token token = take(p);
    struct cedar_place where = token.place;
    const char *what = "";
    uint8_t *bytes = cedar_arena_take(&p->out->arena, token.text.len);
    size_t len = 0;

    if (bytes == NULL)
        return no_memory(p);
    if (cedar_unescape(&token, bytes, &len, &where, &what) != ERR_OK)
        return refuse(p, &where, ERR_CEDAR_SYNTAX, "bad escape: %s", what);
    if (len > max)
        return refuse(p, &token.place, ERR_TOO_LARGE, "a string of %zu bytes, at most %zu", len,
                      max);
    *ret = (struct slice){bytes, len};
    return ERR_OK;
}

/* ---- types and entities ---------------------------------------------------------------------- */

/* What cannot follow although Cedar has it elsewhere: refused by name. */
static err_code not_offered(struct parser *p)
{
    if (slice_eq_str(p->token.text, "?principal") || slice_eq_str(p->token.text, "?resource"))
        return refuse(p, &p->token.place, ERR_CEDAR_UNSUPPORTED,
                      "templates (%.*s) are not evaluated by this version", (int)p->token.text.len,
                      (const char *)p->token.text.ptr);
    if (p->token.kind == CEDAR_T_LPAREN)
        return refuse(p, &p->token.place, ERR_CEDAR_UNSUPPORTED,
                      "parentheses around an entity are not read by this version");
    return ERR_OK;
}

static err_code identifier(struct parser *p, const char *expected, struct slice *ret)
{
    if (p->token.kind != CEDAR_T_IDENT)
        return unexpected(p, &p->token, expected);
    if (cedar_reserved(p->token.text) || slice_eq_str(p->token.text, "__cedar"))
        return refuse(p, &p->token.place, ERR_CEDAR_SYNTAX,
                      "found the reserved word `%.*s`, expected %s", (int)p->token.text.len,
                      (const char *)p->token.text.ptr, expected);
    *ret = take(p).text;
    return ERR_OK;
}

/* IDENT {"::" IDENT}, then, if an entity is wanted, "::" STRING. ret_id NULL: a type is wanted. */
static err_code path(struct parser *p, const char *expected, struct slice *ret_type,
                     struct slice *ret_id)
{
    uint8_t name[CEDAR_NAME_MAX];
    struct cedar_place start = p->token.place;
    size_t len = 0;

    for (;;) {
        struct slice part = {0};

        TRY(identifier(p, len == 0 ? expected : "an identifier or a string behind `::`", &part));
        if (part.len > sizeof name - len)
            return refuse(p, &start, ERR_TOO_LARGE, "a type of more than %d bytes", CEDAR_NAME_MAX);
        memcpy(name + len, part.ptr, part.len);
        len += part.len;
        if (p->token.kind != CEDAR_T_PATH)
            break;
        take(p);
        if (ret_id != NULL && p->token.kind == CEDAR_T_STRING) {
            TRY(string(p, CEDAR_STRING_MAX, ret_id));
            ret_id = NULL;
            break;
        }
        if (sizeof name - len < 2)
            return refuse(p, &start, ERR_TOO_LARGE, "a type of more than %d bytes", CEDAR_NAME_MAX);
        memcpy(name + len, "::", 2);
        len += 2;
    }
    if (ret_id != NULL)
        return unexpected(p, &p->token, "`::` and the entity's id as a string");
    if (cedar_arena_copy(&p->out->arena, (struct slice){name, len}, ret_type) != ERR_OK)
        return no_memory(p);
    return ERR_OK;
}

static err_code entity(struct parser *p, const char *expected, struct cedar_entity *ret)
{
    TRY(not_offered(p));
    return path(p, expected, &ret->type, &ret->id);
}

/* An entity whose type is Action, in whatever namespace. */
static err_code action_entity(struct parser *p, struct cedar_entity *ret)
{
    static const char SUFFIX[] = "::Action";
    struct cedar_place start = p->token.place;
    size_t n = sizeof SUFFIX - 1;
    char type[64];

    TRY(entity(p, "an action such as Action::\"name\"", ret));
    if (slice_eq_str(ret->type, "Action") ||
        (ret->type.len > n && slice_eq_str(slice_part(ret->type, ret->type.len - n, n), SUFFIX)))
        return ERR_OK;
    cedar_quote(ret->type, type, sizeof type);
    return refuse(p, &start, ERR_CEDAR_SYNTAX,
                  "found an entity of type `%s`, expected type `Action`", type);
}

/* ---- the scope ------------------------------------------------------------------------------- */

/* principal or resource, and what is demanded of it. */
static err_code subject(struct parser *p, const char *word, struct cedar_scope *ret)
{
    char expected[32];

    snprintf(expected, sizeof expected, "`%s`", word);
    if (!at_word(p, word))
        return unexpected(p, &p->token, expected);
    take(p);
    ret->match = CEDAR_ANY;
    if (p->token.kind == CEDAR_T_EQ) {
        take(p);
        ret->match = CEDAR_EQ;
        return entity(p, "an entity such as Type::\"id\"", &ret->entity);
    }
    if (at_word(p, "is")) {
        take(p);
        ret->match = CEDAR_IS;
        TRY(path(p, "an entity type", &ret->type, NULL));
    }
    if (at_word(p, "in")) {
        take(p);
        ret->match = ret->match == CEDAR_IS ? CEDAR_IS_IN : CEDAR_IN;
        return entity(p, "an entity such as Type::\"id\"", &ret->entity);
    }
    return ERR_OK;
}

/* "[" [entity {"," entity} [","]] "]", behind the bracket. */
static err_code action_list(struct parser *p, struct cedar_scope *ret)
{
    struct cedar_entity *copy;
    size_t n = 0;

    while (p->token.kind != CEDAR_T_RBRACKET) {
        if (n == CEDAR_LIST_MAX)
            return refuse(p, &p->token.place, ERR_TOO_LARGE, "more than %d actions in one list",
                          CEDAR_LIST_MAX);
        TRY(action_entity(p, &p->list[n]));
        n++;
        if (p->token.kind != CEDAR_T_COMMA)
            break;
        take(p);
    }
    TRY(expect(p, CEDAR_T_RBRACKET, "`,` or `]`"));
    if (n == 0)
        return ERR_OK;
    copy = cedar_arena_take(&p->out->arena, n * sizeof *copy);
    if (copy == NULL)
        return no_memory(p);
    memcpy(copy, p->list, n * sizeof *copy);
    ret->list = copy;
    ret->n_list = n;
    return ERR_OK;
}

static err_code action(struct parser *p, struct cedar_scope *ret)
{
    if (!at_word(p, "action"))
        return unexpected(p, &p->token, "`action`");
    take(p);
    ret->match = CEDAR_ANY;
    if (p->token.kind == CEDAR_T_EQ) {
        take(p);
        ret->match = CEDAR_EQ;
        return action_entity(p, &ret->entity);
    }
    if (!at_word(p, "in"))
        return ERR_OK;
    take(p);
    if (p->token.kind == CEDAR_T_LBRACKET) {
        take(p);
        ret->match = CEDAR_IN_LIST;
        return action_list(p, ret);
    }
    ret->match = CEDAR_IN;
    return action_entity(p, &ret->entity);
}

/* Behind a demand: either it is over, or somebody wrote a demand that Cedar does not have here. */
static err_code comma(struct parser *p, const struct cedar_scope *scope, bool is_action)
{
    const char *expected = "`,`";

    if (scope->match == CEDAR_ANY)
        expected = is_action ? "`,`, `==` or `in`" : "`,`, `==`, `in` or `is`";
    else if (scope->match == CEDAR_IS)
        expected = "`,` or `in`";
    return expect(p, CEDAR_T_COMMA, expected);
}

static err_code scope(struct parser *p, struct cedar_policy *policy)
{
    TRY(expect(p, CEDAR_T_LPAREN, "`(`"));
    TRY(subject(p, "principal", &policy->principal));
    TRY(comma(p, &policy->principal, false));
    TRY(action(p, &policy->action));
    TRY(comma(p, &policy->action, true));
    TRY(subject(p, "resource", &policy->resource));
    if (p->token.kind == CEDAR_T_COMMA)
        take(p);
    else if (policy->resource.match == CEDAR_ANY && p->token.kind != CEDAR_T_RPAREN)
        return unexpected(p, &p->token, "`)`, `==`, `in` or `is`");
    return expect(p, CEDAR_T_RPAREN, "`)`");
}

/* ---- a policy -------------------------------------------------------------------------------- */

/* "@" name ["(" string ")"], behind the "@"; place: of the "@". */
static err_code annotation(struct parser *p, const struct cedar_place *place,
                           struct cedar_policy *policy, bool *has_description)
{
    struct cedar_token name = p->token;
    struct slice value = {0};
    char quoted[64];
    size_t at;
    bool is_id;

    TRY(expect(p, CEDAR_T_IDENT, "the name of an annotation"));
    is_id = slice_eq_str(name.text, "id");
    cedar_quote(name.text, quoted, sizeof quoted);
    if (!is_id && !slice_eq_str(name.text, "description"))
        return refuse(p, place, ERR_CEDAR_ANNOTATION,
                      "found the annotation @%s, expected @id or @description", quoted);
    if (is_id ? policy->has_id : *has_description)
        return refuse(p, place, ERR_CEDAR_SYNTAX,
                      "found the annotation @%s twice, expected it once", quoted);
    if (p->token.kind == CEDAR_T_LPAREN) {
        take(p);
        if (p->token.kind != CEDAR_T_STRING)
            return unexpected(p, &p->token, "a string");
        TRY(string(p, is_id ? CEDAR_ID_MAX : CEDAR_STRING_MAX, &value));
        TRY(expect(p, CEDAR_T_RPAREN, "`)`"));
    }
    if (is_id && value.len == 0)
        return refuse(p, place, ERR_CEDAR_ANNOTATION,
                      "@id says nothing, expected a name for the policy");
    if (is_id && !text_is_plain(value, &at))
        return refuse(p, place, ERR_CEDAR_ANNOTATION,
                      "@id is not plain text at offset %zu, and stands in records", at);
    *(is_id ? &policy->id : &policy->description) = value;
    *(is_id ? &policy->has_id : has_description) = true;
    return ERR_OK;
}

static err_code positional_id(struct parser *p, struct cedar_policy *policy)
{
    char text[32];

    snprintf(text, sizeof text, "policy%zu", p->out->n);
    if (cedar_arena_copy(&p->out->arena, slice_str(text), &policy->id) != ERR_OK)
        return no_memory(p);
    return ERR_OK;
}

/* Behind the scope: nothing but ";" is evaluated here. */
static err_code ending(struct parser *p)
{
    struct cedar_token word = p->token;

    if (!at_word(p, "when") && !at_word(p, "unless"))
        return expect(p, CEDAR_T_SEMICOLON, "`;`");
    take(p);
    TRY(expect(p, CEDAR_T_LBRACE, "`{`"));
    return refuse(p, &word.place, ERR_CEDAR_UNSUPPORTED,
                  "conditions (`%.*s`) are not evaluated by this version", (int)word.text.len,
                  (const char *)word.text.ptr);
}

static err_code policy(struct parser *p, struct cedar_policy *ret)
{
    bool has_description = false, annotated = false;

    while (p->token.kind == CEDAR_T_AT) {
        struct cedar_place place = take(p).place;

        TRY(annotation(p, &place, ret, &has_description));
        annotated = true;
    }
    ret->place = p->token.place;
    if (at_word(p, "permit"))
        ret->effect = CEDAR_EFFECT_PERMIT;
    else if (!at_word(p, "forbid"))
        return unexpected(p, &p->token,
                          annotated ? "`permit`, `forbid` or `@`"
                                    : "`permit`, `forbid`, `@` or the end");
    take(p);
    TRY(scope(p, ret));
    TRY(ending(p));
    return ret->has_id ? ERR_OK : positional_id(p, ret);
}

/* ---- the text -------------------------------------------------------------------------------- */

static err_code policies(struct parser *p)
{
    size_t most = 0;

    /* Each policy ends with a semicolon of its own, so there are no more than these. */
    for (size_t i = 0; i < p->lex.text.len && most < CEDAR_POLICIES_MAX; i++)
        most += p->lex.text.ptr[i] == ';';
    p->out->list = cedar_arena_take(&p->out->arena, (most + 1) * sizeof *p->out->list);
    if (p->out->list == NULL)
        return no_memory(p);
    while (p->token.kind != CEDAR_T_END) {
        if (p->out->n == CEDAR_POLICIES_MAX)
            return refuse(p, &p->token.place, ERR_TOO_LARGE, "more than %d policies",
                          CEDAR_POLICIES_MAX);
        TRY(policy(p, &p->out->list[p->out->n]));
        p->out->n++;
    }
    return ERR_OK;
}

static err_code parse(struct parser *p, struct slice text)
{
    struct cedar_place bad = {.line = 1, .column = 1};

    if (text.len > CEDAR_TEXT_MAX)
        return refuse(p, &bad, ERR_TOO_LARGE, "a text of %zu bytes, at most %zu", text.len,
                      CEDAR_TEXT_MAX);
    if (cedar_lex_start(text, &p->lex, &bad, &p->out->hidden) != ERR_OK)
        return refuse(p, &bad, ERR_CEDAR_SYNTAX, "found byte 0x%02x, expected UTF-8",
                      text.ptr[bad.offset]);
    take(p);
    return policies(p);
}

static void parser_free(struct parser **p)
{
    free(*p);
}

err_code cedar_parse(struct slice text, struct cedar_policies **ret, struct cedar_place *where,
                     struct why *why)
{
    CLEANUP(cedar_free) struct cedar_policies *out = calloc(1, sizeof *out);
    CLEANUP(parser_free) struct parser *p = calloc(1, sizeof *p);
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

void cedar_free(struct cedar_policies **policies)
{
    if (*policies != NULL)
        cedar_arena_free(&(*policies)->arena);
    free(*policies);
    *policies = NULL;
}

size_t cedar_count(const struct cedar_policies *policies)
{
    return policies->n;
}

const struct cedar_policy *cedar_at(const struct cedar_policies *policies, size_t i)
{
    return i < policies->n ? &policies->list[i] : NULL;
}
