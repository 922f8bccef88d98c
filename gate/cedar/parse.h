/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse.h: what the parts of the policy parser share. Private to gate/cedar. The parser reads by
 * recursive descent with one word of look-ahead; whatever it makes lies in the arena of the set.
 *
 *     parse.c        policies, annotations, conditions
 *     parse_scope.c  what stands in the parentheses behind permit and forbid
 *     parse_expr.c   operators
 *     parse_item.c   what operators are applied to
 *     parse_word.c   words, names, strings, and refusals
 */
#ifndef PAWL_CEDAR_PARSE_H
#define PAWL_CEDAR_PARSE_H

#include "gate/cedar/lex.h"
#include "gate/cedar/set.h"

/* One element of a list that is being read; which members count depends on the list. */
struct cedar_item {
    union {
        const struct cedar_expr *expr;
        const struct cedar_uid *uid;
        const struct cedar_annotation *annotation;
    };
    struct slice name;
    uint32_t offset;
    bool unless;
};

struct cedar_parser {
    struct cedar_lex lex;
    struct cedar_token token; /* the word that is to be read next */
    size_t end;               /* behind the last word that was read */
    struct cedar_policies *out;
    struct cedar_item *items; /* of all lists that are being read, the innermost last */
    size_t n_items, cap_items;
    unsigned depth; /* expressions within each other that are being read */
    struct cedar_place where;
    struct why *why;
};

/* ---- words and refusals ---- */

/* Refuses with "line:column: " and a sentence. Returns code. */
[[gnu::format(printf, 4, 5)]] err_code cedar_parse_refuse(struct cedar_parser *p,
                                                          const struct cedar_place *place,
                                                          err_code code, const char *format, ...);
/* The same for a place in what was read already. */
struct cedar_place cedar_parse_place(const struct cedar_parser *p, uint32_t offset);
/* CEDAR_SYNTAX: "found <the next word>, expected <expected>". */
err_code cedar_parse_unexpected(struct cedar_parser *p, const char *expected);
err_code cedar_parse_no_memory(struct cedar_parser *p);

struct cedar_token cedar_parse_take(struct cedar_parser *p);
uint32_t cedar_parse_offset(const struct cedar_parser *p); /* of the next word */
bool cedar_parse_at(const struct cedar_parser *p, const char *word);
err_code cedar_parse_expect(struct cedar_parser *p, enum cedar_token_kind kind,
                            const char *expected);

/* The value of the string that is the next word. */
err_code cedar_parse_string(struct cedar_parser *p, struct slice *ret);
/* An identifier that may name a type, a function or an attribute: not reserved. */
err_code cedar_parse_ident(struct cedar_parser *p, const char *expected, struct slice *ret);
/* IDENT {"::" IDENT} ["::" STRING]. */
struct cedar_path {
    struct slice type; /* in its normal form */
    struct slice id;
    bool has_id;
};
err_code cedar_parse_path(struct cedar_parser *p, const char *expected, struct cedar_path *ret);
/* The same without the string. */
err_code cedar_parse_type(struct cedar_parser *p, struct slice *ret);

/* Adds an element to the innermost list, which began when n_items was base. Error: CEDAR_LIST_SIZE
 * at the place of the element. */
err_code cedar_parse_push(struct cedar_parser *p, size_t base, const struct cedar_item *item);
/* CEDAR_SYNTAX where a name of the list stands for the second time. */
err_code cedar_parse_distinct(struct cedar_parser *p, size_t base, const char *what);

/* ---- parts ---- */

err_code cedar_parse_scope(struct cedar_parser *p, struct cedar_policy *policy);

/* A part of an expression, how high its tree is, and where it begins, parentheses included. */
struct cedar_parsed {
    struct cedar_expr *expr;
    unsigned height;
    uint32_t start;
};
err_code cedar_parse_expr(struct cedar_parser *p, struct cedar_parsed *ret);
/* A literal, a name, a call, or something in brackets; and what is accessed of it. */
err_code cedar_parse_member(struct cedar_parser *p, struct cedar_parsed *ret);
err_code cedar_parse_access(struct cedar_parser *p, struct cedar_parsed *ret);

/* Makes ret the operation over parts of which the highest has this height. Errors: NO_MEMORY,
 * CEDAR_NESTING. */
err_code cedar_parse_make(struct cedar_parser *p, enum cedar_op op, uint32_t start,
                          unsigned height_below, struct cedar_parsed *ret);
/* Digits as a number of at most max. */
err_code cedar_parse_number(struct cedar_parser *p, uint64_t max, uint64_t *ret);

#endif
