/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scribe_round.h: a round of the scribe in steps, for who has one thread for the hardware and
 * another for the ledger: while a round is proved the next one is filled, and while the hardware
 * begins that one the permits of the last may be made.
 *
 *     hardware   check(1)          prove(1)          check(2)           prove(2)
 *     ledger              commit(1)  fill(2) ...     release(1)  commit(2)
 *
 * One round at a time lies between commit and release, so the disk is never more than one head
 * ahead of the hardware. scribe_check() and scribe_prove() speak to the hardware, and to nothing
 * that the other steps touch; whatever else calls the hardware comes when neither is at work.
 */
#ifndef PAWL_DECIDE_SCRIBE_ROUND_H
#define PAWL_DECIDE_SCRIBE_ROUND_H

#include "gate/decide/scribe.h"

/* Opens a round unless one is open: the hardware begins, and what is due is staged. Errors: as
 * scribe_attempt(). */
err_code scribe_begin_round(struct scribe *scribe, uint64_t now_ms, struct why *why);

/* Opens a round that the hardware has not begun yet. ret_open: false where it has to be asked
 * first, for what the round has to say itself (a session, an install), or for the head: then
 * scribe_begin_round() does it all. Errors: those of ledger_ready(). */
err_code scribe_open_ahead(struct scribe *scribe, uint64_t now_ms, bool *ret_open, struct why *why);

/* The hardware begins a round; and what came of that is told, which returns it. Without, a round
 * that was opened ahead is not committed. */
err_code scribe_check(const struct scribe *scribe, struct why *why);
err_code scribe_checked(struct scribe *scribe, err_code err, uint64_t now_ms);

/* The last check counts for the round that was opened ahead, too. Whether it is young enough is the
 * caller's to say; the hardware still signs under no other epoch than its own. */
void scribe_check_again(struct scribe *scribe);

/* A round that is durable on disk, with what proves it once the hardware has done its part. */
struct scribe_proof;
void scribe_proof_free(struct scribe_proof **proof);

/* Makes the open round durable on disk, which ends it: no other one lies between this and its
 * release. Errors: STORAGE_FULL and others of ledger_commit(); nothing of the round remains then,
 * or the head has to be compared. Owns: scribe_proof_free(), when it has been released. */
err_code scribe_commit(struct scribe *scribe, uint64_t now_ms, struct scribe_proof **ret,
                       struct why *why);

/* The hardware keeps the head, signs and seals it. Errors: those of the hardware. */
err_code scribe_prove(struct scribe_proof *proof, struct why *why);

/* Takes what came of it. OK: these dockets, which are every attempt of the round, get their
 * permits. An error: it is returned, no docket has a permit, and what was staged since is gone. */
err_code scribe_release(struct scribe *scribe, struct scribe_proof *proof, err_code err,
                        struct docket *dockets, size_t n, struct why *why);

/* Nothing of an open round remains. */
void scribe_abandon(struct scribe *scribe);

#endif
