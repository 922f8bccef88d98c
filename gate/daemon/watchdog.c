/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/watchdog.h"

#include <systemd/sd-daemon.h>

struct watchdog watchdog_wanted(void)
{
    struct watchdog out = {0};
    uint64_t us = 0;

    if (sd_watchdog_enabled(0, &us) > 0 && us <= UINT64_MAX / 1000)
        out.every_ns = us * 1000 / 2;
    return out;
}

uint64_t watchdog_ping_ns(const struct watchdog *watchdog)
{
    return watchdog->every_ns / 2; /* an answer between any two times */
}

bool watchdog_due(struct watchdog *watchdog, uint64_t now_ns, uint64_t answered_ns)
{
    if (watchdog->every_ns == 0 || answered_ns <= watchdog->fed_ns ||
        now_ns - watchdog->fed_ns < watchdog->every_ns)
        return false;
    watchdog->fed_ns = now_ns;
    return true;
}
