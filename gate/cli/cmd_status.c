/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status.c: pawl status: what is in force, and what the hardware says. */
#include "gate/base/text.h"
#include "gate/cli/gate_cli.h"
#include "gate/cli/verbs.h"
#include "gate/decide/scribe.h"

struct ledger_view {
    bool exists;
    struct checkpoint head;
    uint64_t newest_ms; /* time of the last record */
};

static err_code view_ledger(struct call *call, const struct gate *gate, struct ledger_view *ret)
{
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0};
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    static struct record record;
    err_code err;

    TRY(path_join(gate->state_dir, "ledger", &path));
    err = ledger_open((const char *)path.ptr, LEDGER_READ, &ledger, &call->why);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err != ERR_OK)
        return err;
    ret->exists = true;
    TRY(ledger_checkpoint(ledger, &ret->head));
    if (ret->head.size == 0)
        return ERR_OK;
    TRY(ledger_entry(ledger, ret->head.size - 1, &bytes, &call->why));
    TRY(record_parse(buf_slice(&bytes), &record, &call->why));
    ret->newest_ms = record.action_ms;
    return ERR_OK;
}

static void say_ledger(struct call *call, const struct ledger_view *view)
{
    char root[DIGEST_TEXT];
    json_t *json = put_object(call->json, "ledger");

    put_uint(json, "size", view->head.size);
    if (!view->exists) {
        say(call, "LEDGER   empty");
        return;
    }
    digest_text(&view->head.root, root);
    put_digest(json, "root", &view->head.root);
    say(call, "LEDGER   %llu entries, root %s", (unsigned long long)view->head.size, root);
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

/* The entries of the ledger come in the order of their times, so nothing can be recorded. */
static err_code clock_runs(const struct gate *gate, const struct ledger_view *view, struct why *why)
{
    char now[TIME_TEXT], then[TIME_TEXT];

    if (gate->now_ms >= view->newest_ms)
        return ERR_OK;
    time_text(gate->now, now);
    time_text((int64_t)(view->newest_ms / 1000), then);
    return why_say(why, ERR_CLOCK_BACK, "it is %s, but the last entry of the ledger is of %s", now,
                   then);
}

/* OK if one policy at least may permit something now; else why the first of them may not. */
static err_code some_policy(const struct gate *gate, struct why *why)
{
    const struct judged *judged = &gate->installed.judged;
    err_code first = ERR_OK;

    for (size_t i = 0; i < judged->snapshot.n_policies; i++) {
        struct why own = {0};
        err_code err = policy_state(judged, i, gate->now, &own);
        if (err == ERR_OK)
            return ERR_OK;
        if (first == ERR_OK) {
            first = err;
            *why = own;
        }
    }
    return first != ERR_OK ? first
                           : why_say(why, ERR_NO_POLICY, "the snapshot of epoch %llu is empty",
                                     (unsigned long long)judged->snapshot.epoch);
}

/* What check asks before it asks a policy, up to the hardware's readiness for a round. */
static err_code would_serve(struct gate *gate, const struct ledger_view *view, struct why *why)
{
    const int64_t now = gate->now;

    TRY(gate_current(gate, why));
    TRY(clock_runs(gate, view, why));
    TRY(fresh_snapshot(&gate->installed.judged.snapshot, now, why));
    TRY(fresh_root(gate->installed.judged.newest, now, why));
    TRY(some_policy(gate, why));
    return gate->hw->ops->begin(gate->hw, why);
}

static err_code run(struct call *call)
{
    CLEANUP(gate_close) struct gate *gate = NULL;
    struct ledger_view view = {0};
    struct why why = {0};
    err_code current;

    TRY(gate_open_live(call->state_dir, call->clock_ms, &gate, &call->why));
    TRY(view_ledger(call, gate, &view));
    current = would_serve(gate, &view, &why);
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
    say_ledger(call, &view);
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
