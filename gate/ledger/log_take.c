/* SPDX-License-Identifier: Apache-2.0 */
/* log_take.c: whether a record continues the ledger. The same rules hold for a record read from the
 * file and for one that is to be appended, so nothing is ever written that would not be read. */
#include "gate/base/text.h"
#include "gate/ledger/log_state.h"

#include <stdlib.h>
#include <string.h>

static err_code check_signer(const struct ledger_head *head, const struct record *record,
                             struct why *why)
{
    char got[DIGEST_TEXT], want[DIGEST_TEXT];

    if (record->kind == RECORD_KEY_ROTATION)
        return ERR_OK; /* signed by the hardware: an audit's business */
    if (!head->has_key)
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "a ledger begins with a key_rotation, not with %s",
                       record_kind_name(record->kind));
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

/* Time does not run back, the hardware turns one way only, and one epoch has one snapshot. A ledger
 * that shows otherwise was edited; a gate that would write otherwise has a wrong clock, or another
 * signed content for an epoch than the one it served before. snapshot: NULL if none is named. */
static err_code check_order(const struct ledger_head *head, uint64_t time_ms, uint64_t epoch,
                            const struct digest *snapshot, struct why *why)
{
    char got[DIGEST_TEXT], want[DIGEST_TEXT], now[TIME_TEXT], then[TIME_TEXT];

    if (time_ms < head->time_ms) {
        time_text((int64_t)(time_ms / 1000), now);
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

err_code ledger_ready(const struct ledger *ledger, uint64_t now_ms, uint64_t epoch,
                      const struct digest *snapshot, struct why *why)
{
    return check_order(&ledger->now, now_ms, epoch, snapshot, why);
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
    if (!digest_eq(&record->link.prev, &want->prev)) {
        digest_text(&record->link.prev, got_hash);
        digest_text(&want->prev, want_hash);
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "it continues the chain at %s, but its agent's chain ends at %s", got_hash,
                       want_hash);
    }
    return ERR_OK;
}

static err_code check_continues(const struct ledger *ledger, const struct record *record,
                                struct why *why)
{
    const struct ledger_head *head = &ledger->now;
    struct record_link link;

    if (ledger->issuer.len != 0 && !slice_eq(buf_slice(&ledger->issuer), record->issuer))
        return why_say(why, ERR_LEDGER_INCONSISTENT, "issued by \"%.*s\" in the ledger of \"%.*s\"",
                       (int)record->issuer.len, (const char *)record->issuer.ptr,
                       (int)ledger->issuer.len, (const char *)ledger->issuer.ptr);
    TRY(check_order(head, record->action_ms, record->epoch,
                    record->has_snapshot ? &record->snapshot : NULL, why));
    TRY(check_signer(head, record, why));
    TRY(agents_get(&ledger->agents, record->agent_id, &link));
    return check_link(record, &link, why);
}

/* Doubles an array when it is full. */
static err_code grow(void **array, size_t n, size_t *cap, size_t each)
{
    size_t want = *cap == 0 ? 64 : *cap * 2, bytes;
    void *bigger;

    if (n < *cap)
        return ERR_OK;
    if (__builtin_mul_overflow(want, each, &bytes))
        return ERR_TOO_LARGE;
    bigger = realloc(*array, bytes);
    if (bigger == NULL)
        return ERR_NO_MEMORY;
    *array = bigger;
    *cap = want;
    return ERR_OK;
}

static err_code make_room(struct ledger *ledger)
{
    void *offsets = ledger->offsets, *undo = ledger->undo;
    err_code err = grow(&offsets, (size_t)tree_size(&ledger->tree), &ledger->n_offsets,
                        sizeof *ledger->offsets);

    ledger->offsets = offsets;
    if (err == ERR_OK)
        err = grow(&undo, ledger->n_undo, &ledger->undo_cap, sizeof *ledger->undo);
    ledger->undo = undo;
    return err;
}

err_code ledger_take(struct ledger *ledger, struct slice bytes, struct why *why)
{
    struct record *record = ledger->record;
    struct ledger_head *now = &ledger->now;
    struct agent_entry *agent;
    struct digest leaf;
    size_t number;

    TRY(record_parse(bytes, record, why));
    TRY(check_continues(ledger, record, why));
    TRY(tree_leaf(bytes, &leaf));
    TRY(agents_at(&ledger->agents, record->agent_id, &number));
    TRY(make_room(ledger));
    TRY(tree_append(&ledger->tree, &leaf));
    if (ledger->issuer.len == 0 && buf_add_slice(&ledger->issuer, record->issuer) != ERR_OK) {
        tree_cut(&ledger->tree, tree_size(&ledger->tree) - 1);
        return ERR_NO_MEMORY;
    }

    agent = &ledger->agents.entries[number];
    ledger->undo[ledger->n_undo++] = (struct ledger_undo){number, agent->link};
    agent->link = (struct record_link){record->chain_hash, record->link.sequence + 1};
    ledger->offsets[tree_size(&ledger->tree) - 1] = now->end;
    now->end += FRAME_HEAD + bytes.len;
    now->time_ms = record->action_ms;
    if (record->has_snapshot)
        now->snapshot = record->snapshot;
    now->has_snapshot = record->has_snapshot || (now->has_snapshot && record->epoch == now->epoch);
    now->epoch = record->epoch;
    if (record->kind == RECORD_INSTALL)
        now->installed = record->epoch;
    if (record->kind == RECORD_KEY_ROTATION) {
        now->has_key = true;
        now->key_epoch = record->epoch;
        now->key = record->input; /* its thumbprint, as record_parse() has made sure */
        memcpy(now->session_id, record->session_id.ptr, sizeof now->session_id - 1);
    }
    return ERR_OK;
}
