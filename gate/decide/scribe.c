/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/scribe.h"

#include "gate/decide/gate_ledger.h"
#include "gate/decide/publish.h"
#include "gate/decide/scribe_state.h"

#include <stdlib.h>
#include <string.h>

void scribe_close(struct scribe **scribe)
{
    struct scribe *s = *scribe;

    if (s == NULL)
        return;
    ledger_close(&s->ledger);
    session_free(&s->session);
    buf_free(&s->issuer);
    buf_free(&s->sealed);
    permit_known_free(&s->known);
    free(s);
    *scribe = NULL;
}

const struct ledger *scribe_ledger(const struct scribe *scribe)
{
    return scribe->ledger;
}

const struct hw_kept *scribe_kept(const struct scribe *scribe)
{
    return &scribe->kept;
}

err_code scribe_open(struct gate *gate, struct scribe **ret, struct why *why)
{
    CLEANUP(scribe_close) struct scribe *s = calloc(1, sizeof *s);

    if (s == NULL)
        return ERR_NO_MEMORY;
    s->gate = gate;
    TRY(gate_issuer(gate, &s->issuer));
    TRY(gate_ledger_open(gate->state_dir, LEDGER_APPEND, &s->ledger, why));
    TRY(scribe_check_head(s, why));
    s->worked_ms = gate->now_ms;
    *ret = s;
    s = NULL; /* transferred */
    return ERR_OK;
}

/* ---- rounds of its own ------------------------------------------------------------------------
 */

/* The entry that was staged last. */
uint64_t scribe_staged(const struct scribe *s)
{
    return ledger_next(s->ledger) - 1;
}

void scribe_last(struct scribe *scribe)
{
    scribe->last = true;
}

/* ---- what the gate did ----------------------------------------------------------------------- */

bool scribe_owes_install(const struct scribe *scribe)
{
    return ledger_installed(scribe->ledger) != scribe->gate->epoch;
}

static void fill_refusal(const void *from, struct record *record)
{
    const struct refusal *refusal = from;

    record->refused = (struct record_refused){slice_str(err_name(refusal->error)), refusal->bundle,
                                              refusal->claimed};
}

err_code scribe_own_round(struct scribe *s, const struct own_record *own, uint64_t now_ms,
                          uint64_t *ret_index, struct why *why)
{
    const struct scribe_end end = {0};
    uint64_t index;
    err_code err = ERR_OK;

    TRY(scribe_begin_round(s, now_ms, why));
    if (own != NULL)
        err = scribe_stage_filled(s, own, now_ms, why);
    if (err != ERR_OK) {
        scribe_abandon(s);
        return err;
    }
    index = scribe_staged(s);
    TRY(scribe_end_round(s, &end, now_ms, why));
    *ret_index = index;
    return ERR_OK;
}

err_code scribe_install(struct scribe *scribe, uint64_t now_ms, uint64_t *ret_index,
                        struct why *why)
{
    return scribe_own_round(scribe, NULL, now_ms, ret_index, why);
}

err_code scribe_refused(struct scribe *scribe, const struct refusal *refusal, uint64_t now_ms,
                        uint64_t *ret_index, struct why *why)
{
    const struct own_record own = {RECORD_INSTALL_REFUSED, fill_refusal, refusal};

    return scribe_own_round(scribe, &own, now_ms, ret_index, why);
}

/* ---- the end --------------------------------------------------------------------------------- */

err_code scribe_publish(struct scribe *scribe, struct why *why)
{
    if (scribe->sealed.len == 0)
        return ERR_OK;
    return publish_head(scribe->gate, scribe->ledger, buf_slice(&scribe->sealed), why);
}

bool scribe_wants_fold(const struct scribe *scribe)
{
    return ledger_wants_fold(scribe->ledger);
}

err_code scribe_fold(struct scribe *scribe, struct why *why)
{
    return scribe_wants_fold(scribe) ? ledger_fold(scribe->ledger, why) : ERR_OK;
}

err_code scribe_stop(struct scribe *scribe, const char *reason, uint64_t now_ms, struct why *why)
{
    const struct scribe_end end = {.durable = true};
    err_code err;

    if (!scribe->session.durable)
        return ERR_OK; /* nothing of this session is on record, and need not be */
    TRY(scribe_begin_round(scribe, now_ms, why));
    err = scribe_stage_stop(scribe, reason, now_ms, why);
    if (err != ERR_OK) {
        scribe_abandon(scribe);
        return scribe_note(scribe, err, now_ms);
    }
    TRY(scribe_end_round(scribe, &end, now_ms, why));
    session_free(&scribe->session);
    TRY(scribe_publish(scribe, why));
    return ledger_fold(scribe->ledger, why);
}
