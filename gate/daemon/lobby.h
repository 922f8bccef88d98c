/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lobby.h: those who came over the network and have not shown who they are. To find that out costs
 * signatures, which anybody can have us make: an address at which many fail waits, and so do all
 * that were never good for anything while too many fail together. Each that does not get in is
 * counted with its reason, and said as far as there are not too many.
 */
#ifndef PAWL_DAEMON_LOBBY_H
#define PAWL_DAEMON_LOBBY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOBBY_BURST 32      /* handshakes of one address that failed at once */
#define LOBBY_PER_SECOND 8  /* and from then on */
#define LOBBY_BURST_ALL 256 /* of all addresses together that were never good for anything */
#define LOBBY_PER_SECOND_ALL 64
#define LOBBY_KNOWN 256    /* addresses that are remembered at one time */
#define LOBBY_SAID_BURST 8 /* lines at once, and from then on one a second */
#define LOBBY_ADDRESS 46   /* characters, with the terminator */

/* Why somebody did not get in. */
enum lobby_reason {
    LOBBY_LEFT = 0, /* by himself, or he said nothing */
    LOBBY_ALERT,    /* he did not want us */
    LOBBY_PROTOCOL, /* no TLS 1.3 */
    LOBBY_NO_CERTIFICATE,
    LOBBY_AUTHORITY, /* of nobody whom we know */
    LOBBY_TIME,      /* expired, or not valid yet */
    LOBBY_PURPOSE,   /* for something else */
    LOBBY_REVOKED,
    LOBBY_NOT_ALLOWED, /* on no list */
    LOBBY_CERTIFICATE, /* wrong in another way */
    LOBBY_RATE,        /* too many failed */
    LOBBY_DEADLINE,    /* took too long */
    LOBBY_ROOM,        /* too many were shaking hands */
    LOBBY_REASONS,
};

/* An IPv4 address, or the first half of an IPv6 address, which is one user's. {0}: not known. */
struct lobby_who {
    uint8_t key[16];
    char text[LOBBY_ADDRESS];
};
void lobby_who_of(int fd, struct lobby_who *ret);

/* {0} is ready. Times are CLOCK_MONOTONIC. */
struct lobby {
    uint64_t refused[LOBBY_REASONS];
    struct lobby_rate {
        uint8_t key[16];
        bool used, good;         /* good: somebody there got in */
        uint64_t debt_ns, at_ns; /* see lobby.c; when something was heard of it */
    } list[LOBBY_KNOWN];
    uint64_t debt_ns, said_ns, unsaid;
    void (*tell)(const char *text); /* NULL: nobody wants to know */
};

/* Whether a handshake with him may begin. */
bool lobby_admits(const struct lobby *lobby, const struct lobby_who *who, uint64_t now_ns);

/* He got in. */
void lobby_welcome(struct lobby *lobby, const struct lobby_who *who, uint64_t now_ns);

/* He did not. tried: his handshake had begun, and counts. detail: for people, or NULL. */
struct lobby_end {
    enum lobby_reason reason;
    bool tried;
    const char *detail;
};
void lobby_refuse(struct lobby *lobby, const struct lobby_who *who, const struct lobby_end *end,
                  uint64_t now_ns);

const char *lobby_reason_name(enum lobby_reason reason);

#endif
