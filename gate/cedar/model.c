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

void cedar_schema_free(struct cedar_schema **schema)
{
    struct cedar_arena arena;

    if (*schema == NULL)
        return;
    arena = (*schema)->arena; /* the schema itself is inside */
    cedar_arena_free(&arena);
    *schema = NULL;
}
