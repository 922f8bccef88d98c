/* SPDX-License-Identifier: Apache-2.0 */
/* http_parts.h: the inside of struct http, for the files that it is made of. */
#ifndef PAWL_DAEMON_HTTP_PARTS_H
#define PAWL_DAEMON_HTTP_PARTS_H

#include "gate/daemon/http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#define HTTP_DOORS_MAX 8
#define HTTP_TABLES_MAX 8
#define HTTP_BUCKETS 1024 /* of connections */

struct door;

enum link_state {
    LINK_READING = 0, /* a request, or waiting for one */
    LINK_WORKING,     /* it is being answered; what works has its own deadline */
    LINK_WRITING,
};

/* One connection. Holds a reference of its own to libevent's object, so that it can be looked at
 * after libevent let go of it. */
struct link {
    struct link *next; /* in its bucket */
    struct door *door;
    struct bufferevent *bev;
    struct evhttp_connection *evcon; /* NULL: it has not sent a whole request yet */
    enum link_state state;
    uint64_t since_ns; /* of READING and WRITING */
    bool known;        /* who it is */
    struct caller caller;
};

/* One listening socket. */
struct door {
    struct http *http;
    struct evhttp *evhttp;
    struct evconnlistener *listener; /* belongs to evhttp; NULL: at its end */
    enum caller_kind kind;
    unsigned links;
    bool shut; /* until somebody leaves */
};

struct http {
    struct event_base *base;
    struct http_limits limits;
    struct event *sweep;
    struct door doors[HTTP_DOORS_MAX];
    size_t n_doors;
    struct {
        const struct http_route *routes;
        void *ctx;
    } tables[HTTP_TABLES_MAX];
    size_t n_tables;
    bool draining;
    size_t calls; /* that are not answered */
    uint64_t refused[HTTP_ERRORS];
    struct link *buckets[HTTP_BUCKETS];
};

struct http_call {
    struct http *http;
    struct link *link;
    struct evhttp_request *request;
    struct caller caller;
    const char *path; /* owned, without the query */
    struct slice body;
};

/* Whether a request's line and headers can be read in one way only (RFC 9112). Errors:
 * REQUEST_MALFORMED. */
err_code http_check_head(struct evhttp_request *request, struct why *why);

/* Runs what the tables name for the call's path. Refuses with 404, 403, 405, 415. */
void http_dispatch(struct http_call *call);

/* The connection that a request came through. NULL: none of ours. */
struct link *http_link_of(struct door *door, struct evhttp_connection *evcon);
struct bufferevent *http_link_new(struct event_base *base, void *door);
void http_link_turn(struct link *link, enum link_state state);

/* Shuts those that take too long, forgets those that are gone, opens doors again. */
void http_sweep(evutil_socket_t fd, short what, void *http);
void http_forget_all(struct http *http);

#endif
