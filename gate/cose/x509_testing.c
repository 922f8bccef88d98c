/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cose/x509_testing.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void x509_made_free(struct x509_made *made)
{
    for (size_t i = 0; i < X509_CHAIN_MAX; i++)
        buf_free(&made->certs[i]);
    made->n = 0;
}

struct x509_chain x509_made_chain(const struct x509_made *made)
{
    struct x509_chain chain = {.n = made->n};

    for (size_t i = 0; i < made->n; i++)
        chain.certs[i] = buf_slice(&made->certs[i]);
    return chain;
}

static void finish(struct hw_signer *signer, const struct x509_draft *draft, struct buf *ret)
{
    CLEANUP(buf_free) struct buf sig = {0};
    struct why why = {0};

    assert_int_equal(signer->ops->sign(signer, digest_slice(&draft->digest), &sig, &why), ERR_OK);
    assert_int_equal(sig.len, 64);
    if (x509_finish(draft, sig.ptr, ret, &why) != ERR_OK)
        fail_msg("%s", why.text);
}

void x509_test_device(struct hw_signer *device, unsigned depth, struct buf *ret)
{
    const struct x509_device facts = {
        .key = &device->key,
        .organization = slice_str("example.org"),
        .common_name = slice_str("gate-1"),
        .uri = slice_str("dev.pawl:example.org/gate-1"),
        .not_before = X509_TEST_NOW - 1000,
        .depth = depth,
    };
    CLEANUP(x509_draft_free) struct x509_draft draft = {0};
    struct why why = {0};

    if (x509_prepare_device(&facts, &draft, &why) != ERR_OK)
        fail_msg("%s", why.text);
    finish(device, &draft, ret);
}

void x509_test_issue(struct hw_signer *issuer, struct slice issuer_cert,
                     const struct hw_pubkey *key, const char *qualifier, bool authority,
                     struct buf *ret)
{
    const struct x509_issue facts = {
        .issuer = issuer_cert,
        .key = key,
        .qualifier = qualifier,
        .not_before = X509_TEST_NOW - 500,
        .not_after = X509_TEST_NOW + 86400,
        .authority = authority,
    };
    CLEANUP(x509_draft_free) struct x509_draft draft = {0};
    struct why why = {0};

    if (x509_prepare_issue(&facts, &draft, &why) != ERR_OK)
        fail_msg("%s", why.text);
    finish(issuer, &draft, ret);
}

/* ---- a certificate authority ----------------------------------------------------------------- */

void x509_test_party_free(struct x509_test_party *party)
{
    EVP_PKEY_free(party->pkey);
    X509_free(party->cert);
    *party = (struct x509_test_party){0};
}

static void set_name(X509 *cert, const char *text)
{
    X509_NAME *name = X509_get_subject_name(cert);
    char *copy = strdup(text), *rest = copy, *part;

    while ((part = strsep(&rest, "/")) != NULL) {
        char *value = strchr(part, '=');

        assert_non_null(value);
        *value++ = '\0';
        assert_int_equal(X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8,
                                                    (const uint8_t *)value, -1, -1, 0),
                         1);
    }
    free(copy);
}

static void add_extensions(X509 *cert, const X509 *issuer, const char *text)
{
    char *copy = strdup(text), *rest = copy, *line;
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)issuer, cert, NULL, NULL, 0);
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *value = strchr(line, '=');
        X509_EXTENSION *ext;

        if (*line == '\0')
            continue;
        assert_non_null(value);
        *value++ = '\0';
        ext = X509V3_EXT_nconf(NULL, &ctx, line, value);
        if (ext == NULL)
            fail_msg("extension %s=%s", line, value);
        assert_int_equal(X509_add_ext(cert, ext, -1), 1);
        X509_EXTENSION_free(ext);
    }
    free(copy);
}

static void add_raw(X509 *cert, const char *oid, bool critical)
{
    static const uint8_t VALUE[] = {5, 0};
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *ext;

    assert_int_equal(ASN1_OCTET_STRING_set(value, VALUE, sizeof VALUE), 1);
    ext = X509_EXTENSION_create_by_OBJ(NULL, object, critical, value);
    assert_int_equal(X509_add_ext(cert, ext, -1), 1);
    X509_EXTENSION_free(ext);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

static EVP_PKEY *public_of(const struct hw_pubkey *key)
{
    CLEANUP(buf_free) struct buf spki = {0};
    const uint8_t *at;
    EVP_PKEY *pkey;

    assert_int_equal(hw_pubkey_to_spki(key, &spki), ERR_OK);
    at = spki.ptr;
    pkey = d2i_PUBKEY(NULL, &at, (long)spki.len);
    assert_non_null(pkey);
    return pkey;
}

void x509_test_party(const struct x509_test_party *issuer, const struct x509_test_spec *spec,
                     const struct hw_pubkey *key, struct x509_test_party *ret)
{
    static long serial = 1000;
    X509 *cert = X509_new();
    EVP_PKEY *pkey = key != NULL ? public_of(key) : EVP_EC_gen("P-256");
    const EVP_MD *md = EVP_get_digestbyname(spec->digest != NULL ? spec->digest : "SHA256");

    assert_non_null(cert);
    assert_non_null(pkey);
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial), 1);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)spec->not_before));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)spec->not_after));
    assert_int_equal(X509_set_pubkey(cert, pkey), 1);
    set_name(cert, spec->name);
    assert_int_equal(
        X509_set_issuer_name(cert, X509_get_subject_name(issuer != NULL ? issuer->cert : cert)), 1);
    add_extensions(cert, issuer != NULL ? issuer->cert : cert, spec->extensions);
    if (spec->raw_extension != NULL)
        add_raw(cert, spec->raw_extension, spec->raw_critical);
    assert_true(X509_sign(cert, issuer != NULL ? issuer->pkey : pkey, md) > 0);
    *ret = (struct x509_test_party){pkey, cert};
}

void x509_test_der(const struct x509_test_party *party, struct buf *ret)
{
    uint8_t *der = NULL;
    int len = i2d_X509(party->cert, &der);

    assert_true(len > 0);
    assert_int_equal(buf_add(ret, der, (size_t)len), ERR_OK);
    OPENSSL_free(der);
}

void x509_test_ca_chain(const struct hw_pubkey *device, struct x509_made *ret)
{
    static const struct x509_test_spec CA = {
        .name = "C=SE/O=Test CA",
        .extensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
                      "subjectKeyIdentifier=hash",
        .not_before = X509_TEST_NOW - 10000,
        .not_after = X509_TEST_NOW + 400 * 86400,
    };
    static const struct x509_test_spec DEVICE = {
        .name = "C=SE/O=Example/CN=gate-1.example.org",
        .extensions = "basicConstraints=critical,CA:TRUE,pathlen:1\n"
                      "keyUsage=critical,digitalSignature,keyCertSign\n"
                      "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
                      "subjectAltName=DNS:gate-1.example.org,email:ops@example.org\n"
                      "extendedKeyUsage=codeSigning",
        .not_before = X509_TEST_NOW - 9000,
        .not_after = X509_TEST_NOW + 300 * 86400,
    };
    struct x509_test_party ca, leaf;

    x509_test_party(NULL, &CA, NULL, &ca);
    x509_test_party(&ca, &DEVICE, device, &leaf);
    ret->n = 2;
    x509_test_der(&leaf, &ret->certs[0]);
    x509_test_der(&ca, &ret->certs[1]);
    x509_test_party_free(&leaf);
    x509_test_party_free(&ca);
}
