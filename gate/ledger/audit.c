/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/audit.h"

#include <inttypes.h>
#include <stdlib.h>

/* What the walk over the entries carries along. */
struct walk {
    const struct ledger_trust *trust;
    struct record record;
    struct hw_pubkey statement_key; /* of the last key_rotation */
    struct ledger_report report;
};

static void walk_free(struct walk **walk)
{
    free(*walk);
    *walk = NULL;
}

static void count(struct walk *walk)
{
    struct ledger_report *report = &walk->report;

    switch (walk->record.kind) {
    case RECORD_DECISION:
        if (walk->record.decision.permit)
            report->permits++;
        else
            report->denials++;
        break;
    case RECORD_KEY_ROTATION:
        report->rotations++;
        break;
    case RECORD_INSTALL:
        report->installs++;
        break;
    case RECORD_ENROL:
        report->enrolments++;
        break;
    case RECORD_NONE:
    case RECORD_ATTEMPT:
    case RECORD_START:
    case RECORD_STOP:
    case RECORD_BUMP:
    case RECORD_INSTALL_REFUSED:
    case RECORD_OVERRIDE:
    case RECORD_APPROVAL:
    case RECORD_REVOCATION:
    case RECORD_HARDWARE_LOST:
    case RECORD_HARDWARE_BACK:
        break;
    }
}

static err_code judge(struct walk *walk, struct slice entry, struct why *why)
{
    const struct ledger_trust *trust = walk->trust;
    struct record *record = &walk->record;
    struct hw_pubkey hardware;

    TRY(record_parse(entry, record, why));
    if (trust->issuer.len != 0 && !slice_eq(trust->issuer, record->issuer))
        return why_say(why, ERR_LEDGER_INCONSISTENT, "issued by \"%.*s\", not by \"%.*s\"",
                       (int)record->issuer.len, (const char *)record->issuer.ptr,
                       (int)trust->issuer.len, (const char *)trust->issuer.ptr);
    if (record->kind != RECORD_KEY_ROTATION)
        return record_verify(record, &walk->statement_key, why);
    TRY(trust->key(trust, &record->kid, record->epoch, &hardware, why));
    TRY(record_verify(record, &hardware, why));
    walk->statement_key = record->key;
    return ERR_OK;
}

static err_code audit_entry(const struct ledger *ledger, uint64_t index, struct walk *walk,
                            struct why *why)
{
    CLEANUP(buf_free) struct buf entry = {0};
    struct why inner = {0};
    err_code err;

    TRY(ledger_entry(ledger, index, &entry, why));
    err = judge(walk, buf_slice(&entry), &inner);
    if (err != ERR_OK)
        return why_say(why, err, "entry %" PRIu64 ": %s", index,
                       inner.text[0] != '\0' ? inner.text : err_text(err));
    if (index == 0)
        walk->report.first_ms = walk->record.action_ms;
    walk->report.last_ms = walk->record.action_ms;
    count(walk);
    return ERR_OK;
}

err_code ledger_audit(const struct ledger *ledger, const struct ledger_trust *trust,
                      struct ledger_report *ret, struct why *why)
{
    CLEANUP(walk_free) struct walk *walk = calloc(1, sizeof *walk);

    if (walk == NULL)
        return ERR_NO_MEMORY;
    walk->trust = trust;
    for (uint64_t i = 0; i < ledger_size(ledger); i++)
        TRY(audit_entry(ledger, i, walk, why));
    TRY(ledger_checkpoint(ledger, &walk->report.checkpoint));
    *ret = walk->report;
    return ERR_OK;
}

err_code ledger_check_permit(const struct ledger *ledger, const struct permit *permit,
                             const struct ledger_trust *trust, struct why *why)
{
    const struct receipt *receipt = &permit->receipt;
    struct digest kid, leaf, want;
    struct hw_pubkey hardware;
    struct checkpoint head;

    TRY(digest_from(receipt->kid, &kid));
    TRY(trust->key(trust, &kid, receipt->epoch, &hardware, why));
    TRY(receipt_verify(receipt, buf_slice(&permit->entry), &hardware, &head, why));
    TRY(ledger_check_checkpoint(ledger, &head, why));
    TRY(tree_leaf(buf_slice(&permit->entry), &leaf));
    TRY(tree_hash(ledger_tree(ledger), 0, receipt->leaf_index, &want, why));
    if (!digest_eq(&leaf, &want)) /* cannot be while SHA-256 holds: the root is the same */
        return why_say(why, ERR_LEDGER_INCONSISTENT, "entry %" PRIu64 " is not the permit's record",
                       receipt->leaf_index);
    return ERR_OK;
}
