/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/entities.h"

#include "gate/cedar/entities_make.h"

#include <stdlib.h>

void cedar_entities_free(struct cedar_entities **entities)
{
    if (*entities == NULL)
        return;
    cedar_arena_free(&(*entities)->arena);
    free(*entities);
    *entities = NULL;
}

size_t cedar_entities_count(const struct cedar_entities *entities)
{
    return entities == NULL ? 0 : entities->n;
}

const struct cedar_entity *cedar_entities_at(const struct cedar_entities *entities, size_t i)
{
    return i < cedar_entities_count(entities) ? &entities->list[i] : NULL;
}

const struct cedar_entity *cedar_entities_find(const struct cedar_entities *entities,
                                               const struct cedar_uid *uid)
{
    if (entities == NULL)
        return NULL;
    for (size_t at = uid->hash & entities->mask; entities->table[at] != 0;
         at = (at + 1) & entities->mask) {
        const struct cedar_entity *entity = &entities->list[entities->table[at] - 1];

        if (cedar_uid_eq(&entity->uid, uid))
            return entity;
    }
    return NULL;
}

bool cedar_entity_in(const struct cedar_entities *entities, const struct cedar_uid *uid,
                     const struct cedar_uid *in)
{
    const struct cedar_entity *entity;
    uint32_t low = 0, high;

    if (cedar_uid_eq(uid, in))
        return true;
    entity = cedar_entities_find(entities, uid);
    if (entity == NULL)
        return false;
    high = entity->n_ancestors;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = cedar_uid_cmp(entity->ancestors[middle], in);

        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}
