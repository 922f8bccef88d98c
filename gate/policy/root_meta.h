/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root_meta.h: root metadata: which keys the authority of a domain has, which role each holds, and
 * how many must sign together (the words of TUF). This file is about one version by itself;
 * root_chain.h is about how versions follow each other.
 */
#ifndef PAWL_POLICY_ROOT_META_H
#define PAWL_POLICY_ROOT_META_H

#include "gate/policy/envelope.h"
#include "gate/policy/term.h"
#include "hw/root.h"

/* Numbered in the order of their names in a deterministic map: shorter first, then bytewise. */
enum root_role {
    ROLE_NONE = 0,
    ROLE_ROOT,     /* signs root metadata */
    ROLE_POLICY,   /* signs policy objects */
    ROLE_RATCHET,  /* signs grants; 2 to 7 keys, threshold 1, ES256 or PS256: a TPM checks them */
    ROLE_APPROVER, /* optional */
    ROLE_OVERRIDE, /* optional */
    ROLE_SNAPSHOT, /* signs snapshots */
    ROLE_END,
};

#define ROOT_KEYS_MAX HW_ANCHOR_MAX
/* So that a rotation signed by a threshold of the old keys and one of entirely new keys still fits
 * into one message (COSE_SIGNATURES_MAX). */
#define ROLE_THRESHOLD_MAX 8
#define ROOT_RATCHET_MIN 2

struct root_key {
    struct digest kid; /* RFC 9679 thumbprint */
    struct hw_pubkey key;
};
struct root_holders {
    size_t threshold; /* 0: the role is absent */
    size_t n;
    uint8_t keys[ROOT_KEYS_MAX]; /* places in root_meta.keys, in the order of the metadata */
};

/* About 45 KB: on the heap or static. Borrows: the bytes it was parsed from. */
struct root_meta {
    struct slice raw;     /* empty when it was not parsed */
    struct digest digest; /* version 1: of the bytes; else of what is signed: docs/formats.md */
    struct slice domain;
    uint64_t version;
    int64_t iat, exp;
    bool has_exp;
    size_t n_keys;
    struct root_key keys[ROOT_KEYS_MAX]; /* in the order of their kid */
    struct root_holders roles[ROLE_END];
};

const char *role_name(enum root_role role);  /* "root", "policy", ... */
enum root_role role_from(struct slice name); /* ROLE_NONE when there is no such role */

/* Parses one signed version, strictly: known roles only, kid = thumbprint, distinct kids that
 * exist, 1 <= threshold <= min(kids, 8), no key without a role. Signatures are root_chain.h's.
 * Errors: those of envelope_open, FORMAT, KEY_MALFORMED, COSE_ALG. Owns: *ret; free it with
 * root_meta_free. */
err_code root_meta_parse(struct slice bytes, struct root_meta **ret, struct why *why);
void root_meta_free(struct root_meta **meta);

/* The unsigned content alone, as the authority stages it. digest and claims stay zero. */
err_code root_meta_parse_payload(struct slice payload, struct root_meta **ret, struct why *why);
/* Writes the payload; refuses with FORMAT what parse would refuse. Appends to ret. */
err_code root_meta_payload(const struct root_meta *meta, struct buf *ret, struct why *why);
/* Payload, claims and signatures. iat, has_exp and exp are taken from meta. Appends to ret. */
err_code root_meta_sign(const struct root_meta *meta, struct hw_signer *const *signers,
                        size_t n_signers, struct buf *ret, struct why *why);

/* The rules of the format on a struct that was filled by hand. Error: FORMAT, naming the values. */
err_code root_meta_check(const struct root_meta *meta, struct why *why);

/* The key under a kid; NULL if the metadata does not list it. Borrows: from meta. */
const struct root_key *root_key_find(const struct root_meta *meta, const struct digest *kid);
bool root_holds(const struct root_meta *meta, enum root_role role, const struct digest *kid);

/* For filling by hand. Puts a key in (once) and gives it the role (once). Errors: FORMAT (too many
 * keys, unusable key), EXISTS (holds the role already). */
err_code root_give(struct root_meta *meta, enum root_role role, const struct hw_pubkey *key,
                   struct why *why);
/* Takes the role from the key; a key that is left without any role goes. Error: NOT_FOUND. */
err_code root_take(struct root_meta *meta, enum root_role role, const struct digest *kid,
                   struct why *why);

/* Whose root this is to be: domain, digest of version 1, its ratchet keys in order, and as anchors
 * every key of the newest version and the root keys of the first. Grants are left to the caller. */
err_code root_owner(const struct root_meta *first, const struct root_meta *newest,
                    struct slice gate, struct hw_owner *ret, struct why *why);
/* Adds the root keys of a version in between: they sign the next one, and a token without an anchor
 * for them could never verify it. Beyond HW_ANCHOR_MAX keys are left out: the token, if it needs
 * one, says which. */
void root_owner_add(const struct root_meta *earlier, struct hw_owner *owner);

#endif
