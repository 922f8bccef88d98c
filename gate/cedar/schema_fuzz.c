/* SPDX-License-Identifier: Apache-2.0 */
/* schema_fuzz.c: any bytes as a schema, of both syntaxes; what is read is in order. */
#include "gate/cedar/model.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

static void check(const struct cedar_schema *schema)
{
    for (size_t i = 0; i < schema->n_entities; i++)
        if (cedar_schema_entity(schema, schema->entities[i].name) != &schema->entities[i] ||
            schema->entities[i].attrs->kind != CEDAR_TYPE_RECORD)
            abort();
    for (size_t i = 0; i < schema->n_actions; i++)
        if (cedar_schema_action(schema, &schema->actions[i].uid) != &schema->actions[i] ||
            schema->actions[i].context->kind != CEDAR_TYPE_RECORD)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(cedar_schema_free) struct cedar_schema *text = NULL;
    CLEANUP(cedar_schema_free) struct cedar_schema *json = NULL;
    struct slice all = {bytes, len};
    struct cedar_place where = {0};
    struct why why = {0};

    if (cedar_schema_parse(all, &text, &where, &why) == ERR_OK)
        check(text);
    else if (text != NULL || why.text[0] == '\0' || where.line == 0 || where.offset > len)
        abort();
    why = (struct why){0};
    if (cedar_schema_parse_json(all, &json, &why) == ERR_OK)
        check(json);
    else if (json != NULL || why.text[0] == '\0')
        abort();
    return 0;
}
