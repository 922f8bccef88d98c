/* SPDX-License-Identifier: Apache-2.0 */
/*
 * succession.h: may this snapshot follow the installed one? The rules make the snapshot's signers
 * unable to loosen what the policy's signers wrote: an alias in force never goes back, never
 * disappears, and what is revoked stays revoked while it could still matter.
 */
#ifndef PAWL_POLICY_SUCCESSION_H
#define PAWL_POLICY_SUCCESSION_H

#include "gate/policy/object.h"
#include "gate/policy/snapshot.h"

/* newest: the root metadata that next was judged under. Both snapshots are verified. OK also when
 * they are the same. Errors:
 *   ROLLBACK           lower epoch, or older root metadata
 *   EQUIVOCATION       same epoch, or same version of an alias, with another digest
 *   ROOT_EQUIVOCATION  same version of the root metadata with another digest
 *   SUCCESSION         next epoch whose predecessor is not the installed one; an alias has gone
 *   POLICY_ROLLBACK    lower version of an alias
 *   REVOKED            a revocation was dropped that still matters */
err_code snapshot_follows(const struct snapshot *installed, const struct snapshot *next,
                          const struct root_meta *newest, struct why *why);

/* How far an epoch may lie beyond the one before it. Without a limit one stolen key of the role
 * snapshot could step a token to the last epoch that there is. */
#define SNAPSHOT_JUMP_MAX (UINT64_C(1) << 20)
/* from: the epoch of the hardware or of what is installed, whichever is higher; 0 for none. Error:
 * SUCCESSION, naming both and the limit. */
err_code snapshot_in_reach(uint64_t from, const struct snapshot *next, struct why *why);

/* Is older the direct predecessor of newer? Error: SUCCESSION, naming versions or digests. */
err_code policy_follows(const struct policy_object *older, const struct policy_object *newer,
                        struct why *why);

#endif
