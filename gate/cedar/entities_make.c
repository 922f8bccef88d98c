/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/entities_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static err_code refuse(struct why *why, const struct cedar_uid *uid, const char *what)
{
    char name[CEDAR_UID_TEXT];

    cedar_uid_text(uid, name);
    return why_say(why, ERR_CEDAR_ENTITY, "%s %s", name, what);
}

static err_code too_many(struct why *why, const char *what, unsigned limit)
{
    return why_say(why, ERR_CEDAR_COUNT, "more %s than the limit of %u", what, limit);
}

void cedar_maker_free(struct cedar_maker *maker)
{
    cedar_arena_free(&maker->arena);
    cedar_arena_free(&maker->work);
    free(maker->list);
    free(maker->nodes);
    free(maker->table);
    *maker = (struct cedar_maker){0};
}

/* ---- names ---- */

/* The place of a name in a table, or the free one where it would go. */
static uint32_t *place_of(const struct cedar_maker *maker, const struct cedar_uid *uid)
{
    size_t mask = (size_t)maker->cap_nodes * 2 - 1, at = uid->hash & mask;

    while (maker->table[at] != 0 && !cedar_uid_eq(maker->nodes[maker->table[at] - 1].uid, uid))
        at = (at + 1) & mask;
    return &maker->table[at];
}

/* Room for twice as many names. */
static err_code grow_nodes(struct cedar_maker *maker)
{
    uint32_t cap = maker->cap_nodes == 0 ? 64 : maker->cap_nodes * 2;
    struct cedar_maker_node *nodes = reallocarray(maker->nodes, cap, sizeof *nodes);
    uint32_t *table;

    if (nodes == NULL)
        return ERR_NO_MEMORY;
    maker->nodes = nodes;
    table = calloc((size_t)cap * 2, sizeof *table);
    if (table == NULL)
        return ERR_NO_MEMORY;
    free(maker->table);
    maker->table = table;
    maker->cap_nodes = cap;
    for (uint32_t i = 0; i < maker->n_nodes; i++)
        *place_of(maker, nodes[i].uid) = i + 1;
    return ERR_OK;
}

/* The node of a name, which is added if it is new. */
static err_code node_of(struct cedar_maker *maker, const struct cedar_uid *uid, uint32_t *ret,
                        struct why *why)
{
    uint32_t *place;

    if (maker->n_nodes == maker->cap_nodes)
        TRY(grow_nodes(maker));
    place = place_of(maker, uid);
    if (*place == 0) {
        if (maker->n_nodes == CEDAR_ANCESTORS_MAX)
            return too_many(why, "names of entities", CEDAR_ANCESTORS_MAX);
        maker->nodes[maker->n_nodes] = (struct cedar_maker_node){.uid = uid};
        *place = ++maker->n_nodes;
    }
    *ret = *place - 1;
    return ERR_OK;
}

/* ---- adding ---- */

/* The parents as nodes, each once. */
static err_code take_parents(struct cedar_maker *maker, struct cedar_maker_draft *draft,
                             struct why *why)
{
    const struct cedar_entity *e = &draft->entity;
    uint32_t n = 0;

    draft->parents = cedar_arena_take(&maker->work, e->n_parents * sizeof *draft->parents);
    if (draft->parents == NULL)
        return ERR_NO_MEMORY;
    maker->mark++;
    for (uint32_t i = 0; i < e->n_parents; i++) {
        uint32_t node;

        if (cedar_type_is_action(e->uid.type) && !cedar_type_is_action(e->parents[i]->type))
            return refuse(why, &e->uid, "is an action in what is no action");
        TRY(node_of(maker, e->parents[i], &node, why));
        if (maker->nodes[node].mark == maker->mark)
            continue;
        maker->nodes[node].mark = maker->mark;
        draft->parents[n++] = node;
    }
    draft->entity.n_parents = n;
    return ERR_OK;
}

/* True if both have the same attributes, tags and parents. The parents of b are marked. */
static bool same(const struct cedar_maker *maker, const struct cedar_maker_draft *a,
                 const struct cedar_maker_draft *b)
{
    if (a->entity.n_parents != b->entity.n_parents)
        return false;
    for (uint32_t i = 0; i < a->entity.n_parents; i++)
        if (maker->nodes[a->parents[i]].mark != maker->mark)
            return false;
    return cedar_value_eq(&a->entity.attrs, &b->entity.attrs) &&
           cedar_value_eq(&a->entity.tags, &b->entity.tags);
}

static err_code grow_list(struct cedar_maker *maker, struct why *why)
{
    uint32_t cap = maker->cap == 0 ? 64 : maker->cap * 2;
    struct cedar_maker_draft *list;

    if (maker->n == CEDAR_ENTITIES_MAX)
        return too_many(why, "entities", CEDAR_ENTITIES_MAX);
    if (maker->n < maker->cap)
        return ERR_OK;
    list = reallocarray(maker->list, cap, sizeof *list);
    if (list == NULL)
        return ERR_NO_MEMORY;
    maker->list = list;
    maker->cap = cap;
    return ERR_OK;
}

err_code cedar_maker_add(struct cedar_maker *maker, const struct cedar_entity *entity,
                         struct why *why)
{
    struct cedar_maker_draft draft = {.entity = *entity};
    struct cedar_uid *uid = cedar_arena_take(&maker->arena, sizeof *uid);
    uint32_t node;

    if (uid == NULL)
        return ERR_NO_MEMORY;
    *uid = entity->uid;
    TRY(node_of(maker, uid, &node, why));
    TRY(take_parents(maker, &draft, why));
    if (maker->nodes[node].entity != 0)
        return same(maker, &maker->list[maker->nodes[node].entity - 1], &draft)
                   ? ERR_OK
                   : refuse(why, uid, "stands twice, with different contents");
    TRY(grow_list(maker, why));
    maker->list[maker->n++] = draft;
    maker->nodes[node].entity = maker->n;
    return ERR_OK;
}

/* ---- ancestors ---- */

static void add_ancestor(struct cedar_maker *maker, uint32_t node, uint32_t *found, uint32_t *n)
{
    if (maker->nodes[node].mark == maker->mark)
        return;
    maker->nodes[node].mark = maker->mark;
    found[(*n)++] = node;
}

/* All parents are done. found has room for all nodes. */
static err_code collect(struct cedar_maker *maker, struct cedar_maker_draft *draft, uint32_t *found,
                        struct why *why)
{
    uint32_t n = 0;

    maker->mark++;
    for (uint32_t i = 0; i < draft->entity.n_parents; i++) {
        uint32_t parent = draft->parents[i], entity = maker->nodes[parent].entity;
        const struct cedar_maker_draft *above = entity == 0 ? NULL : &maker->list[entity - 1];

        /* an ancestor already: so are its own */
        if (maker->nodes[parent].mark == maker->mark)
            continue;
        add_ancestor(maker, parent, found, &n);
        for (uint32_t k = 0; above != NULL && k < above->entity.n_ancestors; k++)
            add_ancestor(maker, above->ancestors[k], found, &n);
    }
    if (n > CEDAR_ANCESTORS_MAX - maker->n_pairs)
        return too_many(why, "pairs of entity and ancestor", CEDAR_ANCESTORS_MAX);
    maker->n_pairs += n;
    draft->ancestors = cedar_arena_take(&maker->work, n * sizeof *found);
    if (draft->ancestors == NULL)
        return ERR_NO_MEMORY;
    if (n > 0)
        memcpy(draft->ancestors, found, n * sizeof *found);
    draft->entity.n_ancestors = n;
    return ERR_OK;
}

/* Goes up from one entity, depth first, with the way back in stack. */
static err_code climb(struct cedar_maker *maker, uint32_t from, uint32_t *stack, uint32_t *found,
                      struct why *why)
{
    size_t height = 0;

    stack[height++] = from;
    while (height > 0) {
        struct cedar_maker_draft *draft = &maker->list[stack[height - 1]];
        uint32_t above;

        draft->state = CEDAR_DRAFT_OPEN;
        if (draft->next == draft->entity.n_parents) {
            TRY(collect(maker, draft, found, why));
            draft->state = CEDAR_DRAFT_DONE;
            height--;
            continue;
        }
        above = maker->nodes[draft->parents[draft->next++]].entity;
        if (above == 0 || maker->list[above - 1].state == CEDAR_DRAFT_DONE)
            continue;
        if (maker->list[above - 1].state == CEDAR_DRAFT_OPEN)
            return refuse(why, &maker->list[above - 1].entity.uid, "is an ancestor of itself");
        stack[height++] = above - 1;
    }
    return ERR_OK;
}

static err_code close_hierarchy(struct cedar_maker *maker, struct why *why)
{
    uint32_t *stack = cedar_arena_take(&maker->work, maker->n * sizeof *stack);
    uint32_t *found = cedar_arena_take(&maker->work, maker->n_nodes * sizeof *found);

    if (stack == NULL || found == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < maker->n; i++)
        if (maker->list[i].state == CEDAR_DRAFT_NEW)
            TRY(climb(maker, i, stack, found, why));
    return ERR_OK;
}

/* ---- the store ---- */

static int by_name(const void *a, const void *b)
{
    return cedar_uid_cmp(*(const struct cedar_uid *const *)a, *(const struct cedar_uid *const *)b);
}

static err_code names_of(struct cedar_maker *maker, const uint32_t *nodes, uint32_t n,
                         const struct cedar_uid ***ret)
{
    const struct cedar_uid **names = cedar_arena_take(&maker->arena, n * sizeof *names);

    if (names == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < n; i++)
        names[i] = maker->nodes[nodes[i]].uid;
    *ret = names;
    return ERR_OK;
}

static err_code fill(struct cedar_maker *maker, struct cedar_entity *list)
{
    for (uint32_t i = 0; i < maker->n; i++) {
        struct cedar_maker_draft *draft = &maker->list[i];
        struct cedar_entity *e = &draft->entity;
        const struct cedar_uid **parents, **ancestors;

        TRY(names_of(maker, draft->parents, e->n_parents, &parents));
        TRY(names_of(maker, draft->ancestors, e->n_ancestors, &ancestors));
        qsort(ancestors, e->n_ancestors, sizeof *ancestors, by_name);
        e->parents = parents;
        e->ancestors = ancestors;
        list[i] = *e;
    }
    return ERR_OK;
}

static err_code index_all(const struct cedar_entity *list, struct cedar_entities *store)
{
    size_t size = 2;
    uint32_t *table;

    while (size < 2 * store->n)
        size *= 2;
    table = cedar_arena_take(&store->arena, size * sizeof *table);
    if (table == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < store->n; i++) {
        size_t at = list[i].uid.hash & (size - 1);

        while (table[at] != 0)
            at = (at + 1) & (size - 1);
        table[at] = (uint32_t)i + 1;
    }
    store->list = list;
    store->table = table;
    store->mask = size - 1;
    return ERR_OK;
}

err_code cedar_maker_finish(struct cedar_maker *maker, struct cedar_entities **ret, struct why *why)
{
    CLEANUP(cedar_entities_free) struct cedar_entities *store = calloc(1, sizeof *store);
    struct cedar_entity *list = cedar_arena_take(&maker->arena, maker->n * sizeof *list);

    if (store == NULL || list == NULL)
        return ERR_NO_MEMORY;
    TRY(close_hierarchy(maker, why));
    TRY(fill(maker, list));
    store->n = maker->n;
    store->arena = maker->arena;
    maker->arena = (struct cedar_arena){0};
    cedar_maker_free(maker);
    TRY(index_all(list, store));
    *ret = store;
    store = NULL;
    return ERR_OK;
}
