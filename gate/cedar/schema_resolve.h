/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_resolve.h: what the parts of the schema's resolver share: which names are declared, what a
 * name that is used means, and the types that are made. Private to gate/cedar.
 *
 * Source: RFC 24 (a common type before an entity type of the same name) and RFC 70 (nothing hides a
 * name of the empty namespace) of cedar-policy/rfcs; where these leave something open, the Rust
 * implementation.
 */
#ifndef PAWL_CEDAR_SCHEMA_RESOLVE_H
#define PAWL_CEDAR_SCHEMA_RESOLVE_H

#include "gate/cedar/schema_tree.h"

/* A declared name: of an entity type or of a common type. */
struct cedar_symbol {
    struct slice name; /* with its namespace */
    uint32_t base;     /* where in name the last part begins; 0: in the empty namespace */
    uint32_t offset;   /* in the text */
    uint32_t decl;     /* the declaration's number */
};
struct cedar_symbols {
    struct cedar_symbol *at; /* ascending by name, each once */
    uint32_t n;
};
struct cedar_action_symbol {
    struct cedar_uid uid;
    uint32_t offset;
    uint32_t decl;
};

/* A type that is made, and what it costs to walk it. */
struct cedar_made {
    const struct cedar_type *type; /* NULL: not made yet */
    uint32_t size;                 /* types in it, with itself */
    uint32_t depth;                /* types and common types within each other, with itself */
    bool busy;                     /* being made: to meet it again is a cycle */
};

struct cedar_resolve {
    const struct cedar_tree *tree;
    struct cedar_arena *keep;   /* the schema's */
    struct cedar_arena scratch; /* gone with this struct */
    struct cedar_symbols entities, commons;
    struct slice *names;                 /* of the entity types, as the model keeps them */
    struct cedar_action_symbol *actions; /* ascending by cedar_uid_cmp, each once */
    uint32_t n_actions;
    struct slice *action_types; /* "Action", "NS::Action": where actions are declared; ascending */
    uint32_t n_action_types;
    struct cedar_made *made; /* of each common type, by its declaration's number */
};

/* Collects what is declared. Errors: CEDAR_SCHEMA (declared twice, reserved, hidden), NO_MEMORY. */
err_code cedar_resolve_names(struct cedar_resolve *r);

/* What a name means that is used in a namespace. */
enum cedar_meaning {
    CEDAR_MEANS_NOTHING = 0,
    CEDAR_MEANS_BUILTIN,     /* builtin */
    CEDAR_MEANS_COMMON,      /* symbol */
    CEDAR_MEANS_ENTITY,      /* symbol */
    CEDAR_MEANS_ACTION_TYPE, /* action_type */
};
struct cedar_target {
    enum cedar_meaning meaning;
    union {
        enum cedar_type_kind builtin;
        const struct cedar_symbol *symbol;
        struct slice action_type;
    };
};
/* form: FORM_NAME, FORM_COMMON or FORM_ENTITY. Errors: CEDAR_SCHEMA when it means nothing. */
err_code cedar_resolve_name(const struct cedar_resolve *r, struct slice space, enum cedar_form form,
                            const struct cedar_tree_name *name, struct cedar_target *ret);
/* The number of the action. Error: CEDAR_SCHEMA. */
err_code cedar_resolve_uid(const struct cedar_resolve *r, struct slice space,
                           const struct cedar_tree_uid *uid, uint32_t *ret);

/* Makes all common types. Errors: CEDAR_SCHEMA, CEDAR_NESTING, CEDAR_LIST_SIZE. */
err_code cedar_resolve_commons(struct cedar_resolve *r);
/* Makes a type. */
err_code cedar_resolve_type(struct cedar_resolve *r, struct slice space,
                            const struct cedar_tree_type *type, const struct cedar_type **ret);
/* Makes a type that must be a record; NULL means the empty one. what: "a context". */
err_code cedar_resolve_record(struct cedar_resolve *r, struct slice space,
                              const struct cedar_tree_type *type, const char *what,
                              const struct cedar_type **ret);

#endif
