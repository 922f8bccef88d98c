/* SPDX-License-Identifier: Apache-2.0 */
/* histogram.h: how often a value lay below each of some bounds: what Prometheus calls a histogram.
 * Whole numbers only. */
#ifndef PAWL_DAEMON_HISTOGRAM_H
#define PAWL_DAEMON_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS_MAX 16

/* Static storage. */
struct histogram_scale {
    uint64_t bounds[HISTOGRAM_BOUNDS_MAX]; /* rising; 0 ends them */
    uint64_t unit;                         /* this many are 1 where they are shown */
};
extern const struct histogram_scale HISTOGRAM_TIMES; /* nanoseconds, shown as seconds */
extern const struct histogram_scale HISTOGRAM_SIZES;

/* {0} is ready. */
struct histogram {
    uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* above the bound before, up to this one */
    uint64_t n, sum;
};

void histogram_add(struct histogram *histogram, const struct histogram_scale *scale,
                   uint64_t value);

#endif
