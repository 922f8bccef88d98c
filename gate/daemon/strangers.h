/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strangers.h: callers that no enrolled agent is. What they ask is denied at once; that they asked
 * goes on record behind that, as an attempt and its denial, of the subject that the kernel names:
 * never of one that stands in what they sent. A record costs a visit to the hardware and stays for
 * good, so each user has a rate, and all of them together have one; what goes beyond is counted.
 */
#ifndef PAWL_DAEMON_STRANGERS_H
#define PAWL_DAEMON_STRANGERS_H

#include "gate/daemon/keeper.h"

#define STRANGER_BURST 16     /* records of one user at once */
#define STRANGER_PER_SECOND 1 /* and from then on */
#define STRANGERS_BURST 64    /* of all of them */
#define STRANGERS_PER_SECOND 8
#define STRANGERS_KNOWN 256 /* users whose rate is remembered at one time */
#define STRANGERS_WAIT_S 60 /* how long a record waits for the hardware */

#define STRANGER_TYPE "process" /* of the subject on record; its id is "uid:1000" */

struct strangers;

/* class_: as authzen_body.class_. Errors: NO_MEMORY. Borrows: keeper. Owns: strangers_free(), once
 * the keeper has given everything back. */
err_code strangers_new(struct keeper *keeper, uint64_t (*clock_ms)(void), const char *class_,
                       struct strangers **ret);
void strangers_free(struct strangers **strangers);

/* Puts what this caller asked on record, as far as his rate allows: the items of a demand that were
 * refused with AGENT_UNKNOWN, each once. The demand stays the caller's. */
void strangers_record(struct strangers *strangers, const struct caller *caller,
                      struct demand *demand);

/* Requests of strangers that are on record, and those that are not. */
struct strangers_counts {
    uint64_t recorded, unrecorded;
};
struct strangers_counts strangers_count(const struct strangers *strangers);

/* ---- the rate, by itself --------------------------------------------------------------------- */

struct bucket {
    uint64_t tokens; /* in billionths */
    uint64_t at_ns;  /* when that was so */
};
struct stranger {
    bool known;
    uid_t uid;
    struct bucket bucket;
};
struct stranger_rates {
    bool begun;
    struct bucket all;
    struct stranger list[STRANGERS_KNOWN];
};

/* Takes one for this user at this time (CLOCK_MONOTONIC), if there is one. {0} is ready. */
bool stranger_rate_take(struct stranger_rates *rates, uid_t uid, uint64_t now_ns);

#endif
