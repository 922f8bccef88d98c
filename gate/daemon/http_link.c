/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_link.c: connections: how many there are, and how long they take. libevent's own time-out
 * begins anew with every byte, so that one byte now and then keeps a connection for ever.
 */
#include "gate/base/clock.h"
#include "gate/daemon/http_parts.h"
#include "gate/daemon/reserve.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>

static struct link **bucket_of(struct http *http, const struct bufferevent *bev)
{
    return &http->buckets[((uintptr_t)bev >> 6) % HTTP_BUCKETS];
}

/* Nobody is let in while as many as may be are here, or there is no memory for more. */
static void watch_door(struct door *door)
{
    bool full = door->links >= door->http->limits.connections || reserve_is_low();
    bool shut = door->http->draining || full;

    if (door->listener == NULL)
        return;
    if (shut && !door->http->draining)
        (void)event_add(door->knock, NULL);
    else
        (void)event_del(door->knock);
    if (shut == door->shut)
        return;
    if ((shut ? evconnlistener_disable(door->listener) : evconnlistener_enable(door->listener)) ==
        0)
        door->shut = shut;
}

static void forget(struct link **place)
{
    struct link *link = *place;

    *place = link->next;
    http_lobby_leave(link);
    link->door->links--;
    link->door->working[link->share] -= link->state == LINK_WORKING;
    http_room_set(link, 0);
    http_room_leave(link);
    (void)evbuffer_remove_cb_entry(bufferevent_get_input(link->bev), link->watch);
    (void)bufferevent_decref(link->bev);
    http_wire_free(&link->wire);
    free(link);
}

void http_link_shut(struct link *link)
{
    int fd = bufferevent_getfd(link->bev);

    link->door->strangers -= link->stranger && !link->shut;
    link->shut = true;
    if (fd >= 0)
        (void)shutdown(fd, SHUT_RDWR);
}

/* Before libevent is told that something came. */
static void came(struct evbuffer *in, const struct evbuffer_cb_info *info, void *arg)
{
    struct link *link = arg;

    if (link->moving || info->n_added == 0)
        return;
    (void)http_lobby_holds(link);
    link->moving = true;
    http_room_add(link, info->n_added);
    if (http_wire_take(&link->wire, http_body_max(link->door), in, info->n_added) != ERR_OK)
        http_link_shut(link);
    if (link->wire.state == WIRE_SKIP)
        http_room_set(link, 0);
    link->moving = false;
}

/* The request behind the one that was answered may be there already. */
static void read_next(struct link *link)
{
    struct evbuffer *in = bufferevent_get_input(link->bev);

    link->moving = true;
    if (http_wire_next(&link->wire, http_body_max(link->door), in) != ERR_OK)
        http_link_shut(link);
    link->moving = false;
    http_room_set(link, evbuffer_get_length(in) + link->wire.held.len);
}

static struct bufferevent *bev_new(struct event_base *base, const struct door *door,
                                   struct link *link)
{
    if (link == NULL)
        return NULL;
    link->door = (struct door *)(uintptr_t)door;
    if (door->tls == NULL)
        return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    link->ssl = tls_accept(door->tls, link, &link->judged);
    if (link->ssl == NULL)
        return NULL;
    return bufferevent_openssl_socket_new(base, -1, link->ssl, BUFFEREVENT_SSL_ACCEPTING,
                                          BEV_OPT_CLOSE_ON_FREE);
}

/* Called when libevent makes a connection. NULL, without memory, has it make one of its own, which
 * is not counted, whose requests are refused, and which only libevent's time-out ends. */
struct bufferevent *http_link_new(struct event_base *base, void *arg)
{
    struct door *door = arg;
    struct link *link = calloc(1, sizeof *link), **place;
    struct bufferevent *bev = bev_new(base, door, link);

    if (bev == NULL) {
        free(link);
        return NULL;
    }
    bufferevent_incref(bev);
    place = bucket_of(door->http, bev);
    link->next = *place;
    link->bev = bev;
    link->since_ns = clock_steady_ns();
    link->watch = evbuffer_add_cb(bufferevent_get_input(bev), came, link);
    if (link->watch == NULL) {
        (void)bufferevent_decref(bev);
        bufferevent_free(bev);
        free(link);
        return NULL;
    }
    *place = link;
    door->links++;
    http_lobby_enter(link);
    watch_door(door);
    return bev;
}

/* libevent tells of the end of a connection that has sent a request. */
static void gone(struct evhttp_connection *evcon, void *arg)
{
    struct link *link = arg;
    struct door *door = link->door;
    struct link **place = bucket_of(door->http, link->bev);

    (void)evcon;
    while (*place != link)
        place = &(*place)->next;
    forget(place);
    watch_door(door);
}

struct link *http_link_of(struct door *door, struct evhttp_connection *evcon)
{
    struct bufferevent *bev = evhttp_connection_get_bufferevent(evcon);
    struct link *link = *bucket_of(door->http, bev);

    while (link != NULL && link->bev != bev)
        link = link->next;
    if (link != NULL && link->evcon == NULL) {
        link->evcon = evcon;
        evhttp_connection_set_closecb(evcon, gone, link);
    }
    return link;
}

void http_link_turn(struct link *link, enum link_state state)
{
    /* While there is no answer little more is read than what shows the end. */
    size_t most = state == LINK_READING ? 0 : HTTP_HEAD_MAX;
    bool answered = link->state == LINK_WRITING && state == LINK_READING;

    link->door->working[link->share] -= link->state == LINK_WORKING;
    link->door->working[link->share] += state == LINK_WORKING;
    link->state = state;
    link->since_ns = clock_steady_ns();
    bufferevent_setwatermark(link->bev, EV_READ, 0, most);
    if (answered)
        read_next(link);
}

/* libevent takes its functions away from what it frees; of a connection that never sent a whole
 * request nothing else is heard. */
static bool is_gone(const struct link *link)
{
    bufferevent_event_cb event = NULL;
    void *ctx = NULL;

    bufferevent_getcb(link->bev, NULL, NULL, &event, &ctx);
    return event == NULL;
}

static void sweep_link(const struct http *http, struct link *link, uint64_t now)
{
    uint64_t for_ns = now - link->since_ns, second = 1000000000u;

    if (http_lobby_holds(link) && for_ns >= http->limits.handshake * second)
        http_lobby_shut(link, LOBBY_DEADLINE);
    else if (link->state != LINK_WORKING && for_ns >= http->limits.seconds * second)
        http_link_shut(link);
}

void http_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct http *http = arg;
    uint64_t now = clock_steady_ns();

    (void)fd;
    (void)what;
    for (size_t i = 0; i < HTTP_BUCKETS; i++)
        for (struct link **at = &http->buckets[i]; *at != NULL;) {
            if (is_gone(*at)) {
                forget(at);
                continue;
            }
            sweep_link(http, *at, now);
            at = &(*at)->next;
        }
    for (size_t i = 0; i < http->n_doors; i++) {
        watch_door(&http->doors[i]); /* who still waits outside knocks again */
        if (!http->doors[i].shut)    /* it may be that descriptors ran out; see cannot_accept() */
            (void)evconnlistener_enable(http->doors[i].listener);
    }
}

void http_forget_all(struct http *http)
{
    for (size_t i = 0; i < HTTP_BUCKETS; i++)
        while (http->buckets[i] != NULL)
            forget(&http->buckets[i]);
}

bool http_is_quiet(const struct http *http)
{
    if (http->calls > 0)
        return false;
    for (size_t i = 0; i < HTTP_BUCKETS; i++)
        for (const struct link *link = http->buckets[i]; link != NULL; link = link->next)
            if (link->state != LINK_READING)
                return false;
    return true;
}
