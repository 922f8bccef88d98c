/* SPDX-License-Identifier: Apache-2.0 */
/* issuer_test.c: in whose name a gate may write, and what its certificates must look like. */
#include "gate/policy/issuer.h"

#include "gate/base/text.h"
#include "gate/cose/did_x509.h"
#include "gate/cose/x509_testing.h"
#include "gate/tlog/checkpoint_text.h"
#include "gate/tlog/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW X509_TEST_NOW

/* An enrolment with a chain of an authority, and what it is made of. */
struct home {
    struct hw_signer *device, *other, *session;
    struct x509_made ca, foreign; /* of the device's key, of another one */
    struct buf did, log;
    struct enrolment e;
};

static void home_free(struct home *h)
{
    hw_signer_close(&h->device);
    hw_signer_close(&h->other);
    hw_signer_close(&h->session);
    x509_made_free(&h->ca);
    x509_made_free(&h->foreign);
    buf_free(&h->did);
    buf_free(&h->log);
}

static void home_make(struct home *h, bool tpm)
{
    static const uint8_t SEED[ED25519_KEY_LEN] = {7};
    struct hw_ed25519 pair;
    struct note_key key;
    struct enrolment *e = &h->e;

    *h = (struct home){0};
    assert_int_equal(hw_signer_generate(HW_ES256, &h->device, NULL), ERR_OK);
    assert_int_equal(hw_signer_generate(HW_ES256, &h->other, NULL), ERR_OK);
    assert_int_equal(hw_signer_generate(HW_ES256, &h->session, NULL), ERR_OK);
    x509_test_ca_chain(&h->device->key, &h->ca);
    x509_test_ca_chain(&h->other->key, &h->foreign);
    e->domain = slice_str("example.org");
    e->gate = slice_str("gate-1");
    e->device_chain = x509_made_chain(&h->ca);
    assert_int_equal(did_x509_of_subject(&e->device_chain, &h->did, NULL), ERR_OK);
    e->issuer = buf_slice(&h->did);
    assert_int_equal(hw_ed25519_from_seed(SEED, &pair), ERR_OK);
    assert_int_equal(
        note_key_make(NOTE_ED25519, slice_str("example.org/gate-1"), pair.public, &key, NULL),
        ERR_OK);
    assert_int_equal(note_key_format(&key, &h->log), ERR_OK);
    e->log = buf_slice(&h->log);
    e->hw.receipt = tpm ? h->device->key : h->other->key;
    e->hw.seal = tpm ? h->other->key : h->device->key;
    (void)snprintf(e->hw.about.kind, sizeof e->hw.about.kind, tpm ? "tpm" : "pkcs11");
    (void)snprintf(e->hw.about.model, sizeof e->hw.about.model, "a model");
    if (tpm)
        e->hw.base = 64;
    else
        (void)snprintf(e->hw.serial, sizeof e->hw.serial, "0123");
}

static void expect(const char *name, err_code got, err_code want, const struct why *why)
{
    if (got != want)
        fail_msg("%s: %s (%s), wanted %s", name, err_name(got), why->text, err_name(want));
}

/* ---- enrolments ------------------------------------------------------------------------------ */

static void there_and_back(void **state)
{
    (void)state;
    for (int tpm = 0; tpm <= 1; tpm++) {
        CLEANUP(home_free) struct home h;
        CLEANUP(buf_free) struct buf bytes = {0}, again = {0};
        struct enrolment got;
        struct why why = {0};

        home_make(&h, tpm);
        expect("write", enrolment_write(&h.e, &bytes, &why), ERR_OK, &why);
        expect("parse", enrolment_parse(buf_slice(&bytes), &got, &why), ERR_OK, &why);
        assert_true(slice_eq(got.issuer, h.e.issuer));
        assert_true(x509_chain_eq(&got.device_chain, &h.e.device_chain));
        assert_int_equal(enrolment_write(&got, &again, &why), ERR_OK);
        assert_true(slice_eq(buf_slice(&bytes), buf_slice(&again)));
        for (size_t n = 0; n < bytes.len; n++)
            if (enrolment_parse((struct slice){bytes.ptr, n}, &got, &why) == ERR_OK)
                fail_msg("the first %zu of %zu octets are an enrolment", n, bytes.len);
    }
}

/* What has a chain must be what the chain says; a flipped bit of it leaves nothing that resolves,
 * or (in the authority's own certificate) another hash. */
static void every_bit_of_the_chain_counts(void **state)
{
    CLEANUP(home_free) struct home h;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct enrolment got;
    struct why why = {0};
    const uint8_t *at;

    (void)state;
    home_make(&h, true);
    assert_int_equal(enrolment_write(&h.e, &bytes, &why), ERR_OK);
    for (size_t k = 0; k < 2; k++) {
        at = memmem(bytes.ptr, bytes.len, h.ca.certs[k].ptr, h.ca.certs[k].len);
        assert_non_null(at);
        for (size_t i = 0; i < h.ca.certs[k].len; i++) {
            size_t place = (size_t)(at - bytes.ptr) + i;

            bytes.ptr[place] ^= (uint8_t)(1u << i % 8);
            if (enrolment_parse(buf_slice(&bytes), &got, &why) == ERR_OK)
                fail_msg("octet %zu of certificate %zu flipped", i, k);
            bytes.ptr[place] ^= (uint8_t)(1u << i % 8);
        }
    }
}

static void what_does_not_fit(void **state)
{
    CLEANUP(home_free) struct home h;
    CLEANUP(buf_free) struct buf bytes = {0}, fragment = {0};
    const struct slice own = slice_str("dev.pawl:example.org/gate-1");
    struct x509_chain foreign, reversed;

    (void)state;
    home_make(&h, true);
    foreign = x509_made_chain(&h.foreign);
    reversed = (struct x509_chain){2, {buf_slice(&h.ca.certs[1]), buf_slice(&h.ca.certs[0])}};
    assert_int_equal(buf_add_slice(&fragment, buf_slice(&h.did)), ERR_OK);
    assert_int_equal(buf_add_str(&fragment, "#0"), ERR_OK);
    {
        const struct {
            const char *name;
            struct slice issuer;
            struct x509_chain chain;
            err_code want;
        } CASES[] = {
            {"a did and its chain", h.e.issuer, h.e.device_chain, ERR_OK},
            {"the gate's own name", own, {0}, ERR_OK},
            {"its own name, and a chain", own, h.e.device_chain, ERR_FORMAT},
            {"a did without a chain", h.e.issuer, {0}, ERR_FORMAT},
            {"another gate's name", slice_str("dev.pawl:example.org/gate-2"), {0}, ERR_FORMAT},
            {"any URI", slice_str("https://example.org"), h.e.device_chain, ERR_FORMAT},
            {"nothing", {0}, {0}, ERR_FORMAT},
            {"a did that is none", slice_str("did:x509:0:x"), h.e.device_chain, ERR_DID_MALFORMED},
            {"with a fragment", buf_slice(&fragment), h.e.device_chain, ERR_DID_MALFORMED},
            {"a chain of another key", h.e.issuer, foreign, ERR_CERT_CHAIN},
            {"the authority first", h.e.issuer, reversed, ERR_CERT_CHAIN},
            {"the device alone", h.e.issuer, {1, {h.e.device_chain.certs[0]}}, ERR_CERT_CHAIN},
        };
        for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
            struct why why = {0};

            h.e.issuer = CASES[i].issuer;
            h.e.device_chain = CASES[i].chain;
            expect(CASES[i].name, enrolment_write(&h.e, &bytes, &why), CASES[i].want, &why);
        }
    }
}

/* A certificate as authorities write them for servers: resolves, and issues nothing. */
static void a_device_that_may_not_issue(void **state)
{
    static const struct x509_test_spec CA = {
        .name = "O=Test CA",
        .extensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
                      "subjectKeyIdentifier=hash",
        .not_before = NOW - 10,
        .not_after = NOW + 10,
    };
    static const struct x509_test_spec SERVER = {
        .name = "CN=gate-1",
        .extensions = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                      "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid",
        .not_before = NOW - 10,
        .not_after = NOW + 10,
    };
    CLEANUP(home_free) struct home h;
    CLEANUP(x509_made_free) struct x509_made made = {.n = 2};
    CLEANUP(buf_free) struct buf did = {0};
    struct x509_test_party ca, server;
    struct why why = {0};

    (void)state;
    home_make(&h, true);
    x509_test_party(NULL, &CA, NULL, &ca);
    x509_test_party(&ca, &SERVER, &h.device->key, &server);
    x509_test_der(&server, &made.certs[0]);
    x509_test_der(&ca, &made.certs[1]);
    x509_test_party_free(&server);
    x509_test_party_free(&ca);
    h.e.device_chain = x509_made_chain(&made);
    assert_int_equal(did_x509_of_subject(&h.e.device_chain, &did, &why), ERR_OK);
    h.e.issuer = buf_slice(&did);
    expect("a server's", issuer_of_enrolment(&h.e, &why), ERR_CERT_CHAIN, &why);
}

/* ---- chains of a gate's keys ----------------------------------------------------------------- */

static void chains(void **state)
{
    CLEANUP(home_free) struct home h;
    CLEANUP(buf_free) struct buf own = {0}, others = {0}, session = {0}, below_ca = {0};
    struct slice did;

    (void)state;
    home_make(&h, true);
    did = h.e.issuer;
    x509_test_device(h.device, 0, &own);
    x509_test_device(h.other, 0, &others);
    x509_test_issue(h.device, buf_slice(&own), &h.session->key, "s", false, &session);
    x509_test_issue(h.device, buf_slice(&h.ca.certs[0]), &h.session->key, "s", false, &below_ca);
    {
        const struct slice name = slice_str("dev.pawl:example.org/gate-1");
        const struct slice s = buf_slice(&session), o = buf_slice(&own), f = buf_slice(&others),
                           d = buf_slice(&h.ca.certs[0]), ca = buf_slice(&h.ca.certs[1]),
                           sd = buf_slice(&below_ca);
        const struct {
            const char *name;
            struct slice issuer;
            struct x509_chain chain;
            size_t device;
            int64_t at;
            err_code want;
        } CASES[] = {
            {"by itself", name, {2, {s, o}}, 1, NOW, ERR_OK},
            {"the device alone", name, {1, {o}}, 0, NOW, ERR_OK},
            {"another device", name, {1, {f}}, 0, NOW, ERR_CERT_CHAIN},
            {"another device above", name, {2, {s, f}}, 1, NOW, ERR_CERT_CHAIN},
            {"too short", name, {1, {s}}, 1, NOW, ERR_CERT_CHAIN},
            {"none", name, {0}, 0, NOW, ERR_CERT_CHAIN},
            {"more than the device", name, {3, {sd, d, ca}}, 1, NOW, ERR_CERT_CHAIN},
            {"not self-signed", name, {2, {sd, d}}, 1, NOW, ERR_CERT_CHAIN},
            {"before it began", name, {2, {s, o}}, 1, NOW - 501, ERR_NOT_YET_VALID},
            {"after its end", name, {2, {s, o}}, 1, NOW + 86401, ERR_EXPIRED},
            {"by an authority", did, {3, {sd, d, ca}}, 1, NOW, ERR_OK},
            {"a receipt's", did, {2, {d, ca}}, 0, NOW, ERR_OK},
            {"without the authority", did, {2, {sd, d}}, 1, NOW, ERR_DID_REFUSED},
            {"by itself, for a did", did, {2, {s, o}}, 1, NOW, ERR_DID_REFUSED},
            {"expired since", did, {3, {sd, d, ca}}, 1, NOW + 86401, ERR_EXPIRED},
        };
        for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
            struct why why = {0};

            h.e.issuer = CASES[i].issuer;
            expect(CASES[i].name,
                   issuer_check(&h.e, &CASES[i].chain, CASES[i].device, CASES[i].at, &why),
                   CASES[i].want, &why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(every_bit_of_the_chain_counts),
        cmocka_unit_test(what_does_not_fit),
        cmocka_unit_test(a_device_that_may_not_issue),
        cmocka_unit_test(chains),
    };

    return cmocka_run_group_tests_name("issuer", tests, NULL, NULL);
}
