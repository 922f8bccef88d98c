/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/live.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* One set with the number of those that have it: the readers, and live while it is in force. */
struct cedar_hold {
    atomic_size_t holders;
    struct cedar_policies *policies;
};

struct cedar_live {
    pthread_mutex_t lock; /* of current: so that nobody frees it between reading and counting */
    struct cedar_hold *current;
};

static void let_go(struct cedar_hold *hold)
{
    if (hold == NULL || atomic_fetch_sub(&hold->holders, 1) != 1)
        return;
    cedar_free(&hold->policies);
    free(hold);
}

err_code cedar_live_make(struct cedar_live **ret)
{
    struct cedar_live *live = calloc(1, sizeof *live);

    if (live == NULL)
        return ERR_NO_MEMORY;
    if (pthread_mutex_init(&live->lock, NULL) != 0) {
        free(live);
        return ERR_NO_MEMORY;
    }
    *ret = live;
    return ERR_OK;
}

void cedar_live_free(struct cedar_live **live)
{
    if (*live == NULL)
        return;
    let_go((*live)->current);
    pthread_mutex_destroy(&(*live)->lock);
    free(*live);
    *live = NULL;
}

struct cedar_lease cedar_live_take(struct cedar_live *live)
{
    struct cedar_lease lease = {0};

    pthread_mutex_lock(&live->lock);
    lease.hold = live->current;
    if (lease.hold != NULL)
        atomic_fetch_add(&lease.hold->holders, 1);
    pthread_mutex_unlock(&live->lock);
    if (lease.hold != NULL)
        lease.policies = lease.hold->policies;
    return lease;
}

void cedar_lease_free(struct cedar_lease *lease)
{
    let_go(lease->hold);
    *lease = (struct cedar_lease){0};
}

err_code cedar_live_replace(struct cedar_live *live, struct cedar_policies **policies)
{
    struct cedar_hold *hold = calloc(1, sizeof *hold), *old;

    if (hold == NULL)
        return ERR_NO_MEMORY;
    atomic_init(&hold->holders, 1);
    hold->policies = *policies;
    *policies = NULL;
    pthread_mutex_lock(&live->lock);
    old = live->current;
    live->current = hold;
    pthread_mutex_unlock(&live->lock);
    let_go(old);
    return ERR_OK;
}
