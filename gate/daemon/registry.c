/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/registry.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct registry {
    pthread_mutex_t lock;
    struct roster roster;
    uint64_t version;
    struct digest sum; /* of the one that was copied; for who updates it alone */
};

static void unlock(pthread_mutex_t **lock)
{
    (void)pthread_mutex_unlock(*lock);
}

err_code registry_new(struct registry **ret)
{
    struct registry *registry = calloc(1, sizeof *registry);

    if (registry == NULL)
        return ERR_NO_MEMORY;
    if (roster_sum(&registry->roster, &registry->sum) != ERR_OK ||
        pthread_mutex_init(&registry->lock, NULL) != 0) {
        free(registry);
        return ERR_INTERNAL;
    }
    *ret = registry;
    return ERR_OK;
}

void registry_free(struct registry **registry)
{
    struct registry *r = *registry;

    if (r == NULL)
        return;
    (void)pthread_mutex_destroy(&r->lock);
    roster_free(&r->roster);
    free(r);
    *registry = NULL;
}

static err_code copy_of(const struct enrolled *e, struct enrolled **ret)
{
    struct record_agent agent = {
        .id = e->id,
        .name = e->name,
        .has_uid = e->has_uid,
        .uid = e->uid,
        .cgroup = e->cgroup,
        .zone = e->zone,
        .parent = e->parent,
        .n_aliases = e->n_aliases,
        .admin = e->admin,
    };

    if (e->n_aliases > 0)
        memcpy(agent.aliases, e->aliases, e->n_aliases * sizeof *e->aliases);
    return enrolled_make(&agent, e->entry, e->since_ms, ret);
}

static err_code copy_all(const struct roster *from, struct roster *ret)
{
    for (size_t i = 0; i < from->n; i++) {
        struct enrolled *enrolled;

        TRY(roster_room(ret));
        TRY(copy_of(from->list[i], &enrolled));
        roster_append(ret, enrolled);
    }
    return roster_complete(ret) ? ERR_OK : ERR_INTERNAL;
}

/* Nobody waits while it is copied. */
err_code registry_update(struct registry *registry, const struct roster *roster)
{
    CLEANUP(roster_free) struct roster copy = {0}; /* of the old one, in the end */
    struct roster old;
    struct digest sum;

    TRY(roster_sum(roster, &sum));
    if (digest_eq(&sum, &registry->sum) && registry_version(registry) > 0)
        return ERR_OK;
    TRY(copy_all(roster, &copy));
    (void)pthread_mutex_lock(&registry->lock);
    old = registry->roster;
    registry->roster = copy;
    registry->version++;
    (void)pthread_mutex_unlock(&registry->lock);
    registry->sum = sum;
    copy = old;
    return ERR_OK;
}

uint64_t registry_version(struct registry *registry)
{
    CLEANUP(unlock) pthread_mutex_t *locked = &registry->lock;

    (void)pthread_mutex_lock(locked);
    return registry->version;
}

size_t registry_count(struct registry *registry)
{
    CLEANUP(unlock) pthread_mutex_t *locked = &registry->lock;

    (void)pthread_mutex_lock(locked);
    return registry->roster.n;
}

/* ---- looking up ------------------------------------------------------------------------------ */

void known_free(struct known *known)
{
    enrolled_free(&known->enrolled);
    *known = (struct known){0};
}

static err_code give(const struct enrolled *found, struct known *ret)
{
    TRY(copy_of(found, &ret->enrolled));
    (void)agent_facts_of(ret->enrolled, &ret->facts);
    return ERR_OK;
}

err_code registry_whose(struct registry *registry, const struct caller *caller, struct known *ret,
                        struct why *why)
{
    CLEANUP(unlock) pthread_mutex_t *locked = &registry->lock;
    const struct enrolled *found;

    (void)pthread_mutex_lock(locked);
    found = roster_whose(&registry->roster, caller->uid, slice_str(caller->cgroup));
    if (found == NULL)
        return why_say(why, ERR_AGENT_UNKNOWN, "uid %lu in \"%s\" is no agent that is enrolled",
                       (unsigned long)caller->uid, caller->cgroup);
    return give(found, ret);
}

err_code registry_named(struct registry *registry, struct slice id, struct known *ret,
                        struct why *why)
{
    CLEANUP(unlock) pthread_mutex_t *locked = &registry->lock;
    const struct enrolled *found;

    (void)pthread_mutex_lock(locked);
    found = roster_find(&registry->roster, id);
    if (found == NULL)
        return why_say(why, ERR_AGENT_UNKNOWN, "no agent \"%.*s\" is enrolled", TERM_ARG(id));
    return give(found, ret);
}
