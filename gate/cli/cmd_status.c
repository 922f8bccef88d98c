/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status.c: pawl status: what is in force, and what the hardware says. */
#include "gate/cli/gate_cli.h"
#include "gate/cli/service.h"
#include "gate/cli/verbs.h"
#include "gate/decide/manage.h"

static err_code status_here(struct call *call)
{
    CLEANUP(gate_close) struct gate *gate = NULL;
    struct manage manage = {.json = call->json};

    TRY(gate_open_live(call->state_dir, call->clock_ms, &gate, &call->why));
    manage.gate = gate;
    return manage_status(&manage, &call->why);
}

static err_code status_there(struct call *call, struct pawl_conn *service)
{
    const struct service_ask ask = {.method = "GET", .path = "/v1/gate"};

    return service_ask(call, service, &ask);
}

static void say_state(struct call *call)
{
    const char *reason = get_text(call->json, "reason");
    bool serving = json_is_true(json_object_get(call->json, "serving"));
    err_code err = reason[0] != '\0' ? err_from_name(reason) : ERR_INTERNAL;

    say(call, "GATE     %s of %s: %s", get_text(call->json, "gate"), get_text(call->json, "domain"),
        serving ? "serving" : "DENYING EVERYTHING");
    call->exit = serving ? 0 : err_exit(err);
    if (serving)
        return;
    say(call, "         %s: %s", err_name(err), get_text(call->json, "why"));
    say(call, "         %s", err_hint(err));
}

static void say_epochs(struct call *call)
{
    const json_t *json = call->json;
    unsigned long long epoch = get_uint(json, "epoch"), counter = get_uint(json, "counter");

    if (json_object_get(json, "index") != NULL)
        say(call, "COUNTER  NV 0x%08llx = %llu (base %llu)", get_uint(json, "index"), counter,
            counter - epoch);
    say(call, "EPOCH    hardware %llu, installed %llu", epoch, get_uint(json, "installed_epoch"));
}

static void say_ledger(struct call *call)
{
    const json_t *ledger = json_object_get(call->json, "ledger");

    say(call, "LEDGER   %llu entries, root %s", get_uint(ledger, "size"), get_text(ledger, "root"));
    if (get_uint(ledger, "missing") > 0)
        say(call, "         the hardware lost power: at most %llu rounds may be missing at the end",
            get_uint(ledger, "missing"));
}

static err_code run(struct call *call)
{
    CLEANUP(pawl_close) struct pawl_conn *service = NULL;
    const json_t *in_force;

    TRY(service_find(call, false, &service));
    TRY(service != NULL ? status_there(call, service) : status_here(call));
    say_state(call);
    say_hardware(call);
    say_epochs(call);
    in_force = json_object_get(call->json, "in_force");
    if (in_force != NULL)
        say_snapshot(call, json_is_true(in_force) ? "In force" : "On disk");
    say_ledger(call);
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
