/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authzen.h: OpenID AuthZEN Authorization API 1.0 over HTTP: what is asked becomes a demand, and
 * what comes back of it an answer. Whoever asks waits no longer than his deadline, whatever the
 * keeper or the hardware does meanwhile.
 *
 *     POST /access/v1/evaluation
 *     POST /access/v1/evaluations
 *     GET  /.well-known/authzen-configuration
 */
#ifndef PAWL_DAEMON_AUTHZEN_H
#define PAWL_DAEMON_AUTHZEN_H

#include "gate/daemon/http.h"
#include "gate/daemon/keeper.h"
#include "gate/daemon/metrics.h"
#include "gate/daemon/report.h"
#include "gate/daemon/strangers.h"

#define AUTHZEN_DEADLINE_MS 10000 /* unless X-Pawl-Deadline-Ms says otherwise */
#define AUTHZEN_DEADLINE_MAX_MS 300000
#define AUTHZEN_WAITING_MAX ((size_t)16 << 20)  /* bytes of bodies that wait; see shares.h */
#define AUTHZEN_EXPANDED_MAX ((size_t)16 << 20) /* of a batch, once every item has its defaults */

/* ---- bodies and answers: no clock, no caller ------------------------------------------------- */

struct authzen_body {
    struct slice bytes;
    bool batch;         /* of the evaluations endpoint */
    const char *class_; /* of actions that say none; NULL: those are malformed */
};

/* A body as a demand. *ret_single: it is one evaluation, if of the evaluations endpoint for want of
 * a list. An item of a batch that is no request is marked so, and does not spoil the others.
 * Errors: REQUEST_MALFORMED, JSON_MALFORMED, TOO_LARGE. Owns: demand_free().
 */
err_code authzen_parse(const struct authzen_body *body, struct demand **ret, bool *ret_single,
                       struct why *why);

/* What is answered with status 200, in JSON. permits: whether the caller gets permit files. Appends
 * to ret. Errors: NO_MEMORY, TOO_LARGE. */
err_code authzen_answer(const struct demand *demand, bool single, bool permits, struct buf *ret);

/* How many of its evaluations have an answer: what was not asked, because one before it ended the
 * batch, has none. What could not be decided is denied, and ends a batch that ends with a denial.
 */
size_t authzen_verdicts(const struct demand *demand);

/* ---- service --------------------------------------------------------------------------------- */

struct authzen;

struct authzen_options {
    struct event_base *base;
    struct keeper *keeper;
    struct registry *registry;
    uint64_t (*clock_ms)(void); /* since 1970 */
    const char *class_;         /* as authzen_body.class_ */
    struct metrics *metrics;    /* may be NULL, as may be the log */
    struct report *report;
    struct strangers *strangers; /* who are no agents; NULL: they do not go on record */
};

/* Borrows: what the options name. Owns: authzen_free(), once the keeper has given everything back.
 */
err_code authzen_new(const struct authzen_options *options, struct authzen **ret);
void authzen_free(struct authzen **authzen);

err_code authzen_serve(struct authzen *authzen, struct http *http); /* adds its paths */

/* From now on every question is answered with STOPPING. */
void authzen_stop(struct authzen *authzen);
size_t authzen_waiting(const struct authzen *authzen); /* callers without an answer */

#endif
