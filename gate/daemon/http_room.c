/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_room.c: who has to go when there are too many, or too much of them. Anybody may connect to
 * the agents' socket as often as he likes: he takes from himself, not from other users.
 */
#include "gate/daemon/http_parts.h"

#include <string.h>
#include <sys/socket.h>

#define AT_ONCE 128      /* the part of a door that is made free */
#define HURRY_US 1000    /* until libevent has seen who was shut out */
#define WORKING_PARTS 4u /* of which one is left for others */

/* By the key. Who has shown no certificate yet has a share with all others who have not. */
static unsigned share_of_certificate(const struct link *link)
{
    struct caller caller;
    uint32_t sum = 0;

    if (!tls_is_known(link->ssl) ||
        tls_caller(link->ssl, link->door->kind, &caller, NULL) != ERR_OK)
        return 0;
    for (const char *at = caller.key; *at != '\0'; at++)
        sum = (sum ^ (uint8_t)*at) * 16777619u;
    return 1 + (sum >> 8) % (HTTP_SHARES - 1);
}

/* By the user: what is known before anything was sent. Users may share a number, and then have one
 * share together. */
static unsigned share_of(const struct link *link)
{
    int fd = bufferevent_getfd(link->bev);
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (link->door->tls != NULL)
        return share_of_certificate(link);
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return 0;
    return 1 + (unsigned)(peer.uid * 2654435761u >> 16) % (HTTP_SHARES - 1);
}

/* One at work is counted already. */
void http_room_learn(struct link *link)
{
    if (link->share == 0 && link->state != LINK_WORKING)
        link->share = share_of(link);
}

typedef bool better(const struct link *a, const struct link *b);

/* The best of a share that may be shut out, at one door or at any. */
static struct link *pick(const struct http *http, const struct door *door, unsigned share,
                         better *is_better)
{
    struct link *found = NULL;

    for (size_t i = 0; i < HTTP_BUCKETS; i++)
        for (struct link *link = http->buckets[i]; link != NULL; link = link->next) {
            if (link->shut || link->state == LINK_WORKING || link->share != share ||
                (door != NULL && link->door != door))
                continue;
            if (found == NULL || is_better(link, found))
                found = link;
        }
    return found;
}

static bool is_older(const struct link *a, const struct link *b)
{
    return a->since_ns < b->since_ns;
}

static bool is_larger(const struct link *a, const struct link *b)
{
    return a->bytes > b->bytes;
}

/* Links of each share at one door, or octets of each at all. */
static void count(struct http *http, const struct door *door, size_t ret[static HTTP_SHARES])
{
    memset(ret, 0, HTTP_SHARES * sizeof *ret);
    for (size_t i = 0; i < HTTP_BUCKETS; i++)
        for (struct link *link = http->buckets[i]; link != NULL; link = link->next) {
            if (link->shut || (door != NULL && link->door != door))
                continue;
            http_room_learn(link);
            ret[link->share] += door != NULL ? 1 : link->bytes;
        }
}

static unsigned largest(const size_t shares[static HTTP_SHARES])
{
    unsigned top = 0;

    for (unsigned i = 1; i < HTTP_SHARES; i++)
        if (shares[i] > shares[top])
            top = i;
    return top;
}

void http_room_make(struct door *door)
{
    const struct timeval soon = {.tv_usec = HURRY_US};
    size_t shares[HTTP_SHARES];
    unsigned most = door->http->limits.connections / AT_ONCE + 1;
    unsigned n = 0;

    count(door->http, door, shares);
    for (; n < most; n++) {
        unsigned top = largest(shares);
        struct link *link = pick(door->http, door, top, is_older);
        if (link == NULL)
            break;
        shares[top]--;
        http_link_shut(link);
    }
    if (n > 0)
        (void)event_add(door->http->hurry, &soon);
}

void http_room_set(struct link *link, size_t len)
{
    link->door->http->bytes -= link->bytes;
    link->bytes = link->shut ? 0 : len;
    link->door->http->bytes += link->bytes;
}

void http_room_add(struct link *link, size_t len)
{
    struct http *http = link->door->http;

    http_room_set(link, link->bytes + len);
    while (http->bytes > http->limits.total) {
        size_t shares[HTTP_SHARES];
        struct link *most;

        count(http, NULL, shares);
        most = pick(http, NULL, largest(shares), is_larger);
        if (most == NULL || most->bytes == 0)
            return;
        http_link_shut(most);
        http_room_set(most, 0);
    }
}

err_code http_room_work(struct link *link, struct why *why)
{
    unsigned all = link->door->http->limits.connections, most = all - all / WORKING_PARTS;

    if (link->door->working[link->share] <= most)
        return ERR_OK;
    return why_say(why, ERR_OVERLOADED, "%u requests of this caller wait, the limit is %u",
                   link->door->working[link->share] - 1, most);
}
