/* SPDX-License-Identifier: Apache-2.0 */
/* schema_names.c: the names that a schema declares, and what the names mean that it uses. */
#include "gate/cedar/schema_resolve.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum cedar_type_kind kind;
} BUILTINS[] = {
    {"Bool", CEDAR_TYPE_BOOL},       {"Long", CEDAR_TYPE_LONG},
    {"String", CEDAR_TYPE_STRING},   {"datetime", CEDAR_TYPE_DATETIME},
    {"decimal", CEDAR_TYPE_DECIMAL}, {"duration", CEDAR_TYPE_DURATION},
    {"ipaddr", CEDAR_TYPE_IP},
};

/* NEVER if there is none. */
static enum cedar_type_kind builtin(struct slice name)
{
    for (size_t i = 0; i < sizeof BUILTINS / sizeof *BUILTINS; i++)
        if (slice_eq_str(name, BUILTINS[i].name))
            return BUILTINS[i].kind;
    return CEDAR_TYPE_NEVER;
}

static struct slice base_of(const struct cedar_symbol *symbol)
{
    return slice_part(symbol->name, symbol->base, symbol->name.len - symbol->base);
}

/* ---- what is declared ------------------------------------------------------------------------ */

static err_code check_part(const struct cedar_resolve *r, struct slice part, uint32_t offset)
{
    if (slice_eq_str(part, "__cedar"))
        return cedar_tree_fail(r->tree, offset, ERR_CEDAR_SCHEMA,
                               "`__cedar` is reserved: nothing is declared in it, or as it");
    return ERR_OK;
}

static err_code check_length(const struct cedar_resolve *r, struct slice name, uint32_t offset)
{
    if (name.len > CEDAR_NAME_MAX)
        return cedar_tree_fail(r->tree, offset, ERR_CEDAR_TEXT_SIZE,
                               "a name of %zu bytes, the limit is %d", name.len, CEDAR_NAME_MAX);
    return ERR_OK;
}

/* space::name, or name alone. */
static err_code qualify(struct cedar_resolve *r, struct slice space, struct slice name,
                        struct slice *ret)
{
    size_t prefix = space.len == 0 ? 0 : space.len + 2;
    uint8_t *whole = cedar_arena_take(&r->scratch, prefix + name.len);

    if (whole == NULL)
        return ERR_NO_MEMORY;
    if (prefix > 0) {
        memcpy(whole, space.ptr, space.len);
        memcpy(whole + space.len, "::", 2);
    }
    memcpy(whole + prefix, name.ptr, name.len);
    *ret = (struct slice){whole, prefix + name.len};
    return ERR_OK;
}

static err_code symbol_of(struct cedar_resolve *r, struct slice space,
                          const struct cedar_tree_name *name, struct cedar_symbol *ret)
{
    TRY(check_part(r, name->text, name->offset));
    TRY(qualify(r, space, name->text, &ret->name));
    TRY(check_length(r, ret->name, name->offset));
    ret->base = (uint32_t)(ret->name.len - name->text.len);
    ret->offset = name->offset;
    return ERR_OK;
}

static int symbol_cmp(const void *a, const void *b)
{
    const struct cedar_symbol *left = a, *right = b;
    int order = slice_cmp(left->name, right->name);

    return order != 0 ? order : (left->offset > right->offset) - (left->offset < right->offset);
}

/* Sorts, and refuses what is declared twice. */
static err_code finish(const struct cedar_resolve *r, const char *what,
                       struct cedar_symbols *symbols)
{
    struct cedar_symbol *at = symbols->at;

    if (symbols->n > 1)
        qsort(at, symbols->n, sizeof *at, symbol_cmp);
    for (uint32_t i = 1; i < symbols->n; i++)
        if (slice_eq(at[i - 1].name, at[i].name))
            return cedar_tree_fail(r->tree, at[i].offset, ERR_CEDAR_SCHEMA,
                                   "the %s `%s` a second time, the first is at %s", what,
                                   cedar_quoted(at[i].name).text,
                                   cedar_tree_spot(r->tree, at[i - 1].offset).text);
    return ERR_OK;
}

static err_code collect_spaces(struct cedar_resolve *r)
{
    struct cedar_tree_name *spaces = (void *)r->tree->spaces.bytes.ptr;
    const struct cedar_tree_name *twice = NULL;

    cedar_tree_twice(spaces, r->tree->spaces.n, &twice);
    if (twice != NULL)
        return cedar_tree_fail(r->tree, twice[1].offset, ERR_CEDAR_SCHEMA,
                               "the namespace `%s` a second time, the first is at %s",
                               cedar_quoted(twice->text).text,
                               cedar_tree_spot(r->tree, twice->offset).text);
    for (uint32_t i = 0; i < r->tree->spaces.n; i++) {
        struct slice rest = spaces[i].text;

        TRY(check_length(r, rest, spaces[i].offset));
        while (rest.len > 0) {
            const uint8_t *colon = memchr(rest.ptr, ':', rest.len);
            size_t n = colon == NULL ? rest.len : (size_t)(colon - rest.ptr);

            TRY(check_part(r, slice_part(rest, 0, n), spaces[i].offset));
            rest = colon == NULL ? (struct slice){0} : slice_part(rest, n + 2, rest.len - n - 2);
        }
    }
    return ERR_OK;
}

static err_code collect_entities(struct cedar_resolve *r)
{
    const struct cedar_tree_entity *decls = (const void *)r->tree->entities.bytes.ptr;
    struct cedar_symbols *all = &r->entities;

    all->at = cedar_arena_take(&r->scratch, r->tree->n_names * sizeof *all->at);
    if (all->at == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < r->tree->entities.n; i++)
        for (uint32_t j = 0; j < decls[i].names.n; j++) {
            const struct cedar_tree_name *name = &decls[i].names.at[j];

            if (slice_eq_str(name->text, "Action"))
                return cedar_tree_fail(r->tree, name->offset, ERR_CEDAR_SCHEMA,
                                       "`Action` is the type of actions, no entity type");
            TRY(symbol_of(r, decls[i].space, name, &all->at[all->n]));
            all->at[all->n++].decl = i;
        }
    return finish(r, "entity type", all);
}

static err_code collect_commons(struct cedar_resolve *r)
{
    static const char *const RESERVED[] = {"Bool", "Boolean", "Entity", "Extension",
                                           "Long", "Record",  "Set",    "String"};
    const struct cedar_tree_common *decls = (const void *)r->tree->commons.bytes.ptr;
    struct cedar_symbols *all = &r->commons;

    all->at = cedar_arena_take(&r->scratch, r->tree->n_names * sizeof *all->at);
    if (all->at == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < r->tree->commons.n; i++) {
        const struct cedar_tree_name *name = &decls[i].name;

        for (size_t j = 0; j < sizeof RESERVED / sizeof *RESERVED; j++)
            if (slice_eq_str(name->text, RESERVED[j]))
                return cedar_tree_fail(r->tree, name->offset, ERR_CEDAR_SCHEMA,
                                       "`%s` is reserved: no common type has this name",
                                       RESERVED[j]);
        TRY(symbol_of(r, decls[i].space, name, &all->at[all->n]));
        all->at[all->n++].decl = i;
    }
    return finish(r, "common type", all);
}

static int action_cmp(const void *a, const void *b)
{
    const struct cedar_action_symbol *left = a, *right = b;
    int order = cedar_uid_cmp(&left->uid, &right->uid);

    return order != 0 ? order : (left->offset > right->offset) - (left->offset < right->offset);
}

static int slice_order(const void *a, const void *b)
{
    const struct slice *left = a, *right = b;

    return slice_cmp(*left, *right);
}

/* One type for each run of declarations in one namespace; a type may stand more than once. */
static err_code collect_actions(struct cedar_resolve *r)
{
    const struct cedar_tree_action *decls = (const void *)r->tree->actions.bytes.ptr;
    struct slice type = {0};

    r->actions = cedar_arena_take(&r->scratch, r->tree->n_names * sizeof *r->actions);
    r->action_types = cedar_arena_take(&r->scratch, r->tree->actions.n * sizeof type);
    if (r->actions == NULL || r->action_types == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < r->tree->actions.n; i++) {
        if (i == 0 || !slice_eq(decls[i].space, decls[i - 1].space)) {
            TRY(qualify(r, decls[i].space, slice_str("Action"), &type));
            TRY(check_length(r, type, decls[i].names.at[0].offset));
            r->action_types[r->n_action_types++] = type;
        }
        for (uint32_t j = 0; j < decls[i].names.n; j++)
            r->actions[r->n_actions++] = (struct cedar_action_symbol){
                cedar_uid_of(type, decls[i].names.at[j].text), decls[i].names.at[j].offset, i};
    }
    if (r->n_action_types > 1)
        qsort(r->action_types, r->n_action_types, sizeof type, slice_order);
    if (r->n_actions > 1)
        qsort(r->actions, r->n_actions, sizeof *r->actions, action_cmp);
    for (uint32_t i = 1; i < r->n_actions; i++)
        if (cedar_uid_eq(&r->actions[i - 1].uid, &r->actions[i].uid))
            return cedar_tree_fail(r->tree, r->actions[i].offset, ERR_CEDAR_SCHEMA,
                                   "the action `%s` a second time, the first is at %s",
                                   cedar_quoted(r->actions[i].uid.id).text,
                                   cedar_tree_spot(r->tree, r->actions[i - 1].offset).text);
    return ERR_OK;
}

/* ---- RFC 70 ---------------------------------------------------------------------------------- */

/* A last part of a name, and whether it is all of it. */
struct basename {
    struct slice base;
    bool bare;
    uint32_t offset;
};

static int basename_cmp(const void *a, const void *b)
{
    const struct basename *left = a, *right = b;
    int order = slice_cmp(left->base, right->base);

    if (order == 0)
        order = (int)right->bare - (int)left->bare; /* those of the empty namespace first */
    return order != 0 ? order : (left->offset > right->offset) - (left->offset < right->offset);
}

/* No name within a namespace may be that of something in the empty one. */
static err_code check_hidden(const struct cedar_resolve *r, struct basename *all, uint32_t n)
{
    if (n > 1)
        qsort(all, n, sizeof *all, basename_cmp);
    for (uint32_t i = 1, bare = 0; i < n; i++) {
        if (!slice_eq(all[bare].base, all[i].base) || all[i].bare)
            bare = i;
        else if (all[bare].bare)
            return cedar_tree_fail(
                r->tree, all[i].offset, ERR_CEDAR_SCHEMA,
                "`%s` within a namespace would hide that of the empty namespace, "
                "declared at %s",
                cedar_quoted(all[i].base).text, cedar_tree_spot(r->tree, all[bare].offset).text);
    }
    return ERR_OK;
}

static err_code check_hiding(struct cedar_resolve *r)
{
    const struct cedar_symbols *both[] = {&r->entities, &r->commons};
    struct basename *all = cedar_arena_take(&r->scratch, r->tree->n_names * sizeof *all);
    uint32_t n = 0;

    if (all == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < 2; i++)
        for (uint32_t j = 0; j < both[i]->n; j++) {
            const struct cedar_symbol *symbol = &both[i]->at[j];

            all[n++] = (struct basename){base_of(symbol), symbol->base == 0, symbol->offset};
        }
    TRY(check_hidden(r, all, n));
    for (n = 0; n < r->n_actions; n++)
        all[n] =
            (struct basename){r->actions[n].uid.id, slice_eq_str(r->actions[n].uid.type, "Action"),
                              r->actions[n].offset};
    return check_hidden(r, all, n);
}

err_code cedar_resolve_names(struct cedar_resolve *r)
{
    TRY(collect_spaces(r));
    TRY(collect_entities(r));
    TRY(collect_commons(r));
    TRY(collect_actions(r));
    return check_hiding(r);
}

/* ---- what a name means ----------------------------------------------------------------------- */

static int named_cmp(const void *key, const void *symbol)
{
    const struct slice *name = key;
    const struct cedar_symbol *s = symbol;

    return slice_cmp(*name, s->name);
}

static const struct cedar_symbol *find(const struct cedar_symbols *symbols, struct slice name)
{
    return symbols->n == 0
               ? NULL
               : bsearch(&name, symbols->at, symbols->n, sizeof *symbols->at, named_cmp);
}

static struct cedar_target look_common(const struct cedar_resolve *r, struct slice name)
{
    static const char INSIDE[] = "__cedar::";
    size_t n = sizeof INSIDE - 1;
    const struct cedar_symbol *symbol = find(&r->commons, name);
    enum cedar_type_kind kind = CEDAR_TYPE_NEVER;

    if (symbol != NULL)
        return (struct cedar_target){.meaning = CEDAR_MEANS_COMMON, .symbol = symbol};
    if (slice_eq_str(slice_part(name, 0, n), INSIDE))
        kind = builtin(slice_part(name, n, name.len - n));
    else if (find(&r->entities, name) == NULL) /* else the short name is taken */
        kind = builtin(name);
    if (kind == CEDAR_TYPE_NEVER)
        return (struct cedar_target){0};
    return (struct cedar_target){.meaning = CEDAR_MEANS_BUILTIN, .builtin = kind};
}

static struct cedar_target look_entity(const struct cedar_resolve *r, struct slice name)
{
    const struct cedar_symbol *symbol = find(&r->entities, name);
    const struct slice *action = NULL;

    if (symbol != NULL)
        return (struct cedar_target){.meaning = CEDAR_MEANS_ENTITY, .symbol = symbol};
    if (r->n_action_types > 0)
        action = bsearch(&name, r->action_types, r->n_action_types, sizeof name, slice_order);
    if (action == NULL)
        return (struct cedar_target){0};
    return (struct cedar_target){.meaning = CEDAR_MEANS_ACTION_TYPE, .action_type = *action};
}

/* The two names that a name may stand for, in a namespace: there, and in the empty one. */
struct readings {
    uint8_t whole[2 * CEDAR_NAME_MAX + 2];
    struct slice at[2];
    size_t n;
};

static void read_both(struct slice space, struct slice name, struct readings *ret)
{
    ret->n = 0;
    if (space.len > 0 && space.len <= CEDAR_NAME_MAX && name.len <= CEDAR_NAME_MAX &&
        memchr(name.ptr, ':', name.len) == NULL) {
        memcpy(ret->whole, space.ptr, space.len);
        memcpy(ret->whole + space.len, "::", 2);
        memcpy(ret->whole + space.len + 2, name.ptr, name.len);
        ret->at[ret->n++] = (struct slice){ret->whole, space.len + 2 + name.len};
    }
    ret->at[ret->n++] = name;
}

static err_code undeclared(const struct cedar_resolve *r, enum cedar_form form,
                           const struct cedar_tree_name *name, const struct readings *readings)
{
    const char *what = form == CEDAR_FORM_ENTITY   ? "an entity type"
                       : form == CEDAR_FORM_COMMON ? "a common type"
                                                   : "a common type or an entity type";

    if (readings->n > 1)
        return cedar_tree_fail(
            r->tree, name->offset, ERR_CEDAR_SCHEMA, "neither `%s` nor `%s` is declared as %s",
            cedar_quoted(readings->at[0]).text, cedar_quoted(readings->at[1]).text, what);
    return cedar_tree_fail(r->tree, name->offset, ERR_CEDAR_SCHEMA, "`%s` is not declared as %s",
                           cedar_quoted(name->text).text, what);
}

err_code cedar_resolve_name(const struct cedar_resolve *r, struct slice space, enum cedar_form form,
                            const struct cedar_tree_name *name, struct cedar_target *ret)
{
    struct readings readings;
    struct cedar_target target = {0};

    read_both(space, name->text, &readings);
    for (size_t i = 0; i < readings.n && target.meaning == CEDAR_MEANS_NOTHING; i++) {
        if (form != CEDAR_FORM_ENTITY)
            target = look_common(r, readings.at[i]);
        if (form != CEDAR_FORM_COMMON && target.meaning == CEDAR_MEANS_NOTHING)
            target = look_entity(r, readings.at[i]);
    }
    if (target.meaning == CEDAR_MEANS_NOTHING)
        return undeclared(r, form, name, &readings);
    *ret = target;
    return ERR_OK;
}

err_code cedar_resolve_uid(const struct cedar_resolve *r, struct slice space,
                           const struct cedar_tree_uid *uid, uint32_t *ret)
{
    struct slice type = uid->type.len == 0 ? slice_str("Action") : uid->type;
    struct readings readings;

    read_both(space, type, &readings);
    for (size_t i = 0; i < readings.n; i++) {
        struct cedar_action_symbol key = {.uid = cedar_uid_of(readings.at[i], uid->id)};
        uint32_t low = 0, high = r->n_actions;

        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            int order = cedar_uid_cmp(&key.uid, &r->actions[middle].uid);

            if (order == 0) {
                *ret = middle;
                return ERR_OK;
            }
            if (order < 0)
                high = middle;
            else
                low = middle + 1;
        }
    }
    return cedar_tree_fail(r->tree, uid->offset, ERR_CEDAR_SCHEMA,
                           "`%s::\"%s\"` is not declared as an action", cedar_quoted(type).text,
                           cedar_quoted(uid->id).text);
}
