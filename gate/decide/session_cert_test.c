/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_cert_test.c: the certificates of a session, on a root in memory that is a TPM (one key)
 * or a token (an identity key above the epochs'), certified by itself or by an authority.
 */
#include "gate/decide/session_cert.h"

#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/cose/did_x509.h"
#include "gate/ledger/ledger_testing.h"
#include "gate/policy/issuer.h"
#include "hw/fake.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW X509_TEST_NOW
#define SESSION "0199c82c-c000-7000-8000-000000000001"

/* A gate's hardware, in an open round of epoch 3. */
struct desk {
    bool tpm;
    char dir[64];
    struct hw_fake_nv *nv;
    struct hw_root *hw;
    struct hw_owner *owner;
    struct hw_signer *authority, *statement;
    struct enrolment enrolment;
    struct x509_made chain; /* of an authority */
    struct buf did;
    struct session_ask ask;
};

#define OK(call) expect((call), ERR_OK, &why, #call, __LINE__)
static void expect(err_code got, err_code want, const struct why *why, const char *call, int line)
{
    if (got != want)
        fail_msg("line %d: %s: gave %s (%s), wanted %s", line, call, err_name(got), why->text,
                 err_name(want));
}

static void begin(struct desk *desk)
{
    CLEANUP(buf_free) struct buf sig = {0};
    struct hw_mandate *mandate = calloc(1, sizeof *mandate);
    const struct slice text = slice_str("snapshot");
    struct why why = {0};

    assert_non_null(mandate);
    mandate->epoch = 3;
    mandate->n_statements = 1;
    OK(hash_sha256(text, &mandate->snapshot));
    OK(hw_sign(desk->authority, text, &sig, &why));
    OK(hw_statement_of(&desk->authority->key, text, buf_slice(&sig), &mandate->statements[0]));
    OK(desk->hw->ops->step(desk->hw, mandate, &why));
    OK(desk->hw->ops->prepare(desk->hw, mandate, &why));
    OK(desk->hw->ops->begin(desk->hw, &why));
    free(mandate);
}

static void desk_make(struct desk *desk, bool tpm)
{
    struct enrolment *e = &desk->enrolment;
    struct why why = {0};

    *desk = (struct desk){.tpm = tpm};
    testing_dir(desk->dir, sizeof desk->dir);
    OK(hw_fake_nv_new(&desk->nv));
    if (tpm)
        hw_fake_one_key(desk->nv);
    OK(hw_fake_open(desk->nv, &desk->hw));
    OK(hw_signer_generate(HW_ES256, &desk->authority, &why));
    OK(hw_signer_generate(HW_ES256, &desk->statement, &why));
    desk->owner = calloc(1, sizeof *desk->owner);
    assert_non_null(desk->owner);
    (void)snprintf(desk->owner->domain, sizeof desk->owner->domain, "example.org");
    (void)snprintf(desk->owner->gate, sizeof desk->owner->gate, "gate-1");
    desk->owner->ratchet[0] = desk->owner->anchors[0] = desk->authority->key;
    desk->owner->ratchet[1] = desk->statement->key;
    desk->owner->n_ratchet = 2;
    desk->owner->n_anchors = 1;
    e->domain = slice_str("example.org");
    e->gate = slice_str("gate-1");
    e->issuer = slice_str(TESTING_ISSUER);
    OK(desk->hw->ops->enrol(desk->hw, desk->owner, &e->hw, &why));
    OK(desk->hw->ops->attach(desk->hw, desk->owner, &e->hw, &why));
    (void)snprintf(e->hw.about.kind, sizeof e->hw.about.kind, tpm ? "tpm" : "pkcs11");
    begin(desk);
    desk->ask =
        (struct session_ask){desk->hw, e, desk->dir, &desk->statement->key, SESSION, 3, NOW};
}

static void desk_free(struct desk *desk)
{
    hw_root_close(&desk->hw);
    hw_fake_nv_free(&desk->nv);
    hw_signer_close(&desk->authority);
    hw_signer_close(&desk->statement);
    x509_made_free(&desk->chain);
    buf_free(&desk->did);
    free(desk->owner);
    testing_remove(desk->dir);
}

/* The device is certified by an authority from here on. */
static void certify(struct desk *desk)
{
    struct enrolment *e = &desk->enrolment;
    struct why why = {0};

    x509_made_free(&desk->chain);
    buf_cut(&desk->did, 0);
    x509_test_ca_chain(hw_enrolment_device(&e->hw), &desk->chain);
    e->device_chain = x509_made_chain(&desk->chain);
    OK(did_x509_of_subject(&e->device_chain, &desk->did, &why));
    e->issuer = buf_slice(&desk->did);
}

/* How many certificates stand below the device's. */
static size_t device_at(const struct desk *desk)
{
    return desk->tpm ? 1 : 2;
}

static void good(struct desk *desk, struct session_cert *ret)
{
    struct hw_pubkey key, receipt;
    struct x509_chain below;
    struct why why = {0};
    int64_t from, until;

    OK(session_cert_make(&desk->ask, ret, &why));
    OK(issuer_check(&desk->enrolment, &ret->chain, device_at(desk), NOW, &why));
    OK(x509_key(ret->chain.certs[0], &key, &why));
    assert_true(hw_pubkey_eq(&key, &desk->statement->key));
    OK(x509_validity(ret->chain.certs[0], &from, &until, &why));
    assert_true(from == NOW && until > NOW && until <= NOW + 10 * INT64_C(31557600));
    OK(desk->hw->ops->receipt_key(desk->hw, &receipt, &why));
    OK(x509_key(ret->chain.certs[1], &key, &why));
    assert_true(hw_pubkey_eq(&key, &receipt));
    below = session_cert_receipt(ret);
    assert_int_equal(below.n, ret->chain.n - 1);
    OK(issuer_check(&desk->enrolment, &below, device_at(desk) - 1, NOW, &why));
}

static void both_kinds(void **state)
{
    (void)state;
    for (int tpm = 0; tpm <= 1; tpm++) {
        CLEANUP(desk_free) struct desk desk = {0};
        CLEANUP(session_cert_free) struct session_cert own = {0}, again = {0}, ca = {0};
        size_t at;

        desk_make(&desk, tpm);
        at = device_at(&desk);
        good(&desk, &own);
        assert_int_equal(own.chain.n, at + 1);
        good(&desk, &again);
        assert_true(slice_eq(own.chain.certs[at], again.chain.certs[at])); /* made once */
        certify(&desk);
        good(&desk, &ca);
        assert_int_equal(ca.chain.n, at + 2);
        assert_true(slice_eq(ca.chain.certs[at], buf_slice(&desk.chain.certs[0])));
    }
}

/* The copy on the disk is used as long as it is what the device would make for itself. */
static void the_copy_on_the_disk(void **state)
{
    CLEANUP(desk_free) struct desk desk = {0};
    CLEANUP(session_cert_free)
    struct session_cert first = {0}, second = {0}, third = {0}, fourth = {0};
    CLEANUP(hw_signer_close) struct hw_signer *other = NULL;
    CLEANUP(buf_free) struct buf foreign = {0};
    struct why why = {0};
    char path[96];

    (void)state;
    desk_make(&desk, false);
    (void)snprintf(path, sizeof path, "%s/device.crt", desk.dir);
    good(&desk, &first);
    assert_true(file_exists(path));
    OK(hw_signer_generate(HW_ES256, &other, &why));
    x509_test_device(other, 1, &foreign);
    OK(file_write(path, buf_slice(&foreign), 0644, &why));
    good(&desk, &second);
    assert_false(slice_eq(first.chain.certs[2], second.chain.certs[2]));
    OK(file_write(path, slice_str("no certificate"), 0644, &why));
    good(&desk, &third);
    desk.ask.now = NOW - 1; /* before the copy was valid */
    OK(session_cert_make(&desk.ask, &fourth, &why));
    assert_false(slice_eq(third.chain.certs[2], fourth.chain.certs[2]));
}

static void what_refuses(void **state)
{
    struct why why = {0};

    (void)state;
    for (int tpm = 0; tpm <= 1; tpm++) {
        CLEANUP(desk_free) struct desk desk = {0};
        CLEANUP(session_cert_free) struct session_cert cert = {0};
        CLEANUP(buf_free) struct buf did = {0};

        desk_make(&desk, tpm);
        hw_fake_fail(desk.nv, HW_FAKE_SIGN, ERR_TPM_FAILED, false);
        expect(session_cert_make(&desk.ask, &cert, &why), ERR_TPM_FAILED, &why, "sign", 0);
        hw_fake_fail(desk.nv, HW_FAKE_SIGN, ERR_OK, false);
        hw_fake_fail(desk.nv, HW_FAKE_DEVICE_KEY, ERR_TPM_FAILED, true);
        expect(session_cert_make(&desk.ask, &cert, &why), ERR_TPM_FAILED, &why, "key", 0);
        hw_fake_fail(desk.nv, HW_FAKE_DEVICE_KEY, ERR_OK, false);
        desk.ask.now = INT64_MAX / 2;
        expect(session_cert_make(&desk.ask, &cert, &why), ERR_FORMAT, &why, "year 10000", 0);
        certify(&desk);
        desk.ask.now = NOW + 301 * INT64_C(86400);
        expect(session_cert_make(&desk.ask, &cert, &why), ERR_EXPIRED, &why, "expired", 0);
        desk.ask.now = NOW - 9001;
        expect(session_cert_make(&desk.ask, &cert, &why), ERR_NOT_YET_VALID, &why, "early", 0);
        desk.ask.now = NOW;
        assert_int_equal(cert.chain.n, 0);
        good(&desk, &cert);
        OK(buf_add_slice(&did, buf_slice(&desk.did)));
        OK(buf_add_str(&did, "x"));
        desk.enrolment.issuer = buf_slice(&did);
        session_cert_free(&cert);
        expect(session_cert_make(&desk.ask, &cert, &why), ERR_DID_REFUSED, &why, "other", 0);
        x509_made_free(&desk.chain);
        x509_test_ca_chain(&desk.authority->key, &desk.chain);
        desk.enrolment.device_chain = x509_made_chain(&desk.chain);
        desk.enrolment.issuer = buf_slice(&desk.did);
        assert_true(session_cert_make(&desk.ask, &cert, &why) != ERR_OK);
    }
}

/* A chain that is full takes no further certificate. */
static void no_room(void **state)
{
    CLEANUP(desk_free) struct desk desk = {0};
    CLEANUP(session_cert_free) struct session_cert cert = {0};
    struct why why = {0};

    (void)state;
    desk_make(&desk, false);
    certify(&desk);
    for (size_t i = 2; i < X509_CHAIN_MAX; i++)
        desk.enrolment.device_chain.certs[i] = desk.enrolment.device_chain.certs[1];
    desk.enrolment.device_chain.n = X509_CHAIN_MAX - 1;
    assert_int_equal(session_cert_make(&desk.ask, &cert, &why), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds),
        cmocka_unit_test(the_copy_on_the_disk),
        cmocka_unit_test(what_refuses),
        cmocka_unit_test(no_room),
    };

    return cmocka_run_group_tests_name("session_cert", tests, NULL, NULL);
}
