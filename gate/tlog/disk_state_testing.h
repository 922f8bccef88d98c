/* SPDX-License-Identifier: Apache-2.0 */
/* disk_state_testing.h: what disk_testing.c remembers of the disk, for disk_image_testing.c, which
 * puts one together again. */
#ifndef PAWL_TLOG_DISK_STATE_TESTING_H
#define PAWL_TLOG_DISK_STATE_TESTING_H

#include "gate/tlog/disk_testing.h"

#include <sys/types.h>

#define NAME 256
#define FILES 4096
#define CALLS 4096

enum kind {
    MAKE, /* a name for a new file */
    RENAME,
    REMOVE,
    MAKE_DIR,
    WRITE,
    CUT,
    NOTHING_MORE, /* a moment between two changes, when something became durable */
};

/* One change, and when it became durable. */
struct change {
    enum kind kind;
    size_t file; /* number of the file, not of its name */
    char name[NAME], to[NAME];
    uint8_t *bytes;
    size_t at, len;
    size_t durable; /* number of changes there were when it became so; SIZE_MAX: it has not */
};

extern struct disk {
    char dir[NAME];
    struct change *changes;
    size_t n, cap;
    size_t n_files;
    struct {
        ino_t inode;
        size_t file;
    } known[FILES];
    size_t n_known;
    bool armed, dead, hit, paused;
    size_t calls, at;
    uint8_t needs[CALLS];
    enum disk_fault fault;
} disk;

bool disk_is_data(const struct change *change);

#endif
