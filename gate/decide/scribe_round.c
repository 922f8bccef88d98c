/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/scribe_round.h"

#include "gate/decide/gate_head.h"
#include "gate/decide/scribe_state.h"
#include "gate/ledger/seal.h"

#include <stdlib.h>

/* Between two heads that the hardware keeps durably, which wears it: docs/hardware-wear.md. */
#define DURABLE_MS ((uint64_t)3600 * 1000)

struct scribe_proof {
    struct hw_root *hw; /* borrowed from the gate */
    struct hw_head bound;
    enum hw_keep keep;
    struct digest binding; /* of the seal */
    uint64_t now_ms;
    struct buf rotation; /* the session may end with the round */
    bool kept;           /* the hardware has the head */
    struct signed_head head;
};

void scribe_proof_free(struct scribe_proof **proof)
{
    struct scribe_proof *p = *proof;

    if (p == NULL)
        return;
    receipt_draft_free(&p->head.draft);
    hw_seal_free(&p->head.seal);
    buf_free(&p->rotation);
    free(p);
    *proof = NULL;
}

/* ---- failures -------------------------------------------------------------------------------- */

/* A session whose key_rotation went with it begins anew. */
void scribe_abandon(struct scribe *scribe)
{
    ledger_abandon(scribe->ledger);
    scribe->open = scribe->begun = false;
    scribe->undecided = 0;
    scribe->staged_ms = 0;
    if (!scribe->session.durable)
        session_free(&scribe->session);
}

/* What the hardware answered when it could not do its part, and not when it refused: it is not
 * there, we may not use it, it does not take our secret, is locked, failed, or was silent. */
static bool is_outage(err_code err)
{
    return err_exit(err) >= 30 && err_exit(err) <= 34;
}

err_code scribe_note(struct scribe *s, err_code err, uint64_t now_ms)
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

/* ---- opening --------------------------------------------------------------------------------- */

err_code scribe_check_head(struct scribe *s, struct why *why)
{
    TRY(gate_head_check(s->gate, s->ledger, &s->kept, why));
    s->round = s->kept.round;
    s->bound = true;
    return ERR_OK;
}

static err_code ready(const struct scribe *s, uint64_t now_ms, struct why *why)
{
    return ledger_ready(s->ledger, now_ms, s->gate->epoch,
                        &s->gate->installed.judged.snapshot.digest, why);
}

err_code scribe_begin_round(struct scribe *scribe, uint64_t now_ms, struct why *why)
{
    err_code err;

    if (scribe->open)
        return ERR_OK;
    if (scribe->proving)
        return why_say(why, ERR_INTERNAL, "the last round has not been released");
    TRY(ready(scribe, now_ms, why));
    if (!scribe->bound)
        TRY(scribe_note(scribe, scribe_check_head(scribe, why), now_ms));
    TRY(scribe_ping(scribe, now_ms, why));
    scribe->open = true;
    err = scribe_stage_own(scribe, now_ms, why);
    if (err != ERR_OK)
        scribe_abandon(scribe);
    return scribe_note(scribe, err, now_ms);
}

err_code scribe_open_ahead(struct scribe *scribe, uint64_t now_ms, bool *ret_open, struct why *why)
{
    bool ahead = (scribe->bound || scribe->proving) && !scribe->last && !scribe_owes_any(scribe);

    if (ahead && !scribe->open) {
        TRY(ready(scribe, now_ms, why));
        scribe->open = true;
        scribe->begun = false;
    }
    *ret_open = scribe->open;
    return ERR_OK;
}

err_code scribe_check(const struct scribe *scribe, struct why *why)
{
    return scribe->gate->hw->ops->begin(scribe->gate->hw, why);
}

err_code scribe_checked(struct scribe *scribe, err_code err, uint64_t now_ms)
{
    scribe->begun = err == ERR_OK;
    if (err == ERR_OK)
        scribe->worked_ms = now_ms;
    else
        scribe_abandon(scribe);
    return scribe_note(scribe, err, now_ms);
}

err_code scribe_ping(struct scribe *scribe, uint64_t now_ms, struct why *why)
{
    return scribe_checked(scribe, scribe_check(scribe, why), now_ms);
}

void scribe_check_again(struct scribe *scribe)
{
    scribe->begun = scribe->open;
}

/* ---- ending ---------------------------------------------------------------------------------- */

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

/* What the hardware is to sign, and to certify, of the ledger's head. */
static err_code prepare(struct scribe *s, struct scribe_proof *p, struct why *why)
{
    const struct tlog_head last = ledger_head(s->ledger);
    const struct receipt_head head = {
        .issuer = buf_slice(&s->issuer),
        .iat = (int64_t)(p->now_ms / 1000),
        .epoch = s->session.epoch,
        .round = last.round,
        .signer = s->session.signer,
        .snapshot = s->session.snapshot,
        .simulated = s->gate->enrolment.hw.about.simulator,
        .checkpoint = last.checkpoint,
        .chain = session_cert_receipt(&s->session.cert),
        .known = &s->known.receipt,
    };
    const struct hw_seal_head sealed = {
        .tree_size = head.checkpoint.size,
        .round = head.round,
        .epoch = head.epoch,
        .tree_root = head.checkpoint.root,
        .snapshot = head.snapshot,
        .signer = head.signer,
    };

    p->bound = (struct hw_head){last.round, last.checkpoint.size, last.checkpoint.root};
    TRY(receipt_prepare(&s->session.receipt, &head, &p->head.draft, why));
    return hw_seal_binding(&sealed, &p->binding);
}

/* From here on the disk is one head ahead. */
static err_code commit(struct scribe *s, struct scribe_proof *p, struct why *why)
{
    if (s->last)
        TRY(scribe_stage_stop(s, "done", p->now_ms, why));
    TRY(buf_add_slice(&p->rotation, buf_slice(&s->session.rotation)));
    TRY(ledger_commit(s->ledger, s->round + 1, why));
    s->session.durable = true;
    s->bound = false; /* until the hardware has said that it is */
    s->round++;
    return prepare(s, p, why);
}

static err_code fits(const struct scribe *s, struct why *why)
{
    if (!s->open || !s->begun || s->proving)
        return why_say(why, ERR_INTERNAL, "a round that ends before it began, or the last one did");
    if (s->undecided > 0)
        return why_say(why, ERR_INTERNAL, "a round that ends with %zu attempts undecided",
                       s->undecided);
    return ERR_OK;
}

static err_code commit_round(struct scribe *s, bool durable, uint64_t now_ms,
                             struct scribe_proof **ret, struct why *why)
{
    CLEANUP(scribe_proof_free) struct scribe_proof *p = calloc(1, sizeof *p);

    if (p == NULL)
        return ERR_NO_MEMORY;
    p->hw = s->gate->hw;
    /* A clock that was set back meanwhile: what is signed is not older than what it proves. */
    p->now_ms = now_ms < s->staged_ms ? s->staged_ms : now_ms;
    TRY(fits(s, why));
    p->keep = HW_KEEP_DURABLE;
    if (!durable)
        TRY(keep_now(s, now_ms, &p->keep, why));
    TRY(commit(s, p, why));
    *ret = p;
    p = NULL; /* transferred */
    return ERR_OK;
}

static err_code commit_or_abandon(struct scribe *s, bool durable, uint64_t now_ms,
                                  struct scribe_proof **ret, struct why *why)
{
    err_code err = commit_round(s, durable, now_ms, ret, why);

    if (err != ERR_OK)
        scribe_abandon(s);
    s->open = s->begun = false;
    s->staged_ms = 0;
    s->proving = s->proving || err == ERR_OK;
    return scribe_note(s, err, now_ms);
}

err_code scribe_commit(struct scribe *scribe, uint64_t now_ms, struct scribe_proof **ret,
                       struct why *why)
{
    return commit_or_abandon(scribe, false, now_ms, ret, why);
}

err_code scribe_prove(struct scribe_proof *proof, struct why *why)
{
    struct hw_root *hw = proof->hw;
    struct signed_head *head = &proof->head;

    hw->ops->sign_ahead(hw, &head->draft.tbs);
    TRY(hw->ops->head_bind(hw, &proof->bound, proof->keep, why));
    proof->kept = true;
    TRY(hw->ops->sign(hw, &head->draft.tbs, head->sig, why));
    return hw->ops->seal(hw, &proof->binding, &head->seal, why);
}

/* ---- releasing ------------------------------------------------------------------------------- */

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
    return sealed_make_known(buf_slice(&receipt), &head->seal, &s->known.receipt, &s->sealed, why);
}

/* The hardware has the head, whatever else it did not do. */
static void keep(struct scribe *s, const struct scribe_proof *p)
{
    s->bound = true;
    s->kept.round = p->bound.round;
    s->kept.missing = 0; /* it was on record with the session's start; from here on none are */
    if (p->keep != HW_KEEP_DURABLE)
        return;
    s->kept.has_durable = true;
    s->kept.durable = p->bound;
    s->durable_ms = p->now_ms;
}

static err_code release(struct scribe *s, const struct scribe_proof *p, struct docket *dockets,
                        size_t n, struct why *why)
{
    TRY(keep_sealed(s, &p->head, why));
    s->outage = (struct outage){0};
    for (size_t i = 0; i < n; i++)
        TRY(scribe_permit(s, &p->head, buf_slice(&p->rotation), &dockets[i], why));
    return ERR_OK;
}

err_code scribe_release(struct scribe *scribe, struct scribe_proof *proof, err_code err,
                        struct docket *dockets, size_t n, struct why *why)
{
    scribe->proving = false;
    if (proof->kept)
        keep(scribe, proof);
    if (err == ERR_OK)
        err = release(scribe, proof, dockets, n, why);
    if (err != ERR_OK)
        scribe_abandon(scribe);
    if (scribe->last)
        session_free(&scribe->session);
    for (size_t i = 0; err != ERR_OK && i < n; i++)
        buf_free(&dockets[i].permit);
    return scribe_note(scribe, err, proof->now_ms);
}

err_code scribe_end_round(struct scribe *s, const struct scribe_end *end, uint64_t now_ms,
                          struct why *why)
{
    CLEANUP(scribe_proof_free) struct scribe_proof *proof = NULL;

    TRY(commit_or_abandon(s, end->durable, now_ms, &proof, why));
    return scribe_release(s, proof, scribe_prove(proof, why), end->dockets, end->n, why);
}
