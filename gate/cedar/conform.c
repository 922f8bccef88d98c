/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/conform.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- refusals -------------------------------------------------------------------------------- */

/* ".address.zip", of which the beginning is kept. */
static void print_path(const struct cedar_conform_path *path, char *ret, size_t size)
{
    char name[64];
    size_t len;

    if (path == NULL) {
        ret[0] = '\0';
        return;
    }
    print_path(path->up, ret, size);
    len = strlen(ret);
    cedar_quote(path->name, name, sizeof name);
    snprintf(ret + len, size - len, cedar_ident_valid(path->name) ? ".%s" : "[\"%s\"]", name);
}

/* The sentence begins with what is spoken of. */
[[gnu::format(printf, 2, 3)]] static err_code refuse(const struct cedar_conform *c,
                                                     const char *format, ...)
{
    char path[160], what[320];
    va_list args;

    print_path(c->path, path, sizeof path);
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return why_say(c->why, ERR_CEDAR_INVALID, "%s%s%s", c->subject, path, what);
}

static err_code refuse_field(const struct cedar_conform *c, struct slice name, bool required)
{
    char text[64];

    cedar_quote(name, text, sizeof text);
    if (required)
        return refuse(c, " has no \"%s\", which the schema requires", text);
    return refuse(c, " has \"%s\", which the schema does not declare", text);
}

/* ---- entities -------------------------------------------------------------------------------- */

err_code cedar_conform_uid(struct cedar_conform *c, const struct cedar_uid *uid)
{
    const struct cedar_entity_type *entity = cedar_schema_entity(c->schema, uid->type);
    char text[CEDAR_UID_TEXT];
    bool listed;

    TRY(cedar_work_step(&c->work, 1));
    if (cedar_type_is_action(uid->type) && cedar_schema_action(c->schema, uid) == NULL) {
        cedar_uid_text(uid, text);
        return refuse(c, ": the schema has no action %s", text);
    }
    if (cedar_type_is_action(uid->type))
        return ERR_OK;
    if (entity == NULL) {
        cedar_quote(uid->type, text, sizeof text);
        return refuse(c, ": the schema has no entity type %s", text);
    }
    TRY(cedar_type_has_id(&c->work, entity, uid->id, &listed));
    if (listed)
        return ERR_OK;
    cedar_uid_text(uid, text);
    return refuse(c, ": the schema does not list %s", text);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void print_found(const struct cedar_value *value, char *ret, size_t size)
{
    if (value->kind == CEDAR_ENTITY)
        cedar_quote(value->uid->type, ret, size);
    else if (value->kind == CEDAR_SET || value->kind == CEDAR_RECORD)
        snprintf(ret, size, "a %s", value->kind == CEDAR_SET ? "set" : "record");
    else
        cedar_type_print(cedar_type_plain(cedar_type_kind_of(value->kind)), ret, size);
}

static err_code refuse_value(const struct cedar_conform *c, const struct cedar_value *value,
                             const struct cedar_type *type)
{
    char wanted[96], found[96];

    cedar_type_print(type, wanted, sizeof wanted);
    print_found(value, found, sizeof found);
    return refuse(c, " is %s, but the schema says %s", found, wanted);
}

static err_code conform_field(struct cedar_conform *c, const struct cedar_field *field,
                              const struct cedar_type *type)
{
    const struct cedar_conform_path path = {c->path, field->name};

    c->path = &path;
    TRY(cedar_conform_value(c, &field->value, type));
    c->path = path.up;
    return ERR_OK;
}

static err_code conform_record(struct cedar_conform *c, const struct cedar_value *record,
                               const struct cedar_type *type)
{
    for (uint32_t i = 0; i < record->n; i++) {
        const struct cedar_field *field = &record->fields[i];
        const struct cedar_attr_type *attr = cedar_type_attr(type, field->name);

        if (attr == NULL)
            return refuse_field(c, field->name, false);
        TRY(conform_field(c, field, attr->type));
    }
    TRY(cedar_work_step(&c->work, type->n));
    for (uint32_t i = 0; i < type->n; i++)
        if (type->attrs[i].required && cedar_record_get(record, type->attrs[i].name) == NULL)
            return refuse_field(c, type->attrs[i].name, true);
    return ERR_OK;
}

err_code cedar_conform_value(struct cedar_conform *c, const struct cedar_value *value,
                             const struct cedar_type *type)
{
    TRY(cedar_work_step(&c->work, 1));
    if (type->kind == CEDAR_TYPE_RECORD && value->kind == CEDAR_RECORD)
        return conform_record(c, value, type);
    if (type->kind == CEDAR_TYPE_SET && value->kind == CEDAR_SET) {
        for (uint32_t i = 0; i < value->n; i++)
            TRY(cedar_conform_value(c, &value->items[i], type->element));
        return ERR_OK;
    }
    if (type->kind == CEDAR_TYPE_ENTITY && value->kind == CEDAR_ENTITY &&
        slice_eq(type->name, value->uid->type))
        return cedar_conform_uid(c, value->uid);
    if (type->kind != CEDAR_TYPE_NEVER && cedar_type_kind_of(value->kind) == type->kind)
        return ERR_OK;
    return refuse_value(c, value, type);
}
