/* SPDX-License-Identifier: Apache-2.0 */
/* agent_fuzz.c: any bytes as the JSON of an agent; what is accepted comes out of the roster again.
 */
#include "gate/decide/agent.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(enrolled_free) struct enrolled *enrolled = NULL;
    json_t *json = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, NULL), *again;
    struct record_agent agent;

    if (agent_from_json(json, 0, &agent, NULL) == ERR_OK) {
        if (agent.id.len == 0 || agent.n_aliases > RECORD_ALIASES_MAX ||
            agent.uid > RECORD_UID_MAX || enrolled_make(&agent, 0, 0, &enrolled) != ERR_OK)
            abort();
        again = agent_json(enrolled);
        if (again == NULL)
            abort();
        json_decref(again);
    }
    json_decref(json);
    return 0;
}
