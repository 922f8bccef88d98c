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

/* The hardware failed in a round, and no round has come to its end since. What a scribe knows of it
 * goes on with the one that takes its place, so that it comes on record once it is over. */
struct outage {
    err_code error;            /* OK: none */
    uint64_t at_ms, worked_ms; /* when it failed; when it last worked */
    uint64_t round;            /* the last one that was bound */
};
struct outage scribe_outage(const struct scribe *scribe);
void scribe_resume(struct scribe *scribe, const struct outage *outage);

/* Between two rounds: is the hardware there, and still of this epoch? What it says counts as it
 * does in a round. now_ms: as scribe_attempt() takes it. */
err_code scribe_ping(struct scribe *scribe, uint64_t now_ms, struct why *why);

/* One request on its way through a round: on record as asked, then as decided, then with what
 * proves it. {0} is ready. Owns: docket_free(), which wipes. */
struct docket {
    const struct request *request; /* borrowed until the round has ended */
    char attempt[RECORD_UUID_TEXT];
    uint8_t seed[RECORD_SEED_LEN]; /* secret: salts the hashes of its redacted members, in both
                                      records alike */
    bool decided;
    uint32_t checked_ms_ago;        /* the hardware's check, when this was taken into its round; 0:
                                       it was made since, or is being made */
    uint64_t index;                 /* of the decision in the ledger */
    struct buf record, disclosures; /* of the decision, as staged */
    struct buf permit;              /* the permit file, or the denial in the same form */
};
void docket_free(struct docket *docket);

/* Opens a round unless one is open, and takes the request into it. ret: zeroed. now_ms:
 * milliseconds since 1970, never less than in the call before. Errors: ROLLBACK and others of the
 * hardware; CLOCK_BACK; those of ledger_stage(); the round is then gone with all that was in it. */
err_code scribe_attempt(struct scribe *scribe, const struct request *request, uint64_t now_ms,
                        struct docket *ret, struct why *why);

/* Takes the decision on an attempt of the open round into it. Errors: as scribe_attempt(). */
err_code scribe_decision(struct scribe *scribe, struct docket *docket, const struct answer *answer,
                         uint64_t now_ms, struct why *why);

/* Ends the round: one visit to the hardware for all of these, which are every attempt that the
 * round has, decided. Errors: those of the hardware, STORAGE_FULL; in every case no docket has a
 * permit. */
err_code scribe_finish(struct scribe *scribe, struct docket *dockets, size_t n, uint64_t now_ms,
                       struct why *why);

/* The round that comes next, or is open, ends the session. For a process that has one thing to do.
 */
void scribe_last(struct scribe *scribe);

/* Whether the ledger does not say yet that the snapshot in force took effect; and says so. Any
 * round does, before its own entries, so a kill between the hardware's step and this is made good.
 * ret_index: of the install record. */
bool scribe_owes_install(const struct scribe *scribe);
err_code scribe_install(struct scribe *scribe, uint64_t now_ms, uint64_t *ret_index,
                        struct why *why);

/* Records that a bundle was not installed. */
struct refusal {
    err_code error;
    struct digest bundle; /* SHA-256 of what was offered */
    uint64_t claimed;     /* epoch of its snapshot; 0: it could not be read */
};
err_code scribe_refused(struct scribe *scribe, const struct refusal *refusal, uint64_t now_ms,
                        uint64_t *ret_index, struct why *why);

/* Enrols an agent, and removes one, in a round of its own; what the roster does not admit or
 * release is refused before it (gate/ledger/roster.h). agent: as on record, but for the order of
 * its aliases, of which one may stand there twice. Errors: EXISTS, NOT_FOUND, AGENT_PARENT,
 * TOO_LARGE; FORMAT for what no record can say; those of a round. ret_index: of the record. */
err_code scribe_enrol(struct scribe *scribe, const struct record_agent *agent, uint64_t now_ms,
                      uint64_t *ret_index, struct why *why);
err_code scribe_remove(struct scribe *scribe, struct slice id, uint64_t admin, uint64_t now_ms,
                       uint64_t *ret_index, struct why *why);

/* Ends a service's session in order: the stop, the head kept durably, everything published and
 * folded. reason: "signal", ... */
err_code scribe_stop(struct scribe *scribe, const char *reason, uint64_t now_ms, struct why *why);

/* Publishes the head of the last round: tiles, checkpoint, seal. Nothing to do if there was none.
 */
err_code scribe_publish(struct scribe *scribe, struct why *why);

/* Whether the ledger's journal has grown long; and folds it then, between two rounds. Records and
 * what is published do not depend on it; the next round is as good a time. Errors: those of
 * ledger_fold(). */
bool scribe_wants_fold(const struct scribe *scribe);
err_code scribe_fold(struct scribe *scribe, struct why *why);

const struct ledger *scribe_ledger(const struct scribe *scribe);

/* What the hardware said of the head when the scribe was opened. */
const struct hw_kept *scribe_kept(const struct scribe *scribe);

#endif
