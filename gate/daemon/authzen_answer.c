/* SPDX-License-Identifier: Apache-2.0 */
/* authzen_answer.c: what came of a demand, as the AuthZEN API says it (6.2 and 7.2). */
#include "gate/base/text.h"
#include "gate/daemon/authzen.h"
#include "gate/decide/answer_json.h"

static void json_free(json_t **json)
{
    json_decref(*json);
}

static bool put_permit(json_t *context, const struct demand_item *item)
{
    CLEANUP(buf_free) struct buf text = {0};

    if (item->permit_file.len == 0)
        return true;
    return base64_encode(buf_slice(&item->permit_file), &text) == ERR_OK &&
           json_object_set_new(context, "permit", json_stringn((const char *)text.ptr, text.len)) ==
               0;
}

/* 7.2.1: an item that failed says so with the status that it would have had alone. */
static bool put_error(json_t *context, err_code err, const struct why *why)
{
    json_t *error =
        json_pack("{s:i, s:s}", "status", http_status(err), "message", why_text(why, err));

    if (error == NULL)
        error = json_pack("{s:i, s:s}", "status", http_status(err), "message", err_text(err));
    return json_object_set_new(context, "error", error) == 0;
}

static json_t *context_of(const struct demand *demand, const struct demand_item *item)
{
    if (demand->refused != ERR_OK && item->malformed == ERR_OK)
        return answer_refusal(demand->refused, &demand->refused_why);
    if (item->context != NULL)
        return json_incref(item->context);
    if (item->malformed != ERR_OK)
        return answer_refusal(item->malformed, &item->malformed_why);
    return answer_refusal(ERR_NO_MEMORY, &(struct why){0});
}

static json_t *answer_one(const struct demand *demand, const struct demand_item *item, bool permits)
{
    CLEANUP(json_free) json_t *context = context_of(demand, item);
    bool permit =
        demand->refused == ERR_OK && item->malformed == ERR_OK && item->recorded && item->permit;

    if (context == NULL)
        return NULL;
    if (item->malformed != ERR_OK && !put_error(context, item->malformed, &item->malformed_why))
        return NULL;
    if (permits && demand->refused == ERR_OK && item->recorded && !put_permit(context, item))
        return NULL;
    return json_pack("{s:b, s:O}", "decision", permit, "context", context);
}

size_t authzen_verdicts(const struct demand *demand)
{
    size_t n = 0;

    if (demand->refused != ERR_OK)
        return demand->semantic == DEMAND_DENY_ON_FIRST_DENY ? 1 : demand->n_items;
    while (n < demand->n_items && demand->items[n].judged)
        n++;
    return n;
}

json_t *authzen_answer(const struct demand *demand, bool single, bool permits)
{
    CLEANUP(json_free) json_t *list = NULL;
    size_t n = authzen_verdicts(demand);

    if (single)
        return answer_one(demand, &demand->items[0], permits);
    list = json_array();
    for (size_t i = 0; i < n; i++)
        if (json_array_append_new(list, answer_one(demand, &demand->items[i], permits)) != 0)
            return NULL;
    return json_pack("{s:O}", "evaluations", list);
}
