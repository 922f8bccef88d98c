/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/log.h"

#include "gate/base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DECISIONS 3

/* A ledger of a key_rotation and DECISIONS decisions, in a directory of its own. */
struct setting {
    struct testing t;
    char dir[64], path[80];
    struct buf whole;          /* the file */
    size_t end[DECISIONS + 2]; /* of each frame; end[0] = 0 */
    struct checkpoint checkpoint;
};

static int set_up(void **state)
{
    struct setting *s = calloc(1, sizeof *s);
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    struct why why = {0};
    size_t n = 0;

    assert_non_null(s);
    testing_init(&s->t);
    testing_dir(s->dir, sizeof s->dir);
    (void)snprintf(s->path, sizeof s->path, "%s/ledger", s->dir);
    testing_ledger(&s->t, s->path, DECISIONS);
    testing_read(s->path, &s->whole);
    for (size_t at = 0; at < s->whole.len; s->end[++n] = at) {
        struct reader r = reader_of(slice_part(buf_slice(&s->whole), at, 4));
        assert_true(n < DECISIONS + 1);
        at += 4 + reader_u32(&r);
    }
    assert_int_equal(n, DECISIONS + 1);
    assert_int_equal(ledger_open(s->path, LEDGER_READ, &ledger, &why), ERR_OK);
    assert_int_equal(ledger_checkpoint(ledger, &s->checkpoint), ERR_OK);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *s = *state;

    testing_free(&s->t);
    testing_remove(s->dir);
    buf_free(&s->whole);
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

/* Which error opening this content gives, and what it says. */
static err_code opening(struct setting *s, struct slice content, struct why *why)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;

    testing_write(s->path, content);
    return ledger_open(s->path, LEDGER_APPEND, &ledger, why);
}

/* The last entry is of this time: nothing earlier may follow. */
static void expect_newest(const struct ledger *ledger, uint64_t time_ms)
{
    struct why why = {0};

    assert_int_equal(ledger_ready(ledger, time_ms, 7, NULL, &why), ERR_OK);
    if (time_ms > 0)
        assert_int_equal(ledger_ready(ledger, time_ms - 1, 7, NULL, &why), ERR_CLOCK_BACK);
}

static void grows_and_reads_back(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = opened(s->path, LEDGER_APPEND);
    CLEANUP(ledger_close) struct ledger *again = NULL;
    CLEANUP(buf_free) struct buf entry = {0};
    struct checkpoint now, then;
    struct record_link link;
    struct why why = {0};

    assert_int_equal(ledger_size(ledger), DECISIONS + 1);
    assert_int_equal(ledger_torn(ledger), 0);
    expect_newest(ledger, s->t.now_ms);
    assert_int_equal(ledger_link(ledger, slice_str("agent-0"), &link, &why), ERR_OK);
    assert_int_equal(link.sequence, 2);
    assert_int_equal(ledger_link(ledger, slice_str("agent-1"), &link, &why), ERR_OK);
    assert_int_equal(link.sequence, 1);
    assert_int_equal(ledger_link(ledger, slice_str("agent-2"), &link, &why), ERR_OK);
    assert_int_equal(link.sequence, 0);
    assert_memory_equal(&link, &(struct record_link){0}, sizeof link);

    s->t.now_ms += 1000;
    for (int i = 0; i < 3; i++)
        assert_int_equal(testing_stage(&s->t, ledger, RECORD_DECISION, "agent-2"), ERR_OK);
    assert_int_equal(testing_stage(&s->t, ledger, RECORD_INSTALL, NULL), ERR_OK);
    assert_int_equal(ledger_size(ledger), DECISIONS + 1); /* what is staged does not count */
    assert_int_equal(ledger_commit(ledger, &why), ERR_OK);
    assert_int_equal(ledger_commit(ledger, &why), ERR_OK); /* nothing to do */
    assert_int_equal(ledger_size(ledger), DECISIONS + 5);
    expect_newest(ledger, s->t.now_ms);
    assert_int_equal(ledger_link(ledger, slice_str("agent-2"), &link, &why), ERR_OK);
    assert_int_equal(link.sequence, 3);
    assert_int_equal(ledger_checkpoint(ledger, &now), ERR_OK);
    assert_int_equal(ledger_check_checkpoint(ledger, &s->checkpoint, &why), ERR_OK);

    again = opened(s->path, LEDGER_READ);
    assert_int_equal(ledger_checkpoint(again, &then), ERR_OK);
    assert_memory_equal(&now, &then, sizeof now);
    for (uint64_t i = 0; i < ledger_size(again); i++) {
        struct digest leaf, want;
        assert_int_equal(ledger_entry(again, i, &entry, &why), ERR_OK);
        assert_int_equal(tree_leaf(buf_slice(&entry), &leaf), ERR_OK);
        assert_int_equal(tree_hash(ledger_tree(ledger), 0, i, &want, NULL), ERR_OK);
        assert_true(digest_eq(&leaf, &want));
    }
    assert_int_equal(ledger_entry(again, ledger_size(again), &entry, &why), ERR_NOT_FOUND);
    assert_int_equal(ledger_commit(again, &why), ERR_OK);
    assert_int_equal(testing_stage(&s->t, again, RECORD_INSTALL, NULL), ERR_INTERNAL);
}

static void opening_what_is_not_there(void **state)
{
    struct setting *s = *state;
    struct ledger *ledger = NULL;
    struct checkpoint empty;
    struct why why = {0};
    char path[128];

    (void)snprintf(path, sizeof path, "%s/absent", s->dir);
    assert_int_equal(ledger_open(path, LEDGER_READ, &ledger, &why), ERR_NOT_FOUND);
    assert_int_equal(ledger_open(path, LEDGER_APPEND, &ledger, &why), ERR_NOT_FOUND);
    assert_int_equal(ledger_open(s->dir, LEDGER_READ, &ledger, &why), ERR_STORAGE);
    assert_int_equal(ledger_open("/dev/full", LEDGER_APPEND, &ledger, &why), ERR_STORAGE);
    assert_int_equal(ledger_open("/dev/full/x", LEDGER_CREATE, &ledger, &why), ERR_STORAGE);
    assert_null(ledger);
    ledger = opened(path, LEDGER_CREATE);
    assert_int_equal(ledger_size(ledger), 0);
    expect_newest(ledger, 0);
    assert_int_equal(ledger_checkpoint(ledger, &empty), ERR_OK);
    ledger_close(&ledger);
    ledger = opened(path, LEDGER_APPEND);
    assert_int_equal(ledger_check_checkpoint(ledger, &empty, &why), ERR_OK);
    empty.root.bytes[0] ^= 1;
    assert_int_equal(ledger_check_checkpoint(ledger, &empty, &why), ERR_LEDGER_INCONSISTENT);
    ledger_close(&ledger);
    ledger_close(&ledger);
}

/* A ledger that was cut anywhere opens with the entries that are whole; the rest is remembered, and
 * cut off when something is appended. An earlier checkpoint tells that entries are missing. */
static void cut_at_every_length(void **state)
{
    struct setting *s = *state;

    for (size_t cut = s->whole.len + 1; cut-- > 0;) {
        CLEANUP(ledger_close) struct ledger *ledger = NULL;
        struct why why = {0};
        size_t n = 0;

        while (n < DECISIONS + 1 && s->end[n + 1] <= cut)
            n++;
        assert_int_equal(truncate(s->path, (off_t)cut), 0);
        ledger = opened(s->path, LEDGER_READ);
        if (ledger_size(ledger) != n || ledger_torn(ledger) != cut - s->end[n])
            fail_msg("cut to %zu: %llu entries, %llu torn", cut,
                     (unsigned long long)ledger_size(ledger),
                     (unsigned long long)ledger_torn(ledger));
        assert_int_equal(ledger_check_checkpoint(ledger, &s->checkpoint, &why),
                         n == DECISIONS + 1 ? ERR_OK : ERR_LEDGER_INCONSISTENT);
    }
}

static void a_torn_end_is_cut_by_the_next_append(void **state)
{
    struct setting *s = *state;

    for (size_t cut = s->end[DECISIONS]; cut < s->whole.len; cut += 13) {
        CLEANUP(ledger_close) struct ledger *ledger = NULL;
        CLEANUP(buf_free) struct buf got = {0};
        struct why why = {0};
        struct stat st;

        testing_write(s->path, (struct slice){s->whole.ptr, cut});
        ledger = opened(s->path, LEDGER_APPEND);
        assert_int_equal(stat(s->path, &st), 0);
        assert_int_equal(st.st_size, cut); /* opening changes nothing */
        assert_int_equal(ledger_stage(ledger,
                                      slice_part(buf_slice(&s->whole), s->end[DECISIONS] + 4,
                                                 s->whole.len - s->end[DECISIONS] - 4),
                                      &why),
                         ERR_OK);
        assert_int_equal(ledger_commit(ledger, &why), ERR_OK);
        assert_int_equal(ledger_torn(ledger), 0);
        testing_read(s->path, &got);
        assert_true(slice_eq(buf_slice(&got), buf_slice(&s->whole)));
        assert_int_equal(ledger_check_checkpoint(ledger, &s->checkpoint, &why), ERR_OK);
    }
}

static void flip(struct setting *s, int fd, size_t bit)
{
    s->whole.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(pwrite(fd, s->whole.ptr + bit / 8, 1, (off_t)(bit / 8)), 1);
}

/* No flipped bit is taken for an interrupted write, which the next append would cut off. One in a
 * signature gives another root, which an earlier checkpoint finds at once, and an audit, too. */
static void no_flipped_bit_goes_unnoticed(void **state)
{
    struct setting *s = *state;
    CLEANUP(fd_close) int fd = open(s->path, O_WRONLY | O_CLOEXEC);
    size_t in_signatures = 0;

    for (size_t bit = 0; bit < s->whole.len * 8; bit += 5) {
        CLEANUP(ledger_close) struct ledger *ledger = NULL;
        struct why why = {0};
        err_code err;

        flip(s, fd, bit);
        err = ledger_open(s->path, LEDGER_APPEND, &ledger, &why);
        if (err == ERR_OK) {
            in_signatures++;
            assert_int_equal(ledger_torn(ledger), 0);
            err = ledger_check_checkpoint(ledger, &s->checkpoint, &why);
        }
        if (err != ERR_LEDGER_INCONSISTENT)
            fail_msg("bit %zu: %s", bit, err_name(err));
        flip(s, fd, bit);
    }
    assert_in_range(in_signatures, 1, (DECISIONS + 1) * (64 + 32) * 8);
}

static void entries_moved_around(void **state)
{
    /* which frames, in which order */
    static const struct {
        const char *name;
        size_t n, frames[5];
        bool good;
    } CASES[] = {
        {"as it was", 4, {0, 1, 2, 3}, true},
        {"the last one missing", 3, {0, 1, 2}, true}, /* a checkpoint finds it */
        {"one in the middle missing", 3, {0, 2, 3}, false},
        {"the first missing", 3, {1, 2, 3}, false},
        {"two of one agent exchanged", 4, {0, 3, 2, 1}, false},
        {"two of one millisecond exchanged", 4, {0, 1, 3, 2}, true}, /* a checkpoint finds it */
        {"one twice", 5, {0, 1, 2, 3, 3}, false},
        {"the first twice", 5, {0, 0, 1, 2, 3}, false},
    };
    struct setting *s = *state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(buf_free) struct buf content = {0};
        struct why why = {0};
        err_code err;

        for (size_t k = 0; k < CASES[i].n; k++) {
            size_t f = CASES[i].frames[k];
            assert_int_equal(buf_add(&content, s->whole.ptr + s->end[f], s->end[f + 1] - s->end[f]),
                             ERR_OK);
        }
        err = opening(s, buf_slice(&content), &why);
        if (err != (CASES[i].good ? ERR_OK : ERR_LEDGER_INCONSISTENT))
            fail_msg("%s: %s (%s)", CASES[i].name, err_name(err), why.text);
        if (!CASES[i].good)
            assert_non_null(strstr(why.text, "at offset"));
    }
}

static void lengths_that_no_write_leaves(void **state)
{
    static const struct {
        const char *name, *tail;
        size_t len;
    } CASES[] = {
        {"zero", "\0\0\0\0", 4},
        {"zeroes", "\0\0\0\0\0\0\0\0", 8},
        {"too long", "\0\1\0\0", 4},
        {"too long, seen from its first octet", "\1", 1},
        {"too long, seen from its second octet", "\0\1\xff", 3},
        {"of a record that is none", "\0\0\2\0hello", 9},
        {"of a record that is too short", "\0\0\0\7\xd2\x84\x40\xa0\x40\x41x", 11},
    };
    struct setting *s = *state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct why why = {0};
        size_t before = s->whole.len;

        assert_int_equal(buf_add(&s->whole, CASES[i].tail, CASES[i].len), ERR_OK);
        if (opening(s, buf_slice(&s->whole), &why) != ERR_LEDGER_INCONSISTENT)
            fail_msg("%s", CASES[i].name);
        buf_cut(&s->whole, before);
    }
}

/* Checkpoints of other histories. */
static void checkpoints_of_others(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = opened(s->path, LEDGER_READ);
    struct checkpoint other;
    struct why why = {0};

    for (uint64_t size = 0; size <= ledger_size(ledger); size++) {
        other.size = size;
        assert_int_equal(tree_root(ledger_tree(ledger), size, &other.root, NULL), ERR_OK);
        assert_int_equal(ledger_check_checkpoint(ledger, &other, &why), ERR_OK);
        other.root.bytes[size] ^= 0x10;
        assert_int_equal(ledger_check_checkpoint(ledger, &other, &why), ERR_LEDGER_INCONSISTENT);
    }
    other = s->checkpoint;
    other.size++;
    assert_int_equal(ledger_check_checkpoint(ledger, &other, &why), ERR_LEDGER_INCONSISTENT);
}

/* An entry is compared with what was read when the ledger was opened. */
static void entry_changed_behind_our_back(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = opened(s->path, LEDGER_READ);
    CLEANUP(buf_free) struct buf entry = {0};
    struct why why = {0};
    FILE *file = fopen(s->path, "r+e");

    assert_non_null(file);
    assert_int_equal(fseek(file, (long)s->end[2] - 1, SEEK_SET), 0);
    assert_int_equal(fputc(s->whole.ptr[s->end[2] - 1] ^ 1, file), s->whole.ptr[s->end[2] - 1] ^ 1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(ledger_entry(ledger, 0, &entry, &why), ERR_OK);
    assert_int_equal(ledger_entry(ledger, 1, &entry, &why), ERR_LEDGER_INCONSISTENT);
    assert_int_equal(truncate(s->path, (off_t)s->end[2]), 0);
    assert_int_equal(ledger_entry(ledger, 2, &entry, &why), ERR_STORAGE);
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
        WITH_SETTING(lengths_that_no_write_leaves),
        WITH_SETTING(checkpoints_of_others),
        WITH_SETTING(entry_changed_behind_our_back),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
