/* SPDX-License-Identifier: Apache-2.0 */
/* scribe_request.c: the two records of a request: that it was asked, and what came of it. */
#include "gate/decide/scribe_state.h"
#include "gate/ledger/permit.h"

#include <string.h>

#define REDACT_RULE "gate.json"                       /* what asks for it */
static const char DETERMINING[] = "pawl.determining"; /* which an attempt has not */

void attempt_id_free(struct attempt_id *attempt)
{
    mem_wipe(attempt, sizeof *attempt);
}

/* Takes out what the settings ask for. Owns: *ret_disclosures, which shows it again. */
static err_code redact(const struct scribe *s, const struct attempt_id *attempt,
                       struct record *record, struct buf *ret_disclosures, struct why *why)
{
    const struct settings *settings = &s->gate->settings;
    const char *paths[SETTINGS_REDACT_MAX];
    struct record_redact_order order = {
        .paths = paths, .policy_id = slice_str(REDACT_RULE), .now_ms = record->action_ms};
    err_code err;

    for (size_t i = 0; i < settings->n_redact; i++)
        if (record->kind != RECORD_ATTEMPT || strcmp(settings->redact[i], DETERMINING) != 0)
            paths[order.n_paths++] = settings->redact[i];
    memcpy(order.seed, attempt->seed, sizeof order.seed);
    err = record_redact(record, &order, ret_disclosures, why);
    mem_wipe(order.seed, sizeof order.seed);
    return err;
}

static err_code stage_attempt(struct scribe *s, const struct request *request, uint64_t now_ms,
                              struct attempt_id *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf disclosures = {0}; /* the same as the decision's */
    struct record record;

    TRY(scribe_begin(s, RECORD_ATTEMPT, request->subject_id, now_ms, ret->id, &record, why));
    record.input = request->digest;
    record.attempt = (struct record_attempt){
        .class_ = request->action_class,
        .subject_type = request->subject_type,
        .action = request->action_name,
        .resource_type = request->resource_type,
        .resource_id = request->resource_id,
        .input_type = slice_str(RECORD_INPUT_AUTHZEN),
    };
    TRY(record_redact_seed(ret->seed));
    TRY(redact(s, ret, &record, &disclosures, why));
    return scribe_stage(s, &record, NULL, why);
}

err_code scribe_attempt(struct scribe *scribe, const struct request *request, uint64_t now_ms,
                        struct attempt_id *ret, struct why *why)
{
    err_code err;

    TRY(scribe_begin_round(scribe, now_ms, why));
    err = stage_attempt(scribe, request, now_ms, ret, why);
    if (err != ERR_OK)
        scribe_abandon(scribe);
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

/* ret, ret_disclosures: what goes into the permit. */
static err_code stage_decision(struct scribe *s, const struct decided *decided, uint64_t now_ms,
                               struct buf *ret, struct buf *ret_disclosures, struct why *why)
{
    CLEANUP(names_free) struct names names = {0};
    const struct request *request = decided->request;
    const struct answer *answer = decided->answer;
    char id[RECORD_UUID_TEXT];
    struct record record;

    TRY(scribe_begin(s, RECORD_DECISION, request->subject_id, now_ms, id, &record, why));
    record.input = request->digest;
    record.decision = (struct record_decision){
        .attempt = slice_str(decided->attempt->id),
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
    TRY(redact(s, decided->attempt, &record, ret_disclosures, why));
    return scribe_stage(s, &record, ret, why);
}

static err_code decide_round(struct scribe *s, const struct decided *decided, uint64_t now_ms,
                             struct written *ret, struct why *why)
{
    CLEANUP(signed_head_free) struct signed_head head = {0};
    CLEANUP(buf_free) struct buf record = {0}, rotation = {0}, receipt = {0}, permit = {0};
    CLEANUP(buf_free) struct buf disclosures = {0};
    struct permit_parts parts;
    uint64_t index;

    TRY(stage_decision(s, decided, now_ms, &record, &disclosures, why));
    TRY(scribe_staged(s, &index));
    TRY(buf_add_slice(&rotation, buf_slice(&s->session.rotation)));
    TRY(scribe_end_round(s, now_ms, &head, why));
    TRY(scribe_receipt(s, &head, index, &receipt, why));
    parts = (struct permit_parts){.record = buf_slice(&record),
                                  .receipt = buf_slice(&receipt),
                                  .rotation = buf_slice(&rotation),
                                  .seal = &head.seal,
                                  .disclosures = buf_slice(&disclosures)};
    TRY(permit_make(&parts, &permit, why));
    *ret = (struct written){.index = index, .permit = buf_take(&permit)};
    return ERR_OK;
}

err_code scribe_decision(struct scribe *scribe, const struct decided *decided, uint64_t now_ms,
                         struct written *ret, struct why *why)
{
    err_code err;

    if (!scribe->open)
        return why_say(why, ERR_INTERNAL, "a decision on an attempt that is not on record");
    err = decide_round(scribe, decided, now_ms, ret, why);
    if (err != ERR_OK && scribe->open)
        scribe_abandon(scribe);
    return err;
}
