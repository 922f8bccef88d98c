/* SPDX-License-Identifier: Apache-2.0 */
/* auditor_test.c: which receipt keys an auditor believes: the enrolled one of a TPM, in every
 * epoch; of a token those that its certificates name, each in its own epoch. And what it says to
 * seals, certificates and records that are well signed, but belong to something else. */
#include "gate/decide/auditor.h"

#include "gate/cose/cose_key.h"
#include "gate/decide/log_key.h"
#include "gate/ledger/ledger_testing.h"
#include "pkcs11/epoch_cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEYS 3

static const uint64_t EPOCHS[KEYS] = {0, 7, 9}; /* 7: what the records of ledger_testing.h say */

/* A token's chain, and a ledger whose hardware key is that of epoch 7. */
static struct desk {
    struct testing t;
    struct hw_signer *identity, *keys[KEYS]; /* keys[1] is t.hardware */
    struct enrolment enrolment;
    struct buf chain, log;
    struct digest snapshot; /* that the token was stepped to epoch 7 for */
    char dir[64];
} desk;

#define OK(call) expect((call), ERR_OK, &why, #call, __LINE__)
static void expect(err_code got, err_code want, const struct why *why, const char *call, int line)
{
    if (got != want)
        fail_msg("line %d: %s: gave %s (%s), wanted %s", line, call, err_name(got), why->text,
                 err_name(want));
}

static void sign64(struct hw_signer *signer, const struct digest *digest, uint8_t ret[static 64])
{
    CLEANUP(buf_free) struct buf sig = {0};

    assert_int_equal(signer->ops->sign(signer, digest_slice(digest), &sig, NULL), ERR_OK);
    memcpy(ret, sig.ptr, 64);
}

static void certify(size_t i)
{
    struct hsm_cert cert = {
        .epoch = EPOCHS[i], .key = desk.keys[i]->key, .snapshot = {{(uint8_t)i}}};
    struct digest digest;
    struct why why = {0};

    if (i == 1)
        cert.snapshot = desk.snapshot;
    if (i > 0) {
        size_t from = desk.chain.len - HSM_CERT_LEN;
        cert.previous = EPOCHS[i - 1];
        OK(hash_sha256(slice_part(buf_slice(&desk.chain), from, HSM_CERT_LEN),
                       &cert.previous_cert));
        OK(hsm_cert_digest(&cert, &digest));
        sign64(desk.keys[i - 1], &digest, cert.previous_sig);
    }
    OK(hsm_cert_digest(&cert, &digest));
    sign64(desk.identity, &digest, cert.identity_sig);
    OK(hsm_cert_encode(&cert, &desk.chain));
}

/* What a gate's first session writes, and a decision. */
static void make_ledger(void)
{
    static const enum record_kind KINDS[] = {RECORD_KEY_ROTATION, RECORD_BUMP, RECORD_INSTALL,
                                             RECORD_DECISION};
    struct ledger *ledger = NULL;
    struct why why = {0};

    OK(ledger_open(desk.dir, LEDGER_CREATE, &ledger, &why));
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        OK(testing_stage(&desk.t, ledger, KINDS[i], "agent-1"));
    OK(testing_commit(ledger, &why));
    ledger_close(&ledger);
}

static int setup(void **state)
{
    struct why why = {0};

    (void)state;
    desk = (struct desk){0};
    testing_init(&desk.t);
    testing_dir(desk.dir, sizeof desk.dir);
    make_ledger();
    OK(hw_signer_generate(HW_ES256, &desk.identity, &why));
    OK(hw_signer_generate(HW_ES256, &desk.keys[0], &why));
    OK(hw_signer_generate(HW_ES256, &desk.keys[2], &why));
    desk.keys[1] = desk.t.hardware;
    OK(hash_sha256(slice_str("snapshot"), &desk.snapshot)); /* as in ledger_testing.h */
    for (size_t i = 0; i < KEYS; i++)
        certify(i);
    desk.enrolment.domain = slice_str("example.org");
    desk.enrolment.issuer = slice_str(TESTING_ISSUER);
    desk.enrolment.gate = slice_str("gate-1");
    desk.enrolment.hw.seal = desk.identity->key;
    OK(log_key_make(desk.dir, slice_str("example.org/gate-1"), &desk.log, &why));
    desk.enrolment.log = buf_slice(&desk.log);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    hw_signer_close(&desk.identity);
    hw_signer_close(&desk.keys[0]);
    hw_signer_close(&desk.keys[2]);
    testing_free(&desk.t);
    buf_free(&desk.chain);
    buf_free(&desk.log);
    testing_remove(desk.dir);
    return 0;
}

static void be(const char *kind, const struct hw_signer *receipt)
{
    struct hw_description *about = &desk.enrolment.hw.about;

    (void)snprintf(about->kind, sizeof about->kind, "%s", kind);
    desk.enrolment.hw.receipt = receipt->key;
}

/* Asks for the key of this thumbprint in this epoch. */
static err_code ask(const struct decide_auditor *trust, const struct hw_signer *of, uint64_t epoch)
{
    struct hw_pubkey key = {0};
    struct digest kid;
    struct why why = {0};
    err_code err;

    OK(cose_key_thumbprint(&of->key, &kid));
    err = trust->auditor.key(&trust->auditor, &kid, epoch, &key, &why);
    if (err == ERR_OK)
        assert_true(hw_pubkey_eq(&key, &of->key));
    else
        assert_int_equal(key.alg, HW_ALG_NONE);
    return err;
}

static err_code audit(const struct decide_auditor *trust)
{
    struct auditor auditor = trust->auditor;
    struct audit_job job = {.auditor = &auditor, .thorough = true};
    struct audit_report report;
    struct why why = {0};
    char dir[96];

    auditor.checkpoint = NULL; /* there is none: nothing of this ledger was published */
    (void)snprintf(dir, sizeof dir, "%s/ledger", desk.dir);
    job.dir = dir;
    return audit_log(&job, &report, &why);
}

static void of_a_tpm(void **state)
{
    struct decide_auditor trust = {0}, other = {0};
    struct why why = {0};

    (void)state;
    be("tpm", desk.t.hardware);
    /* a chain beside a TPM is nothing */
    OK(auditor_make(&desk.enrolment, buf_slice(&desk.chain), &trust, &why));
    assert_true(slice_eq_str(trust.auditor.issuer, "dev.pawl:example.org/gate-1"));
    assert_int_equal(ask(&trust, desk.t.hardware, 0), ERR_OK);
    assert_int_equal(ask(&trust, desk.t.hardware, 7), ERR_OK);
    assert_int_equal(ask(&trust, desk.keys[0], 0), ERR_SIGNER_UNKNOWN);
    assert_int_equal(audit(&trust), ERR_OK);
    be("tpm", desk.identity);
    OK(auditor_make(&desk.enrolment, (struct slice){0}, &other, &why));
    assert_int_equal(audit(&other), ERR_SIGNER_UNKNOWN);
}

static void of_a_token(void **state)
{
    struct decide_auditor trust = {0};
    struct why why = {0};

    (void)state;
    be("pkcs11", desk.keys[0]);
    OK(auditor_make(&desk.enrolment, buf_slice(&desk.chain), &trust, &why));
    for (size_t key = 0; key < KEYS; key++)
        for (size_t epoch = 0; epoch < KEYS; epoch++)
            assert_int_equal(ask(&trust, desk.keys[key], EPOCHS[epoch]),
                             key == epoch ? ERR_OK : ERR_SIGNER_UNKNOWN);
    assert_int_equal(ask(&trust, desk.keys[0], 8), ERR_SIGNER_UNKNOWN); /* the enrolled one */
    assert_int_equal(ask(&trust, desk.t.hardware, 8), ERR_SIGNER_UNKNOWN);
    assert_int_equal(ask(&trust, desk.keys[2], 10), ERR_SIGNER_UNKNOWN);
    assert_int_equal(ask(&trust, desk.identity, 7), ERR_SIGNER_UNKNOWN);
    assert_int_equal(audit(&trust), ERR_OK);
}

/* Certificates that do not hold are not asked at all. */
static void bad_chains(void **state)
{
    struct decide_auditor trust = {0};
    struct slice chain = buf_slice(&desk.chain);
    struct why why = {0};

    (void)state;
    be("pkcs11", desk.keys[0]);
    assert_int_equal(auditor_make(&desk.enrolment, (struct slice){0}, &trust, &why), ERR_FORMAT);
    assert_int_equal(
        auditor_make(&desk.enrolment, slice_part(chain, 0, chain.len - 1), &trust, &why),
        ERR_FORMAT);
    assert_int_equal(auditor_make(&desk.enrolment,
                                  slice_part(chain, HSM_CERT_LEN, chain.len - HSM_CERT_LEN), &trust,
                                  &why),
                     ERR_HSM_KEY_FOREIGN);
    desk.chain.ptr[chain.len - 1] ^= 1;
    assert_int_equal(auditor_make(&desk.enrolment, chain, &trust, &why), ERR_SIGNATURE_INVALID);
    desk.chain.ptr[chain.len - 1] ^= 1;
    be("pkcs11", desk.t.hardware);
    assert_int_equal(auditor_make(&desk.enrolment, chain, &trust, &why), ERR_HSM_KEY_FOREIGN);
    assert_null(trust.auditor.key);
}

/* Good records, under a chain that ends before their epoch, or of another gate. */
static void not_this_ledger(void **state)
{
    struct decide_auditor cut = {0}, other = {0};
    struct why why = {0};

    (void)state;
    be("pkcs11", desk.keys[0]);
    OK(auditor_make(&desk.enrolment, slice_part(buf_slice(&desk.chain), 0, HSM_CERT_LEN), &cut,
                    &why));
    assert_int_equal(audit(&cut), ERR_SIGNER_UNKNOWN);
    desk.enrolment.issuer = slice_str("dev.pawl:example.org/gate-2");
    OK(auditor_make(&desk.enrolment, buf_slice(&desk.chain), &other, &why));
    assert_int_equal(audit(&other), ERR_LEDGER_INCONSISTENT);
}

/* ---- what is well signed ----------------------------------------------------------------------
 */

/* A ledger as it was published last. */
struct published {
    struct buf entry, receipt; /* the last entry, and the receipt for it */
    struct checkpoint head;
};

static void published_free(struct published *p)
{
    buf_free(&p->entry);
    buf_free(&p->receipt);
}

static void publish(struct published *ret)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    struct why why = {0};

    OK(ledger_open(desk.dir, LEDGER_READ, &ledger, &why));
    ret->head = ledger_head(ledger).checkpoint;
    OK(ledger_entry(ledger, ret->head.size - 1, &ret->entry, &why));
    testing_receipt(&desk.t, ledger_tree(ledger), ret->head.size - 1, ret->head.size,
                    &ret->receipt);
}

/* What the auditor says to it, with a seal of so many certificates; 0: none at all. */
static err_code judge(const struct published *p, size_t certs)
{
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    CLEANUP(buf_free) struct buf bytes = {0};
    struct decide_auditor trust = {0};
    struct sealed sealed;
    struct why why = {0};

    if (certs > 0) {
        seal.kind = HW_SEAL_EPOCH_CHAIN;
        OK(buf_add_slice(&seal.statement,
                         slice_part(buf_slice(&desk.chain), 0, certs * HSM_CERT_LEN)));
    }
    OK(sealed_make(buf_slice(&p->receipt), &seal, &bytes, &why));
    OK(sealed_parse(buf_slice(&bytes), &sealed, &why));
    OK(auditor_make(&desk.enrolment, buf_slice(&desk.chain), &trust, &why));
    return trust.auditor.seal(&trust.auditor, &sealed, buf_slice(&p->entry), &p->head, &why);
}

static void seals_of_a_token(void **state)
{
    CLEANUP(published_free) struct published p = {0};

    (void)state;
    be("pkcs11", desk.keys[0]);
    publish(&p);
    assert_int_equal(judge(&p, 2), ERR_OK);
    assert_int_equal(judge(&p, 3), ERR_SIGNATURE_INVALID); /* epoch 9, the receipt says 7 */
    assert_int_equal(judge(&p, 1), ERR_SIGNATURE_INVALID);
    assert_int_equal(judge(&p, 0), ERR_PERMIT_INVALID);
    p.head.root.bytes[0] ^= 1; /* a checkpoint of another tree */
    assert_int_equal(judge(&p, 2), ERR_SIGNATURE_INVALID);
    p.head.root.bytes[0] ^= 1;
    p.head.size++;
    assert_int_equal(judge(&p, 2), ERR_SIGNATURE_INVALID);
    p.head.size--;
    desk.enrolment.issuer = slice_str("dev.pawl:example.org/gate-2");
    assert_int_equal(judge(&p, 2), ERR_SIGNATURE_INVALID);
    desk.enrolment.issuer = slice_str(TESTING_ISSUER);
    desk.snapshot.bytes[0] ^= 1; /* the token was stepped for another one than the receipt names */
    buf_cut(&desk.chain, 0);
    for (size_t i = 0; i < KEYS; i++)
        certify(i);
    assert_int_equal(judge(&p, 2), ERR_SIGNATURE_INVALID);
}

/* A TPM that cannot certify said so when it was enrolled; another one always does. */
static void seals_of_a_tpm(void **state)
{
    CLEANUP(published_free) struct published p = {0};

    (void)state;
    be("tpm", desk.t.hardware);
    publish(&p);
    desk.enrolment.hw.about.seals = false;
    assert_int_equal(judge(&p, 0), ERR_OK);
    assert_int_equal(judge(&p, 2), ERR_PERMIT_INVALID);
    desk.enrolment.hw.about.seals = true;
    assert_int_equal(judge(&p, 0), ERR_PERMIT_INVALID);
}

/* What the auditor says to a record, which is well signed; and what it calls it. */
static err_code judge_record(const struct record *record, enum audit_kind *ret)
{
    struct decide_auditor trust = {0};
    struct why why = {0};

    OK(auditor_make(&desk.enrolment, (struct slice){0}, &trust, &why));
    return trust.auditor.record(&trust.auditor, record, ret, &why);
}

static void certificates_of_a_session(void **state)
{
    CLEANUP(buf_free) struct buf entry = {0}, theirs = {0}, leaf = {0};
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    static struct record good, record;
    enum audit_kind kind;
    struct why why = {0};

    (void)state;
    be("tpm", desk.t.hardware);
    OK(ledger_open(desk.dir, LEDGER_READ, &ledger, &why));
    OK(ledger_entry(ledger, 0, &entry, &why));
    OK(record_parse(buf_slice(&entry), &good, &why));
    assert_int_equal(good.rotation.n_certs, 2);
    assert_int_equal(judge_record(&good, &kind), ERR_OK);

    record = good; /* another session's key */
    record.key = desk.keys[2]->key;
    assert_int_equal(judge_record(&record, &kind), ERR_CERT_CHAIN);
    assert_int_equal(kind, AUDIT_CERTIFICATE_INVALID);
    record = good; /* a good chain for this key, but by somebody else's */
    x509_test_device(desk.identity, 1, &theirs);
    x509_test_issue(desk.identity, buf_slice(&theirs), &good.key, "theirs", false, &leaf);
    record.rotation.certs[0] = buf_slice(&leaf);
    record.rotation.certs[1] = buf_slice(&theirs);
    assert_int_equal(judge_record(&record, &kind), ERR_CERT_CHAIN);
    record = good; /* not yet valid */
    record.action_ms -= 86400000;
    assert_int_equal(judge_record(&record, &kind), ERR_NOT_YET_VALID);
    record = good; /* the leaf, and nothing that issued it */
    record.rotation.n_certs = 1;
    assert_int_equal(judge_record(&record, &kind), ERR_CERT_CHAIN);
    record.rotation.n_certs = 0; /* certifies nothing: the hardware's signature has to do */
    assert_int_equal(judge_record(&record, &kind), ERR_OK);
}

static void a_record_of_another_enrolment(void **state)
{
    struct record record = {.kind = RECORD_ENROL};
    enum audit_kind kind;

    (void)state;
    be("tpm", desk.t.hardware);
    record.root = desk.enrolment.root;
    record.log_vkey = desk.enrolment.log;
    assert_int_equal(judge_record(&record, &kind), ERR_OK);
    record.root.bytes[0] ^= 1;
    assert_int_equal(judge_record(&record, &kind), ERR_ROOT_UNTRUSTED);
    assert_int_equal(kind, AUDIT_ENROLMENT_MISMATCH);
    record.root.bytes[0] ^= 1;
    record.log_vkey.len--;
    assert_int_equal(judge_record(&record, &kind), ERR_ROOT_UNTRUSTED);
    assert_int_equal(kind, AUDIT_ENROLMENT_MISMATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_a_tpm, setup, teardown),
        cmocka_unit_test_setup_teardown(of_a_token, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_chains, setup, teardown),
        cmocka_unit_test_setup_teardown(not_this_ledger, setup, teardown),
        cmocka_unit_test_setup_teardown(seals_of_a_token, setup, teardown),
        cmocka_unit_test_setup_teardown(seals_of_a_tpm, setup, teardown),
        cmocka_unit_test_setup_teardown(certificates_of_a_session, setup, teardown),
        cmocka_unit_test_setup_teardown(a_record_of_another_enrolment, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
