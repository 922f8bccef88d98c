/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/index_keys.h"

static uint64_t mix(uint64_t h, enum cedar_key_kind kind, enum cedar_var var)
{
    h = (h ^ (4 * (uint64_t)kind + (uint64_t)var + 1)) * 0x9e3779b97f4a7c15;
    return h ^ h >> 32;
}

struct cedar_key cedar_key_entity(enum cedar_var var, const struct cedar_uid *uid)
{
    return (struct cedar_key){mix(uid->hash, CEDAR_KEY_ENTITY, var), CEDAR_KEY_ENTITY, var,
                              uid->type, uid->id};
}

struct cedar_key cedar_key_type(enum cedar_var var, struct slice type)
{
    uint64_t hash = cedar_uid_of(type, (struct slice){0}).hash;

    return (struct cedar_key){mix(hash, CEDAR_KEY_TYPE, var), CEDAR_KEY_TYPE, var, type, {0}};
}

uint16_t cedar_uid_tag(const struct cedar_uid *uid)
{
    return (uint16_t)(uid->hash >> 40) | 1;
}

static bool same(const struct cedar_key *a, const struct cedar_key *b)
{
    return a->hash == b->hash && a->kind == b->kind && a->var == b->var && slice_eq(a->id, b->id) &&
           slice_eq(a->type, b->type);
}

size_t cedar_key_slots(size_t n)
{
    size_t size = 8;

    while (size <= 2 * n)
        size *= 2;
    return size;
}

/* The slot of a key, or the empty one where it would stand. */
static struct cedar_key_slot *slot_of(const struct cedar_keys *keys, const struct cedar_key *key)
{
    uint32_t tag = (uint32_t)(key->hash >> 32);
    size_t i = key->hash & keys->mask;

    for (;; i = (i + 1) & keys->mask) {
        struct cedar_key_slot *slot = &keys->slots[i];

        if (slot->entry == 0 ||
            (slot->tag == tag && same(&keys->entries[slot->entry - 1].key, key)))
            return slot;
    }
}

struct cedar_keyed *cedar_keys_find(const struct cedar_keys *keys, const struct cedar_key *key)
{
    const struct cedar_key_slot *slot = slot_of(keys, key);

    return slot->entry == 0 ? NULL : &keys->entries[slot->entry - 1];
}

struct cedar_keyed *cedar_keys_add(struct cedar_keys *keys, const struct cedar_key *key)
{
    struct cedar_key_slot *slot = slot_of(keys, key);

    if (slot->entry == 0) {
        keys->entries[keys->n] = (struct cedar_keyed){.key = *key};
        slot->tag = (uint32_t)(key->hash >> 32);
        slot->entry = ++keys->n;
    }
    return &keys->entries[slot->entry - 1];
}
