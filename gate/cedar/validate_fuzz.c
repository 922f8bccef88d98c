/* SPDX-License-Identifier: Apache-2.0 */
/* validate_fuzz.c: a schema, policies, entities and a context, with form feeds between them. What
 * the validator accepts does not fail for a reason that it excludes. */
#include "gate/cedar/authorize.h"
#include "gate/cedar/model.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>
#include <string.h>

static struct slice part(struct slice *rest)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->ptr, '\f', rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->ptr);
    struct slice first = slice_part(*rest, 0, len);

    *rest = slice_part(*rest, len + 1, rest->len - len - (end != NULL));
    return first;
}

static void check(const struct cedar_policies *policies, const struct cedar_entities *entities,
                  const struct cedar_request *request)
{
    CLEANUP(cedar_explanation_free) struct cedar_explanation explanation = {0};

    if (cedar_explain(policies, entities, request, &explanation) != ERR_OK)
        return;
    for (size_t i = 0; i < explanation.n; i++) {
        enum cedar_fault fault = explanation.list[i].fault;

        if (explanation.list[i].outcome == CEDAR_FAILED && fault != CEDAR_FAULT_ENTITY &&
            fault != CEDAR_FAULT_OVERFLOW && fault != CEDAR_FAULT_EXTENSION)
            abort();
    }
}

/* The first environment of each action; every entity is called "a". */
static void check_all(const struct cedar_schema *schema, const struct cedar_policies *policies,
                      const struct cedar_entities *entities, struct cedar_value context)
{
    struct slice id = slice_str("a");

    for (size_t i = 0; i < schema->n_actions; i++)
        if (cedar_entities_find(entities, &schema->actions[i].uid) == NULL)
            return; /* what an action is in is known to the validator, and must be to the store */
    for (size_t i = 0; i < schema->n_actions && i < 16; i++) {
        const struct cedar_action_type *action = &schema->actions[i];

        for (uint32_t k = 0; k < action->n_principals && k < action->n_resources && k < 16; k++) {
            struct cedar_request request = {cedar_uid_of(action->principals[k], id), action->uid,
                                            cedar_uid_of(action->resources[k], id), context};

            if (cedar_validate_request(schema, &request, NULL) == ERR_OK)
                check(policies, entities, &request);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(cedar_schema_free) struct cedar_schema *schema = NULL;
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
    CLEANUP(cedar_entities_free) struct cedar_entities *entities = NULL;
    CLEANUP(cedar_owned_free) struct cedar_owned_value *context = NULL;
    CLEANUP(cedar_findings_free) struct cedar_findings findings = {0};
    struct slice rest = {bytes, len};
    struct why why = {0};

    if (cedar_schema_parse(part(&rest), &schema, NULL, &why) != ERR_OK ||
        cedar_parse(part(&rest), &policies, NULL, &why) != ERR_OK ||
        cedar_validate(schema, policies, &findings) != ERR_OK)
        return 0;
    for (size_t i = 0; i < findings.n; i++)
        if (findings.list[i].level == CEDAR_ERROR)
            return 0;
    if (cedar_entities_parse(part(&rest), &entities, &why) == ERR_OK &&
        cedar_value_parse(rest, &context, &why) == ERR_OK &&
        cedar_validate_entities(schema, entities, &why) == ERR_OK)
        check_all(schema, policies, entities, cedar_owned(context));
    return 0;
}
