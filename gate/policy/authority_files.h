/* SPDX-License-Identifier: Apache-2.0 */
/* authority_files.h: what the files of authority.h share: paths, picking signers, grants. */
#ifndef PAWL_POLICY_AUTHORITY_FILES_H
#define PAWL_POLICY_AUTHORITY_FILES_H

#include "gate/base/file.h"
#include "gate/policy/authority.h"
#include "tpm/policy.h"

/* dir/room/<number><suffix>, NUL-terminated beyond len. */
err_code authority_path(const char *dir, const char *room, uint64_t number, const char *suffix,
                        struct buf *ret);

/* The highest number that names a file of this suffix in a directory; 0: none, or no directory. */
err_code authority_newest(const char *dir, const char *suffix, uint64_t *ret, struct why *why);

/* The signers that hold a role, each key once. ret: room for COSE_SIGNATURES_MAX. Returns how many.
 */
size_t authority_pick(const struct root_meta *meta, enum root_role role,
                      const struct authority_keys *keys, struct hw_signer **ret);

/* The same for an operation that cannot do without. Errors: SIGNER_UNKNOWN when there is none;
 * REVOKED when one of them is: what it signs would not count. */
err_code authority_signers(const struct authority *authority, enum root_role role,
                           const struct authority_keys *keys, struct hw_signer **ret, size_t *ret_n,
                           struct why *why);

/* Held while something is read, changed and written back. */
#define AUTHORITY_WAIT_MS 5000
err_code authority_lock(const struct authority *authority, struct lock *ret, struct why *why);

/* Brings the root metadata in enrol.bundle up to date; after a rotation, and again with each
 * publication in case the rotation was killed before it. */
err_code authority_refresh(const struct authority *authority, struct why *why);

/* One grant for one gate, by a ratchet key of root metadata version 1. */
err_code authority_grant(const struct root_meta *first, const struct authority_gate *gate,
                         const struct tpm_terms *terms, struct hw_signer *ratchet,
                         struct hw_grant *ret, struct why *why);

#endif
