/* SPDX-License-Identifier: Apache-2.0 */
/*
 * did_x509.h: did:x509 identifiers (github.com/microsoft/did-x509, method version 0): a certificate
 * of an authority by its hash, and what the leaf below it has to say. Resolving one takes the chain
 * that a message carries. It proves that the chain holds and fits the text, and no more: whom to
 * trust is decided by comparing the whole text with one that was pinned.
 */
#ifndef PAWL_COSE_DID_X509_H
#define PAWL_COSE_DID_X509_H

#include "gate/cose/x509.h"

#define DID_X509_TEXT_MAX 1024 /* bytes of a DID, as pawl reads and writes it */
#define DID_X509_PREDICATES_MAX 16
#define DID_X509_PAIRS_MAX 32 /* of one subject predicate */

enum did_x509_predicate_kind {
    DID_X509_NONE = 0,
    DID_X509_SUBJECT,
    DID_X509_SAN,
    DID_X509_EKU,
    DID_X509_FULCIO_ISSUER,
};

/* One predicate; value as it stands in the text, still percent-encoded. */
struct did_x509_predicate {
    enum did_x509_predicate_kind kind;
    struct slice value;
};

/* A parsed identifier. Borrows: from the text. */
struct did_x509 {
    struct slice text;     /* the DID without a fragment: the id of its document */
    struct slice fragment; /* behind '#'; empty: none */
    enum did_x509_hash { DID_X509_SHA256 = 1, DID_X509_SHA384, DID_X509_SHA512 } hash;
    uint8_t fingerprint[64];
    size_t fingerprint_len;
    size_t n;
    struct did_x509_predicate predicates[DID_X509_PREDICATES_MAX];
};

/* Reads a DID or a DID URL with a fragment. Strict: version 0, a hash of the right length, at least
 * one predicate, only the characters of the grammar, no subject key twice, no path, no query.
 * Errors: DID_MALFORMED, saying what; TOO_LARGE. */
err_code did_x509_parse(struct slice text, struct did_x509 *ret, struct why *why);

/* What the document of a resolved identifier says of its one key, "<DID>#0". */
struct did_x509_document {
    struct hw_pubkey key;
    bool assertion; /* assertionMethod and authentication */
    bool agreement; /* keyAgreement */
};

/* Resolves: path validation with the last of at least two certificates as the anchor, at a time
 * (seconds since 1970, or X509_ANY_TIME); the hash is that of a certificate above the leaf; each
 * predicate holds; the leaf's keyUsage allows something. Errors: those of x509_chain_validate();
 * DID_REFUSED, saying what does not fit; CERT_MALFORMED for names that repeat an attribute and
 * subjectAltNames of a type that the method does not have. */
err_code did_x509_resolve(const struct did_x509 *did, const struct x509_chain *chain, int64_t at,
                          struct did_x509_document *ret, struct why *why);

/* Appends the identifier of this chain: SHA-256 of its last certificate, and every attribute of the
 * leaf's subject that the method has a name for, in the certificate's order. NUL-terminated beyond
 * len. Errors: DID_REFUSED when there is none; CERT_MALFORMED; TOO_LARGE. */
err_code did_x509_of_subject(const struct x509_chain *chain, struct buf *ret, struct why *why);

/* Appends text with every octet but A-Z a-z 0-9 - . _ as %XX: what a predicate's value may hold. */
err_code did_x509_percent(struct slice text, struct buf *ret);

#endif
