/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin.h: what administrators change while the gate is served, and ask it. Each is work of the
 * keeper's between two rounds (manage.h); the answer comes when it is on record.
 *
 *     POST   /v1/install      a bundle
 *     GET    /v1/agents       {"agents": [...]}
 *     POST   /v1/agents       enrols one
 *     GET    /v1/agents/ID    shows one
 *     DELETE /v1/agents/ID    removes one
 *     GET    /v1/gate         what the hardware says, and what is in force
 *     POST   /v1/reload       opens the gate anew
 */
#ifndef PAWL_DAEMON_ADMIN_H
#define PAWL_DAEMON_ADMIN_H

#include "gate/daemon/http.h"
#include "gate/daemon/keeper.h"
#include "gate/daemon/tls.h"

struct task;

#define ADMIN_WAITING_MAX 8 /* calls at once; a bundle has up to BUNDLE_SIZE_MAX bytes */

/* Borrowed. */
struct admin {
    struct keeper *keeper;
    const char *state_dir;
    struct tls *tls;                       /* read anew with the gate; NULL: none */
    bool stopping;                         /* everything is refused with STOPPING */
    size_t waiting;                        /* callers without an answer */
    struct task *tasks[ADMIN_WAITING_MAX]; /* theirs; NULL: a free place */
};

/* Nobody is waited for any more: each is told that what became of it is unknown. Tells of each. */
void admin_leave(struct admin *admin,
                 void (*tell)(const char *method, const char *path, uid_t uid));

/* Adds its paths. Borrows: admin, until the keeper has given everything back. */
err_code admin_serve(struct admin *admin, struct http *http);

#endif
