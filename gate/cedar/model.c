/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/model.h"

#include <stdlib.h>

static int entity_cmp(const void *key, const void *entity)
{
    const struct slice *name = key;
    const struct cedar_entity_type *type = entity;

    return slice_cmp(*name, type->name);
}

static int action_cmp(const void *key, const void *action)
{
    const struct cedar_action_type *type = action;

    return cedar_uid_cmp(key, &type->uid);
}

const struct cedar_entity_type *cedar_schema_entity(const struct cedar_schema *schema,
                                                    struct slice name)
{
    if (schema->n_entities == 0)
        return NULL;
    return bsearch(&name, schema->entities, schema->n_entities, sizeof *schema->entities,
                   entity_cmp);
}

const struct cedar_action_type *cedar_schema_action(const struct cedar_schema *schema,
                                                    const struct cedar_uid *uid)
{
    if (schema->n_actions == 0)
        return NULL;
    return bsearch(uid, schema->actions, schema->n_actions, sizeof *schema->actions, action_cmp);
}

static int attr_cmp(const void *key, const void *attr)
{
    const struct slice *name = key;
    const struct cedar_attr_type *type = attr;

    return slice_cmp(*name, type->name);
}

const struct cedar_attr_type *cedar_type_attr(const struct cedar_type *record, struct slice name)
{
    if (record->n == 0)
        return NULL;
    return bsearch(&name, record->attrs, record->n, sizeof *record->attrs, attr_cmp);
}

bool cedar_schema_context_has(const struct cedar_schema *schema, const struct cedar_uid *action,
                              struct slice attribute, struct slice member)
{
    const struct cedar_action_type *declared = cedar_schema_action(schema, action);
    const struct cedar_attr_type *attr = NULL;

    if (declared != NULL)
        attr = cedar_type_attr(declared->context, attribute);
    if (attr == NULL || member.len == 0)
        return attr != NULL;
    return attr->type->kind == CEDAR_TYPE_RECORD && cedar_type_attr(attr->type, member) != NULL;
}

void cedar_schema_free(struct cedar_schema **schema)
{
    struct cedar_arena arena;

    if (*schema == NULL)
        return;
    arena = (*schema)->arena; /* the schema itself is inside */
    cedar_arena_free(&arena);
    *schema = NULL;
}
