/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/keeper_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Between two attempts to open a gate that failed. */
#define PAUSE_FIRST_NS UINT64_C(100000000)
#define PAUSE_MAX_NS UINT64_C(5000000000)
/* So often the hardware is asked whether it is there when nobody wants anything. */
#define PING_NS UINT64_C(5000000000)

uint64_t keeper_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

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

/* ---- the gate -------------------------------------------------------------------------------- */

void keeper_lock_law(struct keeper *keeper)
{
    (void)pthread_rwlock_wrlock(&keeper->law_lock);
    keeper->law = false;
}

void keeper_unlock_law(struct keeper *keeper)
{
    if (keeper->scribe != NULL) {
        keeper->force = gate_in_force(keeper->gate);
        keeper->law = true;
        keeper->generation++;
    }
    (void)pthread_rwlock_unlock(&keeper->law_lock);
}

/* A clock that was set back denies until it has caught up: CLOCK_BACK. */
static void look_at_clock(struct keeper *k)
{
    k->gate->now_ms = k->clock_ms();
    k->gate->now = (int64_t)(k->gate->now_ms / 1000);
}

static void drop_scribe(struct keeper *k)
{
    if (k->scribe == NULL)
        return;
    k->outage = scribe_outage(k->scribe);
    scribe_close(&k->scribe);
}

/* A gate that is current has a scribe; another one opens all the same, for an install. */
static err_code open_scribe(struct keeper *k, struct why *why)
{
    TRY(gate_current(k->gate, why));
    TRY(scribe_open(k->gate, &k->scribe, why));
    scribe_resume(k->scribe, &k->outage);
    return ERR_OK;
}

/* Whoever was enrolled is one who may ask. Without memory for a new copy nobody new is known. */
static void follow_roster(struct keeper *k)
{
    if (k->registry != NULL && k->scribe != NULL)
        if (registry_update(k->registry, ledger_roster(scribe_ledger(k->scribe))) != ERR_OK)
            k->error = ERR_NO_MEMORY; /* opened anew, and so tried again */
}

static void tell_state(struct keeper *k)
{
    (void)pthread_mutex_lock(&k->lock);
    k->state.serving = k->scribe != NULL && k->error == ERR_OK;
    k->state.error = k->error;
    k->state.why = k->why;
    k->state.answered_ns = keeper_now_ns();
    if (k->gate != NULL)
        k->state.epoch = k->gate->epoch;
    if (k->scribe != NULL)
        k->state.ledger_size = ledger_size(scribe_ledger(k->scribe));
    (void)pthread_mutex_unlock(&k->lock);
}

static void open_gate(struct keeper *k)
{
    struct why why = {0};

    keeper_lock_law(k);
    drop_scribe(k);
    gate_close(&k->gate);
    k->error = gate_open_live(k->state_dir, k->clock_ms, &k->gate, &why);
    if (k->error == ERR_OK)
        k->error = open_scribe(k, &why);
    k->why = why;
    follow_roster(k);
    keeper_unlock_law(k);
    k->pause_ns = k->error == ERR_OK ? PAUSE_FIRST_NS : k->pause_ns * 2;
    if (k->pause_ns > PAUSE_MAX_NS)
        k->pause_ns = PAUSE_MAX_NS;
    k->retry_ns = keeper_now_ns() + k->pause_ns;
    (void)pthread_mutex_lock(&k->lock);
    k->state.openings++;
    (void)pthread_mutex_unlock(&k->lock);
    tell_state(k);
}

/* After a failure everything is read and verified anew: what is in memory is not believed. */
static void mend(struct keeper *k)
{
    if (k->error != ERR_OK && keeper_now_ns() >= k->retry_ns)
        open_gate(k);
}

static bool take_reopen(struct keeper *k)
{
    bool wanted;

    (void)pthread_mutex_lock(&k->lock);
    wanted = k->reopen;
    k->reopen = false;
    (void)pthread_mutex_unlock(&k->lock);
    return wanted;
}

/* A session ends and another begins, both on record. */
static void open_anew(struct keeper *k)
{
    struct why why = {0};

    keeper_lock_law(k);
    if (k->scribe != NULL && k->error == ERR_OK) {
        look_at_clock(k);
        if (scribe_stop(k->scribe, "reload", k->gate->now_ms, &why) != ERR_OK)
            k->unpublished = true; /* it was cut short, which the next one says */
    }
    keeper_unlock_law(k);
    open_gate(k);
}

static void reopen(struct keeper *k)
{
    if (take_reopen(k))
        open_anew(k);
}

/* ---- work ------------------------------------------------------------------------------------ */

static void give_back(struct keeper *k, struct demands *done)
{
    const uint64_t one = 1;

    if (done->first == NULL)
        return;
    (void)pthread_mutex_lock(&k->lock);
    for (struct demand *d; (d = demands_take(done)) != NULL;)
        demands_put(&k->answered, d);
    (void)pthread_mutex_unlock(&k->lock);
    if (write(k->fd, &one, sizeof one) != sizeof one)
        return; /* full: it is readable */
}

static void refuse_all(struct keeper *k, struct demands *batch, struct demands *done)
{
    for (struct demand *d; (d = demands_take(batch)) != NULL; demands_put(done, d)) {
        d->refused = k->error;
        d->refused_why = k->why;
    }
}

static void serve(struct keeper *k, struct demands *batch)
{
    struct demands done;

    demands_init(&done);
    if (k->error != ERR_OK || k->scribe == NULL) {
        refuse_all(k, batch, &done);
    } else {
        look_at_clock(k);
        keeper_serve(k, batch, &done);
        if (k->error != ERR_OK) {
            k->retry_ns = keeper_now_ns();
            tell_state(k);
        }
    }
    give_back(k, &done);
}

/* What runs may change what is in force, and that the gate is current. */
static void run_errand(struct keeper *k, struct errand *errand)
{
    if (errand->anew || k->error != ERR_OK)
        open_anew(k);
    keeper_lock_law(k);
    if (k->error != ERR_OK)
        drop_scribe(k);
    if (k->gate != NULL)
        look_at_clock(k);
    errand->why = k->why;
    errand->err = errand->run(errand, k->gate, k->scribe, &errand->why);
    if (k->gate != NULL && k->scribe == NULL) {
        k->why = (struct why){0};
        k->error = open_scribe(k, &k->why);
    }
    follow_roster(k);
    keeper_unlock_law(k);
    tell_state(k);
    if (errand->doubtful)
        open_gate(k);
}

static void run_errands(struct keeper *k)
{
    const uint64_t one = 1;

    for (;;) {
        struct errand *errand;

        (void)pthread_mutex_lock(&k->lock);
        errand = k->errands;
        if (errand != NULL && (k->errands = errand->next) == NULL)
            k->errands_end = &k->errands;
        (void)pthread_mutex_unlock(&k->lock);
        if (errand == NULL)
            return;
        run_errand(k, errand);
        (void)pthread_mutex_lock(&k->lock);
        errand->next = NULL;
        *k->errands_done_end = errand;
        k->errands_done_end = &errand->next;
        (void)pthread_mutex_unlock(&k->lock);
        if (write(k->fd, &one, sizeof one) != sizeof one)
            continue; /* full: it is readable */
    }
}

/* Behind the answers: nobody waits for it. What fails is done again after the next round; a journal
 * that cannot be folded for long is full in the end, and then rounds fail by its name. */
static void publish(struct keeper *k)
{
    struct why why = {0};

    if (!k->unpublished || k->scribe == NULL || k->error != ERR_OK)
        return;
    k->unpublished =
        scribe_publish(k->scribe, &why) != ERR_OK || scribe_fold(k->scribe, &why) != ERR_OK;
}

/* Nobody asked for a while: is the hardware there, and still of this epoch? */
static void ping(struct keeper *k)
{
    struct why why = {0};

    if (k->scribe == NULL || k->error != ERR_OK)
        return;
    look_at_clock(k);
    k->error = scribe_ping(k->scribe, k->gate->now_ms, &why);
    k->why = why;
    k->retry_ns = keeper_now_ns();
    tell_state(k);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static bool has_work(const struct keeper *k)
{
    return k->judged.first != NULL || k->errands != NULL || k->reopen ||
           (k->stopping && k->judging == 0);
}

static void wait_until(struct keeper *k, uint64_t ns)
{
    const struct timespec at = {.tv_sec = (time_t)(ns / 1000000000u),
                                .tv_nsec = (long)(ns % 1000000000u)};

    while (!has_work(k) && keeper_now_ns() < ns)
        if (pthread_cond_timedwait(&k->work, &k->lock, &at) != 0)
            break;
}

/* What one round takes: as many whole demands as fit. */
static void gather(struct keeper *k, struct demands *ret)
{
    while (k->judged.first != NULL &&
           (ret->first == NULL || ret->items + k->judged.first->n_items <= KEEPER_BATCH_MAX))
        demands_put(ret, demands_take(&k->judged));
    (void)pthread_cond_broadcast(&k->space);
}

/* Waits for work, and takes what is to be decided. False: all is done, and the end has come. */
static bool next(struct keeper *k, struct demands *ret, bool *ret_idle)
{
    uint64_t now = keeper_now_ns();
    bool go;

    (void)pthread_mutex_lock(&k->lock);
    if (!has_work(k))
        wait_until(k,
                   k->error != ERR_OK ? (k->retry_ns > now ? k->retry_ns : now) : now + k->ping_ns);
    *ret_idle = !has_work(k);
    gather(k, ret);
    k->state.waiting = k->judged.items;
    go = ret->first != NULL || k->errands != NULL || !k->stopping || k->judging > 0;
    (void)pthread_mutex_unlock(&k->lock);
    return go;
}

static void end(struct keeper *k)
{
    struct why why = {0};

    keeper_lock_law(k);
    if (k->scribe != NULL && k->error == ERR_OK) {
        look_at_clock(k);
        k->error = scribe_stop(k->scribe, k->reason, k->gate->now_ms, &why);
        k->why = why;
    }
    scribe_close(&k->scribe);
    gate_close(&k->gate);
    keeper_unlock_law(k);
    tell_state(k);
}

static void *run(void *arg)
{
    struct keeper *k = arg;
    struct demands batch;
    bool idle;

    demands_init(&batch);
    open_gate(k);
    while (next(k, &batch, &idle)) {
        reopen(k);
        mend(k);
        run_errands(k);
        if (batch.first != NULL)
            serve(k, &batch);
        else if (idle)
            ping(k);
        publish(k);
    }
    end(k);
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
    TRY(keeper_start_judges(k, judges_for(options->judges)));
    if (pthread_create(&k->thread, NULL, run, k) != 0)
        return ERR_NO_MEMORY;
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
    k->error = k->state.error = ERR_BUSY; /* until it is open */
    k->pause_ns = PAUSE_FIRST_NS / 2;
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
    (void)pthread_mutex_unlock(&keeper->lock);
    ret->waiting += queue_waiting(keeper->queue);
}

void keeper_stop(struct keeper *keeper, const char *reason)
{
    if (keeper->queue != NULL)
        queue_close(keeper->queue);
    (void)pthread_mutex_lock(&keeper->lock);
    keeper->stopping = true;
    keeper->reason = reason;
    (void)pthread_cond_broadcast(&keeper->work);
    (void)pthread_mutex_unlock(&keeper->lock);
    for (; keeper->n_judges > 0; keeper->n_judges--)
        (void)pthread_join(keeper->judges[keeper->n_judges - 1], NULL);
    if (keeper->has_thread)
        (void)pthread_join(keeper->thread, NULL);
    keeper->has_thread = false;
}

void keeper_free(struct keeper **keeper)
{
    struct keeper *k = *keeper;

    if (k == NULL)
        return;
    keeper_stop(k, "signal");
    queue_free(&k->queue);
    if (k->fd >= 0)
        (void)close(k->fd);
    (void)pthread_cond_destroy(&k->space);
    (void)pthread_cond_destroy(&k->work);
    (void)pthread_rwlock_destroy(&k->law_lock);
    (void)pthread_mutex_destroy(&k->lock);
    free(k->state_dir);
    free(k);
    *keeper = NULL;
}
