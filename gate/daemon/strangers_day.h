/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strangers_day.h: how many requests of strangers go on record one by one: so many in a day, of
 * UTC. The others are counted, and once an hour one record says how many there were. Kept in a
 * file, so that it is the same after a start: who can have the service end gains no records by
 * that, and does not make it forget how often he asked.
 */
#ifndef PAWL_DAEMON_STRANGERS_DAY_H
#define PAWL_DAEMON_STRANGERS_DAY_H

#include "gate/base/why.h"

#include <stdbool.h>

#define STRANGERS_PER_DAY 256
#define STRANGERS_TOGETHER_MS UINT64_C(3600000)

/* {0} is a gate's first. */
struct strangers_day {
    uint64_t day;        /* since 1970 */
    uint64_t recorded;   /* one by one, of this day */
    uint64_t unrecorded; /* since there was a record that says how many */
    uint64_t since_ms;   /* since 1970: when the first of them was, or when it was tried last */
};

/* Takes one of this day's, if there is one. A clock that is set back gives no new day. */
bool strangers_day_take(struct strangers_day *day, uint64_t now_ms);

void strangers_day_miss(struct strangers_day *day, uint64_t n, uint64_t now_ms);

/* How many are to be put on record together now; 0: none yet. What is returned is due an hour later
 * the next time, unless strangers_day_told() says before that it is on record. */
uint64_t strangers_day_due(struct strangers_day *day, uint64_t now_ms);
void strangers_day_told(struct strangers_day *day, uint64_t n);

/* No file is {0}. One that cannot be read as such is a day on which nothing goes on record one by
 * one any more; *why says what is wrong with it. Errors: those of file_read(). */
err_code strangers_day_load(const char *path, uint64_t now_ms, struct strangers_day *ret,
                            struct why *why);

/* Errors: STORAGE, STORAGE_FULL, NO_MEMORY. */
err_code strangers_day_save(const char *path, const struct strangers_day *day, struct why *why);

#endif
