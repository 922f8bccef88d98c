/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demand.h: one call of the service: a request, or a batch of them, that one round answers. Made by
 * who read it from a socket, judged on a worker, put on record by the keeper, given back. One
 * thread at a time has it, whoever took it last; nothing in it is shared.
 */
#ifndef PAWL_DAEMON_DEMAND_H
#define PAWL_DAEMON_DEMAND_H

#include "gate/daemon/registry.h"
#include "gate/decide/evaluate.h"

#include <jansson.h>

#define DEMAND_ITEMS_MAX 256 /* requests of one batch */

/* AuthZEN Authorization API 1.0, 7.1.2.1 */
enum demand_semantic {
    DEMAND_EXECUTE_ALL = 0,
    DEMAND_DENY_ON_FIRST_DENY,
    DEMAND_PERMIT_ON_FIRST_PERMIT,
};

/* Zeroed memory is denied. */
struct demand_item {
    struct request request; /* as read; nothing if malformed */
    struct known known;     /* the enrolled agent that it is about; {0}: nobody enrolled it */
    err_code malformed;     /* why it is none: denied, and not on record */
    struct why malformed_why;
    err_code barred; /* denied with this whatever the policies say, and on record */
    struct why barred_why;
    bool noted; /* strangers_record() has looked at it */

    bool judged; /* false: after one that ended the batch early */
    struct answer answer;

    /* What the caller gets. Without `recorded` there is no decision of a policy: denied, with the
     * reason in context. */
    bool recorded, permit;
    json_t *context;        /* members of the answer's context; NULL: none was made */
    struct buf permit_file; /* the permit, or the denial in the same form */
};

struct demand {
    struct demand *next; /* of whoever has it */
    char *caller;        /* for fairness: what the same caller always has; never shown */
    struct caller who;   /* asks */
    uint64_t roster;     /* registry_version() when the items' agents were looked up; 0: not yet */
    uint64_t asked_ms;   /* since 1970, when it was read */
    uint64_t arrived_ns; /* CLOCK_MONOTONIC, when it was submitted; of the keeper */
    uint64_t due_ns;     /* the same clock: refused if it waits longer */
    enum demand_semantic semantic;
    struct demand_item *items;
    size_t n_items;
    uint64_t generation; /* of what was in force when it was judged; 0: not judged */
    int64_t judged_at;   /* seconds since 1970, as of which it was */
    uint32_t fresh_ms;   /* the least of its answers (struct answer); 0: none */

    /* Why nothing of it could be decided; OK: see the items. */
    err_code refused;
    struct why refused_why;

    /* Given back, on the thread that collects: keeper_collect(). */
    void (*done)(struct demand *demand);
    void *ctx;
};

/* With n zeroed items. Errors: NO_MEMORY, TOO_LARGE. Owns: demand_free(). */
err_code demand_new(size_t n_items, struct demand **ret);
void demand_free(struct demand **demand);

/* Judges every item, in order, as far as the semantic goes. now: seconds since 1970. */
void demand_judge(struct demand *demand, const struct in_force *force, int64_t now);

#endif
