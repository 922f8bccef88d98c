/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.h: schemas in both syntaxes, and the strict validator: a policy that it accepts does not
 * fail with a type error on entities and requests that it accepts.
 *
 * Source: Cedar.Validation of the Lean model; the human schema grammar and the JSON schema format
 * (docs.cedarpolicy.com); name resolution as RFC 24 and RFC 70 of cedar-policy/rfcs.
 */
#ifndef PAWL_CEDAR_SCHEMA_H
#define PAWL_CEDAR_SCHEMA_H

#include "gate/cedar/entities.h"
#include "gate/cedar/findings.h"
#include "gate/cedar/policies.h"

struct cedar_schema;

/* Reads the human syntax. Errors: CEDAR_SCHEMA with line:column (also *where, may be NULL), the
 * limits of cedar.h. Owns: the caller frees *ret, which does not need the text any more. */
err_code cedar_schema_parse(struct slice text, struct cedar_schema **ret, struct cedar_place *where,
                            struct why *why);
/* Reads the JSON syntax. Errors: JSON_MALFORMED, CEDAR_SCHEMA naming the path of the member. */
err_code cedar_schema_parse_json(struct slice json, struct cedar_schema **ret, struct why *why);
/* Reads either: JSON if the first character that is no white space is a brace, with which no schema
 * in the human syntax begins. Of what is wrong in JSON, *where is not told, but why begins with it.
 */
err_code cedar_schema_read(struct slice text, struct cedar_schema **ret, struct cedar_place *where,
                           struct why *why);
void cedar_schema_free(struct cedar_schema **schema);

/* True if the context of an action may hold this attribute and, unless member is empty, if that is
 * a record which may hold this member. False for an action that the schema does not have. */
bool cedar_schema_context_has(const struct cedar_schema *schema, const struct cedar_uid *action,
                              struct slice attribute, struct slice member);

/* Strict validation of every policy and template: each is checked for every action, and every type
 * of principal and resource, that the schema allows and its scope admits. Each violation is a
 * finding of level CEDAR_ERROR with its place, made once for each place:
 *
 *     UNKNOWN_TYPE        an entity type that the schema does not have
 *     UNKNOWN_ACTION      an action that the schema does not have
 *     UNKNOWN_ID          an entity of an enumeration that does not list it
 *     UNKNOWN_ATTRIBUTE   an attribute that the type does not have
 *     UNSAFE_ATTRIBUTE    an optional attribute is read, and `has` has not been asked
 *     UNSAFE_TAG          a tag is read, and `hasTag` has not been asked
 *     NO_TAGS             a tag is read of a type that has none
 *     UNEXPECTED_TYPE     an operand of another type than the operator takes
 *     INCOMPATIBLE_TYPES  two operands, elements or branches that must be of one type are not
 *     EMPTY_SET           [], which has no type
 *     ARGUMENT_COUNT      an extension function with too few or too many arguments
 *     NOT_LITERAL         ip(...) and its like with an argument that is computed
 *     BAD_LITERAL         ip(...) and its like with a text that is none
 *
 * A valid policy may still have a finding of level CEDAR_WARNING: NEVER_APPLIES, no request that
 * the schema allows satisfies it.
 *
 * Valid: *ret has no CEDAR_ERROR. There are at most 16 of one policy, and no policy is looked at
 * after the first thousand; warnings end after a thousand findings. Errors: CEDAR_STEPS
 * (CEDAR_CHECK_MAX is used up: policies times actions times types are too many), NO_MEMORY. Owns:
 * the caller frees *ret with cedar_findings_free. */
err_code cedar_validate(const struct cedar_schema *schema, const struct cedar_policies *policies,
                        struct cedar_findings *ret);

/* What the policies were validated for. Actions of the schema that are not in the store are no
 * violation, but see cedar_schema_actions. Of a store over another one, only its own entities are
 * looked at. Errors: CEDAR_INVALID, and why names the entity or the part of the request, what was
 * found and what the schema says; CEDAR_STEPS. */
err_code cedar_validate_entities(const struct cedar_schema *schema,
                                 const struct cedar_entities *entities, struct why *why);
err_code cedar_validate_request(const struct cedar_schema *schema,
                                const struct cedar_request *request, struct why *why);

/* A store of the actions of the schema and what they are in; look-ups go on in base (may be NULL),
 * whose own actions must have been validated. The validator takes it for granted that decisions
 * are made with it: a part of a policy may be valid only because `action in ...` switches it off.
 * Borrows: schema and base. Error: NO_MEMORY. Owns: the caller frees *ret. */
err_code cedar_schema_actions(const struct cedar_schema *schema, const struct cedar_entities *base,
                              struct cedar_entities **ret);

#endif
