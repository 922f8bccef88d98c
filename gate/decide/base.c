/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/base.h"

#include "gate/decide/installs.h"
#include "gate/policy/succession.h"

#include <string.h>

bool base_pinned(const struct gate *gate)
{
    const struct hw_enrolment *hw = &gate->enrolment.hw;

    return strcmp(hw->about.kind, "pkcs11") == 0 && gate->epoch > hw->epoch;
}

bool base_here(const struct gate *gate)
{
    return gate->has_installed && gate->installed.judged.snapshot.epoch == gate->epoch;
}

struct trust base_trust(const struct gate *gate)
{
    const struct judged *now = gate->has_installed ? &gate->installed.judged : &gate->trust;

    return (struct trust){
        .roots = now->roots,
        .n_roots = now->bundle.n_roots,
        .snapshot = gate->has_installed ? &now->snapshot : NULL,
        .epoch = gate->epoch,
    };
}

struct trust base_trust_pinned(const struct gate *gate)
{
    return (struct trust){.roots = gate->trust.roots, .n_roots = 1, .installed_before = true};
}

err_code base_missing(const struct gate *gate, uint64_t held, struct why *why)
{
    unsigned long long at = gate->epoch;

    if (held == 0)
        return why_say(why, ERR_SUCCESSION,
                       "the hardware is at epoch %llu, the disk holds no bundle of it: install the "
                       "bundle of epoch %llu first",
                       at, at);
    return why_say(why, ERR_SUCCESSION,
                   "the hardware is at epoch %llu, the disk holds %llu and not %llu: install the "
                   "bundle of epoch %llu first",
                   at, (unsigned long long)held, at, at);
}

err_code base_step(struct gate *gate, const struct hw_mandate *mandate, struct why *why)
{
    struct hw_root *hw = gate->hw;

    TRY(hw->ops->step(hw, mandate, why));
    TRY(hw->ops->epoch(hw, &gate->epoch, why));
    if (gate->epoch != mandate->epoch)
        return why_say(why, ERR_INTERNAL, "stepped to epoch %llu, the hardware says %llu",
                       (unsigned long long)mandate->epoch, (unsigned long long)gate->epoch);
    return hw->ops->prepare(hw, mandate, why);
}

/* ---- what lies on the disk ------------------------------------------------------------------- */

static err_code judge_stored(struct gate *gate, uint64_t epoch, struct buf *bytes,
                             const struct trust *trust, struct installed *ret, struct why *why)
{
    TRY(gate_judge_bundle(gate, bytes, trust, ret, why));
    if (!ret->judged.has_snapshot)
        return why_say(why, ERR_STATE_CORRUPT, "an installed bundle has no snapshot");
    if (ret->judged.snapshot.epoch != epoch)
        return why_say(why, ERR_STATE_CORRUPT, "a bundle of epoch %llu is stored as that of %llu",
                       (unsigned long long)ret->judged.snapshot.epoch, (unsigned long long)epoch);
    return ERR_OK;
}

/* Not newer than the hardware. The root metadata that it brings is judged from version 1 on, so
 * nothing on this disk is trusted but what the hardware pins. */
static err_code take_known(struct gate *gate, uint64_t epoch, struct buf *bytes, struct why *why)
{
    CLEANUP(installed_free) struct installed found = {0};
    const struct trust trust = base_trust_pinned(gate);

    TRY(judge_stored(gate, epoch, bytes, &trust, &found, why));
    if (epoch == gate->epoch)
        TRY(gate->hw->ops->prepare(gate->hw, found.judged.mandate, why));
    gate_adopt(gate, &found);
    return ERR_OK;
}

static err_code take_base(struct gate *gate, uint64_t newest, struct why *why)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    err_code err;

    if (gate->epoch == 0)
        return ERR_OK;
    err = installs_read(gate->state_dir, gate->epoch, &bytes, why);
    if (err == ERR_OK)
        return take_known(gate, gate->epoch, &bytes, why);
    if (err != ERR_NOT_FOUND)
        return err;
    return base_pinned(gate) ? base_missing(gate, newest, why) : ERR_OK;
}

/* A TPM that was stopped between two increments is at an epoch of which there never was a bundle;
 * there the grants have to do. */
static err_code take_newer(struct gate *gate, uint64_t epoch, struct buf *bytes, struct why *why)
{
    CLEANUP(installed_free) struct installed next = {0};
    struct hw_root *hw = gate->hw;
    struct trust trust;
    bool tpm = strcmp(gate->enrolment.hw.about.kind, "tpm") == 0;

    TRY(take_base(gate, epoch, why));
    trust =
        tpm && gate->epoch > 0 && !gate->has_installed ? base_trust_pinned(gate) : base_trust(gate);
    TRY(judge_stored(gate, epoch, bytes, &trust, &next, why));
    TRY(snapshot_in_reach(gate->epoch, &next.judged.snapshot, why));
    TRY(hw->ops->prepare(hw, next.judged.mandate, why));
    TRY(base_step(gate, next.judged.mandate, why));
    gate_adopt(gate, &next);
    return ERR_OK;
}

err_code base_take_newest(struct gate *gate, struct why *why)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    uint64_t newest;

    TRY(installs_newest(gate->state_dir, &bytes, &newest, why));
    if (newest == 0)
        return ERR_OK;
    return newest > gate->epoch ? take_newer(gate, newest, &bytes, why)
                                : take_known(gate, newest, &bytes, why);
}
