/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 8192
#define PER_CALLER_MAX 2048
#define BUCKETS 256 /* of callers */

/* What one agent of a caller waits for. It is there as long as it is not empty. */
struct line {
    struct line *next; /* whose turn is next */
    struct demand *first, **end;
    size_t items;
    size_t turns;       /* it had, while its first one waited: as many as that has requests */
    struct slice agent; /* borrows from its last demand; empty: of several */
};

/* All lines of one caller. */
struct share {
    struct share *next; /* whose turn is next */
    struct share *same; /* in the same bucket */
    struct line *turn, **turns_end;
    size_t items, n_lines;
    char *caller;
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct queue_limits limits;
    size_t items;
    bool closed;
    struct share *turn, **turns_end;
    struct share *buckets[BUCKETS];
};

err_code queue_new(const struct queue_limits *limits, struct queue **ret)
{
    struct queue *q = calloc(1, sizeof *q);

    if (q == NULL)
        return ERR_NO_MEMORY;
    (void)pthread_mutex_init(&q->lock, NULL);
    (void)pthread_cond_init(&q->filled, NULL);
    q->limits = *limits;
    if (q->limits.items == 0)
        q->limits.items = ITEMS_MAX;
    if (q->limits.per_caller == 0)
        q->limits.per_caller = PER_CALLER_MAX;
    q->turns_end = &q->turn;
    *ret = q;
    return ERR_OK;
}

void queue_free(struct queue **queue)
{
    struct queue *q = *queue;

    if (q == NULL)
        return;
    (void)pthread_cond_destroy(&q->filled);
    (void)pthread_mutex_destroy(&q->lock);
    free(q);
    *queue = NULL;
}

/* FNV-1a: spreads names over the buckets; whoever makes them collide makes himself slow. */
static size_t bucket_of(const char *caller)
{
    uint32_t hash = 2166136261u;

    for (const char *at = caller; *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    return hash % BUCKETS;
}

static struct share **find_share(struct queue *q, const char *caller)
{
    struct share **at = &q->buckets[bucket_of(caller)];

    while (*at != NULL && strcmp((*at)->caller, caller) != 0)
        at = &(*at)->same;
    return at;
}

/* NULL: there is none. */
static struct line *find_line(const struct share *share, struct slice agent)
{
    struct line *line = share == NULL ? NULL : share->turn;

    while (line != NULL && !slice_eq(line->agent, agent))
        line = line->next;
    return line;
}

/* Whom all of it is about. Empty: nobody alone. */
static struct slice agent_of(const struct demand *demand)
{
    struct slice agent = {0};

    for (size_t i = 0; i < demand->n_items; i++) {
        struct slice id = demand->items[i].request.subject_id;
        if (demand->items[i].malformed != ERR_OK)
            continue;
        if (agent.len > 0 && !slice_eq(id, agent))
            return (struct slice){0};
        agent = id;
    }
    return agent;
}

static void join_lines(struct share *share, struct line *line)
{
    line->next = NULL;
    *share->turns_end = line;
    share->turns_end = &line->next;
}

static void join_turns(struct queue *q, struct share *share)
{
    share->next = NULL;
    *q->turns_end = share;
    q->turns_end = &share->next;
}

static err_code share_new(struct queue *q, struct share **place, const char *caller)
{
    struct share *share = calloc(1, sizeof *share);

    if (share == NULL || (share->caller = strdup(caller)) == NULL) {
        free(share);
        return ERR_NO_MEMORY;
    }
    share->turns_end = &share->turn;
    *place = share;
    join_turns(q, share);
    return ERR_OK;
}

/* A place in the queue: the line may be one that nobody has yet. */
struct place {
    struct share **share;
    struct line *line;
    struct slice agent;
    size_t own, of_agent; /* that wait */
};

static struct place place_for(struct queue *q, const struct demand *demand)
{
    struct place at = {.share = find_share(q, demand->caller), .agent = agent_of(demand)};

    at.line = find_line(*at.share, at.agent);
    if (at.line == NULL && *at.share != NULL && (*at.share)->n_lines >= QUEUE_AGENTS_MAX) {
        at.agent = (struct slice){0};
        at.line = find_line(*at.share, at.agent);
    }
    at.own = *at.share == NULL ? 0 : (*at.share)->items;
    at.of_agent = at.line == NULL ? 0 : at.line->items;
    return at;
}

/* Nobody may have more than is left to those who are not there yet. */
static err_code check_room(const struct queue *q, const struct place *at, size_t n, struct why *why)
{
    size_t left = q->limits.items - q->items;
    size_t most = left < q->limits.per_caller ? left : q->limits.per_caller;

    if (n > left)
        return why_say(why, ERR_OVERLOADED, "%zu requests wait, the limit is %zu", q->items,
                       q->limits.items);
    if (at->own + n > most)
        return why_say(why, ERR_OVERLOADED, "%zu requests of this caller wait, the limit is %zu",
                       at->own, most);
    if (at->of_agent + n > most - at->own)
        return why_say(why, ERR_OVERLOADED, "%zu requests of this agent wait, the limit is %zu",
                       at->of_agent, most - at->own);
    return ERR_OK;
}

static err_code make_place(struct queue *q, struct place *at, const char *caller)
{
    struct line *line;

    if (at->line != NULL)
        return ERR_OK;
    line = calloc(1, sizeof *line);
    if (line == NULL || (*at->share == NULL && share_new(q, at->share, caller) != ERR_OK)) {
        free(line);
        return ERR_NO_MEMORY;
    }
    line->end = &line->first;
    join_lines(*at->share, line);
    (*at->share)->n_lines++;
    at->line = line;
    return ERR_OK;
}

static err_code put(struct queue *q, struct demand *demand, struct why *why)
{
    struct place at = place_for(q, demand);

    if (q->closed)
        return why_say(why, ERR_STOPPING, "no request is taken any more");
    TRY(check_room(q, &at, demand->n_items, why));
    TRY(make_place(q, &at, demand->caller));
    demand->next = NULL;
    *at.line->end = demand;
    at.line->end = &demand->next;
    at.line->agent = at.agent; /* the last one leaves last */
    at.line->items += demand->n_items;
    (*at.share)->items += demand->n_items;
    q->items += demand->n_items;
    return ERR_OK;
}

err_code queue_put(struct queue *queue, struct demand *demand, struct why *why)
{
    err_code err;

    (void)pthread_mutex_lock(&queue->lock);
    err = put(queue, demand, why);
    (void)pthread_mutex_unlock(&queue->lock);
    if (err == ERR_OK) /* behind the lock, which is the first thing that who wakes up wants */
        (void)pthread_cond_signal(&queue->filled);
    return err;
}

static struct share *next_share(struct queue *q)
{
    struct share *share = q->turn;

    q->turn = share->next;
    if (q->turn == NULL)
        q->turns_end = &q->turn;
    return share;
}

static struct line *next_line(struct share *share)
{
    struct line *line = share->turn;

    share->turn = line->next;
    if (share->turn == NULL)
        share->turns_end = &share->turn;
    return line;
}

/* What is empty goes; what is not waits for its next turn. */
static void end_turn(struct queue *q, struct share *share, struct line *line)
{
    if (line->first != NULL) {
        join_lines(share, line);
    } else {
        share->n_lines--;
        free(line);
    }
    if (share->turn != NULL) {
        join_turns(q, share);
    } else {
        *find_share(q, share->caller) = share->same;
        free(share->caller);
        free(share);
    }
}

static struct demand *leave(struct queue *q, struct share *share, struct line *line)
{
    struct demand *demand = line->first;

    line->turns = 0;
    line->first = demand->next;
    if (line->first == NULL)
        line->end = &line->first;
    demand->next = NULL;
    line->items -= demand->n_items;
    share->items -= demand->n_items;
    q->items -= demand->n_items;
    return demand;
}

/* Each turn is worth one request. */
static struct demand *take(struct queue *q)
{
    struct demand *demand = NULL;

    while (demand == NULL) {
        struct share *share = next_share(q);
        struct line *line = next_line(share);

        if (++line->turns >= line->first->n_items)
            demand = leave(q, share, line);
        end_turn(q, share, line);
    }
    return demand;
}

struct demand *queue_take(struct queue *queue)
{
    struct demand *demand = NULL;

    (void)pthread_mutex_lock(&queue->lock);
    while (queue->turn == NULL && !queue->closed)
        (void)pthread_cond_wait(&queue->filled, &queue->lock);
    if (queue->turn != NULL)
        demand = take(queue);
    (void)pthread_mutex_unlock(&queue->lock);
    return demand;
}

void queue_close(struct queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    (void)pthread_cond_broadcast(&queue->filled);
    (void)pthread_mutex_unlock(&queue->lock);
}

size_t queue_waiting(struct queue *queue)
{
    size_t items;

    (void)pthread_mutex_lock(&queue->lock);
    items = queue->items;
    (void)pthread_mutex_unlock(&queue->lock);
    return items;
}
