/* SPDX-License-Identifier: Apache-2.0 */
/* auditor_epochs.h: the inside of an auditor, for its two files: records against the snapshots of
 * the bundles that it was given. */
#ifndef PAWL_DECIDE_AUDITOR_EPOCHS_H
#define PAWL_DECIDE_AUDITOR_EPOCHS_H

#include "gate/decide/auditor.h"

/* A snapshot that the record names, and what it revoked. Error: LEDGER_INCONSISTENT. */
err_code auditor_epoch_judge(const struct decide_auditor *own, const struct record *record,
                             struct why *why);
/* The policies that a decision rests on. Error: LEDGER_INCONSISTENT. */
err_code auditor_policies_judge(const struct decide_auditor *own, const struct record *record,
                                struct why *why);

#endif
