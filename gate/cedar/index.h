/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.h: which policies of a set can match a request, by their scope. Private to gate/cedar.
 *
 * Every policy stands in the index under one demand of its scope, the one that the fewest policies
 * share (an action list under all its members); a policy that demands nothing can always match. A
 * decision looks up its three entities, what they are in, and their types. Whoever evaluates a
 * policy that was found still checks its whole scope: the index only leaves out what cannot match.
 */
#ifndef PAWL_CEDAR_INDEX_H
#define PAWL_CEDAR_INDEX_H

#include "gate/cedar/evaluate.h"
#include "gate/cedar/set.h"

/* Positions as bits, and for each 64 words a bit that says which of them are not 0. */
#define CEDAR_FOUND_WORDS (CEDAR_POLICIES_MAX / 64)
struct cedar_found {
    uint64_t words[CEDAR_FOUND_WORDS];
    uint64_t summary[CEDAR_FOUND_WORDS / 64];
};

/* Builds the index of a complete list, in its arena. Error: NO_MEMORY. */
err_code cedar_index_make(struct cedar_policies *policies);

/* Adds every policy that can match to found, which is empty before. */
void cedar_index_find(const struct cedar_policies *policies, const struct cedar_run *run,
                      struct cedar_found *found);

/* Takes the lowest position out of found. False when there is none. */
bool cedar_found_next(struct cedar_found *found, uint32_t *ret);

#endif
