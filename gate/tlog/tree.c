/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/tree.h"

#include <stdlib.h>
#include <string.h>

err_code tree_leaf_with(struct hasher *hasher, struct slice entry, struct digest *ret)
{
    static const uint8_t PREFIX[] = {0};
    const struct slice parts[] = {SLICE_OF(PREFIX), entry};

    return hasher_sha256(hasher, parts, 2, ret);
}

err_code tree_node_with(struct hasher *hasher, const struct digest *left,
                        const struct digest *right, struct digest *ret)
{
    uint8_t bytes[1 + 2 * SHA256_LEN] = {1}; /* one piece: each further one costs as much as this */
    const struct slice part = SLICE_OF(bytes);

    memcpy(bytes + 1, left->bytes, SHA256_LEN);
    memcpy(bytes + 1 + SHA256_LEN, right->bytes, SHA256_LEN);
    return hasher_sha256(hasher, &part, 1, ret);
}

err_code tree_leaf(struct slice entry, struct digest *ret)
{
    CLEANUP(hasher_free) struct hasher hasher = {0};

    return tree_leaf_with(&hasher, entry, ret);
}

err_code tree_node(const struct digest *left, const struct digest *right, struct digest *ret)
{
    CLEANUP(hasher_free) struct hasher hasher = {0};

    return tree_node_with(&hasher, left, right, ret);
}

err_code tree_empty(struct digest *ret)
{
    return hash_sha256((struct slice){0}, ret);
}

void tree_free(struct tree *tree)
{
    for (size_t l = 0; l < TREE_LEVELS; l++)
        free(tree->level[l].hashes);
    hasher_free(&tree->hasher);
    *tree = (struct tree){0};
}

uint64_t tree_size(const struct tree *tree)
{
    return tree->level[0].first + tree->level[0].n;
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
    unsigned top = 0;

    if (index >= TREE_SIZE_MAX)
        return ERR_TOO_LARGE;
    /* Everything that can fail comes first: the nodes that this leaf completes, then the room. */
    made[0] = *leaf;
    for (; index >> top & 1; top++) {
        struct digest left;
        TRY(tree_get(tree, top, (index >> top) - 1, &left));
        TRY(tree_node_with(&tree->hasher, &left, &made[top], &made[top + 1]));
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
        if (size >> l < tree->level[l].first) {
            tree->level[l].first = size >> l;
            tree->level[l].n = 0;
        } else {
            tree->level[l].n = (size_t)((size >> l) - tree->level[l].first);
        }
}

void tree_forget(struct tree *tree, unsigned level, uint64_t first)
{
    size_t n;

    if (level >= TREE_LEVELS || first <= tree->level[level].first)
        return;
    n = tree->level[level].n;
    if (first - tree->level[level].first < n)
        n = (size_t)(first - tree->level[level].first);
    tree->level[level].n -= n;
    tree->level[level].first += n;
    if (n > 0)
        memmove(tree->level[level].hashes, tree->level[level].hashes + n,
                tree->level[level].n * sizeof(struct digest));
}

err_code tree_begin(struct tree *tree, unsigned level, uint64_t first, const struct digest *hashes,
                    size_t n)
{
    for (unsigned l = level; l < TREE_LEVELS && l < level + TREE_BLOCK; l++) {
        tree->level[l].first = first >> (l - level);
        tree->level[l].n = 0;
        for (size_t i = 0; i < n >> (l - level); i++) {
            struct digest *at, *below;

            TRY(reserve(tree, l));
            at = &tree->level[l].hashes[i];
            if (l == level) {
                *at = hashes[i];
            } else {
                below = &tree->level[l - 1].hashes[2 * i];
                TRY(tree_node_with(&tree->hasher, &below[0], &below[1], at));
            }
            tree->level[l].n++;
        }
    }
    return ERR_OK;
}

bool tree_has(const struct tree *tree, unsigned level, uint64_t index)
{
    return level < TREE_LEVELS && index >= tree->level[level].first &&
           index - tree->level[level].first < tree->level[level].n;
}

err_code tree_get(const struct tree *tree, unsigned level, uint64_t index, struct digest *ret)
{
    if (!tree_has(tree, level, index))
        return ERR_INTERNAL;
    *ret = tree->level[level].hashes[index - tree->level[level].first];
    return ERR_OK;
}

static err_code hash_in_memory(const void *from, unsigned level, uint64_t index, struct digest *ret,
                               struct why *why)
{
    (void)why;
    return tree_get(from, level, index, ret);
}

struct tree_source tree_of(const struct tree *tree)
{
    return (struct tree_source){hash_in_memory, tree, tree_size(tree)};
}
