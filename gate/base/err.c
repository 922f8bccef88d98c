/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/err.h"

#include <stddef.h>
#include <string.h>

struct entry {
    err_code code;
    int exit;
    const char *name, *text, *hint;
};

#define X(name, number, exit, text, hint) {ERR_##name, exit, #name, text, hint},
static const struct entry ENTRIES[] = {ERR_LIST(X)};
#undef X

static const struct entry *find(err_code err)
{
    for (size_t i = 0; i < sizeof ENTRIES / sizeof *ENTRIES; i++)
        if (ENTRIES[i].code == err)
            return &ENTRIES[i];
    return find(ERR_INTERNAL);
}

const char *err_name(err_code err)
{
    return find(err)->name;
}

int err_exit(err_code err)
{
    return find(err)->exit;
}

const char *err_text(err_code err)
{
    return find(err)->text;
}

const char *err_hint(err_code err)
{
    return find(err)->hint;
}

err_code err_from_name(const char *name)
{
    for (size_t i = 0; i < sizeof ENTRIES / sizeof *ENTRIES; i++)
        if (strcmp(ENTRIES[i].name, name) == 0)
            return ENTRIES[i].code;
    return ERR_INTERNAL;
}
