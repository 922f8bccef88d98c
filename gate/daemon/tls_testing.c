/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/tls_testing.h"

#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

void tls_testing_party(const struct x509_test_party *issuer, const char *name,
                       const char *extensions, int64_t seconds, struct x509_test_party *ret)
{
    const struct x509_test_spec spec = {.name = name,
                                        .extensions = extensions,
                                        .not_before = time(NULL) - 3600,
                                        .not_after = time(NULL) + seconds};

    x509_test_party(issuer, &spec, NULL, ret);
}

void tls_testing_authority(const char *name, struct x509_test_party *ret)
{
    tls_testing_party(NULL, name,
                      "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
                      "subjectKeyIdentifier=hash",
                      86400, ret);
}

static FILE *open_file(const char *path, unsigned mode)
{
    FILE *file;

    (void)unlink(path);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(chmod(path, mode), 0);
    return file;
}

void tls_testing_write_cert(const char *path, const struct x509_test_party *party)
{
    FILE *file = open_file(path, 0644);

    assert_int_equal(PEM_write_X509(file, party->cert), 1);
    assert_int_equal(fclose(file), 0);
}

void tls_testing_write_key(const char *path, const struct x509_test_party *party, unsigned mode)
{
    FILE *file = open_file(path, mode);

    assert_int_equal(PEM_write_PrivateKey(file, party->pkey, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
}

void tls_testing_make(const char *dir, struct tls_testing *ret)
{
    *ret = (struct tls_testing){0};
    (void)snprintf(ret->cert, sizeof ret->cert, "%s/cert.pem", dir);
    (void)snprintf(ret->key, sizeof ret->key, "%s/key.pem", dir);
    (void)snprintf(ret->clients, sizeof ret->clients, "%s/clients.pem", dir);
    (void)snprintf(ret->allowed, sizeof ret->allowed, "%s/allowed", dir);
    tls_testing_authority("O=Test/CN=authority", &ret->authority);
    tls_testing_party(&ret->authority, "CN=service", TLS_TEST_SERVER, 86400, &ret->service);
    tls_testing_write_cert(ret->clients, &ret->authority);
    tls_testing_write_cert(ret->cert, &ret->service);
    tls_testing_write_key(ret->key, &ret->service, 0600);
    assert_int_equal(fclose(open_file(ret->allowed, 0644)), 0);
}

void tls_testing_free(struct tls_testing *testing)
{
    x509_test_party_free(&testing->authority);
    x509_test_party_free(&testing->service);
    (void)unlink(testing->cert);
    (void)unlink(testing->key);
    (void)unlink(testing->clients);
    (void)unlink(testing->allowed);
}

struct tls_files tls_testing_files(const struct tls_testing *testing)
{
    return (struct tls_files){testing->cert, testing->key, testing->clients, testing->allowed};
}

void tls_testing_allow(const struct tls_testing *testing, const struct x509_test_party *party)
{
    unsigned char digest[32], *der = NULL;
    int len = i2d_PUBKEY(party->pkey, &der);
    FILE *file = fopen(testing->allowed, "ae");

    assert_non_null(file);
    assert_int_equal(EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL), 1);
    OPENSSL_free(der);
    assert_true(fputs("spki-", file) >= 0);
    for (size_t i = 0; i < sizeof digest; i++)
        assert_int_equal(fprintf(file, "%02x", digest[i]), 2);
    assert_true(fputs("\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

SSL_CTX *tls_testing_client(const struct tls_testing *testing, const struct x509_test_party *party)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    assert_non_null(ctx);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), testing->authority.cert), 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_mode(ctx,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (party != NULL) {
        assert_int_equal(SSL_CTX_use_certificate(ctx, party->cert), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(ctx, party->pkey), 1);
    }
    return ctx;
}
