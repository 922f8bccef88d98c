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
    for (; entities != NULL; entities = entities->base)
        for (size_t at = uid->hash & entities->mask; entities->table[at] != 0;
             at = (at + 1) & entities->mask) {
            const struct cedar_entity *entity = &entities->list[entities->table[at] - 1];

            if (cedar_uid_eq(&entity->uid, uid))
                return entity;
        }
    return NULL;
}

err_code cedar_entities_over(const struct cedar_entities *base, const struct cedar_uid *uid,
                             struct cedar_value attrs, struct cedar_entities **ret)
{
    CLEANUP(cedar_entities_free) struct cedar_entities *out = calloc(1, sizeof *out);
    struct cedar_entity *entity;
    uint32_t *table;

    if (out == NULL)
        return ERR_NO_MEMORY;
    entity = cedar_arena_take(&out->arena, sizeof *entity);
    table = cedar_arena_take(&out->arena, 2 * sizeof *table);
    if (entity == NULL || table == NULL)
        return ERR_NO_MEMORY;
    out->base = base;
    out->list = entity;
    out->table = table;
    out->mask = 1;
    if (cedar_entities_find(base, uid) == NULL) {
        *entity =
            (struct cedar_entity){.uid = *uid, .attrs = attrs, .tags = {.kind = CEDAR_RECORD}};
        table[uid->hash & out->mask] = 1;
        out->n = 1;
    }
    *ret = out;
    out = NULL;
    return ERR_OK;
}

bool cedar_entity_below(const struct cedar_entity *entity, const struct cedar_uid *uid)
{
    uint32_t low = 0, high = entity == NULL ? 0 : entity->n_ancestors;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = cedar_uid_cmp(entity->ancestors[middle], uid);

        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool cedar_entity_in(const struct cedar_entities *entities, const struct cedar_uid *uid,
                     const struct cedar_uid *in)
{
    return cedar_uid_eq(uid, in) || cedar_entity_below(cedar_entities_find(entities, uid), in);
}
