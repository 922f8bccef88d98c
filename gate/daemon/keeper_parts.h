/* SPDX-License-Identifier: Apache-2.0 */
/* keeper_parts.h: the inside of struct keeper, for the files that it is made of. */
#ifndef PAWL_DAEMON_KEEPER_PARTS_H
#define PAWL_DAEMON_KEEPER_PARTS_H

#include "gate/daemon/keeper.h"

#include <pthread.h>

#define KEEPER_JUDGES_MAX 4
#define KEEPER_BATCH_MAX 512 /* requests of one round */

/* A list of demands, first in first out. */
struct demands {
    struct demand *first, **end;
    size_t items;
};
void demands_init(struct demands *list);
void demands_put(struct demands *list, struct demand *demand);
struct demand *demands_take(struct demands *list); /* NULL: empty */

struct keeper {
    char *state_dir;
    uint64_t (*clock_ms)(void);
    uint64_t ping_ns;
    struct registry *registry;
    int fd; /* an eventfd: something was answered */

    struct queue *queue;
    pthread_t judges[KEEPER_JUDGES_MAX];
    size_t n_judges;
    pthread_t thread;
    bool has_thread;

    /* What judges judge by. The keeper's thread writes it under the lock, and alone changes the
     * gate that it borrows from. */
    pthread_rwlock_t law_lock;
    bool law; /* there is any */
    struct in_force force;
    uint64_t generation;

    /* Between the threads. */
    pthread_mutex_t lock;
    pthread_cond_t work;  /* for the keeper: judged, errands, stop */
    pthread_cond_t space; /* for judges: room in judged */
    struct demands judged, answered;
    struct errand *errands, **errands_end, *errands_done, **errands_done_end;
    size_t judging; /* judges that still take from the queue */
    bool stopping, reopen;
    const char *reason;
    struct keeper_state state;

    /* Of the keeper's thread alone. */
    struct gate *gate;
    struct scribe *scribe;
    struct outage outage; /* of a scribe that is gone */
    err_code error;       /* why there is no gate, or no scribe */
    struct why why;
    uint64_t retry_ns, pause_ns; /* when to open again, and how long to wait after that */
    bool unpublished;
};

/* Judges: threads that take from the queue until it is closed and empty. */
err_code keeper_start_judges(struct keeper *keeper, unsigned n);

/* What judges judge by changes: nobody judges in between. */
void keeper_lock_law(struct keeper *keeper);
void keeper_unlock_law(struct keeper *keeper); /* as the gate and the scribe are now */

/* One round for all of these, or as many as fit; what was answered moves to done. */
void keeper_serve(struct keeper *keeper, struct demands *batch, struct demands *done);

#endif
