/* SPDX-License-Identifier: Apache-2.0 */
/* policy_set.h: the policy objects of a bundle: found by digest, chained to their predecessors, and
 * taken out in the order of a snapshot. A step of bundle_judge.h. */
#ifndef PAWL_POLICY_POLICY_SET_H
#define PAWL_POLICY_POLICY_SET_H

#include "gate/policy/bundle_judge.h"

struct policy_set_ask {
    const struct root_meta *root;
    const struct snapshot *snapshot; /* verified; says what has to be there */
    const struct trust *trust;
    const struct judge *judge;
};

/* Parses every object, and judges those that the snapshot lists and their chains. ret: as many as
 * the snapshot lists, in its order; NULL when it lists none. Errors: see bundle_judge. Owns: *ret,
 * with policy_list_free. Borrows: the messages. */
err_code policy_set_judge(const struct slice *messages, size_t n_messages,
                          const struct policy_set_ask *ask, struct policy_object **ret,
                          struct why *why);
void policy_list_free(struct policy_object *list, size_t n);

#endif
