/* SPDX-License-Identifier: Apache-2.0 */
/* schema_context.c: what a schema declares of an action's context. */
#include "gate/cedar/model.h"

static const struct cedar_type *attribute(const struct cedar_type *record, struct slice name)
{
    for (uint32_t i = 0; record->kind == CEDAR_TYPE_RECORD && i < record->n; i++)
        if (slice_eq(record->attrs[i].name, name))
            return record->attrs[i].type;
    return NULL;
}

bool cedar_schema_context_has(const struct cedar_schema *schema, const struct cedar_uid *action,
                              struct slice attr, struct slice member)
{
    const struct cedar_action_type *declared = cedar_schema_action(schema, action);
    const struct cedar_type *type = NULL;

    if (declared != NULL)
        type = attribute(declared->context, attr);
    if (type == NULL || member.len == 0)
        return type != NULL;
    return attribute(type, member) != NULL;
}
