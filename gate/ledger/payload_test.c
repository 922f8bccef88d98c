/* SPDX-License-Identifier: Apache-2.0 */
/* payload_test.c: records that are hash envelopes, from being staged to being audited; and
 * pre-images that are gone, damaged, or nobody's. */
#include "gate/ledger/payload.h"

#include "gate/base/file.h"
#include "gate/ledger/audit_testing.h"
#include "gate/ledger/log_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static uint8_t cert[RECORD_CERT_MAX] = {0x30};

/* A record that is larger than an entry, its name below the log, and what stands there. */
struct large {
    struct buf entry, preimage;
    char name[PAYLOAD_NAME];
};

static void large_free(struct large *large)
{
    buf_free(&large->entry);
    buf_free(&large->preimage);
}

/* The only kind that the format lets grow so large, with certificates that no gate has. */
static void make_large(struct testing *t, uint64_t round, struct large *ret)
{
    CLEANUP(record_draft_free) struct record_draft draft = {0};
    struct record_link link = {0};
    struct record *record;
    struct digest hash;
    struct why why = {0};

    testing_new_session(t);
    record = testing_record(t, RECORD_KEY_ROTATION, NULL, &link);
    record->round = round;
    record->rotation.n_certs = RECORD_CERTS_MAX;
    for (size_t i = 0; i < RECORD_CERTS_MAX; i++)
        record->rotation.certs[i] = SLICE_OF(cert);
    assert_int_equal(record_prepare(&t->hardware->key, record, &draft, &why), ERR_OK);
    assert_int_equal(record_sign(t->hardware, &draft, &ret->entry, &why), ERR_OK);
    assert_true(draft.preimage.len > RECORD_SIZE_MAX);
    ret->preimage = buf_take(&draft.preimage);
    assert_int_equal(hash_sha256(buf_slice(&ret->preimage), &hash), ERR_OK);
    payload_name(&hash, ret->name);
    t->now_ms += 3;
    free(record);
}

static void path_of(const char *dir, const char *name, char ret[static 192])
{
    (void)snprintf(ret, 192, "%s/%s", dir, name);
}

/* ---- the ledger ------------------------------------------------------------------------------ */

struct place {
    struct testing t;
    char dir[64], log[80], file[192];
    struct large large;
    struct ledger *ledger;
    struct why why;
};

#define GOOD(call)                                                                                 \
    do {                                                                                           \
        err_code got_ = (call);                                                                    \
        if (got_ != ERR_OK)                                                                        \
            fail_msg("%s: %s: %s", #call, err_name(got_), p->why.text);                            \
    } while (0)

/* An empty ledger, and a record that is too large for an entry. */
static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);

    assert_non_null(p);
    testing_init(&p->t);
    testing_dir(p->dir, sizeof p->dir);
    (void)snprintf(p->log, sizeof p->log, "%s/ledger", p->dir);
    make_large(&p->t, 1, &p->large);
    path_of(p->log, p->large.name, p->file);
    GOOD(ledger_open(p->dir, LEDGER_CREATE, &p->ledger, &p->why));
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;

    ledger_close(&p->ledger);
    large_free(&p->large);
    testing_free(&p->t);
    testing_remove(p->dir);
    free(p);
    return 0;
}

static err_code stage(struct place *p)
{
    return ledger_stage_whole(p->ledger, buf_slice(&p->large.entry), buf_slice(&p->large.preimage),
                              &p->why);
}

static void reopen(struct place *p)
{
    ledger_close(&p->ledger);
    GOOD(ledger_open(p->dir, LEDGER_APPEND, &p->ledger, &p->why));
}

static void holds(const char *path, struct slice want)
{
    CLEANUP(buf_free) struct buf got = {0};

    testing_read(path, &got);
    assert_true(slice_eq(buf_slice(&got), want));
}

static void lives_beside_the_log(void **state)
{
    struct place *p = *state;
    CLEANUP(log_reader_close) struct log_reader *reader = NULL;
    struct record *record = calloc(1, sizeof *record);
    uint64_t time;

    assert_non_null(record);
    GOOD(stage(p));
    holds(p->file, buf_slice(&p->large.preimage)); /* before the record is anywhere */
    assert_int_equal(ledger_size(p->ledger), 0);
    GOOD(testing_stage_one(&p->t, p->ledger, RECORD_START, NULL, NULL));
    GOOD(ledger_commit(p->ledger, 1, &p->why));
    for (int folded = 0; folded < 2; folded++) {
        reopen(p);
        assert_int_equal(ledger_size(p->ledger), 2);
        GOOD(ledger_time(p->ledger, 0, &time, &p->why));
        assert_true(time > 0 && time < p->t.now_ms);
        GOOD(log_reader_open(p->log, &reader, &p->why));
        GOOD(log_reader_record(reader, 0, record, &p->why));
        assert_true(record->enveloped && record->kind == RECORD_KEY_ROTATION);
        assert_int_equal(record->rotation.n_certs, RECORD_CERTS_MAX);
        assert_true(slice_eq(record->rotation.certs[7], SLICE_OF(cert)));
        log_reader_close(&reader);
        GOOD(ledger_fold(p->ledger, &p->why));
    }
    ledger_close(&p->ledger);
    GOOD(ledger_rebuild(p->dir, NULL, &p->why));
    free(record);
}

/* A batch that is given up, or killed: what it left is nobody's, and in nobody's way. */
static void an_orphan_is_harmless(void **state)
{
    struct place *p = *state;

    GOOD(stage(p));
    ledger_abandon(p->ledger);
    reopen(p);
    assert_int_equal(ledger_size(p->ledger), 0);
    holds(p->file, buf_slice(&p->large.preimage));
    testing_write(p->file, slice_str("torn")); /* and is made good when it is somebody's */
    GOOD(stage(p));
    holds(p->file, buf_slice(&p->large.preimage));
    GOOD(testing_stage_one(&p->t, p->ledger, RECORD_START, NULL, NULL));
    GOOD(ledger_commit(p->ledger, 1, &p->why));
    reopen(p);
    assert_int_equal(ledger_size(p->ledger), 2);
}

static void not_stored_and_so_not_staged(void **state)
{
    struct place *p = *state;
    char path[192];

    path_of(p->log, "payload", path);
    testing_write(path, slice_str("in the way"));
    assert_int_equal(stage(p), ERR_STORAGE);
    GOOD(ledger_commit(p->ledger, 1, &p->why));
    assert_int_equal(ledger_size(p->ledger), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ledger_stage(p->ledger, buf_slice(&p->large.entry), &p->why),
                     ERR_PREIMAGE_MISSING);
    p->large.preimage.ptr[100] ^= 1;
    assert_int_equal(stage(p), ERR_FORMAT);
    p->large.preimage.ptr[100] ^= 1;
    assert_int_equal(access(path, F_OK), -1); /* judged before it is kept */
    GOOD(stage(p));
}

static void refused(struct place *p, const char *words)
{
    struct ledger *ledger = NULL;

    assert_int_equal(ledger_open(p->dir, LEDGER_READ, &ledger, &p->why), ERR_LEDGER_INCONSISTENT);
    assert_non_null(strstr(p->why.text, "entry 0"));
    assert_non_null(strstr(p->why.text, p->large.name));
    if (strstr(p->why.text, words) == NULL)
        fail_msg("%s: not in: %s", words, p->why.text);
}

static void gone_or_damaged(void **state)
{
    static uint8_t longer[RECORD_PREIMAGE_MAX + 1];
    struct place *p = *state;

    GOOD(stage(p));
    GOOD(testing_stage_one(&p->t, p->ledger, RECORD_START, NULL, NULL));
    GOOD(ledger_commit(p->ledger, 1, &p->why));
    ledger_close(&p->ledger);
    testing_write(p->file, SLICE_OF(longer));
    refused(p, "more than 1048576 bytes");
    testing_write(p->file, slice_str("other"));
    refused(p, "sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa, and not");
    assert_int_equal(unlink(p->file), 0);
    refused(p, "is not there");
    testing_write(p->file, buf_slice(&p->large.preimage));
    GOOD(ledger_open(p->dir, LEDGER_READ, &p->ledger, &p->why));
}

/* ---- the audit ------------------------------------------------------------------------------- */

/* A log whose first session is introduced by such a record. */
static struct lab *make_lab(struct large *large)
{
    struct lab *lab = lab_make();
    struct record *record = calloc(1, sizeof *record);
    struct why why = {0};

    assert_non_null(record);
    make_large(&lab->t, lab_round(lab), large);
    assert_int_equal(buf_add_slice(&lab->entries[0], buf_slice(&large->entry)), ERR_OK);
    assert_int_equal(payload_store(lab->dir, buf_slice(&large->preimage), &why), ERR_OK);
    assert_int_equal(
        record_parse_whole(buf_slice(&large->entry), buf_slice(&large->preimage), record, &why),
        ERR_OK);
    assert_int_equal(succession_take(&lab->chain, record, &why), ERR_OK);
    succession_settle(&lab->chain);
    lab->n = 1;
    lab_add(lab, RECORD_START, NULL);
    lab_add(lab, RECORD_BUMP, NULL);
    lab_add(lab, RECORD_INSTALL, NULL);
    lab_commit(lab);
    for (int i = 0; i < 3; i++) {
        lab_add(lab, RECORD_ATTEMPT, "agent-1");
        lab_add(lab, RECORD_DECISION, "agent-1");
        lab_commit(lab);
    }
    lab_write(lab, lab->n);
    free(record);
    return lab;
}

static void expect(struct lab *lab, enum audit_kind kind, const char *file)
{
    struct audit_job job = lab_job(lab);

    lab_expect_job(job, kind, kind == AUDIT_NONE ? NO_ENTRY : 0, file);
    job.thorough = false;
    lab_expect_job(job, kind, kind == AUDIT_NONE ? NO_ENTRY : 0, file);
}

static void audited(void **state)
{
    CLEANUP(large_free) struct large large = {0};
    struct lab *lab = make_lab(&large);
    char path[192], other[192];

    (void)state;
    path_of(lab->dir, large.name, path);
    expect(lab, AUDIT_NONE, "");
    path_of(lab->dir, "payload/orphan", other);
    testing_write(other, slice_str("nobody's")); /* of a batch that was killed */
    expect(lab, AUDIT_NONE, "");
    for (size_t at = 0; at < large.preimage.len; at += 9973) {
        large.preimage.ptr[at] ^= 0x10;
        testing_write(path, buf_slice(&large.preimage));
        expect(lab, AUDIT_PREIMAGE_DAMAGED, large.name);
        large.preimage.ptr[at] ^= 0x10;
    }
    testing_write(path, slice_part(buf_slice(&large.preimage), 0, large.preimage.len - 1));
    expect(lab, AUDIT_PREIMAGE_DAMAGED, large.name);
    assert_int_equal(unlink(path), 0);
    expect(lab, AUDIT_PREIMAGE_MISSING, large.name);
    lab_free(lab);
}

/* The signature is over the hash, and is judged like any other. */
static void signed_by_another(void **state)
{
    CLEANUP(large_free) struct large large = {0};
    struct lab *lab = make_lab(&large);

    (void)state;
    lab->entries[0].ptr[lab->entries[0].len - 1] ^= 1;
    lab_write(lab, lab->n);
    expect(lab, AUDIT_SIGNATURE_INVALID, "");
    lab_free(lab);
}

static void of_a_session(void **state)
{
    (void)state;
    for (size_t before = 0; before < 2; before++) {
        CLEANUP(large_free) struct large large = {0};
        struct lab *lab = lab_make();
        struct audit_job job = lab_job(lab);
        char path[192];
        size_t at;

        lab_session(lab, 2);
        for (size_t i = 0; i < before; i++)
            lab_add(lab, RECORD_APPROVAL, NULL);
        at = lab->n;
        lab_add_envelope(lab, &large.preimage, large.name);
        lab_commit(lab);
        lab_write(lab, lab->n);
        expect(lab, AUDIT_NONE, "");
        path_of(lab->dir, large.name, path);
        assert_int_equal(unlink(path), 0);
        lab_expect_job(job, AUDIT_PREIMAGE_MISSING, at, large.name);
        testing_write(path, slice_str("other"));
        lab_expect_job(job, AUDIT_PREIMAGE_DAMAGED, at, large.name);
        testing_write(path, buf_slice(&large.preimage));
        lab->entries[at].ptr[lab->entries[at].len - 1] ^= 1;
        lab_write(lab, lab->n);
        lab_expect_job(job, AUDIT_SIGNATURE_INVALID, at, "");
        lab_free(lab);
    }
}

#define LEDGER(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER(lives_beside_the_log),
        LEDGER(an_orphan_is_harmless),
        LEDGER(not_stored_and_so_not_staged),
        LEDGER(gone_or_damaged),
        cmocka_unit_test(audited),
        cmocka_unit_test(signed_by_another),
        cmocka_unit_test(of_a_session),
    };

    return cmocka_run_group_tests_name("payload", tests, NULL, NULL);
}
