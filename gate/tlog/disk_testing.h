/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_testing.h: a disk that fails. A test program that is linked with disk_wrap_args
 * (meson.build) has every call of its code that touches a file pass through here, where one of
 * them, counted from the start, goes wrong. All that is written below the watched directory is
 * remembered with what was made durable, so that the directory can be made again as a power cut
 * would leave it.
 */
#ifndef PAWL_TLOG_DISK_TESTING_H
#define PAWL_TLOG_DISK_TESTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum disk_fault {
    DISK_WORKS = 0,
    DISK_KILL,  /* the call and every later one does nothing: the process is gone */
    DISK_TORN,  /* half of a write, then as KILL */
    DISK_EIO,   /* the call fails and does nothing */
    DISK_FULL,  /* so that room is missing: what needs none works */
    DISK_SHORT, /* a write writes half, which is no error */
    DISK_LATE,  /* the call is done, and fails all the same */
};
#define DISK_FAULTS (DISK_LATE + 1)

/* Begins to watch a directory, empty so far. */
void disk_watch(const char *dir);
void disk_forget(void);

/* Whether calls pass through unseen, and nothing is remembered. */
void disk_pause(bool pause);

/* From now on, the call number at (from 0) goes wrong; at most once, but for KILL and TORN. */
void disk_arm(size_t at, enum disk_fault fault);
/* Disarms. Returns how many calls there were since disk_arm(); whether one went wrong. */
size_t disk_disarm(bool *ret_hit);
bool disk_dead(void);

/* Whether that fault would make a difference to call number at, as it was since disk_arm(). */
bool disk_applies(size_t at, enum disk_fault fault);

/* How many operations were recorded, and how many of the first so many are not durable then: the
 * disk as it was at each moment. */
size_t disk_operations(void);
size_t disk_pending(size_t moment);
/* Whether what comes next makes something durable. */
bool disk_before_sync(size_t moment);

/* What a power cut leaves of the operations that were not durable at a moment. */
enum disk_loss {
    LOSE_ALL = 0,
    LOSE_DATA,   /* names are there, files are empty */
    LOSE_ZEROES, /* names and lengths are there, octets are zero */
    LOSE_NAMES,  /* data is there, names are not */
    LOSE_NONE,
    LOSE_HALF,   /* the last piece of data is there by half */
    LOSE_ONE,    /* only the pending operation number which is lost */
    LOSE_OTHERS, /* only that one is there */
    LOSE_SOME,   /* which is a seed */
};
void disk_restore(size_t moment, enum disk_loss loss, uint64_t which, const char *dir);

#endif
