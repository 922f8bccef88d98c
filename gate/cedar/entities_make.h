/* SPDX-License-Identifier: Apache-2.0 */
/* entities_make.h: how a store of entities comes to be. Private to gate/cedar. */
#ifndef PAWL_CEDAR_ENTITIES_MAKE_H
#define PAWL_CEDAR_ENTITIES_MAKE_H

#include "gate/cedar/arena.h"
#include "gate/cedar/entities.h"

struct cedar_entities {
    struct cedar_arena arena; /* holds all that follows */
    const struct cedar_entity *list;
    size_t n;
    const uint32_t *table; /* by hash: position + 1, or 0; mask + 1 places, never full */
    size_t mask;
    const struct cedar_entities *base; /* where a search goes on, or NULL; borrowed */
};

/* A name that some entity has or is in. */
struct cedar_maker_node {
    const struct cedar_uid *uid;
    uint32_t entity; /* its position + 1; 0 when it is only mentioned */
    uint32_t mark;   /* of the walk that came by last */
};
/* What is known of an entity besides what the store keeps. */
struct cedar_maker_draft {
    struct cedar_entity entity;
    uint32_t *parents; /* nodes */
    uint32_t *ancestors;
    uint32_t next; /* of the parents, where the walk goes on */
    enum { CEDAR_DRAFT_NEW = 0, CEDAR_DRAFT_OPEN, CEDAR_DRAFT_DONE } state;
};
struct cedar_maker {
    struct cedar_arena arena; /* becomes the store's: whatever an entity has must live in it */
    struct cedar_arena work;
    struct cedar_maker_draft *list;
    uint32_t n, cap;
    struct cedar_maker_node *nodes;
    uint32_t n_nodes, cap_nodes;
    uint32_t *table; /* of nodes by hash: position + 1; twice cap_nodes places */
    uint32_t mark;
    size_t n_pairs;
};

/* Adds an entity: uid, attrs, tags and parents, which may name one more than once. One that is
 * there with the same content adds nothing. Errors: CEDAR_ENTITY (it is there with another content;
 * an action in what is no action), CEDAR_COUNT. */
err_code cedar_maker_add(struct cedar_maker *maker, const struct cedar_entity *entity,
                         struct why *why);

/* Computes the ancestors. Errors: CEDAR_ENTITY (a cycle), CEDAR_COUNT. Owns: the caller frees *ret;
 * the maker is empty then. */
err_code cedar_maker_finish(struct cedar_maker *maker, struct cedar_entities **ret,
                            struct why *why);

void cedar_maker_free(struct cedar_maker *maker);

#endif
