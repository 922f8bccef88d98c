/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of subtrees, from transparency-dev/merkle. A subtree [start, end) is one of RFC 9162 as
 * long as start is a multiple of the power of two that its width reaches; an inclusion proof in it
 * is then one in a tree of end - start leaves. Consistency is a question that pawl asks of subtrees
 * that begin at 0 alone, which are the earlier trees, and never of empty ones, which prove nothing;
 * the other vectors are counted and left out.
 */
#include "gate/tlog/tree_vectors_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t judged, left_out;

static bool is_subtree(uint64_t start, uint64_t end)
{
    uint64_t width = 1;

    if (start >= end)
        return false;
    while (width < end - start && width < (uint64_t)1 << 63)
        width <<= 1;
    return start % width == 0;
}

static void verdict(const char *path, const json_t *json, bool good)
{
    judged++;
    tree_vector_verdict(path, json, good);
}

static void inclusion(const char *path, const json_t *json)
{
    uint64_t start = vectors_number(json, "start"), end = vectors_number(json, "end");
    uint64_t index = vectors_number(json, "leafIdx");
    struct digest leaf, root, got;
    struct tree_path proof = {0};

    verdict(path, json,
            is_subtree(start, end) && index >= start &&
                tree_vector_digest(json_object_get(json, "leafHash"), &leaf) &&
                tree_vector_digest(json_object_get(json, "root"), &root) &&
                tree_vector_path(json_object_get(json, "proof"), &proof) &&
                tree_root_from(&leaf, index - start, end - start, &proof, &got) == ERR_OK &&
                digest_eq(&got, &root));
}

static void consistency(const char *path, const json_t *json)
{
    uint64_t end = vectors_number(json, "end");

    if (vectors_number(json, "start") != 0 || end == 0) {
        left_out++;
        return;
    }
    verdict(path, json, tree_vector_consistent(json, end, vectors_number(json, "size")));
}

static void walk(const char *name, void (*visit)(const char *path, const json_t *json))
{
    char path[4096];
    size_t files;

    if (!vectors_path(name, path, sizeof path))
        skip();
    judged = left_out = 0;
    files = vectors_walk(path, visit);
    print_message("%s: %zu files, %zu judged, %zu of subtrees that pawl never compares\n", name,
                  files, judged, left_out);
    assert_int_equal(files, judged + left_out);
    assert_true(judged >= 40);
}

static void inclusion_in_subtrees(void **state)
{
    (void)state;
    walk("merkle/testdata/subtreeinclusion", inclusion);
}

static void consistency_of_subtrees(void **state)
{
    (void)state;
    walk("merkle/testdata/subtreeconsistency", consistency);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inclusion_in_subtrees),
        cmocka_unit_test(consistency_of_subtrees),
    };
    return cmocka_run_group_tests_name("subtree_vectors", tests, NULL, NULL);
}
