/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/install.h"

#include "gate/decide/installs.h"

#include <stdlib.h>

static err_code judge_next(struct gate *gate, struct buf *bytes, struct installed *ret,
                           struct why *why)
{
    const struct judged *now = gate->has_installed ? &gate->installed.judged : &gate->trust;
    const struct trust trust = {
        .roots = now->roots,
        .n_roots = now->bundle.n_roots,
        .snapshot = gate->has_installed ? &now->snapshot : NULL,
        .epoch = gate->epoch,
    };

    TRY(gate_judge_bundle(gate, bytes, &trust, ret, why));
    if (!ret->judged.has_snapshot)
        return why_say(why, ERR_FORMAT, "the bundle has no snapshot: it is for pawl init");
    return ERR_OK;
}

static err_code not_below_hardware(struct gate *gate, uint64_t epoch, struct why *why)
{
    TRY(gate->hw->ops->epoch(gate->hw, &gate->epoch, why));
    if (epoch < gate->epoch)
        return why_say(why, ERR_ROLLBACK, "the bundle is of epoch %llu, the hardware is at %llu",
                       (unsigned long long)epoch, (unsigned long long)gate->epoch);
    return ERR_OK;
}

/* Whoever opens the gate after this asks the hardware for the anchors of all keys in the newest
 * root metadata. Where they are missing, that has to be said before anything is stored. */
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

err_code gate_install(struct gate *gate, struct buf *bytes, struct install_result *ret,
                      struct why *why)
{
    CLEANUP(installed_free) struct installed next = {0};
    struct hw_root *hw = gate->hw;
    struct hw_pubkey key;
    /* What was in force, which after a restored disk is not what the hardware has seen. */
    uint64_t from = gate->has_installed ? gate->installed.judged.snapshot.epoch : 0, epoch;

    TRY(judge_next(gate, bytes, &next, why));
    epoch = next.judged.snapshot.epoch;
    TRY(not_below_hardware(gate, epoch, why));
    if (next.judged.known && epoch == gate->epoch) {
        *ret = (struct install_result){.from_epoch = epoch, .epoch = epoch, .known = true};
        return ERR_OK;
    }
    TRY(anchors_for(gate, &next.judged, why));
    TRY(hw->ops->prepare(hw, next.judged.mandate, why));
    /* A token whose certificates were lost cannot step: say so before anything is stored. */
    TRY(hw->ops->receipt_key(hw, &key, why));
    TRY(installs_put(gate->state_dir, epoch, buf_slice(&next.bytes), why));
    TRY(hw->ops->step(hw, next.judged.mandate, why));
    TRY(hw->ops->epoch(hw, &gate->epoch, why));
    if (gate->epoch != epoch)
        return why_say(why, ERR_INTERNAL, "stepped to epoch %llu, the hardware says %llu",
                       (unsigned long long)epoch, (unsigned long long)gate->epoch);
    TRY(hw->ops->prepare(hw, next.judged.mandate, why));
    gate_adopt(gate, &next);
    installs_prune(gate->state_dir, epoch);
    *ret = (struct install_result){.from_epoch = from, .epoch = epoch};
    return ERR_OK;
}
