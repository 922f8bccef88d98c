/* SPDX-License-Identifier: Apache-2.0 */
/* caller.h: who asks: the socket that he came through and what the kernel says of him, or over the
 * network his certificate (tls.h). Nothing of it comes from what he sent. */
#ifndef PAWL_DAEMON_CALLER_H
#define PAWL_DAEMON_CALLER_H

#include "gate/base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CALLER_CGROUP_MAX 512
#define CALLER_NAME_MAX 256

/* By the socket; each may what the one before may, but for speaking as an agent. */
enum caller_kind {
    CALLER_NONE = 0,
    CALLER_AGENT,       /* asks for himself */
    CALLER_ENFORCEMENT, /* asks for agents, and gets permits */
    CALLER_ADMIN,       /* also changes what is in force */
};

struct caller {
    enum caller_kind kind;
    bool over_tls; /* then uid and gid are -1, and key and name say who it is */
    uid_t uid;
    gid_t gid;
    pid_t pid;
    char cgroup[CALLER_CGROUP_MAX]; /* cgroup v2 path; empty: not known */
    char name[CALLER_NAME_MAX];     /* of his certificate, for people; empty: none */
    char key[96];                   /* the same for the same caller: for queues and counters */
};

/* Of a connected Unix socket: SO_PEERCRED, and /proc/<pid>/cgroup of a process that is still there.
 * Errors: CALLER_REFUSED. */
err_code caller_of(int fd, enum caller_kind kind, struct caller *ret, struct why *why);

#endif
