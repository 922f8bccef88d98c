/* SPDX-License-Identifier: Apache-2.0 */
/* agent.h: an agent that is enrolled, as a decision and as JSON. */
#ifndef PAWL_DECIDE_AGENT_H
#define PAWL_DECIDE_AGENT_H

#include "gate/decide/evaluate.h"
#include "gate/ledger/roster.h"

#include <jansson.h>

/* What a decision needs of it. Returns ret, or NULL for NULL, which is nobody. Borrows: as
 * enrolled. */
const struct agent_facts *agent_facts_of(const struct enrolled *enrolled, struct agent_facts *ret);

/* {"id", "name", "uid", "cgroup", "zone", "parent", "aliases": [], "since" (RFC 3339), "admin" (a
 * uid), "ledger_index"}; what there is not is left out. NULL: no memory. Owns: json_decref(). */
json_t *agent_json(const struct enrolled *enrolled);

/* The first six of that and "aliases", of which all but "id" may be missing, as somebody who is
 * uid admin asks for them. Error: REQUEST_MALFORMED naming the member. What no record can say is
 * found by scribe_enrol(). Borrows: from json. */
err_code agent_from_json(json_t *json, uint64_t admin, struct record_agent *ret, struct why *why);

#endif
