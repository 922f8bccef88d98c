/* SPDX-License-Identifier: Apache-2.0 */
/* installs.h: the bundles that a gate has installed, as files: installed/<epoch>.bundle. */
#ifndef PAWL_DECIDE_INSTALLS_H
#define PAWL_DECIDE_INSTALLS_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"

/* Reads the one of the highest epoch. ret_found false: there is none. Errors: STORAGE. Owns: *ret.
 */
err_code installs_newest(const char *state_dir, struct buf *ret, bool *ret_found, struct why *why);

/* Stores one durably; the same epoch again is replaced, so that a retry after a full disk works. */
err_code installs_put(const char *state_dir, uint64_t epoch, struct slice bytes, struct why *why);

/* Removes those of lower epochs. Only tidiness: a failure is not reported. */
void installs_prune(const char *state_dir, uint64_t epoch);

#endif
