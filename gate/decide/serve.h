/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h: whether an open gate could permit anything at all now: what a check asks before it asks
 * a policy, and whether any policy is left to ask. */
#ifndef PAWL_DECIDE_SERVE_H
#define PAWL_DECIDE_SERVE_H

#include "gate/decide/gate.h"
#include "gate/ledger/log.h"

/* Why the i-th policy would deny everything now: EXPIRED, REVOKED, NOT_YET_VALID and others of
 * fresh_object(). */
err_code serve_policy_state(const struct judged *judged, size_t i, int64_t now, struct why *why);

/* OK when some request could be permitted, as far as scopes and times go; what a policy's text
 * permits is not looked at. ledger: NULL: not looked at. Otherwise why everything is
 * denied: the errors of gate_current(), gate_head_check() and ledger_ready(), SNAPSHOT_STALE,
 * EXPIRED root metadata, those of serve_policy_state() for the first policy that stands in the way,
 * NO_POLICY when none is for this gate's zone, and those of the hardware, which is asked to begin a
 * round. ret_kept: what the hardware keeps of the head, also when something else stands in the way;
 * zero where it was not asked or refused. */
err_code serve_state(struct gate *gate, const struct ledger *ledger, struct hw_kept *ret_kept,
                     struct why *why);

#endif
