/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/conform.h"

#include "gate/cedar/entities_make.h"

#include <stdio.h>
#include <string.h>

err_code cedar_conform_uid(struct cedar_conform *c, const struct cedar_uid *uid)
{
    const struct cedar_entity_type *entity = cedar_schema_entity(c->schema, uid->type);
    char text[CEDAR_UID_TEXT];
    bool listed;

    TRY(cedar_work_step(&c->work, 1));
    if (cedar_type_is_action(uid->type) && cedar_schema_action(c->schema, uid) == NULL) {
        cedar_uid_text(uid, text);
        return why_say(c->why, ERR_CEDAR_INVALID, "%s%s: the schema has no action %s", c->subject,
                       c->path, text);
    }
    if (cedar_type_is_action(uid->type))
        return ERR_OK;
    if (entity == NULL) {
        cedar_quote(uid->type, text, sizeof text);
        return why_say(c->why, ERR_CEDAR_INVALID, "%s%s: the schema has no entity type %s",
                       c->subject, c->path, text);
    }
    TRY(cedar_type_has_id(&c->work, entity, uid->id, &listed));
    if (listed)
        return ERR_OK;
    cedar_uid_text(uid, text);
    return why_say(c->why, ERR_CEDAR_INVALID, "%s%s: the schema does not list %s", c->subject,
                   c->path, text);
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

static err_code refuse(struct cedar_conform *c, const struct cedar_value *value,
                       const struct cedar_type *type)
{
    char wanted[96], found[96];

    cedar_type_print(type, wanted, sizeof wanted);
    print_found(value, found, sizeof found);
    return why_say(c->why, ERR_CEDAR_INVALID, "%s%s is %s, but the schema says %s", c->subject,
                   c->path, found, wanted);
}

static err_code conform_field(struct cedar_conform *c, struct slice name,
                              const struct cedar_value *value, const struct cedar_type *type)
{
    size_t len = c->path_len, room = sizeof c->path - len;
    char text[64];

    cedar_quote(name, text, sizeof text);
    snprintf(&c->path[len], room, cedar_ident_valid(name) ? ".%s" : "[\"%s\"]", text);
    c->path_len = len + strnlen(&c->path[len], room - 1);
    TRY(cedar_conform_value(c, value, type));
    c->path_len = len;
    c->path[len] = '\0';
    return ERR_OK;
}

static err_code conform_record(struct cedar_conform *c, const struct cedar_value *record,
                               const struct cedar_type *type)
{
    char name[64];

    for (uint32_t i = 0; i < record->n; i++) {
        const struct cedar_field *field = &record->fields[i];
        const struct cedar_attr_type *attr = cedar_type_attr(type, field->name);

        if (attr == NULL) {
            cedar_quote(field->name, name, sizeof name);
            return why_say(c->why, ERR_CEDAR_INVALID,
                           "%s%s has \"%s\", which the schema does not declare", c->subject,
                           c->path, name);
        }
        TRY(conform_field(c, field->name, &field->value, attr->type));
    }
    TRY(cedar_work_step(&c->work, type->n));
    for (uint32_t i = 0; i < type->n; i++)
        if (type->attrs[i].required && cedar_record_get(record, type->attrs[i].name) == NULL) {
            cedar_quote(type->attrs[i].name, name, sizeof name);
            return why_say(c->why, ERR_CEDAR_INVALID,
                           "%s%s has no \"%s\", which the schema requires", c->subject, c->path,
                           name);
        }
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
    return refuse(c, value, type);
}
