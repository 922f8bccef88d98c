/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h: the service that has the gate, for verbs that go through it while it runs. Whatever
 * they say is said by the same code in both cases, from the members of the JSON answer.
 */
#ifndef PAWL_CLI_SERVICE_H
#define PAWL_CLI_SERVICE_H

#include "gate/cli/verb.h"
#include "gate/client/pawl.h"

/* The service that <state>/service.json names, through its socket for administrators, or, for who
 * asks for decisions, the one for enforcement points; NULL when none is there, or nobody listens
 * any more. That file, the directory of the socket and who listens there have to be root's or those
 * of the state directory's owner, and nobody else's to change. Errors: SERVICE_UNTRUSTED; FORMAT,
 * JSON_MALFORMED; CALLER_REFUSED when it runs, and the caller may not use
 * these sockets. Owns: pawl_close(). */
err_code service_find(struct call *call, bool decisions, struct pawl_conn **ret);

/* For a verb that needs the gate itself. Error: BUSY, naming the process and what to do. */
err_code service_is_away(struct call *call);

struct service_ask {
    const char *method, *path;
    const char *type; /* of the body */
    struct slice body;
    unsigned patience_ms; /* 0: as long as the service lets anybody wait */
};

/* Asks, and puts the members of the answer into call->json. What the service refuses is the error
 * that it names, with its sentence. Errors: also SERVICE_UNREACHABLE, SERVICE_ANSWER, DEADLINE. */
err_code service_ask(struct call *call, struct pawl_conn *service, const struct service_ask *ask);

#endif
