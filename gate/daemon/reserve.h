/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reserve.h: memory that is put by for libevent, which does not look everywhere whether it got
 * some: without it a connection that comes while there is none ends the process. What is small is
 * taken from here when malloc() has nothing; while much of it is in use nobody is let in.
 */
#ifndef PAWL_DAEMON_RESERVE_H
#define PAWL_DAEMON_RESERVE_H

#include <stdbool.h>
#include <stddef.h>

#define RESERVE_SLOTS 2048
#define RESERVE_SLOT 1024 /* bytes; more than each of libevent's structures has */

/* Has libevent ask here from now on; before anything else is asked of it, and once for all. */
void reserve_for_events(void);

/* Half of it is in use. From the thread of the events. */
bool reserve_is_low(void);

/* What libevent calls. Of its one thread. */
void *reserve_malloc(size_t size);
void *reserve_realloc(void *old, size_t size);
void reserve_free(void *memory);

#endif
