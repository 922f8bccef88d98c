/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/install.h"

#include "gate/decide/base.h"
#include "gate/decide/gate_head.h"
#include "gate/decide/gate_ledger.h"
#include "gate/decide/installs.h"

#include <stdlib.h>

uint64_t install_claims(struct slice bytes)
{
    CLEANUP(bundle_free) struct bundle bundle = {0};
    CLEANUP(snapshot_free) struct snapshot snapshot = {0};

    if (bundle_parse(bytes, &bundle, NULL) != ERR_OK || bundle.snapshot.len == 0 ||
        snapshot_parse(bundle.snapshot, &snapshot, NULL) != ERR_OK)
        return 0;
    return snapshot.epoch;
}

/* The bundle that a token was stepped for is taken back whatever this disk says, and however old it
 * is: without it nothing newer could be installed. */
static err_code judge_next(struct gate *gate, struct buf *bytes, struct installed *ret,
                           struct why *why)
{
    bool again =
        base_pinned(gate) && !base_here(gate) && install_claims(buf_slice(bytes)) == gate->epoch;
    const struct trust trust = again ? base_trust_pinned(gate) : base_trust(gate);

    TRY(gate_judge_bundle(gate, bytes, &trust, ret, why));
    if (!ret->judged.has_snapshot)
        return why_say(why, ERR_FORMAT, "the bundle has no snapshot: it is for pawl init");
    return ERR_OK;
}

/* Not what the hardware has left behind; and if it goes beyond the hardware, from where that is. */
static err_code fits_hardware(const struct gate *gate, uint64_t epoch, struct why *why)
{
    if (epoch < gate->epoch)
        return why_say(why, ERR_ROLLBACK, "the bundle is of epoch %llu, the hardware is at %llu",
                       (unsigned long long)epoch, (unsigned long long)gate->epoch);
    if (epoch > gate->epoch && base_pinned(gate) && !base_here(gate))
        return base_missing(gate, gate->has_installed ? gate->installed.judged.snapshot.epoch : 0,
                            why);
    return ERR_OK;
}

/* A key that signs nothing yet would be missed when it signs: in the next bundle, or at a start
 * after this one was stored. Where anchors are missing, that has to be said now. */
static err_code anchors_for(struct gate *gate, const struct judged *next, struct why *why)
{
    const struct judged *now = gate->has_installed ? &gate->installed.judged : &gate->trust;
    struct hw_root *hw = gate->hw;
    struct hw_owner *owner = NULL;
    struct why own = {0};
    err_code err;

    if (next->bundle.n_roots == now->bundle.n_roots)
        return ERR_OK;
    TRY(gate_owner(next, gate->enrolment.gate, &owner, why));
    err = hw->ops->attach(hw, owner, &gate->enrolment.hw, why);
    if (err == ERR_OK) {
        free(gate->owner);
        gate->owner = owner;
        return ERR_OK;
    }
    free(owner);
    /* Back to what is in force. If this fails, too, the hardware is not attached: it refuses. */
    if (hw->ops->attach(hw, gate->owner, &gate->enrolment.hw, &own) == ERR_OK &&
        gate->has_installed)
        (void)hw->ops->prepare(hw, now->mandate, &own);
    return err;
}

/* An install that could not be put on record is refused before anything changes. */
static err_code ledger_stands(struct gate *gate, struct why *why)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    struct hw_kept kept;

    TRY(gate_ledger_open(gate->state_dir, LEDGER_READ, &ledger, why));
    return gate_head_check(gate, ledger, &kept, why);
}

err_code gate_install(struct gate *gate, struct buf *bytes, struct install_result *ret,
                      struct why *why)
{
    CLEANUP(installed_free) struct installed next = {0};
    struct hw_root *hw = gate->hw;
    struct hw_pubkey key;
    /* What was in force, which after a restored disk is not what the hardware has seen. */
    uint64_t from = gate->has_installed ? gate->installed.judged.snapshot.epoch : 0, epoch;

    TRY(hw->ops->epoch(hw, &gate->epoch, why));
    TRY(judge_next(gate, bytes, &next, why));
    epoch = next.judged.snapshot.epoch;
    TRY(fits_hardware(gate, epoch, why));
    if (next.judged.known && epoch == gate->epoch && gate->blocked == ERR_OK) {
        *ret = (struct install_result){.from_epoch = epoch, .epoch = epoch, .known = true};
        return ERR_OK;
    }
    TRY(ledger_stands(gate, why));
    TRY(anchors_for(gate, &next.judged, why));
    TRY(hw->ops->prepare(hw, next.judged.mandate, why));
    /* A token whose certificates were lost cannot step: say so before anything is stored. */
    TRY(hw->ops->receipt_key(hw, &key, why));
    TRY(installs_put(gate->state_dir, epoch, buf_slice(&next.bytes), why));
    TRY(base_step(gate, next.judged.mandate, why));
    gate_adopt(gate, &next);
    installs_settle(gate->state_dir, epoch);
    *ret = (struct install_result){.from_epoch = from, .epoch = epoch};
    return ERR_OK;
}
