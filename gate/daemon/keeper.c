/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/clock.h"
#include "gate/daemon/keeper_parts.h"
#include "gate/daemon/thread.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* So often the hardware is asked whether it is there when nobody wants anything. */
#define PING_NS UINT64_C(5000000000)
/* A command of a TPM has 30 s, after which the TPM is given up. */
#define STOP_NS UINT64_C(40000000000)

void demands_init(struct demands *list)
{
    *list = (struct demands){.end = &list->first};
}

void demands_put(struct demands *list, struct demand *demand)
{
    demand->next = NULL;
    *list->end = demand;
    list->end = &demand->next;
    list->items += demand->n_items;
}

void demands_put_back(struct demands *list, struct demand *demand)
{
    demand->next = list->first;
    if (list->first == NULL)
        list->end = &demand->next;
    list->first = demand;
    list->items += demand->n_items;
}

struct demand *demands_take(struct demands *list)
{
    struct demand *demand = list->first;

    if (demand == NULL)
        return NULL;
    list->first = demand->next;
    if (list->first == NULL)
        list->end = &list->first;
    list->items -= demand->n_items;
    demand->next = NULL;
    return demand;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static bool is_last(const struct keeper *k)
{
    return k->stopping && k->judging == 0 && k->judged.first == NULL && k->errands == NULL;
}

static bool has_work(const struct keeper *k)
{
    if (k->hand.state == HAND_DONE ||
        (k->judged.first != NULL && keeper_may_take(k, k->judged.first)))
        return true;
    return keeper_is_between(k) && (k->errands != NULL || k->reopen || is_last(k));
}

/* When there is something to do without anybody's asking. */
static uint64_t when_due(const struct keeper *k)
{
    uint64_t now = clock_steady_ns();

    if (!keeper_is_between(k))
        return keeper_gathers(k) ? k->gather_until_ns : UINT64_MAX;
    if (k->error == ERR_OK)
        return now + k->ping_ns;
    return k->retry_ns > now ? k->retry_ns : now;
}

static void wait_until(struct keeper *k, uint64_t ns)
{
    const struct timespec at = {.tv_sec = (time_t)(ns / 1000000000u),
                                .tv_nsec = (long)(ns % 1000000000u)};

    while (!has_work(k) && (ns == UINT64_MAX || clock_steady_ns() < ns))
        if (ns == UINT64_MAX)
            (void)pthread_cond_wait(&k->work, &k->lock);
        else if (pthread_cond_timedwait(&k->work, &k->lock, &at) != 0)
            break;
}

/* Waits for work. ret_idle: there is none. False: all is done, and the end has come. */
static bool next(struct keeper *k, bool *ret_idle)
{
    bool go;

    (void)pthread_mutex_lock(&k->lock);
    if (!has_work(k))
        wait_until(k, when_due(k));
    *ret_idle = !has_work(k);
    go = !keeper_is_between(k) || !is_last(k);
    (void)pthread_mutex_unlock(&k->lock);
    return go;
}

/* NULL: none that could be taken in now. */
static struct demand *next_demand(struct keeper *k)
{
    struct demand *demand = NULL;

    (void)pthread_mutex_lock(&k->lock);
    k->state.filling = k->open->n;
    if (k->judged.first != NULL && keeper_may_take(k, k->judged.first)) {
        demand = demands_take(&k->judged);
        (void)pthread_cond_broadcast(&k->space);
    }
    k->state.waiting = k->open->n + k->away->n;
    (void)pthread_mutex_unlock(&k->lock);
    return demand;
}

static void turn(struct keeper *k, bool idle)
{
    keeper_hear(k);
    if (keeper_is_between(k)) {
        keeper_between(k);
        if (idle)
            keeper_ping(k);
    }
    for (struct demand *demand; (demand = next_demand(k)) != NULL;)
        keeper_take(k, demand);
    keeper_go_on(k);
}

static void *run(void *arg)
{
    struct keeper *k = arg;
    bool idle;

    keeper_open(k);
    while (next(k, &idle))
        turn(k, idle);
    keeper_end(k);
    hand_end(k);
    (void)pthread_mutex_lock(&k->lock);
    k->over = true;
    (void)pthread_cond_signal(&k->ended);
    (void)pthread_mutex_unlock(&k->lock);
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void init_locks(struct keeper *k)
{
    pthread_condattr_t clock;

    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&k->lock, NULL);
    (void)pthread_rwlock_init(&k->law_lock, NULL);
    (void)pthread_cond_init(&k->work, &clock);
    (void)pthread_cond_init(&k->space, NULL);
    (void)pthread_cond_init(&k->ended, &clock);
    (void)pthread_cond_init(&k->hand.todo, NULL);
    (void)pthread_condattr_destroy(&clock);
}

static unsigned judges_for(unsigned wanted)
{
    long n = wanted != 0 ? (long)wanted : sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > KEEPER_JUDGES_MAX ? KEEPER_JUDGES_MAX : (unsigned)n;
}

static err_code start(struct keeper *k, const struct keeper_options *options)
{
    k->state_dir = strdup(options->state_dir);
    k->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (k->state_dir == NULL || k->fd < 0)
        return ERR_NO_MEMORY;
    TRY(queue_new(&options->limits, &k->queue));
    TRY(keeper_make_rounds(k));
    TRY(hand_start(k));
    TRY(keeper_start_judges(k, judges_for(options->judges)));
    TRY(thread_start(run, k, &k->thread));
    k->has_thread = true;
    return ERR_OK;
}

err_code keeper_start(const struct keeper_options *options, struct keeper **ret, struct why *why)
{
    CLEANUP(keeper_free) struct keeper *k = calloc(1, sizeof *k);

    if (k == NULL)
        return ERR_NO_MEMORY;
    init_locks(k);
    k->fd = -1;
    k->clock_ms = options->clock_ms;
    k->ping_ns = options->ping_ns > 0 && options->ping_ns < PING_NS ? options->ping_ns : PING_NS;
    k->registry = options->registry;
    k->error = k->state.error = ERR_STARTING; /* until it is open */
    k->stop_ns = options->stop_ns > 0 ? options->stop_ns : STOP_NS;
    demands_init(&k->judged);
    demands_init(&k->answered);
    k->errands_end = &k->errands;
    k->errands_done_end = &k->errands_done;
    if (start(k, options) != ERR_OK)
        return why_say(why, ERR_NO_MEMORY, "the service's threads cannot be started");
    *ret = k;
    k = NULL; /* transferred */
    return ERR_OK;
}

int keeper_fd(const struct keeper *keeper)
{
    return keeper->fd;
}

err_code keeper_submit(struct keeper *keeper, struct demand *demand, struct why *why)
{
    demand->arrived_ns = clock_steady_ns();
    return queue_put(keeper->queue, demand, why);
}

err_code keeper_send(struct keeper *keeper, struct errand *errand)
{
    err_code err = ERR_OK;

    (void)pthread_mutex_lock(&keeper->lock);
    if (keeper->stopping) {
        err = ERR_STOPPING;
    } else {
        errand->next = NULL;
        *keeper->errands_end = errand;
        keeper->errands_end = &errand->next;
        (void)pthread_cond_signal(&keeper->work);
    }
    (void)pthread_mutex_unlock(&keeper->lock);
    return err;
}

void keeper_reopen(struct keeper *keeper)
{
    (void)pthread_mutex_lock(&keeper->lock);
    keeper->reopen = true;
    (void)pthread_cond_signal(&keeper->work);
    (void)pthread_mutex_unlock(&keeper->lock);
}

void keeper_collect(struct keeper *keeper)
{
    struct demand *demand;
    struct errand *errands;
    uint64_t count;

    if (read(keeper->fd, &count, sizeof count) < 0)
        count = 0; /* nothing was said; look all the same */
    (void)pthread_mutex_lock(&keeper->lock);
    demand = keeper->answered.first;
    demands_init(&keeper->answered);
    errands = keeper->errands_done;
    keeper->errands_done = NULL;
    keeper->errands_done_end = &keeper->errands_done;
    (void)pthread_mutex_unlock(&keeper->lock);
    for (struct demand *d; (d = demand) != NULL;) {
        demand = d->next;
        d->done(d);
    }
    for (struct errand *e; (e = errands) != NULL;) {
        errands = e->next;
        e->done(e);
    }
}

void keeper_look(struct keeper *keeper, struct keeper_state *ret)
{
    (void)pthread_mutex_lock(&keeper->lock);
    *ret = keeper->state;
    ret->waiting += keeper->judged.items;
    (void)pthread_mutex_unlock(&keeper->lock);
    ret->waiting += queue_waiting(keeper->queue);
}

void keeper_effect(struct keeper *keeper, struct effect *ret)
{
    (void)pthread_mutex_lock(&keeper->lock);
    *ret = keeper->effect;
    (void)pthread_mutex_unlock(&keeper->lock);
}

void keeper_will_stop(struct keeper *keeper)
{
    (void)pthread_mutex_lock(&keeper->lock);
    if (keeper->ending_ns == 0)
        keeper->ending_ns = clock_steady_ns();
    (void)pthread_mutex_unlock(&keeper->lock);
}

/* When its silence has lasted too long. Under the lock. */
static uint64_t lost_ns(const struct keeper *k)
{
    const uint64_t heard = k->state.answered_ns;

    return (heard > k->ending_ns ? heard : k->ending_ns) + k->stop_ns;
}

bool keeper_is_lost(struct keeper *keeper)
{
    bool lost;

    (void)pthread_mutex_lock(&keeper->lock);
    lost = keeper->ending_ns != 0 && clock_steady_ns() >= lost_ns(keeper);
    (void)pthread_mutex_unlock(&keeper->lock);
    return lost;
}

/* False: it takes longer than it may. */
static bool wait_for_end(struct keeper *k)
{
    bool over;

    (void)pthread_mutex_lock(&k->lock);
    while (!k->over && !k->given_up && clock_steady_ns() < lost_ns(k)) {
        const struct timespec at = {.tv_sec = (time_t)(lost_ns(k) / 1000000000u),
                                    .tv_nsec = (long)(lost_ns(k) % 1000000000u)};

        (void)pthread_cond_timedwait(&k->ended, &k->lock, &at);
    }
    over = k->over && !k->given_up;
    (void)pthread_mutex_unlock(&k->lock);
    return over;
}

static void close_entry(struct keeper *k, const char *reason)
{
    if (k->queue != NULL)
        queue_close(k->queue);
    (void)pthread_mutex_lock(&k->lock);
    k->stopping = true;
    k->reason = reason;
    (void)pthread_cond_broadcast(&k->work);
    (void)pthread_mutex_unlock(&k->lock);
}

/* Nobody waits for its threads any more. */
static err_code give_up(struct keeper *k, struct why *why)
{
    for (; k->n_judges > 0; k->n_judges--)
        (void)pthread_detach(k->judges[k->n_judges - 1]);
    if (!k->given_up)
        (void)pthread_detach(k->thread);
    k->given_up = true;
    return why_say(why, ERR_DEADLINE,
                   "hardware or disk did not come back within %llu s after the stop; who still "
                   "waited got no answer",
                   (unsigned long long)(k->stop_ns / 1000000000u));
}

err_code keeper_stop(struct keeper *keeper, const char *reason, struct why *why)
{
    keeper_will_stop(keeper);
    close_entry(keeper, reason);
    if (keeper->has_thread && !wait_for_end(keeper))
        return give_up(keeper, why);
    for (; keeper->n_judges > 0; keeper->n_judges--)
        (void)pthread_join(keeper->judges[keeper->n_judges - 1], NULL);
    if (keeper->has_thread)
        (void)pthread_join(keeper->thread, NULL);
    keeper->has_thread = false;
    hand_end(keeper);
    return ERR_OK;
}

void keeper_free(struct keeper **keeper)
{
    struct keeper *k = *keeper;

    if (k == NULL)
        return;
    *keeper = NULL;
    if (keeper_stop(k, "signal", NULL) != ERR_OK)
        return; /* its threads use it */
    queue_free(&k->queue);
    if (k->fd >= 0)
        (void)close(k->fd);
    keeper_free_rounds(k);
    cedar_worker_free(&k->worker);
    (void)pthread_cond_destroy(&k->hand.todo);
    (void)pthread_cond_destroy(&k->ended);
    (void)pthread_cond_destroy(&k->space);
    (void)pthread_cond_destroy(&k->work);
    (void)pthread_rwlock_destroy(&k->law_lock);
    (void)pthread_mutex_destroy(&k->lock);
    free(k->state_dir);
    free(k);
}
