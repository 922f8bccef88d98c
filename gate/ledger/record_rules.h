/* SPDX-License-Identifier: Apache-2.0 */
/* record_rules.h: what writing and reading a record share, for the files of this room: the names of
 * its kinds, the limits of its members, and the texts that are derived from others. */
#ifndef PAWL_LEDGER_RECORD_RULES_H
#define PAWL_LEDGER_RECORD_RULES_H

#include "gate/ledger/record.h"

#define RECORD_SCHEMA "air-1.0"

/* AIR's action_type, and the kind of one; NULL and RECORD_NONE if there is none. */
const char *record_action_type(enum record_kind kind);
enum record_kind record_kind_of(struct slice action_type);

/* AIR has no value for "denied": a denial is the outcome "failed", everything else "completed". */
const char *record_outcome(const struct record *record);

/* A policy reference: "<alias>@<version>#sha256:<hex>", appended to ret. */
err_code record_policy_ref(const struct record_policy *policy, struct buf *ret);

/* Everything about a record that is not a matter of its encoding: lengths, UTF-8, vocabularies,
 * order of times, members that must agree. Errors: FORMAT, TOO_LARGE, naming the member. */
err_code record_check(const struct record *record, struct why *why);

#endif
