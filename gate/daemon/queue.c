/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 8192
#define PER_CALLER_MAX 1024
#define BUCKETS 256 /* of callers that have a line */

/* What one caller waits for. It is there as long as it is not empty. */
struct line {
    struct line *next; /* whose turn is next */
    struct line *same; /* in the same bucket */
    struct demand *first, **end;
    size_t items;
    const char *caller; /* borrows from its last demand */
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct queue_limits limits;
    size_t items;
    bool closed;
    struct line *turn, **turns_end;
    struct line *buckets[BUCKETS];
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

static struct line **find(struct queue *q, const char *caller)
{
    struct line **at = &q->buckets[bucket_of(caller)];

    while (*at != NULL && strcmp((*at)->caller, caller) != 0)
        at = &(*at)->same;
    return at;
}

static void join_turns(struct queue *q, struct line *line)
{
    line->next = NULL;
    *q->turns_end = line;
    q->turns_end = &line->next;
}

static err_code line_new(struct queue *q, struct line **place, const char *caller)
{
    struct line *line = calloc(1, sizeof *line);

    if (line == NULL)
        return ERR_NO_MEMORY;
    line->caller = caller;
    line->end = &line->first;
    *place = line;
    join_turns(q, line);
    return ERR_OK;
}

static err_code put(struct queue *q, struct demand *demand, struct why *why)
{
    struct line **place = find(q, demand->caller);
    size_t own = *place == NULL ? 0 : (*place)->items;

    if (q->closed)
        return why_say(why, ERR_STOPPING, "no request is taken any more");
    if (q->items + demand->n_items > q->limits.items)
        return why_say(why, ERR_OVERLOADED, "%zu requests wait, the limit is %zu", q->items,
                       q->limits.items);
    if (own + demand->n_items > q->limits.per_caller)
        return why_say(why, ERR_OVERLOADED, "%zu requests of this caller wait, the limit is %zu",
                       own, q->limits.per_caller);
    if (*place == NULL)
        TRY(line_new(q, place, demand->caller));
    demand->next = NULL;
    *(*place)->end = demand;
    (*place)->end = &demand->next;
    (*place)->caller = demand->caller; /* the last one leaves last */
    (*place)->items += demand->n_items;
    q->items += demand->n_items;
    return ERR_OK;
}

err_code queue_put(struct queue *queue, struct demand *demand, struct why *why)
{
    err_code err;

    (void)pthread_mutex_lock(&queue->lock);
    err = put(queue, demand, why);
    if (err == ERR_OK)
        (void)pthread_cond_signal(&queue->filled);
    (void)pthread_mutex_unlock(&queue->lock);
    return err;
}

/* A line that is empty goes; one that is not waits for its next turn. */
static void leave_turn(struct queue *q, struct line *line)
{
    struct line **place = find(q, line->caller);

    q->turn = line->next;
    if (q->turn == NULL)
        q->turns_end = &q->turn;
    if (line->first != NULL) {
        join_turns(q, line);
        return;
    }
    *place = line->same;
    free(line);
}

static struct demand *take(struct queue *q)
{
    struct line *line = q->turn;
    struct demand *demand = line->first;

    line->first = demand->next;
    if (line->first == NULL)
        line->end = &line->first;
    demand->next = NULL;
    line->items -= demand->n_items;
    q->items -= demand->n_items;
    leave_turn(q, line);
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
