/* SPDX-License-Identifier: Apache-2.0 */
/* tls_testing.h: an authority, a service and its clients, with certificates of today, in files. */
#ifndef PAWL_DAEMON_TLS_TESTING_H
#define PAWL_DAEMON_TLS_TESTING_H

#include "gate/cose/x509_testing.h"
#include "gate/daemon/tls.h"

#include <openssl/ssl.h>

#define TLS_TEST_USE "keyUsage=critical,digitalSignature\n"
#define TLS_TEST_KEYS "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid"
#define TLS_TEST_CLIENT TLS_TEST_USE "extendedKeyUsage=clientAuth\n" TLS_TEST_KEYS
#define TLS_TEST_SERVER                                                                            \
    TLS_TEST_USE "extendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1\n" TLS_TEST_KEYS

struct tls_testing {
    struct x509_test_party authority, service;
    char cert[96], key[96], clients[96], allowed[96];
};

/* Files in that directory; nobody is allowed. Each of these fails the test when it cannot. */
void tls_testing_make(const char *dir, struct tls_testing *ret);
void tls_testing_free(struct tls_testing *testing);
struct tls_files tls_testing_files(const struct tls_testing *testing);

void tls_testing_authority(const char *name, struct x509_test_party *ret);
/* Valid from an hour ago for so many seconds from now on. */
void tls_testing_party(const struct x509_test_party *issuer, const char *name,
                       const char *extensions, int64_t seconds, struct x509_test_party *ret);

void tls_testing_write_cert(const char *path, const struct x509_test_party *party);
void tls_testing_write_key(const char *path, const struct x509_test_party *party, unsigned mode);

/* One more on the list, by his key. */
void tls_testing_allow(const struct tls_testing *testing, const struct x509_test_party *party);

/* party NULL: without a certificate. Trusts the authority. Owns: the caller frees. */
SSL_CTX *tls_testing_client(const struct tls_testing *testing, const struct x509_test_party *party);

#endif
