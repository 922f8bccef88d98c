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
#include "gate/cedar/lint.h"
#include "gate/cedar/policies.h"

struct cedar_schema;

/* Reads the human syntax. Errors: CEDAR_SCHEMA with line:column (also *where, may be NULL), the
 * limits of cedar.h. Owns: the caller frees *ret, which does not need the text any more. */
err_code cedar_schema_parse(struct slice text, struct cedar_schema **ret, struct cedar_place *where,
                            struct why *why);
/* Reads the JSON syntax. Errors: JSON_MALFORMED, CEDAR_SCHEMA naming the path of the member. */
err_code cedar_schema_parse_json(struct slice json, struct cedar_schema **ret, struct why *why);
void cedar_schema_free(struct cedar_schema **schema);

/* True if the context of an action may hold this attribute and, unless member is empty, if that is
 * a record which may hold this member. False for an action that the schema does not have. */
bool cedar_schema_context_has(const struct cedar_schema *schema, const struct cedar_uid *action,
                              struct slice attribute, struct slice member);

/* Strict validation of every policy and template. Each violation is a finding of level
 * CEDAR_ERROR with its place. Valid: *ret has no such finding. Error: NO_MEMORY. Owns: the caller
 * frees *ret with cedar_findings_free. */
err_code cedar_validate(const struct cedar_schema *schema, const struct cedar_policies *policies,
                        struct cedar_findings *ret);

/* Error: CEDAR_INVALID, and why names the entity, what was found and what the schema says. */
err_code cedar_validate_entities(const struct cedar_schema *schema,
                                 const struct cedar_entities *entities, struct why *why);
err_code cedar_validate_request(const struct cedar_schema *schema,
                                const struct cedar_request *request, struct why *why);

#endif
