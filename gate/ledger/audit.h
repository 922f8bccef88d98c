/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h: everything that opening a ledger leaves out because it costs: every record's signature,
 * back to the hardware's receipt keys; and whether the ledger still is what an earlier permit said.
 */
#ifndef PAWL_LEDGER_AUDIT_H
#define PAWL_LEDGER_AUDIT_H

#include "gate/ledger/log.h"
#include "gate/ledger/permit.h"

/* Whom an auditor believes. */
struct ledger_trust {
    /* The hardware's receipt key of this thumbprint, if it is this gate's and was in use in this
     * epoch. Error: SIGNER_UNKNOWN. */
    err_code (*key)(const struct ledger_trust *trust, const struct digest *kid, uint64_t epoch,
                    struct hw_pubkey *ret, struct why *why);
    void *context;       /* for key */
    struct slice issuer; /* "<domain>/<gate>" that the ledger must be of; empty: any */
};

struct ledger_report {
    struct checkpoint checkpoint;
    uint64_t permits, denials, rotations, installs, enrolments;
    uint64_t first_ms, last_ms; /* times of the first and the last entry */
};

/* Verifies the signature of every record: a key_rotation by a hardware key, every other by the key
 * that the last key_rotation introduced. Chains, sequence and times have been judged when the
 * ledger was opened. Errors, naming the entry: SIGNATURE_INVALID, SIGNER_UNKNOWN,
 * LEDGER_INCONSISTENT. */
err_code ledger_audit(const struct ledger *ledger, const struct ledger_trust *trust,
                      struct ledger_report *ret, struct why *why);

/* Checks that the ledger continues the one that a permit was taken from: its record is the entry
 * that its receipt says, and the tree of that time had the root that the hardware signed. Errors:
 * LEDGER_INCONSISTENT; SIGNATURE_INVALID or SIGNER_UNKNOWN when the receipt itself is not good. */
err_code ledger_check_permit(const struct ledger *ledger, const struct permit *permit,
                             const struct ledger_trust *trust, struct why *why);

#endif
