/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_install.c: pawl install: takes what the authority published into force. */
#include "gate/base/text.h"
#include "gate/cli/gate_cli.h"
#include "gate/cli/verbs.h"
#include "gate/decide/install.h"
#include "gate/decide/scribe.h"

#include <string.h>

/* The install goes on record in the first round of the new epoch. */
static err_code record(struct call *call, struct gate *gate)
{
    CLEANUP(scribe_close) struct scribe *scribe = NULL;
    uint64_t index = 0;

    TRY(scribe_open(gate, &scribe, &call->why));
    if (!scribe_owes_install(scribe))
        return ERR_OK;
    scribe_last(scribe);
    TRY(scribe_install(scribe, gate->now_ms, &index, &call->why));
    put_uint(call->json, "ledger_index", index);
    publish_ledger(call, scribe);
    return ERR_OK;
}

/* That somebody offered it goes on record, too, where there is an epoch to record it under. The
 * refusal stands, whatever comes of this. */
static void record_refusal(struct call *call, struct gate *gate, const struct refusal *refusal)
{
    CLEANUP(scribe_close) struct scribe *scribe = NULL;
    uint64_t index = 0;
    struct why why = {0};

    if (gate_current(gate, &why) != ERR_OK || scribe_open(gate, &scribe, &why) != ERR_OK)
        return;
    scribe_last(scribe);
    if (scribe_refused(scribe, refusal, gate->now_ms, &index, &why) != ERR_OK)
        return;
    put_uint(call->json, "ledger_index", index);
    publish_ledger(call, scribe);
}

/* A bundle that was refused changed nothing: say what goes on deciding. Other errors may have come
 * after it was stored. */
static err_code refused(struct call *call, struct gate *gate, struct refusal *refusal, err_code err)
{
    const uint64_t epoch = gate->installed.judged.snapshot.epoch;
    char *text = call->why.text;
    size_t len = strlen(text);

    if (err_exit(err) < err_exit(ERR_FORMAT) || err_exit(err) > err_exit(ERR_ROLLBACK))
        return err;
    if (gate->has_installed && gate->blocked == ERR_OK && epoch == gate->epoch && len > 0)
        (void)snprintf(text + len, sizeof call->why.text - len, "; epoch %llu stays in force",
                       (unsigned long long)epoch);
    refusal->error = err;
    record_refusal(call, gate, refusal);
    return err;
}

static err_code run(struct call *call)
{
    CLEANUP(gate_close) struct gate *gate = NULL;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct install_result result;
    struct refusal refusal = {0};

    TRY(file_read(call->args->plain[0], BUNDLE_SIZE_MAX, &bytes, &call->why));
    TRY(gate_open_live(call->state_dir, call->clock_ms, &gate, &call->why));
    refusal.claimed = install_claims(buf_slice(&bytes));
    TRY(hash_sha256(buf_slice(&bytes), &refusal.bundle));
    TRY(refused(
        call, gate, &refusal,
        in_file(call, gate_install(gate, &bytes, &result, &call->why), call->args->plain[0])));
    TRY(record(call, gate));

    put_uint(call->json, "epoch", result.epoch);
    put_uint(call->json, "from_epoch", result.from_epoch);
    put_bool(call->json, "changed", !result.known);
    put_snapshot(call->json, &gate->installed.judged, gate->now);
    if (result.known)
        say(call, "Epoch %llu is in force already.", (unsigned long long)result.epoch);
    else
        say(call,
            "Installed: epoch %llu -> %llu. The hardware will not sign for epoch %llu any more.",
            (unsigned long long)result.from_epoch, (unsigned long long)result.epoch,
            (unsigned long long)result.from_epoch);
    say_snapshot(call, "In force", &gate->installed.judged, gate->now);
    return ERR_OK;
}

const struct verb VERB_INSTALL = {
    .name = "install",
    .arguments = "BUNDLE",
    .summary = "verify a published bundle in hardware, store it, step the epoch, serve it",
    .details =
        "A bundle is what \"pawl publish\" writes. Nothing changes unless all of it verifies. An\n"
        "install that is interrupted is finished by the next command. Older bundles are refused\n"
        "by the hardware.",
    .opts = NO_OPTIONS,
    .least = 1,
    .most = 1,
    .run = run,
};
