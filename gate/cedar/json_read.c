/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/json_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- refusals ---- */

/* The last child that begins at or before the offset; NULL if there is none. Writes its name. */
static const struct cedar_json *child(const struct cedar_json *json, uint32_t offset, char *ret,
                                      size_t size)
{
    const struct cedar_json *found = NULL;

    for (uint32_t i = 0; i < json->n; i++) {
        if (json->kind == CEDAR_JSON_OBJECT && json->members[i].value.offset <= offset)
            found = &json->members[i].value;
        else if (json->kind == CEDAR_JSON_ARRAY && json->items[i].offset <= offset)
            found = &json->items[i];
        else
            break;
        if (json->kind == CEDAR_JSON_ARRAY)
            snprintf(ret, size, "[%u]", i);
    }
    if (found != NULL && json->kind == CEDAR_JSON_OBJECT) {
        const struct cedar_json_member *member = &json->members[0];

        while (&member->value != found)
            member++;
        cedar_quote(member->name, ret, size);
    }
    return found;
}

void cedar_json_path(const struct cedar_json *root, uint32_t offset, char *ret, size_t size)
{
    const struct cedar_json *json = root;
    size_t len = 0;

    ret[0] = '\0';
    while ((json->kind == CEDAR_JSON_ARRAY || json->kind == CEDAR_JSON_OBJECT) &&
           json->offset < offset) {
        bool object = json->kind == CEDAR_JSON_OBJECT;
        char name[48];

        json = child(json, offset, name, sizeof name);
        if (json == NULL)
            return;
        if (len + strlen(name) + 5 > size) {
            snprintf(ret + len, size - len, "...");
            return;
        }
        len += (size_t)snprintf(ret + len, size - len, "%s%s", object && len > 0 ? "." : "", name);
    }
}

err_code cedar_json_refuse(const struct cedar_json_reader *r, err_code err,
                           const struct cedar_json *at, const char *format, ...)
{
    struct cedar_place place = cedar_json_place(r->text, at->offset);
    char path[160], what[256];
    va_list list;

    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    cedar_json_path(r->root, at->offset, path, sizeof path);
    return why_say(r->why, err, "%u:%u: %s%s%s", place.line, place.column, path,
                   path[0] != '\0' ? ": " : "", what);
}

/* ---- members ---- */

err_code cedar_json_need(const struct cedar_json_reader *r, const struct cedar_json *object,
                         const char *name, const struct cedar_json **ret)
{
    if (object->kind != CEDAR_JSON_OBJECT)
        return cedar_json_refuse(r, r->refusal, object, "%s, not an object",
                                 cedar_json_kind_text(object));
    *ret = cedar_json_get(object, name);
    if (*ret == NULL)
        return cedar_json_refuse(r, r->refusal, object, "no member \"%s\"", name);
    return ERR_OK;
}

err_code cedar_json_need_kind(const struct cedar_json_reader *r, const struct cedar_json *object,
                              const char *name, enum cedar_json_kind kind,
                              const struct cedar_json **ret)
{
    struct cedar_json wanted = {.kind = kind};
    const struct cedar_json *member;

    TRY(cedar_json_need(r, object, name, &member));
    if (member->kind != kind)
        return cedar_json_refuse(r, r->refusal, member, "%s, not %s", cedar_json_kind_text(member),
                                 cedar_json_kind_text(&wanted));
    *ret = member;
    return ERR_OK;
}

err_code cedar_json_only(const struct cedar_json_reader *r, const struct cedar_json *object,
                         const char *const *names)
{
    for (uint32_t i = 0; i < object->n; i++) {
        size_t k = 0;
        char name[64];

        while (names[k] != NULL && !slice_eq_str(object->members[i].name, names[k]))
            k++;
        if (names[k] != NULL)
            continue;
        cedar_quote(object->members[i].name, name, sizeof name);
        return cedar_json_refuse(r, r->refusal, object, "a member \"%s\", which means nothing here",
                                 name);
    }
    return ERR_OK;
}

err_code cedar_json_few(const struct cedar_json_reader *r, const struct cedar_json *list,
                        const char *of)
{
    if (list->n <= CEDAR_LIST_MAX)
        return ERR_OK;
    return cedar_json_refuse(r, ERR_CEDAR_LIST_SIZE, list, "%u %s; the limit is %d", list->n, of,
                             CEDAR_LIST_MAX);
}

/* ---- names of entities ---- */

err_code cedar_json_type(const struct cedar_json_reader *r, const struct cedar_json *json,
                         struct slice *ret)
{
    char name[64];

    if (json->kind != CEDAR_JSON_STRING)
        return cedar_json_refuse(r, r->refusal, json, "%s, not the name of a type",
                                 cedar_json_kind_text(json));
    if (json->text.len > CEDAR_NAME_MAX)
        return cedar_json_refuse(r, ERR_CEDAR_TEXT_SIZE, json,
                                 "the name of a type of %zu bytes; the limit is %d", json->text.len,
                                 CEDAR_NAME_MAX);
    cedar_quote(json->text, name, sizeof name);
    if (!cedar_type_valid(json->text))
        return cedar_json_refuse(r, r->refusal, json, "\"%s\" is no name of a type", name);
    return cedar_arena_copy(r->arena, json->text, ret);
}

static err_code uid_of(const struct cedar_json_reader *r, const struct cedar_json *type,
                       const struct cedar_json *id, struct cedar_uid *ret)
{
    struct slice type_text, id_text;

    TRY(cedar_json_type(r, type, &type_text));
    TRY(cedar_arena_copy(r->arena, id->text, &id_text));
    *ret = cedar_uid_of(type_text, id_text);
    return ERR_OK;
}

/* True if this is an object with both, and both are strings. */
static bool type_and_id(const struct cedar_json *json, const struct cedar_json **ret_type,
                        const struct cedar_json **ret_id)
{
    *ret_type = cedar_json_get(json, "type");
    *ret_id = cedar_json_get(json, "id");
    return *ret_type != NULL && (*ret_type)->kind == CEDAR_JSON_STRING && *ret_id != NULL &&
           (*ret_id)->kind == CEDAR_JSON_STRING;
}

static err_code refuse_expr(const struct cedar_json_reader *r, const struct cedar_json *at)
{
    return cedar_json_refuse(r, r->refusal, at, "the escape __expr is no longer taken");
}

err_code cedar_json_uid(const struct cedar_json_reader *r, const struct cedar_json *json,
                        struct cedar_uid *ret)
{
    const struct cedar_json *expr = cedar_json_get(json, "__expr");
    const struct cedar_json *entity = cedar_json_get(json, "__entity");
    const struct cedar_json *type, *id;

    if (expr != NULL && expr->kind == CEDAR_JSON_STRING)
        return refuse_expr(r, json);
    if ((entity != NULL && type_and_id(entity, &type, &id)) || type_and_id(json, &type, &id))
        return uid_of(r, type, id, ret);
    return cedar_json_refuse(r, r->refusal, json,
                             "not the name of an entity: {\"type\": string, \"id\": string}");
}

/* ---- escapes ---- */

/* The Rust implementation reads the numbers even of what it ignores then. */
static err_code whole_numbers(const struct cedar_json_reader *r, const struct cedar_json *json)
{
    if (json->kind == CEDAR_JSON_NUMBER)
        return cedar_json_refuse(r, r->refusal, json, "a number that is no whole one of 64 bits");
    for (uint32_t i = 0; i < json->n && json->kind == CEDAR_JSON_OBJECT; i++)
        TRY(whole_numbers(r, &json->members[i].value));
    for (uint32_t i = 0; i < json->n && json->kind == CEDAR_JSON_ARRAY; i++)
        TRY(whole_numbers(r, &json->items[i]));
    return ERR_OK;
}

/* Members of an escape that mean nothing: all but these two. */
static err_code ignored(const struct cedar_json_reader *r, const struct cedar_json *json,
                        const struct cedar_json *a, const struct cedar_json *b)
{
    for (uint32_t i = 0; i < json->n; i++)
        if (&json->members[i].value != a && &json->members[i].value != b)
            TRY(whole_numbers(r, &json->members[i].value));
    return ERR_OK;
}

static err_code extn(const struct cedar_json_reader *r, const struct cedar_json *json,
                     struct cedar_escape *ret)
{
    const struct cedar_json *fn = cedar_json_get(json, "fn");
    const struct cedar_json *arg = cedar_json_get(json, "arg");
    const struct cedar_json *args = cedar_json_get(json, "args");
    char name[64];

    if (fn == NULL || fn->kind != CEDAR_JSON_STRING ||
        (arg == NULL && (args == NULL || args->kind != CEDAR_JSON_ARRAY)))
        return ERR_OK;
    cedar_quote(fn->text, name, sizeof name);
    ret->kind = CEDAR_ESCAPE_EXTN;
    ret->fn = cedar_fn_from(fn->text);
    ret->args = arg != NULL ? arg : args->items;
    ret->n_args = arg != NULL ? 1 : args->n;
    if (ret->fn == CEDAR_FN_NONE)
        return cedar_json_refuse(r, r->refusal, fn, "there is no function \"%s\"", name);
    return ignored(r, json, fn, arg != NULL ? arg : args);
}

err_code cedar_json_escape(const struct cedar_json_reader *r, const struct cedar_json *json,
                           struct cedar_escape *ret)
{
    const struct cedar_json *inner;

    *ret = (struct cedar_escape){0};
    if (json->kind != CEDAR_JSON_OBJECT || json->n != 1)
        return ERR_OK;
    inner = &json->members[0].value;
    if (slice_eq_str(json->members[0].name, "__expr") && inner->kind == CEDAR_JSON_STRING)
        return refuse_expr(r, json);
    if (slice_eq_str(json->members[0].name, "__extn"))
        return extn(r, inner, ret);
    if (!slice_eq_str(json->members[0].name, "__entity") ||
        !type_and_id(inner, &ret->type, &ret->id))
        return ERR_OK;
    ret->kind = CEDAR_ESCAPE_ENTITY;
    return ignored(r, inner, ret->type, ret->id);
}

err_code cedar_json_escape_uid(const struct cedar_json_reader *r, const struct cedar_escape *escape,
                               struct cedar_uid *ret)
{
    return uid_of(r, escape->type, escape->id, ret);
}
