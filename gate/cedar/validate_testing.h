/* SPDX-License-Identifier: Apache-2.0 */
/* validate_testing.h: schemas and what is validated against them, from texts in which ' stands for
 * ", and the outcome as one line. For tests only. */
#ifndef PAWL_CEDAR_VALIDATE_TESTING_H
#define PAWL_CEDAR_VALIDATE_TESTING_H

#include "gate/cedar/schema.h"

/* The test fails where the text is refused. */
struct cedar_schema *validate_schema(const char *text);

#define VALIDATE_LINE 2048
/* The findings, joined by ", ": "12 UNKNOWN_TYPE" for column 12 of the line `line` of the policies,
 * "3:12 UNKNOWN_TYPE" for another line, "NEVER_APPLIES" for warnings. */
void validate_line(const char *schema, const char *policies, unsigned line,
                   char ret[static VALIDATE_LINE]);
/* The sentence of the first finding; empty if there is none. */
void validate_text(const char *schema, const char *policies, char ret[static VALIDATE_LINE]);
/* The sentence of the refusal; empty if they are valid. */
void validate_entities_text(const char *schema, const char *json, char ret[static VALIDATE_LINE]);
/* names: principal, action and resource as Type::id, without quotes. */
void validate_request_text(const char *schema, const char *const names[3], const char *context,
                           char ret[static VALIDATE_LINE]);

#endif
