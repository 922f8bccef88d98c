/* SPDX-License-Identifier: Apache-2.0 */
/* record_air.h: the AIR profile (schema air-1.0; docs/ledger.md says which text it follows). */
#ifndef PAWL_LEDGER_RECORD_AIR_H
#define PAWL_LEDGER_RECORD_AIR_H

#include "gate/ledger/record_profile.h"

#define AIR_SCHEMA "air-1.0"

extern const struct record_profile RECORD_AIR;

/* The halves of the profile, in record_air_write.c and record_air_read.c. */
err_code air_write_payload(const struct record *record, const struct digest *kid, struct buf *ret);
err_code air_write_protected(const struct hw_pubkey *key, const struct record *record,
                             const struct record_content *content, struct buf *ret,
                             struct digest *ret_chain_hash);
err_code air_read(struct record *record, struct slice payload, struct why *why);

/* AIR's action_type of a kind, and the kind of one; NULL and RECORD_NONE if there is none. */
const char *air_action_type(enum record_kind kind);
enum record_kind air_kind_of(struct slice action_type);

/* AIR has no value for "denied": a denial is the outcome "failed", a refused install and a loss of
 * the hardware as well, an attempt is "pending_confirmation", everything else "completed". */
const char *air_outcome(const struct record *record);

/* A policy reference: "<alias>@<version>#sha256:<hex>", appended to ret. */
err_code air_policy_ref(const struct record_policy *policy, struct buf *ret);

#endif
