/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/file.h"
#include "gate/base/vectors_testing.h"
#include "gate/tlog/tile.h"
#include "gate/tlog/tlog_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define VECTOR_LOG "tlog-tiles/testdata/log"
#define VECTOR_SIZE 15

static void paths(void **state)
{
    static const struct {
        struct tile tile;
        const char *want;
    } CASES[] = {
        {{0, 0, 256}, "tile/0/000"},
        {{0, 0, 1}, "tile/0/000.p/1"},
        {{3, 999, 255}, "tile/3/999.p/255"},
        {{0, 1000, 256}, "tile/0/x001/000"},
        {{1, 1234067, 256}, "tile/1/x001/x234/067"},
        {{TILE_ENTRIES, 1234067, 8}, "tile/entries/x001/x234/067.p/8"},
        {{0, 1000000, 256}, "tile/0/x001/x000/000"},
        {{TILE_ENTRIES, UINT64_MAX, 255}, "tile/entries/x018/x446/x744/x073/x709/x551/615.p/255"},
    };
    char got[TILE_PATH];
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        tile_path(CASES[i].tile, got);
        assert_string_equal(got, CASES[i].want);
    }
}

static void widths(void **state)
{
    static const struct {
        unsigned level;
        uint64_t index, size;
        unsigned want;
    } CASES[] = {
        {0, 0, 0, 0},
        {0, 0, 1, 1},
        {0, 0, 255, 255},
        {0, 0, 256, 256},
        {0, 1, 256, 0},
        {0, 1, 257, 1},
        {0, 2, 257, 0},
        {1, 0, 255, 0},
        {1, 0, 256, 1},
        {1, 0, 70000, 256},
        {1, 1, 70000, 17},
        {2, 0, 70000, 1},
        {5, 0, 1ull << 47, 128},
        {TILE_ENTRIES, 3, 1000, 232},
        {0, UINT64_MAX, 1000, 0},
    };
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        unsigned got = tile_width(CASES[i].level, CASES[i].index, CASES[i].size);
        if (got != CASES[i].want)
            fail_msg("case %zu: %u, want %u", i, got, CASES[i].want);
    }
}

/* The second and third lines of a checkpoint. */
static void read_checkpoint(const char *path, struct checkpoint *ret)
{
    CLEANUP(buf_free) struct buf text = {0}, root = {0};
    char *line, *end;
    json_t *json;

    assert_int_equal(file_read(path, 4096, &text, NULL), ERR_OK);
    line = strchr((char *)text.ptr, '\n');
    assert_non_null(line);
    ret->size = strtoull(line + 1, &end, 10);
    assert_int_equal(*end, '\n');
    *strchr(end + 1, '\n') = '\0';
    json = json_string(end + 1);
    vectors_base64(json, &root);
    json_decref(json);
    assert_int_equal(digest_from(buf_slice(&root), &ret->root), ERR_OK);
}

/* At every size there was: root of the tiles, root of the entries, and the published one. */
static void a_foreign_log(void **state)
{
    CLEANUP(tile_bundle_free) struct tile_bundle bundle = {0};
    char path[4096], dir[4096], name[64];
    (void)state;

    if (!vectors_path(VECTOR_LOG, dir, sizeof dir))
        skip();
    for (uint64_t size = 1; size <= VECTOR_SIZE; size++) {
        CLEANUP(tiles_close) struct tiles *tiles = NULL;
        CLEANUP(tree_free) struct tree tree = {0};
        struct checkpoint want;
        struct digest root, leaf;

        (void)snprintf(name, sizeof name, VECTOR_LOG "/checkpoint.%d", (int)size);
        assert_true(vectors_path(name, path, sizeof path));
        read_checkpoint(path, &want);
        assert_int_equal(want.size, size);
        assert_int_equal(tiles_open(dir, size, &tiles, NULL), ERR_OK);
        assert_int_equal(tree_root(tiles_tree(tiles), size, &root, NULL), ERR_OK);
        assert_true(digest_eq(&root, &want.root));
        assert_int_equal(tiles_bundle(tiles, 0, &bundle, NULL), ERR_OK);
        assert_int_equal(bundle.n, size);
        for (unsigned i = 0; i < bundle.n; i++) {
            assert_int_equal(tree_leaf(bundle.entries[i], &leaf), ERR_OK);
            assert_int_equal(tree_append(&tree, &leaf), ERR_OK);
        }
        assert_int_equal(tree_root(tree_of(&tree), size, &root, NULL), ERR_OK);
        assert_true(digest_eq(&root, &want.root));
    }
}

/* ---- a directory made here ------------------------------------------------------------------- */

struct setting {
    char dir[64];
    struct tree tree;
};

static int setup(void **state)
{
    struct setting *s = calloc(1, sizeof *s);

    assert_non_null(s);
    testing_dir(s->dir, sizeof s->dir);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct setting *s = *state;

    tree_free(&s->tree);
    testing_remove(s->dir);
    free(s);
    return 0;
}

/* Entry i is i % 300 bytes long, each of them i. */
static struct slice entry_of(uint64_t i, uint8_t space[static 300])
{
    memset(space, (int)(i & 0xff), 300);
    return (struct slice){space, (size_t)(i % 300)};
}

static void put_file(const struct setting *s, struct tile tile, struct slice content)
{
    CLEANUP(buf_free) struct buf path = {0}, dir = {0};
    char name[TILE_PATH];

    tile_path(tile, name);
    assert_int_equal(path_join(s->dir, name, &path), ERR_OK);
    *strrchr(name, '/') = '\0';
    assert_int_equal(path_join(s->dir, name, &dir), ERR_OK);
    assert_int_equal(file_make_dir((const char *)dir.ptr, 0755, NULL), ERR_OK);
    assert_int_equal(file_write((const char *)path.ptr, content, 0644, NULL), ERR_OK);
}

static void remove_file(const struct setting *s, struct tile tile)
{
    CLEANUP(buf_free) struct buf path = {0};
    char name[TILE_PATH];

    tile_path(tile, name);
    assert_int_equal(path_join(s->dir, name, &path), ERR_OK);
    assert_int_equal(unlink((const char *)path.ptr), 0);
}

/* Lets the tree grow to size and writes its tiles; entries, too, as bundles. */
static void write_log(struct setting *s, uint64_t size)
{
    for (uint64_t i = tree_size(&s->tree); i < size; i++) {
        uint8_t space[300];
        struct digest leaf;

        assert_int_equal(tree_leaf(entry_of(i, space), &leaf), ERR_OK);
        assert_int_equal(tree_append(&s->tree, &leaf), ERR_OK);
    }
    for (unsigned level = 0; level < 3; level++) {
        struct tile tile = {level, 0, 0};
        for (; (tile.width = tile_width(level, tile.index, size)) != 0; tile.index++)
            put_file(s, tile,
                     (struct slice){
                         s->tree.level[level * TILE_HEIGHT].hashes[tile.index * TILE_WIDTH].bytes,
                         tile.width * sizeof(struct digest)});
    }
    for (struct tile tile = {TILE_ENTRIES, 0, 0};
         (tile.width = tile_width(TILE_ENTRIES, tile.index, size)) != 0; tile.index++) {
        CLEANUP(buf_free) struct buf bundle = {0};
        for (uint64_t i = 0; i < tile.width; i++) {
            uint8_t space[300];
            struct slice entry = entry_of(tile.index * TILE_WIDTH + i, space);

            assert_int_equal(buf_add_u16(&bundle, (uint16_t)entry.len), ERR_OK);
            assert_int_equal(buf_add_slice(&bundle, entry), ERR_OK);
        }
        put_file(s, tile, buf_slice(&bundle));
    }
}

static void roots_and_proofs_from_tiles(void **state)
{
    static const uint64_t SIZES[] = {1, 2, 255, 256, 257, 700, 65535, 65536, 65793, 70000};
    struct setting *s = *state;

    for (size_t n = 0; n < sizeof SIZES / sizeof *SIZES; n++) {
        CLEANUP(tiles_close) struct tiles *tiles = NULL;
        struct tree_path got, want;
        struct digest root[2];
        uint64_t size = SIZES[n];

        write_log(s, size);
        assert_int_equal(tiles_open(s->dir, size, &tiles, NULL), ERR_OK);
        assert_int_equal(tree_root(tiles_tree(tiles), size, &root[0], NULL), ERR_OK);
        assert_int_equal(tree_root(tree_of(&s->tree), size, &root[1], NULL), ERR_OK);
        assert_memory_equal(&root[0], &root[1], sizeof root[0]);
        for (uint64_t i = 0; i < size; i += 1 + i / 3) {
            assert_int_equal(tree_prove_inclusion(tiles_tree(tiles), i, size, &got, NULL), ERR_OK);
            assert_int_equal(tree_prove_inclusion(tree_of(&s->tree), i, size, &want, NULL), ERR_OK);
            assert_int_equal(got.n, want.n);
            assert_memory_equal(got.hashes, want.hashes, got.n * sizeof *got.hashes);
            assert_int_equal(tree_prove_consistency(tiles_tree(tiles), i + 1, size, &got, NULL),
                             ERR_OK);
            assert_int_equal(tree_prove_consistency(tree_of(&s->tree), i + 1, size, &want, NULL),
                             ERR_OK);
            assert_int_equal(got.n, want.n);
            assert_memory_equal(got.hashes, want.hashes, got.n * sizeof *got.hashes);
        }
        assert_int_equal(tree_root(tiles_tree(tiles), size + 1, &root[0], NULL), ERR_INTERNAL);
    }
}

/* At a smaller size than the one that was written, and after the log has completed a tile. */
static void partial_tiles_are_read_from_full_ones(void **state)
{
    CLEANUP(tile_bundle_free) struct tile_bundle bundle = {0};
    CLEANUP(tiles_close) struct tiles *tiles = NULL;
    struct setting *s = *state;
    const struct digest *hashes;
    uint8_t space[300];
    unsigned n;

    write_log(s, 300);
    assert_int_equal(tiles_open(s->dir, 100, &tiles, NULL), ERR_OK);
    assert_int_equal(tiles_bundle(tiles, 0, &bundle, NULL), ERR_OK);
    assert_int_equal(bundle.n, 100);
    assert_true(slice_eq(bundle.entries[99], entry_of(99, space)));
    assert_int_equal(tiles_hashes(tiles, 0, 0, &hashes, &n, NULL), ERR_OK);
    assert_int_equal(n, 100);
    assert_int_equal(tiles_bundle(tiles, 1, &bundle, NULL), ERR_INTERNAL);
    tiles_resize(tiles, 300);
    assert_int_equal(tiles_hashes(tiles, 0, 0, &hashes, &n, NULL), ERR_OK);
    assert_int_equal(n, 256);
    assert_memory_equal(hashes, s->tree.level[0].hashes, 256 * sizeof *hashes);
    assert_int_equal(tiles_bundle(tiles, 1, &bundle, NULL), ERR_OK);
    assert_int_equal(bundle.n, 44);
    assert_int_equal(bundle.first, 256);
    assert_true(slice_eq(bundle.entries[43], entry_of(299, space)));
    remove_file(s, (struct tile){TILE_ENTRIES, 1, 44});
    assert_int_equal(tiles_bundle(tiles, 1, &bundle, NULL), ERR_NOT_FOUND);
}

static void wrong_lengths(void **state)
{
    static const struct {
        const char *name;
        struct tile tile;
        size_t len;
        uint64_t size;
        err_code want;
    } CASES[] = {
        {"a hash short", {0, 0, 256}, 8160, 256, ERR_LEDGER_INCONSISTENT},
        {"half a hash", {0, 0, 256}, 8191, 256, ERR_LEDGER_INCONSISTENT},
        {"a byte more", {0, 0, 256}, 8193, 256, ERR_LEDGER_INCONSISTENT},
        {"full", {0, 0, 256}, 8192, 256, ERR_OK},
        {"partial is full", {0, 0, 3}, 8192, 3, ERR_LEDGER_INCONSISTENT},
        {"partial", {0, 0, 3}, 96, 3, ERR_OK},
        {"empty", {0, 0, 3}, 0, 3, ERR_LEDGER_INCONSISTENT},
        {"bundle short", {TILE_ENTRIES, 0, 3}, 5, 3, ERR_LEDGER_INCONSISTENT},
        {"bundle", {TILE_ENTRIES, 0, 3}, 6, 3, ERR_OK},
        {"bundle long", {TILE_ENTRIES, 0, 3}, 7, 3, ERR_LEDGER_INCONSISTENT},
        {"bundle empty", {TILE_ENTRIES, 0, 1}, 0, 1, ERR_LEDGER_INCONSISTENT},
        {"full bundle short", {TILE_ENTRIES, 0, 256}, 511, 256, ERR_LEDGER_INCONSISTENT},
        {"full bundle long", {TILE_ENTRIES, 0, 256}, 513, 256, ERR_LEDGER_INCONSISTENT},
        {"full bundle", {TILE_ENTRIES, 0, 256}, 512, 256, ERR_OK},
    };
    static const uint8_t ZEROES[9000];
    CLEANUP(tile_bundle_free) struct tile_bundle bundle = {0};
    struct setting *s = *state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(tiles_close) struct tiles *tiles = NULL;
        const struct digest *hashes;
        struct why why = {0};
        unsigned n;
        err_code err;

        put_file(s, CASES[i].tile, (struct slice){ZEROES, CASES[i].len});
        assert_int_equal(tiles_open(s->dir, CASES[i].size, &tiles, NULL), ERR_OK);
        err = CASES[i].tile.level == TILE_ENTRIES ? tiles_bundle(tiles, 0, &bundle, &why)
                                                  : tiles_hashes(tiles, 0, 0, &hashes, &n, &why);
        if (err != CASES[i].want || (err != ERR_OK && strstr(why.text, "tile/") == NULL))
            fail_msg("%s: %s: %s", CASES[i].name, err_name(err), why.text);
        remove_file(s, CASES[i].tile);
    }
}

static void limits(void **state)
{
    CLEANUP(tiles_close) struct tiles *tiles = NULL;
    struct setting *s = *state;
    struct digest hash;

    assert_int_equal(tiles_open(s->dir, TREE_SIZE_MAX + 1, &tiles, NULL), ERR_TOO_LARGE);
    assert_int_equal(tiles_open("/nonexistent", 1, &tiles, NULL), ERR_NOT_FOUND);
    assert_int_equal(tiles_open(s->dir, TREE_SIZE_MAX, &tiles, NULL), ERR_OK);
    assert_int_equal(tree_hash(tiles_tree(tiles), 0, 0, &hash, NULL), ERR_NOT_FOUND);
    assert_int_equal(tree_hash(tiles_tree(tiles), TREE_LEVELS, 0, &hash, NULL), ERR_INTERNAL);
    assert_int_equal(tree_hash(tiles_tree(tiles), 0, TREE_SIZE_MAX, &hash, NULL), ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(widths),
        cmocka_unit_test(a_foreign_log),
        cmocka_unit_test_setup_teardown(roots_and_proofs_from_tiles, setup, teardown),
        cmocka_unit_test_setup_teardown(partial_tiles_are_read_from_full_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_lengths, setup, teardown),
        cmocka_unit_test_setup_teardown(limits, setup, teardown),
    };
    return cmocka_run_group_tests_name("tile", tests, NULL, NULL);
}
