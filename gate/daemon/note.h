/* SPDX-License-Identifier: Apache-2.0 */
/* note.h: the verdicts of a demand that came back: each is counted, and is a line of the log. */
#ifndef PAWL_DAEMON_NOTE_H
#define PAWL_DAEMON_NOTE_H

#include "gate/daemon/http.h"
#include "gate/daemon/metrics.h"
#include "gate/daemon/report.h"

/* Who wants to know. Borrowed; NULL: nobody. */
struct noter {
    struct metrics *metrics;
    struct report *report;
    uint64_t (*clock_ms)(void); /* since 1970 */
};

/* What a call said that stands in the log and nowhere else. */
struct note {
    uint64_t arrived_ns; /* CLOCK_MONOTONIC */
    char id[HTTP_ID_MAX + 1], trace[REPORT_TRACE];
};

/* Also returns a traceparent that is one to the caller. */
void note_take(struct note *note, struct http_call *call);

/* answered: the caller was still there. */
void note_verdicts(const struct noter *noter, const struct note *note, const struct demand *demand,
                   bool answered);

#endif
