/* SPDX-License-Identifier: Apache-2.0 */
/* audit_given_test.c: what an auditor is given besides the log: disclosures, and keys of witnesses.
 */
#include "gate/ledger/audit_testing.h"
#include "gate/tlog/cosign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- disclosures ----------------------------------------------------------------------------- */

static struct buf disclosed;

/* Decisions do not say what determined them. */
static void redact(struct record *record)
{
    static const char *const PATHS[] = {"pawl.determining"};
    struct record_redact_order order = {
        .paths = PATHS, .n_paths = 1, .policy_id = slice_str("privacy"), .seed = {7}};
    struct why why = {0};

    if (record->kind != RECORD_DECISION)
        return;
    order.now_ms = record->action_ms;
    buf_free(&disclosed);
    if (record_redact(record, &order, &disclosed, &why) != ERR_OK)
        fail_msg("%s", why.text);
}

static void disclosures(void **state)
{
    struct lab *lab = lab_make();
    CLEANUP(buf_free) struct buf other = {0};
    struct audit_disclosed given[2] = {{.from = "one"}, {.from = "two"}};
    struct audit_job job = lab_job(lab);
    struct why why = {0};

    (void)state;
    lab->edit = redact;
    lab_session(lab, 4);
    lab->edit = NULL;
    lab_session(lab, 2); /* and some that hide nothing */
    lab_write(lab, lab->n);
    assert_true(disclosed.len > 0);
    assert_int_equal(record_disclosures_parse(buf_slice(&disclosed), &given[0].list, &why), ERR_OK);
    given[1].list = given[0].list;
    job.disclosed = given;
    job.n_disclosed = 2;
    lab_expect_job(job, AUDIT_NONE, NO_ENTRY, "");
    assert_int_equal(buf_add_slice(&other, given[1].list.items[0].value), ERR_OK);
    other.ptr[0] ^= 1;
    given[1].list.items[0].value = buf_slice(&other);
    lab_expect_job(job, AUDIT_DISCLOSURE_INVALID, NO_ENTRY, "two");
    given[1].list.items[0].value = given[0].list.items[0].value;
    given[1].list.items[1] = given[0].list.items[0]; /* half of it is of no record */
    given[1].list.items[1].path = slice_str("pawl.reason");
    given[1].list.n = 2;
    lab_expect_job(job, AUDIT_DISCLOSURE_INVALID, NO_ENTRY, "two");
    buf_free(&disclosed);
    lab_free(lab);
}

/* ---- witnesses ------------------------------------------------------------------------------- */

static struct note_key witness;
static struct hw_ed25519 witness_pair;

static err_code cosigned(const struct auditor *auditor, struct slice note, size_t *ret,
                         struct why *why)
{
    const struct lab *lab = auditor->context;
    const struct cosign_policy policy = {&lab->log, &witness, 1, 0};
    static struct cosign_verdict verdict;

    TRY(cosign_open(note, &policy, &verdict, why));
    *ret = verdict.n_good;
    return ERR_OK;
}

/* The checkpoint of so many entries, with the witness's line, as a file. */
static void cosign(const struct lab *lab, size_t size, const char *file, struct buf *ret)
{
    const struct note_signer log = {.key = &lab->log, .pair = &lab->log_key};
    const struct note_signer by = {.key = &witness, .pair = &witness_pair, .time = 1760000000};
    struct checkpoint head = lab_head(lab, size);
    CLEANUP(buf_free) struct buf line = {0};
    struct why why = {0};
    struct note note;

    buf_cut(ret, 0);
    assert_int_equal(checkpoint_note_make(&head, &log, ret, &why), ERR_OK);
    assert_int_equal(note_parse(buf_slice(ret), &note, &why), ERR_OK);
    assert_int_equal(note_sign(note.text, &by, &line, &why), ERR_OK);
    assert_int_equal(buf_add_slice(ret, buf_slice(&line)), ERR_OK);
    lab_put(lab, file, buf_slice(ret));
}

/* Another signature in the last line, and still one in base64. */
static void spoil(struct buf *note)
{
    uint8_t *letter = &note->ptr[note->len - 20];

    *letter = *letter == 'A' ? 'B' : 'A';
}

static void witnesses(void **state)
{
    struct lab *lab = lab_make(), *twin = lab_make();
    CLEANUP(buf_free) struct buf file = {0};
    struct audit_job job = lab_job(lab);
    struct audit_report report;
    struct why why = {0};

    (void)state;
    assert_int_equal(hw_ed25519_generate(&witness_pair, &why), ERR_OK);
    assert_int_equal(note_key_make(NOTE_COSIGNATURE, slice_str("witness.example"),
                                   witness_pair.public, &witness, &why),
                     ERR_OK);
    lab_session(lab, 4);
    lab_write(lab, lab->n);
    cosign(lab, lab->n - 2, "cosigned", &file);
    lab_good(&job, &report); /* nobody knows the witness */
    assert_int_equal(report.cosignatures, 0);
    lab->auditor.cosigned = cosigned;
    lab_good(&job, &report);
    assert_int_equal(report.cosignatures, 1);
    assert_int_equal(report.cosigned.size, lab->n - 2);

    spoil(&file);
    lab_put(lab, "cosigned", buf_slice(&file));
    lab_expect(lab, AUDIT_COSIGNATURE_INVALID, NO_ENTRY, "cosigned");
    cosign(lab, lab->n, "checkpoint", &file);
    cosign(lab, lab->n - 2, "cosigned", &file);
    lab_good(&job, &report);
    assert_int_equal(report.cosigned.size, lab->n);
    cosign(lab, lab->n, "checkpoint", &file);
    spoil(&file);
    lab_put(lab, "checkpoint", buf_slice(&file));
    lab_expect(lab, AUDIT_COSIGNATURE_INVALID, NO_ENTRY, "checkpoint");

    lab_write(lab, lab->n);
    file.ptr[2] ^= 1; /* what the log signed */
    lab_put(lab, "cosigned", buf_slice(&file));
    lab_expect(lab, AUDIT_CHECKPOINT_FORGED, NO_ENTRY, "cosigned");

    twin->log = lab->log; /* the log's key, and other entries */
    twin->log_key = lab->log_key;
    lab_session(twin, 4);
    cosign(twin, twin->n, "cosigned", &file);
    lab_put(lab, "cosigned", buf_slice(&file));
    lab_expect(lab, AUDIT_SPLIT_VIEW, NO_ENTRY, "cosigned");
    lab_session(twin, 4);
    cosign(twin, twin->n, "cosigned", &file);
    lab_put(lab, "cosigned", buf_slice(&file));
    lab_expect(lab, AUDIT_LOG_SHORTENED, lab->n, "cosigned");
    lab_free(twin);
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disclosures),
        cmocka_unit_test(witnesses),
    };

    return cmocka_run_group_tests_name("audit_given", tests, NULL, NULL);
}
