/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/text.h"
#include "gate/tlog/tree_vectors_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZES 65

/* The definitions of RFC 9162 2.1.1, 2.1.3.1 and 2.1.4.1 as they stand there, recursive, over leaf
 * hashes. Slow, and independent of what is tested. */
static struct digest naive_root(const struct digest *leaves, size_t n)
{
    struct digest left, right, ret = {0};
    size_t k = 1;

    if (n == 0)
        assert_int_equal(hash_sha256((struct slice){0}, &ret), ERR_OK);
    if (n == 1)
        ret = leaves[0];
    if (n > 1) {
        while (k * 2 < n)
            k *= 2;
        left = naive_root(leaves, k);
        right = naive_root(leaves + k, n - k);
        assert_int_equal(tree_node(&left, &right, &ret), ERR_OK);
    }
    return ret;
}

static void naive_inclusion(size_t m, const struct digest *leaves, size_t n, struct tree_path *path)
{
    size_t k = 1;

    if (n == 1)
        return;
    while (k * 2 < n)
        k *= 2;
    if (m < k) {
        naive_inclusion(m, leaves, k, path);
        path->hashes[path->n++] = naive_root(leaves + k, n - k);
    } else {
        naive_inclusion(m - k, leaves + k, n - k, path);
        path->hashes[path->n++] = naive_root(leaves, k);
    }
}

static void naive_subproof(size_t m, const struct digest *leaves, size_t n, bool b,
                           struct tree_path *path)
{
    size_t k = 1;

    if (m == n) {
        if (!b)
            path->hashes[path->n++] = naive_root(leaves, n);
        return;
    }
    while (k * 2 < n)
        k *= 2;
    if (m <= k) {
        naive_subproof(m, leaves, k, b, path);
        path->hashes[path->n++] = naive_root(leaves + k, n - k);
    } else {
        naive_subproof(m - k, leaves + k, n - k, false, path);
        path->hashes[path->n++] = naive_root(leaves, k);
    }
}

/* A tree of n leaves, each the hash of its own number. */
static void fill(struct tree *tree, struct digest *leaves, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t entry[8];

        put_u64(entry, i);
        assert_int_equal(tree_leaf(SLICE_OF(entry), &leaves[i]), ERR_OK);
        assert_int_equal(tree_append(tree, &leaves[i]), ERR_OK);
        assert_int_equal(tree_size(tree), i + 1);
    }
}

static bool path_eq(const struct tree_path *a, const struct tree_path *b)
{
    return a->n == b->n && memcmp(a->hashes, b->hashes, a->n * sizeof *a->hashes) == 0;
}

static void matches_the_definition(void **state)
{
    CLEANUP(tree_free) struct tree tree = {0};
    struct digest leaves[SIZES], root, want;
    (void)state;

    fill(&tree, leaves, SIZES - 1);
    for (size_t n = 0; n < SIZES; n++) {
        assert_int_equal(tree_root(tree_of(&tree), n, &root, NULL), ERR_OK);
        want = naive_root(leaves, n);
        if (!digest_eq(&root, &want))
            fail_msg("root of size %zu", n);
    }
    assert_int_equal(tree_root(tree_of(&tree), SIZES, &root, NULL), ERR_INTERNAL);
    assert_int_equal(tree_get(&tree, 0, SIZES - 2, &root), ERR_OK);
    assert_true(digest_eq(&root, &leaves[SIZES - 2]));
    assert_int_equal(tree_get(&tree, 0, SIZES - 1, &root), ERR_INTERNAL);
}

/* Each way to spoil an inclusion proof leads to another root, or to none. */
static void inclusion_spoilt(const struct digest *leaf, uint64_t index, uint64_t size,
                             const struct tree_path *good, const struct digest *root)
{
    struct tree_path path = *good;
    struct digest got;

    for (size_t i = 0; i < good->n; i++) {
        size_t bit = (index * 7 + i * 13) % 256;

        path.hashes[i].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(tree_root_from(leaf, index, size, &path, &got), ERR_OK);
        assert_false(digest_eq(&got, root));
        path.hashes[i] = good->hashes[i];
    }
    path.n = good->n + 1;
    assert_int_equal(tree_root_from(leaf, index, size, &path, &got), ERR_FORMAT);
    for (size_t n = 0; n < good->n; n++) {
        path.n = n;
        assert_int_equal(tree_root_from(leaf, index, size, &path, &got), ERR_FORMAT);
    }
    path = *good;
    for (uint64_t other = 0; other < size; other++)
        if (other != index && tree_root_from(leaf, other, size, &path, &got) == ERR_OK)
            assert_false(digest_eq(&got, root));
}

static void inclusion_of_every_leaf(void **state)
{
    CLEANUP(tree_free) struct tree tree = {0};
    struct digest leaves[SIZES], root, got;
    struct tree_path path, want;
    (void)state;

    fill(&tree, leaves, SIZES - 1);
    for (size_t n = 1; n < SIZES; n++) {
        root = naive_root(leaves, n);
        for (size_t i = 0; i < n; i++) {
            want = (struct tree_path){0};
            naive_inclusion(i, leaves, n, &want);
            assert_int_equal(tree_prove_inclusion(tree_of(&tree), i, n, &path, NULL), ERR_OK);
            if (!path_eq(&path, &want))
                fail_msg("path of leaf %zu in size %zu", i, n);
            assert_int_equal(tree_root_from(&leaves[i], i, n, &path, &got), ERR_OK);
            if (!digest_eq(&got, &root))
                fail_msg("root from leaf %zu in size %zu", i, n);
            if (n <= 20)
                inclusion_spoilt(&leaves[i], i, n, &path, &root);
        }
        assert_int_equal(tree_prove_inclusion(tree_of(&tree), n, n, &path, NULL), ERR_INTERNAL);
        assert_int_equal(tree_root_from(&leaves[0], n, n, &path, &got), ERR_FORMAT);
    }
    assert_int_equal(tree_prove_inclusion(tree_of(&tree), 0, SIZES, &path, NULL), ERR_INTERNAL);
    assert_int_equal(tree_root_from(&leaves[0], 0, 0, &path, &got), ERR_FORMAT);
    path.n = TREE_PATH_MAX + 1;
    assert_int_equal(tree_root_from(&leaves[0], 0, UINT64_MAX, &path, &got), ERR_FORMAT);
}

static void consistency_spoilt(const struct checkpoint *earlier, const struct checkpoint *later,
                               const struct tree_path *good)
{
    struct tree_path path = *good;
    struct checkpoint other;

    for (size_t i = 0; i < good->n; i++) {
        size_t bit = (earlier->size * 7 + i * 13) % 256;

        path.hashes[i].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(tree_check_consistency(earlier, later, &path), ERR_LEDGER_INCONSISTENT);
        path.hashes[i] = good->hashes[i];
    }
    path.n = good->n + 1;
    assert_int_equal(tree_check_consistency(earlier, later, &path), ERR_FORMAT);
    for (size_t n = 0; n < good->n; n++) {
        path.n = n;
        assert_int_equal(tree_check_consistency(earlier, later, &path), ERR_FORMAT);
    }
    other = *earlier;
    other.root.bytes[earlier->size % 32] ^= 1;
    assert_int_equal(tree_check_consistency(&other, later, good), ERR_LEDGER_INCONSISTENT);
    other = *later;
    other.root.bytes[earlier->size % 32] ^= 1;
    assert_int_equal(tree_check_consistency(earlier, &other, good), ERR_LEDGER_INCONSISTENT);
}

static void consistency_of_every_pair(void **state)
{
    CLEANUP(tree_free) struct tree tree = {0};
    struct digest leaves[SIZES];
    struct tree_path path, want;
    struct checkpoint earlier, later;
    (void)state;

    fill(&tree, leaves, SIZES - 1);
    for (size_t n = 1; n < SIZES; n++) {
        later = (struct checkpoint){n, naive_root(leaves, n)};
        for (size_t m = 1; m <= n; m++) {
            earlier = (struct checkpoint){m, naive_root(leaves, m)};
            want = (struct tree_path){0};
            naive_subproof(m, leaves, n, true, &want);
            assert_int_equal(tree_prove_consistency(tree_of(&tree), m, n, &path, NULL), ERR_OK);
            if (!path_eq(&path, &want))
                fail_msg("path from size %zu to size %zu", m, n);
            if (tree_check_consistency(&earlier, &later, &path) != ERR_OK)
                fail_msg("sizes %zu and %zu", m, n);
            if (n <= 20)
                consistency_spoilt(&earlier, &later, &path);
        }
        earlier = (struct checkpoint){0, naive_root(leaves, 0)};
        path.n = 0;
        assert_int_equal(tree_check_consistency(&earlier, &later, &path), ERR_FORMAT);
        assert_int_equal(tree_check_consistency(&earlier, &earlier, &path), ERR_FORMAT);
        assert_int_equal(tree_prove_consistency(tree_of(&tree), 0, n, &path, NULL), ERR_INTERNAL);
        assert_int_equal(tree_prove_consistency(tree_of(&tree), n + 1, n, &path, NULL),
                         ERR_INTERNAL);
    }
    assert_int_equal(tree_prove_consistency(tree_of(&tree), 1, SIZES, &path, NULL), ERR_INTERNAL);
}

static void cut_is_the_inverse_of_append(void **state)
{
    CLEANUP(tree_free) struct tree tree = {0};
    struct digest leaves[SIZES], root, want;
    (void)state;

    for (size_t n = 0; n < SIZES; n++) {
        for (size_t i = (size_t)tree_size(&tree); i < SIZES; i++) {
            uint8_t entry[8];

            put_u64(entry, i);
            assert_int_equal(tree_leaf(SLICE_OF(entry), &leaves[i]), ERR_OK);
            assert_int_equal(tree_append(&tree, &leaves[i]), ERR_OK);
        }
        want = naive_root(leaves, SIZES);
        assert_int_equal(tree_root(tree_of(&tree), SIZES, &root, NULL), ERR_OK);
        assert_true(digest_eq(&root, &want));
        tree_cut(&tree, n);
        assert_int_equal(tree_size(&tree), n);
        tree_cut(&tree, n + 1); /* never grows */
        assert_int_equal(tree_size(&tree), n);
        want = naive_root(leaves, n);
        assert_int_equal(tree_root(tree_of(&tree), n, &root, NULL), ERR_OK);
        assert_true(digest_eq(&root, &want));
    }
}

static void published_roots(void **state)
{
    CLEANUP(tree_free) struct tree tree = {0};
    char path[4096];
    json_t *json;
    (void)state;

    if (!vectors_path("derived/rfc9162-roots.json", path, sizeof path))
        skip();
    json = vectors_json(path);
    for (size_t n = 0; n <= 8; n++) {
        const char *text =
            json_string_value(json_array_get(json_object_get(json, "roots_by_size_0_to_8"), n));
        CLEANUP(buf_free) struct buf want = {0}, entry = {0};
        struct digest root, leaf;

        assert_int_equal(hex_decode(text, &want), ERR_OK);
        assert_int_equal(tree_root(tree_of(&tree), n, &root, NULL), ERR_OK);
        assert_true(slice_eq(digest_slice(&root), buf_slice(&want)));
        if (n == 8)
            break;
        text = json_string_value(json_array_get(json_object_get(json, "leaves_hex"), n));
        assert_int_equal(hex_decode(text, &entry), ERR_OK);
        assert_int_equal(tree_leaf(buf_slice(&entry), &leaf), ERR_OK);
        assert_int_equal(tree_append(&tree, &leaf), ERR_OK);
    }
    json_decref(json);
}

static void inclusion_vector(const char *path, const json_t *json)
{
    struct digest leaf, root, got;
    struct tree_path proof = {0};
    bool good = tree_vector_digest(json_object_get(json, "leafHash"), &leaf) &&
                tree_vector_digest(json_object_get(json, "root"), &root) &&
                tree_vector_path(json_object_get(json, "proof"), &proof) &&
                tree_root_from(&leaf, vectors_number(json, "leafIdx"),
                               vectors_number(json, "treeSize"), &proof, &got) == ERR_OK &&
                digest_eq(&got, &root);

    tree_vector_verdict(path, json, good);
}

static void consistency_vector(const char *path, const json_t *json)
{
    tree_vector_verdict(
        path, json,
        tree_vector_consistent(json, vectors_number(json, "size1"), vectors_number(json, "size2")));
}

static void published_proofs(void **state)
{
    char path[4096];
    (void)state;

    if (!vectors_path("merkle/testdata/inclusion", path, sizeof path))
        skip();
    assert_true(vectors_walk(path, inclusion_vector) >= 60);
    assert_true(vectors_path("merkle/testdata/consistency", path, sizeof path));
    assert_true(vectors_walk(path, consistency_vector) >= 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_the_definition),    cmocka_unit_test(inclusion_of_every_leaf),
        cmocka_unit_test(consistency_of_every_pair), cmocka_unit_test(cut_is_the_inverse_of_append),
        cmocka_unit_test(published_roots),           cmocka_unit_test(published_proofs),
    };
    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
