/* SPDX-License-Identifier: Apache-2.0 */
/* http_parts.h: the inside of struct http, for the files that it is made of. */
#ifndef PAWL_DAEMON_HTTP_PARTS_H
#define PAWL_DAEMON_HTTP_PARTS_H

#include "gate/daemon/http.h"
#include "gate/daemon/lobby.h"
#include "gate/daemon/tls.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#define HTTP_DOORS_MAX 8
#define HTTP_TABLES_MAX 8
#define HTTP_BUCKETS 1024 /* of connections */
#define HTTP_SHARES 256   /* users whose share of a door is told apart, and those nobody knows */

struct door;

enum link_state {
    LINK_READING = 0, /* a request, or waiting for one */
    LINK_WORKING,     /* it is being answered; what works has its own deadline */
    LINK_WRITING,
};

/* How far a request has come, octet by octet. */
enum wire_state {
    WIRE_HEAD = 0,
    WIRE_SKIP,     /* a body that is too large */
    WIRE_BODY,     /* of a known length */
    WIRE_SIZE,     /* of a chunk */
    WIRE_DATA,     /* of a chunk */
    WIRE_DATA_END, /* CR LF behind it */
    WIRE_LAST,     /* CR LF behind the last chunk */
    WIRE_DONE,     /* libevent has all of it */
    WIRE_REFUSED,  /* nothing is read any more */
};

/* {0} is a new connection's. */
struct wire {
    enum wire_state state;
    struct buf instead; /* of a request whose body is too large: the same without it */
    size_t left;        /* of SKIP, BODY and DATA */
    size_t body;        /* of all chunks */
    size_t searched;    /* octets of HEAD that were looked at */
    struct buf held;    /* what libevent does not have yet */
    err_code err;       /* of REFUSED */
    struct why *why;    /* NULL: there was no memory for it */
};

/* One connection. Holds a reference of its own to libevent's object, so that it can be looked at
 * after libevent let go of it. */
struct link {
    struct link *next; /* in its bucket */
    struct door *door;
    struct bufferevent *bev;
    struct ssl_st *ssl;              /* of bev; NULL: none */
    unsigned judged;                 /* its certificate, see tls_check() */
    bool stranger;                   /* has shown none yet */
    bool tried;                      /* a handshake has begun */
    enum lobby_reason end;           /* why it is to end; LEFT: it is not */
    struct lobby_who who;            /* once it is needed */
    struct evhttp_connection *evcon; /* NULL: it has not sent a whole request yet */
    enum link_state state;
    uint64_t since_ns; /* of READING and WRITING */
    bool known;        /* who it is */
    struct caller caller;
    struct wire wire;
    struct evbuffer_cb_entry *watch; /* of what comes in */
    bool moving;                     /* by ourselves */
    bool shut;                       /* libevent has not seen it yet */
    unsigned share;                  /* whose it is counted as; 0: nobody knows yet */
    size_t bytes;                    /* that came, or go, and are kept */
};

/* One listening socket. */
struct door {
    struct http *http;
    struct evhttp *evhttp;
    struct evconnlistener *listener; /* belongs to evhttp; NULL: at its end */
    enum caller_kind kind;
    struct tls *tls; /* NULL: a Unix socket */
    unsigned links;
    unsigned strangers;            /* of them, who are not shut out */
    bool shut;                     /* until somebody leaves */
    struct event *knock;           /* somebody waits outside */
    unsigned working[HTTP_SHARES]; /* links whose request is being answered */
};

/* A user, or the holder of a certificate, who is connected. */
struct http_share {
    uint64_t id;
    unsigned links; /* 0: nobody's */
};

struct http {
    struct event_base *base;
    struct http_limits limits;
    struct event *sweep, *hurry;
    struct door doors[HTTP_DOORS_MAX];
    size_t n_doors;
    struct {
        const struct http_route *routes;
        void *ctx;
    } tables[HTTP_TABLES_MAX];
    size_t n_tables;
    const struct http_face *face; /* NULL: none */
    bool draining;
    size_t calls; /* that are not answered */
    size_t bytes; /* of all links */
    uint64_t refused[HTTP_ERRORS];
    struct lobby *lobby; /* NULL: nobody listens with TLS */
    struct link *buckets[HTTP_BUCKETS];
    struct http_share shares[HTTP_SHARES]; /* without the first one */
};

struct http_call {
    struct http *http;
    struct link *link;
    struct evhttp_request *request;
    struct caller caller;
    const char *path; /* owned, without the query */
    struct slice body;
    bool head;  /* the answer goes without its body */
    bool faced; /* refusals have the face */
};

/* Where a request's body ends. */
struct http_framing {
    bool chunked;
    size_t length;           /* if not */
    bool expects;            /* the body comes once it is wanted */
    struct slice target, id; /* of the head; id: X-Request-ID, empty if there is none */
};

/* A request's line and headers, and the empty line behind them, if they can be read in one way only
 * (RFC 9112). Errors: REQUEST_MALFORMED. */
err_code http_head_read(struct slice bytes, struct http_framing *ret, struct why *why);

/* Without the spaces and tabs around it. */
struct slice http_trim(struct slice text);

/* The last len octets of `in` are new: leaves there what libevent may have by now. most: octets of
 * a body. On an error the connection is of no use any more. */
err_code http_wire_take(struct wire *wire, size_t most, struct evbuffer *in, size_t len);

/* Begins with the request behind the one that was answered. */
err_code http_wire_next(struct wire *wire, size_t most, struct evbuffer *in);
void http_wire_free(struct wire *wire);

/* Octets of a body that come through a door at all; each path has its own (http_dispatch.c). */
size_t http_body_max(const struct door *door);

/* Whether refusals of this path have the face. */
bool http_is_faced(const struct http *http, const char *path);

/* Runs what the tables name for the call's path. Refuses with 404, 403, 405, 415. */
void http_dispatch(struct http_call *call);

/* The connection that a request came through. NULL: none of ours. */
struct link *http_link_of(struct door *door, struct evhttp_connection *evcon);
struct bufferevent *http_link_new(struct event_base *base, void *door);
void http_link_turn(struct link *link, enum link_state state);
void http_link_shut(struct link *link); /* libevent sees the end of it, and frees what it has */

/* Room (http_room.c). Somebody waits at a door that is full: whoever has most connections loses
 * those that have been idle for longest. */
void http_room_make(struct door *door);
void http_room_learn(struct link *link); /* whose it is, before it goes to work */
void http_room_leave(const struct link *link);

/* Octets that a link keeps: those of all are bounded, and of whoever has most the largest goes. */
void http_room_add(struct link *link, size_t len);
void http_room_set(struct link *link, size_t len);

/* Whether its caller may have one more request at work through this door, so that others can, too.
 * Error: OVERLOADED. */
err_code http_room_work(struct link *link, struct why *why);

/* Those who have shown no certificate yet (http_lobby.c). */
err_code http_lobby_open(struct http *http, struct tls *tls);
bool http_lobby_admits(void *link);
bool http_lobby_holds(struct link *link); /* whether it is one still */
void http_lobby_shut(struct link *link, enum lobby_reason reason);
void http_lobby_leave(struct link *link); /* it is forgotten */
void http_lobby_enter(struct link *link); /* it is counted; too many lose some */

/* Shuts those that take too long, forgets those that are gone, opens doors again. */
void http_sweep(evutil_socket_t fd, short what, void *http);
void http_forget_all(struct http *http);

#endif
