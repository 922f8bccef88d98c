/* SPDX-License-Identifier: Apache-2.0 */
/* schema_resolve.c: makes a model of a schema's tree: entity types, actions, who is in whom. */
#include "gate/cedar/schema_resolve.h"

#include <stdlib.h>

/* ---- hierarchies ----------------------------------------------------------------------------- */

/* Numbers of entity types or actions, ascending. */
struct numbers {
    const uint32_t *at;
    uint32_t n;
};

/* Who is directly in whom. Declarations of several names share their edges. */
struct graph {
    uint32_t n;            /* nodes */
    uint32_t *decl;        /* of each node: its declaration */
    struct numbers *edges; /* of each declaration: the nodes that it is in */
    uint32_t *found;       /* what the last search found */
    /* The search in which a node or declaration was met last; declarations to look at. */
    uint32_t *node_seen, *decl_seen, *stack;
    uint32_t search;
    uint64_t steps, pairs;
};

static err_code graph_make(struct cedar_resolve *r, uint32_t n, uint32_t n_decls, struct graph *ret)
{
    *ret = (struct graph){.n = n};
    ret->decl = cedar_arena_take(&r->scratch, n * sizeof *ret->decl);
    ret->edges = cedar_arena_take(&r->scratch, n_decls * sizeof *ret->edges);
    ret->found = cedar_arena_take(&r->scratch, n * sizeof *ret->found);
    ret->node_seen = cedar_arena_take(&r->scratch, n * sizeof *ret->node_seen);
    ret->decl_seen = cedar_arena_take(&r->scratch, n_decls * sizeof *ret->decl_seen);
    ret->stack = cedar_arena_take(&r->scratch, n_decls * sizeof *ret->stack);
    if (ret->decl == NULL || ret->edges == NULL || ret->found == NULL || ret->node_seen == NULL ||
        ret->decl_seen == NULL || ret->stack == NULL)
        return ERR_NO_MEMORY;
    return ERR_OK;
}

static int number_cmp(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* All that a node is in, directly or through others; itself, too, if it is in itself. Borrows:
 * until the next search. */
static err_code graph_search(const struct cedar_resolve *r, struct graph *g, uint32_t node,
                             uint32_t offset, struct numbers *ret)
{
    uint32_t n = 0, n_stack = 0;

    g->search++;
    g->decl_seen[g->decl[node]] = g->search;
    g->stack[n_stack++] = g->decl[node];
    while (n_stack > 0) {
        const struct numbers *edges = &g->edges[g->stack[--n_stack]];

        g->steps += edges->n;
        for (uint32_t i = 0; i < edges->n; i++) {
            uint32_t to = edges->at[i];

            if (g->node_seen[to] == g->search)
                continue;
            g->node_seen[to] = g->search;
            g->found[n++] = to;
            if (g->decl_seen[g->decl[to]] != g->search) {
                g->decl_seen[g->decl[to]] = g->search;
                g->stack[n_stack++] = g->decl[to];
            }
        }
        if (g->steps > CEDAR_HIERARCHY_MAX)
            return cedar_tree_fail(r->tree, offset, ERR_CEDAR_COUNT,
                                   "the hierarchy takes more than %u steps", CEDAR_HIERARCHY_MAX);
    }
    g->pairs += n;
    if (g->pairs > CEDAR_ANCESTORS_MAX)
        return cedar_tree_fail(r->tree, offset, ERR_CEDAR_COUNT,
                               "a hierarchy of more than %u pairs", CEDAR_ANCESTORS_MAX);
    if (n > 1)
        qsort(g->found, n, sizeof *g->found, number_cmp);
    *ret = (struct numbers){g->found, n};
    return ERR_OK;
}

/* ---- entity types ---------------------------------------------------------------------------- */

/* The numbers of these entity types: ascending, each once. */
static err_code entity_numbers(struct cedar_resolve *r, struct slice space,
                               const struct cedar_tree_names *names, struct numbers *ret)
{
    uint32_t *at = cedar_arena_take(&r->scratch, names->n * sizeof *at), n = 0;

    if (at == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < names->n; i++) {
        struct cedar_target target = {0};

        TRY(cedar_resolve_name(r, space, CEDAR_FORM_ENTITY, &names->at[i], &target));
        if (target.meaning != CEDAR_MEANS_ENTITY)
            return cedar_tree_fail(r->tree, names->at[i].offset, ERR_CEDAR_SCHEMA,
                                   "`%s` is a type of actions, expected an entity type",
                                   cedar_quoted(names->at[i].text).text);
        at[i] = (uint32_t)(target.symbol - r->entities.at);
    }
    if (names->n > 1)
        qsort(at, names->n, sizeof *at, number_cmp);
    for (uint32_t i = 0; i < names->n; i++)
        if (i == 0 || at[i] != at[i - 1])
            at[n++] = at[i];
    *ret = (struct numbers){at, n};
    return ERR_OK;
}

static err_code names_of(struct cedar_resolve *r, struct numbers numbers, const struct slice **ret)
{
    struct slice *names = cedar_arena_take(r->keep, numbers.n * sizeof *names);

    if (names == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < numbers.n; i++)
        names[i] = r->names[numbers.at[i]];
    *ret = names;
    return ERR_OK;
}

/* What all names of a declaration have in common. */
static err_code make_entity(struct cedar_resolve *r, const struct cedar_tree_entity *decl,
                            struct cedar_entity_type *ret)
{
    struct slice *ids = NULL;

    TRY(cedar_resolve_record(r, decl->space, decl->shape, "the shape of an entity type",
                             &ret->attrs));
    if (decl->tags != NULL)
        TRY(cedar_resolve_type(r, decl->space, decl->tags, &ret->tags));
    if (decl->ids.n == 0)
        return ERR_OK;
    ids = cedar_arena_take(r->keep, decl->ids.n * sizeof *ids);
    if (ids == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < decl->ids.n; i++)
        TRY(cedar_arena_copy(r->keep, decl->ids.at[i].text, &ids[i]));
    ret->ids = ids;
    ret->n_ids = decl->ids.n;
    return ERR_OK;
}

static err_code keep_names(struct cedar_resolve *r)
{
    r->names = cedar_arena_take(&r->scratch, r->entities.n * sizeof *r->names);
    if (r->names == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < r->entities.n; i++)
        TRY(cedar_arena_copy(r->keep, r->entities.at[i].name, &r->names[i]));
    return ERR_OK;
}

static err_code make_entities(struct cedar_resolve *r, struct cedar_schema *schema)
{
    const struct cedar_tree_entity *decls = (const void *)r->tree->entities.bytes.ptr;
    uint32_t n = r->entities.n, n_decls = r->tree->entities.n;
    struct cedar_entity_type *types = cedar_arena_take(r->keep, n * sizeof *types);
    struct cedar_entity_type *made = cedar_arena_take(&r->scratch, n_decls * sizeof *made);
    struct graph graph;
    struct numbers in = {0};

    if (types == NULL || made == NULL)
        return ERR_NO_MEMORY;
    TRY(graph_make(r, n, n_decls, &graph));
    for (uint32_t i = 0; i < n_decls; i++) {
        TRY(entity_numbers(r, decls[i].space, &decls[i].parents, &graph.edges[i]));
        TRY(make_entity(r, &decls[i], &made[i]));
    }
    for (uint32_t i = 0; i < n; i++)
        graph.decl[i] = r->entities.at[i].decl;
    for (uint32_t i = 0; i < n; i++) {
        TRY(graph_search(r, &graph, i, r->entities.at[i].offset, &in));
        types[i] = made[graph.decl[i]];
        types[i].name = r->names[i];
        TRY(names_of(r, in, &types[i].ancestors));
        types[i].n_ancestors = in.n;
    }
    schema->entities = types;
    schema->n_entities = n;
    return ERR_OK;
}

/* ---- actions --------------------------------------------------------------------------------- */

static err_code action_numbers(struct cedar_resolve *r, const struct cedar_tree_action *decl,
                               struct numbers *ret)
{
    uint32_t *at = cedar_arena_take(&r->scratch, decl->n_parents * sizeof *at);

    if (at == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < decl->n_parents; i++)
        TRY(cedar_resolve_uid(r, decl->space, &decl->parents[i], &at[i]));
    *ret = (struct numbers){at, decl->n_parents};
    return ERR_OK;
}

static err_code make_action(struct cedar_resolve *r, const struct cedar_tree_action *decl,
                            struct cedar_action_type *ret)
{
    struct numbers principals = {0}, resources = {0};

    TRY(entity_numbers(r, decl->space, &decl->principals, &principals));
    TRY(entity_numbers(r, decl->space, &decl->resources, &resources));
    TRY(names_of(r, principals, &ret->principals));
    TRY(names_of(r, resources, &ret->resources));
    ret->n_principals = principals.n;
    ret->n_resources = resources.n;
    return cedar_resolve_record(r, decl->space, decl->context, "a context", &ret->context);
}

static err_code keep_uids(struct cedar_resolve *r, struct cedar_action_type *types)
{
    for (uint32_t i = 0; i < r->n_actions; i++) {
        struct slice type = {0}, id = {0};

        TRY(cedar_arena_copy(r->keep, r->actions[i].uid.type, &type));
        TRY(cedar_arena_copy(r->keep, r->actions[i].uid.id, &id));
        types[i].uid = cedar_uid_of(type, id);
    }
    return ERR_OK;
}

static err_code uids_of(struct cedar_resolve *r, const struct cedar_action_type *types,
                        struct numbers numbers, const struct cedar_uid **ret)
{
    struct cedar_uid *uids = cedar_arena_take(r->keep, numbers.n * sizeof *uids);

    if (uids == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < numbers.n; i++)
        uids[i] = types[numbers.at[i]].uid;
    *ret = uids;
    return ERR_OK;
}

static err_code place_actions(struct cedar_resolve *r, struct graph *graph,
                              struct cedar_action_type *types)
{
    for (uint32_t i = 0; i < r->n_actions; i++) {
        uint32_t offset = r->actions[i].offset;
        struct numbers in = {0};

        TRY(graph_search(r, graph, i, offset, &in));
        if (graph->node_seen[i] == graph->search)
            return cedar_tree_fail(r->tree, offset, ERR_CEDAR_SCHEMA,
                                   "the action `%s` is in itself, directly or through others",
                                   cedar_quoted(types[i].uid.id).text);
        TRY(uids_of(r, types, in, &types[i].ancestors));
        types[i].n_ancestors = in.n;
    }
    return ERR_OK;
}

static err_code make_actions(struct cedar_resolve *r, struct cedar_schema *schema)
{
    const struct cedar_tree_action *decls = (const void *)r->tree->actions.bytes.ptr;
    uint32_t n = r->n_actions, n_decls = r->tree->actions.n;
    struct cedar_action_type *types = cedar_arena_take(r->keep, n * sizeof *types);
    struct cedar_action_type *made = cedar_arena_take(&r->scratch, n_decls * sizeof *made);
    struct graph graph;

    if (types == NULL || made == NULL)
        return ERR_NO_MEMORY;
    TRY(graph_make(r, n, n_decls, &graph));
    for (uint32_t i = 0; i < n_decls; i++) {
        TRY(action_numbers(r, &decls[i], &graph.edges[i]));
        TRY(make_action(r, &decls[i], &made[i]));
    }
    for (uint32_t i = 0; i < n; i++) {
        graph.decl[i] = r->actions[i].decl;
        types[i] = made[graph.decl[i]];
    }
    TRY(keep_uids(r, types));
    TRY(place_actions(r, &graph, types));
    schema->actions = types;
    schema->n_actions = n;
    return ERR_OK;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static err_code make_schema(struct cedar_resolve *r, struct cedar_schema *schema)
{
    TRY(cedar_resolve_names(r));
    TRY(keep_names(r));
    TRY(cedar_resolve_commons(r));
    TRY(make_entities(r, schema));
    return make_actions(r, schema);
}

err_code cedar_tree_resolve(const struct cedar_tree *tree, struct cedar_schema **ret)
{
    struct cedar_arena arena = {0};
    struct cedar_schema *schema = cedar_arena_take(&arena, sizeof *schema);
    struct cedar_resolve r = {.tree = tree, .keep = &arena};
    err_code err = schema == NULL ? ERR_NO_MEMORY : make_schema(&r, schema);

    cedar_arena_free(&r.scratch);
    if (err != ERR_OK) {
        cedar_arena_free(&arena);
        return err;
    }
    schema->arena = arena; /* last: it has grown */
    *ret = schema;
    return ERR_OK;
}
