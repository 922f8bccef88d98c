/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.c: what the service said, as an object. A permit is only what came with status 200, says
 * "decision": true, gives no reason against it and stands in the ledger; everything else denies.
 */
#include "gate/base/text.h"
#include "gate/client/client.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void json_free(json_t **json)
{
    json_decref(*json);
}

static err_code malformed(struct why *why, const char *what)
{
    return why_say(why, ERR_SERVICE_ANSWER, "the answer is not what pawld sends: %s", what);
}

static err_code take_reason(const json_t *value, struct pawl_answer *answer, struct why *why)
{
    static const char CHARS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);

    if (text == NULL || len == 0 || len > REASON_MAX || strspn(text, CHARS) != len)
        return malformed(why, "no name of a reason");
    memcpy(answer->reason, text, len);
    return ERR_OK;
}

/* It may be left out. */
static err_code take_why(const json_t *value, struct pawl_answer *answer, struct why *why)
{
    if (value == NULL)
        return buf_terminate(&answer->why);
    if (!json_is_string(value))
        return malformed(why, "\"why\" is no text");
    TRY(buf_add(&answer->why, json_string_value(value), json_string_length(value)));
    return buf_terminate(&answer->why);
}

static err_code take_number(const json_t *value, uint64_t *ret, bool *ret_there, struct why *why)
{
    if (value == NULL)
        return ERR_OK;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return malformed(why, "a number that is none");
    *ret = (uint64_t)json_integer_value(value);
    *ret_there = true;
    return ERR_OK;
}

static err_code take_permit(const json_t *value, struct pawl_answer *answer, struct why *why)
{
    struct slice text = {(const uint8_t *)json_string_value(value), json_string_length(value)};
    err_code err;

    if (value == NULL)
        return ERR_OK;
    err = text.len == 0 ? ERR_FORMAT : base64_decode(text, &answer->permit);
    return err == ERR_OK || err == ERR_NO_MEMORY ? err
                                                 : malformed(why, "a permit that is not base64");
}

/* AuthZEN Authorization API 1.0, 5.5. */
static err_code read_decision(const json_t *top, struct pawl_answer *answer, struct why *why)
{
    const json_t *decision = json_object_get(top, "decision");
    const json_t *context = json_object_get(top, "context");
    const json_t *ledger = json_object_get(context, "ledger");

    if (!json_is_boolean(decision) || !json_is_object(context))
        return malformed(why, "no decision with its context");
    if (ledger != NULL && !json_is_object(ledger))
        return malformed(why, "a place in the ledger that is none");
    TRY(take_reason(json_object_get(context, "reason"), answer, why));
    TRY(take_why(json_object_get(context, "why"), answer, why));
    TRY(take_number(json_object_get(context, "epoch"), &answer->epoch, &answer->has_epoch, why));
    TRY(take_number(json_object_get(ledger, "index"), &answer->index, &answer->has_index, why));
    TRY(take_permit(json_object_get(context, "permit"), answer, why));
    if (json_is_true(decision) != (strcmp(answer->reason, "OK") == 0))
        return why_say(why, ERR_SERVICE_ANSWER, "the decision is %s, and its reason %s",
                       json_is_true(decision) ? "true" : "false", answer->reason);
    if (json_is_true(decision) && !(answer->has_epoch && answer->has_index))
        return malformed(why, "a permit that is not on record");
    answer->permitted = json_is_true(decision);
    return ERR_OK;
}

/* {"error": NAME, "message": TEXT}, of everything that got no decision. */
static err_code read_refusal(const json_t *top, struct pawl_answer *answer, struct why *why)
{
    TRY(take_reason(json_object_get(top, "error"), answer, why));
    if (strcmp(answer->reason, "OK") == 0)
        return malformed(why, "an error that is none");
    return take_why(json_object_get(top, "message"), answer, why);
}

static err_code read_body(const struct response *response, struct pawl_answer *answer,
                          struct why *why)
{
    CLEANUP(json_free) json_t *top = NULL;
    json_error_t error;

    if (!response->json)
        return why_say(why, ERR_SERVICE_ANSWER, "status %u, and what came with it is no JSON",
                       response->status);
    top = json_loadb((const char *)answer->json.ptr, answer->json.len, JSON_REJECT_DUPLICATES,
                     &error);
    if (!json_is_object(top))
        return why_say(why, ERR_SERVICE_ANSWER, "line %d, column %d of the answer: %s", error.line,
                       error.column, top == NULL ? error.text : "no object");
    return response->status == 200 ? read_decision(top, answer, why)
                                   : read_refusal(top, answer, why);
}

err_code client_answer_read(const struct response *response, struct buf *body,
                            struct pawl_answer **ret, struct why *why)
{
    struct pawl_answer *answer = calloc(1, sizeof *answer);
    err_code err;

    *ret = NULL;
    if (answer == NULL)
        return ERR_NO_MEMORY;
    answer->json = buf_take(body);
    err = buf_terminate(&answer->json);
    if (err == ERR_OK)
        err = read_body(response, answer, why);
    if (err != ERR_OK)
        pawl_answer_free(&answer);
    *ret = answer;
    return err;
}

/* ---- public ---------------------------------------------------------------------------------- */

int pawl_answer_permitted(const struct pawl_answer *answer)
{
    return answer != NULL && answer->permitted;
}

const char *pawl_answer_reason(const struct pawl_answer *answer)
{
    return answer != NULL && answer->reason[0] != '\0' ? answer->reason
                                                       : err_name(ERR_SERVICE_UNREACHABLE);
}

const char *pawl_answer_why(const struct pawl_answer *answer)
{
    return answer != NULL && answer->why.ptr != NULL ? (const char *)answer->why.ptr : "";
}

int pawl_answer_epoch(const struct pawl_answer *answer, uint64_t *ret)
{
    if (answer == NULL || ret == NULL || !answer->has_epoch)
        return 0;
    *ret = answer->epoch;
    return 1;
}

int pawl_answer_ledger_index(const struct pawl_answer *answer, uint64_t *ret)
{
    if (answer == NULL || ret == NULL || !answer->has_index)
        return 0;
    *ret = answer->index;
    return 1;
}

struct pawl_bytes pawl_answer_permit(const struct pawl_answer *answer)
{
    if (answer == NULL)
        return (struct pawl_bytes){NULL, 0};
    return (struct pawl_bytes){answer->permit.ptr, answer->permit.len};
}

struct pawl_bytes pawl_answer_json(const struct pawl_answer *answer)
{
    if (answer == NULL)
        return (struct pawl_bytes){NULL, 0};
    return (struct pawl_bytes){answer->json.ptr, answer->json.len};
}

void pawl_answer_free(struct pawl_answer **answer)
{
    if (answer == NULL || *answer == NULL)
        return;
    buf_free(&(*answer)->why);
    buf_free(&(*answer)->permit);
    buf_free(&(*answer)->json);
    free(*answer);
    *answer = NULL;
}
