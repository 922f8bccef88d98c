/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/note.h"

#include "gate/base/clock.h"
#include "gate/daemon/authzen.h"

#include <string.h>

void note_take(struct note *note, struct http_call *call)
{
    const char *id = http_header(call, "X-Request-ID");
    const char *trace = http_header(call, "traceparent");

    *note = (struct note){.arrived_ns = clock_steady_ns()};
    if (id != NULL && strlen(id) < sizeof note->id)
        memcpy(note->id, id, strlen(id));
    if (trace != NULL && report_is_trace(trace)) {
        memcpy(note->trace, trace, sizeof note->trace);
        http_add_header(call, "traceparent", note->trace);
    }
}

static const char *given(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static err_code reason_of(const struct demand *demand, const struct demand_item *item)
{
    if (item->malformed != ERR_OK)
        return item->malformed;
    if (demand->refused != ERR_OK)
        return demand->refused;
    if (!item->recorded)
        return ERR_NO_MEMORY; /* see answer_item() */
    return item->permit ? ERR_OK : item->answer.reason;
}

/* Of what is on record, as the caller is told it. */
static void take_record(const struct demand_item *item, struct verdict *verdict)
{
    const json_t *index = json_object_get(json_object_get(item->context, "ledger"), "index");

    verdict->recorded = true;
    verdict->epoch = (uint64_t)json_integer_value(json_object_get(item->context, "epoch"));
    verdict->index = (uint64_t)json_integer_value(index);
    verdict->evaluation_id = json_string_value(json_object_get(item->context, "evaluation_id"));
}

void note_verdicts(const struct noter *noter, const struct note *note, const struct demand *demand,
                   bool answered)
{
    uint64_t ns = clock_steady_ns() - note->arrived_ns, at_ms = noter->clock_ms();
    size_t n = authzen_verdicts(demand);

    for (size_t i = 0; i < n; i++) {
        const struct demand_item *item = &demand->items[i];
        struct verdict verdict = {.at_ms = at_ms,
                                  .reason = reason_of(demand, item),
                                  .request = &item->request,
                                  .request_id = given(note->id),
                                  .traceparent = given(note->trace),
                                  .ns = ns,
                                  .answered = answered};

        if (demand->refused == ERR_OK && item->malformed == ERR_OK && item->recorded)
            take_record(item, &verdict);
        if (demand->who.over_tls) {
            verdict.client = strchr(demand->who.key, ' ') + 1;
            verdict.client_name = given(demand->who.name);
        }
        if (noter->metrics != NULL)
            metrics_decided(noter->metrics, item->request.action_class, verdict.reason, ns);
        report_write(noter->report, &verdict);
    }
}
