/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/check_answer.h"

#include "gate/base/file.h"
#include "gate/cli/gate_cli.h"

#include <string.h>

void check_answer_free(struct check_answer *answer)
{
    json_decref(answer->context);
    buf_free(&answer->permit_file);
    *answer = (struct check_answer){0};
}

static void put_member(json_t *json, const char *name, json_t *value)
{
    if (value != NULL)
        (void)json_object_set(json, name, value);
}

static void put_answer(json_t *json, const struct check_answer *answer)
{
    json_t *context = answer->context;

    put_bool(json, "decision", answer->permit);
    put_text(json, "reason", err_name(answer->reason));
    put_member(json, "why", json_object_get(context, "why"));
    put_member(json, "epoch", json_object_get(context, "epoch"));
    put_member(json, "snapshot", json_object_get(context, "snapshot"));
    put_member(json, "ledger_index", json_object_get(json_object_get(context, "ledger"), "index"));
    put_member(json, "simulated", json_object_get(context, "simulated"));
    put_bytes(json, "permit", buf_slice(&answer->permit_file));
    put_member(json, "policies", json_object_get(context, "policies"));
    put_member(json, "determining", json_object_get(context, "determining"));
}

static void say_permit(struct call *call, const json_t *context)
{
    const json_t *policies = json_object_get(context, "policies");

    say(call, "PERMIT  epoch %llu, ledger entry %llu%s", get_uint(context, "epoch"),
        get_uint(json_object_get(context, "ledger"), "index"),
        json_is_true(json_object_get(context, "simulated")) ? ", on a simulator" : "");
    for (size_t i = 0; i < json_array_size(policies); i++)
        say(call, "        %s version %llu", get_text(json_array_get(policies, i), "alias"),
            get_uint(json_array_get(policies, i), "version"));
}

static void say_denial(struct call *call, const json_t *context, err_code reason)
{
    const char *why = get_text(context, "why");

    say(call, "DENY    epoch %llu, ledger entry %llu: %s", get_uint(context, "epoch"),
        get_uint(json_object_get(context, "ledger"), "index"), err_text(reason));
    if (why[0] != '\0' && strcmp(why, err_text(reason)) != 0)
        say(call, "        %s", why);
    say(call, "        %s", err_hint(reason));
    say(call, "        %s", err_name(reason));
}

err_code check_tell(struct call *call, const struct check_answer *answer)
{
    const char *output = args_value(call->args, "output", NULL);
    bool permit = answer->permit && answer->reason == ERR_OK;

    if (answer->context == NULL)
        return ERR_NO_MEMORY;
    if (output != NULL)
        TRY(file_write(output, buf_slice(&answer->permit_file), 0644, &call->why));
    put_answer(call->json, answer);
    if (permit)
        say_permit(call, answer->context);
    else
        say_denial(call, answer->context, answer->reason);
    call->exit = permit ? 0 : err_exit(answer->reason == ERR_OK ? ERR_INTERNAL : answer->reason);
    return ERR_OK;
}
