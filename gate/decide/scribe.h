/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scribe.h: puts what the gate decided and did on record, in rounds. A round is one visit to the
 * hardware: it confirms the epoch and the authority's signature, the records become durable in the
 * ledger, the hardware signs the new tree head and certifies the epoch, and only then is there a
 * permit. No record, no permit.
 *
 * The scribe signs records with a key of its own, made in memory for each epoch. The first round
 * introduces it: a key_rotation record, signed by the hardware. In an empty ledger the record of
 * the enrolment follows; in a new epoch, that of the install.
 */
#ifndef PAWL_DECIDE_SCRIBE_H
#define PAWL_DECIDE_SCRIBE_H

#include "gate/decide/gate.h"
#include "gate/ledger/log.h"

struct scribe;

/* Opens the ledger of a gate that is current. Errors: those of ledger_open(), KEY_SIGN. Borrows:
 * gate, for the life of the scribe. Owns: closed with scribe_close(). */
err_code scribe_open(struct gate *gate, struct scribe **ret, struct why *why);
void scribe_close(struct scribe **scribe);

/* What a round wrote. */
struct written {
    uint64_t index;    /* of the entry in the ledger */
    struct buf permit; /* of a decision: the permit file, or the denial in the same form */
};
void written_free(struct written *written);

/* Records a decision. now_ms: milliseconds since 1970, when it was asked. Errors: ROLLBACK and
 * others of the hardware; CLOCK_BACK; STORAGE_FULL; in every case there is no permit. Owns:
 * written_free(). */
err_code scribe_decision(struct scribe *scribe, const struct request *request,
                         const struct answer *answer, uint64_t now_ms, struct written *ret,
                         struct why *why);

/* Whether the ledger does not say yet that the snapshot in force took effect; and says so. Any
 * round does, before its own entry, so a kill between the hardware's step and this is made good. */
bool scribe_owes_install(const struct scribe *scribe);
err_code scribe_install(struct scribe *scribe, uint64_t now_ms, struct written *ret,
                        struct why *why);

const struct ledger *scribe_ledger(const struct scribe *scribe);

#endif
