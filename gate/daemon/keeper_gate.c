/* SPDX-License-Identifier: Apache-2.0 */
/* keeper_gate.c: what the keeper does with its gate beside rounds: opens it, opens it anew after a
 * failure, lets errands use it, closes it. All of it is the hand's work, since it calls the
 * hardware. */
#include "gate/base/clock.h"
#include "gate/daemon/keeper_parts.h"

#include <unistd.h>

/* Between two attempts to open a gate that failed. */
#define PAUSE_FIRST_NS UINT64_C(100000000)
#define PAUSE_MAX_NS UINT64_C(5000000000)

/* ---- the law --------------------------------------------------------------------------------- */

/* What judges judge by changes: nobody judges in between. */
static void lock_law(struct keeper *k)
{
    (void)pthread_rwlock_wrlock(&k->law_lock);
    k->law = false;
}

/* As the gate and the scribe are now. What was judged before is judged again. */
static void unlock_law(struct keeper *k)
{
    if (k->scribe != NULL) {
        k->force = gate_in_force(k->gate);
        (void)pthread_mutex_lock(&k->lock);
        effect_take(k->force.snapshot, &k->effect);
        (void)pthread_mutex_unlock(&k->lock);
        k->law = true;
        k->generation++;
    }
    (void)pthread_rwlock_unlock(&k->law_lock);
}

void keeper_look_at_clock(struct keeper *keeper)
{
    keeper->gate->now_ms = keeper->clock_ms();
    keeper->gate->now = (int64_t)(keeper->gate->now_ms / 1000);
}

/* Whoever was enrolled is one who may ask. Without memory for a new copy nobody new is known. */
static void follow_roster(struct keeper *k)
{
    if (k->registry != NULL && k->scribe != NULL)
        if (registry_update(k->registry, ledger_roster(scribe_ledger(k->scribe))) != ERR_OK)
            k->error = ERR_NO_MEMORY; /* opened anew, and so tried again */
}

void keeper_tell_state(struct keeper *keeper)
{
    struct keeper *k = keeper;

    (void)pthread_mutex_lock(&k->lock);
    k->state.serving = k->scribe != NULL && k->error == ERR_OK;
    k->state.error = k->error;
    k->state.why = k->why;
    if (k->error != ERR_OK && k->error != ERR_STARTING) {
        k->state.last_error = k->error;
        k->state.last_why = k->why;
        k->state.last_ms = k->clock_ms();
    }
    if (k->gate != NULL)
        k->state.epoch = k->gate->epoch;
    if (k->scribe != NULL)
        k->state.ledger_size = ledger_size(scribe_ledger(k->scribe));
    (void)pthread_mutex_unlock(&k->lock);
}

/* ---- opening --------------------------------------------------------------------------------- */

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

static err_code open_anew(void *ctx, struct why *why)
{
    struct keeper *k = ctx;

    drop_scribe(k);
    gate_close(&k->gate);
    TRY(gate_open_live(k->state_dir, k->clock_ms, &k->gate, why));
    return open_scribe(k, why);
}

void keeper_plan_retry(struct keeper *k)
{
    k->retry_ns = clock_steady_ns() + k->pause_ns;
    k->pause_ns = k->pause_ns == 0 ? PAUSE_FIRST_NS : k->pause_ns * 2;
    if (k->pause_ns > PAUSE_MAX_NS)
        k->pause_ns = PAUSE_MAX_NS;
}

void keeper_open(struct keeper *keeper)
{
    struct keeper *k = keeper;
    struct why why = {0};

    k->secret = (struct secret){0};
    lock_law(k);
    k->check_holds = false;
    k->error = hand_do(k, KEEPER_OPENS, open_anew, k, &why);
    k->why = why;
    follow_roster(k);
    unlock_law(k);
    if (k->error != ERR_OK)
        keeper_plan_retry(k);
    (void)pthread_mutex_lock(&k->lock);
    k->state.openings++;
    (void)pthread_mutex_unlock(&k->lock);
    keeper_tell_state(k);
}

/* A PIN that the token refused is not tried again: that would lock it. */
static bool may_open(struct keeper *k)
{
    if (k->error != ERR_HSM_PIN_WRONG)
        return true;
    if (!k->secret.refused)
        secret_refused(&k->secret, k->state_dir);
    if (secret_is_new(&k->secret, k->state_dir))
        return true;
    k->retry_ns = clock_steady_ns() + PAUSE_MAX_NS;
    return false;
}

/* After a failure everything is read and verified anew: what is in memory is not believed. */
static void mend(struct keeper *k)
{
    if (k->error != ERR_OK && clock_steady_ns() >= k->retry_ns && may_open(k))
        keeper_open(k);
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

static err_code stop_for_reload(void *ctx, struct why *why)
{
    struct keeper *k = ctx;

    return scribe_stop(k->scribe, "reload", k->gate->now_ms, why);
}

/* A session ends and another begins, both on record. */
static void begin_anew(struct keeper *k)
{
    struct why why = {0};

    if (k->scribe != NULL && k->error == ERR_OK) {
        keeper_look_at_clock(k);
        (void)!hand_do(k, KEEPER_STOPS, stop_for_reload, k,
                       &why); /* if not: cut short, as the next one says */
    }
    keeper_open(k);
}

static void reopen(struct keeper *k)
{
    if (take_reopen(k))
        begin_anew(k);
}

/* ---- errands --------------------------------------------------------------------------------- */

struct run {
    struct keeper *keeper;
    struct errand *errand;
};

static err_code run_job(void *ctx, struct why *why)
{
    struct run *run = ctx;
    struct keeper *k = run->keeper;
    struct errand *errand = run->errand;

    if (k->error != ERR_OK)
        drop_scribe(k);
    if (k->error == ERR_HSM_PIN_WRONG)
        gate_close(&k->gate); /* whatever it was asked, it would log in first */
    errand->why = k->why;
    errand->err = errand->run(errand, k->gate, k->scribe, &errand->why);
    if (k->gate != NULL && k->scribe == NULL)
        return open_scribe(k, why);
    *why = k->why;
    return k->error;
}

static uint64_t size_of_ledger(const struct keeper *k)
{
    return k->scribe == NULL ? 0 : ledger_size(scribe_ledger(k->scribe));
}

static void publish_or_doubt(struct keeper *k)
{
    struct why why = {0};
    err_code err = keeper_publish(k, &why);

    if (err != ERR_OK)
        keeper_doubt(k, err, &why);
}

/* What runs may change what is in force, and that the gate is current. */
static void run_errand(struct keeper *k, struct errand *errand)
{
    struct run run = {k, errand};
    struct why why;
    uint64_t size;

    if (errand->anew || (k->error != ERR_OK && may_open(k)))
        begin_anew(k);
    size = size_of_ledger(k);
    lock_law(k);
    k->check_holds = false;
    if (k->gate != NULL)
        keeper_look_at_clock(k);
    k->error = hand_do(k, KEEPER_RUNS, run_job, &run, &why);
    k->why = why;
    follow_roster(k);
    unlock_law(k);
    keeper_tell_state(k);
    k->unpublished = k->unpublished || size_of_ledger(k) != size;
    publish_or_doubt(k);
    if (errand->doubtful)
        keeper_open(k);
}

static struct errand *next_errand(struct keeper *k)
{
    struct errand *errand;

    (void)pthread_mutex_lock(&k->lock);
    errand = k->errands;
    if (errand != NULL && (k->errands = errand->next) == NULL)
        k->errands_end = &k->errands;
    (void)pthread_mutex_unlock(&k->lock);
    return errand;
}

static void run_errands(struct keeper *k)
{
    const uint64_t one = 1;

    for (struct errand *errand; (errand = next_errand(k)) != NULL;) {
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

void keeper_between(struct keeper *keeper)
{
    reopen(keeper);
    mend(keeper);
    run_errands(keeper);
    publish_or_doubt(keeper);
}

/* ---- behind the answers ---------------------------------------------------------------------- */

/* Nobody waits for it. A journal that cannot be folded for long is full in the end, and then rounds
 * fail by its name. */
err_code keeper_publish(struct keeper *keeper, struct why *why)
{
    struct keeper *k = keeper;
    struct why unheard = {0};

    if (!k->unpublished || k->scribe == NULL || k->error != ERR_OK)
        return ERR_OK;
    TRY(scribe_publish(k->scribe, why));
    k->unpublished = k->open->n == 0 && scribe_fold(k->scribe, &unheard) != ERR_OK;
    return ERR_OK;
}

static err_code ping(void *ctx, struct why *why)
{
    struct keeper *k = ctx;

    return scribe_ping(k->scribe, k->gate->now_ms, why);
}

void keeper_ping(struct keeper *keeper)
{
    struct keeper *k = keeper;
    struct why why = {0};

    if (k->scribe == NULL || k->error != ERR_OK)
        return;
    keeper_begin_check(k);
    keeper_look_at_clock(k);
    k->error = hand_do(k, KEEPER_PINGS, ping, k, &why);
    k->check_holds = k->error == ERR_OK;
    k->why = why;
    if (k->error != ERR_OK) /* one that answers proves no round */
        keeper_plan_retry(k);
    keeper_tell_state(k);
}

/* ---- the end --------------------------------------------------------------------------------- */

static err_code stop(void *ctx, struct why *why)
{
    struct keeper *k = ctx;
    err_code err = k->error;

    *why = k->why;
    if (k->scribe != NULL && err == ERR_OK)
        err = scribe_stop(k->scribe, k->reason, k->gate->now_ms, why);
    scribe_close(&k->scribe);
    if (k->gate != NULL && err == ERR_OK)
        err = k->gate->hw->ops->rest(k->gate->hw, why);
    gate_close(&k->gate);
    return err;
}

void keeper_end(struct keeper *keeper)
{
    struct keeper *k = keeper;
    struct why why;

    lock_law(k);
    if (k->gate != NULL)
        keeper_look_at_clock(k);
    k->error = hand_do(k, KEEPER_STOPS, stop, k, &why);
    k->why = why;
    unlock_law(k);
    keeper_tell_state(k);
}
