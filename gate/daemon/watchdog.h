/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watchdog.h: when the service manager is told that the service lives: at half of the time that he
 * waits, and only if the hardware answered, or failed in order, since he was told last. A thread
 * that hangs in the hardware for good is no life; a hardware that is away is no reason to die.
 */
#ifndef PAWL_DAEMON_WATCHDOG_H
#define PAWL_DAEMON_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

/* {0} is never due: nobody waits. */
struct watchdog {
    uint64_t every_ns; /* half of what the service manager waits */
    uint64_t fed_ns;   /* CLOCK_MONOTONIC of the last time */
};

/* What the service manager of this process asks for ($WATCHDOG_USEC, sd_watchdog_enabled(3)). */
struct watchdog watchdog_wanted(void);

/* How often the hardware must be asked for that, at least; 0: as it likes. */
uint64_t watchdog_ping_ns(const struct watchdog *watchdog);

/* Whether to tell him now, which is then noted. answered_ns: of the hardware's last answer. */
bool watchdog_due(struct watchdog *watchdog, uint64_t now_ns, uint64_t answered_ns);

#endif
