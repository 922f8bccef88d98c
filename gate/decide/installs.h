/* SPDX-License-Identifier: Apache-2.0 */
/* installs.h: the bundles that a gate has installed, as files: installed/<epoch>.bundle. */
#ifndef PAWL_DECIDE_INSTALLS_H
#define PAWL_DECIDE_INSTALLS_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"

/* Reads the one of the highest epoch, by its name. ret_epoch 0: there is none. Errors: STORAGE.
 * Owns: *ret. */
err_code installs_newest(const char *state_dir, struct buf *ret, uint64_t *ret_epoch,
                         struct why *why);

/* Reads the one of this epoch. Errors: NOT_FOUND, STORAGE. Owns: *ret. */
err_code installs_read(const char *state_dir, uint64_t epoch, struct buf *ret, struct why *why);

/* Stores one durably; the same epoch again is replaced, so that a retry after a full disk works. */
err_code installs_put(const char *state_dir, uint64_t epoch, struct slice bytes, struct why *why);

/* After an install: removes those of lower epochs, and sets those of higher ones aside. Nobody has
 * installed these, and the next start would meet them first; they stay as NAME.refused for whoever
 * asks how they came there. Only tidiness: a failure is not reported. */
void installs_settle(const char *state_dir, uint64_t epoch);

#endif
