/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/policy_set.h"

#include "gate/base/text.h"
#include "gate/policy/freshness.h"
#include "gate/policy/succession.h"

#include <inttypes.h>
#include <stdlib.h>

struct entry {
    struct policy_object object;
    bool used; /* listed, or a predecessor of a listed one */
};
struct set {
    struct entry *entries; /* in the order of their digests */
    size_t n;
};

static void set_free(struct set *set)
{
    for (size_t i = 0; i < set->n; i++)
        policy_free(&set->entries[i].object);
    free(set->entries);
    *set = (struct set){0};
}

static int by_digest(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;

    return slice_cmp(digest_slice(&left->object.digest), digest_slice(&right->object.digest));
}

static err_code set_parse(const struct slice *messages, size_t n, struct set *ret, struct why *why)
{
    CLEANUP(set_free) struct set set = {0};

    set.entries = calloc(n + 1, sizeof *set.entries);
    if (set.entries == NULL)
        return ERR_NO_MEMORY;
    for (; set.n < n; set.n++)
        TRY(why_reading(why, policy_parse(messages[set.n], &set.entries[set.n].object, why),
                        "policy object %zu of %zu", set.n + 1, n));
    qsort(set.entries, set.n, sizeof *set.entries, by_digest);
    for (size_t i = 1; i < set.n; i++)
        if (by_digest(&set.entries[i - 1], &set.entries[i]) == 0)
            return why_say(why, ERR_FORMAT,
                           "the bundle carries policy \"%.*s\" version %" PRIu64 " twice",
                           TERM_ARG(set.entries[i].object.alias), set.entries[i].object.version);
    *ret = set;
    set = (struct set){0};
    return ERR_OK;
}

static struct entry *find_digest(const struct set *set, const struct digest *digest)
{
    size_t low = 0, high = set->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int cmp = slice_cmp(digest_slice(digest), digest_slice(&set->entries[mid].object.digest));
        if (cmp == 0)
            return &set->entries[mid];
        if (cmp > 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static const struct snapshot_policy *installed(const struct policy_set_ask *ask, struct slice alias)
{
    return ask->trust->snapshot == NULL ? NULL : snapshot_find(ask->trust->snapshot, alias);
}

/* ---- what must not be there ------------------------------------------------------------------ */

static err_code two_contents(const struct policy_object *object, const struct digest *other,
                             struct why *why)
{
    char ours[DIGEST_TEXT], theirs[DIGEST_TEXT];

    digest_text(other, ours);
    digest_text(&object->digest, theirs);
    return why_say(why, ERR_EQUIVOCATION, "policy \"%.*s\" version %" PRIu64 " is %s and also %s",
                   TERM_ARG(object->alias), object->version, ours, theirs);
}

/* The listed object is not here. Is another one of the same version, and does it stand? */
static err_code absent(const struct set *set, const struct snapshot_policy *listed,
                       const struct policy_set_ask *ask, struct why *why)
{
    for (size_t i = 0; i < set->n; i++) {
        const struct policy_object *object = &set->entries[i].object;
        if (!slice_eq(object->alias, listed->alias) || object->version != listed->version)
            continue;
        TRY(policy_verify(object, ask->root, NULL, ask->judge, why));
        return two_contents(object, &listed->digest, why);
    }
    return why_say(why, ERR_SUCCESSION,
                   "the snapshot of epoch %" PRIu64 " lists policy \"%.*s\" version %" PRIu64
                   ", which the bundle does not carry",
                   ask->snapshot->epoch, TERM_ARG(listed->alias), listed->version);
}

static err_code unused_check(const struct set *set, const struct policy_set_ask *ask,
                             struct why *why)
{
    for (size_t i = 0; i < set->n; i++) {
        const struct policy_object *stray = &set->entries[i].object;
        if (set->entries[i].used)
            continue;
        for (size_t k = 0; k < set->n; k++) {
            const struct policy_object *object = &set->entries[k].object;
            if (!set->entries[k].used || object->version != stray->version ||
                !slice_eq(object->alias, stray->alias))
                continue;
            TRY(policy_verify(stray, ask->root, NULL, ask->judge, why));
            return two_contents(stray, &object->digest, why);
        }
        return why_say(why, ERR_FORMAT,
                       "the bundle carries policy \"%.*s\" version %" PRIu64
                       ", which nothing refers to",
                       TERM_ARG(stray->alias), stray->version);
    }
    return ERR_OK;
}

/* ---- what must be there ---------------------------------------------------------------------- */

/* From a listed object down to the version in force, or to version 1. What is below the version in
 * force may be there, too. */
static err_code chain(const struct set *set, struct entry *entry, const struct policy_set_ask *ask,
                      struct why *why)
{
    const struct snapshot_policy *known = installed(ask, entry->object.alias);
    bool arrived = ask->trust->installed_before;

    for (struct entry *next; entry != NULL; entry = next) {
        const struct policy_object *object = &entry->object;
        entry->used = true;
        if (known != NULL && object->version == known->version) {
            if (!digest_eq(&object->digest, &known->digest))
                return two_contents(object, &known->digest, why);
            arrived = true;
        }
        next = object->previous.present ? find_digest(set, &object->previous.digest) : NULL;
        if (next != NULL)
            TRY(policy_follows(&next->object, object, why));
        else if (object->previous.present && !arrived)
            return why_say(why, ERR_SUCCESSION,
                           "the bundle does not carry policy \"%.*s\" version %" PRIu64
                           ", the predecessor of version %" PRIu64,
                           TERM_ARG(object->alias), object->version - 1, object->version);
    }
    return ERR_OK;
}

static err_code listed_check(const struct set *set, const struct snapshot_policy *listed,
                             const struct policy_set_ask *ask, struct entry **ret, struct why *why)
{
    struct entry *entry = find_digest(set, &listed->digest);
    const struct snapshot_policy *known = installed(ask, listed->alias);
    bool fresh = ask->trust->snapshot != NULL &&
                 (known == NULL || !digest_eq(&known->digest, &listed->digest));

    if (entry == NULL)
        return absent(set, listed, ask, why);
    if (!slice_eq(entry->object.alias, listed->alias))
        return why_say(why, ERR_FORMAT,
                       "the snapshot lists as \"%.*s\" what is signed as policy \"%.*s\"",
                       TERM_ARG(listed->alias), TERM_ARG(entry->object.alias));
    TRY(fresh_listed(ask->snapshot, &entry->object, why));
    TRY(policy_verify(&entry->object, ask->root, fresh ? &ask->snapshot->revoked : NULL, ask->judge,
                      why));
    TRY(why_reading(why, rules_load(&entry->object.text, &entry->object.rules, why),
                    "policy \"%.*s\"", TERM_ARG(listed->alias)));
    TRY(chain(set, entry, ask, why));
    *ret = entry;
    return ERR_OK;
}

err_code policy_set_judge(const struct slice *messages, size_t n_messages,
                          const struct policy_set_ask *ask, struct policy_object **ret,
                          struct why *why)
{
    CLEANUP(set_free) struct set set = {0};
    const struct snapshot *snapshot = ask->snapshot;
    struct policy_object *list;
    struct entry *entry = NULL;

    TRY(set_parse(messages, n_messages, &set, why));
    for (size_t i = 0; i < snapshot->n_policies; i++)
        TRY(listed_check(&set, &snapshot->policies[i], ask, &entry, why));
    TRY(unused_check(&set, ask, why));
    *ret = NULL;
    if (snapshot->n_policies == 0)
        return ERR_OK;
    list = calloc(snapshot->n_policies, sizeof *list);
    if (list == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < snapshot->n_policies; i++) {
        entry = find_digest(&set, &snapshot->policies[i].digest);
        list[i] = entry->object; /* moves; the digest stays, so that the search goes on working */
        entry->object.agents = (struct term_list){0};
        entry->object.zones = (struct term_list){0};
        entry->object.rules = NULL;
    }
    *ret = list;
    return ERR_OK;
}

void policy_list_free(struct policy_object *list, size_t n)
{
    for (size_t i = 0; list != NULL && i < n; i++)
        policy_free(&list[i]);
    free(list);
}
