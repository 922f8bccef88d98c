/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_install.c: pawl install: takes what the authority published into force. */
#include "gate/base/file.h"
#include "gate/cli/gate_cli.h"
#include "gate/cli/service.h"
#include "gate/cli/verbs.h"
#include "gate/decide/manage.h"

static err_code install_here(struct call *call, struct buf *bytes)
{
    CLEANUP(gate_close) struct gate *gate = NULL;
    struct manage manage = {.json = call->json};

    TRY(gate_open_live(call->state_dir, call->clock_ms, &gate, &call->why));
    manage.gate = gate;
    return manage_install(&manage, bytes, &call->why);
}

static err_code install_there(struct call *call, struct pawl_conn *service, struct slice bytes)
{
    const struct service_ask ask = {
        .method = "POST", .path = "/v1/install", .type = "application/cbor", .body = bytes};

    return service_ask(call, service, &ask);
}

static void tell(struct call *call)
{
    unsigned long long epoch = get_uint(call->json, "epoch");
    unsigned long long from = get_uint(call->json, "from_epoch");

    say_published(call);
    if (!json_is_true(json_object_get(call->json, "changed")))
        say(call, "Epoch %llu is in force already.", epoch);
    else
        say(call,
            "Installed: epoch %llu -> %llu. The hardware will not sign for epoch %llu any more.",
            from, epoch, from);
    say_snapshot(call, "In force");
}

static err_code run(struct call *call)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(pawl_close) struct pawl_conn *service = NULL;

    TRY(file_read(call->args->plain[0], BUNDLE_SIZE_MAX, &bytes, &call->why));
    TRY(service_find(call, false, &service));
    TRY(in_file(call,
                service != NULL ? install_there(call, service, buf_slice(&bytes))
                                : install_here(call, &bytes),
                call->args->plain[0]));
    tell(call);
    return ERR_OK;
}

const struct verb VERB_INSTALL = {
    .name = "install",
    .arguments = "BUNDLE",
    .summary = "verify a published bundle in hardware, store it, step the epoch, serve it",
    .details =
        "A bundle is what \"pawl publish\" writes. Nothing changes unless all of it verifies. An\n"
        "install that is interrupted is finished by the next command. Older bundles are refused\n"
        "by the hardware. While pawld serves the gate it installs the bundle: no request is\n"
        "permitted under the epoch before once this verb is done.",
    .opts = NO_OPTIONS,
    .least = 1,
    .most = 1,
    .run = run,
};
