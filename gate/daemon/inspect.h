/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect.h: what administrators may look at while the service runs. Nothing of it waits for the
 * hardware.
 *
 *     GET /metrics     for Prometheus
 *     GET /v1/status   {"schema": "pawl/1", "serving", "error", "why", "epoch", ...}
 */
#ifndef PAWL_DAEMON_INSPECT_H
#define PAWL_DAEMON_INSPECT_H

#include "gate/daemon/http.h"
#include "gate/daemon/metrics.h"
#include "gate/daemon/registry.h"
#include "gate/daemon/report.h"

/* Borrowed. */
struct inspect {
    struct http *http;
    struct keeper *keeper;
    const struct metrics *metrics;
    const struct report *report;
    const struct strangers *strangers;
    struct registry *registry;
    uint64_t (*clock_ms)(void); /* since 1970 */
    uint64_t since_ms;          /* when the service began, since 1970 */
};

/* Adds its paths. Borrows: inspect. */
err_code inspect_serve(struct inspect *inspect);

#endif
