/* SPDX-License-Identifier: Apache-2.0 */
/* entities_fuzz.c: any bytes as entities, and as a value, which reads back as it is written. */
#include "gate/cedar/entities.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

static void check_value(struct slice json)
{
    CLEANUP(cedar_owned_free) struct cedar_owned_value *owned = NULL, *again = NULL;
    CLEANUP(buf_free) struct buf written = {0};
    struct cedar_value a, b;

    if (cedar_value_parse(json, &owned, NULL) != ERR_OK)
        return;
    a = cedar_owned(owned);
    if (cedar_value_json(&a, &written) != ERR_OK)
        return; /* a record that looks like an escape */
    if (cedar_value_parse(buf_slice(&written), &again, NULL) != ERR_OK ||
        (b = cedar_owned(again), !cedar_value_eq(&a, &b)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(cedar_entities_free) struct cedar_entities *store = NULL;
    const struct cedar_entity *e;

    check_value((struct slice){bytes, len});
    if (cedar_entities_parse((struct slice){bytes, len}, &store, NULL) != ERR_OK)
        return 0;
    for (size_t i = 0; (e = cedar_entities_at(store, i)) != NULL; i++)
        for (uint32_t k = 0; k < e->n_ancestors; k++)
            if (!cedar_entity_in(store, &e->uid, e->ancestors[k]) ||
                cedar_entity_in(store, e->ancestors[k], &e->uid))
                abort();
    return 0;
}
