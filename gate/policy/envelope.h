/* SPDX-License-Identifier: Apache-2.0 */
/*
 * envelope.h: the signed form that root metadata, policy objects and snapshots share: a COSE_Sign
 * (tag 98, RFC 9052 4.1) in deterministic CBOR whose protected header holds typ (RFC 9596) and the
 * CWT claims (RFC 9597) of its type, and nothing else. A signature covers the type, so what was
 * signed as one thing is never another.
 */
#ifndef PAWL_POLICY_ENVELOPE_H
#define PAWL_POLICY_ENVELOPE_H

#include "gate/base/hash.h"
#include "gate/cose/cose.h"

enum envelope_type {
    ENVELOPE_NONE = 0,
    ENVELOPE_ROOT,   /* application/pawl-root+cose: iss = sub = domain, iat, exp optional */
    ENVELOPE_POLICY, /* application/pawl-policy+cose: iss = domain, sub = alias, iat, nbf, exp, cti
                      */
    ENVELOPE_SNAPSHOT, /* application/pawl-snapshot+cose: iss = sub = domain, iat, exp */
};

#define ENVELOPE_ROOT_MAX ((size_t)128 << 10)
#define ENVELOPE_POLICY_MAX ((size_t)1 << 20)
#define ENVELOPE_SNAPSHOT_MAX ((size_t)4 << 20)
#define ENVELOPE_CTI_LEN 16

struct envelope {
    enum envelope_type type;
    struct cose_sign cose;
    struct digest digest; /* SHA-256 over the tagged bytes as received */
};

/* What a person calls the thing: "policy object". Borrows: static storage. */
const char *envelope_name(enum envelope_type type);
size_t envelope_max(enum envelope_type type);

/* Parses and judges everything but payload and signatures. Borrows: bytes. Errors: TOO_LARGE,
 * CBOR_*, COSE_*, FORMAT (another typ, missing or surplus headers, times out of range). */
err_code envelope_open(struct slice bytes, enum envelope_type type, struct envelope *ret,
                       struct why *why);

/* What is signed, by whomever: hash_tagged() over the length of the body's protected header as u64,
 * that header, and the payload. Anybody can drop a surplus signature of a published object, add one
 * under an unknown key, or turn s into n - s. */
err_code envelope_signed_digest(const struct envelope *envelope, const char *tag,
                                struct digest *ret);

/* Signs a payload with every signer. claims: as the type asks, else FORMAT. Appends to ret. */
struct envelope_parts {
    enum envelope_type type;
    struct cose_claims claims;
    struct slice payload;
};
err_code envelope_make(const struct envelope_parts *parts, struct hw_signer *const *signers,
                       size_t n_signers, struct buf *ret, struct why *why);

/* The key id of one signature. False if it is not 32 bytes long. */
bool envelope_kid(const struct envelope *envelope, size_t signature, struct digest *ret);

#endif
