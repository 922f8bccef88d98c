/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types.h: what strict mode says of types, and the bounded memory and work of one validation.
 * Private to gate/cedar.
 *
 * Source: Cedar.Validation.Subtyping of the Lean model.
 */
#ifndef PAWL_CEDAR_TYPES_H
#define PAWL_CEDAR_TYPES_H

#include "gate/cedar/model.h"

/* What is left to a validation, and memory that lasts until the next cedar_work_reset. {0} has
 * nothing left. */
struct cedar_work {
    struct cedar_arena arena;
    uint32_t steps;
    size_t memory;
};
struct cedar_work cedar_work_make(void); /* CEDAR_CHECK_MAX steps */
/* Error: CEDAR_STEPS when they are used up. */
err_code cedar_work_step(struct cedar_work *work, size_t n);
/* Zeroed. Errors: CEDAR_STEPS, NO_MEMORY. */
err_code cedar_work_take(struct cedar_work *work, size_t size, void **ret);
/* What was taken is not used any more. */
void cedar_work_reset(struct cedar_work *work);

/* The type without parts: a boolean, long, string or extension type. */
const struct cedar_type *cedar_type_plain(enum cedar_type_kind kind);
/* The type that values of this kind have; NEVER for those whose type has parts. */
enum cedar_type_kind cedar_type_kind_of(enum cedar_kind kind);

/* The one type of values of a and of b: they must be alike, except that true, false and Bool make
 * Bool. *ret is NULL if strict mode has none. Errors: CEDAR_STEPS, NO_MEMORY. */
err_code cedar_type_join(struct cedar_work *work, const struct cedar_type *a,
                         const struct cedar_type *b, const struct cedar_type **ret);

/* As a schema would write it, in printable ASCII, cut with "..." at the size. */
void cedar_type_print(const struct cedar_type *type, char *ret, size_t size);

/* `in` may hold between entities of these two types: they are the same, or one may be the other's
 * ancestor. Error: CEDAR_STEPS. */
err_code cedar_type_descends(struct cedar_work *work, const struct cedar_schema *schema,
                             struct slice type, struct slice ancestor, bool *ret);
/* The action is this one, or in it. */
bool cedar_action_in(const struct cedar_action_type *action, const struct cedar_uid *group);
bool cedar_names_have(const struct slice *names, size_t n, struct slice name); /* ascending */
/* False for an enumeration that has not this id. Error: CEDAR_STEPS. */
err_code cedar_type_has_id(struct cedar_work *work, const struct cedar_entity_type *type,
                           struct slice id, bool *ret);

#endif
