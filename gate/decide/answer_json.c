/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/answer_json.h"

#include "gate/base/text.h"

#include <stdlib.h>

const char *answer_stage(err_code reason)
{
    switch (err_exit(reason)) {
    case 0:
    case 10: /* denied by policy */
    case 21: /* trust, freshness, revocation */
    case 22:
    case 23:
        return "policy";
    case 2:
    case 20:
        return "request";
    case 41:
    case 42:
        return "ledger";
    default:
        return "hardware";
    }
}

static json_t *text(struct slice slice)
{
    return json_stringn((const char *)slice.ptr, slice.len);
}

static json_t *digest_json(const struct digest *digest)
{
    char text[DIGEST_TEXT];

    digest_text(digest, text);
    return json_string(text);
}

/* A list that lacks one is none. */
static void append(json_t **list, json_t *value)
{
    if (json_array_append_new(*list, value) == 0)
        return;
    json_decref(*list);
    *list = NULL;
}

static json_t *policies(const struct answer *answer)
{
    json_t *list = json_array();

    for (size_t i = 0; i < answer->n_policies; i++)
        append(&list, json_pack("{s:o, s:I, s:o}", "alias", text(answer->policies[i]->alias),
                                "version", (json_int_t)answer->policies[i]->version, "digest",
                                digest_json(&answer->policies[i]->digest)));
    return list;
}

static json_t *determining(const struct answer *answer)
{
    json_t *list = json_array();

    for (size_t i = 0; i < answer->n_determining; i++)
        append(&list, json_pack("{s:o, s:o}", "alias", text(answer->determining[i].object->alias),
                                "policy", text(answer->determining[i].name)));
    return list;
}

char *answer_json_text(const json_t *json, size_t flags)
{
    size_t len = json_dumpb(json, NULL, 0, flags);
    char *out = len == 0 ? NULL : malloc(len + 1);

    if (out == NULL)
        return NULL;
    if (json_dumpb(json, out, len, flags) != len) {
        free(out);
        return NULL;
    }
    out[len] = '\0';
    return out;
}

json_t *answer_refusal(err_code err, const struct why *why)
{
    json_t *out = json_pack("{s:s, s:s, s:s}", "reason", err_name(err), "stage", answer_stage(err),
                            "why", why_text(why, err));
    /* A text that is not UTF-8 does without. */
    return out != NULL ? out
                       : json_pack("{s:s, s:s, s:s}", "reason", err_name(err), "stage",
                                   answer_stage(err), "why", err_text(err));
}

json_t *answer_context(const struct gate *gate, const struct answer *answer,
                       const struct docket *docket)
{
    json_t *out = json_pack(
        "{s:s, s:s, s:I, s:o, s:o, s:o, s:s, s:{s:I}, s:b}", "reason", err_name(answer->reason),
        "stage", answer_stage(answer->reason), "epoch", (json_int_t)gate->epoch, "snapshot",
        digest_json(&gate->installed.judged.snapshot.digest), "policies", policies(answer),
        "determining", determining(answer), "evaluation_id", docket->attempt, "ledger", "index",
        (json_int_t)docket->index, "simulated", gate->enrolment.hw.about.simulator);

    if (out != NULL && answer->fresh_ms > 0)
        (void)json_object_set_new(out, "checked_ms_ago", json_integer(docket->checked_ms_ago));
    if (out != NULL && !answer->permit)
        (void)json_object_set_new(out, "why", json_string(why_text(&answer->why, answer->reason)));
    return out;
}
