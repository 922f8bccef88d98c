/* SPDX-License-Identifier: Apache-2.0 */
/* keeper_round.c: rounds: what is judged goes on record, is proved by the hardware, and becomes an
 * answer. */
#include "gate/base/clock.h"
#include "gate/daemon/identify.h"
#include "gate/daemon/keeper_parts.h"
#include "gate/decide/answer_json.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

err_code keeper_make_rounds(struct keeper *keeper)
{
    for (size_t i = 0; i < 2; i++) {
        struct round *round = &keeper->rounds[i];
        demands_init(&round->demands);
        round->dockets = calloc(KEEPER_BATCH_MAX, sizeof *round->dockets);
        round->items = calloc(KEEPER_BATCH_MAX, sizeof *round->items);
        if (round->dockets == NULL || round->items == NULL)
            return ERR_NO_MEMORY;
    }
    keeper->open = &keeper->rounds[0];
    keeper->away = &keeper->rounds[1];
    return ERR_OK;
}

void keeper_free_rounds(struct keeper *keeper)
{
    for (size_t i = 0; i < 2; i++) {
        scribe_proof_free(&keeper->rounds[i].proof);
        free(keeper->rounds[i].dockets);
        free(keeper->rounds[i].items);
    }
}

bool keeper_is_between(const struct keeper *keeper)
{
    return keeper->doing == HAND_NOTHING && keeper->open->demands.first == NULL;
}

/* ---- answers --------------------------------------------------------------------------------- */

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

/* An item that comes into no round is still an answer of its batch. */
static void answer_others(struct demand *demand)
{
    for (size_t i = 0; i < demand->n_items; i++)
        if (demand->items[i].malformed != ERR_OK)
            demand->items[i].context =
                answer_refusal(demand->items[i].malformed, &demand->items[i].malformed_why);
}

static void answer_item(struct keeper *k, struct docket *docket, struct demand_item *item)
{
    item->context = answer_context(k->gate, &item->answer, docket);
    if (item->context == NULL)
        return; /* without memory: denied */
    item->recorded = true;
    item->permit = item->answer.permit;
    item->permit_file = buf_take(&docket->permit);
}

/* Rounds that failed took their time, too. */
static void count(struct keeper *k, const struct round *round, bool proved)
{
    uint64_t permitted = 0;

    for (size_t i = 0; i < round->n; i++)
        permitted += round->items[i]->permit;
    (void)pthread_mutex_lock(&k->lock);
    if (round->began_ns != 0)
        histogram_add(&k->state.round_ns, &HISTOGRAM_TIMES, clock_steady_ns() - round->began_ns);
    histogram_add(&k->state.round_size, &HISTOGRAM_SIZES, round->n);
    k->state.waiting = round == k->open ? k->away->n : k->open->n; /* they do no more */
    if (proved) {
        k->state.rounds++;
        k->state.decided += round->n;
        k->state.permitted += permitted;
        k->state.ledger_size = ledger_size(scribe_ledger(k->scribe));
    }
    (void)pthread_mutex_unlock(&k->lock);
}

/* A round is over: everybody in it is answered, and the next one may use its place. */
static void answer(struct keeper *k, struct round *round, err_code err, const struct why *why)
{
    for (size_t i = 0; i < round->n && err == ERR_OK; i++)
        answer_item(k, &round->dockets[i], round->items[i]);
    if (round->n > 0)
        count(k, round, err == ERR_OK);
    if (round->n > 0 && err == ERR_OK)
        k->pause_ns = 0;
    for (struct demand *d = round->demands.first; d != NULL; d = d->next) {
        if (err != ERR_OK && d->refused == ERR_OK) {
            d->refused = err;
            if (why->code == err)
                d->refused_why = *why;
        }
        answer_others(d);
    }
    give_back(k, &round->demands);
    for (size_t i = 0; i < round->n; i++)
        docket_free(&round->dockets[i]);
    round->n = 0;
    round->began_ns = 0;
    scribe_proof_free(&round->proof);
}

/* The gate is opened anew before there is another round. Whoever is told so finds it in the state.
 */
void keeper_doubt(struct keeper *keeper, err_code err, const struct why *why)
{
    struct keeper *k = keeper;

    k->gather_from = k->gather_to = 0;
    k->checked = k->check_holds = false;
    k->error = err;
    k->why = *why;
    keeper_plan_retry(k);
    keeper_tell_state(k);
}

/* The open round is gone. */
static void fail(struct keeper *k, err_code err, const struct why *why)
{
    keeper_doubt(k, err, why);
    answer(k, k->open, err, why);
}

/* ---- checks ---------------------------------------------------------------------------------- */

static uint64_t boot_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void keeper_begin_check(struct keeper *keeper)
{
    keeper->check_holds = false;
    keeper->checked_ns = clock_steady_ns();
    keeper->checked_boot_ns = boot_ns();
}

/* Whether the last check is not older than what all answers of this one take. */
static bool is_young(const struct keeper *k, const struct demand *demand)
{
    const uint64_t now = boot_ns(), window = (uint64_t)demand->fresh_ms * 1000000u;

    return window > 0 && demand->generation == k->generation && now >= k->checked_boot_ns &&
           now - k->checked_boot_ns <= window;
}

/* Whether what the hardware said in the last check counts for this one: if it was asked later only
 * where the policies say so. */
static bool is_covered(const struct keeper *k, const struct demand *demand)
{
    return demand->arrived_ns <= k->checked_ns || is_young(k, demand);
}

/* Whether the open round needs no check of its own. */
static bool may_spare_check(const struct keeper *k)
{
    for (const struct demand *d = k->open->demands.first; d != NULL; d = d->next)
        if (!is_young(k, d))
            return false;
    return k->check_holds;
}

static uint32_t age_ms(const struct keeper *k)
{
    const uint64_t ms = (boot_ns() - k->checked_boot_ns) / 1000000u;

    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* ---- taking in ------------------------------------------------------------------------------- */

/* The open round has its check, or has it made: it does not wait for another one. */
static bool is_begun(const struct keeper *k)
{
    return k->doing == HAND_CHECKS || k->checked;
}

/* A round may be filled while the hardware proves the one before, unless the journal has to be
 * folded in between, or that one ends an outage. */
static bool may_open(const struct keeper *k)
{
    if (k->errands != NULL || k->reopen)
        return false;
    return k->doing == HAND_NOTHING || (k->doing == HAND_PROVES && k->ahead);
}

/* The room that it needs at most: what is malformed stays so, and comes into no round. */
static size_t room_for(const struct demand *demand)
{
    size_t n = 0;

    for (size_t i = 0; i < demand->n_items; i++)
        n += demand->items[i].malformed == ERR_OK;
    return n;
}

bool keeper_may_take(const struct keeper *keeper, const struct demand *demand)
{
    const struct keeper *k = keeper;
    const size_t room = room_for(demand);

    if (k->error != ERR_OK || k->scribe == NULL || room == 0)
        return true;
    if (k->open->demands.first == NULL)
        return may_open(k);
    if (k->open->n + room > KEEPER_BATCH_MAX)
        return false;
    return !is_begun(k) || is_covered(k, demand);
}

struct beginning {
    struct scribe *scribe;
    uint64_t now_ms;
};

static err_code begin_job(void *ctx, struct why *why)
{
    const struct beginning *b = ctx;

    return scribe_begin_round(b->scribe, b->now_ms, why);
}

/* Opens the round; where it has to say something itself, the hardware begins it now. */
static err_code open_round(struct keeper *k, struct why *why)
{
    struct beginning b = {k->scribe, k->gate->now_ms};
    bool open;

    TRY(scribe_open_ahead(k->scribe, b.now_ms, &open, why));
    if (open)
        return ERR_OK;
    if (k->doing != HAND_NOTHING)
        return why_say(why, ERR_INTERNAL, "a round that the hardware has to begin at once");
    keeper_begin_check(k);
    k->open->began_ns = k->checked_ns;
    TRY(hand_do(k, KEEPER_CHECKS, begin_job, &b, why));
    k->checked = k->check_holds = true;
    return ERR_OK;
}

static err_code take_item(struct keeper *k, const struct demand *demand, struct demand_item *item,
                          struct why *why)
{
    struct round *round = k->open;
    struct docket *docket = &round->dockets[round->n];
    uint64_t now_ms;

    keeper_look_at_clock(k);
    now_ms = k->gate->now_ms;
    if (round->n == 0)
        TRY(open_round(k, why));
    if (is_begun(k) && demand->arrived_ns > k->checked_ns)
        docket->checked_ms_ago = age_ms(k);
    round->items[round->n++] = item;
    TRY(scribe_attempt(k->scribe, &item->request, now_ms, docket, why));
    return scribe_decision(k->scribe, docket, &item->answer, now_ms, why);
}

/* Whoever was enrolled or removed since it was asked is so in the answer. */
static err_code look_at_agents(struct keeper *k, struct demand *demand, struct why *why)
{
    uint64_t version;

    if (k->registry == NULL)
        return ERR_OK;
    version = registry_version(k->registry);
    if (version > 0 && demand->roster == version)
        return ERR_OK;
    identify_all(k->registry, demand);
    demand->generation = 0; /* so that it is judged again */
    return version > 0 ? ERR_OK : why_say(why, ERR_INTERNAL, "nobody knows which agents there are");
}

/* What was judged by what is not in force any more is judged again; and what was judged at another
 * time: what it rests on may have ended meanwhile. */
static err_code judge_anew(struct keeper *k, struct demand *demand, struct why *why)
{
    const int64_t now = (int64_t)(k->clock_ms() / 1000);
    struct in_force force = k->force;

    TRY(look_at_agents(k, demand, why));
    if (demand->generation == k->generation && demand->judged_at == now)
        return ERR_OK;
    if (k->worker == NULL)
        (void)!cedar_worker_make(&k->worker); /* without it each request has one made */
    force.worker = k->worker;
    demand_judge(demand, &force, now);
    demand->generation = k->generation;
    return ERR_OK;
}

/* A window that it was let in by may be gone now. */
static bool has_to_wait(struct keeper *k, struct demand *demand)
{
    bool waits;

    (void)pthread_mutex_lock(&k->lock);
    waits = !keeper_may_take(k, demand);
    if (waits)
        demands_put_back(&k->judged, demand);
    (void)pthread_mutex_unlock(&k->lock);
    return waits;
}

static err_code take_items(struct keeper *k, struct demand *demand, struct why *why)
{
    for (size_t i = 0; i < demand->n_items; i++) {
        struct demand_item *item = &demand->items[i];
        if (item->judged && item->malformed == ERR_OK)
            TRY(take_item(k, demand, item, why));
    }
    return ERR_OK;
}

static void answer_now(struct keeper *k, struct demand *demand)
{
    struct demands one;

    demands_init(&one);
    answer_others(demand);
    demands_put(&one, demand);
    give_back(k, &one);
}

/* Whoever waits longer than he wants to is told so, and nothing of it goes on record. */
static bool in_time(struct demand *demand)
{
    if (clock_steady_ns() <= demand->due_ns)
        return true;
    demand->refused =
        why_say(&demand->refused_why, ERR_DEADLINE, "it waited longer than its deadline allows");
    return false;
}

void keeper_take(struct keeper *keeper, struct demand *demand)
{
    struct keeper *k = keeper;
    size_t before = k->open->n;
    struct why why = {0};
    err_code err;

    if (k->error != ERR_OK || k->scribe == NULL) {
        demand->refused = k->error;
        demand->refused_why = k->why;
    }
    if (demand->refused != ERR_OK || !in_time(demand)) {
        answer_now(k, demand);
        return;
    }
    err = judge_anew(k, demand, &why);
    if (err == ERR_OK && has_to_wait(k, demand))
        return;
    if (err == ERR_OK)
        err = take_items(k, demand, &why);
    if (err == ERR_OK && k->open->n == before) {
        answer_now(k, demand);
        return;
    }
    demands_put(&k->open->demands, demand);
    if (err != ERR_OK)
        fail(k, err, &why);
}

/* ---- the hardware ---------------------------------------------------------------------------- */

static err_code check_job(void *ctx, struct why *why)
{
    return scribe_check(ctx, why);
}

static err_code prove_job(void *ctx, struct why *why)
{
    return scribe_prove(ctx, why);
}

/* What is taken in from now on has been asked before. */
static void check(struct keeper *k)
{
    keeper_begin_check(k);
    k->open->began_ns = k->checked_ns;
    k->doing = HAND_CHECKS;
    hand_give(k, KEEPER_CHECKS, check_job, k->scribe);
}

/* Until the hardware has proved the round that says so, the next one has to say it, too. */
static bool ends_outage(const struct keeper *k)
{
    return scribe_outage(k->scribe).error != ERR_OK;
}

static err_code append(struct keeper *k, struct scribe_proof **ret, struct why *why)
{
    const uint64_t began_ns = clock_steady_ns();
    err_code err = scribe_commit(k->scribe, k->gate->now_ms, ret, why);

    (void)pthread_mutex_lock(&k->lock);
    histogram_add(&k->state.append_ns, &HISTOGRAM_TIMES, clock_steady_ns() - began_ns);
    (void)pthread_mutex_unlock(&k->lock);
    return err;
}

static void prove(struct keeper *k)
{
    struct round *round = k->open;
    struct why why = {0};
    err_code err;

    keeper_look_at_clock(k);
    err = append(k, &round->proof, &why);
    if (err != ERR_OK) {
        fail(k, err, &why);
        return;
    }
    k->open = k->away;
    k->away = round;
    k->checked = false;
    k->ahead = !scribe_wants_fold(k->scribe) && !ends_outage(k);
    k->doing = HAND_PROVES;
    hand_give(k, KEEPER_PROVES, prove_job, round->proof);
}

/* The last check counts for this round, too. */
static void spare_check(struct keeper *k)
{
    k->open->began_ns = clock_steady_ns();
    for (size_t i = 0; i < k->open->n; i++)
        k->open->dockets[i].checked_ms_ago = age_ms(k);
    scribe_check_again(k->scribe);
    k->checked = true;
}

/* ---- gathering ------------------------------------------------------------------------------- */

/* Who was answered mostly asks again at once. A round that begins with the first of them, or with
 * those who waited meanwhile, leaves the others to the one after it, and so on in turns for ever,
 * half of all clients in each. So it waits until as many have come as went: half the time that
 * a round takes, at most; and for some rounds not at all where half of them did not come. */
#define GATHER_PART 2
#define GATHER_MAX_NS UINT64_C(250000000)
#define UNGATHERED 4

static bool may_gather(struct keeper *k, const struct round *round)
{
    if (k->ungathered > 0) {
        k->ungathered--;
        return false;
    }
    return round->n > 1 || k->open->n > 0;
}

static void gather(struct keeper *k, size_t answered, uint64_t took_ns)
{
    uint64_t most = took_ns / GATHER_PART;

    k->gather_from = k->open->n;
    k->gather_to =
        k->open->n + answered < KEEPER_BATCH_MAX ? k->open->n + answered : KEEPER_BATCH_MAX;
    k->gather_until_ns = clock_steady_ns() + (most < GATHER_MAX_NS ? most : GATHER_MAX_NS);
}

bool keeper_gathers(const struct keeper *keeper)
{
    return keeper->open->n < keeper->gather_to && clock_steady_ns() < keeper->gather_until_ns;
}

static void end_gathering(struct keeper *k)
{
    size_t wanted = k->gather_to - k->gather_from;

    if (k->gather_to > 0 && (k->open->n - k->gather_from) * 2 < wanted)
        k->ungathered = UNGATHERED;
    k->gather_from = k->gather_to = 0;
}

void keeper_go_on(struct keeper *keeper)
{
    if (keeper->doing != HAND_NOTHING || keeper->open->n == 0 || keeper_gathers(keeper))
        return;
    end_gathering(keeper);
    if (!keeper->checked && may_spare_check(keeper))
        spare_check(keeper);
    if (keeper->checked)
        prove(keeper);
    else
        check(keeper);
}

/* The open round may be gone meanwhile. */
static void has_checked(struct keeper *k, err_code err, const struct why *why)
{
    err = scribe_checked(k->scribe, err, k->gate->now_ms);
    if (err != ERR_OK)
        fail(k, err, why);
    else
        k->check_holds = true;
    k->checked = k->check_holds && k->open->n > 0;
}

/* The next round's check comes before the answers of this one, which take the host's time alone,
 * unless it is held for who gets them. */
static void has_proved(struct keeper *k, err_code err, struct why *why)
{
    struct round *round = k->away;
    const uint64_t took_ns = clock_steady_ns() - round->began_ns;
    const size_t answered = round->n;
    const bool gathers = err == ERR_OK && may_gather(k, round);

    if (err == ERR_OK && k->open->n > 0 && k->error == ERR_OK && !gathers && !may_spare_check(k))
        check(k);
    err = scribe_release(k->scribe, round->proof, err, round->dockets, round->n, why);
    if (err != ERR_OK)
        keeper_doubt(k, err, why);
    answer(k, round, err, why);
    if (err != ERR_OK) {
        answer(k, k->open, err, why);
        return;
    }
    if (gathers)
        gather(k, answered, took_ns);
    k->unpublished = true;
    err = keeper_publish(k, why);
    if (err != ERR_OK)
        fail(k, err, why);
}

void keeper_hear(struct keeper *keeper)
{
    enum errand_of_hand done = keeper->doing;
    struct why why = {0};
    err_code err;

    if (done == HAND_NOTHING || !hand_take(keeper, &err, &why))
        return;
    keeper->doing = HAND_NOTHING;
    if (done == HAND_CHECKS)
        has_checked(keeper, err, &why);
    else
        has_proved(keeper, err, &why);
}
