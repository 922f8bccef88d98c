/* SPDX-License-Identifier: Apache-2.0 */
/* tree_proof.c: roots and proofs, made from the hashes of complete subtrees, and checked. */
#include "gate/tlog/tree.h"

err_code tree_hash(struct tree_source source, unsigned level, uint64_t index, struct digest *ret,
                   struct why *why)
{
    if (level >= TREE_LEVELS || index >= source.size >> level)
        return ERR_INTERNAL;
    return source.hash(source.from, level, index, ret, why);
}

/* What roots and proofs are made with. */
struct maker {
    struct tree_source source;
    struct hasher hasher;
    struct why *why;
};

static void maker_free(struct maker *maker)
{
    hasher_free(&maker->hasher);
}

/* Hash of the leaves [begin, end), where begin is a multiple of a power of two that is not smaller
 * than their number: the complete subtrees are then the one bits of that number, joined from the
 * right. */
static err_code range(struct maker *maker, uint64_t begin, uint64_t end, struct digest *ret)
{
    uint64_t n = end - begin;
    struct digest hash = {0};
    bool have = false;

    for (unsigned l = 0; l < TREE_LEVELS && n >> l != 0; l++) {
        struct digest left;

        if ((n >> l & 1) == 0)
            continue;
        TRY(tree_hash(maker->source, l, (end >> l) - 1, &left, maker->why));
        if (have)
            TRY(tree_node_with(&maker->hasher, &left, &hash, &hash));
        else
            hash = left;
        have = true;
    }
    *ret = hash;
    return ERR_OK;
}

err_code tree_root(struct tree_source source, uint64_t size, struct digest *ret, struct why *why)
{
    CLEANUP(maker_free) struct maker maker = {source, {0}, why};

    if (size > source.size)
        return ERR_INTERNAL;
    return size == 0 ? tree_empty(ret) : range(&maker, 0, size, ret);
}

/* The largest power of two below n, for n > 1. */
static uint64_t split_of(uint64_t n)
{
    return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

static void reverse(struct tree_path *path)
{
    for (size_t i = 0; i < path->n / 2; i++) {
        struct digest swap = path->hashes[i];
        path->hashes[i] = path->hashes[path->n - 1 - i];
        path->hashes[path->n - 1 - i] = swap;
    }
}

err_code tree_prove_inclusion(struct tree_source source, uint64_t index, uint64_t size,
                              struct tree_path *ret, struct why *why)
{
    CLEANUP(maker_free) struct maker maker = {source, {0}, why};
    struct tree_path path = {0};
    uint64_t begin = 0, end = size, split;

    if (index >= size || size > source.size)
        return ERR_INTERNAL;
    while (end - begin > 1) {
        split = begin + split_of(end - begin);
        if (index < split) {
            TRY(range(&maker, split, end, &path.hashes[path.n++]));
            end = split;
        } else {
            TRY(range(&maker, begin, split, &path.hashes[path.n++]));
            begin = split;
        }
    }
    reverse(&path);
    *ret = path;
    return ERR_OK;
}

err_code tree_prove_consistency(struct tree_source source, uint64_t earlier, uint64_t size,
                                struct tree_path *ret, struct why *why)
{
    CLEANUP(maker_free) struct maker maker = {source, {0}, why};
    struct tree_path path = {0};
    uint64_t begin = 0, end = size, split;

    if (earlier == 0 || earlier > size || size > source.size)
        return ERR_INTERNAL;
    while (end != earlier) {
        split = begin + split_of(end - begin);
        if (earlier <= split) {
            TRY(range(&maker, split, end, &path.hashes[path.n++]));
            end = split;
        } else {
            TRY(range(&maker, begin, split, &path.hashes[path.n++]));
            begin = split;
        }
    }
    if (begin != 0) /* else the earlier root is itself a node here, which the verifier has */
        TRY(range(&maker, begin, end, &path.hashes[path.n++]));
    reverse(&path);
    *ret = path;
    return ERR_OK;
}

/* The walk from a leaf to the root that both checks share: at each node, whether the next hash of
 * the proof stands to the left. fn and sn are the names of RFC 9162. */
struct walk {
    uint64_t fn, sn;
};

/* Takes one step upwards past the levels that have no sibling. */
static bool step_left(struct walk *walk)
{
    bool left = (walk->fn & 1) != 0 || walk->fn == walk->sn;

    while (left && (walk->fn & 1) == 0 && walk->fn != 0) {
        walk->fn >>= 1;
        walk->sn >>= 1;
    }
    walk->fn >>= 1;
    walk->sn >>= 1;
    return left;
}

err_code tree_root_from(const struct digest *leaf, uint64_t index, uint64_t size,
                        const struct tree_path *path, struct digest *ret)
{
    CLEANUP(hasher_free) struct hasher hasher = {0};
    struct walk walk = {index, size - 1};
    struct digest hash = *leaf;

    if (index >= size || path->n > TREE_PATH_MAX)
        return ERR_FORMAT;
    for (size_t i = 0; i < path->n; i++) {
        if (walk.sn == 0)
            return ERR_FORMAT;
        if (step_left(&walk))
            TRY(tree_node_with(&hasher, &path->hashes[i], &hash, &hash));
        else
            TRY(tree_node_with(&hasher, &hash, &path->hashes[i], &hash));
    }
    if (walk.sn != 0)
        return ERR_FORMAT;
    *ret = hash;
    return ERR_OK;
}

/* Both roots that a consistency proof leads to. A whole power of two begins with the earlier root,
 * which the proof leaves out. */
static err_code roots_from(const struct checkpoint *earlier, uint64_t size,
                           const struct tree_path *path, struct digest ret[static 2])
{
    CLEANUP(hasher_free) struct hasher hasher = {0};
    struct walk walk = {earlier->size - 1, size - 1};
    bool whole = (earlier->size & (earlier->size - 1)) == 0;
    struct digest fr, sr;

    if (path->n == 0 || path->n > TREE_PATH_MAX)
        return ERR_FORMAT;
    while ((walk.fn & 1) != 0) {
        walk.fn >>= 1;
        walk.sn >>= 1;
    }
    fr = whole ? earlier->root : path->hashes[0];
    sr = fr;
    for (size_t i = whole ? 0 : 1; i < path->n; i++) {
        if (walk.sn == 0)
            return ERR_FORMAT;
        if (step_left(&walk)) {
            TRY(tree_node_with(&hasher, &path->hashes[i], &fr, &fr));
            TRY(tree_node_with(&hasher, &path->hashes[i], &sr, &sr));
        } else {
            TRY(tree_node_with(&hasher, &sr, &path->hashes[i], &sr));
        }
    }
    if (walk.sn != 0)
        return ERR_FORMAT;
    ret[0] = fr;
    ret[1] = sr;
    return ERR_OK;
}

err_code tree_check_consistency(const struct checkpoint *earlier, const struct checkpoint *later,
                                const struct tree_path *path)
{
    struct digest roots[2];

    if (earlier->size == 0 || earlier->size > later->size)
        return ERR_FORMAT;
    if (earlier->size == later->size) {
        if (path->n != 0)
            return ERR_FORMAT;
        return digest_eq(&earlier->root, &later->root) ? ERR_OK : ERR_LEDGER_INCONSISTENT;
    }
    TRY(roots_from(earlier, later->size, path, roots));
    if (!digest_eq(&roots[0], &earlier->root) || !digest_eq(&roots[1], &later->root))
        return ERR_LEDGER_INCONSISTENT;
    return ERR_OK;
}
