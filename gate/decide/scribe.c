/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/scribe.h"

#include "gate/decide/gate_head.h"
#include "gate/decide/gate_ledger.h"
#include "gate/decide/publish.h"
#include "gate/decide/scribe_state.h"
#include "gate/ledger/seal.h"

#include <stdlib.h>
#include <string.h>

/* Between two heads that the hardware keeps durably, which wears it: docs/hardware-wear.md. */
#define DURABLE_MS ((uint64_t)3600 * 1000)

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

static err_code check_head(struct scribe *s, struct why *why)
{
    TRY(gate_head_check(s->gate, s->ledger, &s->kept, why));
    s->bound = true;
    return ERR_OK;
}

err_code scribe_open(struct gate *gate, struct scribe **ret, struct why *why)
{
    CLEANUP(scribe_close) struct scribe *s = calloc(1, sizeof *s);

    if (s == NULL)
        return ERR_NO_MEMORY;
    s->gate = gate;
    TRY(gate_issuer(gate, &s->issuer));
    TRY(gate_ledger_open(gate->state_dir, LEDGER_APPEND, &s->ledger, why));
    TRY(check_head(s, why));
    s->worked_ms = gate->now_ms;
    *ret = s;
    s = NULL; /* transferred */
    return ERR_OK;
}

/* ---- the round ------------------------------------------------------------------------------- */

/* Nothing of an open round remains. A session whose key_rotation went with it begins anew. */
void scribe_abandon(struct scribe *s)
{
    ledger_abandon(s->ledger);
    s->open = false;
    s->undecided = 0;
    if (!s->session.durable)
        session_free(&s->session);
}

/* What the hardware answered when it could not do its part, and not when it refused: it is not
 * there, we may not use it, it does not take our secret, is locked, failed, or was silent. */
static bool is_outage(err_code err)
{
    return err_exit(err) >= 30 && err_exit(err) <= 34;
}

/* The first failure of an outage is the one that counts. */
static err_code note(struct scribe *s, err_code err, uint64_t now_ms)
{
    if (is_outage(err) && s->worked_ms != 0 && ledger_size(s->ledger) > 0 &&
        s->outage.error == ERR_OK)
        s->outage = (struct outage){err, now_ms, s->worked_ms, s->kept.round};
    return err;
}

struct outage scribe_outage(const struct scribe *scribe)
{
    return scribe->outage;
}

void scribe_resume(struct scribe *scribe, const struct outage *outage)
{
    scribe->outage = *outage;
}

err_code scribe_ping(struct scribe *s, uint64_t now_ms, struct why *why)
{
    struct hw_root *hw = s->gate->hw;

    TRY(note(s, hw->ops->begin(hw, why), now_ms));
    s->worked_ms = now_ms;
    return ERR_OK;
}

err_code scribe_begin_round(struct scribe *s, uint64_t now_ms, struct why *why)
{
    err_code err;

    if (s->open)
        return ERR_OK;
    TRY(ledger_ready(s->ledger, now_ms, s->gate->epoch, &s->gate->installed.judged.snapshot.digest,
                     why));
    if (!s->bound)
        TRY(note(s, check_head(s, why), now_ms));
    TRY(scribe_ping(s, now_ms, why));
    s->open = true;
    err = scribe_stage_own(s, now_ms, why);
    if (err != ERR_OK)
        scribe_abandon(s);
    return note(s, err, now_ms);
}

/* Makes what is staged durable, on disk and then in the hardware. */
static err_code commit(struct scribe *s, enum hw_keep keep, struct why *why)
{
    struct hw_root *hw = s->gate->hw;
    const uint64_t round = s->kept.round + 1;
    struct tlog_head head;
    struct hw_head bound;

    TRY(ledger_commit(s->ledger, round, why));
    s->session.durable = true;
    s->bound = false; /* until the hardware has said that it is */
    head = ledger_head(s->ledger);
    bound = (struct hw_head){round, head.checkpoint.size, head.checkpoint.root};
    TRY(hw->ops->head_bind(hw, &bound, keep, why));
    s->bound = true;
    s->kept.round = round;
    s->kept.missing = 0; /* it was on record with the session's start; from here on none are */
    if (keep == HW_KEEP_DURABLE) {
        s->kept.has_durable = true;
        s->kept.durable = bound;
    }
    return ERR_OK;
}

static err_code keep_now(struct scribe *s, uint64_t now_ms, enum hw_keep *ret, struct why *why)
{
    *ret = HW_KEEP_DURABLE;
    if (!s->kept.has_durable || s->kept.durable.size == 0)
        return ERR_OK;
    if (s->durable_ms == 0) /* when that head was kept: at the time of its last entry */
        TRY(ledger_time(s->ledger, s->kept.durable.size - 1, &s->durable_ms, why));
    if (now_ms < s->durable_ms + DURABLE_MS)
        *ret = HW_KEEP_ROUND;
    return ERR_OK;
}

void signed_head_free(struct signed_head *head)
{
    receipt_draft_free(&head->draft);
    hw_seal_free(&head->seal);
}

static err_code sign_head(struct scribe *s, uint64_t now_ms, struct signed_head *ret,
                          struct why *why)
{
    struct hw_root *hw = s->gate->hw;
    const struct tlog_head last = ledger_head(s->ledger);
    const struct receipt_head head = {
        .issuer = buf_slice(&s->issuer),
        .iat = (int64_t)(now_ms / 1000),
        .epoch = s->session.epoch,
        .round = last.round,
        .signer = s->session.signer,
        .snapshot = s->session.snapshot,
        .simulated = s->gate->enrolment.hw.about.simulator,
        .checkpoint = last.checkpoint,
        .chain = session_cert_receipt(&s->session.cert),
    };
    const struct hw_seal_head sealed = {
        .tree_size = head.checkpoint.size,
        .round = head.round,
        .epoch = head.epoch,
        .tree_root = head.checkpoint.root,
        .snapshot = head.snapshot,
        .signer = head.signer,
    };
    struct digest binding;

    TRY(receipt_prepare(&s->session.receipt, &head, &ret->draft, why));
    TRY(hw->ops->sign(hw, &ret->draft.tbs, ret->sig, why));
    TRY(hw_seal_binding(&sealed, &binding));
    return hw->ops->seal(hw, &binding, &ret->seal, why);
}

err_code scribe_receipt(struct scribe *s, const struct signed_head *head, uint64_t index,
                        struct buf *ret, struct why *why)
{
    const struct tree_source tree = ledger_tree(s->ledger);
    struct tree_path path;

    TRY(tree_prove_inclusion(tree, index, head->draft.checkpoint.size, &path, why));
    return receipt_finish(&head->draft, index, &path, head->sig, ret);
}

/* What will lie beside the checkpoint when this head is published. */
static err_code keep_sealed(struct scribe *s, const struct signed_head *head, struct why *why)
{
    CLEANUP(buf_free) struct buf receipt = {0};

    buf_cut(&s->sealed, 0);
    TRY(scribe_receipt(s, head, head->draft.checkpoint.size - 1, &receipt, why));
    return sealed_make(buf_slice(&receipt), &head->seal, &s->sealed, why);
}

static err_code finish_round(struct scribe *s, uint64_t now_ms, enum hw_keep keep,
                             struct signed_head *ret, struct why *why)
{
    if (s->last)
        TRY(scribe_stage_stop(s, "done", now_ms, why));
    TRY(commit(s, keep, why));
    TRY(sign_head(s, now_ms, ret, why));
    TRY(keep_sealed(s, ret, why));
    if (keep == HW_KEEP_DURABLE)
        s->durable_ms = now_ms;
    s->outage = (struct outage){0};
    return ERR_OK;
}

err_code scribe_end_round(struct scribe *s, uint64_t now_ms, struct signed_head *ret,
                          struct why *why)
{
    enum hw_keep keep;
    err_code err = keep_now(s, now_ms, &keep, why);

    if (err == ERR_OK)
        err = finish_round(s, now_ms, keep, ret, why);
    if (err != ERR_OK)
        scribe_abandon(s);
    s->open = false;
    if (s->last)
        session_free(&s->session);
    return note(s, err, now_ms);
}

/* The entry that was staged last. */
err_code scribe_staged(struct scribe *s, uint64_t *ret)
{
    struct checkpoint next;

    TRY(ledger_next(s->ledger, &next));
    *ret = next.size - 1;
    return ERR_OK;
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
    CLEANUP(signed_head_free) struct signed_head head = {0};
    uint64_t index = 0;
    err_code err = ERR_OK;

    TRY(scribe_begin_round(s, now_ms, why));
    if (own != NULL)
        err = scribe_stage_filled(s, own, now_ms, why);
    if (err == ERR_OK)
        err = scribe_staged(s, &index);
    if (err != ERR_OK) {
        scribe_abandon(s);
        return err;
    }
    TRY(scribe_end_round(s, now_ms, &head, why));
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

err_code scribe_fold(struct scribe *scribe, struct why *why)
{
    return ledger_wants_fold(scribe->ledger) ? ledger_fold(scribe->ledger, why) : ERR_OK;
}

static err_code stop_round(struct scribe *s, const char *reason, uint64_t now_ms, struct why *why)
{
    CLEANUP(signed_head_free) struct signed_head head = {0};

    TRY(scribe_stage_stop(s, reason, now_ms, why));
    return finish_round(s, now_ms, HW_KEEP_DURABLE, &head, why);
}

err_code scribe_stop(struct scribe *scribe, const char *reason, uint64_t now_ms, struct why *why)
{
    err_code err;

    if (!scribe->session.durable)
        return ERR_OK; /* nothing of this session is on record, and need not be */
    TRY(scribe_begin_round(scribe, now_ms, why));
    err = stop_round(scribe, reason, now_ms, why);
    if (err != ERR_OK)
        scribe_abandon(scribe);
    scribe->open = false;
    TRY(note(scribe, err, now_ms));
    session_free(&scribe->session);
    TRY(scribe_publish(scribe, why));
    return ledger_fold(scribe->ledger, why);
}
