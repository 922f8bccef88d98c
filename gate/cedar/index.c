/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/index.h"

#include "gate/cedar/index_keys.h"

#include <stdlib.h>

struct cedar_index {
    struct cedar_keys keys;
    uint32_t *always; /* policies that demand nothing, ascending */
    uint32_t n_always;
    bool by_entity[3], by_ancestor[3], by_type[3]; /* which keys there are at all, by cedar_var */
};

/* ---- what a scope offers ---- */

/* The keys that one part of a scope could stand under: one, or for a list each member's. */
struct offer {
    enum cedar_var var;
    const struct cedar_scope *scope;
    bool in;    /* it also matches what is below */
    uint32_t n; /* keys; 0: it demands nothing */
};

static struct offer offer_of(const struct cedar_scope *scope, enum cedar_var var)
{
    struct offer offer = {var, scope, true, 1};

    switch (scope->match) {
    case CEDAR_NEVER:
    case CEDAR_ANY:
        offer.n = 0;
        break;
    case CEDAR_EQ:
    case CEDAR_IS:
        offer.in = false;
        break;
    case CEDAR_IN:
    case CEDAR_IS_IN:
        break;
    case CEDAR_IN_LIST:
        offer.n = scope->n_list;
        break;
    }
    return offer;
}

static struct cedar_key key_of(const struct offer *offer, uint32_t i)
{
    if (offer->scope->match == CEDAR_IS)
        return cedar_key_type(offer->var, offer->scope->type);
    if (offer->scope->match == CEDAR_IN_LIST)
        return cedar_key_entity(offer->var, &offer->scope->list[i]);
    return cedar_key_entity(offer->var, &offer->scope->uid);
}

static void offers_of(const struct cedar_policy *policy, struct offer ret[static 3])
{
    ret[CEDAR_PRINCIPAL] = offer_of(&policy->principal, CEDAR_PRINCIPAL);
    ret[CEDAR_ACTION] = offer_of(&policy->action, CEDAR_ACTION);
    ret[CEDAR_RESOURCE] = offer_of(&policy->resource, CEDAR_RESOURCE);
}

/* A policy that no request can match; it stands nowhere. */
static bool hopeless(const struct cedar_policy *policy)
{
    return policy->is_template || policy->principal.match == CEDAR_NEVER ||
           policy->action.match == CEDAR_NEVER || policy->resource.match == CEDAR_NEVER ||
           (policy->action.match == CEDAR_IN_LIST && policy->action.n_list == 0);
}

/* ---- building ---- */

enum { CHOSEN_ALWAYS = 3, CHOSEN_NEVER = 4 }; /* else a cedar_var */

/* What is needed only until the index is made. */
struct build {
    const struct cedar_policies *policies;
    struct cedar_keys counted; /* how many policies offer each key */
    uint8_t *chosen;           /* for each policy */
    uint32_t *filled;          /* for each key: places that are taken, first ==, then in */
};

static void build_free(struct build *build)
{
    free(build->counted.slots);
    free(build->counted.entries);
    free(build->chosen);
    free(build->filled);
}

static err_code count(struct build *build)
{
    const struct cedar_policies *policies = build->policies;
    struct cedar_keys *keys = &build->counted;
    struct offer offers[3];
    size_t n = 0, n_slots;

    for (size_t i = 0; i < policies->n; i++) {
        offers_of(&policies->list[i], offers);
        n += (size_t)offers[0].n + offers[1].n + offers[2].n;
    }
    n_slots = cedar_key_slots(n);
    keys->mask = n_slots - 1;
    keys->slots = calloc(n_slots, sizeof *keys->slots);
    keys->entries = calloc(n + 1, sizeof *keys->entries);
    build->chosen = calloc(policies->n + 1, 1);
    if (keys->slots == NULL || keys->entries == NULL || build->chosen == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < policies->n; i++) {
        offers_of(&policies->list[i], offers);
        for (size_t v = 0; v < 3 && !hopeless(&policies->list[i]); v++)
            for (uint32_t k = 0; k < offers[v].n; k++) {
                struct cedar_key key = key_of(&offers[v], k);
                struct cedar_keyed *entry = cedar_keys_add(keys, &key);

                entry->n_equal += !offers[v].in;
                entry->n_in += offers[v].in;
            }
    }
    return ERR_OK;
}

/* The variable whose keys the fewest policies share. */
static uint8_t rarest(const struct build *build, const struct offer offers[static 3])
{
    uint64_t least = UINT64_MAX;
    uint8_t best = CHOSEN_ALWAYS;

    for (uint8_t v = 0; v < 3; v++) {
        uint64_t shared = 0;

        for (uint32_t k = 0; k < offers[v].n; k++) {
            struct cedar_key key = key_of(&offers[v], k);
            const struct cedar_keyed *entry = cedar_keys_find(&build->counted, &key);

            shared += offers[v].in ? entry->n_in : entry->n_equal;
        }
        if (offers[v].n > 0 && shared < least) {
            least = shared;
            best = v;
        }
    }
    return best;
}

/* What the variables other than this one must be equal to. */
static struct cedar_stand stand_of(const struct offer offers[static 3], uint8_t chosen,
                                   uint32_t position)
{
    struct cedar_stand stand = {.position = position};
    size_t at = 0;

    for (uint8_t v = 0; v < 3; v++) {
        const struct cedar_scope *scope = offers[v].scope;

        if (v != chosen)
            stand.also[at++] = scope->match == CEDAR_EQ ? cedar_uid_tag(&scope->uid) : 0;
    }
    return stand;
}

/* Chooses for each policy what it stands under. Returns how many keys that is, at most. */
static size_t choose(struct build *build, struct cedar_index *index)
{
    size_t n = 0;

    for (size_t i = 0; i < build->policies->n; i++) {
        const struct cedar_policy *policy = &build->policies->list[i];
        struct offer offers[3];
        uint8_t v = CHOSEN_NEVER;

        offers_of(policy, offers);
        if (!hopeless(policy))
            v = rarest(build, offers);
        build->chosen[i] = v;
        index->n_always += v == CHOSEN_ALWAYS;
        if (v >= CHOSEN_ALWAYS)
            continue;
        n += offers[v].n;
        if (offers[v].scope->match == CEDAR_IS)
            index->by_type[v] = true;
        else
            index->by_entity[v] = true;
        index->by_ancestor[v] |= offers[v].in;
    }
    return n;
}

/* Goes through all policies and what they stand under: first to count, then (stands) to write. */
static void fill(struct build *build, struct cedar_index *index, struct cedar_stand *stands)
{
    uint32_t n_always = 0;

    for (size_t i = 0; i < build->policies->n; i++) {
        struct offer offers[3], *offer;

        if (build->chosen[i] == CHOSEN_ALWAYS)
            index->always[n_always++] = (uint32_t)i;
        if (build->chosen[i] >= CHOSEN_ALWAYS)
            continue;
        offers_of(&build->policies->list[i], offers);
        offer = &offers[build->chosen[i]];
        for (uint32_t k = 0; k < offer->n; k++) {
            struct cedar_key key = key_of(offer, k);
            struct cedar_keyed *entry = cedar_keys_add(&index->keys, &key);
            uint32_t *filled;

            if (stands == NULL) {
                entry->n_equal += !offer->in;
                entry->n_in += offer->in;
                continue;
            }
            filled = &build->filled[2 * (entry - index->keys.entries) + offer->in];
            stands[(entry->stands - stands) + (offer->in ? entry->n_equal : 0) + (*filled)++] =
                stand_of(offers, build->chosen[i], (uint32_t)i);
        }
    }
}

static err_code make(struct build *build, struct cedar_arena *arena, struct cedar_index *index)
{
    size_t n_stands = choose(build, index);
    size_t n_keys = n_stands < build->counted.n ? n_stands : build->counted.n;
    size_t n_slots = cedar_key_slots(n_keys);
    struct cedar_stand *stands = cedar_arena_take(arena, n_stands * sizeof *stands);
    struct cedar_keys *keys = &index->keys;

    keys->mask = n_slots - 1;
    keys->slots = cedar_arena_take(arena, n_slots * sizeof *keys->slots);
    keys->entries = cedar_arena_take(arena, n_keys * sizeof *keys->entries);
    index->always = cedar_arena_take(arena, index->n_always * sizeof *index->always);
    build->filled = calloc(2 * n_keys + 1, sizeof *build->filled);
    if (stands == NULL || keys->slots == NULL || keys->entries == NULL || index->always == NULL ||
        build->filled == NULL)
        return ERR_NO_MEMORY;
    fill(build, index, NULL);
    n_stands = 0;
    for (uint32_t i = 0; i < keys->n; i++) {
        keys->entries[i].stands = &stands[n_stands];
        n_stands += (size_t)keys->entries[i].n_equal + keys->entries[i].n_in;
    }
    fill(build, index, stands);
    return ERR_OK;
}

err_code cedar_index_make(struct cedar_policies *policies)
{
    CLEANUP(build_free) struct build build = {.policies = policies};
    struct cedar_index *index = cedar_arena_take(&policies->arena, sizeof *index);

    if (index == NULL)
        return ERR_NO_MEMORY;
    TRY(count(&build));
    TRY(make(&build, &policies->arena, index));
    policies->index = index;
    return ERR_OK;
}

/* ---- finding ---- */

static void found_add(struct cedar_found *found, uint32_t position)
{
    uint32_t word = position / 64;

    found->words[word] |= UINT64_C(1) << position % 64;
    found->summary[word / 64] |= UINT64_C(1) << word % 64;
}

bool cedar_found_next(struct cedar_found *found, uint32_t *ret)
{
    for (uint32_t i = 0; i < CEDAR_FOUND_WORDS / 64; i++) {
        uint32_t word, bit;

        if (found->summary[i] == 0)
            continue;
        word = 64 * i + (uint32_t)__builtin_ctzll(found->summary[i]);
        bit = (uint32_t)__builtin_ctzll(found->words[word]);
        found->words[word] &= found->words[word] - 1;
        if (found->words[word] == 0)
            found->summary[i] &= found->summary[i] - 1;
        *ret = 64 * word + bit;
        return true;
    }
    return false;
}

/* What is looked for: the three names of a request. */
struct search {
    const struct cedar_index *index;
    const struct cedar_uid *uids[3];
    uint16_t tags[3];
    struct cedar_found *found;
};

static void find_key(const struct search *search, const struct cedar_key *key, bool equal)
{
    const struct cedar_keyed *entry = cedar_keys_find(&search->index->keys, key);
    uint16_t first = search->tags[key->var == CEDAR_PRINCIPAL ? CEDAR_ACTION : CEDAR_PRINCIPAL];
    uint16_t second = search->tags[key->var == CEDAR_RESOURCE ? CEDAR_ACTION : CEDAR_RESOURCE];

    if (entry == NULL)
        return;
    for (uint32_t i = equal ? 0 : entry->n_equal; i < entry->n_equal + entry->n_in; i++) {
        const struct cedar_stand *stand = &entry->stands[i];

        if ((stand->also[0] == 0 || stand->also[0] == first) &&
            (stand->also[1] == 0 || stand->also[1] == second))
            found_add(search->found, stand->position);
    }
}

static void find_variable(const struct search *search, enum cedar_var var,
                          const struct cedar_entity *known)
{
    const struct cedar_index *index = search->index;
    struct cedar_key key;

    if (index->by_entity[var]) {
        key = cedar_key_entity(var, search->uids[var]);
        find_key(search, &key, true);
    }
    for (uint32_t i = 0; index->by_ancestor[var] && known != NULL && i < known->n_ancestors; i++) {
        key = cedar_key_entity(var, known->ancestors[i]);
        find_key(search, &key, false);
    }
    if (index->by_type[var]) {
        key = cedar_key_type(var, search->uids[var]->type);
        find_key(search, &key, true);
    }
}

void cedar_index_find(const struct cedar_policies *policies, const struct cedar_run *run,
                      struct cedar_found *found)
{
    struct search search = {
        policies->index,
        {&run->request->principal, &run->request->action, &run->request->resource},
        {0},
        found};

    for (enum cedar_var var = CEDAR_PRINCIPAL; var <= CEDAR_RESOURCE; var++)
        search.tags[var] = cedar_uid_tag(search.uids[var]);
    for (uint32_t i = 0; i < search.index->n_always; i++)
        found_add(found, search.index->always[i]);
    for (enum cedar_var var = CEDAR_PRINCIPAL; var <= CEDAR_RESOURCE; var++)
        find_variable(&search, var, run->known[var]);
}
