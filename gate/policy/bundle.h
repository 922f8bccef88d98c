/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle.h: the file that the authority publishes and gates install: the whole chain of root
 * metadata, grants, policy objects with their predecessors, and the snapshot (absent in the bundle
 * that gates are enrolled with). The bundle itself is not signed; everything in it is.
 */
#ifndef PAWL_POLICY_BUNDLE_H
#define PAWL_POLICY_BUNDLE_H

#include "gate/policy/grant.h"

#define BUNDLE_SIZE_MAX CBOR_SIZE_MAX
#define BUNDLE_ROOTS_MAX 256
#define BUNDLE_POLICIES_MAX 4096
#define BUNDLE_GRANTS_MAX 1024

/* {"roots": [+ bstr], "grants": [* grant], "policies": [* bstr], ? "snapshot": bstr}. Owns: the
 * three lists. Borrows: what they hold. */
struct bundle {
    struct slice *roots; /* from version 1 upwards */
    struct grant *grants;
    struct slice *policies;
    size_t n_roots, n_grants, n_policies;
    struct slice snapshot; /* empty: absent */
};

/* Takes the bytes apart and looks at nothing inside. Errors: CBOR_*, FORMAT, TOO_LARGE. */
err_code bundle_parse(struct slice bytes, struct bundle *ret, struct why *why);
void bundle_free(struct bundle *bundle);

/* Appends to ret. Error: TOO_LARGE. */
err_code bundle_write(const struct bundle *bundle, struct buf *ret, struct why *why);

#endif
