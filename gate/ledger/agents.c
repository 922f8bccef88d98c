/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/agents.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64

err_code agents_init(struct agents *agents, const struct agents_below *below)
{
    *agents = (struct agents){0};
    if (below != NULL)
        agents->below = *below;
    return RAND_bytes(agents->seed, sizeof agents->seed) == 1 ? ERR_OK : ERR_INTERNAL;
}

void agents_free(struct agents *agents)
{
    agents_cut(agents, 0);
    hasher_free(&agents->hasher);
    *agents = (struct agents){0};
}

static err_code key_of(const struct agents *agents, struct slice id, struct digest *ret)
{
    const struct slice parts[] = {SLICE_OF(agents->seed), id};

    return hash_sha256_parts(parts, 2, ret);
}

/* The same, without setting up a hash each time. */
static err_code key_again(struct agents *agents, struct slice id, struct digest *ret)
{
    const struct slice parts[] = {SLICE_OF(agents->seed), id};

    return hasher_sha256(&agents->hasher, parts, 2, ret);
}

/* The slot that holds the key, or the free one where it belongs. There always is a free one. */
static size_t slot_of(const struct agents *agents, const struct digest *key)
{
    size_t slot = (size_t)get_u64(key->bytes) & (agents->n_slots - 1);

    while (agents->slots[slot] != 0 &&
           !digest_eq(&agents->entries[agents->slots[slot] - 1].key, key))
        slot = (slot + 1) & (agents->n_slots - 1);
    return slot;
}

static const struct agent_entry *find(const struct agents *agents, const struct digest *key)
{
    size_t slot;

    if (agents->n_slots == 0)
        return NULL;
    slot = slot_of(agents, key);
    return agents->slots[slot] == 0 ? NULL : &agents->entries[agents->slots[slot] - 1];
}

static err_code link_below(const struct agents *agents, struct slice id, struct record_link *ret,
                           struct why *why)
{
    *ret = (struct record_link){0};
    return agents->below.link == NULL ? ERR_OK
                                      : agents->below.link(agents->below.from, id, ret, why);
}

err_code agents_get(const struct agents *agents, struct slice id, struct record_link *ret,
                    struct why *why)
{
    const struct agent_entry *entry;
    struct digest key;

    TRY(key_of(agents, id, &key));
    entry = find(agents, &key);
    if (entry == NULL)
        return link_below(agents, id, ret, why);
    *ret = entry->link;
    return ERR_OK;
}

static err_code grow_entries(struct agents *agents)
{
    size_t cap = agents->cap == 0 ? FIRST_SLOTS / 2 : agents->cap * 2;
    struct agent_entry *entries;

    if (agents->n < agents->cap)
        return ERR_OK;
    if (cap > UINT32_MAX / 2)
        return ERR_TOO_LARGE;
    entries = realloc(agents->entries, cap * sizeof *entries);
    if (entries == NULL)
        return ERR_NO_MEMORY;
    agents->entries = entries;
    agents->cap = cap;
    return ERR_OK;
}

/* Keeps at least half of the slots free, so that searching ends soon. */
static err_code grow_slots(struct agents *agents)
{
    size_t n_slots = agents->n_slots == 0 ? FIRST_SLOTS : agents->n_slots * 2;
    uint32_t *slots;

    if (agents->n < agents->n_slots / 2)
        return ERR_OK;
    slots = calloc(n_slots, sizeof *slots);
    if (slots == NULL)
        return ERR_NO_MEMORY;
    free(agents->slots);
    agents->slots = slots;
    agents->n_slots = n_slots;
    for (size_t i = 0; i < agents->n; i++)
        slots[slot_of(agents, &agents->entries[i].key)] = (uint32_t)(i + 1);
    return ERR_OK;
}

static err_code add(struct agents *agents, struct slice id, const struct digest *key,
                    struct why *why)
{
    struct agent_entry entry = {.key = *key, .id_len = id.len};

    TRY(grow_entries(agents));
    TRY(grow_slots(agents));
    TRY(link_below(agents, id, &entry.link, why));
    entry.id = malloc(id.len + 1);
    if (entry.id == NULL)
        return ERR_NO_MEMORY;
    if (id.len > 0)
        memcpy(entry.id, id.ptr, id.len);
    agents->entries[agents->n] = entry;
    agents->slots[slot_of(agents, key)] = (uint32_t)++agents->n;
    return ERR_OK;
}

err_code agents_at(struct agents *agents, struct slice id, size_t *ret, struct why *why)
{
    const struct agent_entry *entry;
    struct digest key;

    TRY(key_again(agents, id, &key));
    entry = find(agents, &key);
    if (entry != NULL) {
        *ret = (size_t)(entry - agents->entries);
        return ERR_OK;
    }
    TRY(add(agents, id, &key, why));
    *ret = agents->n - 1;
    return ERR_OK;
}

/* The newest entry stands where no older one had to go past, so that its slot can become free. */
void agents_cut(struct agents *agents, size_t n)
{
    while (agents->n > n) {
        struct agent_entry *entry = &agents->entries[agents->n - 1];

        agents->slots[slot_of(agents, &entry->key)] = 0;
        free(entry->id);
        agents->n--;
    }
    if (n > 0)
        return;
    free(agents->entries);
    free(agents->slots);
    agents->entries = NULL;
    agents->slots = NULL;
    agents->cap = agents->n_slots = 0;
}
