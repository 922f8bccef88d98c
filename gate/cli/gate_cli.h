/* SPDX-License-Identifier: Apache-2.0 */
/* gate_cli.h: what several verbs print about a gate. */
#ifndef PAWL_CLI_GATE_CLI_H
#define PAWL_CLI_GATE_CLI_H

#include "gate/cli/verb.h"
#include "gate/decide/gate.h"
#include "gate/decide/scribe.h"

/* The policies in force, as JSON member "policies" and "expires", and as a table. */
void put_snapshot(json_t *object, const struct judged *judged, int64_t now);
/* what: "In force", or "On disk" where the hardware is elsewhere. */
void say_snapshot(struct call *call, const char *what, const struct judged *judged, int64_t now);

/* The hardware root: kind, model, guarantees. */
void put_hardware(json_t *object, const struct hw_description *about);
void say_hardware(struct call *call, const struct hw_description *about);

/* Publishes the last round, as member "published", and folds what has grown long. What was answered
 * stands if that fails: it is said, and the next round does it again. */
void publish_ledger(struct call *call, struct scribe *scribe);

#endif
