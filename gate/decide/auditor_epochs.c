/* SPDX-License-Identifier: Apache-2.0 */
/* auditor_epochs.c: what the authority says about the epochs of a log: the snapshots of bundles
 * that it published, against the records that name them. */
#include "gate/decide/auditor_epochs.h"

#include "gate/base/text.h"
#include "gate/policy/bundle_judge.h"

#include <stdlib.h>
#include <string.h>

void auditor_free(struct decide_auditor *own)
{
    for (size_t i = 0; i < own->n_epochs; i++) {
        snapshot_free(&own->epochs[i].snapshot);
        buf_free(&own->epochs[i].bytes);
    }
    free(own->witnesses);
    own->witnesses = NULL;
    own->n_witnesses = 0;
    free(own->epochs);
    own->epochs = NULL;
    own->n_epochs = 0;
}

/* ---- bundles --------------------------------------------------------------------------------- */

/* The first one that is not of a lower epoch. */
static size_t place_of(const struct decide_auditor *own, uint64_t epoch)
{
    size_t from = 0, to = own->n_epochs;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (own->epochs[middle].snapshot.epoch < epoch)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static const struct snapshot *snapshot_of(const struct decide_auditor *own, uint64_t epoch)
{
    size_t at = place_of(own, epoch);

    return at < own->n_epochs && own->epochs[at].snapshot.epoch == epoch ? &own->epochs[at].snapshot
                                                                         : NULL;
}

static err_code same(const struct snapshot *known, const struct snapshot *got, struct why *why)
{
    if (digest_eq(&known->digest, &got->digest))
        return ERR_OK;
    return why_say(why, ERR_EQUIVOCATION, "it is of epoch %llu, as another snapshot that was given",
                   (unsigned long long)got->epoch);
}

/* Keeps a copy of a snapshot that was judged: what else is in a bundle is not needed again. */
static err_code keep(struct decide_auditor *own, struct slice bytes, struct why *why)
{
    CLEANUP(buf_free) struct buf copy = {0};
    struct auditor_epoch *bigger, *epoch;
    struct snapshot snapshot = {0};
    size_t at;

    TRY(buf_add_slice(&copy, bytes));
    bigger = reallocarray(own->epochs, own->n_epochs + 1, sizeof *bigger);
    if (bigger == NULL)
        return ERR_NO_MEMORY;
    own->epochs = bigger;
    TRY(snapshot_parse(buf_slice(&copy), &snapshot, why));
    at = place_of(own, snapshot.epoch);
    epoch = &own->epochs[at];
    memmove(epoch + 1, epoch, (own->n_epochs - at) * sizeof *epoch);
    *epoch = (struct auditor_epoch){buf_take(&copy), snapshot};
    own->n_epochs++;
    return ERR_OK;
}

err_code auditor_take_bundle(struct decide_auditor *own, struct slice bytes, struct why *why)
{
    CLEANUP(judged_free) struct judged judged = {0};
    const struct trust trust = {
        .roots = &own->enrolment->root, .n_roots = 1, .installed_before = true};
    const struct bundle_ask ask = {.judge = &JUDGE_SOFT};
    const struct snapshot *known;

    TRY(bundle_judge(bytes, &trust, &ask, &judged, why));
    if (!judged.has_snapshot)
        return ERR_OK;
    known = snapshot_of(own, judged.snapshot.epoch);
    return known != NULL ? same(known, &judged.snapshot, why) : keep(own, judged.snapshot.raw, why);
}

/* ---- records --------------------------------------------------------------------------------- */

static err_code judge_digest(const struct snapshot *known, const struct record *record,
                             struct why *why)
{
    char got[DIGEST_TEXT], want[DIGEST_TEXT];

    if (!record->has_snapshot || digest_eq(&record->snapshot, &known->digest))
        return ERR_OK;
    digest_text(&record->snapshot, got);
    digest_text(&known->digest, want);
    return why_say(why, ERR_LEDGER_INCONSISTENT,
                   "under snapshot %s, and the authority signed %s for epoch %llu", got, want,
                   (unsigned long long)known->epoch);
}

static err_code judge_revocation(const struct snapshot *known,
                                 const struct record_revocation *revocation, struct why *why)
{
    enum revoked_kind kind = slice_eq_str(revocation->what, revoked_kind_name(REVOKED_KEY))
                                 ? REVOKED_KEY
                                 : REVOKED_OBJECT;
    const struct revocation *listed = revoked_find(&known->revoked, kind, &revocation->id);
    char id[DIGEST_TEXT];

    if (listed != NULL && (uint64_t)listed->since * 1000 == revocation->since_ms)
        return ERR_OK;
    digest_text(&revocation->id, id);
    return why_say(why, ERR_LEDGER_INCONSISTENT,
                   "the snapshot of epoch %llu does not revoke %s %s%s",
                   (unsigned long long)known->epoch, revoked_kind_name(kind), id,
                   listed != NULL ? " at that time" : "");
}

err_code auditor_epoch_judge(const struct decide_auditor *own, const struct record *record,
                             struct why *why)
{
    const struct snapshot *known;

    if (own->n_epochs == 0 || !record->has_snapshot)
        return ERR_OK;
    known = snapshot_of(own, record->epoch);
    if (known == NULL)
        return ERR_OK;
    TRY(judge_digest(known, record, why));
    return record->kind == RECORD_REVOCATION ? judge_revocation(known, &record->revocation, why)
                                             : ERR_OK;
}

bool auditor_epoch_known(const struct decide_auditor *own, uint64_t epoch)
{
    return snapshot_of(own, epoch) != NULL;
}

err_code auditor_policies_judge(const struct decide_auditor *own, const struct record *record,
                                struct why *why)
{
    const struct snapshot *known = snapshot_of(own, record->epoch);

    if (known == NULL || record->kind != RECORD_DECISION)
        return ERR_OK;
    for (size_t i = 0; i < record->decision.n_policies; i++) {
        const struct record_policy *policy = &record->decision.policies[i];
        const struct snapshot_policy *listed = snapshot_find(known, policy->alias);

        if (listed == NULL || listed->version != policy->version ||
            !digest_eq(&listed->digest, &policy->digest))
            return why_say(why, ERR_LEDGER_INCONSISTENT,
                           "it rests on version %llu of \"%.*s\", which is not the one that the "
                           "snapshot of epoch %llu lists",
                           (unsigned long long)policy->version, TERM_ARG(policy->alias),
                           (unsigned long long)known->epoch);
    }
    return ERR_OK;
}
