/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cedar.h: the Cedar policy language, as far as pawl evaluates it: permit and forbid over the whole
 * scope grammar. What else Cedar has (when, unless, templates) is refused by name, never skipped,
 * so that a policy means here what it means to every other Cedar implementation, or nothing.
 *
 * Source: the Cedar policy grammar and authorization semantics (docs.cedarpolicy.com), and where
 * these leave something open (white space, escapes, trailing commas) the Rust implementation.
 */
#ifndef PAWL_CEDAR_CEDAR_H
#define PAWL_CEDAR_CEDAR_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"

#define CEDAR_TEXT_MAX ((size_t)256 * 1024) /* bytes of one policy text */
#define CEDAR_POLICIES_MAX 4096             /* policies in it */
#define CEDAR_LIST_MAX 1024                 /* entities in one action list */
#define CEDAR_NAME_MAX 256                  /* bytes of a type with its namespaces */
#define CEDAR_STRING_MAX 4096               /* bytes of an entity's id, unescaped */
#define CEDAR_ID_MAX 256                    /* bytes of an @id */
#define CEDAR_PARENTS_MAX 4096              /* edges of a hierarchy */

/* A place in the text, counted from 1; columns are characters, not bytes. Line 0: nowhere. */
struct cedar_place {
    size_t offset; /* bytes from the beginning */
    unsigned line, column;
};

/* Type::"id". The type is in its normal form, without blanks around "::". */
struct cedar_entity {
    struct slice type, id;
};
bool cedar_entity_eq(const struct cedar_entity *a, const struct cedar_entity *b);

/* What the scope demands of principal, action or resource. */
enum cedar_match {
    CEDAR_NEVER = 0,
    CEDAR_ANY,     /* nothing */
    CEDAR_EQ,      /* == entity */
    CEDAR_IN,      /* in entity */
    CEDAR_IS,      /* is type */
    CEDAR_IS_IN,   /* is type in entity */
    CEDAR_IN_LIST, /* action in [...] */
};
struct cedar_scope {
    enum cedar_match match;
    struct slice type;
    struct cedar_entity entity;
    const struct cedar_entity *list;
    size_t n_list;
};

enum cedar_effect { CEDAR_EFFECT_FORBID = 0, CEDAR_EFFECT_PERMIT };

struct cedar_policy {
    enum cedar_effect effect;
    struct cedar_scope principal, action, resource;
    struct slice id; /* of @id, or "policy<position from 0>" */
    bool has_id;
    struct slice description; /* of @description, or empty */
    struct cedar_place place; /* of the word permit or forbid */
};

struct cedar_policies;

/* Reads a whole policy text. Errors: CEDAR_SYNTAX, CEDAR_UNSUPPORTED, CEDAR_ANNOTATION, TOO_LARGE;
 * why says line:column, what was found and what was expected, and *where (may be NULL) is that
 * place. An empty text is a set without policies, which denies everything. Owns: the caller frees
 * *ret, which does not need the text any more. */
err_code cedar_parse(struct slice text, struct cedar_policies **ret, struct cedar_place *where,
                     struct why *why);

/* Frees and nulls; accepts NULL inside. */
void cedar_free(struct cedar_policies **policies);

/* The policies in the order of the text. Borrows: until cedar_free. NULL beyond the last. */
size_t cedar_count(const struct cedar_policies *policies);
const struct cedar_policy *cedar_at(const struct cedar_policies *policies, size_t i);

/* child is directly in parent. */
struct cedar_parent {
    struct cedar_entity child, parent;
};

struct cedar_request {
    struct cedar_entity principal, action, resource;
    const struct cedar_parent *parents; /* "in" is their reflexive and transitive closure */
    size_t n_parents;
};

enum cedar_decision { CEDAR_DENY = 0, CEDAR_PERMIT };

/* The decision and the policies that determined it, by position in ascending order: every satisfied
 * forbid if there is one, otherwise every satisfied permit. */
struct cedar_answer {
    enum cedar_decision decision;
    size_t n_reasons;
    uint16_t reasons[CEDAR_POLICIES_MAX];
};

/* Permits if some permit is satisfied and no forbid is. The cost grows with the policies and, where
 * a hierarchy is given, with its edges times the ancestors. Errors: REQUEST_MALFORMED when a type
 * is empty, TOO_LARGE, NO_MEMORY; then ret says DENY without reasons. */
err_code cedar_evaluate(const struct cedar_policies *policies, const struct cedar_request *request,
                        struct cedar_answer *ret);

/* True if this is a type in its normal form: identifiers joined by "::", none of them reserved. */
bool cedar_entity_type_valid(struct slice type);

enum cedar_level { CEDAR_NOTE = 0, CEDAR_WARNING, CEDAR_ERROR };

struct cedar_finding {
    enum cedar_level level;
    const char *code; /* stable name, such as "NEVER_PERMITS": pawl-policy(1) lists them */
    struct cedar_place place;
    char text[256]; /* one sentence, printable ASCII */
};
struct cedar_findings {
    struct cedar_finding *list;
    size_t n, cap;
};

/* What a careful reader would remark on policies that parse: first on the whole, then policy by
 * policy in the order of the text; the same place may have several. Error: NO_MEMORY. Owns: the
 * caller frees *ret. */
err_code cedar_lint(const struct cedar_policies *policies, struct cedar_findings *ret);
void cedar_findings_free(struct cedar_findings *findings);
const char *cedar_level_name(enum cedar_level level); /* "note", "warning", "error" */

/* Text of others as printable ASCII: everything else as \u{hex}, cut with "..." at the size. */
void cedar_quote(struct slice bytes, char *ret, size_t size);

#endif
