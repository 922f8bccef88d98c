/* SPDX-License-Identifier: Apache-2.0 */
/* x509_test.c: certificates made, read, chained and carried. */
#include "gate/base/text.h"
#include "gate/cose/x509_testing.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A device, an epoch key below it, a session below that. */
struct home {
    struct hw_signer *device, *epoch, *session;
    struct x509_made made; /* session, epoch, device */
};

static void home_free(struct home *home)
{
    hw_signer_close(&home->device);
    hw_signer_close(&home->epoch);
    hw_signer_close(&home->session);
    x509_made_free(&home->made);
}

static void home_make(struct home *ret)
{
    assert_int_equal(hw_signer_generate(HW_ES256, &ret->device, NULL), ERR_OK);
    assert_int_equal(hw_signer_generate(HW_ES256, &ret->epoch, NULL), ERR_OK);
    assert_int_equal(hw_signer_generate(HW_ES256, &ret->session, NULL), ERR_OK);
    ret->made.n = 3;
    x509_test_device(ret->device, 1, &ret->made.certs[2]);
    x509_test_issue(ret->device, buf_slice(&ret->made.certs[2]), &ret->epoch->key, "epoch-7", true,
                    &ret->made.certs[1]);
    x509_test_issue(ret->epoch, buf_slice(&ret->made.certs[1]), &ret->session->key, "0190-session",
                    false, &ret->made.certs[0]);
}

static void expect(const char *name, err_code got, err_code want, const struct why *why)
{
    if (got != want)
        fail_msg("%s: %s (%s), wanted %s", name, err_name(got), why->text, err_name(want));
}

static void what_is_made_holds(void **state)
{
    CLEANUP(home_free) struct home home = {0};
    struct x509_chain chain;
    struct hw_pubkey key;
    struct why why = {0};
    int64_t from, until;
    (void)state;

    home_make(&home);
    chain = x509_made_chain(&home.made);
    expect("chain of three", x509_chain_validate(&chain, X509_TEST_NOW, &why), ERR_OK, &why);
    assert_int_equal(x509_key(chain.certs[0], &key, &why), ERR_OK);
    assert_true(hw_pubkey_eq(&key, &home.session->key));
    assert_int_equal(x509_key(chain.certs[2], &key, &why), ERR_OK);
    assert_true(hw_pubkey_eq(&key, &home.device->key));
    assert_int_equal(x509_validity(chain.certs[0], &from, &until, &why), ERR_OK);
    assert_true(from == X509_TEST_NOW - 500 && until == X509_TEST_NOW + 86400);
    assert_int_equal(x509_validity(chain.certs[2], &from, &until, &why), ERR_OK);
    assert_true(until == X509_NO_END);
    chain = (struct x509_chain){1, {chain.certs[2]}};
    expect("the device alone", x509_chain_validate(&chain, X509_TEST_NOW, &why), ERR_OK, &why);
    chain = (struct x509_chain){1, {buf_slice(&home.made.certs[0])}};
    expect("a session alone, which did not sign itself",
           x509_chain_validate(&chain, X509_TEST_NOW, &why), ERR_CERT_CHAIN, &why);
}

/* The same facts give the same octets: only the signature differs. */
static void it_is_deterministic(void **state)
{
    CLEANUP(home_free) struct home home = {0};
    CLEANUP(x509_draft_free) struct x509_draft a = {0}, b = {0}, c = {0};
    struct x509_issue issue;
    struct why why = {0};
    (void)state;

    home_make(&home);
    issue = (struct x509_issue){.issuer = buf_slice(&home.made.certs[2]),
                                .key = &home.epoch->key,
                                .qualifier = "epoch-1",
                                .not_before = 1000,
                                .not_after = X509_NO_END};
    assert_int_equal(x509_prepare_issue(&issue, &a, &why), ERR_OK);
    assert_int_equal(x509_prepare_issue(&issue, &b, &why), ERR_OK);
    assert_true(slice_eq(buf_slice(&a.tbs), buf_slice(&b.tbs)));
    assert_true(digest_eq(&a.digest, &b.digest));
    issue.authority = true;
    issue.not_before++;
    assert_int_equal(x509_prepare_issue(&issue, &c, &why), ERR_OK);
    assert_false(digest_eq(&a.digest, &c.digest));
}

static X509 *open_cert(struct slice der)
{
    const uint8_t *at = der.ptr;
    X509 *cert = d2i_X509(NULL, &at, (long)der.len);

    assert_non_null(cert);
    return cert;
}

static void name_is(const X509_NAME *name, const char *want)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char text[256] = "";

    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
    assert_true(BIO_read(bio, text, sizeof text - 1) > 0);
    BIO_free(bio);
    assert_string_equal(text, want);
}

static void it_says_what_it_should(void **state)
{
    CLEANUP(home_free) struct home home = {0};
    X509 *session, *epoch, *device;
    (void)state;

    home_make(&home);
    session = open_cert(buf_slice(&home.made.certs[0]));
    epoch = open_cert(buf_slice(&home.made.certs[1]));
    device = open_cert(buf_slice(&home.made.certs[2]));
    name_is(X509_get_subject_name(device), "CN=gate-1,O=example.org");
    name_is(X509_get_issuer_name(device), "CN=gate-1,O=example.org");
    name_is(X509_get_subject_name(epoch), "dnQualifier=epoch-7,CN=gate-1,O=example.org");
    name_is(X509_get_issuer_name(epoch), "CN=gate-1,O=example.org");
    name_is(X509_get_subject_name(session), "dnQualifier=0190-session,CN=gate-1,O=example.org");
    assert_int_equal(X509_get_pathlen(device), 1);
    assert_int_equal(X509_get_pathlen(epoch), 0);
    assert_int_equal(X509_check_ca(session), 0);
    assert_int_equal(X509_get_key_usage(session), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_key_usage(device), KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN);
    assert_int_equal(
        ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(session), X509_get0_subject_key_id(epoch)),
        0);
    assert_null(X509_get0_authority_key_id(device));
    assert_int_equal(X509_get_ext_by_NID(session, NID_subject_alt_name, -1) >= 0, 1);
    assert_false(ASN1_INTEGER_cmp(X509_get0_serialNumber(session), X509_get0_serialNumber(epoch)) ==
                 0);
    assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(session)), 16);
    X509_free(session);
    X509_free(epoch);
    X509_free(device);
}

static void long_names_are_cut(void **state)
{
    CLEANUP(hw_signer_close) struct hw_signer *signer = NULL;
    CLEANUP(x509_draft_free) struct x509_draft draft = {0};
    CLEANUP(buf_free) struct buf cert = {0};
    struct x509_device device = {.not_before = 0};
    char name[129], uri[268];
    uint8_t sig[64];
    struct why why = {0};
    (void)state;

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(uri, sizeof uri, "dev.pawl:%s/%s", name, name);
    assert_int_equal(hw_signer_generate(HW_ES256, &signer, NULL), ERR_OK);
    device.key = &signer->key;
    device.organization = device.common_name = slice_str(name);
    device.uri = slice_str(uri);
    expect("longest names", x509_prepare_device(&device, &draft, &why), ERR_OK, &why);
    memset(sig, 1, sizeof sig);
    expect("finish", x509_finish(&draft, sig, &cert, &why), ERR_OK, &why);
    assert_true(cert.len < 1024);
    assert_non_null(memmem(cert.ptr, cert.len, uri, strlen(uri)));
}

static void what_cannot_be_made(void **state)
{
    CLEANUP(home_free) struct home home = {0};
    CLEANUP(hw_signer_close) struct hw_signer *p384 = NULL;
    struct x509_made ca = {0};
    struct why why = {0};
    (void)state;

    home_make(&home);
    assert_int_equal(hw_signer_generate(HW_ES384, &p384, NULL), ERR_OK);
    x509_test_ca_chain(&home.device->key, &ca);
    {
        const struct {
            const char *name;
            struct x509_issue issue;
            err_code want;
        } CASES[] = {
            {"P-384",
             {buf_slice(&home.made.certs[2]), &p384->key, "q", 0, 1, false},
             ERR_KEY_MALFORMED},
            {"no issuer", {{0}, &home.session->key, "q", 0, 1, false}, ERR_CERT_MALFORMED},
            {"a session issues",
             {buf_slice(&home.made.certs[0]), &home.session->key, "q", 0, 1, false},
             ERR_CERT_CHAIN},
            {"an issuer that signs no data",
             {buf_slice(&ca.certs[1]), &home.session->key, "q", 0, 1, false},
             ERR_CERT_CHAIN},
            {"a qualifier that is not printable",
             {buf_slice(&home.made.certs[2]), &home.session->key, "a_b", 0, 1, false},
             ERR_FORMAT},
            {"an empty qualifier",
             {buf_slice(&home.made.certs[2]), &home.session->key, "", 0, 1, false},
             ERR_FORMAT},
            {"before 1970",
             {buf_slice(&home.made.certs[2]), &home.session->key, "q", -1, 1, false},
             ERR_FORMAT},
            {"after 9999",
             {buf_slice(&home.made.certs[2]), &home.session->key, "q", 0, X509_NO_END + 1, false},
             ERR_FORMAT},
            {"the end before the beginning",
             {buf_slice(&home.made.certs[2]), &home.session->key, "q", 2, 1, false},
             ERR_FORMAT},
            {"as it should be",
             {buf_slice(&home.made.certs[2]), &home.session->key, "q", 0, 1, false},
             ERR_OK},
        };
        for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
            CLEANUP(x509_draft_free) struct x509_draft draft = {0};

            expect(CASES[i].name, x509_prepare_issue(&CASES[i].issue, &draft, &why), CASES[i].want,
                   &why);
        }
    }
    x509_made_free(&ca);
}

/* What an authority writes, and whether the path holds. Leaf below between below root. */
#define CA_EXT                                                                                     \
    "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash"
#define SUB_EXT CA_EXT "\nauthorityKeyIdentifier=keyid"
#define LEAF_EXT                                                                                   \
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"                     \
    "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid"
#define T0 (X509_TEST_NOW - 86400)
#define T1 (X509_TEST_NOW + 86400)

static const struct {
    const char *name;
    struct x509_test_spec root, between, leaf;
    int64_t at;
    err_code want;
} PATHS[] = {
    {"all in order",
     {"CN=R", CA_EXT, T0, T1, NULL, NULL, 0},
     {"CN=B", SUB_EXT, T0, T1, NULL, NULL, 0},
     {"CN=L", LEAF_EXT, T0, T1, NULL, NULL, 0},
     X509_TEST_NOW,
     ERR_OK},
    {"the leaf has expired",
     {"CN=R", CA_EXT, T0, T1, NULL, NULL, 0},
     {"CN=B", SUB_EXT, T0, T1, NULL, NULL, 0},
     {"CN=L", LEAF_EXT, T0, T1, NULL, NULL, 0},
     T1 + 1,
     ERR_EXPIRED},
    {"the last second",
     {"CN=R", CA_EXT, T0, T1, NULL, NULL, 0},
     {"CN=B", SUB_EXT, T0, T1, NULL, NULL, 0},
     {"CN=L", LEAF_EXT, T0, T1, NULL, NULL, 0},
     T1 - 1,
     ERR_OK},
    {"no time is looked at",
     {"CN=R", CA_EXT, T0, T1, NULL, NULL, 0},
     {"CN=B", SUB_EXT, T0, T1, NULL, NULL, 0},
     {"CN=L", LEAF_EXT, T0, T1, NULL, NULL, 0},
     X509_ANY_TIME,
     ERR_OK},
    {"not yet valid",
     {"CN=R", CA_EXT, T0, T1, NULL, NULL, 0},
     {"CN=B", SUB_EXT, T0, T1, NULL, NULL, 0},
     {"CN=L", LEAF_EXT, T0, T1, NULL, NULL, 0},
     T0 - 1,
     ERR_NOT_YET_VALID},
    {"the anchor has expired",
     {"CN=R", CA_EXT, T0, T0 + 5, NULL, NULL, 0},
     {"CN=B", SUB_EXT, T0, T1, NULL, NULL, 0},
     {"CN=L", LEAF_EXT, T0, T1, NULL, NULL, 0},
     X509_TEST_NOW,
     ERR_EXPIRED},
    {"between is no authority",
     {"CN=R", CA_EXT, T0, T1, NULL, NULL, 0},
     {"CN=B", LEAF_EXT, T0, T1, NULL, NULL, 0},
     {"CN=L", LEAF_EXT, T0, T1, NULL, NULL, 0},
     X509_TEST_NOW,
     ERR_CERT_CHAIN},
    {"too deep",
     {"CN=R",
      "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n"
      "subjectKeyIdentifier=hash",
      T0, T1, NULL, NULL, 0},
     {"CN=B", SUB_EXT, T0, T1, NULL, NULL, 0},
     {"CN=L", LEAF_EXT, T0, T1, NULL, NULL, 0},
     X509_TEST_NOW,
     ERR_CERT_CHAIN},
    {"a critical extension that nobody knows",
     {"CN=R", CA_EXT, T0, T1, NULL, NULL, 0},
     {"CN=B", SUB_EXT, T0, T1, NULL, NULL, 0},
     {"CN=L", LEAF_EXT, T0, T1, NULL, "1.2.3.4", true},
     X509_TEST_NOW,
     ERR_CERT_CHAIN},
    {"the same on the anchor",
     {"CN=R", CA_EXT, T0, T1, NULL, "1.2.3.4", true},
     {"CN=B", SUB_EXT, T0, T1, NULL, NULL, 0},
     {"CN=L", LEAF_EXT, T0, T1, NULL, NULL, 0},
     X509_TEST_NOW,
     ERR_CERT_CHAIN},
    {"one that is not critical",
     {"CN=R", CA_EXT, T0, T1, NULL, NULL, 0},
     {"CN=B", SUB_EXT, T0, T1, NULL, NULL, 0},
     {"CN=L", LEAF_EXT, T0, T1, NULL, "1.2.3.4", false},
     X509_TEST_NOW,
     ERR_OK},
    {"critical, known to OpenSSL, not to did:x509",
     {"CN=R", CA_EXT, T0, T1, NULL, NULL, 0},
     {"CN=B", SUB_EXT, T0, T1, NULL, NULL, 0},
     {"CN=L", LEAF_EXT "\ncrlDistributionPoints=critical,URI:http://example.org/crl", T0, T1, NULL,
      NULL, 0},
     X509_TEST_NOW,
     ERR_CERT_CHAIN},
    {"SHA-1",
     {"CN=R", CA_EXT, T0, T1, NULL, NULL, 0},
     {"CN=B", SUB_EXT, T0, T1, NULL, NULL, 0},
     {"CN=L", LEAF_EXT, T0, T1, "SHA1", NULL, 0},
     X509_TEST_NOW,
     ERR_CERT_CHAIN},
    {"outside of the permitted names",
     {"CN=R", CA_EXT "\nnameConstraints=critical,permitted;DNS:example.org", T0, T1, NULL, NULL, 0},
     {"CN=B", SUB_EXT, T0, T1, NULL, NULL, 0},
     {"CN=L", LEAF_EXT "\nsubjectAltName=DNS:example.com", T0, T1, NULL, NULL, 0},
     X509_TEST_NOW,
     ERR_CERT_CHAIN},
    {"policies must be named, and are not",
     {"CN=R", CA_EXT, T0, T1, NULL, NULL, 0},
     {"CN=B", SUB_EXT "\npolicyConstraints=critical,requireExplicitPolicy:0", T0, T1, NULL, NULL,
      0},
     {"CN=L", LEAF_EXT, T0, T1, NULL, NULL, 0},
     X509_TEST_NOW,
     ERR_CERT_CHAIN},
};

static void paths(void **state)
{
    struct why why = {0};
    (void)state;

    for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
        struct x509_test_party root, between, leaf;
        CLEANUP(x509_made_free) struct x509_made made = {.n = 3};
        struct x509_chain chain;

        x509_test_party(NULL, &PATHS[i].root, NULL, &root);
        x509_test_party(&root, &PATHS[i].between, NULL, &between);
        x509_test_party(&between, &PATHS[i].leaf, NULL, &leaf);
        x509_test_der(&leaf, &made.certs[0]);
        x509_test_der(&between, &made.certs[1]);
        x509_test_der(&root, &made.certs[2]);
        chain = x509_made_chain(&made);
        expect(PATHS[i].name, x509_chain_validate(&chain, PATHS[i].at, &why), PATHS[i].want, &why);
        x509_test_party_free(&root);
        x509_test_party_free(&between);
        x509_test_party_free(&leaf);
    }
}

/* Order, strangers, gaps, too many. */
static void the_chain_is_whole(void **state)
{
    CLEANUP(home_free) struct home home = {0}, other = {0};
    struct x509_chain good, bad;
    struct why why = {0};
    (void)state;

    home_make(&home);
    home_make(&other);
    good = x509_made_chain(&home.made);
    bad = good;
    bad.certs[0] = good.certs[1];
    bad.certs[1] = good.certs[0];
    expect("swapped", x509_chain_validate(&bad, X509_TEST_NOW, &why), ERR_CERT_CHAIN, &why);
    bad = (struct x509_chain){2, {good.certs[0], good.certs[2]}};
    expect("a gap", x509_chain_validate(&bad, X509_TEST_NOW, &why), ERR_CERT_CHAIN, &why);
    bad = (struct x509_chain){
        4, {good.certs[0], good.certs[1], buf_slice(&other.made.certs[2]), good.certs[2]}};
    expect("a stranger between", x509_chain_validate(&bad, X509_TEST_NOW, &why), ERR_CERT_CHAIN,
           &why);
    bad = (struct x509_chain){3, {good.certs[0], good.certs[1], buf_slice(&other.made.certs[2])}};
    expect("another device of that name", x509_chain_validate(&bad, X509_TEST_NOW, &why),
           ERR_CERT_CHAIN, &why);
    bad = (struct x509_chain){4, {good.certs[0], good.certs[1], good.certs[2], good.certs[2]}};
    expect("the anchor twice", x509_chain_validate(&bad, X509_TEST_NOW, &why), ERR_CERT_CHAIN,
           &why);
    bad.n = 0;
    expect("none", x509_chain_validate(&bad, X509_TEST_NOW, &why), ERR_CERT_CHAIN, &why);
    bad.n = X509_CHAIN_MAX + 1;
    expect("too many", x509_chain_validate(&bad, X509_TEST_NOW, &why), ERR_CERT_CHAIN, &why);
    assert_true(x509_chain_eq(&good, &good));
    bad = good;
    bad.n = 2;
    assert_false(x509_chain_eq(&good, &bad));
    bad = good;
    bad.certs[2] = buf_slice(&other.made.certs[2]);
    assert_false(x509_chain_eq(&good, &bad));
}

/* Every bit of every certificate counts (of the last one only if it is asked for itself), and so
 * does every octet of its length. */
static void every_bit_counts(void **state)
{
    CLEANUP(home_free) struct home home = {0};
    struct x509_chain chain;
    struct why why = {0};
    (void)state;

    home_make(&home);
    chain = x509_made_chain(&home.made);
    for (size_t k = 0; k < chain.n; k++) {
        struct buf *cert = &home.made.certs[k];

        for (size_t i = 0; i < cert->len; i++) {
            for (unsigned bit = k == 0 ? 0 : i % 8; bit < (k == 0 ? 8 : i % 8 + 1); bit++) {
                cert->ptr[i] ^= (uint8_t)(1u << bit);
                if (x509_chain_validate(&chain, X509_TEST_NOW, &why) == ERR_OK &&
                    (k < 2 || x509_self_signed(buf_slice(cert), &why) == ERR_OK))
                    fail_msg("certificate %zu holds with bit %u of octet %zu of %zu flipped", k,
                             bit, i, cert->len);
                cert->ptr[i] ^= (uint8_t)(1u << bit);
            }
            if (x509_check((struct slice){cert->ptr, i}, &why) == ERR_OK)
                fail_msg("certificate %zu holds in its first %zu octets", k, i);
        }
        assert_int_equal(buf_add_u8(cert, 0), ERR_OK);
        expect("one more octet", x509_check(buf_slice(cert), &why), ERR_CERT_MALFORMED, &why);
        buf_cut(cert, cert->len - 1);
        chain.certs[k] = buf_slice(cert); /* it may have moved */
    }
    expect("as it was", x509_chain_validate(&chain, X509_TEST_NOW, &why), ERR_OK, &why);
}

/* ---- COSE_X509, COSE_CertHash, PEM ----------------------------------------------------------- */

static void x5chain(void **state)
{
    CLEANUP(home_free) struct home home = {0};
    CLEANUP(buf_free) struct buf three = {0}, one = {0}, bad = {0};
    struct x509_chain chain, back, first;
    struct why why = {0};
    struct cbor_writer w;
    (void)state;

    home_make(&home);
    chain = x509_made_chain(&home.made);
    assert_int_equal(x509_chain_encode(&chain, &three), ERR_OK);
    assert_int_equal(three.ptr[0], 0x83);
    expect("three", x509_chain_decode(buf_slice(&three), &back, &why), ERR_OK, &why);
    assert_true(x509_chain_eq(&chain, &back));
    first = (struct x509_chain){1, {chain.certs[0]}};
    assert_int_equal(x509_chain_encode(&first, &one), ERR_OK);
    assert_int_equal(one.ptr[0], 0x59);
    expect("one", x509_chain_decode(buf_slice(&one), &back, &why), ERR_OK, &why);
    assert_true(x509_chain_eq(&first, &back));

    w = cbor_write(&bad);
    cbor_put_array(&w, 1);
    cbor_put_bytes(&w, chain.certs[0]);
    assert_int_equal(cbor_written(&w), ERR_OK);
    expect("an array of one", x509_chain_decode(buf_slice(&bad), &back, &why), ERR_FORMAT, &why);
    buf_cut(&bad, 0);
    w = cbor_write(&bad);
    cbor_put_array(&w, 0);
    expect("an array of none", x509_chain_decode(buf_slice(&bad), &back, &why), ERR_FORMAT, &why);
    buf_cut(&bad, 0);
    w = cbor_write(&bad);
    cbor_put_array(&w, X509_CHAIN_MAX + 1);
    for (size_t i = 0; i <= X509_CHAIN_MAX; i++)
        cbor_put_bytes(&w, chain.certs[0]);
    expect("too many", x509_chain_decode(buf_slice(&bad), &back, &why), ERR_TOO_LARGE, &why);
    buf_cut(&bad, 0);
    w = cbor_write(&bad);
    cbor_put_array(&w, 2);
    cbor_put_bytes(&w, chain.certs[0]);
    cbor_put_text(&w, "x");
    expect("a text", x509_chain_decode(buf_slice(&bad), &back, &why), ERR_FORMAT, &why);
    buf_cut(&bad, 0);
    w = cbor_write(&bad);
    cbor_put_text(&w, "x");
    expect("a text alone", x509_chain_decode(buf_slice(&bad), &back, &why), ERR_FORMAT, &why);
    for (size_t i = 0; i < three.len; i++)
        if (x509_chain_decode((struct slice){three.ptr, i}, &back, &why) == ERR_OK)
            fail_msg("the first %zu of %zu octets are a chain", i, three.len);
    assert_int_equal(buf_add_u8(&three, 0), ERR_OK);
    assert_true(x509_chain_decode(buf_slice(&three), &back, &why) != ERR_OK);
}

static void add_pem(struct slice der, struct buf *ret)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509 *cert = open_cert(der);
    char *text;
    long len;

    assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
    len = BIO_get_mem_data(bio, &text);
    assert_int_equal(buf_add(ret, text, (size_t)len), ERR_OK);
    X509_free(cert);
    BIO_free(bio);
}

static void pem(void **state)
{
    CLEANUP(home_free) struct home home = {0};
    CLEANUP(buf_free) struct buf text = {0}, out = {0}, bad = {0};
    struct x509_chain chain, back;
    struct why why = {0};
    (void)state;

    home_make(&home);
    chain = x509_made_chain(&home.made);
    for (size_t i = 0; i < chain.n; i++) {
        assert_int_equal(buf_add_str(&text, "subject=CN = somebody\n"), ERR_OK);
        add_pem(chain.certs[i], &text);
    }
    expect("three", x509_chain_from_pem(buf_slice(&text), &out, &why), ERR_OK, &why);
    assert_int_equal(x509_chain_decode(buf_slice(&out), &back, NULL), ERR_OK);
    assert_true(x509_chain_eq(&chain, &back));
    expect("nothing", x509_chain_from_pem((struct slice){0}, &out, &why), ERR_CERT_MALFORMED, &why);
    expect("prose", x509_chain_from_pem(slice_str("a certificate"), &out, &why), ERR_CERT_MALFORMED,
           &why);
    assert_int_equal(buf_add_slice(&bad, buf_slice(&text)), ERR_OK);
    assert_int_equal(buf_add_str(&bad, "-----BEGIN PRIVATE KEY-----\n"), ERR_OK);
    expect("a private key behind", x509_chain_from_pem(buf_slice(&bad), &out, &why),
           ERR_CERT_MALFORMED, &why);
    buf_cut(&bad, 0);
    assert_int_equal(buf_add_str(&bad, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE "
                                       "KEY-----\n"),
                     ERR_OK);
    assert_int_equal(buf_add_slice(&bad, buf_slice(&text)), ERR_OK);
    expect("a private key before", x509_chain_from_pem(buf_slice(&bad), &out, &why),
           ERR_CERT_MALFORMED, &why);
    buf_cut(&bad, 0);
    assert_int_equal(buf_add_slice(&bad, slice_part(buf_slice(&text), 0, text.len - 30)), ERR_OK);
    expect("not closed", x509_chain_from_pem(buf_slice(&bad), &out, &why), ERR_CERT_MALFORMED,
           &why);
    buf_cut(&bad, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(buf_add_slice(&bad, buf_slice(&text)), ERR_OK);
    expect("twelve", x509_chain_from_pem(buf_slice(&bad), &out, &why), ERR_TOO_LARGE, &why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_holds),
        cmocka_unit_test(it_is_deterministic),
        cmocka_unit_test(it_says_what_it_should),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(what_cannot_be_made),
        cmocka_unit_test(paths),
        cmocka_unit_test(the_chain_is_whole),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(x5chain),
        cmocka_unit_test(pem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
