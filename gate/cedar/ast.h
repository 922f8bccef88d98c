/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ast.h: a policy as a tree. It is what both readers (text, JSON) make and what the printers, the
 * evaluator and the validator read. Everything in it lives in the policy set's arena and is never
 * changed after loading, so that any number of threads may read it.
 */
#ifndef PAWL_CEDAR_AST_H
#define PAWL_CEDAR_AST_H

#include "gate/cedar/value.h"

enum cedar_op {
    CEDAR_OP_LITERAL = 0, /* literal: bool, long, string or entity */
    CEDAR_OP_VAR,         /* var */
    CEDAR_OP_SLOT,        /* slot */
    CEDAR_OP_IF,          /* if a then b else c */
    CEDAR_OP_AND,         /* a, b from here to GET_TAG, unless said otherwise */
    CEDAR_OP_OR,
    CEDAR_OP_NOT, /* a */
    CEDAR_OP_NEG, /* a */
    CEDAR_OP_EQ,
    CEDAR_OP_NE,
    CEDAR_OP_LT,
    CEDAR_OP_LE,
    CEDAR_OP_GT,
    CEDAR_OP_GE,
    CEDAR_OP_IN,
    CEDAR_OP_ADD,
    CEDAR_OP_SUB,
    CEDAR_OP_MUL,
    CEDAR_OP_CONTAINS,
    CEDAR_OP_CONTAINS_ALL,
    CEDAR_OP_CONTAINS_ANY,
    CEDAR_OP_IS_EMPTY, /* a */
    CEDAR_OP_HAS_TAG,
    CEDAR_OP_GET_TAG,
    CEDAR_OP_GET,      /* of, name: an attribute */
    CEDAR_OP_HAS,      /* of, name */
    CEDAR_OP_HAS_PATH, /* `a has b.c.d`: items[0] is a, names the n words, at least two */
    CEDAR_OP_LIKE,     /* of, pattern */
    CEDAR_OP_IS,       /* of, name: an entity type; in: or NULL */
    CEDAR_OP_SET,      /* items */
    CEDAR_OP_RECORD,   /* items, names */
    /* items, fn. The parsers take any number of arguments, as Cedar's do: where n is not that of
     * cedar_fn_info, the call fails when it is evaluated, and the validator refuses it. */
    CEDAR_OP_CALL,
};

enum cedar_var { CEDAR_PRINCIPAL = 0, CEDAR_ACTION, CEDAR_RESOURCE, CEDAR_CONTEXT };
enum cedar_slot { CEDAR_NO_SLOT = 0, CEDAR_SLOT_PRINCIPAL, CEDAR_SLOT_RESOURCE };

/* What `like` wants: literal texts with a star before, between or behind them. Never adjacent
 * stars, never adjacent or empty texts. */
struct cedar_pattern_part {
    bool star;
    struct slice text; /* when it is no star */
};
struct cedar_pattern {
    const struct cedar_pattern_part *parts;
    uint32_t n;
};

struct cedar_expr {
    enum cedar_op op;
    uint32_t offset; /* of its first byte in the text, or CEDAR_NOWHERE */
    union {
        struct cedar_value literal;
        enum cedar_var var;
        enum cedar_slot slot;
        struct {
            const struct cedar_expr *a, *b, *c;
        };
        struct {
            const struct cedar_expr *of;
            union {
                struct slice name;
                const struct cedar_pattern *pattern;
            };
            const struct cedar_expr *in;
        };
        struct {
            const struct cedar_expr *const *items; /* as written: a set may repeat itself */
            const struct slice *names;             /* of a record's fields, as written, each once */
            uint32_t n;
            enum cedar_fn fn;
            /* The value, where all items are constant and evaluation cannot fail; else NULL. Set
             * by cedar_finish, never by the readers. */
            const struct cedar_value *folded;
        };
    };
};

/* What the scope demands of principal, action or resource. */
enum cedar_match {
    CEDAR_NEVER = 0,
    CEDAR_ANY,     /* nothing */
    CEDAR_EQ,      /* == uid, or slot */
    CEDAR_IN,      /* in uid, or slot */
    CEDAR_IS,      /* is type */
    CEDAR_IS_IN,   /* is type in uid, or slot */
    CEDAR_IN_LIST, /* action in [...] */
};
struct cedar_scope {
    enum cedar_match match;
    enum cedar_slot slot; /* in a template: what stands for uid */
    struct slice type;
    struct cedar_uid uid; /* of a link: what the slot was given */
    const struct cedar_uid *list;
    uint32_t n_list;
    uint32_t offset; /* of the variable's word */
};

enum cedar_effect { CEDAR_EFFECT_FORBID = 0, CEDAR_EFFECT_PERMIT };

struct cedar_annotation {
    struct slice name, value;
    bool has_value; /* @name alone and @name("") mean the same, but are written differently */
    uint32_t offset;
};
struct cedar_condition {
    bool unless;
    const struct cedar_expr *body;
    uint32_t offset; /* of the word when or unless */
};

struct cedar_policy {
    enum cedar_effect effect;
    struct cedar_scope principal, action, resource;
    const struct cedar_condition *conditions; /* in order; the first that does not hold ends it */
    uint32_t n_conditions;
    uint32_t n_annotations;
    const struct cedar_annotation *annotations; /* in order, each name once */
    struct slice id;   /* "policy<position from 0>" in a text; the key in JSON; a link's own */
    struct slice name; /* the value of @id if there is one, else id; of a link: id */
    const struct cedar_policy *template; /* of a link; else NULL */
    struct cedar_place place;            /* of the first annotation, or of permit or forbid */
    uint32_t offset, end;                /* from there to behind the semicolon */
    bool is_template;                    /* has slots: only its links are evaluated */
};

/* The i-th of the expressions that this one is over, from 0, in the order of the text; NULL behind
 * the last. Whoever only looks at every expression of a tree needs no list of the operations.
 * Borrows: from the tree. */
const struct cedar_expr *cedar_expr_part(const struct cedar_expr *e, uint32_t i);

/* Between its two operands, before its one, or the name of its method: "&&", "!", "contains". NULL
 * where a text says it otherwise. */
const char *cedar_op_word(enum cedar_op op);
const char *cedar_var_name(enum cedar_var var);    /* "principal"; NULL beyond CEDAR_CONTEXT */
const char *cedar_slot_name(enum cedar_slot slot); /* "?principal"; of one that is a slot */

/* What a policy with these annotations and this id is called: see its member name. */
struct slice cedar_policy_name(const struct cedar_policy *policy);

/* NULL if there is none of this name. Borrows: from the policy. */
const struct cedar_annotation *cedar_annotation(const struct cedar_policy *policy,
                                                const char *name);

#endif
