/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h: one line of JSON for each verdict, for whoever collects logs. The ledger is the record;
 * this may be lost, and nobody waits for it: a line that is not taken at once is counted and
 * dropped. Lines are ASCII and at most REPORT_LINE_MAX long; what a caller wrote is cut.
 */
#ifndef PAWL_DAEMON_REPORT_H
#define PAWL_DAEMON_REPORT_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"
#include "gate/decide/request.h"

#define REPORT_LINE_MAX 4096 /* PIPE_BUF: a pipe takes it whole or not at all */
#define REPORT_NAME_MAX 256  /* of client_name */
#define REPORT_TRACE_MAX 64  /* a traceparent has 55 */
#define REPORT_TEXT_MAX 512  /* characters of one text, as it stands in the line */
#define REPORT_TRACE 56      /* characters of a traceparent, with the terminator */

struct report;

/* where: a file, which is appended to; "-": standard error; "none". Errors: those of opening. Owns:
 * report_free(). */
err_code report_open(const char *where, struct report **ret, struct why *why);
void report_free(struct report **report);

/* What is said of a verdict. Texts may be NULL. Borrowed. */
struct verdict {
    uint64_t at_ms;  /* since 1970 */
    err_code reason; /* OK exactly when permitted */
    const struct request *request;
    bool recorded; /* the next three are known */
    uint64_t epoch, index;
    const char *evaluation_id;
    const char *client, *client_name; /* of who asked over the network */
    const char *request_id, *traceparent;
    uint64_t ns;   /* since the request arrived */
    bool answered; /* the caller was still there */
};

/* Appends the line with its end. Errors: NO_MEMORY. */
err_code report_line(const struct verdict *verdict, struct buf *ret);

/* Whether anybody wants lines. */
bool report_wanted(const struct report *report);
void report_write(struct report *report, const struct verdict *verdict);
uint64_t report_lost(const struct report *report);

/* Offers a text to a descriptor, whole or not at all, and at once: whoever does not read what is
 * said keeps nobody from answering. False: it was not taken. */
bool report_offer(int fd, struct slice text);

/* True for a traceparent of W3C Trace Context 2.2 (version 00). */
bool report_is_trace(const char *text);

#endif
