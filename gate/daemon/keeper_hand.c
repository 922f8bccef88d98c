/* SPDX-License-Identifier: Apache-2.0 */
/* keeper_hand.c: the thread that alone calls the hardware, while the service runs. */
#include "gate/base/clock.h"
#include "gate/daemon/keeper_parts.h"
#include "gate/daemon/thread.h"

const char *keeper_use_name(enum keeper_use use)
{
    static const char *const NAMES[KEEPER_USES] = {"open", "check",  "prove",
                                                   "ping", "errand", "stop"};

    return NAMES[use];
}

static void *run(void *arg)
{
    struct keeper *k = arg;
    struct hand *hand = &k->hand;

    (void)pthread_mutex_lock(&k->lock);
    for (;;) {
        struct why why = {0};
        err_code err;

        while (hand->state != HAND_WORKS && hand->state != HAND_ENDS)
            (void)pthread_cond_wait(&hand->todo, &k->lock);
        if (hand->state == HAND_ENDS)
            break;
        (void)pthread_mutex_unlock(&k->lock);
        err = hand->job(hand->ctx, &why);
        (void)pthread_mutex_lock(&k->lock);
        hand->err = err;
        hand->why = why;
        histogram_add(&k->state.use_ns[hand->use], &HISTOGRAM_TIMES,
                      clock_steady_ns() - hand->began_ns);
        hand->state = HAND_DONE;
        (void)pthread_cond_signal(&k->work);
    }
    (void)pthread_mutex_unlock(&k->lock);
    return NULL;
}

err_code hand_start(struct keeper *keeper)
{
    TRY(thread_start(run, keeper, &keeper->hand.thread));
    keeper->hand.has_thread = true;
    return ERR_OK;
}

void hand_end(struct keeper *keeper)
{
    if (!keeper->hand.has_thread)
        return;
    (void)pthread_mutex_lock(&keeper->lock);
    keeper->hand.state = HAND_ENDS;
    (void)pthread_cond_signal(&keeper->hand.todo);
    (void)pthread_mutex_unlock(&keeper->lock);
    (void)pthread_join(keeper->hand.thread, NULL);
    keeper->hand.has_thread = false;
}

static void give(struct keeper *k, enum keeper_use use, err_code (*job)(void *ctx, struct why *why),
                 void *ctx)
{
    k->hand.use = use;
    k->hand.began_ns = clock_steady_ns();
    k->hand.job = job;
    k->hand.ctx = ctx;
    k->hand.state = HAND_WORKS;
    (void)pthread_cond_signal(&k->hand.todo);
}

static err_code take(struct keeper *k, struct why *why)
{
    k->hand.state = HAND_FREE;
    *why = k->hand.why;
    k->state.answered_ns = clock_steady_ns();
    return k->hand.err;
}

void hand_give(struct keeper *keeper, enum keeper_use use,
               err_code (*job)(void *ctx, struct why *why), void *ctx)
{
    (void)pthread_mutex_lock(&keeper->lock);
    give(keeper, use, job, ctx);
    (void)pthread_mutex_unlock(&keeper->lock);
}

bool hand_take(struct keeper *keeper, err_code *ret, struct why *why)
{
    bool done;

    (void)pthread_mutex_lock(&keeper->lock);
    done = keeper->hand.state == HAND_DONE;
    if (done)
        *ret = take(keeper, why);
    (void)pthread_mutex_unlock(&keeper->lock);
    return done;
}

err_code hand_do(struct keeper *keeper, enum keeper_use use,
                 err_code (*job)(void *ctx, struct why *why), void *ctx, struct why *why)
{
    err_code err;

    (void)pthread_mutex_lock(&keeper->lock);
    give(keeper, use, job, ctx);
    while (keeper->hand.state != HAND_DONE)
        (void)pthread_cond_wait(&keeper->work, &keeper->lock);
    err = take(keeper, why);
    (void)pthread_mutex_unlock(&keeper->lock);
    return err;
}
