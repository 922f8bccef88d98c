/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h: HTTP/1.1 on Unix sockets, and over TLS: what comes in is bounded in size, number and
 * time, checked, and given to whoever a table of paths names. One thread. Whatever is refused here
 * gets {"error": NAME, "message": TEXT}, unless a face says otherwise; a method that nobody knows
 * gets libevent's own 501. HEAD is answered as GET, without the body.
 */
#ifndef PAWL_DAEMON_HTTP_H
#define PAWL_DAEMON_HTTP_H

#include "gate/base/bytes.h"
#include "gate/daemon/caller.h"

#include <jansson.h>

#define HTTP_HEAD_MAX ((size_t)16 << 10) /* bytes of a request's line and headers */
#define HTTP_ID_MAX 128                  /* characters of X-Request-ID */
#define HTTP_ERRORS 256                  /* numbers of errors lie below */

struct event_base;
struct http;
struct lobby;
struct tls;
struct http_call; /* one request, until it is answered: exactly once */

enum http_method {
    HTTP_GET = 1,
    HTTP_POST = 2,
    HTTP_DELETE = 4,
};

/* Bits of http_route.kinds. */
#define HTTP_AGENTS (1u << CALLER_AGENT)
#define HTTP_ENFORCEMENT (1u << CALLER_ENFORCEMENT)
#define HTTP_ADMIN (1u << CALLER_ADMIN)
#define HTTP_ANYBODY (HTTP_AGENTS | HTTP_ENFORCEMENT | HTTP_ADMIN)
#define HTTP_LARGE (1u << 8) /* with a body as large as administrators may send */

struct http_route {
    const char *path; /* one that ends with a slash stands for everything below it; NULL: end */
    enum http_method method;
    unsigned kinds;   /* who may, and HTTP_LARGE */
    const char *type; /* what a body must be, else 415; NULL: run looks itself */
    void (*run)(struct http_call *call, void *ctx);
};

struct http_limits {
    unsigned connections; /* of one kind of caller; 0: 1024. Who comes later gets the place of one
                           * that is idle, of the caller who has most; if none is, he waits */
    unsigned seconds;     /* to send a request from the last answer on, and to take one; 0: 30 */
    size_t body;          /* bytes */
    size_t body_admin;    /* what the socket for administrators lets in; 0: body */
    size_t total;         /* bytes of all connections; 0: 64 MiB */
    unsigned handshake;   /* seconds until a certificate was shown; 0: 10 */
    void (*tell)(const char *text); /* who was refused for it; NULL: nobody wants to know */
};

/* How refusals look below certain paths, whoever makes them. */
struct http_face {
    const char *const *paths; /* each, and everything below it; NULL: end */
    void (*refuse)(struct http_call *call, int status, err_code err, const struct why *why);
};

/* Borrows: base. Owns: http_free(), before which every call must have been answered. */
err_code http_new(struct event_base *base, const struct http_limits *limits, struct http **ret);
void http_free(struct http **http);

/* Tables are asked in the order in which they were added. Borrows: routes, ctx. */
err_code http_add(struct http *http, const struct http_route *routes, void *ctx);

/* There is one. Borrows: face. */
void http_set_face(struct http *http, const struct http_face *face);

/* Serves a socket that listens already. Errors: NO_MEMORY. Takes fd in every case. */
err_code http_listen(struct http *http, int fd, enum caller_kind kind);

/* The same over TLS, for callers of kind CALLER_ENFORCEMENT alone. Borrows: tls. */
err_code http_listen_tls(struct http *http, int fd, struct tls *tls);

/* Lets nobody in any more; who is in gets his answer, and then the door is shut behind him. */
void http_drain(struct http *http);
bool http_is_quiet(const struct http *http); /* nobody waits for an answer, or reads one */

/* Connections through sockets of that kind; how often http_refuse() gave each error, HTTP_ERRORS
 * numbers. Borrows: http. */
unsigned http_connections(const struct http *http, enum caller_kind kind);
const uint64_t *http_refused(const struct http *http);

/* Who did not get in over TLS. NULL: nobody listens there. Borrows: http. */
const struct lobby *http_lobby(const struct http *http);

/* What was asked. Borrows: until the answer. */
const struct caller *http_caller(const struct http_call *call);
const char *http_path(const struct http_call *call); /* without a query; not decoded */
struct slice http_body(const struct http_call *call);
const char *http_header(const struct http_call *call, const char *name); /* NULL: none */

/* True if the body is said to be of this media type, whatever its parameters. */
bool http_is_type(const struct http_call *call, const char *type);

/* True if the caller takes an answer of this media type (RFC 9110 12.5.1). */
bool http_accepts(const struct http_call *call, const char *type);

/* The answer, which ends the call. A header is added before it; without a Cache-Control there is
 * "no-store". */
void http_add_header(struct http_call *call, const char *name, const char *value);
void http_answer(struct http_call *call, int status, json_t *body); /* takes body; NULL: 503 */
void http_answer_bytes(struct http_call *call, int status, const char *type, struct slice body);
void http_refuse(struct http_call *call, int status, err_code err, const struct why *why);

/* Counts an answer that is an error and was not given by http_refuse(). */
void http_count_refusal(struct http_call *call, err_code err);

/* The status that a refusal has where nothing else is said. */
int http_status(err_code err);

#endif
