/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_parts.h: the inside of struct keeper, for the files that it is made of.
 *
 * Two threads: the keeper's has gate, ledger and answers; the hand alone calls the hardware, one
 * job at a time. What a job needs belongs to the hand until the keeper has taken its result.
 *
 *     hand     check(1)     prove(1)         check(2)            prove(2)
 *     keeper           commit  fill(2) ...    answer(1)  fill(2)  commit  fill(3) ...
 *
 * A round is filled while the one before is proved. Its check begins when that is over, or at once
 * if there is none; who asked after the check began waits for the next round. Only whom the
 * policies give a window (@freshness) comes into this one; and a round in which everybody has one
 * needs no check of its own while the last one is young enough.
 */
#ifndef PAWL_DAEMON_KEEPER_PARTS_H
#define PAWL_DAEMON_KEEPER_PARTS_H

#include "gate/daemon/keeper.h"
#include "gate/daemon/secret.h"
#include "gate/decide/scribe_round.h"

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
void demands_put_back(struct demands *list, struct demand *demand); /* in front */
struct demand *demands_take(struct demands *list);                  /* NULL: empty */

/* Requests on their way through one round. */
struct round {
    struct demands demands; /* whole ones */
    struct docket *dockets; /* room for KEEPER_BATCH_MAX */
    struct demand_item **items;
    size_t n;
    uint64_t began_ns;
    struct scribe_proof *proof; /* once it is durable */
};

/* A thread for calls to the hardware. */
struct hand {
    pthread_t thread;
    bool has_thread;
    pthread_cond_t todo;
    enum { HAND_FREE = 0, HAND_WORKS, HAND_DONE, HAND_ENDS } state;
    err_code (*job)(void *ctx, struct why *why);
    void *ctx;
    enum keeper_use use;
    uint64_t began_ns;
    err_code err; /* of the job */
    struct why why;
};

/* What the hand was given, for a round. */
enum errand_of_hand {
    HAND_NOTHING = 0,
    HAND_CHECKS, /* begins the open round */
    HAND_PROVES, /* the one that is away */
};

struct keeper {
    char *state_dir;
    uint64_t (*clock_ms)(void);
    uint64_t ping_ns, stop_ns;
    uint64_t ending_ns; /* since when it is to end; 0: it is not. Under the lock. */
    struct registry *registry;
    int fd; /* an eventfd: something was answered */

    struct queue *queue;
    pthread_t judges[KEEPER_JUDGES_MAX];
    size_t n_judges;
    pthread_t thread;
    bool has_thread, given_up; /* of who stops it */

    /* What judges judge by. The keeper's thread writes it under the lock, and alone changes the
     * gate that it borrows from. */
    pthread_rwlock_t law_lock;
    bool law; /* there is any */
    struct in_force force;
    uint64_t generation;

    /* Between the threads. */
    pthread_mutex_t lock;
    pthread_cond_t work;  /* for the keeper: judged, errands, stop, the hand is done */
    pthread_cond_t space; /* for judges: room in judged */
    pthread_cond_t ended; /* for who stops it */
    struct demands judged, answered;
    struct errand *errands, **errands_end, *errands_done, **errands_done_end;
    size_t judging; /* judges that still take from the queue */
    bool stopping, reopen, over;
    const char *reason;
    struct keeper_state state;
    struct effect effect;
    struct hand hand;

    /* Of the keeper's thread; gate, scribe and hardware of the hand's while it works on a job that
     * is no round. */
    struct gate *gate;
    struct scribe *scribe;
    struct cedar_worker *worker; /* for what is judged again; NULL: nothing was yet */
    struct outage outage;        /* of a scribe that is gone */
    err_code error;              /* why there is no gate, or no scribe */
    struct why why;
    uint64_t retry_ns, pause_ns; /* when to open again, and how long to wait the next time */
    struct secret secret;        /* that the hardware refused */
    bool unpublished;

    /* The rounds. */
    struct round rounds[2];
    struct round *open, *away; /* being filled; being proved */
    enum errand_of_hand doing;
    bool ahead;          /* the open round may be filled before that */
    bool checked;        /* the hardware began the open round */
    uint64_t checked_ns; /* CLOCK_MONOTONIC when the last check began: what it says is as of then */
    /* CLOCK_BOOTTIME at that moment, by which a check grows old: it counts the time for which the
     * machine is suspended, and nobody sets it. */
    uint64_t checked_boot_ns;
    bool check_holds; /* it was passed, and nothing but rounds has used the hardware since */
    /* Who was answered is waited for: from so many in the open round on to so many, until then. */
    size_t gather_from, gather_to; /* to 0: nobody is waited for */
    uint64_t gather_until_ns;
    unsigned ungathered; /* rounds for which nobody is, because too few came */
};

/* Judges: threads that take from the queue until it is closed and empty. */
err_code keeper_start_judges(struct keeper *keeper, unsigned n);

/* ---- the hand -------------------------------------------------------------------------------- */

err_code hand_start(struct keeper *keeper);
void hand_end(struct keeper *keeper);

/* Gives it a job; and takes what came of it, if it is done. ctx: the hand's until then. */
void hand_give(struct keeper *keeper, enum keeper_use use,
               err_code (*job)(void *ctx, struct why *why), void *ctx);
bool hand_take(struct keeper *keeper, err_code *ret, struct why *why);

/* Gives it a job and waits for it. */
err_code hand_do(struct keeper *keeper, enum keeper_use use,
                 err_code (*job)(void *ctx, struct why *why), void *ctx, struct why *why);

/* ---- the gate: keeper_gate.c ----------------------------------------------------------------- */

/* After each failure: when the gate is opened anew. At once after the first since a round came to
 * its end; every further one makes the pause longer, so that a hardware that fails behind each
 * opening is not kept busy with openings. */
void keeper_plan_retry(struct keeper *keeper);

/* Opens the gate, or fails to; keeper->error says which. */
void keeper_open(struct keeper *keeper);

/* What comes between two rounds, while the hand is free: opening anew, errands. */
void keeper_between(struct keeper *keeper);

/* Nobody asked for a while: is the hardware there, and still of this epoch? */
void keeper_ping(struct keeper *keeper);

/* Publishes what the last round left. Error: there is no further round in this session, since what
 * was committed is published before the next commit; an auditor holds a log against that. */
err_code keeper_publish(struct keeper *keeper, struct why *why);

/* The stop record; and everything is closed. */
void keeper_end(struct keeper *keeper);

/* A clock that was set back denies until it has caught up: CLOCK_BACK. */
void keeper_look_at_clock(struct keeper *keeper);
void keeper_tell_state(struct keeper *keeper);

/* ---- rounds: keeper_round.c ------------------------------------------------------------------ */

err_code keeper_make_rounds(struct keeper *keeper);
void keeper_free_rounds(struct keeper *keeper);

/* Whether the open round is still held for who was just answered. */
bool keeper_gathers(const struct keeper *keeper);

/* Whether no round is open or away, so that others may use the hardware. */
bool keeper_is_between(const struct keeper *keeper);

/* Whether this one could be taken in, or refused, now. Under the lock. */
bool keeper_may_take(const struct keeper *keeper, const struct demand *demand);

/* The gate is opened anew before there is another round, or a further record of this session. */
void keeper_doubt(struct keeper *keeper, err_code err, const struct why *why);

/* Takes it into the open round; or answers it, if it has nothing that needs one; or puts it back,
 * if it has to wait after all. */
void keeper_take(struct keeper *keeper, struct demand *demand);

/* The check that begins now is the last one; it holds only once it was passed. */
void keeper_begin_check(struct keeper *keeper);

/* Goes on with what the hand has done; and gives it what is next. */
void keeper_hear(struct keeper *keeper);
void keeper_go_on(struct keeper *keeper);

#endif
