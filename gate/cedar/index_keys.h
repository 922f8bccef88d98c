/* SPDX-License-Identifier: Apache-2.0 */
/* index_keys.h: the table that an index looks keys up in. Private to gate/cedar. */
#ifndef PAWL_CEDAR_INDEX_KEYS_H
#define PAWL_CEDAR_INDEX_KEYS_H

#include "gate/cedar/ast.h"

/* What a policy can stand under: that the variable is, or is in, an entity; or is of a type. An
 * entity's key is for both of its ways, since a request's own entities need both. */
enum cedar_key_kind { CEDAR_KEY_ENTITY, CEDAR_KEY_TYPE };
struct cedar_key {
    uint64_t hash; /* of all that follows */
    enum cedar_key_kind kind;
    enum cedar_var var;
    struct slice type, id;
};
struct cedar_key cedar_key_entity(enum cedar_var var, const struct cedar_uid *uid);
struct cedar_key cedar_key_type(enum cedar_var var, struct slice type);

/* A policy under a key. also: for the two other variables in order, 0 or the tag of the entity that
 * it must be equal to. It saves many looks at a policy itself. */
struct cedar_stand {
    uint32_t position;
    uint16_t also[2];
};
/* Bits of the hash that are not used to find a slot; never 0. */
uint16_t cedar_uid_tag(const struct cedar_uid *uid);

struct cedar_keyed {
    struct cedar_key key;
    uint32_t n_equal, n_in;           /* policies that demand: `==` or `is`; `in` */
    const struct cedar_stand *stands; /* first those that demand ==, then those that demand in */
};

struct cedar_key_slot {
    uint32_t tag;   /* high bits of the hash */
    uint32_t entry; /* its number plus one; 0: empty */
};
struct cedar_keys {
    struct cedar_key_slot *slots; /* more than twice as many as entries, a power of two */
    size_t mask;
    struct cedar_keyed *entries;
    uint32_t n;
};

/* How many slots n keys need. */
size_t cedar_key_slots(size_t n);
/* NULL if it is not there. */
struct cedar_keyed *cedar_keys_find(const struct cedar_keys *keys, const struct cedar_key *key);
/* Makes an entry if it is not there; there must be room. */
struct cedar_keyed *cedar_keys_add(struct cedar_keys *keys, const struct cedar_key *key);

#endif
