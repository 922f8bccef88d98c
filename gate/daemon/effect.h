/* SPDX-License-Identifier: Apache-2.0 */
/* effect.h: what is in force, for who only looks: names and numbers, and nothing that anybody else
 * could free meanwhile. */
#ifndef PAWL_DAEMON_EFFECT_H
#define PAWL_DAEMON_EFFECT_H

#include "gate/policy/snapshot.h"

#define EFFECT_POLICIES_MAX 64 /* named; the others are counted */

struct effect {
    bool any;          /* something is in force */
    int64_t expires;   /* the snapshot, seconds since 1970 */
    size_t n_policies; /* in force */
    size_t n;          /* of those the first so many are named */
    struct {
        char alias[TERM_NAME_MAX + 1]; /* a name as term_name_check() has it */
        uint64_t version;
    } policies[EFFECT_POLICIES_MAX];
};

void effect_take(const struct snapshot *snapshot, struct effect *ret);

#endif
