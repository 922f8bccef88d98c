/* SPDX-License-Identifier: Apache-2.0 */
/* answer_json.h: what a caller is told of a decision: the member "context" of an AuthZEN answer
 * (OpenID AuthZEN Authorization API 1.0, 5.5). */
#ifndef PAWL_DECIDE_ANSWER_JSON_H
#define PAWL_DECIDE_ANSWER_JSON_H

#include "gate/decide/scribe.h"

#include <jansson.h>

/* Of a decision that is on record: reason, why, stage, epoch, snapshot, policies, determining,
 * evaluation_id, ledger, simulated; checked_ms_ago where @freshness gives a window. NULL: no
 * memory. Owns: json_decref(). */
json_t *answer_context(const struct gate *gate, const struct answer *answer,
                       const struct docket *docket);

/* Of what came to no decision: reason, why, stage. The same. */
json_t *answer_refusal(err_code err, const struct why *why);

/* Where a request got to: "request", "policy", "hardware" or "ledger"; by the exit code. Borrows:
 * static storage. */
const char *answer_stage(err_code reason);

/* A value as JSON text, ended by a zero; flags: of json_dumps(), which writes on where it had no
 * memory for a name. NULL: no memory. Owns: free(). */
char *answer_json_text(const json_t *json, size_t flags);

#endif
