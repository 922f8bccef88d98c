/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policies.h: a set of policies: read from text or JSON, written as text or JSON. A set is never
 * changed once it is made, so any number of threads may use it at once.
 *
 * Source: the Cedar policy grammar and JSON policy format (docs.cedarpolicy.com), and where these
 * leave something open (white space, escapes, trailing commas) the Rust implementation.
 */
#ifndef PAWL_CEDAR_POLICIES_H
#define PAWL_CEDAR_POLICIES_H

#include "gate/cedar/ast.h"

struct cedar_policies;

/* Reads a whole policy text: static policies and templates. Errors: CEDAR_SYNTAX, and the limits of
 * cedar.h; why says line:column, what was found and what was expected, and *where (may be NULL) is
 * that place. An empty text is a set without policies, which denies everything. Owns: the caller
 * frees *ret, which does not need the text any more. */
err_code cedar_parse(struct slice text, struct cedar_policies **ret, struct cedar_place *where,
                     struct why *why);

/* Reads JSON: a policy set {"staticPolicies", "templates", "templateLinks"}. Errors: JSON_MALFORMED
 * with line and column, CEDAR_SYNTAX naming the path of the member, the limits. Owns: the same. */
err_code cedar_parse_json(struct slice json, struct cedar_policies **ret, struct why *why);

/* The same for one policy or template, {"effect", "principal", ...}, which gets this id. */
err_code cedar_parse_json_policy(struct slice json, struct slice id, struct cedar_policies **ret,
                                 struct why *why);

/* Frees and nulls; accepts NULL inside. */
void cedar_free(struct cedar_policies **policies);

/* All policies, templates and links, in the order of the text or JSON. Borrows: until cedar_free.
 * NULL beyond the last. */
size_t cedar_count(const struct cedar_policies *policies);
const struct cedar_policy *cedar_at(const struct cedar_policies *policies, size_t i);
const struct cedar_policy *cedar_find(const struct cedar_policies *policies, struct slice id);

/* The text that a set was read from; empty if it was JSON. Borrows. */
struct slice cedar_source(const struct cedar_policies *policies);
/* The place of an offset in it; line 0 for CEDAR_NOWHERE. */
struct cedar_place cedar_place_at(const struct cedar_policies *policies, uint32_t offset);

/* A link of a template: a new set with one policy more. An entity for exactly the slots that the
 * template has. Errors: NOT_FOUND (no such template), EXISTS (the id is taken), CEDAR_SYNTAX (a
 * slot too few or too many). Owns: the caller frees *ret; policies stays as it is. */
struct cedar_link {
    struct slice template, id;
    const struct cedar_uid *principal, *resource; /* NULL: not given */
};
err_code cedar_link(const struct cedar_policies *policies, const struct cedar_link *link,
                    struct cedar_policies **ret, struct why *why);

/* Writes the set as JSON in the form of cedar_parse_json, without white space. Appends. */
err_code cedar_print_json(const struct cedar_policies *policies, struct buf *ret);
/* The same for one policy or template; a link has its entities where the template has slots. */
err_code cedar_print_json_policy(const struct cedar_policy *policy, struct buf *ret);

/* Writes the policies as text that reads back as the same policies in the same order. Links, which
 * the language cannot write, are left out. Error: CEDAR_SYNTAX where only JSON can say it. Appends.
 */
err_code cedar_print(const struct cedar_policies *policies, struct buf *ret);

/* Rewrites a policy text in the one form that pawl gives every policy, with its comments kept.
 * Formatting again changes nothing. Errors: those of cedar_parse. Appends. */
err_code cedar_format(struct slice text, struct buf *ret, struct cedar_place *where,
                      struct why *why);

#endif
