/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/succession.h"

#include "gate/base/text.h"

#include <stdlib.h>
#include <string.h>

#define NOT_ONE SIZE_MAX

err_code succession_init(struct succession *s, const struct agents_below *below)
{
    *s = (struct succession){0};
    return agents_init(&s->agents, below);
}

/* From here on nothing is taken back. */
static void forget_undo(struct succession *s)
{
    while (s->n_undo > 0)
        enrolled_free(&s->undo[--s->n_undo].left);
}

void succession_free(struct succession *s)
{
    forget_undo(s);
    buf_free(&s->issuer);
    agents_free(&s->agents);
    attempts_free(&s->attempts);
    roster_free(&s->roster);
    free(s->undo);
    *s = (struct succession){0};
}

err_code succession_link(const struct succession *s, struct slice agent_id, struct record_link *ret,
                         struct why *why)
{
    return agents_get(&s->agents, agent_id, ret, why);
}

/* ---- what must agree ------------------------------------------------------------------------- */

static err_code check_issuer(const struct succession *s, const struct record *record,
                             struct why *why)
{
    if (s->issuer.len == 0 || slice_eq(buf_slice(&s->issuer), record->issuer))
        return ERR_OK;
    return why_say(why, ERR_LEDGER_INCONSISTENT, "issued by \"%.*s\" in the ledger of \"%.*s\"",
                   (int)record->issuer.len, (const char *)record->issuer.ptr, (int)s->issuer.len,
                   (const char *)s->issuer.ptr);
}

/* Time does not run back, the hardware turns one way only, and one epoch has one snapshot. A ledger
 * that shows otherwise was edited; a gate that would write otherwise has a wrong clock, or another
 * signed content for an epoch than the one it served before. */
err_code succession_ready(const struct succession *s, uint64_t now_ms, uint64_t epoch,
                          const struct digest *snapshot, struct why *why)
{
    const struct succession_head *head = &s->head;
    char got[DIGEST_TEXT], want[DIGEST_TEXT], now[TIME_TEXT], then[TIME_TEXT];

    if (now_ms < head->time_ms) {
        time_text((int64_t)(now_ms / 1000), now);
        time_text((int64_t)(head->time_ms / 1000), then);
        return why_say(why, ERR_CLOCK_BACK, "it is %s, but the last entry of the ledger is of %s",
                       now, then);
    }
    if (epoch < head->epoch)
        return why_say(why, ERR_LEDGER_INCONSISTENT, "of epoch %llu, after an entry of epoch %llu",
                       (unsigned long long)epoch, (unsigned long long)head->epoch);
    if (epoch > head->epoch || snapshot == NULL || !head->has_snapshot ||
        digest_eq(snapshot, &head->snapshot))
        return ERR_OK;
    digest_text(snapshot, got);
    digest_text(&head->snapshot, want);
    return why_say(
        why, ERR_EQUIVOCATION,
        "under snapshot %s of epoch %llu, but earlier entries of this epoch are under %s", got,
        (unsigned long long)epoch, want);
}

static err_code out_of_place(const struct succession_head *head, enum record_kind kind,
                             const char *where, struct why *why)
{
    return why_say(why, ERR_LEDGER_INCONSISTENT, "%s %s session %s", record_kind_name(kind), where,
                   head->session_id);
}

/* Whether this kind may come here in a session. */
static err_code check_phase(const struct succession_head *head, enum record_kind kind,
                            struct why *why)
{
    if (kind == RECORD_KEY_ROTATION)
        return ERR_OK; /* a session that was killed ended anywhere */
    switch (head->phase) {
    case SESSION_NONE:
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "a ledger begins with a key_rotation, not with %s", record_kind_name(kind));
    case SESSION_BEGUN:
        return kind == RECORD_START ? ERR_OK
                                    : out_of_place(head, kind, "where the start was due of", why);
    case SESSION_RUNNING:
        return kind != RECORD_START ? ERR_OK : out_of_place(head, kind, "once more in", why);
    case SESSION_STOPPED:
        return out_of_place(head, kind, "where only a key_rotation may follow, behind the stop of",
                            why);
    }
    return ERR_INTERNAL;
}

static err_code check_rotation(const struct succession_head *head, const struct record *record,
                               struct why *why)
{
    if (record->round > head->key_round)
        return ERR_OK;
    return why_say(why, ERR_LEDGER_INCONSISTENT,
                   "a key_rotation of round %llu, after one of round %llu",
                   (unsigned long long)record->round, (unsigned long long)head->key_round);
}

/* A round has many entries, and what began as one round is not of an earlier one. */
static err_code check_round(const struct succession_head *head, const struct record *record,
                            struct why *why)
{
    if (record->round >= head->round)
        return ERR_OK;
    return why_say(why, ERR_LEDGER_INCONSISTENT, "of round %llu, after an entry of round %llu",
                   (unsigned long long)record->round, (unsigned long long)head->round);
}

static err_code check_start(const struct succession_head *head, const struct record *record,
                            struct why *why)
{
    const struct record_start *start = &record->start;

    if (start->clean != head->clean)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "it says that the session before %s in order, but that one %s",
                       start->clean ? "ended" : "did not end",
                       head->clean ? "has a stop" : "has none");
    if (start->last_size != head->began || start->last_round >= head->key_round)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "it says that the session found %llu entries of round %llu, but its "
                       "key_rotation is entry %llu of round %llu",
                       (unsigned long long)start->last_size, (unsigned long long)start->last_round,
                       (unsigned long long)head->began, (unsigned long long)head->key_round);
    return ERR_OK;
}

static err_code check_stop(const struct succession_head *head, struct why *why)
{
    if (head->open == 0)
        return ERR_OK;
    return why_say(why, ERR_LEDGER_INCONSISTENT,
                   "session %s cannot end in order while %llu attempts have no outcome",
                   head->session_id, (unsigned long long)head->open);
}

static err_code check_attempt(const struct succession *s, const struct record *record,
                              struct why *why)
{
    if (attempts_find(&s->attempts, record->record_id, s->head.sessions) == s->attempts.n)
        return ERR_OK;
    return why_say(why, ERR_LEDGER_INCONSISTENT, "a second attempt with the id %.36s",
                   (const char *)record->record_id.ptr);
}

/* The attempt whose outcome this is. */
static err_code check_outcome(struct succession *s, const struct record *record, size_t *ret,
                              struct why *why)
{
    struct slice id = record->decision.attempt;
    size_t at = attempts_find(&s->attempts, id, s->head.sessions);
    const struct attempt *attempt;
    struct digest agent;

    if (at == s->attempts.n)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "the outcome of attempt \"%.*s\", of which this session knows none that has "
                       "no outcome yet",
                       (int)id.len, (const char *)id.ptr);
    attempt = &s->attempts.list[at];
    TRY(hasher_sha256(&s->agents.hasher, &record->agent_id, 1, &agent));
    if (!digest_eq(&agent, &attempt->agent) || !digest_eq(&record->input, &attempt->input))
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "the outcome of attempt %s, which is entry %llu and another agent's or of "
                       "another request",
                       attempt->id, (unsigned long long)attempt->entry);
    *ret = at;
    return ERR_OK;
}

static err_code check_roster(const struct succession *s, const struct record *record,
                             struct why *why)
{
    struct why inner = {0};
    err_code err = ERR_OK;

    if (!s->roster_unknown)
        err = record->kind == RECORD_AGENT_ENROL
                  ? roster_admits(&s->roster, &record->agent, &inner)
                  : roster_releases(&s->roster, record->agent.id, &inner);
    return err == ERR_OK ? err : why_say(why, ERR_LEDGER_INCONSISTENT, "%s", inner.text);
}

/* What a kind asks for beyond what all do. ret_closed: the attempt whose outcome it is. */
static err_code check_kind(struct succession *s, const struct record *record, size_t *ret_closed,
                           struct why *why)
{
    TRY(check_phase(&s->head, record->kind, why));
    switch (record->kind) {
    case RECORD_KEY_ROTATION:
        return check_rotation(&s->head, record, why);
    case RECORD_START:
        return check_start(&s->head, record, why);
    case RECORD_STOP:
        return check_stop(&s->head, why);
    case RECORD_ATTEMPT:
        return check_attempt(s, record, why);
    case RECORD_DECISION:
        return check_outcome(s, record, ret_closed, why);
    case RECORD_AGENT_ENROL:
    case RECORD_AGENT_REMOVE:
        return check_roster(s, record, why);
    case RECORD_NONE:
        return ERR_INTERNAL;
    case RECORD_INSTALL:
    case RECORD_ENROL:
    case RECORD_BUMP:
    case RECORD_INSTALL_REFUSED:
    case RECORD_OVERRIDE:
    case RECORD_APPROVAL:
    case RECORD_REVOCATION:
    case RECORD_HARDWARE_LOST:
    case RECORD_HARDWARE_BACK:
        return ERR_OK;
    }
    return ERR_INTERNAL;
}

static err_code check_signer(const struct succession_head *head, const struct record *record,
                             struct why *why)
{
    char got[DIGEST_TEXT], want[DIGEST_TEXT];

    if (record->kind == RECORD_KEY_ROTATION)
        return ERR_OK; /* signed by the hardware: an audit's business */
    if (!digest_eq(&record->kid, &head->key)) {
        digest_text(&record->kid, got);
        digest_text(&head->key, want);
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "signed by key %s, but the last key_rotation introduced %s", got, want);
    }
    if (record->epoch != head->key_epoch)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "of epoch %llu, signed by a key that was introduced in epoch %llu",
                       (unsigned long long)record->epoch, (unsigned long long)head->key_epoch);
    if (!slice_eq_str(record->session_id, head->session_id))
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "of session %.36s, but the last key_rotation began session %s",
                       (const char *)record->session_id.ptr, head->session_id);
    return ERR_OK;
}

static err_code check_link(const struct record *record, const struct record_link *want,
                           struct why *why)
{
    char got_hash[DIGEST_TEXT], want_hash[DIGEST_TEXT];

    if (record->link.sequence != want->sequence)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "sequence number %llu where %llu was due: records of this agent are missing "
                       "or repeated",
                       (unsigned long long)record->link.sequence,
                       (unsigned long long)want->sequence);
    if (digest_eq(&record->link.prev, &want->prev))
        return ERR_OK;
    digest_text(&record->link.prev, got_hash);
    digest_text(&want->prev, want_hash);
    return why_say(why, ERR_LEDGER_INCONSISTENT,
                   "it continues the chain at %s, but its agent's chain ends at %s", got_hash,
                   want_hash);
}

/* ---- taking and taking back ------------------------------------------------------------------ */

static err_code make_room(struct succession *s)
{
    size_t cap = s->undo_cap == 0 ? 16 : s->undo_cap * 2;
    struct succession_undo *undo;

    if (s->n_undo < s->undo_cap)
        return ERR_OK;
    undo = reallocarray(s->undo, cap, sizeof *undo);
    if (undo == NULL)
        return ERR_NO_MEMORY;
    s->undo = undo;
    s->undo_cap = cap;
    return ERR_OK;
}

static void begin_session(struct succession_head *head, const struct record *record)
{
    head->clean = head->phase == SESSION_NONE || head->phase == SESSION_STOPPED;
    head->phase = SESSION_BEGUN;
    head->began = head->entries;
    head->key_round = record->round;
    head->key = record->input; /* its thumbprint, as record_parse() has made sure */
    head->key_epoch = record->epoch;
    memcpy(head->session_id, record->session_id.ptr, sizeof head->session_id - 1);
    head->sessions++;
    head->interrupted += head->open;
    head->open = 0;
}

static void advance(struct succession_head *head, const struct record *record)
{
    if (record->kind == RECORD_KEY_ROTATION)
        begin_session(head, record);
    if (record->kind == RECORD_START)
        head->phase = SESSION_RUNNING;
    if (record->kind == RECORD_STOP)
        head->phase = SESSION_STOPPED;
    if (record->kind == RECORD_ATTEMPT)
        head->open++;
    if (record->kind == RECORD_DECISION)
        head->open--;
    if (record->kind == RECORD_INSTALL)
        head->installed = record->epoch;
    head->entries++;
    head->round = record->round;
    head->time_ms = record->action_ms;
    if (record->has_snapshot)
        head->snapshot = record->snapshot;
    head->has_snapshot =
        record->has_snapshot || (head->has_snapshot && record->epoch == head->epoch);
    head->epoch = record->epoch;
}

static err_code add_attempt(struct succession *s, const struct record *record)
{
    struct attempt attempt = {
        .input = record->input, .entry = s->head.entries, .session = s->head.sessions};

    TRY(hasher_sha256(&s->agents.hasher, &record->agent_id, 1, &attempt.agent));
    memcpy(attempt.id, record->record_id.ptr, sizeof attempt.id - 1);
    return attempts_add(&s->attempts, &attempt);
}

/* What the record means for the roster, except for changing it: that cannot fail any more. */
static err_code prepare_roster(struct succession *s, const struct record *record,
                               struct enrolled **ret)
{
    if (record->kind != RECORD_AGENT_ENROL || s->roster_unknown)
        return ERR_OK;
    TRY(roster_room(&s->roster));
    return enrolled_make(&record->agent, s->head.entries, record->action_ms, ret);
}

static void change_roster(struct succession *s, const struct record *record,
                          struct succession_undo *undo)
{
    undo->roster_changed = s->roster.changed;
    if (s->roster_unknown ||
        (record->kind != RECORD_AGENT_ENROL && record->kind != RECORD_AGENT_REMOVE))
        return;
    if (undo->came != NULL)
        roster_put(&s->roster, undo->came);
    else
        undo->left = roster_take(&s->roster, record->agent.id);
    s->roster.changed = s->head.entries + 1;
}

static void restore_roster(struct succession *s, const struct succession_undo *undo)
{
    struct enrolled *came;

    if (undo->came != NULL) {
        came = roster_take(&s->roster, undo->came->id);
        enrolled_free(&came);
    }
    if (undo->left != NULL)
        roster_put(&s->roster, undo->left);
    s->roster.changed = undo->roster_changed;
}

/* The part of taking that may fail; it leaves at most an issuer, an agent, an attempt and an
 * enrolment behind. */
static err_code judge(struct succession *s, const struct record *record,
                      struct succession_undo *undo, struct why *why)
{
    const struct digest *snapshot = record->has_snapshot ? &record->snapshot : NULL;

    TRY(check_issuer(s, record, why));
    TRY(succession_ready(s, record->action_ms, record->epoch, snapshot, why));
    TRY(check_kind(s, record, &undo->closed, why));
    TRY(check_signer(&s->head, record, why));
    TRY(check_round(&s->head, record, why));
    TRY(make_room(s));
    if (s->issuer.len == 0)
        TRY(buf_add_slice(&s->issuer, record->issuer));
    if (record->kind == RECORD_ATTEMPT)
        TRY(add_attempt(s, record));
    TRY(prepare_roster(s, record, &undo->came));
    TRY(agents_at(&s->agents, record->agent_id, &undo->agent, why));
    return check_link(record, &s->agents.entries[undo->agent].link, why);
}

err_code succession_take(struct succession *s, const struct record *record, struct why *why)
{
    struct succession_undo undo = {
        .head = s->head, .n_agents = s->agents.n, .n_attempts = s->attempts.n, .closed = NOT_ONE};
    err_code err = judge(s, record, &undo, why);
    struct record_link *link;

    if (err != ERR_OK) {
        agents_cut(&s->agents, undo.n_agents);
        attempts_cut(&s->attempts, undo.n_attempts);
        enrolled_free(&undo.came);
        if (s->head.entries == 0)
            buf_cut(&s->issuer, 0);
        return err;
    }
    link = &s->agents.entries[undo.agent].link;
    undo.link = *link;
    *link = (struct record_link){record->chain_hash, record->link.sequence + 1};
    if (undo.closed != NOT_ONE)
        s->attempts.list[undo.closed].closed = true;
    change_roster(s, record, &undo);
    advance(&s->head, record);
    s->undo[s->n_undo++] = undo;
    return ERR_OK;
}

void succession_undo(struct succession *s, size_t keep)
{
    while (s->n_undo > keep) {
        const struct succession_undo *undo = &s->undo[--s->n_undo];

        s->agents.entries[undo->agent].link = undo->link;
        agents_cut(&s->agents, undo->n_agents);
        if (undo->closed != NOT_ONE)
            s->attempts.list[undo->closed].closed = false;
        attempts_cut(&s->attempts, undo->n_attempts);
        restore_roster(s, undo);
        s->head = undo->head;
    }
    if (s->head.entries == 0)
        buf_cut(&s->issuer, 0);
}

void succession_settle(struct succession *s)
{
    forget_undo(s);
    attempts_settle(&s->attempts, s->head.sessions);
}
