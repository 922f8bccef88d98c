/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policy_convert.c: pawl policy convert: between Cedar's text and its JSON. */
#include "gate/base/file.h"
#include "gate/cedar/policies.h"
#include "gate/cli/verbs.h"

#include <string.h>

/* No Cedar text begins with a brace. */
static bool is_json(struct slice text)
{
    size_t i = 0;

    while (i < text.len && strchr(" \t\r\n", text.ptr[i]) != NULL)
        i++;
    return i < text.len && text.ptr[i] == '{';
}

static err_code to_text(struct call *call, struct slice json)
{
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
    CLEANUP(buf_free) struct buf out = {0};

    TRY(cedar_parse_json(json, &policies, &call->why));
    TRY(cedar_print(policies, &out));
    put_slice(call->json, "text", buf_slice(&out));
    return buf_add_slice(&call->text, buf_slice(&out));
}

static err_code to_json(struct call *call, struct slice text)
{
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
    CLEANUP(buf_free) struct buf out = {0};
    json_t *value;

    TRY(cedar_parse(text, &policies, NULL, &call->why));
    TRY(cedar_print_json(policies, &out));
    value =
        json_loadb((const char *)out.ptr, out.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (value == NULL || json_object_set_new(call->json, "policies", value) != 0)
        return why_say(&call->why, ERR_UNSUPPORTED,
                       "the policies hold a name with U+0000, which is not printed here");
    TRY(buf_add_slice(&call->text, buf_slice(&out)));
    return buf_add_str(&call->text, "\n");
}

static err_code run(struct call *call)
{
    CLEANUP(buf_free) struct buf text = {0};
    const char *file = call->args->plain[0];

    TRY(file_read(file, CEDAR_TEXT_MAX, &text, &call->why));
    if (is_json(buf_slice(&text)))
        return in_file(call, to_text(call, buf_slice(&text)), file);
    return in_file(call, to_json(call, buf_slice(&text)), file);
}

const struct verb VERB_POLICY_CONVERT = {
    .name = "policy convert",
    .arguments = "FILE | -",
    .summary = "print a Cedar text as Cedar's policy JSON, or such JSON as a text",
    .details = "Links of templates, which a text cannot say, are left out of it.",
    .opts = NO_OPTIONS,
    .least = 1,
    .most = 1,
    .run = run,
};
