/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h: the clock that nobody sets, for how long something took and when it is due. */
#ifndef PAWL_BASE_CLOCK_H
#define PAWL_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds (POSIX.1-2017, clock_gettime). */
uint64_t clock_steady_ns(void);

#endif
