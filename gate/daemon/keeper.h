/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper.h: the thread that has the gate: its policies, its ledger; and a hand, the thread that
 * alone calls its hardware. They serve everything that waits with one visit to the hardware after
 * the other (group commit): who asked before the hardware begins a round is in it, and while that
 * one is proved the next is filled.
 *
 *     keeper_submit() -> queue -> judges -> the keeper's round -> keeper_collect() -> demand->done
 *
 * No answer rests on a check of the hardware that began before its request was submitted, unless
 * the policies that determined it take an older one (@freshness).
 *
 * While the hardware cannot do its part everything is denied at once, with its error; the gate is
 * opened again at growing intervals, without a restart.
 */
#ifndef PAWL_DAEMON_KEEPER_H
#define PAWL_DAEMON_KEEPER_H

#include "gate/daemon/demand.h"
#include "gate/daemon/effect.h"
#include "gate/daemon/histogram.h"
#include "gate/daemon/queue.h"
#include "gate/decide/scribe.h"

struct keeper;

struct keeper_options {
    const char *state_dir;
    uint64_t (*clock_ms)(void); /* since 1970 */
    unsigned judges;            /* threads that evaluate; 0: one for each processor, at most 4 */
    uint64_t stop_ns; /* at the end hardware and disk are given up after such a silence; 0: 40 s */
    uint64_t ping_ns; /* an idle hardware is asked whether it is there; 0, or more: every 5 s */
    struct queue_limits limits;
    struct registry *registry; /* follows the ledger's roster; NULL: none does */
};

/* What the hardware is used for. */
enum keeper_use {
    KEEPER_OPENS = 0, /* the gate, and its ledger's head */
    KEEPER_CHECKS,    /* that the epoch and the authority's signature hold: begins a round */
    KEEPER_PROVES,    /* keeps the head, signs, seals: ends a round */
    KEEPER_PINGS,
    KEEPER_RUNS, /* an errand, its rounds included */
    KEEPER_STOPS,
    KEEPER_USES,
};
const char *keeper_use_name(enum keeper_use use); /* "open", "check", ... */

/* What the gate is doing, as numbers; each read by itself. */
struct keeper_state {
    bool serving;   /* the gate is open and current */
    err_code error; /* if not: why */
    struct why why;
    err_code last_error; /* the last one that there was; OK: none yet */
    struct why last_why;
    uint64_t last_ms; /* when it was there last, since 1970 */
    uint64_t epoch, ledger_size, rounds, decided, permitted;
    uint64_t answered_ns; /* CLOCK_MONOTONIC of the hardware's last answer, or orderly failure */
    uint64_t openings;    /* of the gate, whether it opened or not */
    size_t waiting;
    size_t filling; /* requests in the round that is being filled, of those */
    struct histogram round_ns, round_size; /* HISTOGRAM_TIMES, HISTOGRAM_SIZES */
    struct histogram use_ns[KEEPER_USES];  /* HISTOGRAM_TIMES; whether it failed or not */
    struct histogram append_ns; /* HISTOGRAM_TIMES: a round's entries, until they are durable */
};

/* Starts it. The gate is opened on its own thread: a hardware that is not there yet is tried again.
 * Errors: NOT_ENROLLED and others that no waiting mends; NO_MEMORY. Owns: keeper_free(). */
err_code keeper_start(const struct keeper_options *options, struct keeper **ret, struct why *why);

/* Readable when there is something to collect. Borrows: the keeper. */
int keeper_fd(const struct keeper *keeper);

/* Gives a demand away. Errors: OVERLOADED, STOPPING: it stays the caller's. */
err_code keeper_submit(struct keeper *keeper, struct demand *demand, struct why *why);

/* Calls done() of everything that has been answered since. From one thread. */
void keeper_collect(struct keeper *keeper);

/* Work that needs the gate itself: an install, an enrolment, a status. */
struct errand {
    struct errand *next;
    /* On the hand's thread, between two rounds. gate: NULL while it is not open (then *why says
     * why); scribe: NULL while it is not current, and then nobody else has the ledger open. Both
     * are borrowed for the call. A gate that failed is opened anew first, unless that would give
     * the token a PIN which it has refused. */
    err_code (*run)(struct errand *errand, struct gate *gate, struct scribe *scribe,
                    struct why *why);
    void (*done)(struct errand *errand); /* on the thread that collects */
    void *ctx;
    bool anew;     /* the gate is opened anew before it, as by keeper_reopen() */
    bool doubtful; /* set by run: it failed midway, and the gate is opened anew behind it */
    err_code err;  /* of run */
    struct why why;
};
err_code keeper_send(struct keeper *keeper, struct errand *errand);

/* Opens the gate anew between two rounds, as it lies on disk now: who waits waits on, and is judged
 * by what is in force then. When it is done state.openings is one more. */
void keeper_reopen(struct keeper *keeper);

void keeper_look(struct keeper *keeper, struct keeper_state *ret);

/* What was in force when the gate was current last; {0} if it never was. */
void keeper_effect(struct keeper *keeper, struct effect *ret);

/* The end is near. Whether hardware or disk are lost: they gave no sign since, nor for stop_ns, so
 * that keeper_stop() would not wait for them. */
void keeper_will_stop(struct keeper *keeper);
bool keeper_is_lost(struct keeper *keeper);

/* Takes no more, serves what waits, writes the stop record, lets go of the hardware. reason:
 * "signal", ... Collect once more after it. Error: DEADLINE: hardware or disk did not come back in
 * time. Its threads are still at work then, nothing is freed any more, and the process has to end
 * with _exit(). */
err_code keeper_stop(struct keeper *keeper, const char *reason, struct why *why);
void keeper_free(struct keeper **keeper);

#endif
