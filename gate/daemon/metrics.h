/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h: what the service did, in numbers, and the same as Prometheus reads it (text format
 * 0.0.4). A label has one of a few values that are known here: nothing that a caller wrote is one,
 * or anybody could have the service count without end.
 */
#ifndef PAWL_DAEMON_METRICS_H
#define PAWL_DAEMON_METRICS_H

#include "gate/daemon/caller.h"
#include "gate/daemon/keeper.h"
#include "gate/daemon/lobby.h"
#include "gate/daemon/strangers.h"

#define METRICS_ERRORS 256 /* numbers of errors lie below */
#define METRICS_CLASSES 5  /* those of REQUEST_CLASSES; none */
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Of one thread. {0} is ready. */
struct metrics {
    uint64_t decisions[METRICS_CLASSES][METRICS_ERRORS]; /* OK: permitted */
    struct histogram seconds; /* from the arrival of a request until its verdict */
};

/* One verdict. reason: OK exactly when permitted. class_: as it stands in the request. */
void metrics_decided(struct metrics *metrics, struct slice class_, err_code reason, uint64_t ns);

/* What is known elsewhere. Borrowed. */
struct metrics_now {
    const struct keeper_state *keeper;
    const uint64_t *refused; /* METRICS_ERRORS of them, answers that were no decision */
    unsigned connections[CALLER_ADMIN + 1];
    struct strangers_counts strangers;
    const struct lobby *lobby;   /* NULL: nobody listens with TLS */
    uint64_t log_lost;           /* lines of the log that nobody took */
    const struct effect *effect; /* what is in force */
    size_t agents;               /* enrolled */
    int64_t now;                 /* seconds since 1970 */
};

/* Appends. Errors: NO_MEMORY, TOO_LARGE. */
err_code metrics_write(const struct metrics *metrics, const struct metrics_now *now,
                       struct buf *ret);

#endif
