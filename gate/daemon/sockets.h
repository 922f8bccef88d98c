/* SPDX-License-Identifier: Apache-2.0 */
/* sockets.h: where the service listens: sockets that the service manager passed on, or its own. */
#ifndef PAWL_DAEMON_SOCKETS_H
#define PAWL_DAEMON_SOCKETS_H

#include "gate/base/why.h"
#include "gate/daemon/caller.h"

#include <stdbool.h>

#define SOCKET_KINDS (CALLER_ADMIN + 1)

/* By enum caller_kind. {0} is none. */
struct sockets {
    struct {
        int fd;     /* descriptor + 1, so that 0 is none */
        char *path; /* NULL: it has none that can be named */
        bool own;   /* made here, and removed at the end */
    } of[SOCKET_KINDS];
};

/* What the service manager passed on, by the names "agents", "enforcement" and "admin". With none,
 * *ret stays {0}. Errors: USAGE on another name, or what is no listening Unix socket. */
err_code sockets_inherit(struct sockets *ret, struct why *why);

/* Makes those that paths names. A socket that nobody listens on any more is replaced. Errors:
 * EXISTS, USAGE (a path that is too long), STORAGE. */
err_code sockets_open(const char *const paths[static SOCKET_KINDS], struct sockets *ret,
                      struct why *why);

int sockets_take(struct sockets *sockets, enum caller_kind kind); /* -1: none. Owns: the fd */
void sockets_free(struct sockets *sockets);                       /* removes its own paths */

const char *sockets_name(enum caller_kind kind);

#endif
