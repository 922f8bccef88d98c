/* SPDX-License-Identifier: Apache-2.0 */
/* keeper_round.c: one round: what is judged goes on record, is signed, and becomes an answer. */
#include "gate/daemon/identify.h"
#include "gate/daemon/keeper_parts.h"
#include "gate/decide/answer_json.h"

#include <stdlib.h>

/* The requests of a round. */
struct round {
    struct docket *dockets; /* as many as items */
    struct demand_item **items;
    size_t n;
    uint64_t now_ms;
};

static void round_free(struct round *round)
{
    for (size_t i = 0; i < round->n; i++)
        docket_free(&round->dockets[i]);
    free(round->dockets);
    free(round->items);
}

static err_code round_init(struct round *round, size_t most)
{
    round->dockets = calloc(most, sizeof *round->dockets);
    round->items = calloc(most, sizeof *round->items);
    return round->dockets != NULL && round->items != NULL ? ERR_OK : ERR_NO_MEMORY;
}

static void refuse(struct demand *demand, err_code err, const struct why *why)
{
    demand->refused = err;
    if (why->code == err)
        demand->refused_why = *why;
}

/* ---- taking into the round ------------------------------------------------------------------- */

static err_code take_item(struct keeper *k, struct round *round, struct demand_item *item,
                          struct why *why)
{
    struct docket *docket = &round->dockets[round->n];

    round->items[round->n++] = item;
    TRY(scribe_attempt(k->scribe, &item->request, round->now_ms, docket, why));
    return scribe_decision(k->scribe, docket, &item->answer, round->now_ms, why);
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

/* What was judged by what is not in force any more is judged again. */
static err_code take_demand(struct keeper *k, struct round *round, struct demand *demand,
                            struct why *why)
{
    TRY(look_at_agents(k, demand, why));
    if (demand->generation != k->generation) {
        demand_judge(demand, &k->force, (int64_t)(round->now_ms / 1000));
        demand->generation = k->generation;
    }
    for (size_t i = 0; i < demand->n_items; i++) {
        struct demand_item *item = &demand->items[i];
        if (item->judged && item->malformed == ERR_OK)
            TRY(take_item(k, round, item, why));
    }
    return ERR_OK;
}

/* Whoever waits longer than he wants to is told so, and nothing of it goes on record. */
static bool in_time(struct demand *demand)
{
    if (keeper_now_ns() <= demand->due_ns)
        return true;
    demand->refused =
        why_say(&demand->refused_why, ERR_DEADLINE, "it waited longer than its deadline allows");
    return false;
}

static err_code write_round(struct keeper *k, struct round *round, struct demands *batch,
                            struct why *why)
{
    for (struct demand *d = batch->first; d != NULL; d = d->next)
        if (in_time(d))
            TRY(take_demand(k, round, d, why));
    return round->n == 0 ? ERR_OK
                         : scribe_finish(k->scribe, round->dockets, round->n, round->now_ms, why);
}

/* ---- the answers ----------------------------------------------------------------------------- */

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

static void count(struct keeper *k, const struct round *round)
{
    uint64_t permitted = 0;

    for (size_t i = 0; i < round->n; i++)
        permitted += round->items[i]->permit;
    (void)pthread_mutex_lock(&k->lock);
    k->state.rounds++;
    k->state.decided += round->n;
    k->state.permitted += permitted;
    k->state.ledger_size = ledger_size(scribe_ledger(k->scribe));
    k->state.answered_ns = keeper_now_ns();
    (void)pthread_mutex_unlock(&k->lock);
}

static err_code serve(struct keeper *k, struct round *round, struct demands *batch, struct why *why)
{
    TRY(round_init(round, batch->items));
    TRY(write_round(k, round, batch, why));
    for (size_t i = 0; i < round->n; i++)
        answer_item(k, &round->dockets[i], round->items[i]);
    if (round->n > 0)
        count(k, round);
    k->unpublished = k->unpublished || round->n > 0;
    return ERR_OK;
}

/* Rounds that failed took their time, too. */
static void measure(struct keeper *k, const struct round *round, uint64_t ns)
{
    if (round->n == 0)
        return;
    (void)pthread_mutex_lock(&k->lock);
    histogram_add(&k->state.round_ns, &HISTOGRAM_TIMES, ns);
    histogram_add(&k->state.round_size, &HISTOGRAM_SIZES, round->n);
    (void)pthread_mutex_unlock(&k->lock);
}

void keeper_serve(struct keeper *keeper, struct demands *batch, struct demands *done)
{
    uint64_t began_ns = keeper_now_ns();
    CLEANUP(round_free) struct round round = {.now_ms = keeper->gate->now_ms};
    struct why why = {0};
    err_code err = serve(keeper, &round, batch, &why);

    measure(keeper, &round, keeper_now_ns() - began_ns);
    for (struct demand *d; (d = demands_take(batch)) != NULL; demands_put(done, d)) {
        if (err != ERR_OK && d->refused == ERR_OK)
            refuse(d, err, &why);
        answer_others(d);
    }
    if (err != ERR_OK) {
        keeper->error = err;
        keeper->why = why;
    }
}
