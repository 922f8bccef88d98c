/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x509_testing.h: certificates for the tests of every room: those that pawl makes, with keys in
 * memory in the hardware's place, and those of a certificate authority, made with OpenSSL.
 */
#ifndef PAWL_COSE_X509_TESTING_H
#define PAWL_COSE_X509_TESTING_H

#include "gate/cose/x509.h"

#include <openssl/x509.h>

#define X509_TEST_NOW INT64_C(1760000000) /* 2025-10-09, as in gate/ledger/ledger_testing.h */

/* Certificates that own their octets; the chain borrows from them. */
struct x509_made {
    struct buf certs[X509_CHAIN_MAX]; /* leaf first */
    size_t n;
};
void x509_made_free(struct x509_made *made);
struct x509_chain x509_made_chain(const struct x509_made *made);

/* Each fails the test when it cannot. Signers are ES256. Owns: the caller frees. */
void x509_test_device(struct hw_signer *device, unsigned depth, struct buf *ret);
void x509_test_issue(struct hw_signer *issuer, struct slice issuer_cert,
                     const struct hw_pubkey *key, const char *qualifier, bool authority,
                     struct buf *ret);

/* A certificate as a certificate authority writes it. Texts are OpenSSL's: name "O=Example/CN=x"
 * (attributes parted by slashes, values in UTF-8), extensions "keyUsage=critical,keyCertSign" (one
 * a line). issuer NULL: signs itself. */
struct x509_test_spec {
    const char *name, *extensions;
    int64_t not_before, not_after;
    const char *digest; /* NULL: SHA256 */
    const char
        *raw_extension; /* dotted OID of one more, whose value is the octets 05 00, or NULL */
    bool raw_critical;
};
struct x509_test_party {
    EVP_PKEY *pkey;
    X509 *cert;
};
void x509_test_party_free(struct x509_test_party *party);
/* key: certified; NULL: a fresh P-256 key, which the party holds. */
void x509_test_party(const struct x509_test_party *issuer, const struct x509_test_spec *spec,
                     const struct hw_pubkey *key, struct x509_test_party *ret);
void x509_test_der(const struct x509_test_party *party, struct buf *ret);

/* An authority "Test CA" and a device's certificate of it for this key, fit to issue: device first.
 */
void x509_test_ca_chain(const struct hw_pubkey *device, struct x509_made *ret);

#endif
