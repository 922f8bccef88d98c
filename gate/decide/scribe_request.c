/* SPDX-License-Identifier: Apache-2.0 */
/* scribe_request.c: the two records of a request: that it was asked, and what came of it. */
#include "gate/decide/scribe_state.h"
#include "gate/ledger/permit.h"

#include <string.h>

#define REDACT_RULE "gate.json"                       /* what asks for it */
static const char DETERMINING[] = "pawl.determining"; /* which an attempt has not */

/* Takes out what the settings ask for. Owns: *ret_disclosures, which shows it again. */
static err_code redact(const struct scribe *s, const struct docket *docket, struct record *record,
                       struct buf *ret_disclosures, struct why *why)
{
    const struct settings *settings = &s->gate->settings;
    const char *paths[SETTINGS_REDACT_MAX];
    struct record_redact_order order = {
        .paths = paths, .policy_id = slice_str(REDACT_RULE), .now_ms = record->action_ms};
    err_code err;

    for (size_t i = 0; i < settings->n_redact; i++)
        if (record->kind != RECORD_ATTEMPT || strcmp(settings->redact[i], DETERMINING) != 0)
            paths[order.n_paths++] = settings->redact[i];
    memcpy(order.seed, docket->seed, sizeof order.seed);
    err = record_redact(record, &order, ret_disclosures, why);
    mem_wipe(order.seed, sizeof order.seed);
    return why_reading(why, err, "\"redact\" in gate.json");
}

void docket_free(struct docket *docket)
{
    buf_free(&docket->record);
    buf_free(&docket->disclosures);
    buf_free(&docket->permit);
    mem_wipe(docket, sizeof *docket);
}

static err_code stage_attempt(struct scribe *s, uint64_t now_ms, struct docket *docket,
                              struct why *why)
{
    const struct request *request = docket->request;
    CLEANUP(buf_free) struct buf disclosures = {0}; /* the same as the decision's */
    struct record record;

    TRY(scribe_begin(s, RECORD_ATTEMPT, request->subject_id, now_ms, docket->attempt, &record,
                     why));
    record.input = request->digest;
    record.attempt = (struct record_attempt){
        .class_ = request->action_class,
        .subject_type = request->subject_type,
        .action = request->action_name,
        .resource_type = request->resource_type,
        .resource_id = request->resource_id,
        .input_type = slice_str(RECORD_INPUT_AUTHZEN),
    };
    if (s->gate->settings.n_redact > 0)
        TRY(record_redact_seed(docket->seed));
    TRY(redact(s, docket, &record, &disclosures, why));
    return scribe_stage(s, &record, NULL, why);
}

err_code scribe_attempt(struct scribe *scribe, const struct request *request, uint64_t now_ms,
                        struct docket *ret, struct why *why)
{
    err_code err;

    TRY(scribe_begin_round(scribe, now_ms, why));
    ret->request = request;
    err = stage_attempt(scribe, now_ms, ret, why);
    if (err != ERR_OK)
        scribe_abandon(scribe);
    else
        scribe->undecided++;
    return err;
}

/* Names of determining policies: "alias/policy-id", one buffer each. */
struct names {
    struct buf names[RECORD_DETERMINING_MAX];
};

static void names_free(struct names *names)
{
    for (size_t i = 0; i < RECORD_DETERMINING_MAX; i++)
        buf_free(&names->names[i]);
}

static err_code fill_policies(const struct answer *answer, struct names *names,
                              struct record_decision *ret)
{
    for (size_t i = 0; i < answer->n_policies; i++)
        ret->policies[ret->n_policies++] = (struct record_policy){
            answer->policies[i]->alias, answer->policies[i]->version, answer->policies[i]->digest};
    for (size_t i = 0; i < answer->n_determining && i < RECORD_DETERMINING_MAX; i++) {
        struct buf *name = &names->names[i];
        TRY(buf_add_slice(name, answer->determining[i].object->alias));
        TRY(buf_add_u8(name, '/'));
        TRY(buf_add_slice(name, answer->determining[i].name));
        if (name->len <= RECORD_NAME_MAX)
            ret->determining[ret->n_determining++] = buf_slice(name);
    }
    return ERR_OK;
}

static err_code stage_decision(struct scribe *s, struct docket *docket, const struct answer *answer,
                               uint64_t now_ms, struct why *why)
{
    CLEANUP(names_free) struct names names = {0};
    const struct request *request = docket->request;
    char id[RECORD_UUID_TEXT];
    struct record record;

    TRY(scribe_begin(s, RECORD_DECISION, request->subject_id, now_ms, id, &record, why));
    record.input = request->digest;
    record.decision = (struct record_decision){
        .attempt = slice_str(docket->attempt),
        .permit = answer->permit,
        .error = record_reason_is_error(answer->reason),
        .class_ = request->action_class,
        .reason = slice_str(err_name(answer->reason)),
        .subject_type = request->subject_type,
        .action = request->action_name,
        .resource_type = request->resource_type,
        .resource_id = request->resource_id,
    };
    TRY(fill_policies(answer, &names, &record.decision));
    TRY(redact(s, docket, &record, &docket->disclosures, why));
    TRY(scribe_stage(s, &record, &docket->record, why));
    docket->index = scribe_staged(s);
    docket->decided = true;
    return ERR_OK;
}

err_code scribe_decision(struct scribe *scribe, struct docket *docket, const struct answer *answer,
                         uint64_t now_ms, struct why *why)
{
    err_code err;

    if (!scribe->open || docket->decided)
        return why_say(why, ERR_INTERNAL, "a decision on an attempt that waits for none");
    err = stage_decision(scribe, docket, answer, now_ms, why);
    if (err != ERR_OK)
        scribe_abandon(scribe);
    else
        scribe->undecided--;
    return err;
}

err_code scribe_permit(struct scribe *s, const struct signed_head *head, struct slice rotation,
                       struct docket *docket, struct why *why)
{
    CLEANUP(buf_free) struct buf receipt = {0};
    struct permit_parts parts;

    TRY(scribe_receipt(s, head, docket->index, &receipt, why));
    parts = (struct permit_parts){.record = buf_slice(&docket->record),
                                  .receipt = buf_slice(&receipt),
                                  .rotation = rotation,
                                  .seal = &head->seal,
                                  .disclosures = buf_slice(&docket->disclosures),
                                  .known = &s->known};
    return permit_make(&parts, &docket->permit, why);
}

err_code scribe_finish(struct scribe *scribe, struct docket *dockets, size_t n, uint64_t now_ms,
                       struct why *why)
{
    const struct scribe_end end = {.dockets = dockets, .n = n};

    return scribe_end_round(scribe, &end, now_ms, why);
}
