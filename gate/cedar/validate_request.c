/* SPDX-License-Identifier: Apache-2.0 */
/* validate_request.c: a request against the action that it names. */
#include "gate/cedar/conform.h"

static err_code check_side(struct cedar_conform *c, const struct cedar_uid *uid, const char *side)
{
    c->subject = side;
    if (cedar_type_is_action(uid->type))
        return why_say(c->why, ERR_CEDAR_INVALID, "%s: an action cannot be it", side);
    return cedar_conform_uid(c, uid);
}

static err_code check_applies(struct cedar_conform *c, const struct cedar_action_type *action,
                              const struct cedar_request *request)
{
    bool principal =
        cedar_names_have(action->principals, action->n_principals, request->principal.type);
    char name[CEDAR_UID_TEXT], type[96];

    if (principal &&
        cedar_names_have(action->resources, action->n_resources, request->resource.type))
        return ERR_OK;
    cedar_uid_text(&action->uid, name);
    cedar_quote(principal ? request->resource.type : request->principal.type, type, sizeof type);
    return why_say(c->why, ERR_CEDAR_INVALID, "action %s does not apply to a %s of type %s", name,
                   principal ? "resource" : "principal", type);
}

static err_code check_request(struct cedar_conform *c, const struct cedar_request *request)
{
    const struct cedar_action_type *action = cedar_schema_action(c->schema, &request->action);
    char name[CEDAR_UID_TEXT];

    if (action == NULL) {
        cedar_uid_text(&request->action, name);
        return why_say(c->why, ERR_CEDAR_INVALID, "the schema has no action %s", name);
    }
    TRY(check_side(c, &request->principal, "principal"));
    TRY(check_side(c, &request->resource, "resource"));
    TRY(check_applies(c, action, request));
    c->subject = "context";
    return cedar_conform_value(c, &request->context, action->context);
}

err_code cedar_validate_request(const struct cedar_schema *schema,
                                const struct cedar_request *request, struct why *why)
{
    struct cedar_conform c = {.schema = schema, .work = cedar_work_make(), .why = why};
    err_code err = check_request(&c, request);

    if (err == ERR_CEDAR_STEPS)
        return why_say(why, err, "the context is too large to be validated");
    return err;
}
