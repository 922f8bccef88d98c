/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_tree.h: a schema as it is written, before any name is resolved: what the readers of both
 * syntaxes make, and what the resolver reads. It is needed only until there is a model (model.h),
 * and borrows from the text. Private to gate/cedar.
 */
#ifndef PAWL_CEDAR_SCHEMA_TREE_H
#define PAWL_CEDAR_SCHEMA_TREE_H

#include "gate/cedar/json.h"
#include "gate/cedar/model.h"

/* What a schema may hold beyond the limits of cedar.h. A common type counts each time it is used,
 * since whoever walks a type sees it that often. */
#define CEDAR_TYPE_MAX (1u << 16)      /* CEDAR_LIST_SIZE: types within one type */
#define CEDAR_HIERARCHY_MAX (1u << 24) /* CEDAR_COUNT: steps to find all ancestors */

enum cedar_form {
    CEDAR_FORM_NAME = 0, /* name: of a common type or an entity type */
    CEDAR_FORM_COMMON,   /* name: of a common type */
    CEDAR_FORM_ENTITY,   /* name: of an entity type */
    CEDAR_FORM_BUILTIN,  /* builtin */
    CEDAR_FORM_SET,      /* element */
    CEDAR_FORM_RECORD,   /* attrs */
};
struct cedar_tree_attr;
struct cedar_tree_type {
    enum cedar_form form;
    uint32_t offset; /* in the text */
    uint32_t n;      /* attrs */
    union {
        struct slice name; /* as written, without blanks */
        enum cedar_type_kind builtin;
        const struct cedar_tree_type *element;
        const struct cedar_tree_attr *attrs; /* ascending by name, each once */
    };
};
struct cedar_tree_attr {
    struct slice name;
    uint32_t offset;
    bool required;
    struct cedar_tree_type type;
};

struct cedar_tree_name {
    struct slice text;
    uint32_t offset;
};
struct cedar_tree_names {
    const struct cedar_tree_name *at;
    uint32_t n;
};
struct cedar_tree_uid {
    struct slice type, id; /* the type may be left to be guessed: then it is "Action" */
    uint32_t offset;
};

/* Declarations. space: the namespace, or empty. One may declare several names. */
struct cedar_tree_common {
    struct slice space;
    struct cedar_tree_name name;
    struct cedar_tree_type type;
};
struct cedar_tree_entity {
    struct slice space;
    struct cedar_tree_names names, parents, ids; /* ids: of an enumeration */
    const struct cedar_tree_type *shape, *tags;  /* or NULL */
};
struct cedar_tree_action {
    struct slice space;
    struct cedar_tree_names names, principals, resources;
    const struct cedar_tree_uid *parents;
    uint32_t n_parents;
    const struct cedar_tree_type *context; /* or NULL */
};

/* A list that grows: all items of one size. */
struct cedar_list {
    struct buf bytes;
    uint32_t n;
};

struct cedar_tree {
    struct cedar_arena arena;
    struct slice text;
    const struct cedar_json *json; /* NULL: the human syntax */
    struct cedar_place *where;     /* or NULL */
    struct why *why;
    struct cedar_list spaces;   /* cedar_tree_name: the namespaces that have a name */
    struct cedar_list commons;  /* cedar_tree_common */
    struct cedar_list entities; /* cedar_tree_entity */
    struct cedar_list actions;  /* cedar_tree_action */
    uint32_t n_names;
};

/* text, and where or why a refusal is told, are set before. Errors: those of cedar_schema_parse. */
err_code cedar_tree_read_text(struct cedar_tree *tree);
err_code cedar_tree_read_json(struct cedar_tree *tree);
/* Resolves every name. Owns: the caller frees *ret. */
err_code cedar_tree_resolve(const struct cedar_tree *tree, struct cedar_schema **ret);
void cedar_tree_free(struct cedar_tree *tree);

/* Appends. Error: NO_MEMORY. */
err_code cedar_list_add(struct cedar_list *list, const void *item, size_t size);
void cedar_list_free(struct cedar_list *list);
/* What is in the list, in the arena. Errors: NO_MEMORY; CEDAR_LIST_SIZE beyond CEDAR_LIST_MAX,
 * offset is where the list stands. */
err_code cedar_tree_keep(struct cedar_tree *tree, const struct cedar_list *list, uint32_t offset,
                         const void **ret);

/* Counts one more namespace, type or action. Error: CEDAR_COUNT. */
err_code cedar_tree_count(struct cedar_tree *tree, uint32_t offset);
/* A record of these attributes. A name that stands twice means what it says last, as in Rust. */
err_code cedar_tree_record(struct cedar_tree *tree, struct cedar_list *attrs, uint32_t offset,
                           struct cedar_tree_type *ret);
/* Sorts the names. *ret: two that are equal, in the order of the text; or NULL. */
void cedar_tree_twice(struct cedar_tree_name *names, size_t n, const struct cedar_tree_name **ret);

/* Where an offset is: "line:column". */
struct cedar_spot {
    char text[32];
};
struct cedar_spot cedar_tree_spot(const struct cedar_tree *tree, uint32_t offset);
/* Refuses what begins at offset: writes the place, and the path of a JSON member, before the
 * sentence; and where. */
[[gnu::format(printf, 4, 5)]] err_code cedar_tree_fail(const struct cedar_tree *tree,
                                                       uint32_t offset, err_code code,
                                                       const char *format, ...);

/* Text of others within a sentence. */
struct cedar_quoted {
    char text[96];
};
struct cedar_quoted cedar_quoted(struct slice bytes);

#endif
