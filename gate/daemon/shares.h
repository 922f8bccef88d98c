/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shares.h: of something bounded that callers have, who has how much. Nobody may have more than is
 * left: of n callers that want all of it each gets one part of n + 1, and who asks for little finds
 * some. One thread.
 */
#ifndef PAWL_DAEMON_SHARES_H
#define PAWL_DAEMON_SHARES_H

#include "gate/base/why.h"

#include <stdbool.h>
#include <stddef.h>

struct share {
    struct share *next;
    char *caller;
    size_t n;
};

/* {.most = ...} is ready; what is given back in the end frees it. */
struct shares {
    size_t most, all;
    struct share *list; /* of those who have any */
};

/* Whether this caller may have n more. */
bool shares_may(const struct shares *shares, const char *caller, size_t n);

/* He has. Errors: NO_MEMORY. */
err_code shares_take(struct shares *shares, const char *caller, size_t n);

/* No longer, of what he took. */
void shares_give_back(struct shares *shares, const char *caller, size_t n);

#endif
