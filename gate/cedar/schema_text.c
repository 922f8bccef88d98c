/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_text.c: reads the human schema syntax. Its words are no keywords: `type` or `entity` may
 * name a type, an attribute or an action, and only what stands before them says which is meant.
 */
#include "gate/cedar/lex.h"
#include "gate/cedar/schema_tree.h"

#include <string.h>

struct text {
    struct cedar_lex lex;
    struct cedar_token token; /* the next one */
    struct cedar_tree *tree;
    struct slice space;
    unsigned depth; /* of the type that is being read */
};

/* ---- words ----------------------------------------------------------------------------------- */

static uint32_t here(const struct text *t)
{
    return (uint32_t)t->token.place.offset;
}

static void advance(struct text *t)
{
    t->token = cedar_lex_next(&t->lex);
}

static err_code unexpected(const struct text *t, const char *expected)
{
    char found[100];

    cedar_token_name(&t->token, found, sizeof found);
    return cedar_tree_fail(t->tree, here(t), ERR_CEDAR_SCHEMA, "found %s, expected %s", found,
                           expected);
}

static bool at_word(const struct text *t, const char *word)
{
    return t->token.kind == CEDAR_T_IDENT && slice_eq_str(t->token.text, word);
}

static bool skip_word(struct text *t, const char *word)
{
    if (!at_word(t, word))
        return false;
    advance(t);
    return true;
}

static bool skip(struct text *t, enum cedar_token_kind kind)
{
    if (t->token.kind != kind)
        return false;
    advance(t);
    return true;
}

static err_code take(struct text *t, enum cedar_token_kind kind, const char *expected)
{
    return skip(t, kind) ? ERR_OK : unexpected(t, expected);
}

/* ---- names ----------------------------------------------------------------------------------- */

static err_code ident(struct text *t, const char *expected, struct cedar_tree_name *ret)
{
    if (t->token.kind != CEDAR_T_IDENT)
        return unexpected(t, expected);
    if (cedar_reserved(t->token.text))
        return cedar_tree_fail(t->tree, here(t), ERR_CEDAR_SCHEMA,
                               "found the reserved word `%s`, expected %s",
                               cedar_quoted(t->token.text).text, expected);
    *ret = (struct cedar_tree_name){t->token.text, here(t)};
    advance(t);
    return ERR_OK;
}

static err_code string(struct text *t, const char *expected, struct cedar_tree_name *ret)
{
    struct cedar_unescaped value = {0};
    struct cedar_place where = {0};
    const char *what = "";

    if (t->token.kind != CEDAR_T_STRING)
        return unexpected(t, expected);
    value.bytes = cedar_arena_take(&t->tree->arena, t->token.text.len);
    if (value.bytes == NULL)
        return ERR_NO_MEMORY;
    if (cedar_unescape(&t->token, &value, &where, &what) != ERR_OK)
        return cedar_tree_fail(t->tree, (uint32_t)where.offset, ERR_CEDAR_SCHEMA, "bad escape: %s",
                               what);
    *ret = (struct cedar_tree_name){{value.bytes, value.len}, here(t)};
    advance(t);
    return ERR_OK;
}

/* An attribute, or an action's id: an identifier or a string. */
static err_code name(struct text *t, const char *expected, struct cedar_tree_name *ret)
{
    return t->token.kind == CEDAR_T_STRING ? string(t, expected, ret) : ident(t, expected, ret);
}

/* Joins "A", "B" as "A::B". */
static err_code join(struct text *t, struct cedar_tree_name *path, struct slice last)
{
    uint8_t *joined;

    if (path->text.len + last.len + 2 > CEDAR_NAME_MAX)
        return cedar_tree_fail(t->tree, path->offset, ERR_CEDAR_TEXT_SIZE,
                               "a name of more than %d bytes", CEDAR_NAME_MAX);
    joined = cedar_arena_take(&t->tree->arena, path->text.len + last.len + 2);
    if (joined == NULL)
        return ERR_NO_MEMORY;
    memcpy(joined, path->text.ptr, path->text.len);
    memcpy(joined + path->text.len, "::", 2);
    memcpy(joined + path->text.len + 2, last.ptr, last.len);
    path->text = (struct slice){joined, path->text.len + last.len + 2};
    return ERR_OK;
}

/* Path, IDENT {"::" IDENT}. Where an id may follow, *ret_id is set and the path ends behind the
 * "::" when a string does follow. */
static err_code path(struct text *t, const char *expected, bool *ret_id,
                     struct cedar_tree_name *ret)
{
    struct cedar_tree_name part = {0};

    TRY(ident(t, expected, ret));
    while (skip(t, CEDAR_T_PATH)) {
        if (ret_id != NULL && t->token.kind == CEDAR_T_STRING) {
            *ret_id = true;
            return ERR_OK;
        }
        TRY(ident(t, "an identifier", &part));
        TRY(join(t, ret, part.text));
    }
    return ERR_OK;
}

static err_code kept_names(struct text *t, const struct cedar_list *list, uint32_t offset,
                           struct cedar_tree_names *ret)
{
    const void *names = NULL;

    TRY(cedar_tree_keep(t->tree, list, offset, &names));
    *ret = (struct cedar_tree_names){names, list->n};
    return ERR_OK;
}

typedef err_code read_name(struct text *t, const char *expected, struct cedar_tree_name *ret);

/* One name or more with commas between them. */
static err_code names(struct text *t, read_name *read, const char *expected,
                      struct cedar_tree_names *ret)
{
    CLEANUP(cedar_list_free) struct cedar_list list = {0};
    struct cedar_tree_name one = {0};
    uint32_t offset = here(t);

    do {
        TRY(read(t, expected, &one));
        TRY(cedar_list_add(&list, &one, sizeof one));
    } while (skip(t, CEDAR_T_COMMA));
    return kept_names(t, &list, offset, ret);
}

static err_code type_path(struct text *t, const char *expected, struct cedar_tree_name *ret)
{
    return path(t, expected, NULL, ret);
}

/* Path, or "[" [Path {"," Path}] "]". */
static err_code entity_types(struct text *t, struct cedar_tree_names *ret)
{
    CLEANUP(cedar_list_free) struct cedar_list list = {0};
    struct cedar_tree_name one = {0};

    *ret = (struct cedar_tree_names){0};
    if (skip(t, CEDAR_T_LBRACKET)) {
        if (skip(t, CEDAR_T_RBRACKET))
            return ERR_OK;
        TRY(names(t, type_path, "an entity type", ret));
        return take(t, CEDAR_T_RBRACKET, "`,` or `]`");
    }
    TRY(type_path(t, "an entity type or `[`", &one));
    TRY(cedar_list_add(&list, &one, sizeof one));
    return kept_names(t, &list, one.offset, ret);
}

/* ---- annotations ----------------------------------------------------------------------------- */

/* {"@" IDENT ["(" STRING ")"]}: they say nothing to the validator, but must be in order. */
static err_code annotations(struct text *t)
{
    CLEANUP(cedar_list_free) struct cedar_list list = {0};
    struct cedar_tree_name one = {0}, value = {0};
    const struct cedar_tree_name *twice = NULL;

    while (skip(t, CEDAR_T_AT)) {
        one = (struct cedar_tree_name){t->token.text, here(t)};
        TRY(take(t, CEDAR_T_IDENT, "the name of an annotation"));
        TRY(cedar_list_add(&list, &one, sizeof one));
        if (skip(t, CEDAR_T_LPAREN)) {
            TRY(string(t, "a string", &value));
            TRY(take(t, CEDAR_T_RPAREN, "`)`"));
        }
    }
    cedar_tree_twice((void *)list.bytes.ptr, list.n, &twice);
    if (twice != NULL)
        return cedar_tree_fail(t->tree, twice[1].offset, ERR_CEDAR_SCHEMA,
                               "the annotation `%s` a second time, the first is at %s",
                               cedar_quoted(twice->text).text,
                               cedar_tree_spot(t->tree, twice->offset).text);
    return ERR_OK;
}

/* ---- types ----------------------------------------------------------------------------------- */

static err_code type(struct text *t, struct cedar_tree_type *ret);

/* Behind the "{": {Annotations Name ["?"] ":" Type} with commas between, and one at the end. */
static err_code record(struct text *t, uint32_t offset, struct cedar_tree_type *ret)
{
    CLEANUP(cedar_list_free) struct cedar_list list = {0};

    while (t->token.kind != CEDAR_T_RBRACE) {
        struct cedar_tree_attr attr = {0};
        struct cedar_tree_name key = {0};

        TRY(annotations(t));
        TRY(name(t, "an attribute or `}`", &key));
        attr.name = key.text;
        attr.offset = key.offset;
        attr.required = !skip(t, CEDAR_T_OPTIONAL);
        TRY(take(t, CEDAR_T_COLON, "`:`"));
        TRY(type(t, &attr.type));
        TRY(cedar_list_add(&list, &attr, sizeof attr));
        if (!skip(t, CEDAR_T_COMMA))
            break;
    }
    TRY(take(t, CEDAR_T_RBRACE, "`,` or `}`"));
    return cedar_tree_record(t->tree, &list, offset, ret);
}

static err_code set_of(struct text *t, struct cedar_tree_type *ret)
{
    struct cedar_tree_type *element = cedar_arena_take(&t->tree->arena, sizeof *element);

    if (element == NULL)
        return ERR_NO_MEMORY;
    TRY(type(t, element));
    TRY(take(t, CEDAR_T_GT, "`>`"));
    ret->form = CEDAR_FORM_SET;
    ret->element = element;
    return ERR_OK;
}

/* Path, "Set" "<" Type ">", or a record. */
static err_code type(struct text *t, struct cedar_tree_type *ret)
{
    struct cedar_tree_name word = {0};
    uint32_t offset = here(t);
    err_code err = ERR_OK;

    if (++t->depth > CEDAR_DEPTH_MAX)
        return cedar_tree_fail(t->tree, offset, ERR_CEDAR_NESTING,
                               "types within each other, more than %d", CEDAR_DEPTH_MAX);
    *ret = (struct cedar_tree_type){.offset = offset};
    if (skip(t, CEDAR_T_LBRACE)) {
        err = record(t, offset, ret);
    } else {
        TRY(path(t, "a type", NULL, &word));
        ret->name = word.text;
        if (slice_eq_str(word.text, "Set") && skip(t, CEDAR_T_LT))
            err = set_of(t, ret);
    }
    t->depth--;
    return err;
}

static err_code kept_type(struct text *t, const struct cedar_tree_type *made,
                          const struct cedar_tree_type **ret)
{
    struct slice kept = {0};

    TRY(cedar_arena_copy(&t->tree->arena, (struct slice){(const uint8_t *)made, sizeof *made},
                         &kept));
    *ret = (const void *)kept.ptr;
    return ERR_OK;
}

/* ---- declarations ---------------------------------------------------------------------------- */

static err_code count(struct text *t, const struct cedar_tree_names *declared)
{
    for (uint32_t i = 0; i < declared->n; i++)
        TRY(cedar_tree_count(t->tree, declared->at[i].offset));
    return ERR_OK;
}

/* Behind "enum": "[" STRING {"," STRING} "]". */
static err_code enumeration(struct text *t, struct cedar_tree_entity *entity)
{
    TRY(take(t, CEDAR_T_LBRACKET, "`[`"));
    TRY(names(t, string, "a string", &entity->ids));
    return take(t, CEDAR_T_RBRACKET, "`,` or `]`");
}

/* ["in" EntTypes] [["="] Record] ["tags" Type]. */
static err_code members(struct text *t, struct cedar_tree_entity *entity)
{
    struct cedar_tree_type made;
    uint32_t offset;
    bool record_must_follow;

    if (skip_word(t, "in"))
        TRY(entity_types(t, &entity->parents));
    record_must_follow = skip(t, CEDAR_T_ASSIGN);
    offset = here(t);
    if (skip(t, CEDAR_T_LBRACE)) {
        TRY(record(t, offset, &made));
        TRY(kept_type(t, &made, &entity->shape));
    } else if (record_must_follow) {
        return unexpected(t, "`{`");
    }
    if (skip_word(t, "tags")) {
        TRY(type(t, &made));
        TRY(kept_type(t, &made, &entity->tags));
    }
    return ERR_OK;
}

static err_code entity(struct text *t)
{
    struct cedar_tree_entity made = {.space = t->space};

    TRY(names(t, ident, "the name of an entity type", &made.names));
    TRY(count(t, &made.names));
    if (skip_word(t, "enum"))
        TRY(enumeration(t, &made));
    else
        TRY(members(t, &made));
    TRY(take(t, CEDAR_T_SEMICOLON, "`;`"));
    return cedar_list_add(&t->tree->entities, &made, sizeof made);
}

static err_code common(struct text *t)
{
    struct cedar_tree_common made = {.space = t->space};

    TRY(ident(t, "the name of a type", &made.name));
    TRY(cedar_tree_count(t->tree, made.name.offset));
    TRY(take(t, CEDAR_T_ASSIGN, "`=`"));
    TRY(type(t, &made.type));
    TRY(take(t, CEDAR_T_SEMICOLON, "`;`"));
    return cedar_list_add(&t->tree->commons, &made, sizeof made);
}

/* Name, or Path "::" STRING. */
static err_code action_uid(struct text *t, struct cedar_tree_uid *ret)
{
    struct cedar_tree_name type = {0}, id = {0};
    bool typed = false;

    *ret = (struct cedar_tree_uid){.offset = here(t)};
    if (t->token.kind != CEDAR_T_STRING)
        TRY(path(t, "an action", &typed, &type));
    if (t->token.kind == CEDAR_T_STRING && (typed || type.text.len == 0)) {
        TRY(string(t, "an action", &id));
        ret->type = type.text;
        ret->id = id.text;
        return ERR_OK;
    }
    if (memchr(type.text.ptr, ':', type.text.len) != NULL)
        return unexpected(t, "`::` and the action's name as a string");
    ret->id = type.text;
    return ERR_OK;
}

/* Behind "in": an action, or "[" actions "]". */
static err_code groups(struct text *t, struct cedar_tree_action *action)
{
    CLEANUP(cedar_list_free) struct cedar_list list = {0};
    struct cedar_tree_uid one;
    const void *kept = NULL;
    uint32_t offset = here(t);
    bool many = skip(t, CEDAR_T_LBRACKET);

    do {
        TRY(action_uid(t, &one));
        TRY(cedar_list_add(&list, &one, sizeof one));
    } while (many && skip(t, CEDAR_T_COMMA));
    if (many)
        TRY(take(t, CEDAR_T_RBRACKET, "`,` or `]`"));
    TRY(cedar_tree_keep(t->tree, &list, offset, &kept));
    action->parents = kept;
    action->n_parents = list.n;
    return ERR_OK;
}

/* "principal" ":" EntTypes, the same for "resource". */
static err_code applies_to_types(struct text *t, const char *word, struct cedar_tree_names *ret)
{
    uint32_t offset = here(t);

    if (ret->n > 0)
        return cedar_tree_fail(t->tree, offset, ERR_CEDAR_SCHEMA,
                               "`%s` a second time, the first list begins at %s", word,
                               cedar_tree_spot(t->tree, ret->at[0].offset).text);
    advance(t);
    TRY(take(t, CEDAR_T_COLON, "`:`"));
    TRY(entity_types(t, ret));
    if (ret->n == 0)
        return cedar_tree_fail(t->tree, offset, ERR_CEDAR_SCHEMA,
                               "`%s` lists no type: an action that applies to nothing has no "
                               "`appliesTo`",
                               word);
    return ERR_OK;
}

/* "context" ":" (Path | Record). */
static err_code context(struct text *t, struct cedar_tree_action *action)
{
    struct cedar_tree_type made = {.form = CEDAR_FORM_COMMON};
    struct cedar_tree_name common = {0};

    if (action->context != NULL)
        return cedar_tree_fail(t->tree, here(t), ERR_CEDAR_SCHEMA,
                               "`context` a second time, the first is at %s",
                               cedar_tree_spot(t->tree, action->context->offset).text);
    advance(t);
    TRY(take(t, CEDAR_T_COLON, "`:`"));
    made.offset = here(t);
    if (skip(t, CEDAR_T_LBRACE)) {
        TRY(record(t, made.offset, &made));
    } else {
        TRY(path(t, "a record or the name of a common type", NULL, &common));
        made.name = common.text;
    }
    return kept_type(t, &made, &action->context);
}

static err_code applies_to(struct text *t, struct cedar_tree_action *action)
{
    uint32_t offset = here(t);

    TRY(take(t, CEDAR_T_LBRACE, "`{`"));
    do {
        if (at_word(t, "principal"))
            TRY(applies_to_types(t, "principal", &action->principals));
        else if (at_word(t, "resource"))
            TRY(applies_to_types(t, "resource", &action->resources));
        else if (at_word(t, "context"))
            TRY(context(t, action));
        else
            return unexpected(t, "`principal`, `resource` or `context`");
    } while (skip(t, CEDAR_T_COMMA) && t->token.kind != CEDAR_T_RBRACE);
    TRY(take(t, CEDAR_T_RBRACE, "`,` or `}`"));
    if (action->principals.n == 0 || action->resources.n == 0)
        return cedar_tree_fail(t->tree, offset, ERR_CEDAR_SCHEMA, "`appliesTo` without `%s`",
                               action->principals.n == 0 ? "principal" : "resource");
    return ERR_OK;
}

static err_code action(struct text *t)
{
    struct cedar_tree_action made = {.space = t->space};

    TRY(names(t, name, "the name of an action", &made.names));
    TRY(count(t, &made.names));
    if (skip_word(t, "in"))
        TRY(groups(t, &made));
    if (skip_word(t, "appliesTo"))
        TRY(applies_to(t, &made));
    if (skip_word(t, "attributes")) {
        TRY(take(t, CEDAR_T_LBRACE, "`{`"));
        TRY(take(t, CEDAR_T_RBRACE, "`}`, since an action has no attributes"));
    }
    TRY(take(t, CEDAR_T_SEMICOLON, "`;`"));
    return cedar_list_add(&t->tree->actions, &made, sizeof made);
}

/* Behind its annotations. */
static err_code declaration(struct text *t, const char *expected)
{
    if (skip_word(t, "entity"))
        return entity(t);
    if (skip_word(t, "action"))
        return action(t);
    if (skip_word(t, "type"))
        return common(t);
    if (at_word(t, "external"))
        return cedar_tree_fail(t->tree, here(t), ERR_CEDAR_SCHEMA,
                               "`external`: what it declares is not defined here, and a schema "
                               "has no other part");
    return unexpected(t, expected);
}

/* Behind "namespace": Path "{" {Annotations Decl} "}". */
static err_code namespace(struct text *t)
{
    struct cedar_tree_name space = {0};

    TRY(path(t, "the name of a namespace", NULL, &space));
    TRY(cedar_tree_count(t->tree, space.offset));
    TRY(cedar_list_add(&t->tree->spaces, &space, sizeof space));
    TRY(take(t, CEDAR_T_LBRACE, "`{`"));
    t->space = space.text;
    while (t->token.kind != CEDAR_T_RBRACE) {
        TRY(annotations(t));
        TRY(declaration(t, "`entity`, `action`, `type` or `}`"));
    }
    advance(t);
    t->space = (struct slice){0};
    return ERR_OK;
}

err_code cedar_tree_read_text(struct cedar_tree *tree)
{
    struct text t = {.tree = tree};
    struct cedar_place where = {0}, hidden = {0};

    if (cedar_lex_start(tree->text, &t.lex, &where, &hidden) != ERR_OK)
        return cedar_tree_fail(tree, (uint32_t)where.offset, ERR_CEDAR_SCHEMA,
                               "found byte 0x%02x, expected UTF-8", tree->text.ptr[where.offset]);
    advance(&t);
    while (t.token.kind != CEDAR_T_END) {
        TRY(annotations(&t));
        if (skip_word(&t, "namespace"))
            TRY(namespace(&t));
        else
            TRY(declaration(&t, "`namespace`, `entity`, `action` or `type`"));
    }
    return ERR_OK;
}
