/* SPDX-License-Identifier: Apache-2.0 */
/* store_read_test.c: another process reads, as the log and as a client of the published files,
 * while this one commits, publishes and folds. What it sees is always a whole log. */
#include "gate/base/file.h"
#include "gate/tlog/store.h"
#include "gate/tlog/tile.h"
#include "gate/tlog/tlog_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define OK(call) assert_int_equal((call), ERR_OK)
#define ENTRIES 1500

/* The size that a checkpoint of commit_and_publish() states; 0 when there is none yet. */
static uint64_t published(const char *dir)
{
    CLEANUP(buf_free) struct buf path = {0}, text = {0};
    const char *line;

    if (path_join(dir, "checkpoint", &path) != ERR_OK ||
        file_read((const char *)path.ptr, 1000, &text, NULL) != ERR_OK)
        return 0;
    line = strchr((const char *)text.ptr, '\n');
    return line == NULL ? 0 : strtoull(line + 1, NULL, 10);
}

static bool same_root(struct tree_source source, struct tree_source want, const char *what)
{
    struct digest roots[2];
    struct why why = {0};

    if (tree_root(source, source.size, &roots[0], &why) == ERR_OK &&
        tree_root(want, source.size, &roots[1], &why) == ERR_OK && digest_eq(&roots[0], &roots[1]))
        return true;
    (void)fprintf(stderr, "%s: root at %d: %s\n", what, (int)source.size, why.text);
    return false;
}

static bool read_log(const char *dir, const struct oracle *oracle, uint64_t *seen)
{
    CLEANUP(tlog_close) struct tlog *tlog = NULL;
    CLEANUP(buf_free) struct buf entry = {0};
    struct why why = {0};
    uint64_t size;

    if (tlog_open(dir, TLOG_READ, &tlog, &why) != ERR_OK) {
        (void)fprintf(stderr, "open: %s\n", why.text);
        return false;
    }
    size = tlog_head(tlog).checkpoint.size;
    if (size < *seen || !same_root(tlog_tree(tlog), tree_of(&oracle->tree), "log"))
        return false;
    *seen = size;
    for (uint64_t i = 0; i < size; i += 1 + size / 5) {
        uint8_t space[ORACLE_ENTRY];
        if (tlog_entry(tlog, i, &entry, &why) != ERR_OK ||
            !slice_eq(buf_slice(&entry), oracle_entry(oracle, i, space))) {
            (void)fprintf(stderr, "entry %d of %d: %s\n", (int)i, (int)size, why.text);
            return false;
        }
    }
    return true;
}

static bool read_published(const char *dir, const struct oracle *oracle)
{
    CLEANUP(tile_bundle_free) struct tile_bundle bundle = {0};
    CLEANUP(tiles_close) struct tiles *tiles = NULL;
    uint64_t size = published(dir);
    struct why why = {0};

    if (size == 0)
        return true;
    if (tiles_open(dir, size, &tiles, &why) != ERR_OK ||
        !same_root(tiles_tree(tiles), tree_of(&oracle->tree), "tiles"))
        return false;
    if (tiles_bundle(tiles, (size - 1) / TILE_WIDTH, &bundle, &why) == ERR_OK)
        return true;
    (void)fprintf(stderr, "bundle at %d: %s\n", (int)size, why.text);
    return false;
}

static int reader(const char *dir)
{
    struct oracle oracle = {0};
    uint64_t seen = 0;
    bool good = true;
    unsigned n = 0;

    oracle_grow(&oracle, ENTRIES);
    for (; good && seen < ENTRIES; n++)
        good = read_log(dir, &oracle, &seen) && read_published(dir, &oracle);
    oracle_free(&oracle);
    (void)fprintf(stderr, "%u times read\n", n);
    return good ? 0 : 1;
}

static void write_log(const char *dir)
{
    CLEANUP(tlog_close) struct tlog *tlog = NULL;
    const struct oracle oracle = {0};
    uint64_t size = 0;

    OK(tlog_open(dir, TLOG_APPEND, &tlog, NULL));
    for (uint64_t round = 1; size < ENTRIES; round++) {
        char text[64];

        for (uint64_t n = 1 + round % 5; n > 0 && size < ENTRIES; n--, size++) {
            uint8_t space[ORACLE_ENTRY];
            OK(tlog_stage(tlog, oracle_entry(&oracle, size, space), NULL));
        }
        OK(tlog_commit(tlog, round, NULL));
        (void)snprintf(text, sizeof text, "origin\n%d\n", (int)size);
        if (round % 2 == 0)
            OK(tlog_publish(tlog, slice_str(text), slice_str("seal"), NULL));
        if (round % 11 == 0)
            OK(tlog_fold(tlog, NULL));
    }
}

static void readers_see_whole_logs(void **state)
{
    struct tlog *tlog = NULL;
    int status;
    char dir[64];
    pid_t pids[2];
    (void)state;

    testing_dir(dir, sizeof dir);
    OK(tlog_open(dir, TLOG_CREATE, &tlog, NULL));
    tlog_close(&tlog);
    for (int i = 0; i < 2; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            _exit(reader(dir));
    }
    write_log(dir);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    testing_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(readers_see_whole_logs)};

    return cmocka_run_group_tests_name("store_read", tests, NULL, NULL);
}
