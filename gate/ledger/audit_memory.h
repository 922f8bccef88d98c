/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_memory.h: what an auditor knows at a head that it has verified and needs to judge what
 * follows: where every agent's chain stands, the session that runs, its attempts that have no
 * outcome yet, time and epoch. Kept with the head by whoever verifies often.
 */
#ifndef PAWL_LEDGER_AUDIT_MEMORY_H
#define PAWL_LEDGER_AUDIT_MEMORY_H

#include "gate/ledger/succession.h"

#define AUDIT_MEMORY_MAX CBOR_SIZE_MAX /* bytes: some 180,000 agents with short names */

/* Appends it; nothing when it would be longer than AUDIT_MEMORY_MAX. Error: NO_MEMORY. */
err_code audit_memory_write(const struct succession *s, struct buf *ret);

/* Puts it into an empty succession. Errors: FORMAT, NO_MEMORY. */
err_code audit_memory_read(struct slice bytes, struct succession *ret, struct why *why);

#endif
