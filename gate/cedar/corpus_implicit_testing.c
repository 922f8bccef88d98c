/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/corpus_implicit_testing.h"

#include "gate/cedar/model.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *text_of(struct slice text)
{
    return json_stringn((const char *)text.ptr, text.len);
}

static const char *constructor_of(enum cedar_type_kind kind)
{
    switch ((int)kind) {
    case CEDAR_TYPE_IP:
        return "ip";
    case CEDAR_TYPE_DECIMAL:
        return "decimal";
    case CEDAR_TYPE_DATETIME:
        return "datetime";
    case CEDAR_TYPE_DURATION:
        return "duration";
    default:
        return NULL;
    }
}

static const struct cedar_type *attr_type(const struct cedar_type *record, const char *name)
{
    for (uint32_t i = 0; record != NULL && i < record->n; i++)
        if (slice_eq_str(record->attrs[i].name, name))
            return record->attrs[i].type;
    return NULL;
}

/* The value with its escapes. Owns: a new reference. */
static json_t *explicit_value(const struct cedar_type *type, json_t *value)
{
    const char *constructor = type == NULL ? NULL : constructor_of(type->kind);
    const char *key;
    json_t *inner, *made;
    size_t i;

    if (constructor != NULL && json_is_string(value))
        return json_pack("{s:{s:s, s:O}}", "__extn", "fn", constructor, "arg", value);
    if (type != NULL && type->kind == CEDAR_TYPE_ENTITY &&
        json_object_get(value, "__entity") == NULL)
        return json_pack("{s:O}", "__entity", value);
    if (type != NULL && type->kind == CEDAR_TYPE_SET && json_is_array(value)) {
        made = json_array();
        json_array_foreach(value, i, inner)
            json_array_append_new(made, explicit_value(type->element, inner));
        return made;
    }
    if (type != NULL && type->kind == CEDAR_TYPE_RECORD && json_is_object(value)) {
        made = json_object();
        json_object_foreach(value, key, inner)
            json_object_set_new(made, key, explicit_value(attr_type(type, key), inner));
        return made;
    }
    return json_incref(value);
}

static bool write_out(json_t *json, struct buf *ret)
{
    char *text = json_dumps(json, JSON_COMPACT);
    bool ok = text != NULL && buf_add_str(ret, text) == ERR_OK;

    free(text);
    json_decref(json);
    return ok;
}

static json_t *action_entity(const struct cedar_action_type *action)
{
    json_t *parents = json_array();

    for (uint32_t i = 0; i < action->n_ancestors; i++)
        json_array_append_new(parents,
                              json_pack("{s:o, s:o}", "type", text_of(action->ancestors[i].type),
                                        "id", text_of(action->ancestors[i].id)));
    return json_pack("{s:{s:o, s:o}, s:{}, s:o}", "uid", "type", text_of(action->uid.type), "id",
                     text_of(action->uid.id), "attrs", "parents", parents);
}

bool corpus_explicit_entities(const struct cedar_schema *schema, struct slice json, struct buf *ret)
{
    json_t *list = json_loadb((const char *)json.ptr, json.len, 0, NULL), *entity;
    size_t i;

    if (!json_is_array(list))
        return false;
    json_array_foreach(list, i, entity)
    {
        json_t *type = json_object_get(json_object_get(entity, "uid"), "type");
        json_t *attrs = json_object_get(entity, "attrs");
        const struct cedar_entity_type *of =
            cedar_schema_entity(schema, slice_str(json_string_value(type)));

        if (of != NULL && json_is_object(attrs))
            json_object_set_new(entity, "attrs", explicit_value(of->attrs, attrs));
    }
    for (size_t a = 0; a < schema->n_actions; a++)
        json_array_append_new(list, action_entity(&schema->actions[a]));
    return write_out(list, ret);
}

bool corpus_explicit_context(const struct cedar_schema *schema, const struct cedar_uid *action,
                             struct slice json, struct buf *ret)
{
    const struct cedar_action_type *of = cedar_schema_action(schema, action);
    json_t *context = json_loadb((const char *)json.ptr, json.len, 0, NULL), *made;

    if (context == NULL)
        return false;
    made = explicit_value(of == NULL ? NULL : of->context, context);
    json_decref(context);
    return write_out(made, ret);
}
