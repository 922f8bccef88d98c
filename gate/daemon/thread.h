/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.h: the service's threads. Reading and judging a policy at the limit of nesting takes
 * megabytes of stack (docs/cedar.md), and what a thread gets by itself is what RLIMIT_STACK happens
 * to be where the service was started: too little of it ends the process in the middle of a round.
 */
#ifndef PAWL_DAEMON_THREAD_H
#define PAWL_DAEMON_THREAD_H

#include "gate/base/err.h"

#include <pthread.h>
#include <stddef.h>

#define THREAD_STACK ((size_t)8 << 20)

/* Runs run(arg) with a stack of THREAD_STACK octets. Error: NO_MEMORY. */
err_code thread_start(void *(*run)(void *), void *arg, pthread_t *ret);

#endif
