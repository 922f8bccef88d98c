/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h: how far long work is, on the terminal of whoever waits for it. */
#ifndef PAWL_CLI_PROGRESS_H
#define PAWL_CLI_PROGRESS_H

#include "gate/cli/verb.h"

struct progress {
    bool bar;       /* somebody looks */
    uint64_t shown; /* per thousand */
};

/* There is a bar when standard error is a terminal, and without --quiet. */
struct progress progress_begin(const struct call *call);

/* So many entries of so many are done. Short work has no bar, and no bar stays at the end. */
void progress_step(struct progress *progress, uint64_t done, uint64_t of);

#endif
