/* SPDX-License-Identifier: Apache-2.0 */
/* gate_head.h: the head of a gate's ledger held against what its hardware keeps. */
#ifndef PAWL_DECIDE_GATE_HEAD_H
#define PAWL_DECIDE_GATE_HEAD_H

#include "gate/decide/gate.h"
#include "gate/ledger/log.h"

/* Has the hardware compare the heads that the ledger's journal knows. A round that was interrupted
 * before the hardware had its head is made good. Errors: LEDGER_ROLLBACK, HEAD_MISSING,
 * LEDGER_INCONSISTENT (also when the last commit is not of the round that it is said to be of), and
 * those of the hardware. */
err_code gate_head_check(struct gate *gate, const struct ledger *ledger, struct hw_kept *ret,
                         struct why *why);

#endif
