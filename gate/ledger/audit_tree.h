/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_tree.h: the Merkle tree of a walk from left to right, as the tiles that it makes: of each
 * level the one that is being filled. Gives the root at every size that the walk passes, and each
 * tile the moment it is full. 70 KiB, whatever the log's size.
 */
#ifndef PAWL_LEDGER_AUDIT_TREE_H
#define PAWL_LEDGER_AUDIT_TREE_H

#include "gate/base/hash.h"
#include "gate/ledger/audit_files.h"

#define AUDIT_LEVELS 8 /* of 256 each: 2^64 leaves */
#define AUDIT_WIDTH 256

struct audit_level {
    uint64_t tile;        /* the number of the one that is being filled */
    size_t n;             /* hashes in it */
    struct digest sub[8]; /* of the complete subtrees that n's bits stand for */
    struct digest hashes[AUDIT_WIDTH];
};

struct audit_tree {
    struct hasher *hasher;
    uint64_t size;
    struct audit_level level[AUDIT_LEVELS];
    /* Called with each full tile of level 1 and above. */
    err_code (*full)(void *context, unsigned level, uint64_t tile, const struct digest *hashes);
    void *context;
};

/* The root over 256 hashes. */
err_code audit_top(struct hasher *hasher, const struct digest hashes[static AUDIT_WIDTH],
                   struct digest *ret);

/* Adds a leaf. */
err_code audit_tree_leaf(struct audit_tree *tree, const struct digest *leaf);
/* Adds the 256 leaves under top at once, where a tile begins. */
err_code audit_tree_tile(struct audit_tree *tree, const struct digest *top);

/* Adds hashes to a level of a tree that begins in the middle; from the lowest level up, all before
 * the first leaf. */
err_code audit_tree_prefix(struct audit_tree *tree, unsigned level, uint64_t tile,
                           const struct digest *hashes, size_t n);

/* The first n hashes of a tile, from the full one or the widest partial one; path: of which. False
 * when it does not hold them. Errors: STORAGE, NO_MEMORY. */
err_code audit_tile_front(const struct audit_dir *dir, unsigned level, uint64_t tile, size_t n,
                          struct digest ret[static AUDIT_WIDTH], char path[static AUDIT_PATH],
                          bool *ret_found, struct why *why);
/* The tree of the first size entries, as the tiles have it: nothing of it is verified. tree: an
 * empty one. False when they do not hold it. Errors: STORAGE, NO_MEMORY. */
err_code audit_edge(const struct audit_dir *dir, uint64_t size, struct audit_tree *tree,
                    bool *ret_found, struct why *why);

/* The root at the present size; with more leaves of the tile that is being filled, too. */
err_code audit_tree_root(const struct audit_tree *tree, struct digest *ret);
err_code audit_tree_root_with(const struct audit_tree *tree, const struct digest *leaves, size_t n,
                              struct digest *ret);

#endif
