/* SPDX-License-Identifier: Apache-2.0 */
/* store_test.c: a log that is committed to, published, folded and opened again at many sizes,
 * always the same as a tree in memory; what is wrong with its files is found. */
#include "gate/base/file.h"
#include "gate/tlog/journal.h"
#include "gate/tlog/store.h"
#include "gate/tlog/tile.h"
#include "gate/tlog/tlog_testing.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OK(call) assert_int_equal((call), ERR_OK)

struct setting {
    char dir[64];
    struct tlog *tlog;
    struct oracle oracle;
    uint64_t round;
};

static void reopen(struct setting *s, enum tlog_mode mode)
{
    struct why why = {0};

    tlog_close(&s->tlog);
    if (tlog_open(s->dir, mode, &s->tlog, &why) != ERR_OK)
        fail_msg("open: %s", why.text);
}

static int setup(void **state)
{
    struct setting *s = calloc(1, sizeof *s);

    assert_non_null(s);
    testing_dir(s->dir, sizeof s->dir);
    reopen(s, TLOG_CREATE);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct setting *s = *state;

    tlog_close(&s->tlog);
    oracle_free(&s->oracle);
    testing_remove(s->dir);
    free(s);
    return 0;
}

static void stage(struct setting *s, uint64_t n)
{
    uint8_t space[ORACLE_ENTRY];

    for (uint64_t i = 0; i < n; i++)
        OK(tlog_stage(s->tlog, oracle_entry(&s->oracle, tree_size(&s->oracle.tree) + i, space),
                      NULL));
}

static void commit(struct setting *s, uint64_t n)
{
    struct why why = {0};

    stage(s, n);
    s->round += 1 + n % 3;
    if (tlog_commit(s->tlog, s->round, &why) != ERR_OK)
        fail_msg("commit: %s", why.text);
    oracle_grow(&s->oracle, n);
}

static void publish(struct setting *s)
{
    OK(tlog_publish(s->tlog, slice_str("checkpoint\n"), slice_str("seal"), NULL));
}

static void check(struct setting *s)
{
    assert_int_equal(tlog_head(s->tlog).round, s->round);
    oracle_check(&s->oracle, s->tlog);
}

/* ---- growing --------------------------------------------------------------------------------- */

static void an_empty_log(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf entry = {0};
    struct tlog_head head[2];

    check(s);
    OK(tlog_commit(s->tlog, 1, NULL)); /* nothing staged: nothing happens */
    OK(tlog_fold(s->tlog, NULL));
    publish(s);
    reopen(s, TLOG_READ);
    check(s);
    assert_int_equal(tlog_heads(s->tlog, head, 2), 1);
    assert_int_equal(head[0].checkpoint.size, 0);
    assert_int_equal(tlog_entry(s->tlog, 0, &entry, NULL), ERR_NOT_FOUND);
    assert_int_equal(tlog_stage(s->tlog, slice_str("x"), NULL), ERR_INTERNAL);
    assert_int_equal(tlog_fold(s->tlog, NULL), ERR_INTERNAL);
    assert_int_equal(tlog_publish(s->tlog, slice_str("x"), slice_str(""), NULL), ERR_INTERNAL);
}

/* Every tile there ought to be at a size, read back by the reader of foreign logs. */
static void check_tiles(struct setting *s, uint64_t size)
{
    CLEANUP(tile_bundle_free) struct tile_bundle bundle = {0};
    CLEANUP(tiles_close) struct tiles *tiles = NULL;
    uint8_t space[ORACLE_ENTRY];
    struct digest got, want;
    struct why why = {0};

    OK(tiles_open(s->dir, size, &tiles, NULL));
    if (tree_root(tiles_tree(tiles), size, &got, &why) != ERR_OK)
        fail_msg("root of the tiles at %d: %s", (int)size, why.text);
    OK(tree_root(tree_of(&s->oracle.tree), size, &want, NULL));
    assert_true(digest_eq(&got, &want));
    for (uint64_t i = 0; i * TILE_WIDTH < size; i++) {
        if (tiles_bundle(tiles, i, &bundle, &why) != ERR_OK)
            fail_msg("bundle %d at %d: %s", (int)i, (int)size, why.text);
        for (unsigned e = 0; e < bundle.n; e++)
            assert_true(
                slice_eq(bundle.entries[e], oracle_entry(&s->oracle, bundle.first + e, space)));
    }
}

/* Batches of many sizes, each crossing what it crosses; every so many commits something else. */
static void grows_like_a_tree(void **state)
{
    struct setting *s = *state;
    uint64_t published = 0;

    for (unsigned i = 1; tree_size(&s->oracle.tree) < 1500; i++) {
        commit(s, 1 + (i * 7) % 40);
        if (i % 3 == 0) {
            publish(s);
            published = tree_size(&s->oracle.tree);
        }
        if (i % 8 == 0)
            OK(tlog_fold(s->tlog, NULL));
        if (i % 5 == 0)
            reopen(s, TLOG_APPEND);
        check(s);
        check_tiles(s, published);
        check_tiles(s, tlog_folded(s->tlog));
    }
    reopen(s, TLOG_READ);
    check(s);
}

/* A whole level of tiles is completed, in the middle of a batch and at its end. */
static void completes_a_tile_of_tiles(void **state)
{
    static const uint64_t BATCHES[] = {65280, 200, 100, 456, 65036, 1};
    struct setting *s = *state;

    for (size_t i = 0; i < sizeof BATCHES / sizeof *BATCHES; i++) {
        commit(s, BATCHES[i]);
        publish(s);
        check_tiles(s, tree_size(&s->oracle.tree));
        if (i % 2 == 1)
            OK(tlog_fold(s->tlog, NULL));
        reopen(s, TLOG_APPEND);
        oracle_sample(&s->oracle, s->tlog, 997);
    }
}

static void batches_can_be_taken_back(void **state)
{
    struct setting *s = *state;
    struct checkpoint now, later;

    commit(s, 250);
    OK(tlog_next(s->tlog, &now));
    stage(s, 20);
    OK(tlog_next(s->tlog, &later));
    assert_int_equal(later.size, 270);
    check(s);
    publish(s); /* of what is durable */
    check_tiles(s, 250);
    assert_int_equal(tlog_fold(s->tlog, NULL), ERR_INTERNAL);
    OK(tlog_commit(s->tlog, ++s->round, NULL));
    oracle_grow(&s->oracle, 20);
    check(s);
    OK(tlog_next(s->tlog, &now));
    stage(s, 9);
    tlog_abandon(s->tlog);
    OK(tlog_next(s->tlog, &later));
    assert_memory_equal(&now, &later, sizeof now);
    commit(s, 5);
    reopen(s, TLOG_APPEND);
    check(s);
}

static void rounds_rise(void **state)
{
    struct setting *s = *state;
    struct tlog_head heads[8];

    commit(s, 3);
    for (uint64_t round = s->round; round + 2 > s->round; round--) {
        stage(s, 2);
        assert_int_equal(tlog_commit(s->tlog, round, NULL), ERR_LEDGER_INCONSISTENT);
        check(s);
    }
    commit(s, 4);
    commit(s, 5);
    reopen(s, TLOG_APPEND);
    assert_int_equal(tlog_heads(s->tlog, heads, 8), 4);
    assert_int_equal(heads[0].round, 0);
    assert_int_equal(heads[2].checkpoint.size, 7);
    assert_int_equal(heads[3].checkpoint.size, 12);
    assert_int_equal(tlog_heads(s->tlog, heads, 2), 2);
    assert_int_equal(heads[0].checkpoint.size, 7);
    OK(tlog_fold(s->tlog, NULL));
    assert_int_equal(tlog_heads(s->tlog, heads, 8), 1);
    assert_int_equal(heads[0].checkpoint.size, 12);
    assert_int_equal(heads[0].round, s->round);
    check(s);
}

static void limits(void **state)
{
    struct setting *s = *state;
    uint8_t *big = calloc(1, TILE_ENTRY_MAX + 1);
    CLEANUP(buf_free) struct buf entry = {0};
    err_code err = ERR_OK;
    uint64_t n = 0;

    assert_non_null(big);
    assert_int_equal(tlog_stage(s->tlog, (struct slice){big, TILE_ENTRY_MAX + 1}, NULL),
                     ERR_TOO_LARGE);
    for (; err == ERR_OK; n++)
        err = tlog_stage(s->tlog, (struct slice){big, TILE_ENTRY_MAX}, NULL);
    assert_int_equal(err, ERR_TOO_LARGE);
    assert_int_equal(n, JOURNAL_FRAME_MAX / (TILE_ENTRY_MAX + 2) + 1);
    OK(tlog_commit(s->tlog, 1, NULL));
    assert_true(tlog_wants_fold(s->tlog));
    OK(tlog_entry(s->tlog, n - 2, &entry, NULL));
    assert_int_equal(entry.len, TILE_ENTRY_MAX);
    publish(s);
    OK(tlog_fold(s->tlog, NULL));
    assert_false(tlog_wants_fold(s->tlog));
    reopen(s, TLOG_READ);
    OK(tlog_entry(s->tlog, n - 2, &entry, NULL));
    assert_int_equal(entry.len, TILE_ENTRY_MAX);
    free(big);
}

/* ---- what is wrong with the files ------------------------------------------------------------ */

static void journal_path(const struct setting *s, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s/journal", s->dir);
}

static void read_journal(const struct setting *s, struct buf *ret)
{
    char path[128];

    journal_path(s, path, sizeof path);
    OK(file_read(path, JOURNAL_MAX, ret, NULL));
}

static void write_journal(const struct setting *s, struct slice bytes)
{
    char path[128];

    journal_path(s, path, sizeof path);
    OK(file_write(path, bytes, 0600, NULL));
}

/* Cut anywhere: what was whole is there, the rest is torn and replaced. */
static void cut_at_every_length(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf journal = {0};
    size_t ends[5] = {JOURNAL_HEADER};
    uint64_t sizes[5] = {0};
    size_t whole = 0;

    for (size_t i = 1; i < 5; i++) {
        commit(s, i);
        read_journal(s, &journal);
        ends[i] = journal.len;
        sizes[i] = tree_size(&s->oracle.tree);
    }
    for (size_t len = 0; len <= journal.len; len++) {
        write_journal(s, slice_part(buf_slice(&journal), 0, len));
        tlog_close(&s->tlog);
        if (len < JOURNAL_HEADER) {
            assert_int_equal(tlog_open(s->dir, TLOG_READ, &s->tlog, NULL), ERR_LEDGER_INCONSISTENT);
            continue;
        }
        whole += whole < 4 && len >= ends[whole + 1];
        reopen(s, TLOG_APPEND);
        assert_int_equal(tlog_head(s->tlog).checkpoint.size, sizes[whole]);
        assert_int_equal(tlog_torn(s->tlog), len - ends[whole]);
        OK(tlog_stage(s->tlog, slice_str("another"), NULL));
        OK(tlog_commit(s->tlog, 1000, NULL));
        assert_int_equal(tlog_torn(s->tlog), 0);
        reopen(s, TLOG_READ);
        assert_int_equal(tlog_head(s->tlog).checkpoint.size, sizes[whole] + 1);
    }
}

/* Each bit: found, or it makes the last commit one that was interrupted. */
static void every_bit_of_the_journal(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf journal = {0};
    size_t last;
    uint64_t size;

    commit(s, 2);
    commit(s, 3);
    read_journal(s, &journal);
    last = journal.len;
    size = tree_size(&s->oracle.tree);
    commit(s, 2);
    read_journal(s, &journal);
    tlog_close(&s->tlog);
    for (size_t bit = 0; bit < journal.len * 8; bit++) {
        struct why why = {0};
        err_code err;

        journal.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        write_journal(s, buf_slice(&journal));
        journal.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        err = tlog_open(s->dir, TLOG_READ, &s->tlog, &why);
        if (bit / 8 < last &&
            (err != ERR_LEDGER_INCONSISTENT || strstr(why.text, "journal") == NULL))
            fail_msg("bit %zu: %s: %s", bit, err_name(err), why.text);
        if (bit / 8 >= last && err != ERR_OK)
            fail_msg("bit %zu: %s: %s", bit, err_name(err), why.text);
        if (err == ERR_OK && (tlog_head(s->tlog).checkpoint.size != size ||
                              tlog_torn(s->tlog) != journal.len - last))
            fail_msg("bit %zu: size %d", bit, (int)tlog_head(s->tlog).checkpoint.size);
        tlog_close(&s->tlog);
    }
}

/* Frames that are whole, in another order, twice, or left out. */
static void frames_elsewhere(void **state)
{
    static const struct {
        const char *name;
        size_t order[5], n;
        err_code want;
    } CASES[] = {
        {"as written", {0, 1, 2, 3}, 4, ERR_OK},
        {"first left out", {1, 2, 3}, 3, ERR_LEDGER_INCONSISTENT},
        {"one left out", {0, 2, 3}, 3, ERR_LEDGER_INCONSISTENT},
        {"exchanged", {1, 0, 2, 3}, 4, ERR_LEDGER_INCONSISTENT},
        {"twice", {0, 0, 1, 2, 3}, 5, ERR_LEDGER_INCONSISTENT},
        {"last twice", {0, 1, 2, 3, 3}, 5, ERR_OK}, /* nothing that continues it follows */
    };
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf journal = {0};
    size_t ends[5] = {JOURNAL_HEADER};

    for (size_t i = 1; i < 5; i++) {
        commit(s, i);
        read_journal(s, &journal);
        ends[i] = journal.len;
    }
    tlog_close(&s->tlog);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        err_code err;

        OK(buf_add_slice(&bytes, slice_part(buf_slice(&journal), 0, JOURNAL_HEADER)));
        for (size_t k = 0; k < CASES[i].n; k++) {
            size_t frame = CASES[i].order[k];
            OK(buf_add_slice(&bytes, slice_part(buf_slice(&journal), ends[frame],
                                                ends[frame + 1] - ends[frame])));
        }
        write_journal(s, buf_slice(&bytes));
        err = tlog_open(s->dir, TLOG_APPEND, &s->tlog, NULL);
        if (err != CASES[i].want)
            fail_msg("%s: %s", CASES[i].name, err_name(err));
        tlog_close(&s->tlog);
    }
}

static void somebody_else_wrote(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf journal = {0};
    char path[128];

    commit(s, 3);
    journal_path(s, path, sizeof path);
    assert_int_equal(truncate(path, 100), 0);
    stage(s, 1);
    assert_int_equal(tlog_commit(s->tlog, 100, NULL), ERR_LEDGER_INCONSISTENT);
    assert_int_equal(truncate(path, JOURNAL_HEADER), 0);
    reopen(s, TLOG_APPEND);
    read_journal(s, &journal);
    write_journal(s, buf_slice(&journal)); /* another file of that name */
    stage(s, 1);
    assert_int_equal(tlog_commit(s->tlog, 100, NULL), ERR_LEDGER_INCONSISTENT);
}

static void a_lost_journal_is_no_new_log(void **state)
{
    struct setting *s = *state;
    char path[128];

    commit(s, 3);
    publish(s);
    tlog_close(&s->tlog);
    journal_path(s, path, sizeof path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(tlog_open(s->dir, TLOG_CREATE, &s->tlog, NULL), ERR_LEDGER_INCONSISTENT);
    assert_int_equal(tlog_open(s->dir, TLOG_APPEND, &s->tlog, NULL), ERR_NOT_FOUND);
}

/* The right edge's tiles are compared with the journal, every other one when it is used. */
static void damaged_tiles(void **state)
{
    static const char *const FILES[] = {"tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000",
                                        "tile/entries/001.p/44", "tile/0/000"};
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf entry = {0};
    char path[128];

    commit(s, 300);
    OK(tlog_fold(s->tlog, NULL));
    for (size_t i = 0; i < 5; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        err_code err;

        tlog_close(&s->tlog);
        (void)snprintf(path, sizeof path, "%s/%s", s->dir, FILES[i]);
        OK(file_read(path, 1 << 20, &bytes, NULL));
        bytes.ptr[8] ^= 1;
        OK(file_write(path, buf_slice(&bytes), 0600, NULL));
        err = tlog_open(s->dir, TLOG_APPEND, &s->tlog, NULL);
        for (uint64_t k = 0; err == ERR_OK && k < 300; k++)
            err = tlog_entry(s->tlog, k, &entry, NULL);
        if (err != ERR_LEDGER_INCONSISTENT)
            fail_msg("%s: %s", FILES[i], err_name(err));
        bytes.ptr[8] ^= 1;
        OK(file_write(path, buf_slice(&bytes), 0600, NULL));
    }
    reopen(s, TLOG_APPEND);
    check(s);
}

/* The journal in the file changes after it was opened: that gets into no tile, and is found when
 * the journal is read again. */
static void no_tile_of_a_changed_journal(void **state)
{
    struct setting *s = *state;
    char path[128];
    int fd;

    commit(s, 3);
    commit(s, 3);
    journal_path(s, path, sizeof path);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "x", 1, JOURNAL_HEADER + JOURNAL_FRONT + 3 * 2 + 3), 1);
    close(fd);
    tlog_close(&s->tlog);
    assert_int_equal(tlog_open(s->dir, TLOG_READ, &s->tlog, NULL), ERR_LEDGER_INCONSISTENT);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "\0", 1, JOURNAL_HEADER + JOURNAL_FRONT + 3 * 2 + 3), 1);
    reopen(s, TLOG_APPEND);
    assert_int_equal(pwrite(fd, "x", 1, JOURNAL_HEADER + JOURNAL_FRONT + 3 * 2 + 3), 1);
    close(fd);
    publish(s);
    check_tiles(s, 6);
    OK(tlog_fold(s->tlog, NULL));
    check(s);
    reopen(s, TLOG_READ);
    check(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_log, setup, teardown),
        cmocka_unit_test_setup_teardown(grows_like_a_tree, setup, teardown),
        cmocka_unit_test_setup_teardown(completes_a_tile_of_tiles, setup, teardown),
        cmocka_unit_test_setup_teardown(batches_can_be_taken_back, setup, teardown),
        cmocka_unit_test_setup_teardown(rounds_rise, setup, teardown),
        cmocka_unit_test_setup_teardown(limits, setup, teardown),
        cmocka_unit_test_setup_teardown(cut_at_every_length, setup, teardown),
        cmocka_unit_test_setup_teardown(every_bit_of_the_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(frames_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(somebody_else_wrote, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_journal_is_no_new_log, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_tiles, setup, teardown),
        cmocka_unit_test_setup_teardown(no_tile_of_a_changed_journal, setup, teardown),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
