/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/log.h"
#include "gate/ledger/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DECISIONS 3
#define ENTRIES TESTING_SIZE(DECISIONS)

/* A ledger of one session with DECISIONS decisions, each entry committed for itself. */
struct setting {
    struct testing t;
    char dir[64], journal[96];
    struct buf whole; /* the journal */
    struct buf entries[ENTRIES];
    struct checkpoint checkpoint;
};

static struct ledger *opened(const char *dir, enum ledger_mode mode)
{
    struct ledger *ledger = NULL;
    struct why why = {0};

    if (ledger_open(dir, mode, &ledger, &why) != ERR_OK)
        fail_msg("%s", why.text);
    return ledger;
}

static int set_up(void **state)
{
    struct setting *s = calloc(1, sizeof *s);
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    struct why why = {0};
    char path[96];

    assert_non_null(s);
    testing_init(&s->t);
    testing_dir(s->dir, sizeof s->dir);
    (void)snprintf(path, sizeof path, "%s/once", s->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    testing_ledger(&s->t, path, DECISIONS);
    ledger = opened(path, LEDGER_READ);
    s->checkpoint = ledger_head(ledger).checkpoint;
    for (uint64_t i = 0; i < ENTRIES; i++)
        assert_int_equal(ledger_entry(ledger, i, &s->entries[i], &why), ERR_OK);
    (void)snprintf(s->dir + strlen(s->dir), 8, "/state");
    testing_copy(path, s->dir, ENTRIES, TESTING_WHOLE);
    (void)snprintf(s->journal, sizeof s->journal, "%s/ledger/journal", s->dir);
    testing_read(s->journal, &s->whole);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *s = *state;

    testing_free(&s->t);
    *strrchr(s->dir, '/') = '\0';
    testing_remove(s->dir);
    buf_free(&s->whole);
    for (size_t i = 0; i < ENTRIES; i++)
        buf_free(&s->entries[i]);
    free(s);
    return 0;
}

/* The last entry is of this time: nothing earlier may follow. */
static void expect_newest(const struct ledger *ledger, uint64_t time_ms)
{
    struct why why = {0};

    assert_int_equal(ledger_ready(ledger, time_ms, 7, NULL, &why), ERR_OK);
    if (time_ms > 0)
        assert_int_equal(ledger_ready(ledger, time_ms - 1, 7, NULL, &why), ERR_CLOCK_BACK);
}

static uint64_t sequence_of(const struct ledger *ledger, const char *agent)
{
    struct record_link link;
    struct why why = {0};

    assert_int_equal(ledger_link(ledger, slice_str(agent), &link, &why), ERR_OK);
    return link.sequence;
}

static void every_entry_is_in_the_tree(const struct ledger *ledger)
{
    CLEANUP(buf_free) struct buf entry = {0};
    struct why why = {0};

    for (uint64_t i = 0; i < ledger_size(ledger); i++) {
        struct digest leaf, want;
        assert_int_equal(ledger_entry(ledger, i, &entry, &why), ERR_OK);
        assert_int_equal(tree_leaf(buf_slice(&entry), &leaf), ERR_OK);
        assert_int_equal(tree_hash(ledger_tree(ledger), 0, i, &want, &why), ERR_OK);
        assert_true(digest_eq(&leaf, &want));
    }
    assert_int_equal(ledger_entry(ledger, ledger_size(ledger), &entry, &why), ERR_NOT_FOUND);
}

/* With and without a fold in between. */
static void grows_and_reads_back(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = opened(s->dir, LEDGER_APPEND);
    CLEANUP(ledger_close) struct ledger *again = NULL;
    struct checkpoint now, then;
    uint64_t next;
    struct tlog_head heads[16];
    struct record_link link;
    struct why why = {0};

    for (uint64_t turn = 0; turn < 3; turn++) {
        uint64_t before = ENTRIES + turn * 7;

        assert_int_equal(ledger_size(ledger), before);
        assert_int_equal(ledger_torn(ledger), 0);
        expect_newest(ledger, s->t.now_ms);
        assert_int_equal(sequence_of(ledger, "agent-0"), 4);
        assert_int_equal(sequence_of(ledger, "agent-1"), 2);
        assert_int_equal(sequence_of(ledger, "agent-2"), turn * 6);
        assert_int_equal(ledger_link(ledger, slice_str("agent-3"), &link, &why), ERR_OK);
        assert_memory_equal(&link, &(struct record_link){0}, sizeof link);

        s->t.now_ms += 1000;
        for (int i = 0; i < 3; i++)
            assert_int_equal(testing_stage(&s->t, ledger, RECORD_DECISION, "agent-2"), ERR_OK);
        assert_int_equal(testing_stage(&s->t, ledger, RECORD_INSTALL, NULL), ERR_OK);
        assert_int_equal(ledger_size(ledger), before); /* what is staged does not count */
        assert_int_equal(ledger_installed(ledger), turn == 0 ? 0 : 7);
        next = ledger_next(ledger);
        assert_int_equal(ledger_fold(ledger, &why), ERR_INTERNAL); /* with a batch */
        assert_int_equal(testing_commit(ledger, &why), ERR_OK);
        assert_int_equal(testing_commit(ledger, &why), ERR_OK); /* nothing to do */
        assert_int_equal(ledger_size(ledger), before + 7);
        assert_int_equal(ledger_installed(ledger), 7);
        now = ledger_head(ledger).checkpoint;
        assert_int_equal(now.size, next);
        assert_int_equal(ledger_check_checkpoint(ledger, &s->checkpoint, &why), ERR_OK);

        again = opened(s->dir, LEDGER_READ);
        then = ledger_head(again).checkpoint;
        assert_memory_equal(&now, &then, sizeof now);
        every_entry_is_in_the_tree(again);
        assert_int_equal(testing_commit(again, &why), ERR_OK);
        assert_int_equal(testing_stage(&s->t, again, RECORD_INSTALL, NULL), ERR_INTERNAL);
        assert_int_equal(ledger_fold(again, &why), ERR_INTERNAL);
        assert_int_equal(ledger_publish(again, slice_str("note"), slice_str(""), &why),
                         ERR_INTERNAL);
        assert_int_equal(ledger_heads(ledger, heads, 16), turn == 0 ? ENTRIES + 2 : 2);
        assert_int_equal(heads[turn == 0 ? ENTRIES + 1 : 1].checkpoint.size, before + 7);
        ledger_close(&again);
        if (turn == 1) {
            ledger_close(&ledger);
            ledger = opened(s->dir, LEDGER_APPEND);
        }
        assert_int_equal(ledger_fold(ledger, &why), ERR_OK);
        assert_int_equal(ledger_fold(ledger, &why), ERR_OK); /* nothing to do */
        every_entry_is_in_the_tree(ledger);
    }
}

static void opening_what_is_not_there(void **state)
{
    struct setting *s = *state;
    struct ledger *ledger = NULL;
    struct checkpoint empty;
    struct why why = {0};
    char path[128];

    (void)snprintf(path, sizeof path, "%s/absent", s->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(ledger_open(path, LEDGER_READ, &ledger, &why), ERR_NOT_FOUND);
    assert_int_equal(ledger_open(path, LEDGER_APPEND, &ledger, &why), ERR_NOT_FOUND);
    assert_int_equal(ledger_open("/dev/full", LEDGER_APPEND, &ledger, &why), ERR_STORAGE);
    assert_int_equal(ledger_open("/dev/full/x", LEDGER_CREATE, &ledger, &why), ERR_STORAGE);
    assert_null(ledger);
    ledger = opened(path, LEDGER_CREATE);
    assert_int_equal(ledger_size(ledger), 0);
    expect_newest(ledger, 0);
    empty = ledger_head(ledger).checkpoint;
    ledger_close(&ledger);
    ledger = opened(path, LEDGER_APPEND);
    assert_int_equal(ledger_check_checkpoint(ledger, &empty, &why), ERR_OK);
    empty.root.bytes[0] ^= 1;
    assert_int_equal(ledger_check_checkpoint(ledger, &empty, &why), ERR_LEDGER_INCONSISTENT);
    ledger_close(&ledger);
    ledger_close(&ledger);
    ledger = opened(path, LEDGER_CREATE); /* what is there stays */
    ledger_close(&ledger);

    /* made, and killed before the state was: it is made now */
    (void)snprintf(path, sizeof path, "%s/absent/state.db", s->dir);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof path, "%s/absent", s->dir);
    assert_int_equal(ledger_open(path, LEDGER_APPEND, &ledger, &why), ERR_STATE_CORRUPT);
    ledger = opened(path, LEDGER_CREATE);
    ledger_close(&ledger);
}

/* A journal that was cut anywhere opens with the commits that are whole; the rest is remembered,
 * and cut off when something is appended. An earlier checkpoint tells that entries are missing. */
static void cut_at_every_length(void **state)
{
    struct setting *s = *state;
    size_t sizes[ENTRIES + 1] = {0};

    for (size_t cut = s->whole.len; cut > 5; cut -= 5) {
        CLEANUP(ledger_close) struct ledger *ledger = NULL;
        struct why why = {0};
        uint64_t n;

        assert_int_equal(truncate(s->journal, (off_t)cut), 0);
        if (ledger_open(s->dir, LEDGER_READ, &ledger, &why) != ERR_OK) {
            assert_in_range(cut, 0, 120); /* not even the journal's head is there */
            continue;
        }
        n = ledger_size(ledger);
        sizes[n]++;
        if ((cut == s->whole.len) != (n == ENTRIES))
            fail_msg("cut to %zu: %llu entries", cut, (unsigned long long)n);
        assert_int_equal(ledger_check_checkpoint(ledger, &s->checkpoint, &why),
                         n == ENTRIES ? ERR_OK : ERR_LEDGER_INCONSISTENT);
        assert_int_equal(ledger_state(ledger)->entries, n);
    }
    for (size_t n = 0; n < ENTRIES; n++)
        assert_true(sizes[n] > 20);
}

static void a_torn_end_is_cut_by_the_next_append(void **state)
{
    struct setting *s = *state;

    for (size_t cut = s->whole.len - 1; cut > s->whole.len - 900; cut -= 101) {
        CLEANUP(ledger_close) struct ledger *ledger = NULL;
        CLEANUP(buf_free) struct buf got = {0};
        struct why why = {0};
        struct stat st;

        testing_write(s->journal, (struct slice){s->whole.ptr, cut});
        ledger = opened(s->dir, LEDGER_APPEND);
        assert_int_equal(ledger_size(ledger), ENTRIES - 1);
        assert_int_equal(stat(s->journal, &st), 0);
        assert_int_equal(st.st_size, cut); /* opening changes nothing */
        assert_int_equal(ledger_stage(ledger, buf_slice(&s->entries[ENTRIES - 1]), &why), ERR_OK);
        assert_int_equal(testing_commit(ledger, &why), ERR_OK);
        assert_int_equal(ledger_torn(ledger), 0);
        testing_read(s->journal, &got);
        assert_true(slice_eq(buf_slice(&got), buf_slice(&s->whole)));
        assert_int_equal(ledger_check_checkpoint(ledger, &s->checkpoint, &why), ERR_OK);
    }
}

/* A flipped bit is found at once, but in the last commit, where it may be one that was interrupted:
 * that, an earlier checkpoint finds. */
static void no_flipped_bit_goes_unnoticed(void **state)
{
    struct setting *s = *state;
    size_t shorter = 0;

    for (size_t bit = 0; bit < s->whole.len * 8; bit += 61) {
        CLEANUP(ledger_close) struct ledger *ledger = NULL;
        struct why why = {0};
        err_code err;

        s->whole.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        testing_write(s->journal, buf_slice(&s->whole));
        s->whole.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        err = ledger_open(s->dir, LEDGER_READ, &ledger, &why);
        if (err == ERR_OK) {
            shorter++;
            assert_int_equal(ledger_size(ledger), ENTRIES - 1);
            err = ledger_check_checkpoint(ledger, &s->checkpoint, &why);
        }
        if (err != ERR_LEDGER_INCONSISTENT)
            fail_msg("bit %zu: %s: %s", bit, err_name(err), why.text);
    }
    assert_true(shorter > 0);
}

/* A log with these entries, written without asking any rule; and the state of an empty one. */
static void write_log(struct setting *s, const char *dir, const size_t *which, size_t n)
{
    CLEANUP(tlog_close) struct tlog *tlog = NULL;
    struct why why = {0};
    char path[128];

    assert_int_equal(mkdir(dir, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/state.db", dir);
    assert_int_equal(state_make(path, &why), ERR_OK);
    (void)snprintf(path, sizeof path, "%s/ledger", dir);
    assert_int_equal(tlog_open(path, TLOG_CREATE, &tlog, &why), ERR_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(tlog_stage(tlog, buf_slice(&s->entries[which[i]]), &why), ERR_OK);
    assert_int_equal(tlog_commit(tlog, 1, &why), ERR_OK);
}

/* The same rules hold for what is read, rebuilt and appended. */
static void entries_moved_around(void **state)
{
    static const struct {
        const char *name;
        size_t n, which[9], bad; /* the first that is out of place */
    } CASES[] = {
        /* 0, 1: key_rotation, start; 2 to 7: attempts and decisions of agent-0, agent-1, agent-0 */
        {"as it was", 8, {0, 1, 2, 3, 4, 5, 6, 7}, 9},
        {"the last one missing", 7, {0, 1, 2, 3, 4, 5, 6}, 9}, /* a checkpoint finds it */
        {"the start missing", 7, {0, 2, 3, 4, 5, 6, 7}, 1},
        {"an attempt missing", 7, {0, 1, 3, 4, 5, 6, 7}, 2},
        {"an outcome missing", 7, {0, 1, 2, 4, 5, 6, 7}, 5},
        {"an attempt and its outcome missing", 6, {0, 1, 4, 5, 6, 7}, 4},
        {"the first missing", 7, {1, 2, 3, 4, 5, 6, 7}, 0},
        {"two of one agent exchanged", 8, {0, 1, 6, 7, 4, 5, 2, 3}, 2},
        {"outcome before attempt", 8, {0, 1, 3, 2, 4, 5, 6, 7}, 2},
        {"two of one millisecond exchanged", 8, {0, 1, 2, 3, 5, 4, 6, 7}, 4},
        {"two agents of one millisecond", 8, {0, 1, 2, 3, 6, 7, 4, 5}, 9}, /* a checkpoint finds */
        {"one twice", 9, {0, 1, 2, 3, 4, 5, 6, 7, 7}, 8},
        {"the first twice", 9, {0, 0, 1, 2, 3, 4, 5, 6, 7}, 1},
    };
    struct setting *s = *state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(ledger_close) struct ledger *ledger = NULL, *fresh = NULL;
        bool good = CASES[i].bad == 9;
        struct why why = {0};
        char dir[96], entry[32];
        err_code err;

        (void)snprintf(entry, sizeof entry, "entry %zu:", CASES[i].bad);
        (void)snprintf(dir, sizeof dir, "%s/%zu", s->dir, i);
        write_log(s, dir, CASES[i].which, CASES[i].n);
        err = ledger_open(dir, LEDGER_READ, &ledger, &why);
        if (err != (good ? ERR_OK : ERR_LEDGER_INCONSISTENT))
            fail_msg("%s, read: %s (%s)", CASES[i].name, err_name(err), why.text);
        assert_true(good || strstr(why.text, entry) != NULL);
        err = ledger_rebuild(dir, NULL, &why);
        if (err != (good ? ERR_OK : ERR_LEDGER_INCONSISTENT))
            fail_msg("%s, rebuilt: %s (%s)", CASES[i].name, err_name(err), why.text);
        assert_true(good || strstr(why.text, entry) != NULL);

        (void)snprintf(dir, sizeof dir, "%s/fresh-%zu", s->dir, i);
        assert_int_equal(mkdir(dir, 0700), 0);
        fresh = opened(dir, LEDGER_CREATE);
        for (size_t k = 0; k < CASES[i].n && k <= CASES[i].bad; k++) {
            err = ledger_stage(fresh, buf_slice(&s->entries[CASES[i].which[k]]), &why);
            if (err != (k == CASES[i].bad ? ERR_LEDGER_INCONSISTENT : ERR_OK))
                fail_msg("%s, appended %zu: %s (%s)", CASES[i].name, k, err_name(err), why.text);
        }
    }
}

static void an_entry_that_is_no_record(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    struct why why = {0};
    char dir[96];

    buf_cut(&s->entries[2], s->entries[2].len - 1);
    (void)snprintf(dir, sizeof dir, "%s/other", s->dir);
    write_log(s, dir, (size_t[]){0, 1, 2}, 3);
    assert_int_equal(ledger_open(dir, LEDGER_APPEND, &ledger, &why), ERR_LEDGER_INCONSISTENT);
    assert_non_null(strstr(why.text, "entry 2:"));
    assert_non_null(strstr(why.text, dir)); /* which ledger */
}

/* Checkpoints of other histories. */
static void checkpoints_of_others(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = opened(s->dir, LEDGER_READ);
    struct checkpoint other;
    struct why why = {0};

    for (uint64_t size = 0; size <= ledger_size(ledger); size++) {
        other.size = size;
        assert_int_equal(tree_root(ledger_tree(ledger), size, &other.root, &why), ERR_OK);
        assert_int_equal(ledger_check_checkpoint(ledger, &other, &why), ERR_OK);
        other.root.bytes[size] ^= 0x10;
        assert_int_equal(ledger_check_checkpoint(ledger, &other, &why), ERR_LEDGER_INCONSISTENT);
    }
    other = s->checkpoint;
    other.size++;
    assert_int_equal(ledger_check_checkpoint(ledger, &other, &why), ERR_LEDGER_INCONSISTENT);
}

/* A folded entry is read from its bundle each time, and compared with its hash in the tree. */
static void entry_changed_behind_our_back(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = opened(s->dir, LEDGER_APPEND);
    CLEANUP(buf_free) struct buf entry = {0}, bundle = {0};
    struct why why = {0};
    char path[128];
    uint8_t *at;

    assert_int_equal(ledger_fold(ledger, &why), ERR_OK);
    ledger_close(&ledger);
    ledger = opened(s->dir, LEDGER_READ);
    (void)snprintf(path, sizeof path, "%s/ledger/tile/entries/000.p/%d", s->dir, ENTRIES);
    testing_read(path, &bundle);
    at = memmem(bundle.ptr, bundle.len, s->entries[2].ptr, s->entries[2].len);
    assert_non_null(at);
    *at ^= 1;
    testing_write(path, buf_slice(&bundle));
    assert_int_equal(ledger_entry(ledger, 1, &entry, &why), ERR_OK);
    assert_int_equal(ledger_entry(ledger, 2, &entry, &why), ERR_LEDGER_INCONSISTENT);
    ledger_close(&ledger);
    testing_write(path, slice_part(buf_slice(&bundle), 0, (size_t)(at - bundle.ptr)));
    ledger = opened(s->dir, LEDGER_READ);
    assert_true(ledger_entry(ledger, 2, &entry, &why) != ERR_OK);
}

#define WITH_SETTING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SETTING(grows_and_reads_back),
        WITH_SETTING(opening_what_is_not_there),
        WITH_SETTING(cut_at_every_length),
        WITH_SETTING(a_torn_end_is_cut_by_the_next_append),
        WITH_SETTING(no_flipped_bit_goes_unnoticed),
        WITH_SETTING(entries_moved_around),
        WITH_SETTING(an_entry_that_is_no_record),
        WITH_SETTING(checkpoints_of_others),
        WITH_SETTING(entry_changed_behind_our_back),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
