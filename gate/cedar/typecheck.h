/* SPDX-License-Identifier: Apache-2.0 */
/*
 * typecheck.h: the type of an expression in one environment: one action, and one type each of
 * principal and resource that it applies to. Private to gate/cedar.
 *
 * Two things make Cedar's types finer than they look. A condition that can only be true or only be
 * false has the type of just that value, and what it thereby switches off is not looked at. And a
 * condition grants capabilities: behind `principal has a &&` the optional attribute a may be read.
 *
 * Source: Cedar.Validation.Typechecker of the Lean model.
 */
#ifndef PAWL_CEDAR_TYPECHECK_H
#define PAWL_CEDAR_TYPECHECK_H

#include "gate/cedar/types.h"

/* What is known to be there if a condition holds: an attribute (name) or a tag (the expression tag)
 * of the entity or record that `on` stands for; or, if on is NULL, all that a and b say. NULL is
 * nothing. */
struct cedar_caps {
    const struct cedar_expr *on, *tag;
    struct slice name;
    const struct cedar_caps *a, *b;
};

/* type is NULL where a finding has been made, and the type is anybody's guess. */
struct cedar_typed {
    const struct cedar_type *type;
    const struct cedar_caps *caps;
};

#define CEDAR_TOLD_MAX 16 /* findings of one policy; more would not help its author */

struct cedar_checker {
    const struct cedar_schema *schema;
    const struct cedar_policies *policies;
    const struct cedar_policy *policy;
    struct cedar_work *work;
    struct cedar_findings *findings;
    bool many; /* environments that the policy's scope admits: then findings name theirs */

    /* of the environment */
    const struct cedar_action_type *action;
    struct cedar_type principal_type, action_type, resource_type;

    /* Each kind of finding is made once for one place, not once for each environment. */
    struct {
        const char *code;
        const void *what;
    } told[CEDAR_TOLD_MAX];
    size_t n_told;
};

/* The type of e, given prior, and what e's truth would grant. Errors: CEDAR_STEPS, NO_MEMORY. */
err_code cedar_typecheck(struct cedar_checker *c, const struct cedar_caps *prior,
                         const struct cedar_expr *e, struct cedar_typed *ret);

/* ---- the parts of it, each in a file of its own ---- */

/* A set of kinds of types, as bits 1 << kind. */
#define CEDAR_KIND(type) (1u << (type))
#define CEDAR_KINDS_BOOL                                                                           \
    (CEDAR_KIND(CEDAR_TYPE_TRUE) | CEDAR_KIND(CEDAR_TYPE_FALSE) | CEDAR_KIND(CEDAR_TYPE_BOOL))
#define CEDAR_KINDS_OBJECT (CEDAR_KIND(CEDAR_TYPE_ENTITY) | CEDAR_KIND(CEDAR_TYPE_RECORD))
#define CEDAR_KINDS_ORDER                                                                          \
    (CEDAR_KIND(CEDAR_TYPE_LONG) | CEDAR_KIND(CEDAR_TYPE_DATETIME) |                               \
     CEDAR_KIND(CEDAR_TYPE_DURATION))

struct cedar_wanted {
    unsigned kinds;
    const char *by; /* who wants them, such as "&&" */
};
/* Typechecks e, which must be of one of these kinds: else there is a finding, and no type. */
err_code cedar_typecheck_as(struct cedar_checker *c, const struct cedar_caps *prior,
                            const struct cedar_expr *e, const struct cedar_wanted *wanted,
                            struct cedar_typed *ret);
/* Gives a type without parts, and no capabilities. Returns OK. */
err_code cedar_typed_as(struct cedar_typed *ret, enum cedar_type_kind kind);
/* The finding that cedar_typecheck_as makes. */
err_code cedar_tell_type(struct cedar_checker *c, const struct cedar_expr *e,
                         const struct cedar_wanted *wanted, const struct cedar_type *found);
/* They have no common type. what: "==" */
err_code cedar_tell_two(struct cedar_checker *c, const struct cedar_expr *e, const char *what,
                        const struct cedar_type *a, const struct cedar_type *b);
/* A finding of level ERROR; once for each (code, what). offset: in the policy's text. */
struct cedar_violation {
    const char *code;
    const void *what;
    uint32_t offset;
};
[[gnu::format(printf, 3, 4)]] err_code
cedar_tell(struct cedar_checker *c, const struct cedar_violation *spot, const char *format, ...);

/* typecheck_ops.c: == != < <= > >= + - * in is contains... isEmpty like */
err_code cedar_typecheck_op(struct cedar_checker *c, const struct cedar_caps *prior,
                            const struct cedar_expr *e, struct cedar_typed *ret);
/* typecheck_attr.c: attributes and tags */
err_code cedar_typecheck_attr(struct cedar_checker *c, const struct cedar_caps *prior,
                              const struct cedar_expr *e, struct cedar_typed *ret);
/* typecheck_make.c: sets, records and calls of extension functions */
err_code cedar_typecheck_make(struct cedar_checker *c, const struct cedar_caps *prior,
                              const struct cedar_expr *e, struct cedar_typed *ret);

/* The value of an expression that is a literal, or becomes one when && and || of literals are
 * worked out; NULL if it is none. spare: memory for it. */
const struct cedar_value *cedar_constant(const struct cedar_expr *e, struct cedar_value *spare);

/* caps.c */
err_code cedar_caps_one(struct cedar_checker *c, const struct cedar_caps *cap,
                        const struct cedar_caps **ret); /* a copy in the arena */
err_code cedar_caps_both(struct cedar_checker *c, const struct cedar_caps *a,
                         const struct cedar_caps *b, const struct cedar_caps **ret);
err_code cedar_caps_common(struct cedar_checker *c, const struct cedar_caps *a,
                           const struct cedar_caps *b, const struct cedar_caps **ret);
/* False also when the steps are used up: the next step then fails. */
bool cedar_caps_have(struct cedar_checker *c, const struct cedar_caps *caps,
                     const struct cedar_caps *cap);

#endif
