/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_log_rebuild.c: pawl log rebuild: the gate's mutable state again, from its log. */
#include "gate/base/file.h"
#include "gate/cli/progress.h"
#include "gate/cli/service.h"
#include "gate/cli/verbs.h"
#include "gate/ledger/log.h"

#define LOCK_WAIT_MS 2000

static void step(void *context, uint64_t done, uint64_t of)
{
    progress_step(context, done, of);
}

static err_code rebuild_run(struct call *call)
{
    CLEANUP(buf_free) struct buf path = {0}, enrolment = {0};
    CLEANUP(lock_free) struct lock lock = {0};
    struct progress progress = progress_begin(call);
    const struct ledger_progress bar = {step, &progress};

    TRY(path_join(call->state_dir, "enrolment.cbor", &enrolment));
    if (!file_exists((const char *)enrolment.ptr))
        return why_say(&call->why, ERR_NOT_ENROLLED, "\"%s\" holds no enrolment", call->state_dir);
    TRY(service_is_away(call));
    TRY(path_join(call->state_dir, "lock", &path));
    TRY(lock_take((const char *)path.ptr, LOCK_WAIT_MS, &lock, &call->why));
    TRY(ledger_rebuild(call->state_dir, &bar, &call->why));
    say(call, "Made \"%s/state.db\" again from the log.", call->state_dir);
    return ERR_OK;
}

const struct verb VERB_LOG_REBUILD = {
    .name = "log rebuild",
    .arguments = "",
    .summary = "make the gate's state database again from its log",
    .details =
        "Every entry is judged as when it was appended. The gate must not run. The same log\n"
        "always gives the same bytes.",
    .opts = NO_OPTIONS,
    .run = rebuild_run,
};
