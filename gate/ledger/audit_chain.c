/* SPDX-License-Identifier: Apache-2.0 */
/* audit_chain.c: each record against those before it: the rules are those of succession.h; here a
 * refusal gets its name, and the walk goes on after it. */
#include "gate/ledger/audit_memory.h"
#include "gate/ledger/audit_walk.h"

#include "gate/base/text.h"
#include "gate/cose/cose_key.h"
#include "gate/ledger/payload.h"

#include <stdlib.h>
#include <string.h>

#define SETTLE_EVERY 32 /* records that need not be taken back */

/* ---- names ----------------------------------------------------------------------------------- */

static enum audit_kind name_order(const struct succession_head *head, const struct record *record)
{
    if (record->action_ms < head->time_ms)
        return AUDIT_TIME_BACK;
    if (record->epoch < head->epoch)
        return AUDIT_EPOCH_BACK;
    if (record->epoch == head->epoch && record->has_snapshot && head->has_snapshot &&
        !digest_eq(&record->snapshot, &head->snapshot))
        return AUDIT_SNAPSHOT_CHANGED;
    return AUDIT_NONE;
}

/* A record of a session that is not the one that runs came from elsewhere. */
static enum audit_kind name_session(const struct succession_head *head, const struct record *record)
{
    if (record->kind == RECORD_KEY_ROTATION)
        return AUDIT_NONE;
    if (head->phase == SESSION_NONE || head->phase == SESSION_STOPPED)
        return AUDIT_SESSION_BROKEN;
    if (!slice_eq_str(record->session_id, head->session_id))
        return AUDIT_SPLICED;
    if (!digest_eq(&record->kid, &head->key))
        return AUDIT_SIGNER_UNKNOWN;
    return record->epoch != head->key_epoch ? AUDIT_SESSION_BROKEN : AUDIT_NONE;
}

static enum audit_kind name_link(const struct audit *a, const struct record *record)
{
    struct record_link want;

    if (succession_link(&a->chain, record->agent_id, &want, NULL) != ERR_OK)
        return AUDIT_NONE;
    if (record->link.sequence != want.sequence)
        return AUDIT_SEQUENCE_GAP;
    if (digest_eq(&record->link.prev, &want.prev))
        return AUDIT_NONE;
    return record->kind == RECORD_KEY_ROTATION ? AUDIT_SPLICED : AUDIT_CHAIN_BROKEN;
}

static enum audit_kind name(const struct audit *a, const struct record *record)
{
    const struct succession_head *head = &a->chain.head;
    enum audit_kind kind = AUDIT_NONE;

    if (a->chain.issuer.len > 0 && !slice_eq(buf_slice(&a->chain.issuer), record->issuer))
        return AUDIT_RECORD_FOREIGN;
    kind = name_session(head, record);
    if (kind == AUDIT_NONE)
        kind = name_link(a, record);
    if (kind == AUDIT_NONE)
        kind = name_order(head, record);
    if (kind == AUDIT_NONE && record->kind == RECORD_DECISION)
        kind = AUDIT_OUTCOME_WITHOUT_ATTEMPT;
    if (kind == AUDIT_NONE && record->kind == RECORD_STOP)
        kind = AUDIT_ATTEMPT_WITHOUT_OUTCOME;
    if (kind == AUDIT_NONE && head->phase == SESSION_RUNNING &&
        (record->kind == RECORD_AGENT_ENROL || record->kind == RECORD_AGENT_REMOVE))
        kind = AUDIT_ROSTER_BROKEN;
    return kind == AUDIT_NONE ? AUDIT_SESSION_BROKEN : kind;
}

/* ---- going on -------------------------------------------------------------------------------- */

static void copy_session(struct succession_head *head, const struct record *record)
{
    head->phase = SESSION_RUNNING;
    head->key = record->kid;
    head->key_epoch = record->epoch;
    memcpy(head->session_id, record->session_id.ptr, sizeof head->session_id - 1);
}

/* The attempt that a decision says it is the outcome of, as if it had been there. */
static err_code add_attempt(struct succession *s, const struct record *record)
{
    struct attempt attempt = {.input = record->input, .session = s->head.sessions};

    if (record->decision.attempt.len != sizeof attempt.id - 1)
        return ERR_FORMAT;
    memcpy(attempt.id, record->decision.attempt.ptr, sizeof attempt.id - 1);
    TRY(hash_sha256(record->agent_id, &attempt.agent));
    s->head.open++;
    return attempts_add(&s->attempts, &attempt);
}

/* Makes what was before such that the record continues it, and takes it. */
static err_code continue_with(struct audit *a, const struct record *record, struct why *why)
{
    struct succession *s = &a->chain;
    struct succession_head *head = &s->head;
    size_t agent;

    if (s->issuer.len > 0 && !slice_eq(buf_slice(&s->issuer), record->issuer))
        return ERR_OK; /* another gate's: its chains are not ours */
    TRY(agents_at(&s->agents, record->agent_id, &agent, why));
    s->agents.entries[agent].link = record->link;
    head->time_ms = record->action_ms;
    head->epoch = record->epoch;
    head->has_snapshot = false;
    head->round = record->round;
    if (record->kind != RECORD_KEY_ROTATION)
        copy_session(head, record);
    else if (head->key_round >= record->round)
        head->key_round = record->round - (record->round > 0);
    if (record->kind == RECORD_START) {
        head->phase = SESSION_BEGUN;
        head->clean = record->start.clean;
        head->began = record->start.last_size;
        head->key_round = record->start.last_round + 1;
    }
    if (succession_take(s, record, NULL) == ERR_OK)
        return ERR_OK;
    if (record->kind == RECORD_DECISION && add_attempt(s, record) == ERR_OK &&
        succession_take(s, record, NULL) == ERR_OK)
        return ERR_OK;
    attempts_cut(&s->attempts, 0);
    head->open = 0;
    for (int phase = SESSION_BEGUN; phase <= SESSION_STOPPED; phase++) {
        head->phase = (enum session_phase)phase;
        if (succession_take(s, record, NULL) == ERR_OK)
            return ERR_OK;
    }
    return ERR_OK;
}

/* The roster stays what it was. */
static err_code take_anyway(struct audit *a, const struct record *record, struct why *why)
{
    bool before = a->chain.roster_unknown;
    err_code err;

    a->chain.roster_unknown = true;
    err = continue_with(a, record, why);
    a->chain.roster_unknown = before;
    return err;
}

/* Where an agent's last record was, one above; 0 if none was seen. */
static err_code seen_at(struct audit *a, struct slice agent_id, uint64_t **ret, struct why *why)
{
    size_t agent;

    TRY(agents_at(&a->chain.agents, agent_id, &agent, why));
    if (agent >= a->n_seen) {
        size_t n = agent * 2 + 64;
        uint64_t *bigger = reallocarray(a->seen, n, sizeof *bigger);

        if (bigger == NULL)
            return ERR_NO_MEMORY;
        memset(bigger + a->n_seen, 0, (n - a->n_seen) * sizeof *bigger);
        a->seen = bigger;
        a->n_seen = n;
    }
    *ret = &a->seen[agent];
    return ERR_OK;
}

/* Whether a gap can come from entries that could not be read, or from before the walk. */
static bool excused(const struct audit *a, enum audit_kind kind, const struct record *record,
                    uint64_t index, uint64_t seen)
{
    if (!a->holes)
        return false;
    if (kind == AUDIT_SESSION_BROKEN) /* a start speaks of what was before its key_rotation */
        return record->kind == RECORD_START && index <= a->last_hole + 2;
    if (kind == AUDIT_SEQUENCE_GAP || kind == AUDIT_CHAIN_BROKEN)
        return seen <= a->last_hole + 1;
    return kind == AUDIT_OUTCOME_WITHOUT_ATTEMPT || kind == AUDIT_ATTEMPT_WITHOUT_OUTCOME;
}

static uint64_t first_open(const struct audit *a, uint64_t otherwise)
{
    const struct attempts *attempts = &a->chain.attempts;

    for (size_t i = 0; i < attempts->n; i++)
        if (!attempts->list[i].closed && attempts->list[i].session == a->chain.head.sessions)
            return attempts->list[i].entry;
    return otherwise;
}

static err_code refused(struct audit *a, uint64_t index, const struct record *record,
                        const char *text, struct why *why)
{
    enum audit_kind kind = name(a, record);
    uint64_t *seen;

    TRY(seen_at(a, record->agent_id, &seen, why));
    if (kind == AUDIT_ATTEMPT_WITHOUT_OUTCOME)
        index = first_open(a, index);
    if (!excused(a, kind, record, index, *seen))
        TRY(audit_hold(a, kind, index, "", "%s", text));
    return take_anyway(a, record, why);
}

/* ---- signatures of the hardware -------------------------------------------------------------- */

static err_code introduce(struct audit *a, uint64_t index, const struct record *record)
{
    const struct auditor *auditor = a->job->auditor;
    struct hw_pubkey hardware;
    struct why inner = {0};
    err_code err = auditor->key(auditor, &record->kid, record->epoch, &hardware, &inner);

    if (err == ERR_OK)
        err = record_verify(record, &hardware, &inner);
    a->session_key = record->key;
    a->has_session_key = true;
    if (err == ERR_OK)
        return ERR_OK;
    return audit_hold(a,
                      err == ERR_SIGNATURE_INVALID ? AUDIT_SIGNATURE_INVALID : AUDIT_SIGNER_UNKNOWN,
                      index, "", "%s", why_text(&inner, err));
}

/* ---- one record ------------------------------------------------------------------------------ */

static void count(struct audit *a, const struct record *record)
{
    struct audit_report *report = &a->report;

    if (report->read++ == 0)
        report->first_ms = record->action_ms;
    report->last_ms = record->action_ms;
    report->epoch = record->epoch;
    report->kinds[record->kind]++;
    report->permits += record->kind == RECORD_DECISION && record->decision.permit;
}

/* The round of a record is signed with it; the journal's number is nobody's word. */
static err_code judge_round(struct audit *a, uint64_t index, const struct record *record)
{
    uint64_t round, want = record->round;

    if (!audit_journal_round(&a->journal, index, &round) || round == want)
        return ERR_OK;
    return audit_hold(a, AUDIT_JOURNAL_DAMAGED, index, "journal",
                      "calls the commit round %llu, and its entry is of round %llu",
                      (unsigned long long)round, (unsigned long long)want);
}

static err_code own_rules(struct audit *a, uint64_t index, const struct record *record)
{
    const struct auditor *auditor = a->job->auditor;
    enum audit_kind kind = AUDIT_RECORD_DAMAGED;
    struct why inner = {0};

    if (auditor->issuer.len != 0 && !slice_eq(auditor->issuer, record->issuer))
        TRY(audit_hold(a, AUDIT_RECORD_FOREIGN, index, "", "issued by \"%.*s\", not by \"%.*s\"",
                       (int)record->issuer.len, (const char *)record->issuer.ptr,
                       (int)auditor->issuer.len, (const char *)auditor->issuer.ptr));
    if (record->kind == RECORD_KEY_ROTATION) {
        if (a->chain.head.phase == SESSION_BEGUN || a->chain.head.phase == SESSION_RUNNING)
            a->report.interrupted++;
        TRY(introduce(a, index, record));
    }
    TRY(judge_round(a, index, record));
    if (auditor->record == NULL || auditor->record(auditor, record, &kind, &inner) == ERR_OK)
        return ERR_OK;
    return audit_hold(a, kind, index, "", "%s", inner.text);
}

static err_code take(struct audit *a, uint64_t index, const struct record *record, struct why *why)
{
    struct why inner = {0};
    err_code err;
    uint64_t *seen;

    TRY(own_rules(a, index, record));
    a->chain.head.entries = index;
    err = succession_take(&a->chain, record, &inner);
    if (err == ERR_NO_MEMORY || err == ERR_INTERNAL)
        return err;
    if (err != ERR_OK)
        TRY(refused(a, index, record, why_text(&inner, err), why));
    TRY(audit_epoch(a, index, record));
    if (a->chain.n_undo >= SETTLE_EVERY)
        succession_settle(&a->chain);
    if (a->holes) { /* before, nobody asks */
        TRY(seen_at(a, record->agent_id, &seen, why));
        *seen = index + 1;
    }
    count(a, record);
    if (a->job->entry != NULL)
        a->job->entry(a->job->context, index, record);
    return ERR_OK;
}

err_code audit_record(struct audit *a, struct slice entry, struct why *why)
{
    return payload_record(a->dir.path, entry, &a->preimage, a->record, why);
}

/* An entry that is no record, or a hash envelope without its pre-image: which, err says. */
static err_code unreadable(struct audit *a, uint64_t index, struct slice entry, err_code err,
                           const char *text)
{
    bool missing = err == ERR_PREIMAGE_MISSING, needed;
    char file[PAYLOAD_NAME];
    struct digest hash;

    if (!missing && err != ERR_LEDGER_INCONSISTENT)
        return audit_hold(a, AUDIT_RECORD_DAMAGED, index, "", "%s", text);
    TRY(record_preimage(entry, &needed, &hash, NULL));
    payload_name(&hash, file);
    return audit_hold(a, missing ? AUDIT_PREIMAGE_MISSING : AUDIT_PREIMAGE_DAMAGED, index, file,
                      "%s", text);
}

err_code audit_chain_take(struct audit *a, const struct audit_unit *unit, unsigned at,
                          struct why *why)
{
    uint64_t index = unit->number * AUDIT_WIDTH + at;
    struct why inner = {0};
    err_code err;

    if (unit->skimmed[at]) {
        record_of_skim(&unit->skims[at], a->record);
        return take(a, index, a->record, why);
    }
    err = audit_record(a, unit->entries[at], &inner);
    if (err == ERR_NO_MEMORY || err == ERR_INTERNAL)
        return err;
    if (err == ERR_OK)
        return take(a, index, a->record, why);
    audit_chain_hole(a, index);
    return unreadable(a, index, unit->entries[at], err, why_text(&inner, err));
}

void audit_chain_hole(struct audit *a, uint64_t index)
{
    a->holes = true;
    a->chain.roster_unknown = true;
    a->last_hole = index;
    a->epochs.sure = false; /* it may have been an install */
}

err_code audit_chain_resume(struct audit *a, struct slice entry, struct why *why)
{
    struct record *record = a->record;
    size_t agent;

    TRY(audit_record(a, entry, why));
    TRY(buf_add_slice(&a->chain.issuer, record->issuer));
    a->chain.head.time_ms = record->action_ms;
    a->chain.head.epoch = record->epoch;
    a->chain.head.round = record->round;
    a->chain.head.has_snapshot = record->has_snapshot;
    a->chain.head.snapshot = record->snapshot;
    copy_session(&a->chain.head, record);
    if (record->kind == RECORD_KEY_ROTATION) {
        a->chain.head.key = record->input;
        a->chain.head.phase = SESSION_BEGUN;
    } else if (record->kind == RECORD_STOP) {
        a->chain.head.phase = SESSION_STOPPED;
    }
    a->chain.head.sessions = 1;
    TRY(agents_at(&a->chain.agents, record->agent_id, &agent, why));
    a->chain.agents.entries[agent].link =
        (struct record_link){record->chain_hash, record->link.sequence + 1};
    return ERR_OK;
}

err_code audit_chain_remember(struct audit *a, struct why *why)
{
    TRY(audit_memory_read(a->job->memory, &a->chain, why));
    a->epochs.installed = a->chain.head.installed;
    a->epochs.stepped = a->chain.head.installed;
    a->chain.roster_unknown = true;
    return ERR_OK;
}

err_code audit_chain_end(struct audit *a)
{
    const struct succession_head *head = &a->chain.head;

    a->report.running = head->phase == SESSION_BEGUN || head->phase == SESSION_RUNNING;
    a->report.open = head->open;
    a->report.lost = head->interrupted;
    return ERR_OK;
}
