/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h: what a policy object decides with: its Cedar policies and, where it names them, the
 * schema that these and every request must fit, and entities that the authority vouches for:
 * groups of agents, trees of resources.
 */
#ifndef PAWL_POLICY_RULES_H
#define PAWL_POLICY_RULES_H

#include "gate/cedar/schema.h"

#define RULES_TEXT_MAX ((size_t)256 * 1024) /* bytes of each of the three */

/* As signed. Borrowed. */
struct rules_text {
    struct slice policies; /* Cedar policy text */
    struct slice schema;   /* Cedar schema, as text or JSON */
    struct slice entities; /* Cedar entities JSON */
    bool has_schema, has_entities;
};

/* As read. Nothing in it changes any more. */
struct rules {
    struct cedar_policies *policies;
    struct cedar_schema *schema;    /* NULL: none, so nothing is validated */
    struct cedar_entities *vouched; /* the entities as signed; NULL: none */
    struct cedar_entities *actions; /* the schema's actions over them; NULL without a schema */
};

/* What decisions are made with. Borrows: until rules_free; NULL: no entities. */
const struct cedar_entities *rules_entities(const struct rules *rules);

/* Error: TOO_LARGE. */
err_code rules_text_check(const struct rules_text *text, struct why *why);

/* Reads all parts as a gate must be able to: what it refuses is neither signed nor installed.
 * Policies and entities must fit the schema if there is one. Errors: CEDAR_SYNTAX,
 * CEDAR_ANNOTATION, CEDAR_UNSUPPORTED (a template), CEDAR_SCHEMA, CEDAR_INVALID, JSON_MALFORMED,
 * CEDAR_ENTITY, and the limits of gate/cedar/cedar.h; why says which part. Owns: rules_free(). */
err_code rules_load(const struct rules_text *text, struct rules **ret, struct why *why);
void rules_free(struct rules **rules);

#endif
