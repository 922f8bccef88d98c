/* SPDX-License-Identifier: Apache-2.0 */
/* auditor.h: whom a log's auditor believes: the receipt keys and the log's key that an enrolment,
 * and for a token the certificates that follow it, name. */
#ifndef PAWL_DECIDE_AUDITOR_H
#define PAWL_DECIDE_AUDITOR_H

#include "gate/ledger/audit_log.h"
#include "gate/policy/enrolment.h"
#include "gate/policy/snapshot.h"
#include "gate/tlog/checkpoint_text.h"

/* What the authority signed for an epoch. */
struct auditor_epoch {
    struct buf bytes;
    struct snapshot snapshot;
};

/* About 1 KiB. Borrows: the enrolment with its bytes, and the chain's bytes. */
struct decide_auditor {
    struct auditor auditor;
    const struct enrolment *enrolment;
    struct slice chain; /* epoch certificates, verified; empty for a TPM */
    struct note_key log;
    struct auditor_epoch *epochs; /* rising */
    size_t n_epochs;
    struct note_key *witnesses; /* COSIGN_WITNESSES_MAX of room */
    size_t n_witnesses;
};

/* chain: the token's epoch certificates (state_dir/hw/epochs), empty for a TPM. Errors: those of
 * hsm_chain_verify() and note_key_parse(). *ret must stay where it is while it is used. Owns:
 * auditor_free(). */
err_code auditor_make(const struct enrolment *enrolment, struct slice chain,
                      struct decide_auditor *ret, struct why *why);
void auditor_free(struct decide_auditor *auditor);

/* Takes what the authority published: from then on records of its epoch are held against its
 * snapshot. It is judged as by a gate, under the root metadata that the enrolment names, but for
 * times. Errors: those of bundle_judge(); EQUIVOCATION when another snapshot of its epoch was
 * given. */
err_code auditor_take_bundle(struct decide_auditor *auditor, struct slice bytes, struct why *why);
/* Whether a bundle of this epoch was taken. */
bool auditor_epoch_known(const struct decide_auditor *auditor, uint64_t epoch);

/* Takes a witness, as a C2SP verifier key: from then on its signatures under checkpoints are
 * judged. One that is known is nothing new. Errors: those of note_key_parse(); KEY_MALFORMED for a
 * key of another type; TOO_LARGE. */
err_code auditor_take_witness(struct decide_auditor *auditor, struct slice vkey, struct why *why);

/* The certificates that a token's seal carries, from the file "seal" beside a checkpoint; empty for
 * any other hardware. Borrows: from bytes. Errors: those of sealed_parse(). */
err_code auditor_chain_of(struct slice bytes, struct slice *ret, struct why *why);

#endif
