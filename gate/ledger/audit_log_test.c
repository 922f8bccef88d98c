/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/audit_testing.h"
#include "gate/ledger/log_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Of the common log: a full tile and a partial one, two sessions. */
#define COMMITTED 302
#define DECISIONS 149

static struct lab *two_sessions(void)
{
    struct lab *lab = lab_make();

    lab_session(lab, 20);
    lab_session(lab, DECISIONS - 20);
    lab->folded = 280;
    lab_write(lab, lab->n);
    return lab;
}

static int set_up(void **state)
{
    *state = two_sessions();
    return 0;
}

static int tear_down(void **state)
{
    lab_free(*state);
    return 0;
}

static void a_good_log(void **state)
{
    const struct lab *lab = *state;
    struct checkpoint head = lab_head(lab, lab->n);
    struct audit_job job = lab_job(lab);

    for (int thorough = 0; thorough < 2; thorough++) {
        struct audit_report report;

        job.thorough = thorough != 0;
        lab_good(&job, &report);
        assert_int_equal(report.head.size, COMMITTED);
        assert_memory_equal(&report.head, &head, sizeof head);
        assert_memory_equal(&report.published, &head, sizeof head);
        assert_int_equal(report.read, COMMITTED);
        assert_int_equal(report.kinds[RECORD_DECISION], DECISIONS - 1);
        assert_int_equal(report.kinds[RECORD_ATTEMPT], DECISIONS - 1);
        assert_int_equal(report.kinds[RECORD_INSTALL], 1);
        assert_int_equal(report.permits, DECISIONS - 1);
        assert_int_equal(report.kinds[RECORD_KEY_ROTATION], 2);
        assert_int_equal(report.interrupted, 1);
        assert_int_equal(report.findings, 0);
        assert_true(report.sealed && report.journal && report.running);
    }
}

static void saw(void *context, uint64_t done, uint64_t of)
{
    uint64_t *last = context;

    assert_true(done > *last && done <= of);
    assert_int_equal(of, COMMITTED);
    *last = done;
}

static void how_far_it_is(void **state)
{
    struct audit_job job = lab_job(*state);
    struct audit_report report;
    uint64_t last = 0;

    job.progress = saw;
    job.context = &last;
    lab_good(&job, &report);
    assert_int_equal(last, COMMITTED);
}

static void sound(const struct lab *lab)
{
    lab_expect(lab, AUDIT_NONE, NO_ENTRY, "");
}

/* ---- entries moved about in one bundle, all other files untouched ---------------------------- */

static struct buf take_entry(struct lab *lab, size_t at)
{
    struct buf entry = lab->entries[at];

    memmove(&lab->entries[at], &lab->entries[at + 1], (lab->n - at - 1) * sizeof entry);
    lab->entries[--lab->n] = (struct buf){0};
    return entry;
}

static void give_entry(struct lab *lab, size_t at, struct buf entry)
{
    memmove(&lab->entries[at + 1], &lab->entries[at], (lab->n - at) * sizeof entry);
    lab->entries[at] = entry;
    lab->n++;
}

static void swap_entries(struct lab *lab, size_t i, size_t j)
{
    struct buf entry = lab->entries[i];

    lab->entries[i] = lab->entries[j];
    lab->entries[j] = entry;
}

static void put_first_bundle(const struct lab *lab, size_t n)
{
    CLEANUP(buf_free) struct buf bundle = {0};

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(buf_add_u16(&bundle, (uint16_t)lab->entries[i].len), ERR_OK);
        assert_int_equal(buf_add_slice(&bundle, buf_slice(&lab->entries[i])), ERR_OK);
    }
    lab_put(lab, "tile/entries/000", buf_slice(&bundle));
}

static void copy_of(const struct buf *entry, struct buf *ret)
{
    assert_int_equal(buf_add_slice(ret, buf_slice(entry)), ERR_OK);
}

static void a_bundle_that_was_edited(void **state)
{
    static const char BUNDLE[] = "tile/entries/000";
    struct lab *lab = *state;
    struct buf entry, copy = {0};

    entry = take_entry(lab, 100);
    put_first_bundle(lab, 255);
    lab_expect(lab, AUDIT_ENTRY_MISSING, 100, BUNDLE);
    put_first_bundle(lab, 256); /* one of the next moves up */
    lab_expect(lab, AUDIT_ENTRY_MISSING, 100, BUNDLE);
    give_entry(lab, 100, entry);

    copy_of(&lab->entries[100], &copy);
    give_entry(lab, 101, copy);
    put_first_bundle(lab, 257);
    lab_expect(lab, AUDIT_ENTRY_REPEATED, 101, BUNDLE);
    put_first_bundle(lab, 256);
    lab_expect(lab, AUDIT_ENTRY_REPEATED, 101, BUNDLE);
    entry = take_entry(lab, 101);
    buf_free(&entry);

    swap_entries(lab, 7, 200);
    put_first_bundle(lab, 256);
    lab_expect(lab, AUDIT_ENTRIES_SWAPPED, 7, BUNDLE);
    swap_entries(lab, 7, 200);

    swap_entries(lab, 50, 280);
    put_first_bundle(lab, 256);
    lab_expect(lab, AUDIT_ENTRY_CHANGED, 50, BUNDLE);
    swap_entries(lab, 50, 280);

    put_first_bundle(lab, 30);
    lab_expect(lab, AUDIT_BUNDLE_DAMAGED, 30, BUNDLE);
    put_first_bundle(lab, 256);
    sound(lab);
}

/* ---- files that are gone --------------------------------------------------------------------- */

static void remove_file(const struct lab *lab, const char *name, struct buf *ret)
{
    char path[160];

    lab_read(lab, name, ret);
    (void)snprintf(path, sizeof path, "%s/%s", lab->dir, name);
    assert_int_equal(unlink(path), 0);
}

static void files_that_are_gone(void **state)
{
    static const struct {
        const char *name;
        enum audit_kind kind;
        uint64_t index;
    } FILES[] = {
        {"checkpoint", AUDIT_CHECKPOINT_DAMAGED, NO_ENTRY},
        {"seal", AUDIT_SEAL_DAMAGED, NO_ENTRY},
        {"tile/entries/000", AUDIT_BUNDLE_MISSING, 0},
        {"tile/entries/001.p/46", AUDIT_LOG_SHORTENED, 256},
        {"tile/0/000", AUDIT_TILE_MISSING, 0},
        {"tile/0/001.p/46", AUDIT_TILE_MISSING, 256},
        {"tile/1/000.p/1", AUDIT_TILE_MISSING, 0},
    };
    const struct lab *lab = *state;
    struct audit_job own = lab_job(lab);
    struct buf content = {0};

    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        remove_file(lab, FILES[i].name, &content);
        lab_expect(lab, FILES[i].kind, FILES[i].index, FILES[i].name);
        lab_put(lab, FILES[i].name, buf_slice(&content));
        buf_cut(&content, 0);
    }
    remove_file(lab, "journal", &content); /* a copy has none */
    sound(lab);
    own.own = true;
    lab_expect_job(own, AUDIT_JOURNAL_DAMAGED, NO_ENTRY, "journal");
    remove_file(lab, "tile/entries/001.p/46", &content);
    lab_expect(lab, AUDIT_LOG_SHORTENED, 256, "tile/entries/001.p/46");
    buf_free(&content);
}

/* ---- a forger who makes every hash anew, but has no key -------------------------------------- */

static void forge(struct lab *lab)
{
    CLEANUP(buf_free) struct buf checkpoint = {0}, seal = {0};

    lab_read(lab, "checkpoint", &checkpoint);
    lab_read(lab, "seal", &seal);
    testing_remove(lab->dir);
    lab_write_forged(lab, lab->n);
    lab_put(lab, "checkpoint", buf_slice(&checkpoint));
    lab_put(lab, "seal", buf_slice(&seal));
}

static void every_hash_made_anew(void **state)
{
    struct lab *lab = *state;
    struct buf entry, copy = {0};
    struct audit_job job;

    lab->folded = SIZE_MAX;       /* no journal */
    entry = take_entry(lab, 101); /* an outcome; its agent's next was entry 106 */
    forge(lab);
    lab_expect(lab, AUDIT_SEQUENCE_GAP, 105, "");
    give_entry(lab, 101, entry);

    swap_entries(lab, 100, 101);
    forge(lab);
    lab_expect(lab, AUDIT_SEQUENCE_GAP, 100, "");
    swap_entries(lab, 100, 101);

    swap_entries(lab, 101, 102); /* of two agents */
    forge(lab);
    lab_expect(lab, AUDIT_TIME_BACK, 102, "");
    swap_entries(lab, 101, 102);

    copy_of(&lab->entries[100], &copy);
    give_entry(lab, 101, copy);
    forge(lab);
    lab_expect(lab, AUDIT_SEQUENCE_GAP, 101, "");
    entry = take_entry(lab, 101);
    buf_free(&entry);

    lab->entries[100].ptr[lab->entries[100].len - 1] ^= 1; /* in its signature */
    forge(lab);
    lab_expect(lab, AUDIT_SIGNATURE_INVALID, 100, "");
    job = lab_job(lab);
    job.thorough = false; /* nobody signed for that root */
    lab_expect_job(job, AUDIT_ROOT_MISMATCH, NO_ENTRY, "checkpoint");
    lab->entries[100].ptr[lab->entries[100].len - 1] ^= 1;
    forge(lab);
    sound(lab);
}

static void a_log_that_was_cut(void **state)
{
    struct lab *whole = *state;
    CLEANUP(buf_free) struct buf checkpoint = {0}, seal = {0}, journal = {0};
    size_t n = whole->n;

    lab_read(whole, "checkpoint", &checkpoint);
    lab_read(whole, "seal", &seal);
    testing_remove(whole->dir);
    whole->n_commits -= 3;
    whole->n = whole->commits[whole->n_commits - 1];
    lab_write(whole, whole->n);
    sound(whole); /* nobody can tell from the copy alone */

    lab_put(whole, "checkpoint", buf_slice(&checkpoint));
    lab_put(whole, "seal", buf_slice(&seal));
    lab_expect(whole, AUDIT_LOG_SHORTENED, whole->n, "journal");
    lab_read(whole, "journal", &journal);
    remove_file(whole, "journal", &journal);
    lab_expect(whole, AUDIT_LOG_SHORTENED, whole->n, "tile/entries/001.p/46");
    whole->n = n; /* for who frees them */
}

/* ---- a journal whose last commit was interrupted ----------------------------------------------
 */

/* Where the last frame of a journal begins, and the one before it. */
static void last_frames(struct slice journal, size_t ret[static 2])
{
    size_t at = 96;

    while (at < journal.len) {
        struct reader r = reader_of(slice_part(journal, at, 4));

        ret[0] = ret[1];
        ret[1] = at;
        at += 4 + reader_u32(&r);
    }
    assert_int_equal(at, journal.len);
}

static void torn(const struct lab *lab, struct slice journal, size_t at)
{
    struct audit_job job = lab_job(lab);
    struct log_reader *reader = NULL;
    struct audit_report report;
    struct slice entry;
    struct why why = {0};

    lab_put(lab, "journal", journal);
    lab_good(&job, &report);
    assert_int_equal(report.head.size, COMMITTED - 2);
    assert_int_equal(report.torn, journal.len - at);
    assert_int_equal(log_reader_open(lab->dir, &reader, &why), ERR_OK);
    assert_int_equal(log_reader_size(reader), COMMITTED - 2);
    assert_int_equal(log_reader_entry(reader, COMMITTED - 3, &entry, &why), ERR_OK);
    log_reader_close(&reader);
}

static void unreadable(const struct lab *lab, struct slice journal)
{
    struct log_reader *reader = NULL;
    struct why why = {0};

    lab_put(lab, "journal", journal);
    assert_int_equal(log_reader_open(lab->dir, &reader, &why), ERR_LEDGER_INCONSISTENT);
}

/* Whatever of it reached the disk: as long as nobody was told of it. */
static void the_last_frame_is_torn(void **state)
{
    struct lab *lab = *state;
    CLEANUP(buf_free) struct buf journal = {0};
    size_t frames[2] = {0};

    testing_remove(lab->dir);
    lab_write(lab, COMMITTED - 2);
    lab_read(lab, "journal", &journal);
    last_frames(buf_slice(&journal), frames);
    for (size_t len = frames[1] + 1; len < journal.len; len += 13)
        torn(lab, slice_part(buf_slice(&journal), 0, len), frames[1]);
    for (size_t at = frames[1]; at < journal.len; at += 13) { /* some of its pages */
        journal.ptr[at] ^= 0x10;
        torn(lab, buf_slice(&journal), frames[1]);
        journal.ptr[at] ^= 0x10;
    }
    memset(journal.ptr + frames[1] + 56, 0, journal.len - frames[1] - 56 - 32); /* its entries */
    torn(lab, buf_slice(&journal), frames[1]);
}

/* In the front of a frame, whose first entry is index, and so much more of it. */
static void damaged_at_each(const struct lab *lab, struct buf *journal, size_t frame,
                            uint64_t index, size_t more)
{
    for (size_t at = frame; at < frame + 56 + more; at += 13) {
        journal->ptr[at] ^= 0x10;
        lab_put(lab, "journal", buf_slice(journal));
        lab_expect(lab, AUDIT_JOURNAL_DAMAGED, index, "journal");
        journal->ptr[at] ^= 0x10;
    }
}

static void a_frame_that_was_promised(void **state)
{
    struct lab *lab = *state;
    CLEANUP(buf_free) struct buf journal = {0};
    size_t frames[2] = {0};

    lab_read(lab, "journal", &journal);
    last_frames(buf_slice(&journal), frames);
    damaged_at_each(lab, &journal, frames[1], COMMITTED - 2, 2 + lab->entries[COMMITTED - 2].len);
    for (size_t len = frames[1] + 1; len < journal.len; len += 97) {
        unreadable(lab, slice_part(buf_slice(&journal), 0, len));
        lab_expect(lab, AUDIT_JOURNAL_DAMAGED, COMMITTED - 2, "journal");
    }
    unreadable(lab, slice_part(buf_slice(&journal), 0, frames[1]));
    lab_expect(lab, AUDIT_LOG_SHORTENED, COMMITTED - 2, "journal");
}

/* Nobody was told of it, but something follows: that was no interrupted write. */
static void a_frame_in_the_middle(void **state)
{
    struct lab *lab = *state;
    CLEANUP(buf_free) struct buf journal = {0};
    size_t frames[2] = {0};

    testing_remove(lab->dir);
    lab_session(lab, 0); /* killed before it published its last commit */
    lab_write(lab, COMMITTED - 2);
    sound(lab);
    lab_read(lab, "journal", &journal);
    last_frames(buf_slice(&journal), frames);
    damaged_at_each(lab, &journal, frames[0], COMMITTED - 2, 0);
}

/* ---- what others saw ------------------------------------------------------------------------- */

static struct lab *twin_of(const struct lab *lab)
{
    struct lab *twin = lab_make();

    hw_signer_close(&twin->t.hardware); /* the same gate: the same hardware, the same log */
    twin->t.hardware = lab->t.hardware;
    twin->log_key = lab->log_key;
    twin->log = lab->log;
    return twin;
}

static void twin_free(struct lab *twin)
{
    twin->t.hardware = NULL;
    lab_free(twin);
}

static void two_views_of_one_log(void **state)
{
    const struct lab *lab = *state;
    struct lab *twin = twin_of(lab);
    struct audit_view views[2] = {{.from = "kept"}, {.from = "theirs"}};
    struct audit_job job = lab_job(lab);

    lab_session(twin, DECISIONS);
    job.views = views;
    job.n_views = 1;
    views[0].head = lab_head(lab, 200); /* an older checkpoint of ours */
    lab_expect_job(job, AUDIT_NONE, NO_ENTRY, "");
    views[0].head = lab_head(lab, lab->n);
    lab_expect_job(job, AUDIT_NONE, NO_ENTRY, "");
    job.n_views = 2;
    views[1].head = lab_head(twin, 200);
    lab_expect_job(job, AUDIT_SPLIT_VIEW, NO_ENTRY, "theirs");
    views[1].head = lab_head(twin, 256);
    lab_expect_job(job, AUDIT_SPLIT_VIEW, NO_ENTRY, "theirs");
    views[1].head = lab_head(twin, twin->n);
    views[1].head.size = lab->n;
    lab_expect_job(job, AUDIT_SPLIT_VIEW, NO_ENTRY, "theirs");
    views[1].head.size = lab->n + 1;
    lab_expect_job(job, AUDIT_LOG_SHORTENED, lab->n, "theirs");
    twin_free(twin);
}

static void since_a_head_that_was_verified(void **state)
{
    static const size_t SIZES[] = {1, 2, 44, 255, 256, 257, 281, 301, 302};
    struct lab *lab = *state;
    struct lab *twin = twin_of(lab);
    struct audit_job job = lab_job(lab);

    lab_session(twin, DECISIONS);
    job.since.from = "verified";
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        struct audit_report report;

        job.since.head = lab_head(lab, SIZES[i]);
        for (int whole = 0; whole < 2; whole++) {
            job.whole = whole != 0;
            lab_good(&job, &report);
            assert_int_equal(report.read, whole ? lab->n : lab->n - SIZES[i]);
            assert_int_equal(report.head.size, lab->n);
            assert_true(report.sealed);
        }
        job.whole = false;
        job.since.head = lab_head(twin, SIZES[i] == 302 ? 300 : SIZES[i]);
        lab_expect_job(job, AUDIT_SPLIT_VIEW, NO_ENTRY, "verified");
    }
    job.since.head = lab_head(lab, lab->n);
    job.since.head.size++;
    lab_expect_job(job, AUDIT_LOG_SHORTENED, lab->n, "verified");

    job.since.head = lab_head(lab, 100); /* behind it damage is found as ever */
    swap_entries(lab, 150, 280);
    put_first_bundle(lab, 256);
    lab_expect_job(job, AUDIT_ENTRY_CHANGED, 150, "tile/entries/000");
    swap_entries(lab, 150, 280);
    twin_free(twin);
}

/* Where nothing but the checkpoint says how far the log is published: it does not go back. */
static void since_a_head_that_was_published(void **state)
{
    struct lab *lab = *state;
    struct audit_job job = lab_job(lab);
    struct buf seal = {0};

    job.since = (struct audit_view){lab_head(lab, lab->n), "verified"};
    lab_write(lab, 290); /* the tiles behind it stay */
    lab_expect_job(job, AUDIT_CHECKPOINT_STALE, 290, "checkpoint");
    remove_file(lab, "journal", &seal);
    buf_cut(&seal, 0);
    lab_expect_job(job, AUDIT_CHECKPOINT_STALE, 290, "checkpoint");

    /* Its last entry stands before the first that is read again. */
    testing_remove(lab->dir);
    lab->folded = SIZE_MAX;
    lab_write(lab, 256);
    job.since.head = lab_head(lab, 256);
    lab_expect_job(job, AUDIT_NONE, NO_ENTRY, "");
    lab_read(lab, "seal", &seal);
    seal.ptr[seal.len - 1] ^= 1;
    lab_put(lab, "seal", buf_slice(&seal));
    lab_expect_job(job, AUDIT_SEAL_INVALID, NO_ENTRY, "seal");
    lab_seal(lab, 256, lab_round_of(lab, 255) + 1); /* signed, and of another round */
    lab_expect_job(job, AUDIT_SEAL_INVALID, NO_ENTRY, "seal");
    buf_free(&seal);
}

static void an_older_state(void **state)
{
    struct lab *lab = *state;
    struct audit_job job = lab_job(lab);

    lab_write(lab, 200); /* checkpoint and seal of then, signed */
    lab_expect(lab, AUDIT_CHECKPOINT_STALE, 200, "checkpoint");
    lab_write(lab, 290);
    lab_expect(lab, AUDIT_CHECKPOINT_STALE, 290, "checkpoint");
    lab_write(lab, 300); /* one commit behind: the gate was killed before it published */
    sound(lab);
    lab_write(lab, 302);
    sound(lab);
    lab->folded = 302; /* a journal that begins behind what was published */
    lab_write(lab, 302);
    lab_write(lab, 290);
    lab_expect(lab, AUDIT_CHECKPOINT_STALE, 290, "checkpoint");
    lab_write(lab, 302);
    sound(lab);

    job.since = (struct audit_view){lab_head(lab, lab->n), "verified"};
    testing_remove(lab->dir);
    lab->n_commits -= 10;
    lab->n = lab->commits[lab->n_commits - 1];
    lab->folded = 250;
    lab_write(lab, lab->n); /* all of it, as it was */
    sound(lab);
    lab_expect_job(job, AUDIT_LOG_SHORTENED, lab->n, "verified");
    lab->n += 20; /* for who frees it */
}

static void two_logs_spliced(void **state)
{
    struct lab *lab = *state;
    struct lab *twin = twin_of(lab);

    twin->t.now_ms += 1000000;
    lab_session(twin, 20);
    lab_session(twin, 100);
    lab->folded = SIZE_MAX;
    lab->auditor.checkpoint = NULL;                 /* with one there is more to find */
    for (size_t cut = 42; cut <= 142; cut += 100) { /* at the beginning of a session, and within */
        struct buf kept[60];

        for (size_t i = 0; i < 60; i++) {
            kept[i] = lab->entries[cut + i];
            lab->entries[cut + i] = twin->entries[cut + i];
        }
        testing_remove(lab->dir);
        lab_write_forged(lab, cut + 60);
        lab_expect(lab, AUDIT_SPLICED, cut, "");
        for (size_t i = 0; i < 60; i++)
            lab->entries[cut + i] = kept[i];
    }
    twin_free(twin);
}

#define WITH_LAB(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LAB(a_good_log),
        WITH_LAB(how_far_it_is),
        WITH_LAB(a_bundle_that_was_edited),
        WITH_LAB(files_that_are_gone),
        WITH_LAB(every_hash_made_anew),
        WITH_LAB(a_log_that_was_cut),
        WITH_LAB(the_last_frame_is_torn),
        WITH_LAB(a_frame_that_was_promised),
        WITH_LAB(a_frame_in_the_middle),
        WITH_LAB(two_views_of_one_log),
        WITH_LAB(since_a_head_that_was_verified),
        WITH_LAB(since_a_head_that_was_published),
        WITH_LAB(an_older_state),
        WITH_LAB(two_logs_spliced),
    };
    return cmocka_run_group_tests_name("audit_log", tests, NULL, NULL);
}
