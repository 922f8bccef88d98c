/* SPDX-License-Identifier: Apache-2.0 */
/* authzen_answer.c: what came of a demand, as the AuthZEN API says it (6.2 and 7.2). */
#include "gate/base/text.h"
#include "gate/daemon/authzen.h"
#include "gate/decide/answer_json.h"

static void json_free(json_t **json)
{
    json_decref(*json);
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

/* jansson goes on after a name that could not be written: what failed once has failed. */
struct appended {
    struct buf *buf;
    err_code err;
};

static int append(const char *bytes, size_t len, void *ctx)
{
    struct appended *out = ctx;

    if (out->err == ERR_OK)
        out->err = buf_add(out->buf, bytes, len);
    return out->err == ERR_OK ? 0 : -1;
}

/* As json_dumps() would write it with one member more, which is long and needs no care: base64 says
 * of each of its characters that JSON takes it as it is. */
static err_code add_context(const json_t *context, const struct buf *permit, struct buf *ret)
{
    struct appended out = {ret, ERR_OK};

    if (json_dump_callback(context, append, &out, JSON_COMPACT) != 0 || out.err != ERR_OK)
        return ERR_NO_MEMORY;
    if (permit == NULL)
        return ERR_OK;
    buf_cut(ret, ret->len - 1); /* its brace; there are members before it, reason above all */
    TRY(buf_add_str(ret, ",\"permit\":\""));
    TRY(base64_encode(buf_slice(permit), ret));
    return buf_add_str(ret, "\"}");
}

static err_code add_one(const struct demand *demand, const struct demand_item *item, bool permits,
                        struct buf *ret)
{
    CLEANUP(json_free) json_t *context = context_of(demand, item);
    bool recorded = demand->refused == ERR_OK && item->recorded;
    bool permit = recorded && item->malformed == ERR_OK && item->permit;

    if (context == NULL)
        return ERR_NO_MEMORY;
    if (item->malformed != ERR_OK && !put_error(context, item->malformed, &item->malformed_why))
        return ERR_NO_MEMORY;
    TRY(buf_add_str(ret, permit ? "{\"decision\":true,\"context\":"
                                : "{\"decision\":false,\"context\":"));
    TRY(add_context(context,
                    permits && recorded && item->permit_file.len > 0 ? &item->permit_file : NULL,
                    ret));
    return buf_add_str(ret, "}");
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

err_code authzen_answer(const struct demand *demand, bool single, bool permits, struct buf *ret)
{
    size_t n = authzen_verdicts(demand);

    if (single)
        return add_one(demand, &demand->items[0], permits, ret);
    TRY(buf_add_str(ret, "{\"evaluations\":["));
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            TRY(buf_add_str(ret, ","));
        TRY(add_one(demand, &demand->items[i], permits, ret));
    }
    return buf_add_str(ret, "]}");
}
