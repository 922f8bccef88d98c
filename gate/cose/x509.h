/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x509.h: X.509 certificates (RFC 5280) for keys that sign in hardware, chains of them, and how
 * COSE carries them (RFC 9360). Reading and path validation are OpenSSL's. What is written has one
 * form for one set of facts, and only its signature comes from elsewhere: the digest goes out, r ||
 * s comes back.
 *
 * A certificate that is issued here speaks of the same device as its issuer's: it takes over the
 * subject (with a dnQualifier of its own), subjectAltName, extKeyUsage and the Fulcio issuer. So
 * whatever names the device by these (a did:x509) names each of its keys.
 */
#ifndef PAWL_COSE_X509_H
#define PAWL_COSE_X509_H

#include "gate/cose/cose.h"

#define X509_CERT_MAX 8192                /* one certificate, DER */
#define X509_CHAIN_MAX 8                  /* certificates in a chain */
#define X509_CHAIN_BYTES_MAX 16384        /* of a chain, all its certificates together */
#define X509_NAME_TEXT_MAX 64             /* characters of O and CN (RFC 5280 A.1, upper bounds) */
#define X509_QUALIFIER_MAX 64             /* characters of a dnQualifier */
#define X509_ANY_TIME INT64_MIN           /* validity is not looked at */
#define X509_NO_END INT64_C(253402300799) /* 99991231235959Z: no well-defined end (4.1.2.5) */

/* A chain, leaf first, each certificate issued by the next. Borrows: from whatever was parsed. */
struct x509_chain {
    size_t n;
    struct slice certs[X509_CHAIN_MAX]; /* DER */
};

/* ---- reading --------------------------------------------------------------------------------- */

/* Is it one certificate, in the octets that DER gives it, version 3, within the limits? Judges no
 * signature. Error: CERT_MALFORMED. */
err_code x509_check(struct slice cert, struct why *why);

/* The key that it certifies. Errors: CERT_MALFORMED, KEY_MALFORMED, COSE_ALG. */
err_code x509_key(struct slice cert, struct hw_pubkey *ret, struct why *why);

/* Seconds since 1970: valid from the first on and, as OpenSSL judges it, before the last. Error:
 * CERT_MALFORMED. */
err_code x509_validity(struct slice cert, int64_t *ret_not_before, int64_t *ret_not_after,
                       struct why *why);

/* Path validation (RFC 5280 6) with the last certificate as the anchor: every signature, names,
 * basicConstraints, keyUsage, name constraints, policies, and each validity at the time given
 * (seconds since 1970, or X509_ANY_TIME). Fails on every critical extension that did:x509 does not
 * list, on SHA-1 and on RSA below 2048 bits. A chain of one has to be signed by its own key.
 * Whether the anchor is to be trusted is the caller's to say. Errors: CERT_MALFORMED, CERT_CHAIN,
 * NOT_YET_VALID, EXPIRED. */
err_code x509_chain_validate(const struct x509_chain *chain, int64_t at, struct why *why);

/* Its subject is its issuer, and its own key signed it. Path validation does not look at the
 * signature of an anchor that names another issuer. Errors: CERT_MALFORMED, CERT_CHAIN. */
err_code x509_self_signed(struct slice cert, struct why *why);

/* The same certificates, octet for octet. */
bool x509_chain_eq(const struct x509_chain *a, const struct x509_chain *b);

/* ---- in COSE and PEM ------------------------------------------------------------------------- */

/* COSE_X509 (RFC 9360 2): one certificate is a byte string, more are an array of them. Reading
 * takes that form alone, and checks each certificate. Errors: FORMAT, TOO_LARGE, CERT_MALFORMED.
 * Borrows: *ret from the input. */
void x509_chain_put(struct cbor_writer *w, const struct x509_chain *chain);
err_code x509_chain_get(struct cbor_reader *r, struct x509_chain *ret, struct why *why);

/* The same as one encoded item, such as a header's value. */
err_code x509_chain_encode(const struct x509_chain *chain, struct buf *ret);
err_code x509_chain_decode(struct slice encoded, struct x509_chain *ret, struct why *why);

/* A chain that was read before, and the key of its first certificate: of one gate's receipts all
 * carry the same, and to read and judge it again takes longer than all the rest. {0} is ready. */
struct x509_known {
    struct buf encoded; /* empty: none yet */
    struct x509_chain chain;
    struct hw_pubkey key;
    struct digest thumbprint; /* of key */
};
void x509_known_free(struct x509_known *known);

/* x509_chain_decode(), x509_key() and the thumbprint, unless known is of these very octets; else it
 * is replaced. Errors: as those; known is then empty. Borrows: nothing. */
err_code x509_known_decode(struct slice encoded, struct x509_known *known, struct why *why);

/* "CERTIFICATE" blocks, leaf first, and nothing else but white space and comments before a block.
 * Replaces *ret by the chain as encoded by x509_chain_encode(). Errors: CERT_MALFORMED, TOO_LARGE.
 */
err_code x509_chain_from_pem(struct slice pem, struct buf *ret, struct why *why);

/* ---- making ---------------------------------------------------------------------------------- */

/* A device's certificate by its own key: O, CN, and as subjectAltName a URI. CN and O are cut at
 * their upper bound, the URI is whole. Never ends: the key lives as long as the hardware, and
 * nothing that signs a newer certificate could be trusted more. */
struct x509_device {
    const struct hw_pubkey *key; /* P-256 */
    struct slice organization, common_name, uri;
    int64_t not_before;
    unsigned depth; /* authorities that may follow below it */
};

/* A certificate that a device issues. */
struct x509_issue {
    struct slice issuer;         /* its certificate */
    const struct hw_pubkey *key; /* P-256; certified */
    const char *qualifier;       /* PrintableString, in place of the issuer's dnQualifier */
    int64_t not_before, not_after;
    bool authority; /* may issue certificates that issue none */
};

/* Whether a certificate can be an issuer here: an authority by basicConstraints and keyUsage, which
 * signs data as well, with a subjectKeyIdentifier. Errors: CERT_CHAIN, CERT_MALFORMED. */
err_code x509_may_issue(struct slice cert, struct why *why);

/* A certificate without its signature. */
struct x509_draft {
    struct buf tbs;
    struct digest digest; /* SHA-256 of tbs: what has to be signed, with ES256 */
};
void x509_draft_free(struct x509_draft *draft);

/* Errors: KEY_MALFORMED (not P-256), FORMAT (a name or a time that cannot be written), CERT_CHAIN
 * (the issuer's certificate may not issue), CERT_MALFORMED. Owns: the caller frees *ret. */
err_code x509_prepare_device(const struct x509_device *device, struct x509_draft *ret,
                             struct why *why);
err_code x509_prepare_issue(const struct x509_issue *issue, struct x509_draft *ret,
                            struct why *why);

/* Puts the signature (raw r || s) in and appends the certificate. Errors: TOO_LARGE,
 * SIGNATURE_INVALID (a number that is none). */
err_code x509_finish(const struct x509_draft *draft, const uint8_t sig[static 64], struct buf *ret,
                     struct why *why);

#endif
