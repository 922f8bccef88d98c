/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strangers.h: callers that no enrolled agent is. What they ask is denied at once; that they asked
 * goes on record behind that, as an attempt and its denial, of the subject that the kernel names:
 * never of one that stands in what they sent. A record costs a visit to the hardware and stays for
 * good, so each user has a rate, all of them together have one, and there are so many in a day
 * (strangers_day.h). What goes beyond is counted, and once an hour a record says how many there
 * were and, as far as it is known, of which users:
 *
 *     process::"unknown callers"  may not "ask"  requests::"312 not recorded one by one since ..."
 */
#ifndef PAWL_DAEMON_STRANGERS_H
#define PAWL_DAEMON_STRANGERS_H

#include "gate/daemon/keeper.h"
#include "gate/daemon/strangers_day.h"

#define STRANGER_BURST 16     /* records of one user at once */
#define STRANGER_PER_SECOND 1 /* and from then on */
#define STRANGERS_BURST 64    /* of all of them */
#define STRANGERS_PER_SECOND 8
#define STRANGERS_KNOWN 256 /* users whose rate is remembered at one time */
#define STRANGERS_WAIT_S 60 /* how long a record waits for the hardware */

#define STRANGER_TYPE "process" /* of the subject on record; its id is "uid:1000" */

struct strangers;

#define STRANGERS_TOGETHER "unknown callers" /* the id of the subject of what is told together */
#define STRANGERS_NAMED 8                    /* users that one record names */

struct strangers_options {
    struct keeper *keeper;
    uint64_t (*clock_ms)(void); /* since 1970 */
    uint64_t (*now_ns)(void);   /* by which rates are; NULL: clock_steady_ns() */
    const char *class_;         /* as authzen_body.class_ */
    const char *path;           /* of the file that the day's count is in */
};

/* Errors: NO_MEMORY; those of strangers_day_load(). Borrows: what the options name, but for path.
 * Owns: strangers_free(), once the keeper has given everything back. */
err_code strangers_new(const struct strangers_options *options, struct strangers **ret,
                       struct why *why);
void strangers_free(struct strangers **strangers);

/* Puts what this caller asked on record, as far as his rate allows: the items of a demand that were
 * refused with AGENT_UNKNOWN, each once. The demand stays the caller's. */
void strangers_record(struct strangers *strangers, const struct caller *caller,
                      struct demand *demand);

/* Now and then: puts on record what is to be told together, and keeps the count. */
void strangers_tick(struct strangers *strangers);

/* Requests of strangers that are on record one by one, those that are not, and how many of these no
 * record has told of yet. */
struct strangers_counts {
    uint64_t recorded, unrecorded, untold;
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
    uint64_t untold; /* requests that no record has told of */
};
struct stranger_rates {
    bool begun;
    struct bucket all;
    struct stranger list[STRANGERS_KNOWN];
};

/* Takes one for this user at this time (CLOCK_MONOTONIC), if there is one. {0} is ready. */
bool stranger_rate_take(struct stranger_rates *rates, uid_t uid, uint64_t now_ns);

/* That so many of this user are not on record, if he is still known. */
void stranger_rate_miss(struct stranger_rates *rates, uid_t uid, uint64_t n);

/* Of n requests in all: "uid:1000: 7, uid:1001: 4, others: 1", of those who have most; and all of
 * them are told from now on. */
void stranger_rates_tell(struct stranger_rates *rates, uint64_t n, char *ret, size_t size);

#endif
