/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/histogram.h"

#define MS UINT64_C(1000000)

/* From what memory needs to what a slow chip does. */
const struct histogram_scale HISTOGRAM_TIMES = {
    .bounds = {MS / 2, MS, 2 * MS, 5 * MS, 10 * MS, 20 * MS, 50 * MS, 100 * MS, 200 * MS, 500 * MS,
               1000 * MS, 2000 * MS, 5000 * MS, 10000 * MS, 30000 * MS},
    .unit = 1000 * MS,
};
const struct histogram_scale HISTOGRAM_SIZES = {
    .bounds = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512},
    .unit = 1,
};

void histogram_add(struct histogram *histogram, const struct histogram_scale *scale, uint64_t value)
{
    size_t i = 0;

    while (i < HISTOGRAM_BOUNDS_MAX && scale->bounds[i] != 0 && value > scale->bounds[i])
        i++;
    histogram->counts[i]++;
    histogram->n++;
    histogram->sum += value;
}
