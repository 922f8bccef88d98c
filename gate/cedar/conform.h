/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conform.h: values and entities against the types of a schema. Private to gate/cedar.
 *
 * Source: Cedar.Validation.RequestEntityValidator of the Lean model.
 */
#ifndef PAWL_CEDAR_CONFORM_H
#define PAWL_CEDAR_CONFORM_H

#include "gate/cedar/types.h"

/* Where in a value: the field of this name, of what up says. */
struct cedar_conform_path {
    const struct cedar_conform_path *up;
    struct slice name;
};
struct cedar_conform {
    const struct cedar_schema *schema;
    struct cedar_work work; /* only its steps */
    struct why *why;
    const char *subject;                   /* what a refusal speaks of, such as User::"alice" */
    const struct cedar_conform_path *path; /* to the value in question; NULL: the subject itself */
};

/* The entity's type is declared, its id is one that an enumeration lists, and an action is one of
 * the schema. Errors: CEDAR_INVALID, CEDAR_STEPS; this holds for all that follow. */
err_code cedar_conform_uid(struct cedar_conform *c, const struct cedar_uid *uid);
/* The value is of the type, and so are all entities in it. */
err_code cedar_conform_value(struct cedar_conform *c, const struct cedar_value *value,
                             const struct cedar_type *type);
#endif
