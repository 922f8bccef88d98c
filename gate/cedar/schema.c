/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/schema.h"

#include "gate/cedar/schema_tree.h"

#include <string.h>

static err_code check_size(struct slice text, struct why *why)
{
    if (text.len <= CEDAR_TEXT_MAX)
        return ERR_OK;
    return why_say(why, ERR_CEDAR_TEXT_SIZE, "a schema of %zu bytes, the limit is %zu", text.len,
                   CEDAR_TEXT_MAX);
}

err_code cedar_schema_parse(struct slice text, struct cedar_schema **ret, struct cedar_place *where,
                            struct why *why)
{
    CLEANUP(cedar_tree_free)
    struct cedar_tree tree = {.text = text, .where = where, .why = why};

    if (where != NULL)
        *where = (struct cedar_place){.line = 1, .column = 1};
    TRY(check_size(text, why));
    TRY(cedar_tree_read_text(&tree));
    return cedar_tree_resolve(&tree, ret);
}

err_code cedar_schema_parse_json(struct slice json, struct cedar_schema **ret, struct why *why)
{
    CLEANUP(cedar_tree_free) struct cedar_tree tree = {.text = json, .why = why};

    TRY(check_size(json, why));
    TRY(cedar_json_parse(json, &tree.arena, &tree.json, why));
    TRY(cedar_tree_read_json(&tree));
    return cedar_tree_resolve(&tree, ret);
}

static bool begins_as_json(struct slice text)
{
    size_t i = 0;

    while (i < text.len && memchr(" \t\r\n", text.ptr[i], 4) != NULL)
        i++;
    return i < text.len && text.ptr[i] == '{';
}

err_code cedar_schema_read(struct slice text, struct cedar_schema **ret, struct cedar_place *where,
                           struct why *why)
{
    if (begins_as_json(text))
        return cedar_schema_parse_json(text, ret, why);
    return cedar_schema_parse(text, ret, where, why);
}
