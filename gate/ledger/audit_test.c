/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cose/cose_key.h"
#include "gate/ledger/audit.h"
#include "gate/ledger/ledger_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define DECISIONS 3
#define ENTRIES (TESTING_SIZE(DECISIONS) + 6) /* with append_more() */

struct setting {
    struct testing t;
    char dir[64];
    struct ledger_trust trust; /* in the hardware key of t */
    struct permit permit;
};

/* The auditor knows one hardware key. */
static err_code key_of(const struct ledger_trust *trust, const struct digest *kid, uint64_t epoch,
                       struct hw_pubkey *ret, struct why *why)
{
    const struct setting *s = trust->context;
    struct digest known;

    TRY(cose_key_thumbprint(&s->t.hardware->key, &known));
    if (!digest_eq(&known, kid) || epoch != 7)
        return why_say(why, ERR_SIGNER_UNKNOWN, "not the hardware's key");
    *ret = s->t.hardware->key;
    return ERR_OK;
}

static int set_up(void **state)
{
    struct setting *s = calloc(1, sizeof *s);

    assert_non_null(s);
    testing_init(&s->t);
    testing_dir(s->dir, sizeof s->dir);
    testing_ledger(&s->t, s->dir, DECISIONS);
    s->trust = (struct ledger_trust){.key = key_of, .context = s};
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *s = *state;

    permit_free(&s->permit);
    testing_free(&s->t);
    testing_remove(s->dir);
    free(s);
    return 0;
}

static struct ledger *opened(const char *path, enum ledger_mode mode)
{
    struct ledger *ledger = NULL;
    struct why why = {0};

    if (ledger_open(path, mode, &ledger, &why) != ERR_OK)
        fail_msg("%s", why.text);
    return ledger;
}

/* A second session, with a denial and the gate's own events. */
static void append_more(struct setting *s)
{
    CLEANUP(ledger_close) struct ledger *ledger = opened(s->dir, LEDGER_APPEND);
    CLEANUP(buf_free) struct buf bytes = {0};
    struct record_link link, next;
    char attempt[RECORD_UUID_TEXT];
    struct record *denial;
    struct why why = {0};

    s->t.now_ms += 60000;
    testing_new_session(&s->t);
    assert_int_equal(testing_stage(&s->t, ledger, RECORD_KEY_ROTATION, NULL), ERR_OK);
    assert_int_equal(testing_stage(&s->t, ledger, RECORD_ENROL, NULL), ERR_OK);
    assert_int_equal(testing_stage(&s->t, ledger, RECORD_INSTALL, NULL), ERR_OK);
    assert_int_equal(testing_stage_one(&s->t, ledger, RECORD_ATTEMPT, "agent-1", NULL), ERR_OK);
    memcpy(attempt, s->t.record_id, sizeof attempt);
    assert_int_equal(ledger_link(ledger, slice_str("agent-1"), &link, &why), ERR_OK);
    denial = testing_record(&s->t, RECORD_DECISION, "agent-1", &link);
    denial->decision.attempt = slice_str(attempt);
    denial->decision.permit = false;
    denial->decision.reason = slice_str("DENIED");
    testing_signed(&s->t, denial, &bytes, &next);
    free(denial);
    assert_int_equal(ledger_stage(ledger, buf_slice(&bytes), &why), ERR_OK);
    assert_int_equal(testing_commit(ledger, &why), ERR_OK);
}

static void a_good_ledger(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    struct ledger_report report;
    struct checkpoint head;
    struct why why = {0};

    append_more(s);
    ledger = opened(s->dir, LEDGER_READ);
    if (ledger_audit(ledger, &s->trust, &report, &why) != ERR_OK)
        fail_msg("%s", why.text);
    assert_int_equal(ledger_checkpoint(ledger, &head), ERR_OK);
    assert_memory_equal(&report.checkpoint, &head, sizeof head);
    assert_int_equal(head.size, ENTRIES);
    assert_int_equal(report.permits, DECISIONS);
    assert_int_equal(report.denials, 1);
    assert_int_equal(report.rotations, 2);
    assert_int_equal(report.installs, 1);
    assert_int_equal(report.enrolments, 1);
    assert_int_equal(report.first_ms, TESTING_T0);
    assert_int_equal(report.last_ms, s->t.now_ms);
    s->trust.issuer = slice_str(TESTING_ISSUER);
    assert_int_equal(ledger_audit(ledger, &s->trust, &report, &why), ERR_OK);
    s->trust.issuer = slice_str("dev.pawl:example.org/gate-2");
    assert_int_equal(ledger_audit(ledger, &s->trust, &report, &why), ERR_LEDGER_INCONSISTENT);
}

/* Opening judges no signature; an audit judges each of them. */
static void a_spoilt_signature_of_each_entry(void **state)
{
    struct setting *s = *state;
    append_more(s);
    for (size_t n = 0; n < ENTRIES; n++) {
        CLEANUP(ledger_close) struct ledger *ledger = NULL;
        struct ledger_report report = {.permits = 99};
        struct why why = {0};
        char entry[32], path[96];

        (void)snprintf(path, sizeof path, "%s/%zu", s->dir, n);
        testing_copy(s->dir, path, ENTRIES, n);
        ledger = opened(path, LEDGER_READ);
        assert_int_equal(ledger_audit(ledger, &s->trust, &report, &why), ERR_SIGNATURE_INVALID);
        (void)snprintf(entry, sizeof entry, "entry %zu:", n);
        assert_memory_equal(why.text, entry, strlen(entry));
        assert_int_equal(report.permits, 99); /* written only on success */
    }
}

static void a_key_nobody_knows(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = opened(s->dir, LEDGER_READ);
    struct ledger_report report;
    struct why why = {0};

    hw_signer_close(&s->t.hardware);
    assert_int_equal(hw_signer_generate(HW_ES256, &s->t.hardware, &why), ERR_OK);
    assert_int_equal(ledger_audit(ledger, &s->trust, &report, &why), ERR_SIGNER_UNKNOWN);
}

/* Takes a permit for entry 2, of the ledger as it is. */
static void take_permit(struct setting *s, struct buf *bytes)
{
    struct why why = {0};

    testing_permit(&s->t, s->dir, TESTING_DECISION(1), bytes);
    assert_int_equal(permit_parse(buf_slice(bytes), &s->permit, &why), ERR_OK);
}

static void a_permit_keeps_the_ledger_honest(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct why why = {0};
    struct testing other;
    char path[96];

    take_permit(s, &bytes);
    ledger = opened(s->dir, LEDGER_READ);
    assert_int_equal(ledger_check_permit(ledger, &s->permit, &s->trust, &why), ERR_OK);
    ledger_close(&ledger);
    append_more(s);
    ledger = opened(s->dir, LEDGER_READ);
    assert_int_equal(ledger_check_permit(ledger, &s->permit, &s->trust, &why), ERR_OK);
    ledger_close(&ledger);

    /* an entry less than there were */
    (void)snprintf(path, sizeof path, "%s/shorter", s->dir);
    testing_copy(s->dir, path, TESTING_SIZE(DECISIONS) - 1, TESTING_WHOLE);
    ledger = opened(path, LEDGER_READ);
    assert_int_equal(ledger_check_permit(ledger, &s->permit, &s->trust, &why),
                     ERR_LEDGER_INCONSISTENT);
    ledger_close(&ledger);

    /* another ledger, as long, of the same hardware */
    (void)snprintf(path, sizeof path, "%s/other", s->dir);
    other = s->t;
    other.now_ms = TESTING_T0;
    assert_int_equal(mkdir(path, 0700), 0);
    testing_ledger(&other, path, DECISIONS);
    ledger = opened(path, LEDGER_READ);
    assert_int_equal(ledger_check_permit(ledger, &s->permit, &s->trust, &why),
                     ERR_LEDGER_INCONSISTENT);
}

static void a_permit_that_proves_nothing(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = opened(s->dir, LEDGER_READ);
    CLEANUP(buf_free) struct buf bytes = {0};
    struct why why = {0};

    take_permit(s, &bytes);
    s->permit.receipt.path.hashes[0].bytes[0] ^= 1;
    assert_int_equal(ledger_check_permit(ledger, &s->permit, &s->trust, &why),
                     ERR_SIGNATURE_INVALID);
    s->permit.receipt.path.hashes[0].bytes[0] ^= 1;
    s->permit.receipt.epoch = 8; /* in which the key was not in use */
    assert_int_equal(ledger_check_permit(ledger, &s->permit, &s->trust, &why), ERR_SIGNER_UNKNOWN);
}

#define WITH_SETTING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SETTING(a_good_ledger),
        WITH_SETTING(a_spoilt_signature_of_each_entry),
        WITH_SETTING(a_key_nobody_knows),
        WITH_SETTING(a_permit_keeps_the_ledger_honest),
        WITH_SETTING(a_permit_that_proves_nothing),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
