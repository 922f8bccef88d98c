/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.h: comparing and sorting values within a budget, so that a decision's cost is bounded
 * whatever values it is given. Private to gate/cedar.
 *
 * Each of these takes one step or more from *steps. When they are used up *steps is 0 and what was
 * computed means nothing: whoever set a budget must look at it before the result counts.
 */
#ifndef PAWL_CEDAR_COMPARE_H
#define PAWL_CEDAR_COMPARE_H

#include "gate/cedar/value.h"

int cedar_value_cmp_within(const struct cedar_value *a, const struct cedar_value *b,
                           uint32_t *steps);

/* As cedar_set_of, cedar_set_has. */
struct cedar_value cedar_set_of_within(struct cedar_value *items, uint32_t n, uint32_t *steps);
bool cedar_set_has_within(const struct cedar_value *set, const struct cedar_value *item,
                          uint32_t *steps);

/* Every element of part is in whole; some element is in both. */
bool cedar_set_holds_within(const struct cedar_value *whole, const struct cedar_value *part,
                            uint32_t *steps);
bool cedar_set_meets_within(const struct cedar_value *a, const struct cedar_value *b,
                            uint32_t *steps);

/* As cedar_record_of. */
struct cedar_value cedar_record_of_within(struct cedar_field *fields, uint32_t n,
                                          const struct slice **ret_twice, uint32_t *steps);

#endif
