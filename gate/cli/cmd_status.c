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

#define PATIENCE_MS 60000 /* for hardware: a TPM's command has 30 s */
#define SILENCE_MS 15000  /* an idle hardware is asked every 5 s */

static void say_error(struct call *call, const char *when, const json_t *from)
{
    const err_code err = err_from_name(get_text(from, "error"));

    say(call, "         %s: %s: %s", when, get_text(from, "error"), get_text(from, "why"));
    if (err != ERR_OK && err_hint(err)[0] != '\0')
        say(call, "         %s", err_hint(err));
}

static void say_service(struct call *call, const json_t *service)
{
    const unsigned long long silent = get_uint(service, "hardware_silent_ms");
    const json_t *last = json_object_get(service, "last_error");

    say(call, "SERVICE  pawld, process %llu, since %s", get_uint(service, "pid"),
        get_text(service, "since"));
    say(call, "         %llu rounds, %llu decisions, %llu of them permits; %llu requests wait",
        get_uint(service, "rounds"), get_uint(service, "decided"), get_uint(service, "permitted"),
        get_uint(service, "waiting"));
    if (silent >= SILENCE_MS)
        say(call, "         NO WORD FROM THE HARDWARE for %llu s: it is at work, or it hangs",
            silent / 1000);
    if (json_object_get(service, "error") != NULL)
        say_error(call, "denies everything", service);
    else if (last != NULL)
        say(call, "         last trouble, which is over: %s, %s: %s", get_text(last, "at"),
            get_text(last, "error"), get_text(last, "why"));
}

/* What the service knows by itself is said before the hardware is waited for. */
static err_code status_there(struct call *call, struct pawl_conn *service)
{
    const struct service_ask itself = {
        .method = "GET", .path = "/v1/status", .patience_ms = PATIENCE_MS};
    const struct service_ask gate = {
        .method = "GET", .path = "/v1/gate", .patience_ms = PATIENCE_MS};
    json_t *all = call->json, *one = json_object();
    err_code err;

    if (one == NULL)
        return ERR_NO_MEMORY;
    call->json = one;
    err = service_ask(call, service, &itself);
    call->json = all;
    (void)json_object_del(one, "schema");
    (void)json_object_del(one, "ok");
    if (json_object_set_new(all, "service", one) != 0)
        return ERR_NO_MEMORY;
    TRY(err);
    say_service(call, one);
    call->stands = true;
    return service_ask(call, service, &gate);
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
    .details =
        "While pawld serves the gate it is asked: what it did, who waits, its last trouble.\n"
        "Exit code 0: serving. Otherwise the code of the reason why everything is denied.",
    .opts = NO_OPTIONS,
    .run = run,
};
