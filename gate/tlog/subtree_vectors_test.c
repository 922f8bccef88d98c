/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of subtrees, from transparency-dev/merkle. A subtree [start, end) is one of RFC 9162 as
 * long as start is a multiple of the power of two that its width reaches; an inclusion proof in it
 * is then one in a tree of end - start leaves. Consistency is a question that pawl asks of subtrees
 * that begin at 0 alone, which are the earlier trees, and never of empty ones, which prove nothing;
 * the other vectors are counted and left out.
 */
#include "gate/base/vectors_testing.h"
#include "gate/tlog/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t judged, left_out;

static bool digest_of(const json_t *text, struct digest *ret)
{
    CLEANUP(buf_free) struct buf bytes = {0};

    vectors_base64(text, &bytes);
    return digest_from(buf_slice(&bytes), ret) == ERR_OK;
}

static bool path_of(const json_t *proof, struct tree_path *ret)
{
    bool good = json_array_size(proof) <= TREE_PATH_MAX;

    ret->n = good ? json_array_size(proof) : 0;
    for (size_t i = 0; i < ret->n; i++)
        good = digest_of(json_array_get(proof, i), &ret->hashes[i]) && good;
    return good;
}

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
    if (good == vectors_bool(json, "wantErr"))
        fail_msg("%s: %s, got %s", path, vectors_text(json, "desc"), good ? "good" : "refused");
}

static void inclusion(const char *path, const json_t *json)
{
    uint64_t start = vectors_number(json, "start"), end = vectors_number(json, "end");
    uint64_t index = vectors_number(json, "leafIdx");
    struct digest leaf, root, got;
    struct tree_path proof = {0};

    verdict(path, json,
            is_subtree(start, end) && index >= start &&
                digest_of(json_object_get(json, "leafHash"), &leaf) &&
                digest_of(json_object_get(json, "root"), &root) &&
                path_of(json_object_get(json, "proof"), &proof) &&
                tree_root_from(&leaf, index - start, end - start, &proof, &got) == ERR_OK &&
                digest_eq(&got, &root));
}

static void consistency(const char *path, const json_t *json)
{
    struct checkpoint earlier = {.size = vectors_number(json, "end")};
    struct checkpoint later = {.size = vectors_number(json, "size")};
    struct tree_path proof = {0};
    bool good;

    if (vectors_number(json, "start") != 0 || earlier.size == 0) {
        left_out++;
        return;
    }
    good = digest_of(json_object_get(json, "root1"), &earlier.root) &&
           digest_of(json_object_get(json, "root2"), &later.root) &&
           path_of(json_object_get(json, "proof"), &proof);
    /* Two vectors compare roots that are no digests: equal octets stand for equal roots. */
    if (earlier.size == 1 && later.size == 1 && proof.n == 0)
        good = strcmp(vectors_text(json, "root1"), vectors_text(json, "root2")) == 0;
    else
        good = good && tree_check_consistency(&earlier, &later, &proof) == ERR_OK;
    verdict(path, json, good);
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
