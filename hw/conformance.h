/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conformance.h: what every hardware root must do, as one run of checks that is the same for the
 * fake, for swtpm and for SoftHSM, and for real hardware. The caller supplies the hardware in its
 * factory state and the authority; the run enrols it and walks it through its life.
 */
#ifndef PAWL_HW_CONFORMANCE_H
#define PAWL_HW_CONFORMANCE_H

#include "hw/root.h"

#define HW_BENCH_EPOCHS 9 /* mandates are asked for epochs 1 to 8 */

/* What a root is tested with. Members are required unless they say otherwise. */
struct hw_bench {
    void *ctx; /* handed to each function below */

    /* Opens the root on the same hardware each time; an earlier one is closed before, unless
     * two_at_once. The hardware was never enrolled before the run. */
    err_code (*open)(void *ctx, struct hw_root **ret, struct why *why);

    /* The authority's mandate for this epoch: signed statements of owner->anchors, and whatever
     * grants the root takes. Asked for at most once per epoch, after enrolment. What *ret points to
     * stays as it is until the run ends. */
    err_code (*mandate)(void *ctx, const struct hw_enrolment *enrolment, uint64_t epoch,
                        struct hw_mandate *ret);

    /* May be NULL: verifies a seal as an auditor would, offline, with the enrolment alone. */
    err_code (*check_seal)(void *ctx, const struct hw_enrolment *enrolment,
                           const struct hw_seal *seal, const struct digest *binding, uint64_t epoch,
                           struct why *why);

    const struct hw_owner *owner;
    struct hw_signer *authority;     /* ES256, the first of owner->anchors */
    struct hw_signer *es384, *ps256; /* further anchors, or NULL: not tried */
    unsigned stride;    /* every how many'th bit is flipped: 1 for all of them, more when slow */
    bool pins_root;     /* root digest and ratchet keys are fixed in the hardware (not: an HSM) */
    bool anchored;      /* refuses valid signatures of keys that are not in owner->anchors */
    bool pins_snapshot; /* takes no other snapshot for the epoch that it was stepped to */
    bool two_at_once;   /* two roots may be open on one hardware */

    /* Heads of the ledger. power: the hardware is switched off, in order or not, and on again,
     * while no root is open; NULL: cannot be. lost_max: so many rounds may be in doubt after that.
     * power_cuts: how often it is tried. */
    void (*power)(void *ctx, bool clean);
    unsigned lost_max, power_cuts;
};

/* Runs every check. Prints one line to standard error for each that fails (kind of root, name of
 * the check, what came and what was wanted) and one line of counts at the end. Returns how many
 * failed. */
unsigned hw_conformance(const struct hw_bench *bench);

#endif
