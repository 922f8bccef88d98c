/* SPDX-License-Identifier: Apache-2.0 */
/* client.h: the inside of the objects of pawl.h, for the files that the library is made of. */
#ifndef PAWL_CLIENT_CLIENT_H
#define PAWL_CLIENT_CLIENT_H

#include "gate/client/pawl.h"
#include "gate/client/response.h"

#include <sys/types.h>
#include <sys/un.h>

#define REASON_MAX 64 /* characters of the name of an error */

struct pawl_answer {
    bool permitted, has_epoch, has_index;
    uint64_t epoch, index;
    char reason[REASON_MAX + 1];
    struct buf why; /* ends with a NUL beyond its length, as does json */
    struct buf permit, json;
};

/* Reads a response's body. Errors: SERVICE_ANSWER: it is no AuthZEN answer, or says two things;
 * NO_MEMORY. Takes *body. Owns: pawl_answer_free(). */
err_code client_answer_read(const struct response *response, struct buf *body,
                            struct pawl_answer **ret, struct why *why);

enum link_state {
    LINK_IDLE = 0,   /* nothing is asked */
    LINK_CONNECTING, /* the service's queue of connections is full */
    LINK_SENDING,
    LINK_READING,
};

/* One question and its answer at a time. */
struct pawl_conn {
    struct sockaddr_un address;
    bool guarded; /* who listens has to be root, or: */
    uid_t owner;
    int fd; /* -1: none */
    enum link_state state;
    bool used;          /* the connection has served before: it may have ended since */
    uint64_t due_ns;    /* CLOCK_MONOTONIC */
    char id[33];        /* of the question: random, in hex */
    struct buf out, in; /* the question; what has come of the answer */
    size_t sent;
    struct response response;
};

/* As pawl_open(), to a socket that only root or this user made listen, each time that it is
 * connected to, in a directory where nobody else makes one. Errors: also SERVICE_UNTRUSTED. */
err_code client_open_of(const char *path, uid_t owner, struct pawl_conn **ret, struct why *why);

/* The same; the user is the one to whom the directory belongs. For a place where only root makes
 * directories. */
err_code client_open_usual(const char *path, struct pawl_conn **ret, struct why *why);

/* Connects, unless the service's queue is full: then without a descriptor. Errors:
 * SERVICE_UNREACHABLE, SERVICE_UNTRUSTED; NO_MEMORY. */
err_code link_connect(struct pawl_conn *conn, struct why *why);

/* Lets go of a connection that has served before and that the service has closed since, or has sent
 * something through that nobody asked for. */
void link_refresh(struct pawl_conn *conn);

/* Goes on as far as it can. *ret_done: the whole answer is in conn->in, after response.head bytes.
 * Errors: DEADLINE, SERVICE_UNREACHABLE, SERVICE_ANSWER, NO_MEMORY. */
err_code link_step(struct pawl_conn *conn, bool *ret_done, struct why *why);

/* Lets go of the descriptor, and of question and answer. */
void link_drop(struct pawl_conn *conn);

/* Ready for the next question; keep: on the same descriptor. */
void link_rest(struct pawl_conn *conn, bool keep);

uint64_t link_now_ns(void);

/* Nothing where there is no pointer. */
struct slice client_slice(struct pawl_bytes bytes);

/* Internal errors are those of the header under the same numbers. */
int client_tell(err_code err, const struct why *why, struct pawl_why *ret);

#endif
