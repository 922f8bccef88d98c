/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/tlog_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void oracle_free(struct oracle *oracle)
{
    tree_free(&oracle->tree);
    *oracle = (struct oracle){0};
}

struct slice oracle_entry(const struct oracle *oracle, uint64_t index,
                          uint8_t space[static ORACLE_ENTRY])
{
    uint8_t fork = index >= oracle->fork_at ? oracle->fork : 0;

    memset(space, (int)((index * 31 + fork) & 0xff), ORACLE_ENTRY);
    put_u64(space, index);
    return (struct slice){space, index % 64 == 5 && fork == 0 ? 0 : (size_t)(9 + index % 37)};
}

void oracle_grow(struct oracle *oracle, uint64_t n)
{
    uint8_t space[ORACLE_ENTRY];
    struct digest leaf;

    for (uint64_t i = 0; i < n; i++) {
        assert_int_equal(tree_leaf(oracle_entry(oracle, tree_size(&oracle->tree), space), &leaf),
                         ERR_OK);
        assert_int_equal(tree_append(&oracle->tree, &leaf), ERR_OK);
    }
}

static void check_entry(struct oracle *oracle, struct tlog *tlog, uint64_t index)
{
    CLEANUP(buf_free) struct buf entry = {0};
    uint64_t size = tree_size(&oracle->tree);
    uint8_t space[ORACLE_ENTRY];
    struct tree_path got, want;
    struct why why = {0};

    if (tlog_entry(tlog, index, &entry, &why) != ERR_OK)
        fail_msg("entry %d: %s", (int)index, why.text);
    if (!slice_eq(buf_slice(&entry), oracle_entry(oracle, index, space)))
        fail_msg("entry %d is another", (int)index);
    if (tree_prove_inclusion(tlog_tree(tlog), index, size, &got, &why) != ERR_OK)
        fail_msg("proof of %d: %s", (int)index, why.text);
    assert_int_equal(tree_prove_inclusion(tree_of(&oracle->tree), index, size, &want, &why),
                     ERR_OK);
    if (got.n != want.n || memcmp(got.hashes, want.hashes, got.n * sizeof *got.hashes) != 0)
        fail_msg("the proof of %d is another", (int)index);
    assert_int_equal(tree_prove_consistency(tlog_tree(tlog), index + 1, size, &got, &why), ERR_OK);
    assert_int_equal(tree_prove_consistency(tree_of(&oracle->tree), index + 1, size, &want, &why),
                     ERR_OK);
    if (got.n != want.n || memcmp(got.hashes, want.hashes, got.n * sizeof *got.hashes) != 0)
        fail_msg("the proof from %d on is another", (int)index + 1);
}

void oracle_sample(struct oracle *oracle, struct tlog *tlog, uint64_t step)
{
    uint64_t size = tree_size(&oracle->tree);
    struct digest got, want;

    if (tlog_head(tlog).checkpoint.size != size)
        fail_msg("size %d, want %d", (int)tlog_head(tlog).checkpoint.size, (int)size);
    assert_int_equal(tree_root(tree_of(&oracle->tree), size, &want, NULL), ERR_OK);
    assert_int_equal(tree_root(tlog_tree(tlog), size, &got, NULL), ERR_OK);
    assert_true(digest_eq(&got, &want));
    got = tlog_head(tlog).checkpoint.root;
    assert_true(digest_eq(&got, &want));
    for (uint64_t i = 0; i < size; i += step)
        check_entry(oracle, tlog, i);
}

void oracle_check(struct oracle *oracle, struct tlog *tlog)
{
    oracle_sample(oracle, tlog, 1);
}
