/* SPDX-License-Identifier: Apache-2.0 */
/* audit_whole.c: what a thorough audit asks of each record beyond its place: that the session's key
 * signed it, and what only a record shows that is read in whole. */
#include "gate/ledger/audit_walk.h"

#include <stdlib.h>

/* Every other record of a unit. */
struct half {
    const struct audit *a;
    const struct audit_unit *unit;
    const bool *skip;
    unsigned from;
    err_code errors[AUDIT_WIDTH];
    struct record *record;
    bool *shown; /* as that of the audit, of these records */
};

static void half_free(struct half *half)
{
    free(half->record);
    free(half->shown);
}

static void hold_disclosures(const struct half *half, const struct record *record)
{
    const struct audit_job *job = half->a->job;

    for (size_t i = 0; record->n_redactions > 0 && i < job->n_disclosed; i++)
        half->shown[i] = half->shown[i] ||
                         record_disclosures_check(record, &job->disclosed[i].list, NULL) == ERR_OK;
}

/* A record that was read. *ret_kind: what a refusal means. */
static err_code judge(const struct half *half, const struct record *record, unsigned at,
                      enum audit_kind *ret_kind, struct why *why)
{
    const struct auditor *auditor = half->a->job->auditor;
    err_code err = record_verify(record, &half->a->keys[at], NULL);

    *ret_kind = err == ERR_SIGNER_UNKNOWN ? AUDIT_SIGNER_UNKNOWN : AUDIT_SIGNATURE_INVALID;
    if (err != ERR_OK)
        return why_say(why, err, "the session's key did not sign this record");
    hold_disclosures(half, record);
    return auditor->whole == NULL ? ERR_OK : auditor->whole(auditor, record, ret_kind, why);
}

static err_code read_and_judge(const struct half *half, unsigned at)
{
    enum audit_kind kind;

    if (half->skip[at] || !half->a->judged[at])
        return ERR_OK;
    TRY(record_parse(half->unit->entries[at], half->record, NULL));
    return judge(half, half->record, at, &kind, NULL);
}

static void judge_half(void *context)
{
    struct half *half = context;

    for (unsigned i = half->from; i < half->unit->n; i += 2)
        half->errors[i] = read_and_judge(half, i);
}

/* What was refused is judged once more, for the words. A hash envelope is read here: the halves
 * read no files. */
static err_code report_one(struct audit *a, const struct half *half, unsigned at)
{
    uint64_t index = half->unit->number * AUDIT_WIDTH + at;
    enum audit_kind kind = AUDIT_RECORD_DAMAGED;
    err_code err = half->errors[at], again;
    struct why inner = {0};

    if (err == ERR_NO_MEMORY || err == ERR_INTERNAL)
        return err;
    again = audit_record(a, half->unit->entries[at], &inner);
    if (again != ERR_OK && err == ERR_PREIMAGE_MISSING)
        return ERR_OK; /* what is wrong was said when the record was taken */
    if (again == ERR_OK)
        again = judge(half, a->record, at, &kind, &inner);
    return again == ERR_OK ? ERR_OK : audit_hold(a, kind, index, "", "%s", why_text(&inner, again));
}

static err_code report_half(struct audit *a, const struct half *half)
{
    for (unsigned i = half->from; i < half->unit->n; i += 2)
        if (half->errors[i] != ERR_OK)
            TRY(report_one(a, half, i));
    return ERR_OK;
}

static err_code half_make(struct half *half)
{
    half->record = malloc(sizeof *half->record);
    half->shown = calloc(half->a->job->n_disclosed + 1, sizeof *half->shown);
    return half->record == NULL || half->shown == NULL ? ERR_NO_MEMORY : ERR_OK;
}

err_code audit_signatures(struct audit *a, const struct audit_unit *unit,
                          const bool changed[static AUDIT_WIDTH], struct why *why)
{
    CLEANUP(half_free) struct half one = {.a = a, .unit = unit, .skip = changed, .from = 0};
    CLEANUP(half_free) struct half other = {.a = a, .unit = unit, .skip = changed, .from = 1};

    (void)why;
    TRY(half_make(&one));
    TRY(half_make(&other));
    audit_both(judge_half, &one, &other);
    TRY(report_half(a, &one));
    TRY(report_half(a, &other));
    for (size_t i = 0; i < a->job->n_disclosed; i++)
        a->shown[i] = a->shown[i] || one.shown[i] || other.shown[i];
    return ERR_OK;
}

err_code audit_disclosures(struct audit *a)
{
    if (a->shown == NULL)
        return ERR_OK;
    for (size_t i = 0; i < a->job->n_disclosed; i++)
        if (!a->shown[i])
            TRY(audit_hold(a, AUDIT_DISCLOSURE_INVALID, AUDIT_NO_INDEX, a->job->disclosed[i].from,
                           "no record has redacted what it discloses"));
    return ERR_OK;
}
