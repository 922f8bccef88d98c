/* SPDX-License-Identifier: Apache-2.0 */
/* judges.c: the threads that ask the policies. They touch neither hardware nor ledger, and what
 * they judge by does not change under them. */
#include "gate/daemon/keeper_parts.h"
#include "gate/daemon/thread.h"

/* Where nothing is in force it stays unjudged; the keeper says why. */
static void judge(struct keeper *k, struct demand *demand, struct cedar_worker *worker)
{
    struct in_force force;

    (void)pthread_rwlock_rdlock(&k->law_lock);
    if (k->law) {
        force = k->force;
        force.worker = worker;
        demand_judge(demand, &force, (int64_t)(k->clock_ms() / 1000));
        demand->generation = k->generation;
    }
    (void)pthread_rwlock_unlock(&k->law_lock);
}

/* Not more than one round ahead: what waits longer waits in the queue, where turns are fair. */
static void hand_over(struct keeper *k, struct demand *demand)
{
    (void)pthread_mutex_lock(&k->lock);
    while (k->judged.items >= KEEPER_BATCH_MAX)
        (void)pthread_cond_wait(&k->space, &k->lock);
    demands_put(&k->judged, demand);
    (void)pthread_mutex_unlock(&k->lock);
    (void)pthread_cond_signal(&k->work); /* the lock is free for who wakes up */
}

static void *run(void *arg)
{
    CLEANUP(cedar_worker_free) struct cedar_worker *worker = NULL;
    struct keeper *k = arg;

    (void)!cedar_worker_make(&worker); /* without it each request has one made */
    for (struct demand *demand; (demand = queue_take(k->queue)) != NULL;) {
        judge(k, demand, worker);
        hand_over(k, demand);
    }
    (void)pthread_mutex_lock(&k->lock);
    k->judging--;
    (void)pthread_cond_signal(&k->work);
    (void)pthread_mutex_unlock(&k->lock);
    return NULL;
}

err_code keeper_start_judges(struct keeper *keeper, unsigned n)
{
    keeper->judging = n;
    for (; keeper->n_judges < n; keeper->n_judges++)
        TRY(thread_start(run, keeper, &keeper->judges[keeper->n_judges]));
    return ERR_OK;
}
