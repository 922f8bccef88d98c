/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status.c: pawl status: what is in force, and what the hardware says. */
#include "gate/base/text.h"
#include "gate/cli/gate_cli.h"
#include "gate/cli/verbs.h"
#include "gate/decide/gate_ledger.h"
#include "gate/decide/serve.h"

static void say_ledger(struct call *call, const struct ledger *ledger, const struct hw_kept *kept)
{
    const struct checkpoint head = ledger_head(ledger).checkpoint;
    char root[DIGEST_TEXT];
    json_t *json = put_object(call->json, "ledger");

    digest_text(&head.root, root);
    put_uint(json, "size", head.size);
    put_digest(json, "root", &head.root);
    put_uint(json, "missing", kept->missing);
    say(call, "LEDGER   %llu entries, root %s", (unsigned long long)head.size, root);
    if (kept->missing > 0)
        say(call, "         the hardware lost power: at most %llu rounds may be missing at the end",
            (unsigned long long)kept->missing);
}

static void say_epochs(struct call *call, const struct gate *gate, bool current)
{
    const struct hw_enrolment *hw = &gate->enrolment.hw;
    uint64_t disk = gate->has_installed ? gate->installed.judged.snapshot.epoch : 0;

    put_uint(call->json, "epoch", gate->epoch);
    put_uint(call->json, "installed_epoch", disk);
    put_bool(call->json, "serving", current);
    if (hw->index != 0) {
        put_uint(call->json, "counter", hw->base + gate->epoch);
        put_uint(call->json, "index", hw->index);
        say(call, "COUNTER  NV 0x%08x = %llu (base %llu)", hw->index,
            (unsigned long long)(hw->base + gate->epoch), (unsigned long long)hw->base);
    }
    say(call, "EPOCH    hardware %llu, installed %llu", (unsigned long long)gate->epoch,
        (unsigned long long)disk);
}

static err_code run(struct call *call)
{
    CLEANUP(gate_close) struct gate *gate = NULL;
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    struct why why = {0};
    struct hw_kept kept;
    err_code current;

    TRY(gate_open_live(call->state_dir, call->clock_ms, &gate, &call->why));
    TRY(gate_ledger_open(gate->state_dir, LEDGER_READ, &ledger, &call->why));
    current = serve_state(gate, ledger, &kept, &why);
    say(call, "GATE     %.*s of %.*s: %s", TERM_ARG(gate->enrolment.gate),
        TERM_ARG(gate->enrolment.domain), current == ERR_OK ? "serving" : "DENYING EVERYTHING");
    if (current != ERR_OK) {
        say(call, "         %s: %s", err_name(current), why.text);
        say(call, "         %s", err_hint(current));
        put_text(call->json, "reason", err_name(current));
        put_text(call->json, "why", why.text);
    }
    put_slice(call->json, "domain", gate->enrolment.domain);
    put_slice(call->json, "gate", gate->enrolment.gate);
    put_digest(call->json, "root", &gate->enrolment.root);
    put_hardware(call->json, &gate->enrolment.hw.about);
    say_hardware(call, &gate->enrolment.hw.about);
    say_epochs(call, gate, current == ERR_OK);
    if (gate->has_installed) {
        struct why stale = {0};
        bool in_force = gate_current(gate, &stale) == ERR_OK;
        put_snapshot(call->json, &gate->installed.judged, gate->now);
        say_snapshot(call, in_force ? "In force" : "On disk", &gate->installed.judged, gate->now);
    }
    say_ledger(call, ledger, &kept);
    call->exit = err_exit(current);
    return ERR_OK;
}

const struct verb VERB_STATUS = {
    .name = "status",
    .arguments = "",
    .summary = "show what is in force, what the hardware says, and whether the gate serves",
    .details = "Exit code 0: serving. Otherwise the code of the reason why everything is denied.",
    .opts = NO_OPTIONS,
    .run = run,
};
