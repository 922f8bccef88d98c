/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#define PROGRESS_MIN 20000 /* entries: a second or less */
#define WIDTH 40

struct progress progress_begin(const struct call *call)
{
    return (struct progress){.bar = isatty(STDERR_FILENO) && !args_flag(call->args, "quiet")};
}

void progress_step(struct progress *progress, uint64_t done, uint64_t of)
{
    uint64_t share = of > 0 ? done * 1000 / of : 1000;

    if (!progress->bar || of < PROGRESS_MIN || share == progress->shown)
        return;
    progress->shown = share;
    (void)fprintf(stderr, "\r[%-*.*s] %3llu.%llu%% of %llu entries", WIDTH,
                  (int)(share * WIDTH / 1000), "########################################",
                  (unsigned long long)(share / 10), (unsigned long long)(share % 10),
                  (unsigned long long)of);
    if (share == 1000)
        (void)fputs("\r\033[K", stderr);
}
