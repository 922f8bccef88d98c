/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h: pawld as a process: its sockets, its event loop, what it tells the service manager,
 * and its end. While it runs, <state>/service.json says where it listens:
 *
 *     {"schema": "pawl/1", "pid": 123, "agents": PATH, "enforcement": PATH, "admin": PATH,
 *      "tls": "ADDR:PORT"}
 */
#ifndef PAWL_DAEMON_SERVICE_H
#define PAWL_DAEMON_SERVICE_H

#include "gate/base/why.h"
#include "gate/daemon/bounds.h"
#include "gate/daemon/caller.h"
#include "gate/daemon/tls.h"

#include <stdint.h>

struct service_options {
    const char *state_dir;
    const char *runtime_dir; /* for the sockets; NULL: <state>/run */
    /* By enum caller_kind; NULL: <runtime>/agents.sock, enforcement.sock, admin.sock. Sockets of
     * the service manager go before all of it. */
    const char *paths[CALLER_ADMIN + 1];
    const char *listen;         /* ADDR:PORT for TLS; NULL: none but the service manager's */
    struct tls_files tls;       /* all four where there is TLS, and else none */
    uint64_t (*clock_ms)(void); /* since 1970 */
    const char *class_;         /* of actions that say none; NULL: those are malformed */
    const char *log;            /* as report_open() takes it */
    bool confine;               /* take from the process what it does not need (bounds.h) */
    const char *allow[BOUNDS_ALLOW_MAX]; /* paths that the module of a token needs */
    size_t n_allow;
};

/* Serves until SIGTERM or SIGINT, then answers who waits, puts the stop on record and returns. A
 * hardware that is away does not end it. Errors: NOT_ENROLLED; BUSY when this gate is served
 * already; EXISTS when somebody listens on a socket or it is no socket; STORAGE; DEADLINE: threads
 * are at work still, the process has to end with _exit(). */
err_code service_run(const struct service_options *options, struct why *why);

#endif
