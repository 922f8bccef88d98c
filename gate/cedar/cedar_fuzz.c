/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_fuzz.c: any bytes as a policy text; what is accepted is judged, evaluated and linted. */
#include "gate/cedar/cedar.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

static struct cedar_answer answer;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
    CLEANUP(cedar_findings_free) struct cedar_findings findings = {0};
    struct cedar_place where = {0};
    struct why why = {0};
    struct cedar_request request = {{slice_str("U"), slice_str("a")},
                                    {slice_str("Action"), slice_str("a")},
                                    {slice_str("U"), slice_str("a")},
                                    NULL,
                                    0};
    bool permits = false;

    if (cedar_parse((struct slice){bytes, len}, &policies, &where, &why) != ERR_OK) {
        if (policies != NULL || why.text[0] == '\0' || where.line == 0 || where.offset > len)
            abort();
        return 0;
    }
    for (size_t i = 0; i < cedar_count(policies); i++) {
        permits = permits || cedar_at(policies, i)->effect == CEDAR_EFFECT_PERMIT;
        if (cedar_at(policies, i)->principal.match == CEDAR_EQ &&
            !cedar_entity_type_valid(cedar_at(policies, i)->principal.entity.type))
            abort();
    }
    if (cedar_evaluate(policies, &request, &answer) != ERR_OK ||
        (!permits && answer.decision == CEDAR_PERMIT) || cedar_lint(policies, &findings) != ERR_OK)
        abort();
    return 0;
}
