/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authority.h: the authority's work directory, on its own machine. It holds what was signed, never
 * a private key: signers come in from the caller.
 *
 *     root/<version>.cose              root metadata, from 1 on without a gap
 *     root.staged                      the next version's content while it is being changed
 *     policy/<alias>/<version>.cose    policy objects
 *     revoked.cbor                     what has been taken back
 *     enrol.bundle                     what gates are enrolled with
 *     publish/<epoch>.bundle           what gates install; the newest one holds the last snapshot
 */
#ifndef PAWL_POLICY_AUTHORITY_H
#define PAWL_POLICY_AUTHORITY_H

#include "gate/policy/bundle_judge.h"

/* Fleet defaults: one set of grants serves every gate that has them. */
#define AUTHORITY_INDEX 0x01800100u
#define AUTHORITY_BASE 64u

struct authority {
    char *dir;
    struct buf *root_bytes; /* n_roots of them, from version 1 on */
    size_t n_roots;
    struct root_meta *first, *newest; /* the same pointer when there is one version */
    bool has_published;
    struct buf bundle_bytes; /* the newest publication */
    struct judged published; /* of it */
    struct revoked revoked;  /* borrows from revoked_bytes */
    struct buf revoked_bytes;
};

/* Keys that sign, in any order and number; which of them are needed the operation finds out. */
struct authority_keys {
    struct hw_signer *const *signers;
    size_t n;
};

/* What a new authority begins with, not yet in any file. */
struct authority_start {
    struct buf root, bundle;
};
void authority_start_free(struct authority_start *start);

/* Signs root metadata 1 (meta: domain, keys and roles filled; version and iat are set here) and the
 * first grants. Errors: FORMAT when keys or thresholds cannot make a root; THRESHOLD and
 * GRANT_INVALID when the signers do not suffice. Owns: authority_start_free(). */
err_code authority_start_make(struct root_meta *meta, const struct authority_keys *keys,
                              int64_t now, struct authority_start *ret, struct why *why);

/* Writes it into a directory that is no authority yet. Error: EXISTS. */
err_code authority_start_write(const char *dir, const struct authority_start *start,
                               struct why *why);

/* Both. */
err_code authority_init(const char *dir, struct root_meta *meta, const struct authority_keys *keys,
                        int64_t now, struct why *why);

/* Reads a directory and verifies all of it in software. Owns: authority_close(). */
err_code authority_open(const char *dir, int64_t now, struct authority **ret, struct why *why);
void authority_close(struct authority **authority);

/* The staged next version of the root metadata: the newest one when nothing was staged. Owns: *ret,
 * root_meta_free(); it borrows from *ret_bytes. */
err_code authority_staged(const struct authority *authority, struct buf *ret_bytes,
                          struct root_meta **ret, struct why *why);
err_code authority_stage(const struct authority *authority, const struct root_meta *meta,
                         struct why *why);

/* Signs what is staged as the next version; with nothing staged, the present content once more, if
 * it expires. exp: the end of its life; 0: as long a life as the present version was given, which
 * may be without an end. Errors: NOT_FOUND when there is nothing to sign; SIGNER_UNKNOWN, THRESHOLD
 * unless a threshold of the old root keys and one of the new ones sign. */
err_code authority_rotate(struct authority *authority, const struct authority_keys *keys,
                          int64_t now, int64_t exp, struct why *why);

/* Signs the next version of an alias. draft: alias, actions, agents, zones, text, iat, nbf and exp
 * are taken; version and previous follow from the directory. Only signers that hold the role policy
 * are used. Appends the object to ret. Errors: SIGNER_UNKNOWN when none does; CEDAR_*. */
err_code authority_policy_sign(const struct authority *authority, struct policy_object *draft,
                               const struct authority_keys *keys, struct buf *ret, struct why *why);

/* Adds signatures to the newest version of an alias. Errors: NOT_FOUND; EXISTS when that key has
 * signed already, or the version is published and must not change any more. */
err_code authority_policy_cosign(const struct authority *authority, struct slice alias,
                                 const struct authority_keys *keys, struct buf *ret,
                                 struct why *why);

/* Takes something back, from the next publication on. A revoked key counts no more, but for the
 * role root, which only a rotation takes from it. Error: USAGE when it holds no other role. */
err_code authority_revoke(struct authority *authority, const struct revocation *item,
                          struct why *why);

/* A gate with its own index or base. */
struct authority_gate {
    uint32_t index;
    uint64_t base;
};
struct publication {
    int64_t now, exp;
    uint64_t epoch;                     /* 0: the one after the last publication */
    const struct authority_gate *gates; /* besides the fleet default */
    size_t n_gates;
};

/* Makes the next epoch: a snapshot of the newest version of every alias, grants, and the bundle
 * with all that leads there. Judges it in full, as a gate will, before it is written. Appends the
 * bundle to ret. Errors: those of bundle_judge; ROLLBACK when the epoch wished for is not beyond
 * the last one; EXISTS when somebody else published this epoch meanwhile. */
err_code authority_publish(struct authority *authority, const struct publication *wish,
                           const struct authority_keys *keys, struct buf *ret, uint64_t *ret_epoch,
                           struct why *why);

#endif
