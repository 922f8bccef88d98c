/* SPDX-License-Identifier: Apache-2.0 */
/* same.h: policies compared, apart from where they stand in a text. Private to gate/cedar. */
#ifndef PAWL_CEDAR_SAME_H
#define PAWL_CEDAR_SAME_H

#include "gate/cedar/policies.h"

/* The same trees, also in what makes no difference to decisions: order, repetition, and whether
 * something is written as a > b or b < a. */
bool cedar_expr_same(const struct cedar_expr *a, const struct cedar_expr *b);
/* Two expressions of one operation, without what they are over: the same words, names and numbers
 * of parts. */
bool cedar_expr_alike(const struct cedar_expr *a, const struct cedar_expr *b);
bool cedar_conditions_same(const struct cedar_policy *a, const struct cedar_policy *b);
/* The same effect, scope, conditions and annotations; not the id. */
bool cedar_policy_same(const struct cedar_policy *a, const struct cedar_policy *b);
/* The same policies in the same order. */
bool cedar_policies_same(const struct cedar_policies *a, const struct cedar_policies *b);

/* For each policy the nearest one before it that has the same name, or NULL. Error: NO_MEMORY. */
err_code cedar_same_names(const struct cedar_policies *policies, const struct cedar_policy **ret);

#endif
