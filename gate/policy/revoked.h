/* SPDX-License-Identifier: Apache-2.0 */
/* revoked.h: the list of what the authority has taken back: single objects (by digest) and keys (by
 * thumbprint). Part of every snapshot; the authority keeps the same list in its own directory. */
#ifndef PAWL_POLICY_REVOKED_H
#define PAWL_POLICY_REVOKED_H

#include "gate/policy/term.h"

enum revoked_kind {
    REVOKED_NONE = 0,
    REVOKED_KEY,    /* no signature by it counts, whenever it was made; but for root metadata */
    REVOKED_OBJECT, /* a policy object: what it covers is denied until a newer version is in force
                     */
};

struct revocation {
    enum revoked_kind kind;
    struct digest id;
    int64_t since;       /* what the authority says about the time; for people */
    struct slice reason; /* text; borrowed */
};

/* In the order of (kind's name, id), all different. */
struct revoked {
    struct revocation *items; /* owned */
    size_t n;
};
#define REVOKED_MAX 4096

const char *revoked_kind_name(enum revoked_kind kind); /* "key", "object" */

/* Reads and writes [* {"id", "kind", "since", "reason"}]. get: errors stick in the reader. Owns:
 * the caller frees. */
void revoked_get(struct cbor_reader *r, struct revoked *ret);
void revoked_put(struct cbor_writer *w, const struct revoked *list);
/* Limits, texts, order. Errors: FORMAT, TOO_LARGE. */
err_code revoked_check(const struct revoked *list, struct why *why);
/* Borrows: an item of the list, or NULL. */
const struct revocation *revoked_find(const struct revoked *list, enum revoked_kind kind,
                                      const struct digest *id);
/* Puts one in at its place; does nothing when the kind and id are listed already. Borrows: reason.
 */
err_code revoked_add(struct revoked *list, const struct revocation *item);
void revoked_free(struct revoked *list);

#endif
