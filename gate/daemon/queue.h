/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.h: what waits to be judged. Bounded, and fair on two levels: callers are served in turn,
 * and in a caller's turn the agents that he asks for, each as many requests as another. A batch of
 * a hundred waits until everybody else could have had a hundred. Who speaks for many agents divides
 * what is his; names that he makes up take nothing from others. Any thread may call.
 *
 * Bounds leave room for who is not there yet: nobody may have more than is still free. So of n
 * callers that want all of it each gets one part of n + 1, and so do the agents of one caller.
 */
#ifndef PAWL_DAEMON_QUEUE_H
#define PAWL_DAEMON_QUEUE_H

#include "gate/daemon/demand.h"

#define QUEUE_AGENTS_MAX 256 /* of one caller that are told apart; the others share one line */

struct queue;

struct queue_limits {
    size_t items;      /* requests that wait, of all callers; 0: 8192 */
    size_t per_caller; /* of one of them; 0: 2048 */
};

err_code queue_new(const struct queue_limits *limits, struct queue **ret);
void queue_free(struct queue **queue); /* gives nothing back: it must be empty */

/* Its line is that of its caller and the agent that all of it is about; what is about several has
 * one together. Errors: OVERLOADED naming the bound; STOPPING; NO_MEMORY. On success the queue has
 * it. */
err_code queue_put(struct queue *queue, struct demand *demand, struct why *why);

/* The next one, of the line whose turn it is. Waits. NULL: closed and empty. */
struct demand *queue_take(struct queue *queue);

/* Takes nothing more; whoever waits in queue_take() gets what is left, then NULL. */
void queue_close(struct queue *queue);

size_t queue_waiting(struct queue *queue); /* requests */

#endif
