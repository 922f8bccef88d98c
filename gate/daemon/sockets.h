/* SPDX-License-Identifier: Apache-2.0 */
/* sockets.h: where the service listens: sockets that the service manager passed on, or its own. */
#ifndef PAWL_DAEMON_SOCKETS_H
#define PAWL_DAEMON_SOCKETS_H

#include "gate/base/why.h"
#include "gate/daemon/caller.h"

#include <stdbool.h>

#define SOCKET_KINDS (CALLER_ADMIN + 1)
#define SOCKETS_ADDR_MAX 64

/* By enum caller_kind. {0} is none. */
struct sockets {
    struct {
        int fd;     /* descriptor + 1, so that 0 is none */
        char *path; /* NULL: it has none that can be named */
        bool own;   /* made here, and removed at the end */
    } of[SOCKET_KINDS];
    int tls;                        /* descriptor + 1, of TCP */
    char address[SOCKETS_ADDR_MAX]; /* of tls, as it is, with its port */
};

/* What the service manager passed on, by the names "agents", "enforcement" and "admin"; and "tls",
 * of TCP. With none, *ret stays {0}. Errors: USAGE on another name, or what does not listen so. */
err_code sockets_inherit(struct sockets *ret, struct why *why);

/* Makes those that paths names. A socket that nobody listens on any more is replaced. Errors:
 * EXISTS, USAGE (a path that is too long), STORAGE. */
err_code sockets_open(const char *const paths[static SOCKET_KINDS], struct sockets *ret,
                      struct why *why);

/* Listens on "ADDR:PORT", numbers; an address of IPv6 stands in brackets; port 0: any. sockets gets
 * it. Errors: USAGE; EXISTS when somebody has the port; STORAGE. */
err_code sockets_open_tcp(const char *text, struct sockets *sockets, struct why *why);

int sockets_take_tls(struct sockets *sockets);                    /* -1: none. Owns: the fd */
int sockets_take(struct sockets *sockets, enum caller_kind kind); /* -1: none. Owns: the fd */
void sockets_free(struct sockets *sockets);                       /* removes its own paths */

const char *sockets_name(enum caller_kind kind);

#endif
