/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_service.c: the question of `pawl check` put to the service that has the gate. While it runs
 * nobody else can open it.
 */
#include "gate/base/file.h"
#include "gate/cli/check_answer.h"

#include <stdlib.h>

#define ABOUT_MAX ((size_t)16 << 10) /* bytes of service.json */
/* As long as the service lets anybody wait: a run in this process has no deadline at all. */
#define PATIENCE_MS PAWL_DEADLINE_MAX_MS

static void json_free(json_t **json)
{
    json_decref(*json);
}

/* NULL: there is no such file. Owns: json_decref(). */
static err_code read_about(struct call *call, json_t **ret)
{
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0};
    struct why why = {0};
    json_error_t error;
    err_code err;

    TRY(path_join(call->state_dir, "service.json", &path));
    err = file_read((const char *)path.ptr, ABOUT_MAX, &bytes, &why);
    if (err == ERR_NOT_FOUND || err == ERR_STORAGE) /* what stands in the way is said later */
        return ERR_OK;
    if (err != ERR_OK) {
        call->why = why;
        return err;
    }
    *ret = json_loadb((const char *)bytes.ptr, bytes.len, JSON_REJECT_DUPLICATES, &error);
    if (*ret == NULL)
        return why_say(&call->why, ERR_JSON_MALFORMED, "\"%s\": line %d, column %d: %s",
                       (const char *)path.ptr, error.line, error.column, error.text);
    return ERR_OK;
}

err_code check_find_service(struct call *call, struct pawl_conn **ret)
{
    static const char *const SOCKETS[] = {"admin", "enforcement"};
    CLEANUP(json_free) json_t *about = NULL;

    *ret = NULL;
    TRY(read_about(call, &about));
    for (size_t i = 0; i < sizeof SOCKETS / sizeof *SOCKETS && *ret == NULL; i++) {
        const char *path = json_string_value(json_object_get(about, SOCKETS[i]));
        int err = path == NULL ? PAWL_UNREACHABLE : pawl_open(path, ret);

        if (err == PAWL_NO_MEMORY)
            return ERR_NO_MEMORY;
    }
    return ERR_OK;
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
