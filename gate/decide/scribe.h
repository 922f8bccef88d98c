/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scribe.h: puts what the gate decided and did on record, in rounds. A round is one visit to the
 * hardware: it confirms the epoch and the authority's signature, the records become durable in the
 * ledger, the hardware keeps the new head, signs it and certifies the epoch, and only then is there
 * a permit. No record, no permit.
 *
 * The scribe signs records with a key of its own, made in memory for each session: from opening to
 * closing, within one epoch. A session's first record introduces the key and is signed by the
 * hardware; the second says what was found at the start. Before the caller's own entries stand,
 * when they are due: the enrolment, the hardware's step to a new epoch, what its snapshot revoked,
 * its install, and that the hardware was away.
 */
#ifndef PAWL_DECIDE_SCRIBE_H
#define PAWL_DECIDE_SCRIBE_H

#include "gate/decide/gate.h"
#include "gate/ledger/log.h"
#include "gate/ledger/record_redact.h"

struct scribe;

/* Opens the ledger of a gate that is current, and has the hardware compare its head. Errors: those
 * of ledger_open() and gate_head_check(). Borrows: gate, for the life of the scribe. Owns: closed
 * with scribe_close(), which writes nothing: a session that is closed without its stop was cut
 * short. */
err_code scribe_open(struct gate *gate, struct scribe **ret, struct why *why);
void scribe_close(struct scribe **scribe);

/* What a round wrote. */
struct written {
    uint64_t index;    /* of the entry in the ledger */
    struct buf permit; /* of a decision: the permit file, or the denial in the same form */
};
void written_free(struct written *written);

/* A request that is on record as asked, and waits for its decision. seed: what salts the hashes of
 * its redacted members, in both records alike; secret, so that attempt_id_free() wipes it. */
struct attempt_id {
    char id[RECORD_UUID_TEXT];
    uint8_t seed[RECORD_SEED_LEN];
};
void attempt_id_free(struct attempt_id *attempt);

/* Opens a round and takes the request into it, before anything is evaluated. now_ms: milliseconds
 * since 1970, when it was asked. Errors: ROLLBACK and others of the hardware; CLOCK_BACK; those of
 * ledger_stage(); the round is then gone with all that was in it. */
err_code scribe_attempt(struct scribe *scribe, const struct request *request, uint64_t now_ms,
                        struct attempt_id *ret, struct why *why);

/* Records the decision on an attempt and ends the round. Errors: as scribe_attempt(), and
 * STORAGE_FULL; in every case there is no permit. Owns: written_free(). */
struct decided {
    const struct attempt_id *attempt;
    const struct request *request;
    const struct answer *answer;
};
err_code scribe_decision(struct scribe *scribe, const struct decided *decided, uint64_t now_ms,
                         struct written *ret, struct why *why);

/* The round that comes next, or is open, ends the session. For a process that has one thing to do.
 */
void scribe_last(struct scribe *scribe);

/* Whether the ledger does not say yet that the snapshot in force took effect; and says so. Any
 * round does, before its own entries, so a kill between the hardware's step and this is made good.
 */
bool scribe_owes_install(const struct scribe *scribe);
err_code scribe_install(struct scribe *scribe, uint64_t now_ms, struct written *ret,
                        struct why *why);

/* Records that a bundle was not installed. */
struct refusal {
    err_code error;
    struct digest bundle; /* SHA-256 of what was offered */
    uint64_t claimed;     /* epoch of its snapshot; 0: it could not be read */
};
err_code scribe_refused(struct scribe *scribe, const struct refusal *refusal, uint64_t now_ms,
                        struct written *ret, struct why *why);

/* Ends a service's session in order: the stop, the head kept durably, everything published and
 * folded. reason: "signal", ... */
err_code scribe_stop(struct scribe *scribe, const char *reason, uint64_t now_ms, struct why *why);

/* Publishes the head of the last round: tiles, checkpoint, seal. Nothing to do if there was none.
 */
err_code scribe_publish(struct scribe *scribe, struct why *why);

/* Folds the ledger's journal once it has grown long. Records and what is published do not depend on
 * it; the next round is as good a time. Errors: those of ledger_fold(). */
err_code scribe_fold(struct scribe *scribe, struct why *why);

const struct ledger *scribe_ledger(const struct scribe *scribe);

/* What the hardware said of the head when the scribe was opened. */
const struct hw_kept *scribe_kept(const struct scribe *scribe);

#endif
