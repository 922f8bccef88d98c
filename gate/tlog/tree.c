/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/tree.h"

#include <stdlib.h>
#include <string.h>

err_code tree_leaf(struct slice entry, struct digest *ret)
{
    static const uint8_t PREFIX[] = {0};
    const struct slice parts[] = {SLICE_OF(PREFIX), entry};

    return hash_sha256_parts(parts, 2, ret);
}

err_code tree_node(const struct digest *left, const struct digest *right, struct digest *ret)
{
    static const uint8_t PREFIX[] = {1};
    const struct slice parts[] = {SLICE_OF(PREFIX), digest_slice(left), digest_slice(right)};

    return hash_sha256_parts(parts, 3, ret);
}

err_code tree_empty(struct digest *ret)
{
    return hash_sha256((struct slice){0}, ret);
}

void tree_free(struct tree *tree)
{
    for (size_t l = 0; l < TREE_LEVELS; l++)
        free(tree->level[l].hashes);
    *tree = (struct tree){0};
}

uint64_t tree_size(const struct tree *tree)
{
    return tree->level[0].n;
}

/* Makes room for one more hash at a level. */
static err_code reserve(struct tree *tree, size_t level)
{
    size_t cap = tree->level[level].cap;
    struct digest *hashes;

    if (tree->level[level].n < cap)
        return ERR_OK;
    cap = cap == 0 ? 16 : cap * 2; /* n <= TREE_SIZE_MAX, so this cannot overflow */
    hashes = realloc(tree->level[level].hashes, cap * sizeof *hashes);
    if (hashes == NULL)
        return ERR_NO_MEMORY;
    tree->level[level].hashes = hashes;
    tree->level[level].cap = cap;
    return ERR_OK;
}

err_code tree_append(struct tree *tree, const struct digest *leaf)
{
    struct digest made[TREE_LEVELS];
    uint64_t index = tree_size(tree);
    size_t top = 0;

    if (index >= TREE_SIZE_MAX)
        return ERR_TOO_LARGE;
    /* Everything that can fail comes first: the nodes that this leaf completes, then the room. */
    made[0] = *leaf;
    for (; index >> top & 1; top++) {
        const struct digest *left = &tree->level[top].hashes[(index >> top) - 1];
        TRY(tree_node(left, &made[top], &made[top + 1]));
    }
    for (size_t l = 0; l <= top; l++)
        TRY(reserve(tree, l));
    for (size_t l = 0; l <= top; l++)
        tree->level[l].hashes[tree->level[l].n++] = made[l];
    return ERR_OK;
}

void tree_cut(struct tree *tree, uint64_t size)
{
    if (size >= tree_size(tree))
        return;
    for (size_t l = 0; l < TREE_LEVELS; l++)
        tree->level[l].n = (size_t)(size >> l);
}

err_code tree_leaf_at(const struct tree *tree, uint64_t index, struct digest *ret)
{
    if (index >= tree_size(tree))
        return ERR_INTERNAL;
    *ret = tree->level[0].hashes[index];
    return ERR_OK;
}

/* Hash of the leaves [begin, end), where begin is a multiple of a power of two that is not smaller
 * than their number: the complete subtrees are then the one bits of that number, joined from the
 * right. */
static err_code range(const struct tree *tree, uint64_t begin, uint64_t end, struct digest *ret)
{
    uint64_t n = end - begin;
    struct digest hash = {0};
    bool have = false;

    for (size_t l = 0; n >> l != 0; l++) {
        const struct digest *left;

        if ((n >> l & 1) == 0)
            continue;
        left = &tree->level[l].hashes[(end >> l) - 1];
        if (have)
            TRY(tree_node(left, &hash, &hash));
        else
            hash = *left;
        have = true;
    }
    *ret = hash;
    return ERR_OK;
}

err_code tree_root(const struct tree *tree, uint64_t size, struct digest *ret)
{
    if (size > tree_size(tree))
        return ERR_INTERNAL;
    return size == 0 ? tree_empty(ret) : range(tree, 0, size, ret);
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

err_code tree_prove_inclusion(const struct tree *tree, uint64_t index, uint64_t size,
                              struct tree_path *ret)
{
    struct tree_path path = {0};
    uint64_t begin = 0, end = size, split;

    if (index >= size || size > tree_size(tree))
        return ERR_INTERNAL;
    while (end - begin > 1) {
        split = begin + split_of(end - begin);
        if (index < split) {
            TRY(range(tree, split, end, &path.hashes[path.n++]));
            end = split;
        } else {
            TRY(range(tree, begin, split, &path.hashes[path.n++]));
            begin = split;
        }
    }
    reverse(&path);
    *ret = path;
    return ERR_OK;
}

err_code tree_prove_consistency(const struct tree *tree, uint64_t earlier, uint64_t size,
                                struct tree_path *ret)
{
    struct tree_path path = {0};
    uint64_t begin = 0, end = size, split;

    if (earlier == 0 || earlier > size || size > tree_size(tree))
        return ERR_INTERNAL;
    while (end != earlier) {
        split = begin + split_of(end - begin);
        if (earlier <= split) {
            TRY(range(tree, split, end, &path.hashes[path.n++]));
            end = split;
        } else {
            TRY(range(tree, begin, split, &path.hashes[path.n++]));
            begin = split;
        }
    }
    if (begin != 0) /* else the earlier root is itself a node here, which the verifier has */
        TRY(range(tree, begin, end, &path.hashes[path.n++]));
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
    struct walk walk = {index, size - 1};
    struct digest hash = *leaf;

    if (index >= size || path->n > TREE_PATH_MAX)
        return ERR_FORMAT;
    for (size_t i = 0; i < path->n; i++) {
        if (walk.sn == 0)
            return ERR_FORMAT;
        if (step_left(&walk))
            TRY(tree_node(&path->hashes[i], &hash, &hash));
        else
            TRY(tree_node(&hash, &path->hashes[i], &hash));
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
            TRY(tree_node(&path->hashes[i], &fr, &fr));
            TRY(tree_node(&path->hashes[i], &sr, &sr));
        } else {
            TRY(tree_node(&sr, &path->hashes[i], &sr));
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
