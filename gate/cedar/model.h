/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h: a schema with every name resolved: what both schema readers make and the validator
 * reads. Private to gate/cedar. Everything lives in the schema's arena.
 */
#ifndef PAWL_CEDAR_MODEL_H
#define PAWL_CEDAR_MODEL_H

#include "gate/cedar/arena.h"
#include "gate/cedar/schema.h"

enum cedar_type_kind {
    CEDAR_TYPE_NEVER = 0, /* no value has it: of an element of [], which fits every set */
    CEDAR_TYPE_TRUE,      /* the value true: the validator's own */
    CEDAR_TYPE_FALSE,
    CEDAR_TYPE_BOOL,
    CEDAR_TYPE_LONG,
    CEDAR_TYPE_STRING,
    CEDAR_TYPE_ENTITY, /* name */
    CEDAR_TYPE_SET,    /* element */
    CEDAR_TYPE_RECORD, /* attrs */
    CEDAR_TYPE_IP,
    CEDAR_TYPE_DECIMAL,
    CEDAR_TYPE_DATETIME,
    CEDAR_TYPE_DURATION,
};
struct cedar_attr_type;
struct cedar_type {
    enum cedar_type_kind kind;
    uint32_t n; /* attrs */
    union {
        struct slice name; /* fully qualified */
        const struct cedar_type *element;
        const struct cedar_attr_type *attrs; /* ascending by name (slice_cmp), each once */
    };
};
struct cedar_attr_type {
    struct slice name;
    const struct cedar_type *type;
    bool required;
};

struct cedar_entity_type {
    struct slice name;
    const struct slice *ancestors; /* types it may be in, directly or through others: ascending */
    uint32_t n_ancestors;
    const struct cedar_type *attrs; /* a record */
    const struct cedar_type *tags;  /* NULL: it has none */
    const struct slice *ids;        /* of an enumeration, as written; else NULL */
    uint32_t n_ids;
};
struct cedar_action_type {
    struct cedar_uid uid;
    const struct cedar_uid *ancestors; /* groups, directly or through others: by cedar_uid_cmp */
    uint32_t n_ancestors;
    const struct slice *principals, *resources; /* types, ascending; none: applies to nothing */
    uint32_t n_principals, n_resources;
    const struct cedar_type *context; /* a record */
};

struct cedar_schema {
    struct cedar_arena arena;
    const struct cedar_entity_type *entities; /* ascending by name */
    size_t n_entities;
    const struct cedar_action_type *actions; /* ascending by cedar_uid_cmp */
    size_t n_actions;
};

const struct cedar_entity_type *cedar_schema_entity(const struct cedar_schema *schema,
                                                    struct slice name);
const struct cedar_action_type *cedar_schema_action(const struct cedar_schema *schema,
                                                    const struct cedar_uid *uid);

/* The attribute; NULL if a record type has none of this name. */
const struct cedar_attr_type *cedar_type_attr(const struct cedar_type *record, struct slice name);

#endif
