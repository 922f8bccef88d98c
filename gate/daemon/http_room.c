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
#define RESERVE_PARTS 8u /* of which one is left for the first request of a caller */
#define MORE_THAN_LEFT 6u

/* Of who has shown a certificate: by the key that callers are told apart by. 0: he has not. */
static uint64_t id_of_certificate(const struct link *link)
{
    struct caller caller;
    uint64_t sum = 14695981039346656037u;

    if (!tls_is_known(link->ssl) ||
        tls_caller(link->ssl, link->door->kind, &caller, NULL) != ERR_OK)
        return 0;
    for (const char *at = caller.key; *at != '\0'; at++)
        sum = (sum ^ (uint8_t)*at) * 1099511628211u;
    return sum | UINT64_C(1) << 63;
}

/* Of a user: what is known before anything was sent. 0: nobody knows. */
static uint64_t id_of(const struct link *link)
{
    int fd = bufferevent_getfd(link->bev);
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (link->door->tls != NULL)
        return id_of_certificate(link);
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return 0;
    return UINT64_C(1) + peer.uid;
}

/* His, or one that nobody has. Where all are taken some have one together. */
static unsigned share_of(const struct http *http, uint64_t id)
{
    unsigned unused = 0;

    for (unsigned i = 1; i < HTTP_SHARES; i++) {
        if (http->shares[i].links > 0 && http->shares[i].id == id)
            return i;
        if (http->shares[i].links == 0)
            unused = i;
    }
    return unused > 0 ? unused : 1 + (unsigned)(id % (HTTP_SHARES - 1));
}

/* One at work is counted already. Who has shown no certificate yet has a share with all others who
 * have not. */
void http_room_learn(struct link *link)
{
    struct http_share *shares = link->door->http->shares;
    uint64_t id;

    if (link->share != 0 || link->state == LINK_WORKING || (id = id_of(link)) == 0)
        return;
    link->share = share_of(link->door->http, id);
    if (shares[link->share].links++ == 0)
        shares[link->share].id = id;
}

void http_room_leave(const struct link *link)
{
    if (link->share != 0)
        link->door->http->shares[link->share].links--;
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

/* The best of the largest share that has any; *ret_share says whose. Shares that have none are put
 * out of the count. NULL: nobody may be shut out. */
static struct link *pick_most(const struct http *http, const struct door *door,
                              size_t shares[static HTTP_SHARES], better *is_better,
                              unsigned *ret_share)
{
    for (unsigned top; shares[top = largest(shares)] > 0; shares[top] = 0) {
        struct link *link = pick(http, door, top, is_better);
        *ret_share = top;
        if (link != NULL)
            return link;
    }
    return NULL;
}

void http_room_make(struct door *door)
{
    const struct timeval soon = {.tv_usec = HURRY_US};
    size_t shares[HTTP_SHARES];
    unsigned most = door->http->limits.connections / AT_ONCE + 1;
    unsigned n = 0, of;

    count(door->http, door, shares);
    for (; n < most; n++) {
        struct link *link = pick_most(door->http, door, shares, is_older, &of);
        if (link == NULL)
            break;
        shares[of]--;
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
        unsigned of;

        count(http, NULL, shares);
        most = pick_most(http, NULL, shares, is_larger, &of);
        if (most == NULL || most->bytes == 0)
            return;
        http_link_shut(most);
        http_room_set(most, 0);
    }
}

/* A caller's first request may take any place. With further ones he may have six times as many at
 * work as are left then, without a part that stays for others' first ones: three quarters of the
 * door where he is alone. */
err_code http_room_work(struct link *link, struct why *why)
{
    const struct door *door = link->door;
    unsigned most = door->http->limits.connections, own = door->working[link->share], all = 0;

    most -= most / RESERVE_PARTS;
    for (unsigned i = 0; i < HTTP_SHARES; i++)
        all += door->working[i];
    if (own <= 1 || (all <= most && own <= MORE_THAN_LEFT * (most - all + 1)))
        return ERR_OK;
    return why_say(why, ERR_OVERLOADED,
                   "%u requests of this caller wait, and %u of all; the limit is %u", own - 1,
                   all - 1, most);
}
