/* SPDX-License-Identifier: Apache-2.0 */
/* parse_scope.c: what a policy demands of principal, action and resource. */
#include "gate/cedar/parse.h"

#include <stdio.h>

/* "(" any number of times. */
static err_code open_paren(struct cedar_parser *p, unsigned *ret)
{
    unsigned n = 0;

    for (; p->token.kind == CEDAR_T_LPAREN; n++) {
        if (n == CEDAR_DEPTH_MAX)
            return cedar_parse_refuse(p, &p->token.place, ERR_CEDAR_NESTING,
                                      "more than %d parentheses within each other",
                                      CEDAR_DEPTH_MAX);
        cedar_parse_take(p);
    }
    *ret = n;
    return ERR_OK;
}

static err_code close(struct cedar_parser *p, unsigned n)
{
    for (; n > 0; n--)
        TRY(cedar_parse_expect(p, CEDAR_T_RPAREN, "`)`"));
    return ERR_OK;
}

/* An entity without parentheses. */
static err_code bare_entity(struct cedar_parser *p, const char *expected, struct cedar_uid *ret)
{
    struct cedar_path path;

    TRY(cedar_parse_path(p, expected, &path));
    if (!path.has_id)
        return cedar_parse_unexpected(p, "`::` and the entity's id as a string");
    *ret = cedar_uid_of(path.type, path.id);
    return ERR_OK;
}

/* ---- principal and resource ------------------------------------------------------------------ */

struct subject {
    const char *word, *slot_word;
    enum cedar_slot slot;
};

static err_code slot(struct cedar_parser *p, const struct subject *subject, struct cedar_scope *ret)
{
    char expected[64];

    snprintf(expected, sizeof expected, "`%s` or an entity", subject->slot_word);
    if (!slice_eq_str(p->token.text, subject->slot_word))
        return cedar_parse_unexpected(p, expected);
    cedar_parse_take(p);
    ret->slot = subject->slot;
    return ERR_OK;
}

static err_code entity(struct cedar_parser *p, const struct subject *subject,
                       struct cedar_scope *ret)
{
    unsigned n = 0;

    TRY(open_paren(p, &n));
    if (p->token.kind == CEDAR_T_SLOT)
        TRY(slot(p, subject, ret));
    else
        TRY(bare_entity(p, "an entity such as Type::\"id\"", &ret->uid));
    return close(p, n);
}

static err_code subject(struct cedar_parser *p, const struct subject *subject,
                        struct cedar_scope *ret)
{
    char expected[32];

    snprintf(expected, sizeof expected, "`%s`", subject->word);
    if (!cedar_parse_at(p, subject->word))
        return cedar_parse_unexpected(p, expected);
    ret->offset = cedar_parse_offset(p);
    cedar_parse_take(p);
    ret->match = CEDAR_ANY;
    if (p->token.kind == CEDAR_T_EQ) {
        cedar_parse_take(p);
        ret->match = CEDAR_EQ;
        return entity(p, subject, ret);
    }
    if (cedar_parse_at(p, "is")) {
        cedar_parse_take(p);
        ret->match = CEDAR_IS;
        TRY(cedar_parse_type(p, &ret->type));
    }
    if (cedar_parse_at(p, "in")) {
        cedar_parse_take(p);
        ret->match = ret->match == CEDAR_IS ? CEDAR_IS_IN : CEDAR_IN;
        return entity(p, subject, ret);
    }
    return ERR_OK;
}

/* ---- action ---------------------------------------------------------------------------------- */

/* An entity whose type is Action, in whatever namespace. */
static err_code bare_action(struct cedar_parser *p, struct cedar_uid *ret)
{
    struct cedar_place start = p->token.place;
    char type[64];

    TRY(bare_entity(p, "an action such as Action::\"name\"", ret));
    if (cedar_type_is_action(ret->type))
        return ERR_OK;
    cedar_quote(ret->type, type, sizeof type);
    return cedar_parse_refuse(p, &start, ERR_CEDAR_SYNTAX,
                              "found an entity of type `%s`, expected type `Action`", type);
}

/* "[" [action {"," action} [","]] "]", behind the bracket. */
static err_code action_list(struct cedar_parser *p, struct cedar_scope *ret)
{
    size_t base = p->n_items;
    struct cedar_uid *list;

    while (p->token.kind != CEDAR_T_RBRACKET) {
        struct cedar_item item = {.offset = cedar_parse_offset(p)};
        struct cedar_uid *uid = cedar_arena_take(&p->out->arena, sizeof *uid);
        unsigned n = 0;

        if (uid == NULL)
            return cedar_parse_no_memory(p);
        TRY(open_paren(p, &n));
        TRY(bare_action(p, uid));
        TRY(close(p, n));
        item.uid = uid;
        TRY(cedar_parse_push(p, base, &item));
        if (p->token.kind != CEDAR_T_COMMA)
            break;
        cedar_parse_take(p);
    }
    TRY(cedar_parse_expect(p, CEDAR_T_RBRACKET, "`,` or `]`"));
    list = cedar_arena_take(&p->out->arena, (p->n_items - base) * sizeof *list);
    if (list == NULL)
        return cedar_parse_no_memory(p);
    ret->n_list = (uint32_t)(p->n_items - base);
    for (size_t i = 0; i < ret->n_list; i++)
        list[i] = *p->items[base + i].uid;
    ret->list = list;
    p->n_items = base;
    return ERR_OK;
}

static err_code action(struct cedar_parser *p, struct cedar_scope *ret)
{
    unsigned n = 0;

    if (!cedar_parse_at(p, "action"))
        return cedar_parse_unexpected(p, "`action`");
    ret->offset = cedar_parse_offset(p);
    cedar_parse_take(p);
    ret->match = CEDAR_ANY;
    if (p->token.kind == CEDAR_T_EQ)
        ret->match = CEDAR_EQ;
    else if (cedar_parse_at(p, "in"))
        ret->match = CEDAR_IN;
    else
        return ERR_OK;
    cedar_parse_take(p);
    TRY(open_paren(p, &n));
    if (ret->match == CEDAR_IN && p->token.kind == CEDAR_T_LBRACKET) {
        cedar_parse_take(p);
        ret->match = CEDAR_IN_LIST;
        TRY(action_list(p, ret));
    } else {
        TRY(bare_action(p, &ret->uid));
    }
    return close(p, n);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Behind a variable. */
static err_code comma(struct cedar_parser *p, const struct cedar_scope *scope, bool is_action)
{
    const char *expected = "`,`";

    if (scope->match == CEDAR_ANY)
        expected = is_action ? "`,`, `==` or `in`" : "`,`, `==`, `in` or `is`";
    else if (scope->match == CEDAR_IS)
        expected = "`,` or `in`";
    return cedar_parse_expect(p, CEDAR_T_COMMA, expected);
}

err_code cedar_parse_scope(struct cedar_parser *p, struct cedar_policy *policy)
{
    static const struct subject PRINCIPAL = {"principal", "?principal", CEDAR_SLOT_PRINCIPAL},
                                RESOURCE = {"resource", "?resource", CEDAR_SLOT_RESOURCE};
    const char *expected = "`)`";

    TRY(cedar_parse_expect(p, CEDAR_T_LPAREN, "`(`"));
    TRY(subject(p, &PRINCIPAL, &policy->principal));
    TRY(comma(p, &policy->principal, false));
    TRY(action(p, &policy->action));
    TRY(comma(p, &policy->action, true));
    TRY(subject(p, &RESOURCE, &policy->resource));
    policy->is_template =
        policy->principal.slot != CEDAR_NO_SLOT || policy->resource.slot != CEDAR_NO_SLOT;
    if (p->token.kind == CEDAR_T_COMMA)
        cedar_parse_take(p);
    else if (policy->resource.match == CEDAR_ANY)
        expected = "`)`, `==`, `in` or `is`";
    else if (policy->resource.match == CEDAR_IS)
        expected = "`)` or `in`";
    return cedar_parse_expect(p, CEDAR_T_RPAREN, expected);
}
