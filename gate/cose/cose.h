/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cose.h: COSE_Sign1 (tag 18) and COSE_Sign (tag 98), RFC 9052, with CWT claims in the header (RFC
 * 9597). Parsing gives views into the received octets; verification is somebody else's: the message
 * turns into a struct hw_statement, which a hardware root or hw_verify_soft() judges.
 */
#ifndef PAWL_COSE_COSE_H
#define PAWL_COSE_COSE_H

#include "gate/cose/cbor.h"
#include "hw/key.h"

/* Header labels (IANA "COSE Header Parameters"). */
enum cose_label {
    COSE_ALG = 1,
    COSE_CRIT = 2,
    COSE_CONTENT_TYPE = 3,
    COSE_KID = 4,
    COSE_CWT_CLAIMS = 15,
    COSE_TYP = 16,
    COSE_X5BAG = 32,
    COSE_X5CHAIN = 33,
    COSE_X5T = 34,
    COSE_X5U = 35,
    COSE_RECEIPTS = 394,
    COSE_VDS = 395,
    COSE_VDP = 396,
};

#define COSE_TAG_SIGN1 18
#define COSE_TAG_SIGN 98
#define COSE_SIGNATURES_MAX 16
#define COSE_LABELS_MAX 64 /* labels in one header bucket, claims in one map */

/* CWT claims (RFC 8392). Absent: empty slice, has_ flag false. Times are whole seconds. */
struct cose_claims {
    struct slice iss, sub, cti;
    bool has_exp, has_nbf, has_iat;
    int64_t exp, nbf, iat;
};

/* Decoded headers of one layer. Text values borrow from the message. */
struct cose_headers {
    int64_t alg;               /* protected only; 0: absent */
    struct slice content_type; /* text; empty: absent (a number is left to cose_header_find) */
    struct slice typ;          /* text; empty: absent */
    struct slice kid;          /* from either bucket; empty: absent */
    struct slice x5chain, x5t; /* encoded items, carried and not judged; empty: absent */
    struct cose_claims claims;
    struct slice protected_map; /* encoded map; empty when the header is */
    struct slice unprotected;   /* encoded map */
};

struct cose_sign1 {
    struct slice raw;        /* the whole message as received, with its tag */
    struct slice protected_; /* content of the protected bstr; h'a0' reads as h'' (RFC 9052 4.4) */
    struct slice payload;    /* empty when detached */
    bool detached;
    struct slice signature;
    struct cose_headers headers;
};

struct cose_signature {
    struct slice protected_, signature;
    struct cose_headers headers;
};
struct cose_sign {
    struct slice raw;
    struct slice protected_, payload;
    bool detached;
    struct cose_headers headers;
    size_t n_signatures;
    struct cose_signature signatures[COSE_SIGNATURES_MAX];
};

/* Parses one tagged message. Checks shape, types, label rules (no label in both buckets; crit only
 * with labels that are understood and protected), nothing cryptographic. alg, content type, typ and
 * claims count only where the signature covers them; unprotected they refuse an object of pawl's
 * own and are ignored in a foreign one. Errors: CBOR_*, TOO_LARGE, COSE_MALFORMED, COSE_CRIT. */
err_code cose_sign1_parse(struct slice bytes, enum cbor_rules rules, struct cose_sign1 *ret,
                          struct why *why);
err_code cose_sign_parse(struct slice bytes, enum cbor_rules rules, struct cose_sign *ret,
                         struct why *why);

/* The encoded value under a label in an encoded header map; empty when absent. */
struct slice cose_header_find(struct slice map, int64_t label);
struct slice cose_header_find_text(struct slice map, const char *label);

/* Algorithm numbers. -7 and -9 are HW_ES256, -35 and -51 HW_ES384, -37 HW_PS256; anything else is
 * refused with COSE_ALG and its registered name where pawl knows one ("EdDSA (-8)"). */
err_code cose_alg_from(int64_t value, enum hw_alg *ret, struct why *why);
int64_t cose_alg_value(enum hw_alg alg); /* -7, -35, -37 */

/* Sig_structure (RFC 9052 4.4), appended to ret. external_aad is usually empty. */
err_code cose_sign1_tbs(struct slice protected_, struct slice external_aad, struct slice payload,
                        struct buf *ret);
err_code cose_sign_tbs(struct slice body_protected, struct slice sign_protected,
                       struct slice external_aad, struct slice payload, struct buf *ret);

/* What has to be verified: the signature of a message under a key. payload: the detached payload,
 * or {0} to use the attached one; giving one to an attached message, or none (NULL) to a detached
 * one, is COSE_MALFORMED. The message's alg must be the key's: COSE_ALG. A signature of the wrong
 * length: SIGNATURE_INVALID. */
err_code cose_sign1_statement(const struct cose_sign1 *msg, const struct hw_pubkey *key,
                              struct slice payload, struct hw_statement *ret, struct why *why);
err_code cose_sign_statement(const struct cose_sign *msg, size_t signature,
                             const struct hw_pubkey *key, struct slice payload,
                             struct hw_statement *ret, struct why *why);

/* A header to be written. Zero members are left out. extra: further pairs, encoded key then encoded
 * value each, in any order; they are sorted in. alg and kid are set from the signer. */
struct cose_pair {
    struct slice key, value; /* encoded CBOR */
};
struct cose_header_spec {
    const char *content_type, *typ;
    struct cose_claims claims;
    struct slice x5chain, x5t; /* encoded */
    const struct cose_pair *extra;
    size_t n_extra;
    const struct digest *kid; /* the signer's, where it is known already; NULL: it is computed */
};

/* Signs. kid is the key's RFC 9679 thumbprint. detach: the payload is signed and left out.
 * unprotected: an encoded map, or empty for {}. Appends the tagged message to ret. A header that
 * breaks the rules (a label twice, claims that are not UTF-8) is INTERNAL: the caller's mistake. */
err_code cose_sign1_make(struct hw_signer *signer, const struct cose_header_spec *protected_,
                         struct slice unprotected, struct slice payload, bool detach,
                         struct buf *ret, struct why *why);

/* A COSE_Sign with one signature per signer; header_spec goes into the body header, alg and kid
 * into each signature's. cose_sign_add() appends one more signature to a received message (EXISTS
 * when that key has signed already), keeping every other octet. */
err_code cose_sign_make(struct hw_signer *const *signers, size_t n_signers,
                        const struct cose_header_spec *protected_, struct slice payload,
                        struct buf *ret, struct why *why);
err_code cose_sign_add(struct slice message, struct hw_signer *signer, struct buf *ret,
                       struct why *why);

/* The encoded protected header that cose_sign1_make would write for this key, for signers that sign
 * elsewhere (a hardware round); and the assembly of such a message. */
err_code cose_protected_make(const struct hw_pubkey *key, const struct cose_header_spec *spec,
                             struct buf *ret);
/* payload NULL pointer with detach: nil. */
err_code cose_sign1_assemble(struct slice protected_, struct slice unprotected,
                             struct slice payload, bool detach, struct slice signature,
                             struct buf *ret);

#endif
