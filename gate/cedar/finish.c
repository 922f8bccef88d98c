/* SPDX-License-Identifier: Apache-2.0 */
/* finish.c: what is done once to a complete policy set. */
#include "gate/cedar/index.h"
#include "gate/cedar/set.h"

#include <stdlib.h>

static void free_table(const struct cedar_policy ***table)
{
    free(*table);
}

static err_code check_ids(const struct cedar_policies *policies, struct why *why)
{
    CLEANUP(free_table) const struct cedar_policy **table = NULL;
    size_t size = 16;

    while (size < 2 * policies->n)
        size *= 2;
    table = calloc(size, sizeof(void *));
    if (table == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < policies->n; i++) {
        struct slice id = policies->list[i].id;
        size_t at = cedar_uid_of((struct slice){0}, id).hash & (size - 1);
        char shown[80];

        for (; table[at] != NULL; at = (at + 1) & (size - 1)) {
            if (!slice_eq(table[at]->id, id))
                continue;
            cedar_quote(id, shown, sizeof shown);
            return why_say(why, ERR_CEDAR_SYNTAX, "two policies have the id \"%s\"", shown);
        }
        table[at] = &policies->list[i];
    }
    return ERR_OK;
}

err_code cedar_finish(struct cedar_policies *policies, struct why *why)
{
    TRY(check_ids(policies, why));
    TRY(cedar_fold(policies));
    return cedar_index_make(policies);
}
