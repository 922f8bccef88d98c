/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_testing.h: a service that says what a test has written down, whatever it is asked: a
 * thread that takes one connection after the other and follows a script.
 */
#ifndef PAWL_CLIENT_SERVER_TESTING_H
#define PAWL_CLIENT_SERVER_TESTING_H

#include "gate/base/bytes.h"

#include <pthread.h>

#define SERVER_REQUESTS_MAX 8 /* that are kept */

enum server_act {
    SERVER_ANSWER = 1, /* reads a request, answers it, keeps the connection */
    SERVER_LAST,       /* the same, and closes */
    SERVER_EARLY,      /* answers before it reads anything, and closes */
    SERVER_SILENT,     /* reads a request, and nothing more until the other side is gone */
    SERVER_DEAF,       /* reads nothing until the other side is gone */
    SERVER_SPEAKS,     /* reads nothing, writes after server_go(), keeps the connection */
    SERVER_CLOSE,      /* reads nothing, closes */
};

/* One step. Without a connection the next one is taken first. */
struct server_turn {
    enum server_act act;
    struct slice answer; /* "$ID" in it becomes the request's X-Request-ID */
    size_t piece;        /* bytes that are written at once; 0: all */
};

struct server {
    char dir[64], path[96];
    int listener, go[2];
    pthread_t thread;
    const struct server_turn *turns;
    size_t n;
    struct buf requests[SERVER_REQUESTS_MAX]; /* as they came; to be read after server_end() */
    size_t n_requests, n_connections;
};

/* turns: borrowed until server_end(). */
void server_begin(struct server *server, const struct server_turn *turns, size_t n);

void server_go(struct server *server);

/* Waits until the script is at its end. To be called when the client has let go of it. */
void server_end(struct server *server);
void server_free(struct server *server); /* of the requests */

/* An answer with the usual head. Owns: the caller. */
struct buf server_answer(const char *status, const char *body);

#endif
