/* SPDX-License-Identifier: Apache-2.0 */
/* value_json.c: values of requests and entities from JSON and back. */
#include "gate/cedar/entities.h"
#include "gate/cedar/ext.h"
#include "gate/cedar/json_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- reading ---- */

static err_code string(const struct cedar_json_reader *r, const struct cedar_json *json,
                       struct cedar_value *ret)
{
    struct slice text;

    TRY(cedar_arena_copy(r->arena, json->text, &text));
    *ret = cedar_string(text);
    return ERR_OK;
}

static err_code set(const struct cedar_json_reader *r, const struct cedar_json *json,
                    unsigned depth, struct cedar_value *ret)
{
    struct cedar_value *items;

    TRY(cedar_json_few(r, json, "elements of a set"));
    items = cedar_arena_take(r->arena, json->n * sizeof *items);
    if (items == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < json->n; i++)
        TRY(cedar_json_value(r, &json->items[i], depth + 1, &items[i]));
    *ret = cedar_set_of(items, json->n);
    return ERR_OK;
}

err_code cedar_json_record(const struct cedar_json_reader *r, const struct cedar_json *json,
                           unsigned depth, struct cedar_value *ret)
{
    struct cedar_field *fields;
    const struct slice *twice = NULL;

    if (json->kind != CEDAR_JSON_OBJECT)
        return cedar_json_refuse(r, r->refusal, json, "%s, not an object",
                                 cedar_json_kind_text(json));
    TRY(cedar_json_few(r, json, "fields of a record"));
    fields = cedar_arena_take(r->arena, json->n * sizeof *fields);
    if (fields == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < json->n; i++) {
        TRY(cedar_arena_copy(r->arena, json->members[i].name, &fields[i].name));
        TRY(cedar_json_value(r, &json->members[i].value, depth + 1, &fields[i].value));
    }
    *ret = cedar_record_of(fields, json->n, &twice);
    return twice == NULL ? ERR_OK : ERR_INTERNAL; /* the parser has refused it */
}

static err_code call(const struct cedar_json_reader *r, const struct cedar_json *json,
                     const struct cedar_escape *escape, unsigned depth, struct cedar_value *ret)
{
    const struct cedar_fn_info *info = cedar_fn_info(escape->fn);
    struct cedar_value args[2];
    enum cedar_fault fault;
    char text[64] = "";

    if (escape->n_args != info->n_args)
        return cedar_json_refuse(r, r->refusal, json, "%s takes %u arguments, not %u", info->name,
                                 info->n_args, escape->n_args);
    for (uint32_t i = 0; i < info->n_args; i++)
        TRY(cedar_json_value(r, &escape->args[i], depth + 1, &args[i]));
    TRY(cedar_fn_call(escape->fn, args, r->arena, &fault, ret));
    if (fault == CEDAR_FAULT_NONE)
        return ERR_OK;
    if (fault == CEDAR_FAULT_TYPE)
        return cedar_json_refuse(r, r->refusal, json, "an argument of %s is of another type",
                                 info->name);
    if (args[0].kind == CEDAR_STRING)
        cedar_quote(cedar_text(&args[0]), text, sizeof text);
    return cedar_json_refuse(r, r->refusal, json, "%s(%s) has no value", info->name, text);
}

static err_code entity(const struct cedar_json_reader *r, const struct cedar_escape *escape,
                       struct cedar_value *ret)
{
    struct cedar_uid *uid = cedar_arena_take(r->arena, sizeof *uid);

    if (uid == NULL)
        return ERR_NO_MEMORY;
    TRY(cedar_json_escape_uid(r, escape, uid));
    *ret = cedar_entity(uid);
    return ERR_OK;
}

static err_code object(const struct cedar_json_reader *r, const struct cedar_json *json,
                       unsigned depth, struct cedar_value *ret)
{
    struct cedar_escape escape;

    TRY(cedar_json_escape(r, json, &escape));
    if (escape.kind == CEDAR_ESCAPE_ENTITY)
        return entity(r, &escape, ret);
    if (escape.kind == CEDAR_ESCAPE_EXTN)
        return call(r, json, &escape, depth, ret);
    return cedar_json_record(r, json, depth, ret);
}

err_code cedar_json_value(const struct cedar_json_reader *r, const struct cedar_json *json,
                          unsigned depth, struct cedar_value *ret)
{
    if (depth >= CEDAR_DEPTH_MAX)
        return cedar_json_refuse(r, ERR_CEDAR_NESTING, json, "values nested deeper than %d",
                                 CEDAR_DEPTH_MAX);
    switch (json->kind) {
    case CEDAR_JSON_BOOL:
        *ret = cedar_bool(json->truth);
        return ERR_OK;
    case CEDAR_JSON_INT:
        *ret = cedar_long(json->number);
        return ERR_OK;
    case CEDAR_JSON_STRING:
        return string(r, json, ret);
    case CEDAR_JSON_ARRAY:
        return set(r, json, depth, ret);
    case CEDAR_JSON_OBJECT:
        return object(r, json, depth, ret);
    case CEDAR_JSON_NULL:
        return cedar_json_refuse(r, r->refusal, json, "null is no value of Cedar");
    case CEDAR_JSON_NUMBER:
        break;
    }
    return cedar_json_refuse(r, r->refusal, json, "a number that is no whole one of 64 bits");
}

/* ---- a value on its own ---- */

struct cedar_owned_value {
    struct cedar_arena arena;
    struct cedar_value value;
};

void cedar_owned_free(struct cedar_owned_value **owned)
{
    if (*owned == NULL)
        return;
    cedar_arena_free(&(*owned)->arena);
    free(*owned);
    *owned = NULL;
}

struct cedar_value cedar_owned(const struct cedar_owned_value *owned)
{
    return owned->value;
}

err_code cedar_value_parse(struct slice json, struct cedar_owned_value **ret, struct why *why)
{
    CLEANUP(cedar_arena_free) struct cedar_arena tree = {0};
    CLEANUP(cedar_owned_free) struct cedar_owned_value *owned = calloc(1, sizeof *owned);
    struct cedar_json_reader r = {.text = json, .refusal = ERR_CEDAR_ENTITY, .why = why};

    if (owned == NULL)
        return ERR_NO_MEMORY;
    r.arena = &owned->arena;
    TRY(cedar_json_parse(json, &tree, &r.root, why));
    TRY(cedar_json_value(&r, r.root, 0, &owned->value));
    *ret = owned;
    owned = NULL;
    return ERR_OK;
}

/* ---- writing ---- */

static err_code write_entity(const struct cedar_uid *uid, struct buf *ret)
{
    TRY(buf_add_str(ret, "{\"__entity\":{\"type\":"));
    TRY(cedar_json_quote(uid->type, ret));
    TRY(buf_add_str(ret, ",\"id\":"));
    TRY(cedar_json_quote(uid->id, ret));
    return buf_add_str(ret, "}}");
}

static err_code write_set(const struct cedar_value *set, struct buf *ret)
{
    TRY(buf_add_str(ret, "["));
    for (uint32_t i = 0; i < set->n; i++) {
        if (i > 0)
            TRY(buf_add_str(ret, ","));
        TRY(cedar_value_json(&set->items[i], ret));
    }
    return buf_add_str(ret, "]");
}

/* A record of one field with the name of an escape would read back as something else. */
static bool looks_like_escape(const struct cedar_value *record)
{
    return record->n == 1 && (slice_eq_str(record->fields[0].name, "__entity") ||
                              slice_eq_str(record->fields[0].name, "__extn") ||
                              slice_eq_str(record->fields[0].name, "__expr"));
}

static err_code write_record(const struct cedar_value *record, struct buf *ret)
{
    if (looks_like_escape(record))
        return ERR_CEDAR_ENTITY;
    TRY(buf_add_str(ret, "{"));
    for (uint32_t i = 0; i < record->n; i++) {
        if (i > 0)
            TRY(buf_add_str(ret, ","));
        TRY(cedar_json_quote(record->fields[i].name, ret));
        TRY(buf_add_str(ret, ":"));
        TRY(cedar_value_json(&record->fields[i].value, ret));
    }
    return buf_add_str(ret, "}");
}

static err_code write_call(const char *constructor, const char *text, struct buf *ret)
{
    TRY(buf_add_str(ret, "{\"__extn\":{\"fn\":\""));
    TRY(buf_add_str(ret, constructor));
    TRY(buf_add_str(ret, "\",\"arg\":\""));
    TRY(buf_add_str(ret, text)); /* nothing in it needs an escape */
    return buf_add_str(ret, "\"}}");
}

/* A time of a year that datetime() does not read is so many milliseconds from 1970. */
static err_code write_datetime(int64_t number, struct buf *ret)
{
    char text[CEDAR_EXT_TEXT];
    int64_t back;

    cedar_datetime_text(number, text);
    if (cedar_datetime_parse(slice_str(text), &back))
        return write_call("datetime", text, ret);
    TRY(buf_add_str(ret, "{\"__extn\":{\"fn\":\"offset\",\"args\":["));
    TRY(write_call("datetime", "1970-01-01", ret));
    TRY(buf_add_str(ret, ","));
    snprintf(text, sizeof text, "%" PRId64 "ms", number);
    TRY(write_call("duration", text, ret));
    return buf_add_str(ret, "]}}");
}

err_code cedar_value_json(const struct cedar_value *value, struct buf *ret)
{
    char text[CEDAR_EXT_TEXT];

    switch (value->kind) {
    case CEDAR_BOOL:
        return buf_add_str(ret, value->truth ? "true" : "false");
    case CEDAR_LONG:
        snprintf(text, sizeof text, "%" PRId64, value->number);
        return buf_add_str(ret, text);
    case CEDAR_STRING:
        return cedar_json_quote(cedar_text(value), ret);
    case CEDAR_ENTITY:
        return write_entity(value->uid, ret);
    case CEDAR_SET:
        return write_set(value, ret);
    case CEDAR_RECORD:
        return write_record(value, ret);
    case CEDAR_IP:
        cedar_ip_text(value->ip, text);
        return write_call("ip", text, ret);
    case CEDAR_DECIMAL:
        cedar_decimal_text(value->number, text);
        return write_call("decimal", text, ret);
    case CEDAR_DATETIME:
        return write_datetime(value->number, ret);
    case CEDAR_DURATION:
        cedar_duration_text(value->number, text);
        return write_call("duration", text, ret);
    }
    return ERR_INTERNAL;
}
