/* SPDX-License-Identifier: Apache-2.0 */
/* http_lobby.c: connections over TLS until it is known whose they are: how many, how long, and what
 * became of them. */
#include "gate/daemon/http_parts.h"

#include "gate/base/clock.h"

#include <event2/bufferevent_ssl.h>
#include <stdlib.h>

#define SLOTS 256u    /* addresses that are told apart; some may have one together */
#define PARTS 64u     /* of a door, of which one is made free at once */
#define HURRY_US 1000 /* until libevent has seen who was shut out */

static struct lobby *lobby_of(const struct link *link)
{
    return link->door->http->lobby;
}

/* Asked by OpenSSL when the first message is there, before anything is computed for it. */
bool http_lobby_admits(void *arg)
{
    struct link *link = arg;

    if (link->shut)
        return false;
    lobby_who_of(bufferevent_getfd(link->bev), &link->who);
    link->tried = lobby_admits(lobby_of(link), &link->who, clock_steady_ns());
    if (!link->tried)
        link->end = LOBBY_RATE;
    return link->tried;
}

static void count_out(struct link *link)
{
    link->door->strangers -= link->stranger && !link->shut;
}

bool http_lobby_holds(struct link *link)
{
    if (!link->stranger || !tls_is_known(link->ssl))
        return link->stranger;
    count_out(link);
    link->stranger = false;
    lobby_welcome(lobby_of(link), &link->who, clock_steady_ns());
    return false;
}

void http_lobby_shut(struct link *link, enum lobby_reason reason)
{
    if (link->shut)
        return;
    link->end = reason;
    if (link->who.text[0] == '\0')
        lobby_who_of(bufferevent_getfd(link->bev), &link->who);
    http_link_shut(link);
}

static unsigned slot_of(struct link *link)
{
    uint32_t sum = 0;

    if (link->who.text[0] == '\0')
        lobby_who_of(bufferevent_getfd(link->bev), &link->who);
    for (size_t i = 0; i < sizeof link->who.key; i++)
        sum = (sum ^ link->who.key[i]) * 16777619u;
    return (sum >> 8) % SLOTS;
}

/* Strangers at this door who may be shut out; with a slot the oldest of that one, and else each is
 * counted in his. */
static struct link *look(struct door *door, const unsigned *slot, unsigned counts[static SLOTS])
{
    struct link *oldest = NULL;

    for (size_t i = 0; i < HTTP_BUCKETS; i++)
        for (struct link *link = door->http->buckets[i]; link != NULL; link = link->next) {
            if (link->door != door || link->shut || !http_lobby_holds(link))
                continue;
            if (slot == NULL)
                counts[slot_of(link)]++;
            else if (slot_of(link) == *slot &&
                     (oldest == NULL || link->since_ns < oldest->since_ns))
                oldest = link;
        }
    return oldest;
}

/* The address that has most of them loses the oldest. Some at a time: to look costs, too. */
static void make_room(struct door *door)
{
    const struct timeval soon = {.tv_usec = HURRY_US};
    unsigned counts[SLOTS] = {0}, top = 0, some = door->http->limits.connections / PARTS + 1;
    struct link *link;

    (void)look(door, NULL, counts);
    for (unsigned i = 1; i < SLOTS; i++)
        if (counts[i] > counts[top])
            top = i;
    some = some < counts[top] ? some : counts[top] - (counts[top] > 0);
    while (some-- > 0 && (link = look(door, &top, counts)) != NULL)
        http_lobby_shut(link, LOBBY_ROOM);
    (void)event_add(door->http->hurry, &soon);
}

void http_lobby_enter(struct link *link)
{
    struct door *door = link->door;

    if (link->ssl == NULL)
        return;
    if (door->strangers >= (door->http->limits.connections + 1) / 2)
        make_room(door);
    link->stranger = true;
    door->strangers++;
}

void http_lobby_leave(struct link *link)
{
    struct lobby_end end = {.tried = link->tried};
    unsigned long error;

    if (link->ssl == NULL)
        return;
    tls_leave(link->ssl);
    if (!http_lobby_holds(link))
        return;
    count_out(link);
    error = bufferevent_get_openssl_error(link->bev);
    end.reason = tls_reason(link->ssl, error, &end.detail);
    if (link->end != LOBBY_LEFT && (end.reason == LOBBY_LEFT || end.reason == LOBBY_PROTOCOL)) {
        end.reason = link->end;
        end.detail = NULL;
    }
    if (link->who.text[0] == '\0')
        lobby_who_of(bufferevent_getfd(link->bev), &link->who);
    lobby_refuse(lobby_of(link), &link->who, &end, clock_steady_ns());
}

err_code http_lobby_open(struct http *http, struct tls *tls)
{
    if (http->lobby == NULL)
        http->lobby = calloc(1, sizeof *http->lobby);
    if (http->lobby == NULL)
        return ERR_NO_MEMORY;
    http->lobby->tell = http->limits.tell;
    tls_set_admits(tls, http_lobby_admits);
    return ERR_OK;
}

const struct lobby *http_lobby(const struct http *http)
{
    return http->lobby;
}
