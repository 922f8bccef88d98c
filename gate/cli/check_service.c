/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_service.c: the question of `pawl check` put to the service that has the gate. While it runs
 * nobody else can open it.
 */
#include "gate/cli/check_answer.h"

#include <stdlib.h>

/* As long as the service lets anybody wait: a run in this process has no deadline at all. */
#define PATIENCE_MS PAWL_DEADLINE_MAX_MS

static void json_free(json_t **json)
{
    json_decref(*json);
}

static err_code ask(struct call *call, struct pawl_conn *service, const struct request *request,
                    struct pawl_answer **ret)
{
    struct pawl_why why = {""};
    char *json = json_dumps(request->json, JSON_COMPACT);
    err_code err;

    if (json == NULL)
        return ERR_NO_MEMORY;
    err = (err_code)pawl_ask(service, (struct pawl_bytes){json, slice_str(json).len}, PATIENCE_MS,
                             ret, &why);
    free(json);
    if (err != ERR_OK && why.text[0] != '\0')
        return why_say(&call->why, err, "%s", why.text);
    return err;
}

/* {"decision", "context"}; what has no place in the ledger is no decision. */
static err_code take(struct call *call, const struct pawl_answer *answer, struct check_answer *ret)
{
    struct pawl_bytes json = pawl_answer_json(answer), permit = pawl_answer_permit(answer);
    CLEANUP(json_free) json_t *top = json_loadb(json.ptr, json.len, JSON_REJECT_DUPLICATES, NULL);
    err_code reason = err_from_name(pawl_answer_reason(answer));
    uint64_t index;

    if (!pawl_answer_ledger_index(answer, &index))
        return why_say(&call->why, reason == ERR_OK ? ERR_SERVICE_ANSWER : reason, "%s",
                       pawl_answer_why(answer));
    if (permit.len == 0)
        return why_say(&call->why, ERR_SERVICE_ANSWER, "no permit, or denial, came with it");
    TRY(buf_add(&ret->permit_file, permit.ptr, permit.len));
    ret->permit = pawl_answer_permitted(answer) == 1;
    ret->reason = reason;
    ret->context = json_incref(json_object_get(top, "context"));
    return ERR_OK;
}

err_code check_ask_service(struct call *call, struct pawl_conn *service,
                           const struct request *request, struct check_answer *ret)
{
    CLEANUP(pawl_answer_free) struct pawl_answer *answer = NULL;

    TRY(ask(call, service, request, &answer));
    return take(call, answer, ret);
}
