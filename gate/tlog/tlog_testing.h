/* SPDX-License-Identifier: Apache-2.0 */
/* tlog_testing.h: the oracle: what a log must be when some entries, each known by its index, were
 * committed to it. */
#ifndef PAWL_TLOG_TESTING_H
#define PAWL_TLOG_TESTING_H

#include "gate/base/dir_testing.h"
#include "gate/tlog/store.h"

#define ORACLE_ENTRY 300 /* bytes at most */

/* The tree in memory. fork: entries at and after fork_at are others, so that a log that goes on
 * differently after a crash is told apart. {0} is the empty log. */
struct oracle {
    struct tree tree;
    uint8_t fork;
    uint64_t fork_at;
};
void oracle_free(struct oracle *oracle);
/* Entry index, some of them empty. Borrows: space. */
struct slice oracle_entry(const struct oracle *oracle, uint64_t index,
                          uint8_t space[static ORACLE_ENTRY]);
void oracle_grow(struct oracle *oracle, uint64_t n);

/* The log has its size and root, and those entries with inclusion and consistency proofs: all, or
 * some of them. */
void oracle_check(struct oracle *oracle, struct tlog *tlog);
void oracle_sample(struct oracle *oracle, struct tlog *tlog, uint64_t step);

#endif
