/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_fault_test.c: a log lives through a short story (it is made, grows over the ends of tiles,
 * is published, folded and opened again), once for every call that touches a file and every way in
 * which that call can go wrong, and once for every moment at which the power may fail and what that
 * may leave. Whatever happened: what a commit acknowledged is there, nothing of another is half
 * there, no index gets a second content, rounds rise, and the tree is the one in memory.
 */
#include "gate/base/file.h"
#include "gate/tlog/disk_testing.h"
#include "gate/tlog/tile.h"
#include "gate/tlog/tlog_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK(call) assert_int_equal((call), ERR_OK)

/* Each letter: c commit, p publish, f fold, o open again. */
struct story {
    const char *name;
    uint64_t start; /* entries that are there, and folded, before it begins; 0: nothing is */
    const char *steps;
    uint64_t batch;
};

static const struct story STORIES[] = {
    {"from nothing", 0, "cpccfcpofcp", 3},
    {"over 256", 250, "cpccpfcocpcf", 3},
    {"over 512 in one batch", 500, "cpcpfcp", 9},
    {"many tiles at once", 250, "cpcfcp", 300},
};

static const char *const FAULTS[DISK_FAULTS] = {
    [DISK_WORKS] = "none",  [DISK_KILL] = "kill",   [DISK_TORN] = "torn", [DISK_EIO] = "EIO",
    [DISK_FULL] = "ENOSPC", [DISK_SHORT] = "short", [DISK_LATE] = "late",
};

struct run {
    char dir[64], copy[64];
    struct tlog *tlog;
    struct oracle oracle; /* what was acknowledged */
    uint64_t round,
        trying;     /* acknowledged; of a commit that failed: it may be there all the same */
    uint64_t tried; /* entries of that commit */
    uint64_t published;
    char doing[128];
};

/* ---- the story ------------------------------------------------------------------------------- */

static err_code publish(struct run *r, struct why *why)
{
    char text[64];
    uint64_t size = tlog_head(r->tlog).checkpoint.size;

    (void)snprintf(text, sizeof text, "origin\n%d\n", (int)size);
    TRY(tlog_publish(r->tlog, slice_str(text), slice_str("seal"), why));
    r->published = size;
    return ERR_OK;
}

static err_code commit(struct run *r, uint64_t n, struct why *why)
{
    uint8_t space[ORACLE_ENTRY];
    uint64_t size = tree_size(&r->oracle.tree);
    err_code err;

    for (uint64_t i = 0; i < n; i++)
        OK(tlog_stage(r->tlog, oracle_entry(&r->oracle, size + i, space), why));
    r->trying = r->round + 1 + size % 2;
    r->tried = n;
    err = tlog_commit(r->tlog, r->trying, why);
    if (err != ERR_OK)
        return err;
    oracle_grow(&r->oracle, n);
    r->round = r->trying;
    r->tried = 0;
    return ERR_OK;
}

static err_code step(struct run *r, char what, uint64_t batch, struct why *why)
{
    switch (what) {
    case 'c':
        return commit(r, batch, why);
    case 'p':
        return publish(r, why);
    case 'f':
        return tlog_fold(r->tlog, why);
    default:
        tlog_close(&r->tlog);
        return tlog_open(r->dir, TLOG_CREATE, &r->tlog, why);
    }
}

static void begin(struct run *r, const struct story *story)
{
    struct why why = {0};

    memset(r, 0, sizeof *r);
    testing_dir(r->dir, sizeof r->dir);
    disk_watch(r->dir);
    if (story->start > 0) {
        OK(tlog_open(r->dir, TLOG_CREATE, &r->tlog, &why));
        OK(commit(r, story->start, &why));
        OK(tlog_fold(r->tlog, &why));
        tlog_close(&r->tlog);
    }
}

static void end(struct run *r)
{
    tlog_close(&r->tlog);
    oracle_free(&r->oracle);
    disk_forget();
    testing_remove(r->dir);
}

/* ---- what must hold -------------------------------------------------------------------------- */

static void check_tiles_from(struct run *r, const char *dir, uint64_t size, uint64_t bundle_from)
{
    CLEANUP(tile_bundle_free) struct tile_bundle bundle = {0};
    CLEANUP(tiles_close) struct tiles *tiles = NULL;
    uint8_t space[ORACLE_ENTRY];
    struct digest got, want;
    struct why why = {0};

    OK(tiles_open(dir, size, &tiles, NULL));
    if (tree_root(tiles_tree(tiles), size, &got, &why) != ERR_OK)
        fail_msg("%s: root of the tiles at %d: %s", r->doing, (int)size, why.text);
    OK(tree_root(tree_of(&r->oracle.tree), size, &want, NULL));
    if (!digest_eq(&got, &want))
        fail_msg("%s: root of the tiles at %d", r->doing, (int)size);
    for (uint64_t i = bundle_from; i * TILE_WIDTH < size; i++) {
        if (tiles_bundle(tiles, i, &bundle, &why) != ERR_OK)
            fail_msg("%s: bundle %d at %d: %s", r->doing, (int)i, (int)size, why.text);
        for (unsigned e = 0; e < bundle.n; e++)
            if (!slice_eq(bundle.entries[e], oracle_entry(&r->oracle, bundle.first + e, space)))
                fail_msg("%s: entry %d of bundle %d", r->doing, (int)e, (int)i);
    }
}

static void check_tiles(struct run *r, const char *dir, uint64_t size)
{
    check_tiles_from(r, dir, size, 0);
}

/* The checkpoint that is there, if it is one: its tiles must be. */
static void check_published(struct run *r, const char *dir)
{
    CLEANUP(buf_free) struct buf path = {0}, text = {0};
    uint64_t size;
    char *line;

    OK(path_join(dir, "checkpoint", &path));
    if (file_read((const char *)path.ptr, 1000, &text, NULL) != ERR_OK)
        return;
    line = strchr((char *)text.ptr, '\n');
    size = line == NULL ? 0 : strtoull(line + 1, NULL, 10);
    if (size > tree_size(&r->oracle.tree))
        fail_msg("%s: the checkpoint says %d of %d", r->doing, (int)size,
                 (int)tree_size(&r->oracle.tree));
    if (size > 0)
        check_tiles(r, dir, size);
}

/* Each partial tile that is there, whoever published it, is the front of what the tree has. */
static void check_partials(struct run *r, const char *dir)
{
    uint64_t end = tree_size(&r->oracle.tree);

    for (uint64_t size = end - end % TILE_WIDTH + 1; size <= end; size++) {
        CLEANUP(buf_free) struct buf path = {0}, other = {0};
        const uint64_t index = size / TILE_WIDTH;
        char name[TILE_PATH];

        tile_path((struct tile){0, index, (unsigned)(size % TILE_WIDTH)}, name);
        OK(path_join(dir, name, &path));
        tile_path((struct tile){TILE_ENTRIES, index, (unsigned)(size % TILE_WIDTH)}, name);
        OK(path_join(dir, name, &other));
        if (file_exists((const char *)path.ptr) && file_exists((const char *)other.ptr))
            check_tiles_from(r, dir, size, index);
    }
}

static void open_again(struct run *r, const char *dir, enum tlog_mode mode)
{
    struct why why = {0};
    err_code err;

    tlog_close(&r->tlog);
    err = tlog_open(dir, mode, &r->tlog, &why);
    if (err != ERR_OK)
        fail_msg("%s: %s: %s", r->doing, err_name(err), why.text);
}

/* A commit that failed may be there, whole; then it is part of the log. */
static void settle(struct run *r)
{
    uint64_t size = tlog_head(r->tlog).checkpoint.size;

    if (r->tried != 0 && size == tree_size(&r->oracle.tree) + r->tried) {
        oracle_grow(&r->oracle, r->tried);
        r->round = r->trying;
    }
    r->tried = 0;
    if (size != tree_size(&r->oracle.tree) || tlog_head(r->tlog).round != r->round)
        fail_msg("%s: size %d, want %d; round %d, want %d", r->doing, (int)size,
                 (int)tree_size(&r->oracle.tree), (int)tlog_head(r->tlog).round, (int)r->round);
    oracle_sample(&r->oracle, r->tlog, size < 30 ? 1 : 1 + size / 7);
}

/* The log goes on, with entries that differ from those that may have been tried before. */
static void goes_on(struct run *r, const char *dir, const struct story *story)
{
    static const char STEPS[] = "cpcfc";
    struct why why = {0};

    r->oracle.fork = 77;
    r->oracle.fork_at = tree_size(&r->oracle.tree);
    for (const char *s = STEPS; *s != '\0'; s++)
        if (step(r, *s, story->batch % 7 + 1, &why) != ERR_OK)
            fail_msg("%s: afterwards: %s", r->doing, why.text);
    open_again(r, dir, TLOG_READ);
    settle(r);
    check_published(r, dir);
    tlog_close(&r->tlog);
}

/* ---- one call goes wrong --------------------------------------------------------------------- */

/* After a failure: everything that was acknowledged is there, and nothing else unless the log is
 * broken; then it refuses until it is opened again. */
static void after_failure(struct run *r, char what, uint64_t batch)
{
    struct why why = {0};

    if (r->tlog != NULL && what == 'c' && !disk_dead()) {
        if (tlog_head(r->tlog).checkpoint.size != tree_size(&r->oracle.tree))
            fail_msg("%s: a commit that failed counts", r->doing);
        if (commit(r, batch, &why) == ERR_OK)
            return;
        if (strstr(why.text, "open it again") == NULL)
            fail_msg("%s: refused again: %s", r->doing, why.text);
    }
    if (r->tlog != NULL && what != 'c' && what != 'o' && step(r, what, batch, &why) == ERR_OK)
        return;
    if (!disk_dead())
        (void)step(r, 'o', batch, &why);
}

/* Returns how many calls the story takes. */
/* What a log shows once it is open for appending is durable, whoever left it there. */
static void power_fails_after_all(struct run *r)
{
    for (enum disk_loss loss = LOSE_ALL; loss <= LOSE_NAMES; loss++) {
        CLEANUP(tlog_close) struct tlog *copy = NULL;
        struct why why = {0};
        char dir[64];

        testing_dir(dir, sizeof dir);
        disk_restore(disk_operations(), loss, 0, dir);
        if (tlog_open(dir, TLOG_APPEND, &copy, &why) != ERR_OK)
            fail_msg("%s, then a power cut: %s", r->doing, why.text);
        if (tlog_head(copy).checkpoint.size != tree_size(&r->oracle.tree))
            fail_msg("%s, then a power cut: size %d, want %d", r->doing,
                     (int)tlog_head(copy).checkpoint.size, (int)tree_size(&r->oracle.tree));
        testing_remove(dir);
    }
}

static bool apply[1000][DISK_FAULTS]; /* which fault makes a difference to which call */

static size_t live_through(const struct story *story, size_t at, enum disk_fault fault,
                           bool *ret_hit)
{
    static struct run r;
    struct why why = {0};
    size_t calls;

    begin(&r, story);
    (void)snprintf(r.doing, sizeof r.doing, "%s: %s at call %zu", story->name, FAULTS[fault], at);
    disk_arm(at, fault);
    if (step(&r, 'o', 0, &why) != ERR_OK && !disk_dead())
        (void)step(&r, 'o', 0, &why);
    for (const char *s = story->steps; *s != '\0' && !disk_dead() && r.tlog != NULL; s++)
        if (step(&r, *s, story->batch, &why) != ERR_OK) {
            after_failure(&r, *s, story->batch);
            if (r.tlog != NULL && !disk_dead())
                settle(&r);
        }
    calls = disk_disarm(ret_hit);
    for (size_t i = 0; fault == DISK_WORKS && i < calls; i++)
        for (enum disk_fault f = DISK_KILL; f < DISK_FAULTS; f++)
            apply[i][f] = disk_applies(i, f);
    tlog_close(&r.tlog);
    if (fault == DISK_KILL && r.tried == 0)
        check_published(&r, r.dir);
    open_again(&r, r.dir, TLOG_CREATE);
    settle(&r);
    disk_pause(true);
    if (fault == DISK_KILL || fault == DISK_EIO)
        power_fails_after_all(&r);
    goes_on(&r, r.dir, story);
    end(&r);
    return calls;
}

static void every_call_in_every_way(void **state)
{
    size_t runs = 0;
    (void)state;

    for (size_t i = 0; i < sizeof STORIES / sizeof *STORIES; i++) {
        bool hit;
        size_t calls = live_through(&STORIES[i], SIZE_MAX, DISK_WORKS, &hit);

        assert_true(calls > 50 && calls <= sizeof apply / sizeof *apply);
        for (size_t at = 0; at < calls; at++)
            for (enum disk_fault fault = DISK_KILL; fault < DISK_FAULTS; fault++) {
                if (!apply[at][fault])
                    continue;
                (void)live_through(&STORIES[i], at, fault, &hit);
                assert_true(hit);
                runs++;
            }
    }
    print_message("%zu faults\n", runs);
}

/* A failed fdatasync is never asked again. */
static void a_failed_fdatasync_breaks_the_log(void **state)
{
    static const struct story STORY = {"broken", 10, "", 1};
    static struct run r;
    struct why why = {0};
    bool hit, broken = false;
    (void)state;

    for (size_t at = 0; at < 6; at++)
        for (enum disk_fault fault = DISK_EIO; fault <= DISK_LATE; fault++) {
            uint64_t size;
            err_code err;

            begin(&r, &STORY);
            open_again(&r, r.dir, TLOG_APPEND);
            disk_arm(at, fault);
            err = commit(&r, 2, &why);
            (void)disk_disarm(&hit);
            size = tlog_head(r.tlog).checkpoint.size;
            if (err != ERR_OK && strstr(why.text, "make durable") != NULL) {
                broken = true;
                assert_int_equal(size, 10);
                for (int i = 0; i < 3; i++)
                    assert_int_equal(commit(&r, 1, &why), ERR_STORAGE);
                assert_int_equal(tlog_fold(r.tlog, &why), ERR_STORAGE);
            }
            end(&r);
        }
    assert_true(broken);
}

/* A commit that nobody acknowledged or made durable, then an opening that could not do so either:
 * the next one makes sure of it, or does not show it. */
static void an_opening_that_failed(void **state)
{
    static const struct story STORY = {"opened twice", 10, "", 1};
    static struct run r;
    bool hit = true;
    (void)state;

    for (size_t at = 0; hit; at++) {
        struct why why = {0};

        begin(&r, &STORY);
        (void)snprintf(r.doing, sizeof r.doing, "EIO at call %zu of opening", at);
        open_again(&r, r.dir, TLOG_APPEND);
        disk_arm(1, DISK_KILL);
        assert_int_equal(commit(&r, 2, &why), ERR_STORAGE);
        (void)disk_disarm(&hit);
        tlog_close(&r.tlog);
        disk_arm(at, DISK_EIO);
        (void)tlog_open(r.dir, TLOG_APPEND, &r.tlog, &why);
        (void)disk_disarm(&hit);
        open_again(&r, r.dir, TLOG_APPEND);
        settle(&r);
        disk_pause(true);
        power_fails_after_all(&r);
        end(&r);
    }
}

/* ---- the power fails ------------------------------------------------------------------------- */

/* What had been acknowledged, and tried, when so many changes had been made to the disk. */
struct moment {
    size_t changes;
    uint64_t size, round, trying, tried;
};

struct past {
    struct moment moments[64];
    size_t n;
};

static void remember(struct past *past, const struct run *r)
{
    assert_true(past->n < sizeof past->moments / sizeof *past->moments);
    past->moments[past->n++] = (struct moment){disk_operations(), tree_size(&r->oracle.tree),
                                               r->round, r->trying, r->tried};
}

/* The log was acknowledged up to a moment, and was doing what came next. */
static void restore(const struct story *story, const struct moment *was, const struct moment *next,
                    size_t at, enum disk_loss loss, uint64_t which)
{
    static struct run r;

    memset(&r, 0, sizeof r);
    (void)snprintf(r.doing, sizeof r.doing, "%s: power cut after change %zu, loss %d, %d",
                   story->name, at, (int)loss, (int)which);
    testing_dir(r.dir, sizeof r.dir);
    disk_restore(at, loss, which, r.dir);
    oracle_grow(&r.oracle, was->size);
    r.round = was->round;
    if (next != NULL && next->size > was->size) {
        r.trying = next->round;
        r.tried = next->size - was->size;
    }
    open_again(&r, r.dir, TLOG_CREATE);
    settle(&r);
    check_published(&r, r.dir);
    check_partials(&r, r.dir);
    goes_on(&r, r.dir, story);
    oracle_free(&r.oracle);
    testing_remove(r.dir);
}

/* Each change alone, where the most of them is pending: right before something becomes durable. */
static size_t restore_in_every_way(const struct story *story, const struct moment *was,
                                   const struct moment *next, size_t at)
{
    size_t pending = disk_pending(at), n = 0;

    for (enum disk_loss loss = LOSE_ALL; loss <= LOSE_NONE && pending > 0; loss++, n++)
        restore(story, was, next, at, loss, 0);
    for (uint64_t which = 0; disk_before_sync(at) && which < pending; which++, n += 3) {
        restore(story, was, next, at, LOSE_HALF, which);
        restore(story, was, next, at, LOSE_ONE, which);
        restore(story, was, next, at, LOSE_OTHERS, which);
    }
    for (uint64_t seed = 0; seed < 3 && pending > 1; seed++, n++)
        restore(story, was, next, at, LOSE_SOME, seed + at * 3);
    return n;
}

static void every_moment_of_power(void **state)
{
    size_t runs = 0;
    (void)state;

    for (size_t i = 0; i < sizeof STORIES / sizeof *STORIES; i++) {
        const struct story *story = &STORIES[i];
        static struct past past;
        static struct run r;
        struct why why = {0};
        size_t m = 0;

        begin(&r, story);
        past.n = 0;
        remember(&past, &r);
        OK(step(&r, 'o', 0, &why));
        for (const char *s = story->steps; *s != '\0'; s++) {
            OK(step(&r, *s, story->batch, &why));
            remember(&past, &r);
        }
        disk_pause(true);
        for (size_t at = past.moments[0].changes; at <= disk_operations(); at++) {
            while (m + 1 < past.n && past.moments[m + 1].changes <= at)
                m++;
            runs += restore_in_every_way(story, &past.moments[m],
                                         m + 1 < past.n ? &past.moments[m + 1] : NULL, at);
        }
        end(&r);
    }
    print_message("%zu power cuts\n", runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_in_every_way),
        cmocka_unit_test(a_failed_fdatasync_breaks_the_log),
        cmocka_unit_test(an_opening_that_failed),
        cmocka_unit_test(every_moment_of_power),
    };
    return cmocka_run_group_tests_name("store_fault", tests, NULL, NULL);
}
