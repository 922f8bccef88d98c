/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine.h: a process takes from itself what it will not need again, so that whoever takes it over
 * does not have it either. Nothing of it can be given back. Files by Landlock, which the kernel
 * knows for threads that begin later alone: call it before there are any. System calls by a filter,
 * for all threads.
 *
 * Where the kernel has neither, nothing is taken; that is no error.
 */
#ifndef PAWL_DAEMON_CONFINE_H
#define PAWL_DAEMON_CONFINE_H

#include "gate/base/why.h"

#include <stdbool.h>
#include <stddef.h>

enum confine_access {
    CONFINE_READ,   /* files, and lists of them */
    CONFINE_EXISTS, /* reading and writing of what is there: for devices */
    CONFINE_REMOVE, /* taking names away, in a directory */
    CONFINE_WRITE,  /* everything but programs and new devices */
};

/* With all below it. What is not there is passed over. */
struct confine_path {
    const char *path;
    enum confine_access access;
};

/* Leaves these, and what every program reads: libraries, /etc, /opt, /proc, /sys, random numbers.
 * No program can be executed. ret: done. Errors: INTERNAL when the kernel has it, and refuses. */
err_code confine_files(const struct confine_path *paths, size_t n, bool *ret, struct why *why);

/* Leaves what a service needs that has been started. Not: other programs and processes, mounts,
 * namespaces, modules, keyrings, clocks, tracing, other users, code made at run time; sockets other
 * than Unix, and with network other than the Internet. What is refused fails with EPERM. Errors: as
 * above. */
err_code confine_calls(bool network, bool *ret, struct why *why);

#endif
