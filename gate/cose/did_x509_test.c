/* SPDX-License-Identifier: Apache-2.0 */
/*
 * did_x509_test.c: the method's own vectors, the grammar rule by rule, and identifiers held against
 * chains made here.
 */
#include "gate/base/text.h"
#include "gate/base/vectors_testing.h"
#include "gate/cose/did_x509.h"
#include "gate/cose/x509_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof *(array))

/* ---- the method's vectors -------------------------------------------------------------------- */

static err_code resolve(struct slice text, const struct x509_chain *chain, int64_t at,
                        struct did_x509 *did, struct did_x509_document *ret, struct why *why)
{
    TRY(did_x509_parse(text, did, why));
    return did_x509_resolve(did, chain, at, ret, why);
}

static void check_document(const json_t *c, const char *id, const struct did_x509 *did,
                           const struct did_x509_document *document)
{
    CLEANUP(buf_free) struct buf x = {0}, y = {0};

    vectors_base64(json_object_get(c, "x"), &x);
    vectors_base64(json_object_get(c, "y"), &y);
    if (!slice_eq_str(did->text, vectors_text(c, "document")))
        fail_msg("%s: document %.*s", id, (int)did->text.len, (const char *)did->text.ptr);
    if (x.len != 32 || memcmp(document->key.x, x.ptr, 32) != 0 || y.len != 32 ||
        memcmp(document->key.y, y.ptr, 32) != 0)
        fail_msg("%s: another key", id);
    if (document->assertion != vectors_bool(c, "assertion") ||
        document->agreement != vectors_bool(c, "agreement"))
        fail_msg("%s: assertion %d, agreement %d", id, document->assertion, document->agreement);
}

static void check_case(const json_t *c, const json_t *certs)
{
    const char *id = vectors_text(c, "id"), *text = vectors_text(c, "did");
    const json_t *code = json_object_get(c, "code"), *places = json_object_get(c, "chain");
    CLEANUP(x509_made_free) struct x509_made made = {.n = json_array_size(places)};
    struct did_x509_document document;
    struct x509_chain chain;
    struct did_x509 did;
    struct why why = {0};
    err_code err;

    assert_true(made.n <= X509_CHAIN_MAX);
    for (size_t i = 0; i < made.n; i++)
        vectors_base64(json_array_get(certs, (size_t)json_number_value(json_array_get(places, i))),
                       &made.certs[i]);
    chain = x509_made_chain(&made);
    err = resolve(slice_str(text), &chain, X509_ANY_TIME, &did, &document, &why);
    if (strcmp(err_name(err), code != NULL ? json_string_value(code) : "OK") != 0)
        fail_msg("%s: %s (%s), wanted %s", id, err_name(err), why.text,
                 code != NULL ? vectors_text(c, "error") : "a document");
    if (err == ERR_OK)
        check_document(c, id, &did, &document);
}

static void vectors(void **state)
{
    const char *source = getenv("PAWL_SOURCE");
    char path[4096];
    json_t *json, *cases, *certs;
    (void)state;

    if (source == NULL) {
        print_message("PAWL_SOURCE does not say where the sources are\n");
        skip();
    }
    snprintf(path, sizeof path, "%s/gate/cose/did_x509_vectors.json", source);
    json = vectors_json(path);
    cases = json_object_get(json, "cases");
    certs = json_object_get(json, "certs");
    assert_int_equal(json_array_size(cases), 58);
    for (size_t i = 0; i < json_array_size(cases); i++)
        check_case(json_array_get(cases, i), certs);
    json_decref(json);
}

/* ---- the grammar ----------------------------------------------------------------------------- */

#define FP "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" /* 43 characters: 32 zero octets */
#define A "did:x509:0:sha256:" FP

static const struct {
    const char *text;
    const char *says; /* NULL: it is one */
} GRAMMAR[] = {
    {A "::subject:CN:x", NULL},
    {A "::subject:CN:x:O:y", NULL},
    {A "::subject:1.2.840.113549.1.9.1:x", NULL},
    {A "::subject:STREET:x::san:dns:example.org::eku:1.3.6::fulcio-issuer:a.b", NULL},
    {A "::subject:CN:%C3%A9%2f", NULL},
    {A "::subject:CN:x#0", NULL},
    {A "::san:email:a%40b", NULL},
    {A "::san:uri:https%3A%2F%2Fx", NULL},
    {"", "begin with"},
    {"did:x509", "begin with"},
    {"did:x509:1:sha256:" FP "::eku:1.2", "begin with"},
    {"did:x509:00:sha256:" FP "::eku:1.2", "begin with"},
    {"DID:x509:0:sha256:" FP "::eku:1.2", "begin with"},
    {" " A "::eku:1.2", "begin with"},
    {"did:x509:0:", "without a hash"},
    {"did:x509:0:sha256", "without a hash"},
    {"did:x509:0:sha1:" FP "::eku:1.2", "neither sha256"},
    {"did:x509:0:SHA256:" FP "::eku:1.2", "neither sha256"},
    {"did:x509:0:sha256:" FP "A::eku:1.2", "not of its length"},
    {"did:x509:0:sha256:" FP "=::eku:1.2", "not of its length"},
    {"did:x509:0:sha256:AAAA::eku:1.2", "not of its length"},
    {"did:x509:0:sha256:::eku:1.2", "without a hash"},
    {"did:x509:0:sha384:" FP "::eku:1.2", "not of its length"},
    {"did:x509:0:sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB::eku:1.2",
     "not of its length"}, /* bits that belong to no octet */
    {"did:x509:0:sha256:+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA::eku:1.2", "not of its length"},
    {A, "without a predicate"},
    {A "::", "not a name, a colon"},
    {A "::eku", "not a name, a colon"},
    {A "::eku:1.2::", "not a name, a colon"},
    {A "::EKU:1.2", "neither subject"},
    {A "::email:x", "neither subject"},
    {A ":::eku:1.2", "neither subject"},
    {A "::eku:", "no OID"},
    {A "::eku:1..2", "no OID"},
    {A "::eku:.1", "no OID"},
    {A "::eku:1.", "no OID"},
    {A "::eku:1.2:3", "no OID"},
    {A "::eku:1.x", "no OID"},
    {A "::subject:CN", "not pairs"},
    {A "::subject:CN:x:O", "not pairs"},
    {A "::subject:CN:", "value that is empty"},
    {A "::subject:CN:x:CN:y", "key twice"},
    {A "::subject:1.2:x:1.2:y", "key twice"},
    {A "::subject:DC:x", "key that is neither"},
    {A "::subject:cn:x", "key that is neither"},
    {A "::subject::x", "not a name, a colon"},
    {A "::subject:CN:a~b", "not percent-encoded"},
    {A "::subject:CN:a b", "not percent-encoded"},
    {A "::subject:CN:a%4", "not percent-encoded"},
    {A "::subject:CN:a%4g", "not percent-encoded"},
    {A "::subject:CN:a%", "not percent-encoded"},
    {A "::subject:CN:\xc3\xa9", "not percent-encoded"},
    {A "::san:email", "one type and one value"},
    {A "::san:dn:x", "neither email"},
    {A "::san:email:", "empty"},
    {A "::san:email:a:b", "not percent-encoded"},
    {A "::fulcio-issuer:", "empty"},
    {A "::fulcio-issuer:a:b", "not percent-encoded"},
    {A "::fulcio-issuer:a~b", "not percent-encoded"},
    {A "::eku:1.2/path", "path"},
    {A "::eku:1.2?q=1", "query"},
    {A "::eku:1.2#", "empty fragment"},
    {A "::eku:1.2#a b", "fragment is none"},
    {A "::eku:1.2#a#b", "fragment is none"},
};

static void grammar(void **state)
{
    (void)state;

    for (size_t i = 0; i < N(GRAMMAR); i++) {
        struct did_x509 did = {0};
        struct why why = {0};
        err_code err = did_x509_parse(slice_str(GRAMMAR[i].text), &did, &why);

        if (err != (GRAMMAR[i].says == NULL ? ERR_OK : ERR_DID_MALFORMED))
            fail_msg("\"%s\": %s (%s)", GRAMMAR[i].text, err_name(err), why.text);
        if (GRAMMAR[i].says != NULL && strstr(why.text, GRAMMAR[i].says) == NULL)
            fail_msg("\"%s\": \"%s\" does not say \"%s\"", GRAMMAR[i].text, why.text,
                     GRAMMAR[i].says);
        if (GRAMMAR[i].says != NULL && did.n != 0)
            fail_msg("\"%s\": refused, and written", GRAMMAR[i].text);
    }
}

static void limits(void **state)
{
    CLEANUP(buf_free) struct buf text = {0};
    struct did_x509 did;
    struct why why = {0};
    (void)state;

    assert_int_equal(buf_add_str(&text, A), ERR_OK);
    for (int i = 0; i < DID_X509_PREDICATES_MAX; i++)
        assert_int_equal(buf_add_str(&text, "::eku:1"), ERR_OK);
    assert_int_equal(did_x509_parse(buf_slice(&text), &did, &why), ERR_OK);
    assert_int_equal(did.n, DID_X509_PREDICATES_MAX);
    assert_int_equal(buf_add_str(&text, "::eku:1"), ERR_OK);
    assert_int_equal(did_x509_parse(buf_slice(&text), &did, &why), ERR_DID_MALFORMED);
    buf_cut(&text, 0);
    assert_int_equal(buf_add_str(&text, A "::subject"), ERR_OK);
    for (int i = 0; i < DID_X509_PAIRS_MAX; i++) {
        char pair[16];

        snprintf(pair, sizeof pair, ":1.%d:x", i);
        assert_int_equal(buf_add_str(&text, pair), ERR_OK);
    }
    assert_int_equal(did_x509_parse(buf_slice(&text), &did, &why), ERR_OK);
    assert_int_equal(buf_add_str(&text, ":CN:x"), ERR_OK);
    assert_int_equal(did_x509_parse(buf_slice(&text), &did, &why), ERR_DID_MALFORMED);
    buf_cut(&text, 0);
    assert_int_equal(buf_add_str(&text, A "::subject:CN:"), ERR_OK);
    while (text.len < DID_X509_TEXT_MAX)
        assert_int_equal(buf_add_u8(&text, 'x'), ERR_OK);
    assert_int_equal(did_x509_parse(buf_slice(&text), &did, &why), ERR_OK);
    assert_int_equal(buf_add_u8(&text, 'x'), ERR_OK);
    assert_int_equal(did_x509_parse(buf_slice(&text), &did, &why), ERR_TOO_LARGE);
}

/* No part of an identifier is one, except where it ends a value early. */
static void every_prefix_is_judged(void **state)
{
    static const char TEXT[] = A "::subject:C:SE:O:Example::san:dns:x";
    struct why why = {0};
    size_t taken = 0;
    struct did_x509 did;
    (void)state;

    for (size_t len = 0; len < sizeof TEXT - 1; len++)
        if (did_x509_parse((struct slice){(const uint8_t *)TEXT, len}, &did, &why) == ERR_OK)
            taken++;
    assert_int_equal(taken, 2 + 7); /* "C:S", "C:SE", and "O:E" up to "O:Example" */
}

/* ---- chains of our own ----------------------------------------------------------------------- */

struct home {
    struct hw_signer *device, *session;
    struct x509_made made; /* session, device, authority */
};

static void home_free(struct home *home)
{
    hw_signer_close(&home->device);
    hw_signer_close(&home->session);
    x509_made_free(&home->made);
}

static void home_make(struct home *home)
{
    assert_int_equal(hw_signer_generate(HW_ES256, &home->device, NULL), ERR_OK);
    assert_int_equal(hw_signer_generate(HW_ES256, &home->session, NULL), ERR_OK);
    x509_test_ca_chain(&home->device->key, &home->made);
    home->made.certs[2] = buf_take(&home->made.certs[1]);
    home->made.certs[1] = buf_take(&home->made.certs[0]);
    x509_test_issue(home->device, buf_slice(&home->made.certs[1]), &home->session->key, "s-1",
                    false, &home->made.certs[0]);
    home->made.n = 3;
}

static void add_hash(struct slice cert, struct buf *text)
{
    struct digest digest;

    assert_int_equal(hash_sha256(cert, &digest), ERR_OK);
    assert_int_equal(buf_add_str(text, "did:x509:0:sha256:"), ERR_OK);
    assert_int_equal(base64url_encode(digest_slice(&digest), text), ERR_OK);
}

/* What names the device names what it issues, too: an identifier that resolves for the receipt's
 * chain resolves for the record's. */
static void what_names_the_device_names_its_sessions(void **state)
{
    static const char *const PREDICATES[] = {
        "::subject:CN:gate-1.example.org",
        "::subject:O:Example:C:SE",
        "::san:dns:gate-1.example.org",
        "::san:email:ops%40example.org",
        "::eku:1.3.6.1.5.5.7.3.3",
        "::subject:CN:gate-1.example.org::san:dns:gate-1.example.org::eku:1.3.6.1.5.5.7.3.3",
    };
    CLEANUP(home_free) struct home home = {0};
    struct x509_chain session, device;
    (void)state;

    home_make(&home);
    session = x509_made_chain(&home.made);
    device = (struct x509_chain){2, {session.certs[1], session.certs[2]}};
    for (size_t i = 0; i < N(PREDICATES); i++) {
        CLEANUP(buf_free) struct buf text = {0};
        struct did_x509_document document;
        struct did_x509 did;
        struct why why = {0};
        err_code err;

        add_hash(device.certs[1], &text);
        assert_int_equal(buf_add_str(&text, PREDICATES[i]), ERR_OK);
        err = resolve(buf_slice(&text), &device, X509_TEST_NOW, &did, &document, &why);
        if (err != ERR_OK)
            fail_msg("%s, device: %s (%s)", PREDICATES[i], err_name(err), why.text);
        assert_true(hw_pubkey_eq(&document.key, &home.device->key));
        err = resolve(buf_slice(&text), &session, X509_TEST_NOW, &did, &document, &why);
        if (err != ERR_OK)
            fail_msg("%s, session: %s (%s)", PREDICATES[i], err_name(err), why.text);
        assert_true(hw_pubkey_eq(&document.key, &home.session->key));
        assert_true(document.assertion && !document.agreement);
    }
}

static void what_does_not_fit(void **state)
{
    static const struct {
        const char *predicate;
        const char *says;
    } CASES[] = {
        {"::subject:CN:gate-2.example.org", "another value"},
        {"::subject:CN:gate-1.example.or", "another value"},
        {"::subject:ST:x", "lacks an attribute"},
        {"::subject:2.5.4.3:gate-1.example.org", "lacks an attribute"}, /* it goes by CN */
        {"::subject:CN:gate-1.example.org::subject:O:x", "another value"},
        {"::san:dns:example.org", "no subjectAltName"},
        {"::san:uri:gate-1.example.org", "no subjectAltName"},
        {"::eku:1.3.6.1.5.5.7.3.1", "no extKeyUsage"},
        {"::fulcio-issuer:x", "no Fulcio issuer"},
    };
    CLEANUP(home_free) struct home home = {0};
    struct did_x509_document document;
    struct x509_chain chain, alone;
    struct did_x509 did;
    struct why why = {0};
    (void)state;

    home_make(&home);
    chain = x509_made_chain(&home.made);
    for (size_t i = 0; i < N(CASES); i++) {
        CLEANUP(buf_free) struct buf text = {0};
        err_code err;

        add_hash(chain.certs[2], &text);
        assert_int_equal(buf_add_str(&text, CASES[i].predicate), ERR_OK);
        err = resolve(buf_slice(&text), &chain, X509_TEST_NOW, &did, &document, &why);
        if (err != ERR_DID_REFUSED || strstr(why.text, CASES[i].says) == NULL)
            fail_msg("%s: %s (%s)", CASES[i].predicate, err_name(err), why.text);
    }
    {
        CLEANUP(buf_free) struct buf leaf = {0}, good = {0};

        add_hash(chain.certs[0], &leaf);
        assert_int_equal(buf_add_str(&leaf, "::subject:O:Example"), ERR_OK);
        assert_int_equal(resolve(buf_slice(&leaf), &chain, X509_TEST_NOW, &did, &document, &why),
                         ERR_DID_REFUSED);
        add_hash(chain.certs[1], &good);
        assert_int_equal(buf_add_str(&good, "::subject:O:Example"), ERR_OK);
        assert_int_equal(resolve(buf_slice(&good), &chain, X509_TEST_NOW, &did, &document, &why),
                         ERR_OK);
        assert_int_equal(
            resolve(buf_slice(&good), &chain, X509_TEST_NOW + 86401, &did, &document, &why),
            ERR_EXPIRED);
        alone = (struct x509_chain){1, {chain.certs[2]}};
        assert_int_equal(resolve(buf_slice(&good), &alone, X509_TEST_NOW, &did, &document, &why),
                         ERR_CERT_CHAIN);
    }
}

static void of_subject(void **state)
{
    CLEANUP(home_free) struct home home = {0};
    CLEANUP(buf_free) struct buf text = {0}, want = {0};
    struct did_x509_document document;
    struct x509_chain chain, device;
    struct did_x509 did;
    struct why why = {0};
    (void)state;

    home_make(&home);
    chain = x509_made_chain(&home.made);
    device = (struct x509_chain){2, {chain.certs[1], chain.certs[2]}};
    assert_int_equal(did_x509_of_subject(&device, &text, &why), ERR_OK);
    add_hash(chain.certs[2], &want);
    assert_int_equal(buf_add_str(&want, "::subject:C:SE:O:Example:CN:gate-1.example.org"), ERR_OK);
    assert_true(slice_eq(buf_slice(&text), buf_slice(&want)));
    assert_int_equal(resolve(buf_slice(&text), &device, X509_TEST_NOW, &did, &document, &why),
                     ERR_OK);
    assert_int_equal(resolve(buf_slice(&text), &chain, X509_TEST_NOW, &did, &document, &why),
                     ERR_OK);
    device.n = 1;
    assert_int_equal(did_x509_of_subject(&device, &text, &why), ERR_DID_REFUSED);
}

/* A length in more octets than it needs: OpenSSL reads it, and DER has one form only. */
static void only_der(void **state)
{
    CLEANUP(home_free) struct home home = {0};
    CLEANUP(buf_free) struct buf ber = {0};
    struct slice good;
    struct why why = {0};

    (void)state;
    home_make(&home);
    good = buf_slice(&home.made.certs[1]);
    assert_int_equal(good.ptr[1], 0x82);
    assert_int_equal(x509_check(good, &why), ERR_OK);
    assert_int_equal(buf_add(&ber, "\x30\x83", 3), ERR_OK);
    assert_int_equal(buf_add_slice(&ber, slice_part(good, 2, good.len - 2)), ERR_OK);
    assert_int_equal(x509_check(buf_slice(&ber), &why), ERR_CERT_MALFORMED);
}

static void percent(void **state)
{
    CLEANUP(buf_free) struct buf text = {0};
    (void)state;

    assert_int_equal(did_x509_percent(slice_str("aZ09.-_~ /:%\xc3\xa9"), &text), ERR_OK);
    assert_string_equal((const char *)text.ptr, "aZ09.-_%7E%20%2F%3A%25%C3%A9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(grammar),
        cmocka_unit_test(limits),
        cmocka_unit_test(every_prefix_is_judged),
        cmocka_unit_test(what_names_the_device_names_its_sessions),
        cmocka_unit_test(what_does_not_fit),
        cmocka_unit_test(of_subject),
        cmocka_unit_test(only_der),
        cmocka_unit_test(percent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
