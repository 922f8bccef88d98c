/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base.h: what a bundle is judged against, when it is installed and when it is found on the disk.
 * Whoever can write to the disk can take away what says which keys are revoked and which root
 * metadata is the newest. So a bundle beyond the hardware's epoch has to be the successor of the
 * one that the hardware was stepped for.
 */
#ifndef PAWL_DECIDE_BASE_H
#define PAWL_DECIDE_BASE_H

#include "gate/decide/gate.h"

/* True while the hardware itself names the snapshot of its epoch: a token that was stepped since it
 * was enrolled. On a TPM the grants do. */
bool base_pinned(const struct gate *gate);

/* True if what is in force here is of the hardware's epoch; the hardware has confirmed it then. */
bool base_here(const struct gate *gate);

/* What is in force here, or else what the gate was enrolled with. Borrows: gate. */
struct trust base_trust(const struct gate *gate);

/* The trust for a bundle of an epoch that the hardware was stepped to: root metadata 1 is pinned,
 * and the hardware has yet to say whether it is the bundle that it was stepped for. Times and
 * predecessors were judged before that step. Borrows: gate. */
struct trust base_trust_pinned(const struct gate *gate);

/* SUCCESSION, naming the hardware's epoch and the one that the disk holds; 0: none. */
err_code base_missing(const struct gate *gate, uint64_t held, struct why *why);

/* Takes the newest bundle on the disk into force. One that is newer than the hardware was stored by
 * an install that never got to its step, or by somebody else: it is judged as that install would
 * judge it, as the successor of the stored bundle of the hardware's epoch, and the step is made. On
 * a token that bundle has to be there. Errors: those of bundle_judge(), of the hardware;
 * SUCCESSION, STATE_CORRUPT (a file of another epoch than its name says). */
err_code base_take_newest(struct gate *gate, struct why *why);

/* Steps to the epoch of a mandate that is prepared, and prepares it again. */
err_code base_step(struct gate *gate, const struct hw_mandate *mandate, struct why *why);

#endif
