/* SPDX-License-Identifier: Apache-2.0 */
/* tree_vectors_testing.h: what the proofs of transparency-dev/merkle are made of, and what their
 * files say of them. */
#ifndef PAWL_TLOG_TREE_VECTORS_TESTING_H
#define PAWL_TLOG_TREE_VECTORS_TESTING_H

#include "gate/base/vectors_testing.h"
#include "gate/tlog/tree.h"

/* False where the vector gives something that is none. */
bool tree_vector_digest(const json_t *text, struct digest *ret);
bool tree_vector_path(const json_t *proof, struct tree_path *ret);

/* Whether a vector's consistency proof, between its two roots, is good for these sizes. */
bool tree_vector_consistent(const json_t *vector, uint64_t earlier, uint64_t later);

/* Fails the test unless the vector wants this. */
void tree_vector_verdict(const char *path, const json_t *vector, bool good);

#endif
