/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.h: what waits to be judged. Bounded, and fair: each caller has a line of its own, and the
 * lines are served in turn, so that one who asks a thousand times does not stand before one who
 * asks once. Any thread may call.
 */
#ifndef PAWL_DAEMON_QUEUE_H
#define PAWL_DAEMON_QUEUE_H

#include "gate/daemon/demand.h"

struct queue;

struct queue_limits {
    size_t items;      /* requests that wait, of all callers; 0: 8192 */
    size_t per_caller; /* of one of them; 0: 1024 */
};

err_code queue_new(const struct queue_limits *limits, struct queue **ret);
void queue_free(struct queue **queue); /* gives nothing back: it must be empty */

/* Errors: OVERLOADED naming the bound; STOPPING; NO_MEMORY. On success the queue has it. */
err_code queue_put(struct queue *queue, struct demand *demand, struct why *why);

/* The next one, of the line whose turn it is. Waits. NULL: closed and empty. */
struct demand *queue_take(struct queue *queue);

/* Takes nothing more; whoever waits in queue_take() gets what is left, then NULL. */
void queue_close(struct queue *queue);

size_t queue_waiting(struct queue *queue); /* requests */

#endif
