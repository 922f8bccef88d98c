/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manage.h: what an administrator does to an open gate, on record, and what he is told of it: the
 * members of a JSON object. The same in the process of a command and in the service.
 */
#ifndef PAWL_DECIDE_MANAGE_H
#define PAWL_DECIDE_MANAGE_H

#include "gate/decide/scribe.h"

#include <jansson.h>

struct manage {
    struct gate *gate;
    struct scribe *scribe; /* NULL: none is open; one is opened for this, and its session ends */
    json_t *json;          /* an object, to which is added what is told */
    bool doubtful;         /* set where a failure may have come midway: the gate is to be opened
                              anew before it decides anything */
};

/* Installs a bundle; on success the new epoch is in force and on record. That somebody offered what
 * was refused goes on record, too, where there is an epoch to record it under. Tells: epoch,
 * from_epoch, changed, those of manage_put_snapshot(), ledger_index and published if it was
 * recorded. Takes bytes. Errors: those of gate_install() and of a round. */
err_code manage_install(struct manage *m, struct buf *bytes, struct why *why);

/* Enrols an agent, removes one. Tells: agent_json(), aliases_without_policy (if any are in
 * force for none), published; id, ledger_index, published. Errors: those of scribe_enrol(),
 * scribe_remove(), gate_current(). */
err_code manage_enrol(struct manage *m, const struct record_agent *agent, struct why *why);
err_code manage_remove(struct manage *m, struct slice id, uint64_t admin, struct why *why);

/* Asks the hardware. Tells: serving, and reason and why if not; domain, gate, root, hardware,
 * epoch, installed_epoch, counter and index (TPM), in_force and those of manage_put_snapshot() if
 * anything is installed, ledger. */
err_code manage_status(struct manage *m, struct why *why);

/* snapshot, expires, root_version, policies: of each alias, version, digest, not_before, expires,
 * state: "ok", or the name of what would deny under it now (seconds since 1970). */
void manage_put_snapshot(json_t *object, const struct judged *judged, int64_t now);
/* hardware: kind, model, firmware, simulator, refuses_rollback, verifies, seals, es384, ps256. */
void manage_put_hardware(json_t *object, const struct hw_description *about);

/* Publishes the last round, and folds what has grown long: published; publish_error or fold_error,
 * with the reason, if that fails: what was answered stands, and the next round does it again. */
void manage_publish(json_t *object, struct scribe *scribe);

#endif
