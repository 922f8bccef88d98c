/* SPDX-License-Identifier: Apache-2.0 */
/* gate_ledger.h: where a gate's ledger lies. It is made once, empty, when the gate is enrolled: one
 * that is missing later was taken away, and no new one begins in its place. */
#ifndef PAWL_DECIDE_GATE_LEDGER_H
#define PAWL_DECIDE_GATE_LEDGER_H

#include "gate/ledger/log.h"

/* Makes an empty, durable ledger; one that is there already stays. Errors: STORAGE, and those of
 * ledger_open(). */
err_code gate_ledger_make(const char *state_dir, struct why *why);

/* Errors: NOT_ENROLLED; STATE_CORRUPT when the gate is enrolled and its ledger is gone; those of
 * ledger_open(). Owns: ledger_close(). */
err_code gate_ledger_open(const char *state_dir, enum ledger_mode mode, struct ledger **ret,
                          struct why *why);

#endif
