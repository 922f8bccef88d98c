/* SPDX-License-Identifier: Apache-2.0 */
/* schema_actions.c: the actions of a schema as entities. */
#include "gate/cedar/entities_make.h"
#include "gate/cedar/model.h"

#include <stdlib.h>

/* A store of n entities, all of them empty. */
static err_code store_make(size_t n, struct cedar_entities **ret, struct cedar_entity **ret_list,
                           uint32_t **ret_table)
{
    CLEANUP(cedar_entities_free) struct cedar_entities *store = calloc(1, sizeof *store);
    size_t places = 2;

    if (store == NULL)
        return ERR_NO_MEMORY;
    while (places < 2 * n)
        places *= 2;
    *ret_list = cedar_arena_take(&store->arena, (n + 1) * sizeof **ret_list);
    *ret_table = cedar_arena_take(&store->arena, places * sizeof **ret_table);
    if (*ret_list == NULL || *ret_table == NULL)
        return ERR_NO_MEMORY;
    store->list = *ret_list;
    store->table = *ret_table;
    store->mask = places - 1;
    *ret = store;
    store = NULL;
    return ERR_OK;
}

static err_code entity_of(struct cedar_arena *arena, const struct cedar_action_type *action,
                          struct cedar_entity *ret)
{
    const struct cedar_uid **groups =
        cedar_arena_take(arena, (action->n_ancestors + 1) * sizeof *groups);

    if (groups == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < action->n_ancestors; i++)
        groups[i] = &action->ancestors[i];
    *ret = (struct cedar_entity){
        .uid = action->uid,
        .attrs = {.kind = CEDAR_RECORD},
        .tags = {.kind = CEDAR_RECORD},
        .ancestors = groups,
        .n_ancestors = action->n_ancestors,
        .parents = groups,
        .n_parents = action->n_ancestors,
    };
    return ERR_OK;
}

err_code cedar_schema_actions(const struct cedar_schema *schema, const struct cedar_entities *base,
                              struct cedar_entities **ret)
{
    CLEANUP(cedar_entities_free) struct cedar_entities *store = NULL;
    struct cedar_entity *list;
    uint32_t *table;

    TRY(store_make(schema->n_actions, &store, &list, &table));
    for (size_t i = 0; i < schema->n_actions; i++) {
        size_t at = schema->actions[i].uid.hash & store->mask;

        TRY(entity_of(&store->arena, &schema->actions[i], &list[i]));
        while (table[at] != 0)
            at = (at + 1) & store->mask;
        table[at] = (uint32_t)i + 1;
    }
    store->n = schema->n_actions;
    store->base = base;
    *ret = store;
    store = NULL;
    return ERR_OK;
}
