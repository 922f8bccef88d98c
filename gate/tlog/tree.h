/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h: the Merkle tree of RFC 9162 2.1 (SHA-256): leaf and node hashes, roots and proofs made
 * from wherever the hashes of complete subtrees are kept, proofs checked, and a tree in memory that
 * grows at the right. That one keeps 64 bytes per leaf; appending costs one node hash on average, a
 * root or a proof at most one hash per level.
 */
#ifndef PAWL_TLOG_TREE_H
#define PAWL_TLOG_TREE_H

#include "gate/base/why.h"
#include "gate/tlog/checkpoint.h"

#define TREE_LEVELS 48
#define TREE_SIZE_MAX ((uint64_t)1 << (TREE_LEVELS - 1)) /* leaves */
#define TREE_PATH_MAX 64 /* hashes in a proof: no longer one exists for a 64-bit size */

/* Hash of a leaf: SHA-256(0x00, entry). Of an inner node: SHA-256(0x01, left, right). Of the tree
 * without leaves: SHA-256(). With a hasher of the caller's that is several times faster. Error:
 * INTERNAL. */
err_code tree_leaf(struct slice entry, struct digest *ret);
err_code tree_node(const struct digest *left, const struct digest *right, struct digest *ret);
err_code tree_empty(struct digest *ret);
err_code tree_leaf_with(struct hasher *hasher, struct slice entry, struct digest *ret);
err_code tree_node_with(struct hasher *hasher, const struct digest *left,
                        const struct digest *right, struct digest *ret);

/* Where the hashes of complete subtrees come from: hash index of level covers the leaves
 * [index << level, (index + 1) << level), of size leaves in all. */
struct tree_source {
    err_code (*hash)(const void *from, unsigned level, uint64_t index, struct digest *ret,
                     struct why *why);
    const void *from;
    uint64_t size;
};

/* That hash. Errors: INTERNAL when the subtree is not complete; those of the source. */
err_code tree_hash(struct tree_source source, unsigned level, uint64_t index, struct digest *ret,
                   struct why *why);

/* The root over the first size leaves. Errors: INTERNAL when there are fewer; those of the source.
 */
err_code tree_root(struct tree_source source, uint64_t size, struct digest *ret, struct why *why);

/* Hashes of a proof, from the leaf towards the root. */
struct tree_path {
    size_t n;
    struct digest hashes[TREE_PATH_MAX];
};

/* Proof that leaf index is in the tree of the first size leaves (RFC 9162 2.1.3.1). Empty for
 * size 1. Errors: INTERNAL unless index < size <= source.size; those of the source. */
err_code tree_prove_inclusion(struct tree_source source, uint64_t index, uint64_t size,
                              struct tree_path *ret, struct why *why);

/* Proof that the first size leaves continue the first earlier ones (RFC 9162 2.1.4.1). Empty for
 * equal sizes. Errors: INTERNAL unless 0 < earlier <= size <= source.size; those of the source. */
err_code tree_prove_consistency(struct tree_source source, uint64_t earlier, uint64_t size,
                                struct tree_path *ret, struct why *why);

/* The root that an inclusion proof leads to (RFC 9162 2.1.3.2); whether it is the right one, the
 * caller decides. Error: FORMAT when index >= size or the path has another length than such a
 * proof. */
err_code tree_root_from(const struct digest *leaf, uint64_t index, uint64_t size,
                        const struct tree_path *path, struct digest *ret);

/* Checks a consistency proof (RFC 9162 2.1.4.2). Nothing continues from size 0, which proves
 * nothing: refused. Errors: FORMAT when the sizes or the length of the path cannot be;
 * LEDGER_INCONSISTENT. */
err_code tree_check_consistency(const struct checkpoint *earlier, const struct checkpoint *later,
                                const struct tree_path *path);

/* The tree in memory. Level 0 holds the leaves; hash i of level l covers leaves [i << l, (i + 1) <<
 * l). Of each level the first hashes may have been forgotten. {0} is the empty tree. */
struct tree {
    struct hasher hasher;
    struct {
        struct digest *hashes;
        uint64_t first; /* the index of hashes[0] */
        size_t n, cap;
    } level[TREE_LEVELS];
};

void tree_free(struct tree *tree);
uint64_t tree_size(const struct tree *tree);

/* Adds a leaf hash at the right. Errors: NO_MEMORY, TOO_LARGE; on failure nothing has changed. */
err_code tree_append(struct tree *tree, const struct digest *leaf);

/* Takes leaves away at the right until size are left. */
void tree_cut(struct tree *tree, uint64_t size);

/* Forgets, at each level, the hashes below first. The tree grows on, provided that every complete
 * subtree at its right edge is still there. */
void tree_forget(struct tree *tree, unsigned level, uint64_t first);

/* Puts n hashes of a level into an empty tree, the first of them at an index, and what follows from
 * them for the levels above, TREE_BLOCK in all. first is a multiple of 1 << TREE_BLOCK. Errors:
 * NO_MEMORY, INTERNAL. */
#define TREE_BLOCK 8
err_code tree_begin(struct tree *tree, unsigned level, uint64_t first, const struct digest *hashes,
                    size_t n);

/* Whether a hash is still there; the hash. Error: INTERNAL when it is not. */
bool tree_has(const struct tree *tree, unsigned level, uint64_t index);
err_code tree_get(const struct tree *tree, unsigned level, uint64_t index, struct digest *ret);

/* As a source. Borrows: until the tree changes. */
struct tree_source tree_of(const struct tree *tree);

#endif
