/* SPDX-License-Identifier: Apache-2.0 */
/* set.h: what a policy set holds, and what its readers must do with it. Private to gate/cedar. */
#ifndef PAWL_CEDAR_SET_H
#define PAWL_CEDAR_SET_H

#include "gate/cedar/arena.h"
#include "gate/cedar/policies.h"

struct cedar_index;
struct cedar_policies {
    struct cedar_arena arena; /* holds all that follows */
    struct slice source;      /* a copy of the text */
    struct cedar_policy *list;
    size_t n;
    struct cedar_place hidden; /* see cedar_lex_start */
    struct cedar_index *index; /* in the arena */
};

/* Makes a set ready for use once list, n and source are complete: folds constants, checks that ids
 * are distinct, and builds the index. Errors: NO_MEMORY, CEDAR_SYNTAX (an id twice). */
err_code cedar_finish(struct cedar_policies *policies, struct why *why);

/* Gives every expression that is constant and cannot fail its value. Error: NO_MEMORY. */
err_code cedar_fold(struct cedar_policies *policies);

/* Makes the link of a template of the same arena. Errors: NO_MEMORY, NOT_FOUND (it has no slots),
 * CEDAR_SYNTAX (an entity for a slot too few or too many). Borrows: from the template. */
err_code cedar_link_make(struct cedar_arena *arena, const struct cedar_policy *template,
                         const struct cedar_link *link, struct cedar_policy *ret, struct why *why);

#endif
