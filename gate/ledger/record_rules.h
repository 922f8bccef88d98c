/* SPDX-License-Identifier: Apache-2.0 */
/* record_rules.h: what writing and reading a record share, for the files of this room. */
#ifndef PAWL_LEDGER_RECORD_RULES_H
#define PAWL_LEDGER_RECORD_RULES_H

#include "gate/ledger/record.h"

/* Everything about a record that is not a matter of its encoding: lengths, UTF-8, vocabularies,
 * order of times, members that must agree. Errors: FORMAT, TOO_LARGE, COSE_ALG, naming the member.
 */
err_code record_check(const struct record *record, struct why *why);

#endif
