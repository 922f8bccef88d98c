/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in by his certificate, what is known of him, and what the files must be. Both ends in
 * one thread, through a pair of buffers. */
#include "gate/base/dir_testing.h"
#include "gate/daemon/tls_testing.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define URI "spiffe://example.org/team/build"
#define CLIENT_WITH(more) TLS_TEST_USE "extendedKeyUsage=clientAuth\n" more "\n" TLS_TEST_KEYS

static char dir[64];
static struct tls_testing files;
static struct tls_files named;
static struct tls *tls;

/* ---- a connection ---------------------------------------------------------------------------- */

struct pair {
    SSL_CTX *ctx;
    SSL *client, *server;
    unsigned judged;
};

static void pair_free(struct pair *pair)
{
    SSL_free(pair->client);
    SSL_free(pair->server);
    SSL_CTX_free(pair->ctx);
    ERR_clear_error();
}

/* Takes ctx. */
static void begin(SSL_CTX *ctx, struct pair *ret)
{
    BIO *left, *right;

    *ret = (struct pair){.ctx = ctx, .client = SSL_new(ctx)};
    ret->server = tls_accept(tls, NULL, &ret->judged);
    assert_non_null(ret->client);
    assert_non_null(ret->server);
    assert_int_equal(BIO_new_bio_pair(&left, 0, &right, 0), 1);
    SSL_set_bio(ret->client, left, left);
    SSL_set_bio(ret->server, right, right);
    SSL_set_connect_state(ret->client);
    SSL_set_accept_state(ret->server);
}

/* True: the server knows who it is; nothing that was said is read before. */
static bool finish(struct pair *pair)
{
    char byte = 'x';

    for (size_t i = 0; i < 8; i++) {
        bool before = tls_is_known(pair->server);
        (void)SSL_write(pair->client, "!", 1);
        if (SSL_read(pair->server, &byte, 1) > 0)
            assert_true(before || tls_is_known(pair->server));
    }
    ERR_clear_error();
    assert_int_equal(byte == '!', tls_is_known(pair->server));
    return tls_is_known(pair->server);
}

static bool meet(SSL_CTX *ctx, struct pair *ret)
{
    begin(ctx, ret);
    return finish(ret);
}

static void admit(const struct x509_test_party *party)
{
    tls_testing_allow(&files, party);
    assert_int_equal(tls_reload(tls, &(struct why){0}), ERR_OK);
}

static bool meets(const struct x509_test_party *party)
{
    __attribute__((cleanup(pair_free))) struct pair pair;

    return meet(tls_testing_client(&files, party), &pair);
}

/* ---- who is let in --------------------------------------------------------------------------- */

static const struct {
    const char *name, *extensions;
    int64_t seconds;
    bool foreign, good;
} CLIENTS[] = {
    {"good", TLS_TEST_CLIENT, 3600, false, true},
    {"client and server", TLS_TEST_USE "extendedKeyUsage=clientAuth,serverAuth\n" TLS_TEST_KEYS,
     3600, false, true},
    {"expired", TLS_TEST_CLIENT, -1, false, false},
    {"of another authority", TLS_TEST_CLIENT, 3600, true, false},
    {"for servers", TLS_TEST_SERVER, 3600, false, false},
    {"for mail", TLS_TEST_USE "extendedKeyUsage=emailProtection\n" TLS_TEST_KEYS, 3600, false,
     false},
    {"for anything", TLS_TEST_USE "extendedKeyUsage=anyExtendedKeyUsage\n" TLS_TEST_KEYS, 3600,
     false, false},
    {"for it does not say what", TLS_TEST_USE TLS_TEST_KEYS, 3600, false, false},
    {"for encryption",
     "keyUsage=critical,keyEncipherment\nextendedKeyUsage=clientAuth\n" TLS_TEST_KEYS, 3600, false,
     false},
};

static void clients(void **state)
{
    struct x509_test_party foreign;
    size_t wrong = 0;

    (void)state;
    tls_testing_authority("O=Test/CN=authority", &foreign); /* by its name the same */
    for (size_t i = 0; i < sizeof CLIENTS / sizeof *CLIENTS; i++) {
        struct x509_test_party party;
        tls_testing_party(CLIENTS[i].foreign ? &foreign : &files.authority, "CN=client",
                          CLIENTS[i].extensions, CLIENTS[i].seconds, &party);
        admit(&party);
        if (meets(&party) != CLIENTS[i].good) {
            print_error("%s: wanted %d\n", CLIENTS[i].name, CLIENTS[i].good);
            wrong++;
        }
        x509_test_party_free(&party);
    }
    x509_test_party_free(&foreign);
    assert_int_equal(wrong, 0);
}

static void not_yet(void **state)
{
    const struct x509_test_spec spec = {.name = "CN=client",
                                        .extensions = TLS_TEST_CLIENT,
                                        .not_before = time(NULL) + 3600,
                                        .not_after = time(NULL) + 7200};
    struct x509_test_party party;

    (void)state;
    x509_test_party(&files.authority, &spec, NULL, &party);
    admit(&party);
    assert_false(meets(&party));
    x509_test_party_free(&party);
}

static void nobody(void **state)
{
    (void)state;
    assert_false(meets(NULL));
}

/* Signed by itself, or by somebody who may not sign. */
static void own_authority(void **state)
{
    struct x509_test_party own, client, below;

    (void)state;
    tls_testing_party(NULL, "CN=client", CLIENT_WITH(""), 3600, &own);
    admit(&own);
    assert_false(meets(&own));
    tls_testing_party(&files.authority, "CN=client", TLS_TEST_CLIENT, 3600, &client);
    tls_testing_party(&client, "CN=below", TLS_TEST_CLIENT, 3600, &below);
    admit(&below);
    assert_false(meets(&below));
    x509_test_party_free(&below);
    x509_test_party_free(&client);
    x509_test_party_free(&own);
}

static void versions(void **state)
{
    static const int VERSIONS[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
    struct x509_test_party party;

    (void)state;
    tls_testing_party(&files.authority, "CN=client", TLS_TEST_CLIENT, 3600, &party);
    admit(&party);
    for (size_t i = 0; i < sizeof VERSIONS / sizeof *VERSIONS; i++) {
        __attribute__((cleanup(pair_free))) struct pair pair;
        SSL_CTX *ctx = tls_testing_client(&files, &party);
        SSL_CTX_set_security_level(ctx, 0);
        assert_int_equal(SSL_CTX_set_min_proto_version(ctx, VERSIONS[i]), 1);
        assert_int_equal(SSL_CTX_set_max_proto_version(ctx, VERSIONS[i]), 1);
        assert_int_equal(meet(ctx, &pair), VERSIONS[i] == TLS1_3_VERSION);
    }
    x509_test_party_free(&party);
}

/* No connection stands for another one: there is nothing to resume. */
static void resumption(void **state)
{
    __attribute__((cleanup(pair_free))) struct pair pair;
    struct x509_test_party party;
    char byte;

    (void)state;
    tls_testing_party(&files.authority, "CN=client", TLS_TEST_CLIENT, 3600, &party);
    admit(&party);
    assert_true(meet(tls_testing_client(&files, &party), &pair));
    assert_true(SSL_write(pair.server, "!", 1) == 1);
    assert_true(SSL_read(pair.client, &byte, 1) == 1);
    assert_false(SSL_SESSION_is_resumable(SSL_get0_session(pair.client)));
    x509_test_party_free(&party);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Of the authority's clients those on the list, and of those who are here, too. */
static void guests(void **state)
{
    __attribute__((cleanup(pair_free))) struct pair here;
    struct x509_test_party first, second, named_party, pretender;
    struct caller caller;
    char text[400];

    (void)state;
    tls_testing_party(&files.authority, "CN=first", TLS_TEST_CLIENT, 3600, &first);
    tls_testing_party(&files.authority, "CN=second", TLS_TEST_CLIENT, 3600, &second);
    tls_testing_party(&files.authority, "CN=named", CLIENT_WITH("subjectAltName=URI:" URI), 3600,
                      &named_party);
    assert_false(meets(&first));
    admit(&first);
    assert_true(meet(tls_testing_client(&files, &first), &here));
    assert_false(meets(&second));
    assert_false(meets(&named_party));

    /* A name that looks like somebody's key is not his key. */
    assert_int_equal(tls_caller(here.server, CALLER_ENFORCEMENT, &caller, &(struct why){0}),
                     ERR_OK);
    (void)snprintf(text, sizeof text, CLIENT_WITH("subjectAltName=URI:%s"),
                   strchr(caller.key, ' ') + 1);
    tls_testing_party(&files.authority, "CN=pretender", text, 3600, &pretender);
    assert_false(meets(&pretender));

    put(files.allowed, URI "\n");
    assert_int_equal(tls_check(tls, here.server, &here.judged, &(struct why){0}), ERR_OK);
    assert_int_equal(tls_reload(tls, &(struct why){0}), ERR_OK);
    assert_int_equal(tls_check(tls, here.server, &here.judged, &(struct why){0}),
                     ERR_CALLER_REFUSED);
    assert_false(meets(&first));
    assert_true(meets(&named_party));

    /* What is no list changes nothing; an empty one is nobody. */
    put(files.allowed, "first\n");
    assert_int_equal(tls_reload(tls, &(struct why){0}), ERR_FORMAT);
    assert_true(meets(&named_party));
    put(files.allowed, "");
    assert_int_equal(tls_reload(tls, &(struct why){0}), ERR_OK);
    assert_false(meets(&named_party));
    x509_test_party_free(&first);
    x509_test_party_free(&second);
    x509_test_party_free(&named_party);
    x509_test_party_free(&pretender);
}

/* While somebody is shaking hands the list changes. */
static void meanwhile(void **state)
{
    __attribute__((cleanup(pair_free))) struct pair pair;
    struct x509_test_party party;
    char byte;

    (void)state;
    tls_testing_party(&files.authority, "CN=client", TLS_TEST_CLIENT, 3600, &party);
    admit(&party);
    begin(tls_testing_client(&files, &party), &pair);
    (void)SSL_write(pair.client, "!", 1);
    (void)SSL_read(pair.server, &byte, 1);
    put(files.allowed, "");
    assert_int_equal(tls_reload(tls, &(struct why){0}), ERR_OK);
    assert_false(finish(&pair));
    x509_test_party_free(&party);
}

/* ---- who it is ------------------------------------------------------------------------------- */

static void who(const struct x509_test_party *party, struct caller *ret)
{
    __attribute__((cleanup(pair_free))) struct pair pair;
    struct why why = {0};

    admit(party);
    assert_true(meet(tls_testing_client(&files, party), &pair));
    assert_int_equal(tls_check(tls, pair.server, &pair.judged, &why), ERR_OK);
    assert_int_equal(tls_caller(pair.server, CALLER_ENFORCEMENT, ret, &why), ERR_OK);
}

static void names(void **state)
{
    static const struct {
        const char *extensions, *name;
    } NAMES[] = {
        {TLS_TEST_CLIENT, ""},
        {CLIENT_WITH("subjectAltName=DNS:example.org,URI:" URI ",URI:other:x"), URI},
        {CLIENT_WITH("subjectAltName=URI:with space"), ""},
        {CLIENT_WITH("subjectAltName=email:a@example.org"), ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        struct x509_test_party party;
        struct caller caller;
        unsigned char digest[32], *der = NULL;
        char key[96] = "2 spki-";

        tls_testing_party(&files.authority, "CN=client", NAMES[i].extensions, 3600, &party);
        who(&party, &caller);
        assert_string_equal(caller.name, NAMES[i].name);
        int len = i2d_PUBKEY(party.pkey, &der);
        assert_int_equal(EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL), 1);
        for (size_t k = 0; k < sizeof digest; k++)
            (void)snprintf(key + 7 + 2 * k, 3, "%02x", digest[k]);
        assert_string_equal(caller.key, key);
        assert_int_equal(caller.kind, CALLER_ENFORCEMENT);
        assert_true(caller.over_tls);
        assert_int_equal(caller.uid, (uid_t)-1);
        assert_int_equal(caller.pid, 0);
        OPENSSL_free(der);
        x509_test_party_free(&party);
    }
}

/* ---- while a connection stands --------------------------------------------------------------- */

static err_code check(struct pair *pair)
{
    return tls_check(tls, pair->server, &pair->judged, &(struct why){0});
}

/* It ends with its certificate. */
static void ends(void **state)
{
    __attribute__((cleanup(pair_free))) struct pair pair;
    struct x509_test_party party;

    (void)state;
    tls_testing_party(&files.authority, "CN=client", TLS_TEST_CLIENT, 2, &party);
    admit(&party);
    assert_true(meet(tls_testing_client(&files, &party), &pair));
    while (X509_cmp_current_time(X509_get0_notAfter(party.cert)) > 0)
        (void)usleep(10000);
    assert_int_equal(check(&pair), ERR_CALLER_REFUSED);
    x509_test_party_free(&party);
}

static void write_revoked(const struct x509_test_party *issuer, const X509 *revoked)
{
    X509_CRL *crl = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, time(NULL) - 60);
    ASN1_TIME *then = ASN1_TIME_set(NULL, time(NULL) + 3600);
    FILE *file;

    assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert)), 1);
    assert_int_equal(X509_CRL_set1_lastUpdate(crl, now), 1);
    assert_int_equal(X509_CRL_set1_nextUpdate(crl, then), 1);
    assert_int_equal(X509_REVOKED_set_serialNumber(
                         entry, (ASN1_INTEGER *)(uintptr_t)X509_get0_serialNumber(revoked)),
                     1);
    assert_int_equal(X509_REVOKED_set_revocationDate(entry, now), 1);
    assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
    assert_true(X509_CRL_sign(crl, issuer->pkey, EVP_sha256()) > 0);
    file = fopen(files.clients, "ae");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509_CRL(file, crl), 1);
    assert_int_equal(fclose(file), 0);
    X509_CRL_free(crl);
    ASN1_TIME_free(now);
    ASN1_TIME_free(then);
}

/* New files are for those who are here, too. */
static void reloaded(void **state)
{
    __attribute__((cleanup(pair_free))) struct pair one, two;
    struct x509_test_party first, second, other;
    struct why why = {0};

    (void)state;
    tls_testing_party(&files.authority, "CN=first", TLS_TEST_CLIENT, 3600, &first);
    tls_testing_party(&files.authority, "CN=second", TLS_TEST_CLIENT, 3600, &second);
    admit(&first);
    admit(&second);
    assert_true(meet(tls_testing_client(&files, &first), &one));
    assert_true(meet(tls_testing_client(&files, &second), &two));
    assert_int_equal(tls_reload(tls, &why), ERR_OK);
    assert_int_equal(check(&one), ERR_OK);

    write_revoked(&files.authority, first.cert);
    assert_int_equal(check(&one), ERR_OK);
    assert_int_equal(tls_reload(tls, &why), ERR_OK);
    assert_int_equal(check(&one), ERR_CALLER_REFUSED);
    assert_int_equal(check(&two), ERR_OK);
    assert_false(meets(&first));
    assert_true(meets(&second));

    tls_testing_authority("O=Test/CN=other", &other);
    tls_testing_write_cert(files.clients, &other);
    assert_int_equal(tls_reload(tls, &why), ERR_OK);
    assert_int_equal(check(&two), ERR_CALLER_REFUSED);
    assert_int_equal(check(&two), ERR_CALLER_REFUSED); /* not only once */
    assert_false(meets(&second));

    /* What cannot be read changes nothing. */
    assert_int_equal(unlink(files.clients), 0);
    assert_int_equal(tls_reload(tls, &why), ERR_NOT_FOUND);
    assert_false(meets(&second));
    tls_testing_write_cert(files.clients, &files.authority);
    assert_int_equal(tls_reload(tls, &why), ERR_OK);
    assert_true(meets(&second));
    assert_int_equal(check(&two), ERR_OK);
    x509_test_party_free(&first);
    x509_test_party_free(&second);
    x509_test_party_free(&other);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void refuses(err_code want, const char *part)
{
    struct tls *other = NULL;
    struct why why = {0};
    err_code err = tls_new(&named, &other, &why);

    if (err != want || strstr(why.text, part) == NULL)
        fail_msg("got %s: %s, wanted %s with \"%s\"", err_name(err), why.text, err_name(want),
                 part);
}

static void keys(void **state)
{
    static const unsigned OPEN[] = {0604, 0602, 0601, 0644, 0666};
    struct x509_test_party other;

    (void)state;
    for (size_t i = 0; i < sizeof OPEN / sizeof *OPEN; i++) {
        tls_testing_write_key(files.key, &files.service, OPEN[i]);
        refuses(ERR_STORAGE, "everybody");
    }
    tls_testing_party(&files.authority, "CN=other", TLS_TEST_SERVER, 3600, &other);
    tls_testing_write_key(files.key, &other, 0600);
    refuses(ERR_CERT_MALFORMED, "is not that of");
    put(files.key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    refuses(ERR_CERT_MALFORMED, "no private key");
    FILE *file = fopen(files.key, "we");
    assert_non_null(file);
    assert_int_equal(
        PEM_write_PKCS8PrivateKey(file, files.service.pkey, EVP_aes_256_cbc(), "x", 1, NULL, NULL),
        1);
    assert_int_equal(fclose(file), 0);
    refuses(ERR_CERT_MALFORMED, "not encrypted");
    assert_int_equal(unlink(files.key), 0);
    refuses(ERR_NOT_FOUND, "key.pem");
    tls_testing_write_key(files.key, &files.service, 0600);
    x509_test_party_free(&other);
}

static void certificates(void **state)
{
    struct x509_test_party client;

    (void)state;
    put(files.cert, "");
    refuses(ERR_CERT_MALFORMED, "cert.pem");
    tls_testing_write_cert(files.cert, &files.service);
    put(files.clients, "");
    refuses(ERR_CERT_MALFORMED, "no certificate");
    put(files.clients, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    refuses(ERR_CERT_MALFORMED, "clients.pem");
    tls_testing_party(NULL, "CN=client", TLS_TEST_USE "subjectKeyIdentifier=hash", 3600, &client);
    tls_testing_write_cert(files.clients, &client); /* would vouch for itself */
    refuses(ERR_CERT_MALFORMED, "is no authority");
    tls_testing_write_cert(files.clients, &files.authority);
    x509_test_party_free(&client);
}

static int setup(void **state)
{
    struct why why = {0};

    (void)state;
    tls_testing_make(dir, &files);
    named = tls_testing_files(&files);
    if (tls_new(&named, &tls, &why) != ERR_OK)
        fail_msg("%s", why.text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tls_free(&tls);
    tls_testing_free(&files);
    return 0;
}

static int make_dir(void **state)
{
    (void)state;
    testing_dir(dir, sizeof dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    testing_remove(dir);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clients),  TEST(not_yet),   TEST(nobody),       TEST(own_authority), TEST(versions),
        TEST(guests),   TEST(meanwhile), TEST(resumption),   TEST(names),         TEST(ends),
        TEST(reloaded), TEST(keys),      TEST(certificates),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
