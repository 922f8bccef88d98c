/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/audit_tree.h"

#include "gate/tlog/tree.h"

#include <stdlib.h>
#include <string.h>

err_code audit_top(struct hasher *hasher, const struct digest hashes[static AUDIT_WIDTH],
                   struct digest *ret)
{
    struct digest row[AUDIT_WIDTH / 2];

    for (size_t i = 0; i < AUDIT_WIDTH / 2; i++)
        TRY(tree_node_with(hasher, &hashes[2 * i], &hashes[2 * i + 1], &row[i]));
    for (size_t n = AUDIT_WIDTH / 4; n > 0; n /= 2)
        for (size_t i = 0; i < n; i++)
            TRY(tree_node_with(hasher, &row[2 * i], &row[2 * i + 1], &row[i]));
    *ret = row[0];
    return ERR_OK;
}

/* Adds a hash to a level and says whether its tile is full now, and what stands over it. */
static err_code push(struct hasher *hasher, struct audit_level *level, const struct digest *hash,
                     bool *ret_full, struct digest *ret_top)
{
    struct digest carry = *hash;
    size_t bit = 0;

    for (; level->n >> bit & 1; bit++)
        TRY(tree_node_with(hasher, &level->sub[bit], &carry, &carry));
    if (bit < 8)
        level->sub[bit] = carry;
    level->hashes[level->n++] = *hash;
    *ret_full = level->n == AUDIT_WIDTH;
    *ret_top = carry;
    return ERR_OK;
}

/* Adds a hash to a level and, as often as that fills a tile, to the next. */
static err_code rise(struct audit_tree *tree, unsigned level, const struct digest *hash)
{
    struct digest top = *hash;
    bool full = true;

    for (; full && level < AUDIT_LEVELS; level++) {
        struct audit_level *l = &tree->level[level];

        TRY(push(tree->hasher, l, &top, &full, &top));
        if (!full)
            continue;
        if (level > 0 && tree->full != NULL)
            TRY(tree->full(tree->context, level, l->tile, l->hashes));
        l->tile++;
        l->n = 0;
    }
    return full ? ERR_TOO_LARGE : ERR_OK;
}

err_code audit_tree_leaf(struct audit_tree *tree, const struct digest *leaf)
{
    tree->size++;
    return rise(tree, 0, leaf);
}

err_code audit_tree_tile(struct audit_tree *tree, const struct digest *top)
{
    if (tree->level[0].n != 0)
        return ERR_INTERNAL;
    tree->size += AUDIT_WIDTH;
    tree->level[0].tile++;
    return rise(tree, 1, top);
}

err_code audit_tree_prefix(struct audit_tree *tree, unsigned level, uint64_t tile,
                           const struct digest *hashes, size_t n)
{
    bool full;
    struct digest top;

    tree->level[level].tile = tile;
    for (size_t i = 0; i < n; i++)
        TRY(push(tree->hasher, &tree->level[level], &hashes[i], &full, &top));
    tree->size += (uint64_t)n << (8 * level);
    return ERR_OK;
}

err_code audit_tree_root(const struct audit_tree *tree, struct digest *ret)
{
    struct digest root = {0};
    bool have = false;

    if (tree->size == 0)
        return hasher_sha256(tree->hasher, NULL, 0, ret);
    for (unsigned level = 0; level < AUDIT_LEVELS; level++) {
        const struct audit_level *l = &tree->level[level];

        for (size_t bit = 0; bit < 8; bit++) {
            if ((l->n >> bit & 1) == 0)
                continue;
            if (have)
                TRY(tree_node_with(tree->hasher, &l->sub[bit], &root, &root));
            else
                root = l->sub[bit];
            have = true;
        }
    }
    *ret = root;
    return ERR_OK;
}

static void tree_done(struct audit_tree **tree)
{
    free(*tree);
}

err_code audit_tree_root_with(const struct audit_tree *tree, const struct digest *leaves, size_t n,
                              struct digest *ret)
{
    CLEANUP(tree_done) struct audit_tree *more = malloc(sizeof *more);

    if (more == NULL)
        return ERR_NO_MEMORY;
    *more = *tree;
    more->full = NULL;
    for (size_t i = 0; i < n; i++)
        TRY(audit_tree_leaf(more, &leaves[i]));
    return audit_tree_root(more, ret);
}
