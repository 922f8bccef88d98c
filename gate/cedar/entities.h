/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entities.h: entities with attributes, tags and ancestors; and the values of requests. Both come
 * from JSON. A store is never changed once it is made.
 *
 * Source: the Cedar entities and context JSON formats (docs.cedarpolicy.com), with the escapes
 * {"__entity": {"type", "id"}} and {"__extn": {"fn", "arg" | "args"}}.
 */
#ifndef PAWL_CEDAR_ENTITIES_H
#define PAWL_CEDAR_ENTITIES_H

#include "gate/cedar/value.h"

struct cedar_entity {
    struct cedar_uid uid;
    struct cedar_value attrs, tags; /* records */
    /* What it is in, directly or through others, without itself: ascending by cedar_uid_cmp. Not
     * all of them need to be in the store. */
    const struct cedar_uid *const *ancestors;
    uint32_t n_ancestors;
    const struct cedar_uid *const *parents; /* as written, each once */
    uint32_t n_parents;
};

struct cedar_entities;

/* Reads a list of entities. The transitive closure is computed once, here. Errors: JSON_MALFORMED,
 * CEDAR_ENTITY (not an entity, the same one twice with another content, a cycle, a value that is
 * none), the limits of cedar.h; why names the entity. Owns: the caller frees *ret. */
err_code cedar_entities_parse(struct slice json, struct cedar_entities **ret, struct why *why);
void cedar_entities_free(struct cedar_entities **entities);

size_t cedar_entities_count(const struct cedar_entities *entities);
const struct cedar_entity *cedar_entities_at(const struct cedar_entities *entities, size_t i);
/* NULL if it is not there. entities may be NULL: a store without any. */
const struct cedar_entity *cedar_entities_find(const struct cedar_entities *entities,
                                               const struct cedar_uid *uid);
/* uid is an ancestor of this entity; of NULL, one that is not in the store, there is none. */
bool cedar_entity_below(const struct cedar_entity *entity, const struct cedar_uid *uid);
/* Cedar's `in` of two entities: equal, or an ancestor. */
bool cedar_entity_in(const struct cedar_entities *entities, const struct cedar_uid *uid,
                     const struct cedar_uid *in);

/* A store that holds one entity more than base, without parents and tags, unless base has it
 * already: what base says stands. Its own count is 1 or 0; look-ups go on in base. Borrows: base
 * (may be NULL), uid and attrs, a record. Error: NO_MEMORY. Owns: the caller frees *ret. */
err_code cedar_entities_over(const struct cedar_entities *base, const struct cedar_uid *uid,
                             struct cedar_value attrs, struct cedar_entities **ret);

/* A request. Make the names with cedar_uid_of; context is a record. Borrowed during a decision. */
struct cedar_request {
    struct cedar_uid principal, action, resource;
    struct cedar_value context;
};

/* A value that owns what it points to. */
struct cedar_owned_value;
/* Reads one JSON value with escapes; a context must be a record. Errors: as cedar_entities_parse.
 * Owns: the caller frees *ret. */
err_code cedar_value_parse(struct slice json, struct cedar_owned_value **ret, struct why *why);
struct cedar_value cedar_owned(const struct cedar_owned_value *owned); /* borrows */
void cedar_owned_free(struct cedar_owned_value **owned);

/* Writes a value as JSON, with explicit escapes. Appends. */
err_code cedar_value_json(const struct cedar_value *value, struct buf *ret);

#endif
